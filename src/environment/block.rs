//! The environment as `execve` wants it: every `NAME=value` with its NUL in one exact-size allocation that is wiped.

use std::convert::Infallible;

use super::limits::ExecLimits;
use crate::error::Result;
use crate::secret::{ExposeSecret, Secret};

/// A child's environment, laid out.
#[derive(Debug)]
pub struct EnvBlock {
    bytes: Secret,
    /// Where each string begins.
    offsets: Vec<usize>,
}

impl EnvBlock {
    /// Lays out `own`, with `extra` variables that are no secret and take the place of any of the same name.
    pub(super) fn new<'a>(
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

    /// The strings, each with its NUL, one after the other.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        self.bytes.expose_secret()
    }

    /// Where each string begins.
    #[must_use]
    pub fn offsets(&self) -> &[usize] {
        &self.offsets
    }
}
