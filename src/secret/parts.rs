//! The parts of what a secret is bound to. Each is preceded by its length, so that no two bindings produce the same bytes.

use crate::error::{Error, ErrorCode, Result};

/// The most bytes of one part.
pub(super) const MAX_PART_BYTES: usize = 1024;

/// Refuses a text that says nothing or could be cut short.
pub(super) fn check_part(name: &'static str, text: &str) -> Result<()> {
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
pub(super) fn push_part(target: &mut Vec<u8>, part: &[u8]) {
    // Texts of at most `MAX_PART_BYTES`, and numbers.
    target.extend_from_slice(&(part.len() as u32).to_be_bytes());
    target.extend_from_slice(part);
}
