//! The file of a stored login: read whole, replaced atomically, under a lock that every process of this machine respects.
//!
//! All happens through one descriptor of the directory, so that nothing that is done to the path meanwhile can lead
//! elsewhere, and no symlink is followed in it: a tenant may own the directory, and this process may be root.

use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::OwnedFd;
use std::path::PathBuf;

use data_encoding::HEXLOWER;
use rustix::fs::{self, AtFlags, CWD, FileType, FlockOperation, Gid, Mode, OFlags, Uid};
use rustix::io::Errno;
use sha2::{Digest as _, Sha256};

use super::document::Document;
use crate::error::{Error, ErrorCode, Result};
use crate::sys::guarded::GuardedBytes;

/// The largest file, in bytes: a login is a few KiB.
pub const MAX_FILE_BYTES: usize = 256 * 1024;

/// How many entries of the directory are looked at for what killed processes left.
const MAX_ENTRIES: usize = 1024;

/// What tells one content of the file from another.
pub type Digest = [u8; 32];

/// Where a login is stored.
#[derive(Clone, Debug)]
pub struct Location {
    /// The directory, absolute.
    pub directory: PathBuf,
    /// The file's name in it.
    pub name: String,
    /// The user that the file must belong to; anybody's where the caller does not say.
    pub owner: Option<u32>,
}

/// The file as it was read.
#[derive(Debug)]
pub struct Content {
    /// The document.
    pub document: Document,
    /// Its digest.
    pub digest: Digest,
    owner: (Uid, Gid),
}

/// The directory, opened.
#[derive(Debug)]
pub struct Directory {
    descriptor: OwnedFd,
    location: Location,
}

/// The lock, until it is dropped, or the process ends in whatever way.
#[derive(Debug)]
pub struct Lock {
    _descriptor: OwnedFd,
}

/// The file that is to take the place of another one.
#[derive(Debug)]
pub struct Next {
    descriptor: OwnedFd,
    name: String,
}

/// A moment of a replacement, for tests that end the process there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    /// All of it is on the disk.
    Written,
    /// It has taken the place of the old one.
    Replaced,
}

/// What tells one content from another.
#[must_use]
pub fn digest_of(bytes: &[u8]) -> Digest {
    Sha256::digest(bytes).into()
}

impl Location {
    /// The whole path.
    #[must_use]
    pub fn path(&self) -> PathBuf {
        self.directory.join(&self.name)
    }

    /// Opens the directory.
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
            let message = format!(
                "The directory of the stored login, {}, cannot be opened: {reason}. Make it, or give another in options.dir.",
                self.directory.display()
            );
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
            return Err(
                self.refused("is in a directory that others than its owner can write to. Run: chmod go-w on it")
            );
        }
        // Nothing may be made in a directory of somebody else's, which a tenant has put in the place of theirs.
        if self.location.owner.is_some_and(|owner| stat.st_uid != owner && stat.st_uid != 0) {
            return Err(self.refused("is in a directory of somebody else than options.owner"));
        }
        Ok(())
    }

    /// Reads the file.
    ///
    /// # Errors
    /// `LOGIN_REQUIRED` where there is none; `CREDENTIAL_FILE_UNUSABLE`.
    pub fn read(&self) -> Result<Content> {
        let (bytes, owner) = self.read_named(&self.location.name)?.ok_or_else(|| self.absent())?;
        let digest = digest_of(&bytes);
        let document = Document::parse(bytes).ok_or_else(|| {
            let message = format!(
                "The file of the stored login, {}, is no JSON object. Nothing was changed in it. Log in again with the CLI.",
                self.path()
            );
            self.error(ErrorCode::CredentialFileUnusable, &message)
        })?;
        Ok(Content { document, digest, owner })
    }

    /// Takes the lock; none while somebody else has it.
    ///
    /// # Errors
    /// `CREDENTIAL_FILE_UNUSABLE`.
    pub fn try_lock(&self) -> Result<Option<Lock>> {
        let name = format!(".{}.lock", self.location.name);
        let descriptor = self.open_lock(&name)?;
        match fs::flock(&descriptor, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => Ok(Some(Lock { _descriptor: descriptor })),
            Err(Errno::WOULDBLOCK | Errno::INTR) => Ok(None),
            Err(errno) => Err(self.errno("cannot be locked", errno, "flock")),
        }
    }

    /// Makes the file that is to take the place of this one, empty, with its owner and mode: what can be refused is
    /// refused before a refresh token is used up. With the lock.
    ///
    /// # Errors
    /// `CREDENTIAL_FILE_UNUSABLE`.
    pub fn prepare(&self, based_on: &Content) -> Result<Next> {
        let name = self.next_name(&based_on.digest);
        // What a process that was killed here had begun.
        let _ = fs::unlinkat(&self.descriptor, &name, AtFlags::empty());
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let descriptor = fs::openat(&self.descriptor, &name, flags, Mode::RUSR | Mode::WUSR)
            .map_err(|errno| self.errno("cannot be replaced: its directory takes no new file", errno, "openat"))?;
        let next = Next { descriptor, name };
        if let Err(error) = self.give(&next, based_on) {
            self.discard(next);
            return Err(error);
        }
        Ok(next)
    }

    /// Replaces the file, if it is still what `based_on` was read from: all of it or nothing. `None` when it is not, and
    /// then nothing was done. With the lock.
    ///
    /// # Errors
    /// `CREDENTIAL_FILE_UNUSABLE`; the old file is whole.
    pub fn finish(
        &self,
        next: Next,
        based_on: &Content,
        new: &Document,
        seen: impl Fn(Moment),
    ) -> Result<Option<Digest>> {
        let name = next.name;
        let result = self.write(next.descriptor, new).and_then(|()| {
            seen(Moment::Written);
            self.take_place(&name, based_on)
        });
        if !matches!(result, Ok(true)) {
            let _ = fs::unlinkat(&self.descriptor, &name, AtFlags::empty());
        }
        Ok(result?.then(|| {
            seen(Moment::Replaced);
            digest_of(new.bytes())
        }))
    }

    /// Both at once.
    ///
    /// # Errors
    /// As [`Directory::finish`].
    pub fn replace(&self, based_on: &Content, new: &Document) -> Result<Option<Digest>> {
        self.finish(self.prepare(based_on)?, based_on, new, |_| ())
    }

    /// Removes what was prepared.
    pub fn discard(&self, next: Next) {
        let _ = fs::unlinkat(&self.descriptor, &next.name, AtFlags::empty());
    }

    /// Finishes what a process had written whole when it was killed, and removes what it had not. With the lock.
    ///
    /// # Errors
    /// `CREDENTIAL_FILE_UNUSABLE`.
    pub fn recover(&self, is_complete: impl Fn(&Document) -> bool) -> Result<bool> {
        let Some((bytes, owner)) = self.read_named(&self.location.name)? else { return Ok(false) };
        let wanted = self.next_name(&digest_of(&bytes));
        let (begins, ends) = (format!(".{}.", self.location.name), ".next");
        let mut recovered = false;
        let is_ours = |name: &String| name.starts_with(&begins) && name.ends_with(ends);
        // The wanted one first and whatever else there is: a tenant may fill the directory.
        for name in std::iter::once(wanted.clone()).chain(self.names()?.into_iter().filter(is_ours)) {
            let whole = name == wanted && self.is_next_of(&name, owner, &is_complete);
            if whole && fs::renameat(&self.descriptor, &name, &self.descriptor, &self.location.name).is_ok() {
                recovered = true;
            } else {
                let _ = fs::unlinkat(&self.descriptor, &name, AtFlags::empty());
            }
        }
        Ok(recovered)
    }

    fn is_next_of(&self, name: &str, owner: (Uid, Gid), is_complete: impl Fn(&Document) -> bool) -> bool {
        let Ok(Some((bytes, next_owner))) = self.read_named(name) else { return false };
        owner == next_owner && Document::parse(bytes).is_some_and(|document| is_complete(&document))
    }

    fn open_lock(&self, name: &str) -> Result<OwnedFd> {
        let flags = OFlags::RDWR | OFlags::NOFOLLOW | OFlags::CLOEXEC | OFlags::NONBLOCK;
        let failed = |errno| self.errno("has no lock file that can be opened", errno, "openat");
        let made = fs::openat(&self.descriptor, name, flags | OFlags::CREATE | OFlags::EXCL, Mode::RUSR | Mode::WUSR);
        match made {
            Ok(descriptor) => {
                // Whoever owns the login must be able to take the lock later, when the worker has dropped its privileges.
                if let Ok(Some((_, (uid, gid)))) = self.read_named(&self.location.name) {
                    let _ = fs::fchown(&descriptor, Some(uid), Some(gid));
                }
                Ok(descriptor)
            }
            Err(Errno::EXIST) => fs::openat(&self.descriptor, name, flags, Mode::empty()).map_err(failed),
            Err(errno) => Err(failed(errno)),
        }
    }

    fn give(&self, next: &Next, based_on: &Content) -> Result<()> {
        fs::fchown(&next.descriptor, Some(based_on.owner.0), Some(based_on.owner.1))
            .map_err(|errno| self.errno("would lose its owner, as this process may not keep it", errno, "fchown"))?;
        // After fchown, which may take bits away, and whatever the umask is.
        fs::fchmod(&next.descriptor, Mode::RUSR | Mode::WUSR)
            .map_err(|errno| self.errno("cannot be replaced", errno, "fchmod"))
    }

    fn write(&self, descriptor: OwnedFd, new: &Document) -> Result<()> {
        // Nobody could read it again.
        if new.bytes().len() > MAX_FILE_BYTES {
            return Err(self.refused("would become larger than a login can be"));
        }
        let mut file = File::from(descriptor);
        let failed = |error: std::io::Error, syscall| {
            let errno = Errno::from_raw_os_error(error.raw_os_error().unwrap_or_default());
            self.errno("cannot be replaced", errno, syscall)
        };
        file.write_all(new.bytes()).map_err(|error| failed(error, "write"))?;
        file.sync_all().map_err(|error| failed(error, "fsync"))
    }

    /// Somebody without the lock (the CLI itself, a person) may have written meanwhile: theirs stays.
    fn take_place(&self, next: &str, based_on: &Content) -> Result<bool> {
        let unchanged =
            self.read_named(&self.location.name)?.is_some_and(|(bytes, _)| digest_of(&bytes) == based_on.digest);
        if !unchanged {
            return Ok(false);
        }
        fs::renameat(&self.descriptor, next, &self.descriptor, &self.location.name)
            .map_err(|errno| self.errno("cannot be replaced", errno, "renameat"))?;
        fs::fsync(&self.descriptor)
            .map_err(|errno| self.errno("may be lost with a crash of this machine", errno, "fsync"))?;
        Ok(true)
    }

    fn read_named(&self, name: &str) -> Result<Option<(GuardedBytes, (Uid, Gid))>> {
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC | OFlags::NONBLOCK;
        let descriptor = match fs::openat(&self.descriptor, name, flags, Mode::empty()) {
            Ok(descriptor) => descriptor,
            Err(Errno::NOENT) => return Ok(None),
            Err(Errno::LOOP) => return Err(self.refused("is a symlink, which is not followed")),
            Err(errno) => return Err(self.errno("cannot be read", errno, "openat")),
        };
        let stat = fs::fstat(&descriptor).map_err(|errno| self.errno("cannot be read", errno, "fstat"))?;
        if FileType::from_raw_mode(stat.st_mode) != FileType::RegularFile {
            return Err(self.refused("is no regular file"));
        }
        if self.location.owner.is_some_and(|owner| owner != stat.st_uid) {
            return Err(self.refused("belongs to somebody else than options.owner"));
        }
        if stat.st_mode & 0o022 != 0 {
            return Err(self.refused("can be written by others than its owner. Make its mode 0600"));
        }
        let length = usize::try_from(stat.st_size).unwrap_or(usize::MAX);
        if length > MAX_FILE_BYTES {
            return Err(self.refused("is larger than a login can be"));
        }
        let bytes = read_whole(descriptor, length).map_err(|error| {
            self.errno("cannot be read", Errno::from_raw_os_error(error.raw_os_error().unwrap_or_default()), "read")
        })?;
        Ok(Some((bytes, (Uid::from_raw(stat.st_uid), Gid::from_raw(stat.st_gid)))))
    }

    fn names(&self) -> Result<Vec<String>> {
        let entries =
            fs::Dir::read_from(&self.descriptor).map_err(|errno| self.errno("cannot be listed", errno, "getdents"))?;
        let entries = entries.take(MAX_ENTRIES).flatten();
        Ok(entries.filter_map(|entry| entry.file_name().to_str().ok().map(str::to_owned)).collect())
    }

    /// By what it replaces: what was written for another content must not take the place of this one.
    fn next_name(&self, digest: &Digest) -> String {
        format!(".{}.{}.next", self.location.name, HEXLOWER.encode(&digest[..8]))
    }

    fn absent(&self) -> Error {
        let message = format!(
            "There is no stored login at {}. Log in with the CLI on a machine that has a browser, and put its file there: \
             this package runs no interactive login.",
            self.path()
        );
        self.error(ErrorCode::LoginRequired, &message)
    }

    fn refused(&self, problem: &str) -> Error {
        self.error(
            ErrorCode::CredentialFileUnusable,
            &format!("The file of the stored login, {}, {problem}. Nothing was changed in it.", self.path()),
        )
    }

    fn errno(&self, problem: &str, errno: Errno, syscall: &'static str) -> Error {
        let reason = std::io::Error::from(errno);
        let message = format!("The stored login {} {problem}: {reason}.", self.path());
        self.error(ErrorCode::CredentialFileUnusable, &message).errno(errno.raw_os_error(), syscall)
    }

    fn path(&self) -> String {
        self.location.path().display().to_string()
    }

    fn error(&self, code: ErrorCode, message: &str) -> Error {
        Error::new(code, message).path(self.path())
    }
}

/// Into memory of exactly its size: a growing buffer would leave parts of it behind.
fn read_whole(descriptor: OwnedFd, length: usize) -> std::io::Result<GuardedBytes> {
    let mut file = File::from(descriptor);
    let mut bytes = GuardedBytes::zeroed(length);
    let mut at = 0;
    while at < length {
        match file.read(&mut bytes[at..])? {
            0 => break,
            count => at += count,
        }
    }
    Ok(if at == length { bytes } else { GuardedBytes::copy_of(&bytes[..at]) })
}

#[cfg(test)]
mod tests;
