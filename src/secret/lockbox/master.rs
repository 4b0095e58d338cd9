//! Master keys of 32 bytes, and their sources.

use std::fs::File;
use std::io::{ErrorKind, Read};
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use data_encoding::{HEXLOWER, HEXLOWER_PERMISSIVE};
use rustix::fs::{Mode, OFlags};

use super::cipher::{self, KEY_BYTES};
use crate::error::{Error, ErrorCode, Result};
use crate::secret::{ExposeSecret, Secret};

/// What a key's id and version 3's keys are derived with.
pub const SALT: &[u8] = b"webalive-lockbox-v3";

/// More than a key's file can hold: 64 digits and a line end.
const MAX_FILE_BYTES: usize = 4096;

/// A key that rows are sealed with, and the id by which rows name it.
#[derive(Debug)]
pub struct MasterKey {
    key: Secret,
    id: String,
}

impl MasterKey {
    /// From 32 bytes, or 64 hex digits with or without a line end.
    ///
    /// # Errors
    /// `LOCKBOX_KEY_INVALID` for anything else, among it 32 characters: half a key in digits is no key in bytes.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self> {
        if bytes.len() == KEY_BYTES && !bytes.iter().all(u8::is_ascii_graphic) {
            return Self::new(Secret::copy_of(bytes));
        }
        Self::from_digits(bytes)
    }

    /// From 64 hex digits with or without a line end.
    ///
    /// # Errors
    /// `LOCKBOX_KEY_INVALID` for anything else.
    pub fn from_digits(text: &[u8]) -> Result<Self> {
        let digits = text.trim_ascii_end();
        if digits.len() != 2 * KEY_BYTES {
            return Err(invalid(&format!("It has {} characters", digits.len())));
        }
        let decoded = Secret::build(KEY_BYTES, |key| {
            HEXLOWER_PERMISSIVE.decode_mut(digits, key).map(drop).map_err(|_| {
                invalid(
                    "It contains characters that are \
                not hex digits",
                )
            })
        });
        Self::new(decoded?)
    }

    /// Refuses it where the kernel refused a protection of the memory that it is in.
    ///
    /// # Errors
    /// `MEMORY_UNPROTECTED`.
    pub fn require_protection(&self) -> Result<()> {
        self.key.require_protection()
    }

    /// From a file of root's or of this process's user, which users other than its owner and group can neither read nor
    /// write, and its group not write.
    ///
    /// # Errors
    /// `LOCKBOX_KEY_INVALID`.
    pub fn from_file(path: &Path) -> Result<Self> {
        let shown = path.to_string_lossy().into_owned();
        let unusable = |why: &str| {
            let message = format!("The master key cannot be read from {shown}: {why}.");
            Error::new(ErrorCode::LockboxKeyInvalid, message).path(shown.as_str())
        };
        // Not blocking: a FIFO would have this thread wait for a writer.
        let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NONBLOCK | OFlags::NOCTTY;
        let opened = rustix::fs::open(path, flags, Mode::empty());
        let mut file = File::from(opened.map_err(|errno| unusable(&std::io::Error::from(errno).to_string()))?);
        let metadata = file.metadata().map_err(|error| unusable(&error.to_string()))?;
        if !metadata.is_file() {
            return Err(unusable("it is not a regular file"));
        }
        let mode = metadata.mode() & 0o7777;
        if mode & 0o027 != 0 {
            return Err(unusable(&format!(
                "its mode is {mode:04o}, so other users can access it. Set it to 0400 or 0440"
            )));
        }
        let owner = metadata.uid();
        if owner != 0 && owner != rustix::process::geteuid().as_raw() {
            return Err(unusable(&format!("it belongs to uid {owner}, who can replace it. Make root its owner")));
        }
        let length = usize::try_from(metadata.len()).unwrap_or(usize::MAX);
        if length > MAX_FILE_BYTES {
            return Err(unusable(&format!("it has {length} bytes")));
        }
        // Straight to where it stays until it has been decoded: no buffer in between.
        let content = Secret::build(length, |bytes| file.read_exact(bytes)).map_err(|error| match error.kind() {
            ErrorKind::UnexpectedEof => unusable("it became shorter while it was being read"),
            _ => unusable(&error.to_string()),
        })?;
        Self::from_bytes(content.expose_secret()).map_err(|error| {
            Error::new(error.code(), format!("The master key in {shown}: {error}")).path(shown.as_str())
        })
    }

    /// From a credential of systemd (systemd.exec(5), "Credentials"): a file below `directory`, which systemd names in
    /// `$CREDENTIALS_DIRECTORY`.
    ///
    /// # Errors
    /// `LOCKBOX_KEY_INVALID`.
    pub fn from_credential(directory: &Path, name: &str) -> Result<Self> {
        if name.is_empty() || name == "." || name == ".." || name.contains(['/', '\0']) {
            let message = "The name of a credential must be a file name without a slash.";
            return Err(Error::new(ErrorCode::LockboxKeyInvalid, message).name("credential"));
        }
        if !directory.is_absolute() {
            let message = "$CREDENTIALS_DIRECTORY must be an absolute path. Set LoadCredential= in the systemd unit.";
            return Err(Error::new(ErrorCode::LockboxKeyInvalid, message).name("credential"));
        }
        Self::from_file(&directory.join(name)).map_err(|error| error.name(name))
    }

    /// Refuses zeros, which are what a consumed array and a file that was never written hold: everybody knows that key.
    fn new(key: Secret) -> Result<Self> {
        if key.expose_secret().iter().fold(0, |any, byte| any | byte) == 0 {
            return Err(invalid("It contains only zeros"));
        }
        let id = cipher::derive(&key, SALT, b"master key id")?;
        let id = HEXLOWER.encode(&id.expose_secret()[..4]);
        Ok(Self { key, id })
    }

    /// 8 hex digits that identify it. They are not secret: every row that it sealed contains them.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    pub(super) fn key(&self) -> &Secret {
        &self.key
    }
}

fn invalid(what: &str) -> Error {
    let message = format!(
        "{what}; a master key must be 32 bytes or 64 hex digits. Generate one with: openssl rand \
        -hex 32."
    );
    Error::new(ErrorCode::LockboxKeyInvalid, message)
}
