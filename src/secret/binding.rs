//! What a secret is bound to when it is encrypted: a stored secret to its row, a sealed secret to its use. Each part is
//! preceded by its length, so that no two bindings produce the same bytes.

use super::sealed::PREFIX;
use crate::error::{Error, ErrorCode, Result};

/// The most bytes of one part.
const MAX_PART_BYTES: usize = 1024;

/// The context of a row: it opens for this one alone.
#[derive(Clone, Copy, Debug)]
pub struct Context<'a> {
    /// The tenant whose secret it is.
    pub tenant: &'a str,
    /// What the secret is for, such as `api-key`.
    pub purpose: &'a str,
    /// The third part of version 2's key derivation.
    pub extra: Option<&'a str>,
    /// The name of the row in its table.
    pub name: &'a str,
    /// Its version number in its table.
    pub row_version: u64,
}

impl Context<'_> {
    /// Refuses a context with a part that says nothing.
    ///
    /// # Errors
    /// `ERR_INVALID_ARG_VALUE` for an empty or too long part, or a NUL.
    pub fn check(&self) -> Result<()> {
        check_part("tenant", self.tenant)?;
        check_part("purpose", self.purpose)?;
        check_part("name", self.name)?;
        self.extra.map_or(Ok(()), |extra| check_part("extra", extra))
    }

    /// `tenant:purpose[:extra]`, as version 2 has it; none for one that could be read in two ways.
    pub fn version_2(&self) -> Option<String> {
        if self.tenant.contains(':') || self.purpose.contains(':') {
            return None;
        }
        let extra = self.extra.map(|extra| format!(":{extra}")).unwrap_or_default();
        Some(format!("{}:{}{extra}", self.tenant, self.purpose))
    }

    /// The info of version 3's key derivation.
    pub fn info(&self) -> Vec<u8> {
        let mut info = Vec::new();
        self.push_key_parts(&mut info);
        info
    }

    /// The associated data of version 3.
    pub fn associated_data(&self) -> Vec<u8> {
        let mut data = Vec::new();
        push_part(&mut data, b"v3");
        self.push_key_parts(&mut data);
        push_part(&mut data, self.name.as_bytes());
        push_part(&mut data, &self.row_version.to_be_bytes());
        data
    }

    fn push_key_parts(&self, target: &mut Vec<u8>) {
        for part in [self.tenant, self.purpose, self.extra.unwrap_or_default()] {
            push_part(target, part.as_bytes());
        }
    }
}

/// Where a sealed secret may be used: it opens nowhere else.
#[derive(Clone, Copy, Debug)]
pub struct Binding<'a> {
    pub workspace: &'a str,
    /// The payload's field, such as `apiKey` or `userEnvKeys.STRIPE_KEY`.
    pub field: &'a str,
    /// The id of the one request.
    pub request: &'a str,
    /// Whose the credential is, where it is another's than the workspace's.
    pub owner: Option<&'a str>,
}

impl Binding<'_> {
    /// HPKE's `info`: the format's prefix, then each part after its length, so that no two bindings give the same.
    ///
    /// # Errors
    /// `INVALID_ARG_VALUE` for a part that is empty, too long or has a NUL.
    pub(in crate::secret) fn info(&self) -> Result<Vec<u8>> {
        let mut info = PREFIX.to_vec();
        let always = [("workspace", self.workspace), ("field", self.field), ("request", self.request)];
        // Only where there is one: what was sealed without is the workspace's.
        for (name, part) in always.into_iter().chain(self.owner.map(|owner| ("credentialOwner", owner))) {
            check_part(name, part)?;
            push_part(&mut info, part.as_bytes());
        }
        Ok(info)
    }
}

/// Refuses a text that says nothing or could be cut short.
fn check_part(name: &'static str, text: &str) -> Result<()> {
    if !text.is_empty() && text.len() <= MAX_PART_BYTES && !text.contains('\0') {
        return Ok(());
    }
    let message = format!(
        "The {name} that a secret is bound to must be 1 to {MAX_PART_BYTES} bytes long and contain \
        no NUL byte."
    );
    Err(Error::new(ErrorCode::InvalidArgValue, message).name(name))
}

/// Appends a part with its length before it: 4 bytes, big-endian.
fn push_part(target: &mut Vec<u8>, part: &[u8]) {
    // Texts of at most `MAX_PART_BYTES`, and numbers.
    target.extend_from_slice(&(part.len() as u32).to_be_bytes());
    target.extend_from_slice(part);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_layout_is_the_documented_one() {
        let binding = Binding { workspace: "ab", field: "ü", request: "r", owner: None };
        let info = binding.info().expect("valid");
        assert_eq!(info, b"provider-env-sealed.v1.\0\0\0\x02ab\0\0\0\x02\xc3\xbc\0\0\0\x01r");
        let of_server = Binding { owner: Some("server"), ..binding }.info().expect("valid");
        assert_eq!(of_server, [&*info, b"\0\0\0\x06server"].concat());
    }

    #[test]
    fn parts_do_not_run_together() {
        let one = Binding { workspace: "ab", field: "c", request: "r", owner: None }.info().expect("valid");
        let two = Binding { workspace: "a", field: "bc", request: "r", owner: None }.info().expect("valid");
        assert_ne!(one, two);
    }

    #[test]
    fn refuses_what_is_no_part() {
        let long = "x".repeat(MAX_PART_BYTES + 1);
        let fits = &long[1..];
        for (workspace, field, request, wrong) in [
            ("", "f", "r", Some("workspace")),
            ("w", "", "r", Some("field")),
            ("w", "f", "", Some("request")),
            ("w", "f", &*long, Some("request")),
            (&*long, "f", "r", Some("workspace")),
            ("w", "f\0", "r", Some("field")),
            (fits, fits, fits, None),
        ] {
            let error = Binding { workspace, field, request, owner: None }.info().err();
            assert_eq!(error.as_ref().map(|error| error.code()), wrong.map(|_| ErrorCode::InvalidArgValue));
            let names = error.map(|error| error.details().names.clone());
            assert_eq!(names, wrong.map(|name| vec![name.to_owned()]));
        }
    }
}
