//! The file of a stored login, which is read and replaced as a whole, under a lock that all processes of this machine
//! respect.
//!
//! All happens through one descriptor of the directory, so that nothing that is done to the path meanwhile can lead
//! elsewhere, and no symlink is followed in it: a tenant may own the directory, and this process may be root.

mod facts;
mod journal;
mod lock;
mod replace;
mod space;

use std::fs::File;
use std::os::fd::{AsRawFd, OwnedFd};
use std::path::PathBuf;

use rustix::fs::{self, CWD, FileType, Gid, Mode, OFlags, Stat, Uid};
use rustix::io::{Errno, pread, retry_on_intr};
use sha2::{Digest as _, Sha256};

use super::document::Document;
use super::profile::Profile;
use crate::error::{Error, ErrorCode, Result};
use crate::secret::{ExposeSecret, Secret};
use crate::sys::guarded::GuardedBytes;
use crate::sys::real_path::real_path;

pub use journal::MAX_FILE_BYTES;
pub use replace::{Next, Recovered, Replaced};

/// The SHA-256 of a content of the file, which identifies it.
pub type Digest = [u8; 32];

#[derive(Clone, Debug)]
pub struct Location {
    /// An absolute path.
    pub directory: PathBuf,
    pub name: String,
    /// The place of the refresh token in it, which distinguishes one login from the next.
    pub refresh_token: Vec<String>,
    /// The user that the file must belong to; anybody's where the caller does not say.
    pub owner: Option<u32>,
}

#[derive(Debug)]
pub struct Content {
    pub document: Document,
    /// The digest of the file's bytes.
    pub digest: Digest,
    /// The digest of its refresh token.
    login: Digest,
    owner: (Uid, Gid),
}

/// The directory of a login, held by one descriptor.
#[derive(Debug)]
pub struct Directory {
    descriptor: OwnedFd,
    location: Location,
}

#[must_use]
pub fn digest_of(bytes: &[u8]) -> Digest {
    Sha256::digest(bytes).into()
}

impl Location {
    /// The place where a CLI stores its login in this directory.
    #[must_use]
    pub fn of(profile: &Profile, directory: PathBuf, owner: Option<u32>) -> Self {
        Self { directory, name: profile.file.clone(), refresh_token: profile.refresh_token.clone(), owner }
    }

    #[must_use]
    pub fn path(&self) -> PathBuf {
        self.directory.join(&self.name)
    }

    /// Opens the directory, and refuses one that others can write to.
    ///
    /// # Errors
    /// `CREDENTIAL_FILE_UNUSABLE`.
    pub fn open(&self) -> Result<Directory> {
        let mut flags = OFlags::DIRECTORY | OFlags::RDONLY | OFlags::CLOEXEC;
        if self.owner.is_some() {
            flags |= OFlags::NOFOLLOW;
        }
        let descriptor = fs::openat(CWD, &self.directory, flags, Mode::empty()).map_err(|errno| {
            let reason = std::io::Error::from(errno);
            let remedy = remedy(errno).unwrap_or(" Create it, or name another directory in options.dir.");
            let directory = self.directory.display();
            let message =
                format!("The directory of the stored login, {directory}, cannot be opened: {reason}.{remedy}");
            Error::new(ErrorCode::CredentialFileUnusable, message)
                .path(self.directory.display().to_string())
                .errno(errno.raw_os_error(), "openat")
        })?;
        let directory = Directory { descriptor, location: self.clone() };
        directory.check()?;
        Ok(directory)
    }
}

impl Directory {
    fn check(&self) -> Result<()> {
        let stat = fs::fstat(&self.descriptor).map_err(|errno| self.errno("cannot be read", errno, "fstat"))?;
        // Who can put another file there can put another login there. In a sticky directory only its owner can.
        if stat.st_mode & 0o022 != 0 && stat.st_mode & 0o1000 == 0 {
            return Err(self.refused_directory("can be written by users other than its owner. Run chmod go-w on it"));
        }
        // Nothing may be made in a directory of somebody else's, which a tenant has put in the place of theirs.
        if self.location.owner.is_some_and(|owner| stat.st_uid != owner && stat.st_uid != 0) {
            return Err(self.refused_directory(
                "does not belong to options.owner. Change its owner, or pass the right \
                uid",
            ));
        }
        Ok(())
    }

    /// Reads the whole file, with what a killed process had finished writing in its place.
    ///
    /// # Errors
    /// `LOGIN_REQUIRED` where there is none; `CREDENTIAL_FILE_UNUSABLE`.
    pub fn read(&self) -> Result<Content> {
        let (bytes, owner) = self.read_named(&self.location.name)?.ok_or_else(|| self.absent())?;
        let digest = digest_of(&bytes);
        // What a killed process had begun to write in place is as good as written, or has not begun.
        let bytes = journal::resolve(bytes);
        if bytes.len() > MAX_FILE_BYTES {
            return Err(self.too_large());
        }
        let document = Document::parse(bytes).ok_or_else(|| {
            let message = format!(
                "The file of the stored login, {}, is not a JSON object. The file was not changed. Log in again with the CLI.",
                self.path()
            );
            self.error(ErrorCode::CredentialFileUnusable, &message)
        })?;
        let login =
            digest_of(document.secret(&self.location.refresh_token).as_ref().map_or(b"", Secret::expose_secret));
        Ok(Content { document, digest, login, owner })
    }

    fn read_named(&self, name: &str) -> Result<Option<(GuardedBytes, (Uid, Gid))>> {
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC | OFlags::NONBLOCK;
        let descriptor = match retry_on_intr(|| fs::openat(&self.descriptor, name, flags, Mode::empty())) {
            Ok(descriptor) => descriptor,
            Err(Errno::NOENT) => return Ok(None),
            Err(Errno::LOOP) => {
                return Err(self.refused(
                    "is a symlink, which this package does not follow. Replace it \
                with a regular file",
                ));
            }
            Err(errno) => return Err(self.errno("cannot be read", errno, "openat")),
        };
        let file = File::from(descriptor);
        let stat = self.check_file(&file)?;
        let bytes = self.read_open(&file, &stat)?;
        Ok(Some((bytes, (Uid::from_raw(stat.st_uid), Gid::from_raw(stat.st_gid)))))
    }

    /// Refuses a file that its owner does not have alone.
    fn check_file(&self, file: &File) -> Result<Stat> {
        let stat = fs::fstat(file).map_err(|errno| self.errno("cannot be read", errno, "fstat"))?;
        if FileType::from_raw_mode(stat.st_mode) != FileType::RegularFile {
            return Err(self.refused("is not a regular file"));
        }
        if self.location.owner.is_some_and(|owner| owner != stat.st_uid) {
            return Err(self.refused("does not belong to options.owner. Change its owner, or pass the right uid"));
        }
        if stat.st_mode & 0o022 != 0 {
            return Err(self.refused("can be written by users other than its owner. Set its mode to 0600"));
        }
        Ok(stat)
    }

    /// All that is in a file, with what is being written in place of it.
    fn read_open(&self, file: &File, stat: &Stat) -> Result<GuardedBytes> {
        let length = usize::try_from(stat.st_size).unwrap_or(usize::MAX);
        if length > journal::MAX_BYTES {
            return Err(self.too_large());
        }
        read_whole(file, length).map_err(|errno| self.errno("cannot be read", errno, "pread64"))
    }

    fn too_large(&self) -> Error {
        self.refused(&format!(
            "is larger than {MAX_FILE_BYTES} bytes. Remove what the CLI does not need from it, such as logins to MCP servers"
        ))
    }

    /// The login's path without symlinks, by whatever path it was opened.
    ///
    /// # Errors
    /// `CREDENTIAL_FILE_UNUSABLE`.
    pub fn real_path(&self) -> Result<PathBuf> {
        // By the descriptor, as another directory may have the path by now. Elsewhere than on Linux none has such a
        // path.
        let own = PathBuf::from(format!("/proc/self/fd/{}", self.descriptor.as_raw_fd()));
        let path = if own.exists() { &own } else { &self.location.directory };
        let directory = real_path(path)
            .map_err(|error| self.errno("cannot be resolved to a real path", errno_of(&error), "readlink"))?;
        Ok(directory.join(&self.location.name))
    }

    fn absent(&self) -> Error {
        let message = format!(
            "There is no stored login at {}. Log in with the CLI on a machine that has a browser, and copy its file \
            there: this package does not run an interactive login.",
            self.path()
        );
        self.error(ErrorCode::LoginRequired, &message)
    }

    fn refused(&self, problem: &str) -> Error {
        self.error(
            ErrorCode::CredentialFileUnusable,
            &format!("The file of the stored login, {}, {problem}. It was not changed.", self.path()),
        )
    }

    fn refused_directory(&self, problem: &str) -> Error {
        let directory = self.location.directory.display().to_string();
        let message = format!("The directory of the stored login, {directory}, {problem}. It was not changed.");
        Error::new(ErrorCode::CredentialFileUnusable, message).path(directory)
    }

    fn errno(&self, problem: &str, errno: Errno, syscall: &'static str) -> Error {
        let reason = std::io::Error::from(errno);
        let remedy = remedy(errno).unwrap_or_default();
        let message = format!("The stored login {} {problem}: {reason}.{remedy}", self.path());
        self.error(ErrorCode::CredentialFileUnusable, &message).errno(errno.raw_os_error(), syscall)
    }

    fn path(&self) -> String {
        self.location.path().display().to_string()
    }

    fn error(&self, code: ErrorCode, message: &str) -> Error {
        Error::new(code, message).path(self.path())
    }
}

/// What a person can do where the kernel refuses.
static REMEDIES: &[(Errno, &str)] = &[
    (Errno::ROFS, " Mount its file system read-write."),
    (Errno::PERM, " If the file or its directory is immutable or append-only, run chattr -ia on it."),
    (Errno::ACCESS, " Make the user that this process runs as the owner of its directory."),
    (Errno::NOSPC, " Free some space on its file system."),
    (Errno::DQUOT, " Raise the disk quota of its owner."),
    (Errno::MFILE, " Raise this process's limit of open files (RLIMIT_NOFILE)."),
];

fn remedy(errno: Errno) -> Option<&'static str> {
    REMEDIES.iter().find_map(|(known, remedy)| (*known == errno).then_some(*remedy))
}

fn errno_of(error: &std::io::Error) -> Errno {
    Errno::from_raw_os_error(error.raw_os_error().unwrap_or_default())
}

/// Into memory of exactly its size: a growing buffer would leave parts of it behind.
fn read_whole(file: &File, length: usize) -> std::result::Result<GuardedBytes, Errno> {
    let mut bytes = GuardedBytes::zeroed(length);
    let mut at = 0;
    while at < length {
        match retry_on_intr(|| pread(file, &mut bytes[at..], at as u64))? {
            0 => break,
            count => at += count,
        }
    }
    Ok(if at == length { bytes } else { GuardedBytes::copy_of(&bytes[..at]) })
}

#[cfg(test)]
mod tests;
