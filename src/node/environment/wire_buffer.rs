//! The one buffer in which the facade hands over a payload and its options: no string of V8 in between, and wiped
//! when it was read.
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

/// How much of an object the facade reads: no more than the same payload may have as JSON.
#[napi(object, object_from_js = false)]
pub struct NativeInputLimits {
    /// Of `userEnvKeys`, and of each option that is a list of variables.
    pub names: u32,
    /// Of a whole frame, and of a text.
    pub bytes: u32,
    /// Of the members that lead to a payload.
    pub path: u32,
}

#[napi(object, object_from_js = false)]
pub struct NativePayloadFields {
    pub read: Vec<&'static str>,
    pub refused: Vec<&'static str>,
}

/// What a payload may have, and what it must not.
#[napi(catch_unwind)]
pub fn payload_fields() -> NativePayloadFields {
    NativePayloadFields { read: payload::FIELDS.to_vec(), refused: payload::NO_FIELDS.to_vec() }
}

/// Where the facade stops to read.
#[napi(catch_unwind)]
pub fn input_limits() -> NativeInputLimits {
    NativeInputLimits { names: MAX_USER_ENV_KEYS as u32, bytes: MAX_JSON_BYTES as u32, path: MAX_PATH as u32 }
}

/// Input that is wiped when it has been used, whatever came of it.
pub struct Consumed<'env>(pub BufferSlice<'env>);

impl Drop for Consumed<'_> {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

type ReadSecret = for<'a> fn(&mut Payload<'a>, &'a [u8], Input<'a>) -> Result<()>;
type ReadOption = for<'a> fn(&mut EnvRequest<'a>, &'a [u8], &'a [u8]) -> Result<()>;

/// What the first tags say, which carry secrets; `lib/frame.js` has the same list.
static SECRETS: &[ReadSecret] = &[
    |payload, _, value| payload.set_credential(PayloadField::ApiKey, value),
    |payload, _, value| payload.set_credential(PayloadField::OauthAccessToken, value),
    |payload, _, value| payload.set_session_cookie(value),
    |payload, name, value| payload.add_user_env_key(Cow::Borrowed(text(name)?), value),
];

/// What the tags after them say.
static OPTIONS: &[ReadOption] = &[
    |request, name, value| push(&mut request.base, name, value),
    |request, name, value| push(&mut request.inherit, name, value),
    |request, name, _| {
        request.inherit.push((text(name)?, None));
        Ok(())
    },
    |request, name, value| push(&mut request.set, name, value),
    |request, _, value| set(&mut request.base_url, value),
    |request, name, value| push(&mut request.workspace.state_dirs, name, value),
    |request, _, value| set(&mut request.workspace.key, value),
    |request, _, value| set(&mut request.workspace.id, value),
    |request, _, value| set(&mut request.workspace.user_id, value),
    |request, _, value| set(&mut request.workspace.dir, value),
    |request, _, value| set(&mut request.workspace.home, value),
    |request, _, value| set(&mut request.workspace.tmp_dir, value),
    |request, _, value| set(&mut request.request_id, value),
    |request, _, value| {
        request.credential_owner = CredentialOwner::named(text(value)?).ok_or_else(broken)?;
        Ok(())
    },
    |request, _, _| {
        request.require_credential = true;
        Ok(())
    },
    |request, _, value| set(&mut request.ca_file, value),
    |_, name, _| Err(payload::no_field(text(name)?)),
    |request, _, value| {
        request.payload_path.push(text(value)?);
        Ok(())
    },
];

/// The tag of the provider, which is neither.
const PROVIDER: u8 = 0;

/// Set in the tag of a secret whose value is the place of a handle, 4 bytes, little-endian.
const HANDLE: u8 = 0x80;

/// Reads a frame into a payload and a request. `handles` are the secrets that its records name by their place.
///
/// # Errors
/// What a field's value is refused for; `INTERNAL` for a frame that the facade cannot have made.
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
        let tag = header[0];
        if tag == PROVIDER {
            payload.set_provider(value)?;
            continue;
        }
        let index = usize::from(tag & !HANDLE).checked_sub(1).ok_or_else(broken)?;
        if let Some(read) = SECRETS.get(index) {
            read(payload, name, secret(tag, value, handles)?)?;
            continue;
        }
        let read = OPTIONS.get(index - SECRETS.len()).filter(|_| tag & HANDLE == 0).ok_or_else(broken)?;
        read(request, name, value)?;
    }
    Ok(())
}

fn secret<'a>(tag: u8, value: &'a [u8], handles: &[Arc<Secret>]) -> Result<Input<'a>> {
    if tag & HANDLE == 0 {
        return Ok(Input::Borrowed(value));
    }
    handles.get(length(value)).map(|handle| Input::Shared(Arc::clone(handle))).ok_or_else(broken)
}

fn length(bytes: &[u8]) -> usize {
    bytes.iter().rev().fold(0, |sum, byte| sum << 8 | usize::from(*byte))
}

fn push<'a, V: From<&'a str>>(list: &mut Vec<(&'a str, V)>, name: &'a [u8], value: &'a [u8]) -> Result<()> {
    list.push((text(name)?, text(value)?.into()));
    Ok(())
}

fn set<'a>(slot: &mut Option<&'a str>, value: &'a [u8]) -> Result<()> {
    *slot = Some(text(value)?);
    Ok(())
}

/// The facade writes UTF-8; anything else is a name or value that no JavaScript string can be.
fn text(bytes: &[u8]) -> Result<&str> {
    std::str::from_utf8(bytes).map_err(|_| broken())
}

/// The refusal of what only another version of the facade would say.
pub fn broken() -> Error {
    Error::new(ErrorCode::Internal, "The facade and the addon do not fit together. Reinstall the package.")
}
