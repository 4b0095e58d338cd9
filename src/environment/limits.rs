//! The kernel's limits on what `execve` takes (`execve(2)`, "Limits on size of arguments and environment").

use crate::error::{Error, ErrorCode, Result};

/// `MAX_ARG_STRLEN`: 32 pages of 4 KiB for one string, its NUL included.
pub const MAX_STRING_BYTES: usize = 128 * 1024;

/// The most that the kernel gives to strings whatever the stack limit: three quarters of 8 MiB.
const MAX_TOTAL_BYTES: u64 = 6 * 1024 * 1024;
/// The least that it gives whatever the stack limit: 32 pages.
const MIN_TOTAL_BYTES: u64 = 128 * 1024;

/// What a start on this process may use for strings and pointers together.
#[derive(Clone, Copy, Debug)]
pub struct ExecLimits {
    total: u64,
}

impl ExecLimits {
    /// The limit that follows from the soft `RLIMIT_STACK`, in bytes; `None` for none.
    #[must_use]
    pub fn for_stack(stack: Option<u64>) -> Self {
        let quarter = stack.map_or(MAX_TOTAL_BYTES, |bytes| bytes / 4);
        Self { total: quarter.clamp(MIN_TOTAL_BYTES, MAX_TOTAL_BYTES) }
    }

    /// Checks one string; `bytes` includes its NUL, `what` is a name for the message.
    ///
    /// # Errors
    /// `ENV_TOO_LARGE`.
    pub fn check_string(self, what: &str, bytes: usize) -> Result<()> {
        if bytes <= MAX_STRING_BYTES {
            return Ok(());
        }
        let message =
            format!("{what} takes {bytes} bytes; the kernel takes {MAX_STRING_BYTES} for one. Hand it over in a file.");
        Err(Error::new(ErrorCode::EnvTooLarge, message).name(what))
    }

    /// Checks the sum: the strings with their NULs, and a pointer for each.
    ///
    /// # Errors
    /// `ENV_TOO_LARGE`.
    pub fn check_total(self, bytes: usize, strings: usize) -> Result<()> {
        let sum = (bytes + strings * size_of::<usize>()) as u64;
        if sum <= self.total {
            return Ok(());
        }
        let total = self.total;
        let message = format!(
            "Environment and arguments take {sum} bytes in all; the kernel takes {total} here. Hand large values over in files."
        );
        Err(Error::new(ErrorCode::EnvTooLarge, message))
    }
}
