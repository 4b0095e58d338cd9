//! The environment in the form that `execve` needs: every `NAME=value` with its NUL in one allocation of the exact
//! size, which is wiped. Also the kernel's size limits (`execve(2)`, "Limits on size of arguments and environment").

use std::convert::Infallible;

use crate::error::{Error, ErrorCode, Result};
use crate::secret::{ExposeSecret, Secret};
use crate::sys::identity;

/// A child's environment, laid out.
#[derive(Debug)]
pub struct EnvBlock {
    bytes: Secret,
    /// Where each string begins.
    offsets: Vec<usize>,
}

impl EnvBlock {
    /// Lays out `own`, with `extra` variables that are no secret and take the place of any of the same name.
    pub(crate) fn new<'a>(
        own: impl Iterator<Item = (&'a str, &'a [u8])>,
        limits: ExecLimits,
        extra: &[(&'a str, &'a str)],
    ) -> Result<Self> {
        let replaced = |name: &str| extra.iter().any(|(known, _)| *known == name);
        let own = own.filter(|(name, _)| !replaced(name));
        let variables: Vec<(&str, &[u8])> =
            own.chain(extra.iter().map(|(name, value)| (*name, value.as_bytes()))).collect();

        let mut offsets = Vec::with_capacity(variables.len());
        let mut length = 0;
        for (name, value) in &variables {
            offsets.push(length);
            let bytes = name.len() + value.len() + 2;
            limits.check_string(name, bytes)?;
            length += bytes;
        }
        let bytes = Secret::build::<Infallible>(length, |target| {
            let mut rest = target;
            for (name, value) in &variables {
                for piece in [name.as_bytes(), b"=", value, b"\0"] {
                    let (here, after) = rest.split_at_mut(piece.len());
                    here.copy_from_slice(piece);
                    rest = after;
                }
            }
            Ok(())
        });
        let Ok(bytes) = bytes;
        Ok(Self { bytes, offsets })
    }

    /// Every variable, by its name. All input was UTF-8.
    pub fn variables(&self) -> impl Iterator<Item = (&str, &str)> {
        let strings = self.offsets.iter().map(|offset| self.bytes()[*offset..].split(|byte| *byte == 0).next());
        strings.filter_map(|string| std::str::from_utf8(string?).ok()?.split_once('='))
    }

    /// The strings one after the other, each with its NUL.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        self.bytes.expose_secret()
    }

    #[must_use]
    pub fn offsets(&self) -> &[usize] {
        &self.offsets
    }
}

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
    /// The limit of this process.
    #[must_use]
    pub fn of_this_process() -> Self {
        Self::for_stack(identity::stack_limit())
    }

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
        let message = format!(
            "The kernel allows {MAX_STRING_BYTES} bytes for one variable or argument, and {what} has {bytes}. \
                Pass the value in a file."
        );
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
            "The environment and the arguments are {sum} bytes long together; this system allows {total}. Pass large values in files."
        );
        Err(Error::new(ErrorCode::EnvTooLarge, message))
    }
}
