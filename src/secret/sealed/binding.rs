//! What a sealed secret is bound to: one use.

use super::envelope::PREFIX;
use crate::error::Result;
use crate::secret::parts::{check_part, push_part};

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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorCode;
    use crate::secret::parts::MAX_PART_BYTES;

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
