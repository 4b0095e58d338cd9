//! Reads the wire buffer, in which the facade passes a payload and its options without V8 strings, and wipes it
//! afterwards.
//!
//! A record is a tag (1 byte), the lengths of name and value (4 bytes each, little-endian), the name, the value.

use std::borrow::Cow;
use std::sync::Arc;

use napi::bindgen_prelude::BufferSlice;
use napi_derive::napi;
use zeroize::Zeroize;

use crate::credential::CredentialOwner;
use crate::credential::payload::{self, Input, MAX_JSON_BYTES, MAX_PATH, MAX_USER_ENV_KEYS, Payload};
use crate::environment::EnvRequest;
use crate::error::{Error, ErrorCode, Result};
use crate::provider::PayloadField;
use crate::secret::Secret;

macro_rules! wire_tags {
    ($($tag:ident,)*) => {
        /// What a record of the wire buffer says. The name in it is a variable's or a provider's, and of `NoField` an
        /// option's that is in the payload. `Base` is a variable of this process that every environment has, `Inherit`
        /// one that is requested, `InheritAbsent` one that is requested but not set. `PayloadPath` is the next member on the way
        /// to the payload.
        #[napi]
        pub enum WireTag {
            $($tag,)*
        }

        impl WireTag {
            /// By their numbers, which begin at 0.
            const ALL: &[Self] = &[$(Self::$tag,)*];
        }
    };
}

wire_tags! {
    Provider,
    ApiKey,
    OauthAccessToken,
    SessionCookie,
    UserEnvKey,
    Base,
    Inherit,
    InheritAbsent,
    Set,
    BaseUrl,
    StateDir,
    WorkspaceKey,
    WorkspaceId,
    WorkspaceUserId,
    WorkspaceDir,
    WorkspaceHome,
    WorkspaceTmpDir,
    RequestId,
    CredentialOwner,
    RequireCredential,
    RequireProtection,
    CaFile,
    NoField,
    PayloadPath,
}

/// Set in the tag of a secret that is held already: the value is its place among the handles, 4 bytes, little-endian.
#[napi]
pub const WIRE_HANDLE: u8 = 0x80;

/// How much of an object the facade reads: no more than the same payload may have as JSON text.
#[napi(object, object_from_js = false)]
pub struct InputLimits {
    /// The limit of `userEnvKeys`, and of each option that is a list of variables.
    pub names: u32,
    /// The limit of a whole wire buffer, and of a text.
    pub bytes: u32,
    /// The limit of the members that lead to a payload.
    pub path: u32,
}

#[napi(object, object_from_js = false)]
pub struct PayloadFields {
    pub read: Vec<&'static str>,
    pub refused: Vec<&'static str>,
}

/// The fields that a payload may have, and those that it must not have.
#[napi(catch_unwind)]
pub fn payload_fields() -> PayloadFields {
    PayloadFields { read: payload::FIELDS.to_vec(), refused: payload::NO_FIELDS.to_vec() }
}

/// The limits up to which the facade reads.
#[napi(catch_unwind)]
pub fn input_limits() -> InputLimits {
    InputLimits { names: MAX_USER_ENV_KEYS as u32, bytes: MAX_JSON_BYTES as u32, path: MAX_PATH as u32 }
}

/// Input that is wiped when it has been used, whatever came of it.
pub struct Consumed<'env>(pub BufferSlice<'env>);

impl Drop for Consumed<'_> {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

/// Reads a wire buffer into a payload and a request. `handles` are the secrets that its records name by their place.
///
/// # Errors
/// What a field's value is refused for; `INTERNAL` for a buffer that the facade cannot have made.
pub fn read<'a>(
    mut rest: &'a [u8],
    handles: &[Arc<Secret>],
    payload: &mut Payload<'a>,
    request: &mut EnvRequest<'a>,
) -> Result<()> {
    while !rest.is_empty() {
        let (header, body) = rest.split_at_checked(9).ok_or_else(broken)?;
        let (name, body) = body.split_at_checked(length(&header[1..5])).ok_or_else(broken)?;
        let (value, after) = body.split_at_checked(length(&header[5..9])).ok_or_else(broken)?;
        rest = after;
        read_record(header[0], (text(name)?, value), handles, payload, request)?;
    }
    Ok(())
}

fn read_record<'a>(
    tag: u8,
    (name, value): (&'a str, &'a [u8]),
    handles: &[Arc<Secret>],
    payload: &mut Payload<'a>,
    request: &mut EnvRequest<'a>,
) -> Result<()> {
    let secret = || match tag & WIRE_HANDLE {
        0 => Ok(Input::Borrowed(value)),
        _ => handles.get(length(value)).map(|handle| Input::Shared(Arc::clone(handle))).ok_or_else(broken),
    };
    let workspace = &mut request.workspace;
    match WireTag::ALL.get(usize::from(tag & !WIRE_HANDLE)).ok_or_else(broken)? {
        WireTag::Provider => payload.set_provider(value)?,
        WireTag::ApiKey => payload.set_credential(PayloadField::ApiKey, secret()?)?,
        WireTag::OauthAccessToken => payload.set_credential(PayloadField::OauthAccessToken, secret()?)?,
        WireTag::SessionCookie => payload.set_session_cookie(secret()?)?,
        WireTag::UserEnvKey => payload.add_user_env_key(Cow::Borrowed(name), secret()?)?,
        WireTag::Base => request.base.push((name, text(value)?)),
        WireTag::Inherit => request.inherit.push((name, Some(text(value)?))),
        WireTag::InheritAbsent => request.inherit.push((name, None)),
        WireTag::Set => request.set.push((name, text(value)?)),
        WireTag::BaseUrl => request.base_url = Some(text(value)?),
        WireTag::StateDir => workspace.state_dirs.push((name, text(value)?)),
        WireTag::WorkspaceKey => workspace.key = Some(text(value)?),
        WireTag::WorkspaceId => workspace.id = Some(text(value)?),
        WireTag::WorkspaceUserId => workspace.user_id = Some(text(value)?),
        WireTag::WorkspaceDir => workspace.dir = Some(text(value)?),
        WireTag::WorkspaceHome => workspace.home = Some(text(value)?),
        WireTag::WorkspaceTmpDir => workspace.tmp_dir = Some(text(value)?),
        WireTag::RequestId => request.request_id = Some(text(value)?),
        WireTag::CredentialOwner => {
            request.credential_owner = CredentialOwner::named(text(value)?).ok_or_else(broken)?;
        }
        WireTag::RequireCredential => request.require_credential = true,
        WireTag::RequireProtection => request.require_protection = true,
        WireTag::CaFile => request.ca_file = Some(text(value)?),
        WireTag::NoField => return Err(payload::no_field(name)),
        WireTag::PayloadPath => request.payload_path.push(text(value)?),
    }
    Ok(())
}

fn length(bytes: &[u8]) -> usize {
    bytes.iter().rev().fold(0, |sum, byte| sum << 8 | usize::from(*byte))
}

/// The facade writes UTF-8; anything else is a name or value that no JavaScript string can be.
fn text(bytes: &[u8]) -> Result<&str> {
    std::str::from_utf8(bytes).map_err(|_| broken())
}

/// The refusal of what only another version of the facade would say.
pub fn broken() -> Error {
    Error::new(
        ErrorCode::Internal,
        "The JavaScript files and the addon have different versions. Reinstall the \
        package.",
    )
}
