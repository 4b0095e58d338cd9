//! What the kernel knows of a file that permissions do not tell: why it could not be replaced.

use rustix::fs::{self, AtFlags};

use super::Directory;
use crate::error::Result;

/// Of a file or a directory.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Facts {
    /// It is a mount point.
    pub is_mount: bool,
    /// `chattr +i`.
    pub is_immutable: bool,
    /// `chattr +a`.
    pub is_append_only: bool,
    /// No directory has a name for it any more.
    pub is_unlinked: bool,
}

impl Directory {
    /// Of an entry; the directory's own for the empty name. Where the kernel does not say, nothing is known against it.
    #[cfg(target_os = "linux")]
    pub(super) fn facts(&self, name: &str) -> Facts {
        use rustix::fs::{StatxAttributes, StatxFlags};
        let flags = AtFlags::SYMLINK_NOFOLLOW | if name.is_empty() { AtFlags::EMPTY_PATH } else { AtFlags::empty() };
        let Ok(stat) = fs::statx(&self.descriptor, name, flags, StatxFlags::BASIC_STATS) else {
            return Facts::default();
        };
        let has = |attribute| stat.stx_attributes.contains(attribute);
        Facts {
            // The directory of a login may well be one.
            is_mount: !name.is_empty() && has(StatxAttributes::MOUNT_ROOT),
            is_immutable: has(StatxAttributes::IMMUTABLE),
            is_append_only: has(StatxAttributes::APPEND),
            is_unlinked: stat.stx_nlink == 0,
        }
    }

    #[cfg(not(target_os = "linux"))]
    pub(super) fn facts(&self, name: &str) -> Facts {
        let nlink = fs::statat(&self.descriptor, name, AtFlags::SYMLINK_NOFOLLOW).map_or(1, |stat| stat.st_nlink);
        Facts { is_unlinked: !name.is_empty() && nlink == 0, ..Facts::default() }
    }

    /// Whether the login's file is a mount point, which no other file can take the place of.
    pub(super) fn is_mount(&self) -> bool {
        self.facts(&self.location.name).is_mount
    }

    /// Refuses a file or a directory in which nothing can take the place of anything.
    pub(super) fn check_attributes(&self) -> Result<Facts> {
        let (file, directory) = (self.facts(&self.location.name), self.facts(""));
        let problem = if file.is_immutable || file.is_append_only {
            "cannot be replaced: it is immutable or append-only. Run: chattr -ia on it"
        } else if !file.is_mount && (directory.is_immutable || directory.is_append_only) {
            "cannot be replaced: its directory is immutable or append-only. Run: chattr -ia on the directory"
        } else if file.is_mount && file.is_unlinked {
            "is mounted here alone, and was replaced since by another file where it comes from. Mount its directory \
             instead, or mount the file again"
        } else {
            return Ok(file);
        };
        Err(self.refused(problem))
    }
}
