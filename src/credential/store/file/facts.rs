//! The facts about a file that its permissions do not show but that prevent its replacement, such as mounts and
//! attributes.

use std::os::fd::AsFd;
#[cfg(target_os = "linux")]
use std::os::fd::AsRawFd;

use rustix::fs::{self, AtFlags, Mode, OFlags};
#[cfg(target_os = "linux")]
use rustix::fs::{Statx, StatxAttributes, StatxFlags};
use rustix::io::Errno;

use super::Directory;
use crate::error::Result;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Facts {
    /// Whether it is itself a mount point.
    pub is_mount: bool,
    /// Whether no directory has a name for it any more.
    pub is_unlinked: bool,
    /// What `chattr` sets; none if neither the kernel nor the file system reports it.
    attributes: Option<InodeFlags>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct InodeFlags {
    /// `chattr +i`
    is_immutable: bool,
    /// `chattr +a`
    is_append_only: bool,
}

#[cfg(target_os = "linux")]
impl InodeFlags {
    fn told_by(stat: &Statx) -> Option<Self> {
        let is_immutable = told(stat, StatxAttributes::IMMUTABLE)?;
        Some(Self { is_immutable, is_append_only: told(stat, StatxAttributes::APPEND)? })
    }
}

/// A fact that the kernel or the file system claims to report.
#[cfg(target_os = "linux")]
fn told(stat: &Statx, fact: StatxAttributes) -> Option<bool> {
    stat.stx_attributes_mask.contains(fact).then(|| stat.stx_attributes.contains(fact))
}

/// Opens an entry to look at it, whatever it is.
#[cfg(target_os = "linux")]
const PLACE: OFlags = OFlags::PATH.union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);

impl Facts {
    fn is_protected(self) -> bool {
        self.attributes.is_some_and(|attributes| attributes.is_immutable || attributes.is_append_only)
    }
}

impl Directory {
    /// Of an entry, which may have gone; the directory's own for the empty name.
    ///
    /// # Errors
    /// `CREDENTIAL_FILE_UNUSABLE` if it is unknown whether the entry is a mount point.
    #[cfg(target_os = "linux")]
    pub(super) fn facts(&self, name: &str) -> Result<Facts> {
        let flags = AtFlags::SYMLINK_NOFOLLOW | if name.is_empty() { AtFlags::EMPTY_PATH } else { AtFlags::empty() };
        // Not before Linux 4.11, and not in every sandbox.
        let stat = match fs::statx(&self.descriptor, name, flags, StatxFlags::BASIC_STATS) {
            Err(Errno::NOENT) => return Ok(Facts::default()),
            stat => stat.ok(),
        };
        let attributes = stat.as_ref().and_then(InodeFlags::told_by);
        // The directory of a login may well be a mount point.
        if name.is_empty() {
            return Ok(Facts { attributes, ..Facts::default() });
        }
        let is_mount = match stat.as_ref().and_then(|stat| told(stat, StatxAttributes::MOUNT_ROOT)) {
            Some(is_mount) => is_mount,
            None => match fs::openat(&self.descriptor, name, PLACE, Mode::empty()) {
                Ok(entry) => self.is_mounted(&entry)?,
                Err(Errno::NOENT) => return Ok(Facts::default()),
                Err(errno) => return Err(self.errno("cannot be read", errno, "openat")),
            },
        };
        let is_unlinked = match stat {
            Some(stat) => stat.stx_nlink == 0,
            None => self.is_unlinked(name)?,
        };
        Ok(Facts { is_mount, is_unlinked, attributes })
    }

    #[cfg(not(target_os = "linux"))]
    pub(super) fn facts(&self, name: &str) -> Result<Facts> {
        // No file is mounted alone there, and what `chflags` sets is found out by trying.
        Ok(Facts { is_unlinked: !name.is_empty() && self.is_unlinked(name)?, ..Facts::default() })
    }

    fn is_unlinked(&self, name: &str) -> Result<bool> {
        match fs::statat(&self.descriptor, name, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(stat) => Ok(stat.st_nlink == 0),
            Err(Errno::NOENT) => Ok(false),
            Err(errno) => Err(self.errno("cannot be read", errno, "fstatat")),
        }
    }

    /// Whether what was opened here is itself a mount point.
    ///
    /// # Errors
    /// `CREDENTIAL_FILE_UNUSABLE` if that is unknown.
    #[cfg(target_os = "linux")]
    pub(super) fn is_mounted(&self, entry: impl AsFd) -> Result<bool> {
        let stat = fs::statx(&entry, "", AtFlags::EMPTY_PATH, StatxFlags::BASIC_STATS).ok();
        if let Some(is_mount) = stat.and_then(|stat| told(&stat, StatxAttributes::MOUNT_ROOT)) {
            return Ok(is_mount);
        }
        // Before Linux 5.8: its mount is another than its directory's.
        let mounts = mount_of(&entry).zip(mount_of(&self.descriptor));
        mounts.map(|(entry, directory)| entry != directory).ok_or_else(|| {
            self.refused(
                "cannot be replaced: this system does not show whether it is a mount point. Mount /proc, or allow \
                statx(2) on Linux 5.8 or later",
            )
        })
    }

    #[cfg(not(target_os = "linux"))]
    pub(super) fn is_mounted(&self, _: impl AsFd) -> Result<bool> {
        Ok(false)
    }

    /// Whether the login's file is a mount point, which no other file can take the place of.
    ///
    /// # Errors
    /// As [`Directory::facts`].
    pub(super) fn is_mount(&self) -> Result<bool> {
        Ok(self.facts(&self.location.name)?.is_mount)
    }

    /// Refuses a file or a directory in which nothing can take the place of anything. What the system does not report about the file is
    /// found out by trying; about the directory, when a file is created there.
    ///
    /// # Errors
    /// `CREDENTIAL_FILE_UNUSABLE`.
    pub(super) fn check_attributes(&self) -> Result<Facts> {
        let (file, directory) = (self.facts(&self.location.name)?, self.facts("")?);
        if file.is_protected() || (file.attributes.is_none() && self.is_never_written()) {
            return Err(self.refused(FILE_PROTECTED));
        }
        if !file.is_mount && directory.is_protected() {
            return Err(self.refused(DIRECTORY_PROTECTED));
        }
        if file.is_mount && file.is_unlinked {
            return Err(self.refused(
                "is mounted as a single file, and its source has since been replaced by another file. Mount its \
                directory instead, or mount the file again",
            ));
        }
        Ok(file)
    }

    /// Whether nobody may open the login's file for writing, whatever its mode is (`EPERM`, not `EACCES`).
    fn is_never_written(&self) -> bool {
        let flags = OFlags::WRONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC | OFlags::NONBLOCK;
        let opened = fs::openat(&self.descriptor, &self.location.name, flags, Mode::empty());
        opened.is_err_and(|errno| errno == Errno::PERM)
    }
}

pub(super) const FILE_PROTECTED: &str = "cannot be replaced: it is immutable or append-only. Run chattr -ia on it";
pub(super) const DIRECTORY_PROTECTED: &str =
    "cannot be replaced: its directory is immutable or append-only. Run chattr -ia on the directory";

/// The number of the mount that contains the opened file; none if /proc does not show it.
#[cfg(target_os = "linux")]
fn mount_of(descriptor: impl AsFd) -> Option<u64> {
    let info = format!("/proc/self/fdinfo/{}", descriptor.as_fd().as_raw_fd());
    let info = std::fs::read_to_string(info).ok()?;
    info.lines().find_map(|line| line.strip_prefix("mnt_id:")?.trim().parse().ok())
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_said_to_be_told_is_not_known() {
        let mut stat = fs::statx(fs::CWD, "/", AtFlags::empty(), StatxFlags::BASIC_STATS).expect("there");
        stat.stx_attributes = StatxAttributes::MOUNT_ROOT;
        stat.stx_attributes_mask = StatxAttributes::all();
        assert_eq!(told(&stat, StatxAttributes::MOUNT_ROOT), Some(true));
        let none = InodeFlags { is_immutable: false, is_append_only: false };
        assert_eq!(InodeFlags::told_by(&stat), Some(none));
        for fact in [StatxAttributes::MOUNT_ROOT, StatxAttributes::IMMUTABLE, StatxAttributes::APPEND] {
            stat.stx_attributes_mask = StatxAttributes::all().difference(fact);
            assert_eq!(told(&stat, fact), None);
            assert_eq!(InodeFlags::told_by(&stat).is_none(), fact != StatxAttributes::MOUNT_ROOT);
        }
    }

    #[test]
    fn mounts_have_numbers() {
        let [one, two, other] = ["/", "/", "/proc"].map(|path| fs::open(path, PLACE, Mode::empty()).expect("there"));
        assert!(mount_of(&one).is_some() && mount_of(&one) == mount_of(&two) && mount_of(&one) != mount_of(&other));
    }
}
