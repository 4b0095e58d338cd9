//! Texts that something encrypted is bound to: what they must be, and how several become bytes that no others give.

use crate::error::{Error, ErrorCode, Result};

/// The most bytes of each.
pub const MAX_BOUND_BYTES: usize = 1024;

/// Refuses a text that says nothing or could be cut short.
///
/// # Errors
/// `ERR_INVALID_ARG_VALUE` for an empty or too long one, or a NUL.
pub fn check_bound(name: &'static str, text: &str) -> Result<()> {
    if !text.is_empty() && text.len() <= MAX_BOUND_BYTES && !text.contains('\0') {
        return Ok(());
    }
    let message = format!("The {name} that a secret is bound to must be 1 to {MAX_BOUND_BYTES} bytes without a NUL.");
    Err(Error::new(ErrorCode::InvalidArgValue, message).name(name))
}

/// Adds a part with its length before it, 4 bytes, big-endian.
pub fn push_bound(target: &mut Vec<u8>, part: &[u8]) {
    // Texts of at most `MAX_BOUND_BYTES`, and numbers.
    target.extend_from_slice(&(part.len() as u32).to_be_bytes());
    target.extend_from_slice(part);
}
