//! What a sealed secret is for, as the bytes that both sides must agree on.

use super::envelope::PREFIX;
use crate::error::{Error, ErrorCode, Result};

/// The most bytes of each part of a [`Binding`].
pub const MAX_BINDING_BYTES: usize = 1024;

/// Where a sealed secret may be used: it opens nowhere else.
#[derive(Clone, Copy, Debug)]
pub struct Binding<'a> {
    /// The tenant's workspace.
    pub workspace: &'a str,
    /// The payload's field, such as `apiKey` or `userEnvKeys.STRIPE_KEY`.
    pub field: &'a str,
    /// The request.
    pub request: &'a str,
}

impl Binding<'_> {
    /// HPKE's `info`: the format's prefix, then each part after its length, so that no two bindings give the same.
    ///
    /// # Errors
    /// `INVALID_ARG_VALUE` for a part that is empty, too long or has a NUL.
    pub(super) fn info(&self) -> Result<Vec<u8>> {
        let mut info = PREFIX.to_vec();
        for (name, part) in [("workspace", self.workspace), ("field", self.field), ("request", self.request)] {
            let length = u32::try_from(part.len()).map_err(|_| unusable(name))?;
            if part.is_empty() || part.len() > MAX_BINDING_BYTES || part.contains('\0') {
                return Err(unusable(name));
            }
            info.extend_from_slice(&length.to_be_bytes());
            info.extend_from_slice(part.as_bytes());
        }
        Ok(info)
    }
}

fn unusable(name: &'static str) -> Error {
    let message = format!(
        "A sealed secret's {name} must be 1 to {MAX_BINDING_BYTES} bytes without a NUL. Pass the one it is for."
    );
    Error::new(ErrorCode::InvalidArgValue, message).name(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_layout_is_the_documented_one() {
        let info = Binding { workspace: "ab", field: "ü", request: "r" }.info().expect("valid");
        assert_eq!(info, b"provider-env-sealed.v1.\0\0\0\x02ab\0\0\0\x02\xc3\xbc\0\0\0\x01r");
    }

    #[test]
    fn parts_do_not_run_together() {
        let one = Binding { workspace: "ab", field: "c", request: "r" }.info().expect("valid");
        let two = Binding { workspace: "a", field: "bc", request: "r" }.info().expect("valid");
        assert_ne!(one, two);
    }

    #[test]
    fn refuses_what_is_no_part() {
        let long = "x".repeat(MAX_BINDING_BYTES + 1);
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
            let error = Binding { workspace, field, request }.info().err();
            assert_eq!(error.as_ref().map(|error| error.code()), wrong.map(|_| ErrorCode::InvalidArgValue));
            let names = error.map(|error| error.details().names.clone());
            assert_eq!(names, wrong.map(|name| vec![name.to_owned()]));
        }
    }
}
