//! The lock of a stored login, which decides which process may request new tokens.
//!
//! Two locks that hold together. That of the lock file stays where it is while the login's file is replaced. That of
//! the login's file cannot be lost by deleting the lock file, and it is the one file that containers share which mount
//! it alone. The kernel releases both however a process ends.

use std::os::fd::OwnedFd;

use rustix::fs::{self, AtFlags, FlockOperation, Mode, OFlags};
use rustix::io::Errno;

use super::Directory;
use crate::error::Result;

/// The lock, until it is dropped, or the process ends in whatever way.
#[derive(Debug)]
pub struct Lock {
    _descriptors: [Option<OwnedFd>; 2],
}

enum LockAttempt {
    Taken(OwnedFd),
    /// Somebody else has it, or what was locked is not what has the name now.
    Busy,
    /// This file system knows no such lock.
    Unknown(Errno),
}

impl Directory {
    /// Takes the lock; none while somebody else has it.
    ///
    /// # Errors
    /// `CREDENTIAL_FILE_UNUSABLE`.
    pub fn try_lock(&self) -> Result<Option<Lock>> {
        // The directory of a file that is mounted alone is not where the others look, and may be read-only.
        let beside = if self.is_mount()? { None } else { Some(self.open_lock(&self.lock_name())?) };
        let beside = match beside.map(|descriptor| self.lock(descriptor, &self.lock_name())).transpose()? {
            None => None,
            Some(LockAttempt::Taken(descriptor)) => Some(descriptor),
            Some(LockAttempt::Busy) => return Ok(None),
            Some(LockAttempt::Unknown(errno)) => return Err(self.errno("cannot be locked", errno, "flock")),
        };
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC | OFlags::NONBLOCK;
        let login = match fs::openat(&self.descriptor, &self.location.name, flags, Mode::empty()) {
            Ok(descriptor) => self.lock(descriptor, &self.location.name)?,
            // Replaced or removed just now: who looks at it next will see.
            Err(Errno::NOENT) => return Ok(None),
            Err(errno) => return Err(self.errno("cannot be locked", errno, "openat")),
        };
        match (login, beside) {
            (LockAttempt::Taken(login), beside) => Ok(Some(Lock { _descriptors: [beside, Some(login)] })),
            (LockAttempt::Busy, _) => Ok(None),
            // NFS locks no file that is open for reading alone. The lock file is enough there.
            (LockAttempt::Unknown(_), Some(beside)) => Ok(Some(Lock { _descriptors: [Some(beside), None] })),
            (LockAttempt::Unknown(errno), None) => Err(self.errno("cannot be locked", errno, "flock")),
        }
    }

    fn lock_name(&self) -> String {
        format!(".{}.lock", self.location.name)
    }

    fn lock(&self, descriptor: OwnedFd, name: &str) -> Result<LockAttempt> {
        match fs::flock(&descriptor, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => {}
            Err(Errno::WOULDBLOCK | Errno::INTR) => return Ok(LockAttempt::Busy),
            Err(errno) => return Ok(LockAttempt::Unknown(errno)),
        }
        // What was opened may have been deleted or replaced before it was locked, and another process may have locked
        // what has its name now.
        let mine = fs::fstat(&descriptor).map_err(|errno| self.errno("cannot be locked", errno, "fstat"))?;
        Ok(match fs::statat(&self.descriptor, name, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(named) if (named.st_dev, named.st_ino) == (mine.st_dev, mine.st_ino) => LockAttempt::Taken(descriptor),
            Ok(_) | Err(Errno::NOENT) => LockAttempt::Busy,
            Err(errno) => return Err(self.errno("cannot be locked", errno, "fstatat")),
        })
    }

    fn open_lock(&self, name: &str) -> Result<OwnedFd> {
        let flags = OFlags::RDWR | OFlags::NOFOLLOW | OFlags::CLOEXEC | OFlags::NONBLOCK;
        let failed =
            |errno| self.errno("cannot be locked, because the lock file beside it cannot be opened", errno, "openat");
        let made = fs::openat(&self.descriptor, name, flags | OFlags::CREATE | OFlags::EXCL, Mode::RUSR | Mode::WUSR);
        match made {
            Ok(descriptor) => {
                // Whoever owns the login must be able to take the lock later, when the worker has dropped its
                // privileges.
                if let Ok(Some((_, (uid, gid)))) = self.read_named(&self.location.name) {
                    let _ = fs::fchown(&descriptor, Some(uid), Some(gid));
                }
                Ok(descriptor)
            }
            Err(Errno::EXIST) => {
                let descriptor = fs::openat(&self.descriptor, name, flags, Mode::empty()).map_err(failed)?;
                self.check_owner(&descriptor, name)?;
                Ok(descriptor)
            }
            Err(errno) => Err(failed(errno)),
        }
    }

    /// Refuses a lock file that somebody else has put there, as everybody may in a sticky directory: they would hold
    /// it.
    fn check_owner(&self, lock: &OwnedFd, name: &str) -> Result<()> {
        let stat = |descriptor: &OwnedFd| {
            fs::fstat(descriptor).map_err(|errno| self.errno("cannot be locked", errno, "fstat"))
        };
        let (owner, directory) = (stat(lock)?.st_uid, stat(&self.descriptor)?.st_uid);
        let login =
            fs::statat(&self.descriptor, &self.location.name, AtFlags::SYMLINK_NOFOLLOW).map(|stat| stat.st_uid);
        if [0, rustix::process::geteuid().as_raw(), directory].contains(&owner)
            || login.is_ok_and(|login| login == owner)
        {
            return Ok(());
        }
        Err(self.refused(&format!(
            "cannot be locked: the lock file beside it, {name}, belongs to uid {owner}, which owns neither the login nor \
            its directory. Remove the lock file, and make sure that no other user can write to that directory"
        )))
    }
}
