//! What a sealed secret is bound to: it opens for one workspace, one field and one request.

use crate::error::{Error, ErrorCode, Result};

/// The longest part, in bytes.
const MAX_PART_BYTES: usize = 1024;

/// The workspace, field and request of a sealed secret.
#[derive(Clone, Copy, Debug)]
pub struct Binding<'a> {
    /// The workspace's id.
    pub workspace: &'a str,
    /// The payload's field: `apiKey`, `userEnvKeys.NAME`.
    pub field: &'a str,
    /// The request's id.
    pub request: &'a str,
}

impl Binding<'_> {
    /// The HPKE `info`: every part with its length before it, so that no two bindings have the same.
    ///
    /// # Errors
    /// `ERR_INVALID_ARG_VALUE` for a part that is empty, too long or has a NUL.
    pub(super) fn info(&self) -> Result<Vec<u8>> {
        let parts = [("workspace", self.workspace), ("field", self.field), ("request", self.request)];
        let mut info = Vec::new();
        push(&mut info, LABEL);
        for (name, part) in parts {
            if part.is_empty() || part.len() > MAX_PART_BYTES || part.contains('\0') {
                let message = format!(
                    "The {name} that a sealed secret is bound to must be 1 to {MAX_PART_BYTES} bytes without a NUL."
                );
                return Err(Error::new(ErrorCode::InvalidArgValue, message).name(name));
            }
            push(&mut info, part);
        }
        Ok(info)
    }
}

/// Tells this use of HPKE from every other, and its version.
const LABEL: &str = "provider-env-sealed.v1";

fn push(info: &mut Vec<u8>, part: &str) {
    // At most 1 KiB each.
    info.extend((part.len() as u32).to_be_bytes());
    info.extend(part.as_bytes());
}
