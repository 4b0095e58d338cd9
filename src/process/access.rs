//! Checks whether the target user can use a path: the kernel is asked as that user, and the first component that blocks
//! the path explains a refusal.

use std::fs::Metadata;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use rustix::fs::{Access, AtFlags, CWD, accessat};

use super::identity::Target;
use crate::error::Result;

/// A path and what must be possible with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Check {
    pub path: PathBuf,
    /// `EXEC_OK` is "searchable" of a directory, and no bit at all is "there".
    pub access: Access,
}

/// The first path that the target cannot use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Obstacle {
    /// Its place in the list of checks.
    pub index: usize,
    pub errno: i32,
}

/// A way to ask what a target may do.
pub trait AccessCheck {
    /// The first of `checks` that the target cannot use, in their order.
    ///
    /// # Errors
    /// `PRIVILEGE_FAILED`, `SPAWN_FAILED` when it cannot be asked.
    fn first_obstacle(&self, target: &Target, checks: &[Check]) -> Result<Option<Obstacle>>;
}

/// Every directory from the root to `path`, which must be searchable, then `path`.
pub fn checks_along(path: &Path, access: Access) -> impl Iterator<Item = Check> {
    let mut ancestors: Vec<&Path> = path.ancestors().skip(1).collect();
    ancestors.reverse();
    let directories = ancestors.into_iter().map(|directory| Check { path: directory.into(), access: Access::EXEC_OK });
    directories.chain([Check { path: path.into(), access }])
}

/// Explains why a path blocks the way: its owner, its mode, and what would fix it.
#[must_use]
pub fn explain(check: &Check, metadata: Option<&Metadata>) -> String {
    let path = check.path.display();
    let Some(metadata) = metadata else {
        return format!("{path} does not exist");
    };
    let (mode, wanted) = (metadata.mode(), check.access.bits());
    let hint = if mode & wanted == wanted {
        "; its mode allows it, so check for a noexec mount, an ACL or a security module".to_owned()
    } else {
        format!("; chmod o+{} {path} would allow it", letters(check.access))
    };
    format!("{}{hint}", describe(&check.path, metadata))
}

/// Whose a path is, and its mode.
pub fn describe(path: &Path, metadata: &Metadata) -> String {
    let (uid, gid, mode) = (metadata.uid(), metadata.gid(), metadata.mode() & 0o7777);
    format!("{} belongs to {uid}:{gid} and has mode {mode:04o}", path.display())
}

/// The first component of a path that keeps `target` out, with what is to be said about it; none where none is found. Not
/// how to open it: it may be somebody else's to keep closed.
pub fn closed(access: &dyn AccessCheck, target: &Target, path: &Path) -> Option<(PathBuf, String)> {
    let checks: Vec<Check> = checks_along(path, Access::EXEC_OK).collect();
    let obstacle = access.first_obstacle(target, &checks).ok()??;
    let path = &checks.get(obstacle.index)?.path;
    Some((path.clone(), describe(path, &std::fs::metadata(path).ok()?)))
}

/// The letters by which chmod(1) names these bits.
fn letters(access: Access) -> String {
    let all = [(Access::READ_OK, 'r'), (Access::WRITE_OK, 'w'), (Access::EXEC_OK, 'x')];
    all.into_iter().filter(|(bit, _)| access.contains(*bit)).map(|(_, letter)| letter).collect()
}

/// Asks as this process, with its effective ids.
#[derive(Debug, Default)]
pub struct OwnAccess;

impl AccessCheck for OwnAccess {
    fn first_obstacle(&self, _: &Target, checks: &[Check]) -> Result<Option<Obstacle>> {
        for (index, check) in checks.iter().enumerate() {
            if let Err(error) = accessat(CWD, &check.path, check.access, AtFlags::EACCESS) {
                return Ok(Some(Obstacle { index, errno: error.raw_os_error() }));
            }
        }
        Ok(None)
    }
}

/// Asks the mode bits: where nobody can be asked as somebody else. Blind to ACLs and mount options.
#[derive(Debug, Default)]
pub struct ModeBits;

impl AccessCheck for ModeBits {
    fn first_obstacle(&self, target: &Target, checks: &[Check]) -> Result<Option<Obstacle>> {
        for (index, check) in checks.iter().enumerate() {
            let errno = match std::fs::metadata(&check.path) {
                Err(error) => error.raw_os_error().unwrap_or(libc::EIO),
                Ok(metadata) if mode_allows(&metadata, target, check.access) => continue,
                Ok(_) => libc::EACCES,
            };
            return Ok(Some(Obstacle { index, errno }));
        }
        Ok(None)
    }
}

/// `path_resolution(7)`: the owner's bits count for the owner, the group's for the group, else the others'.
fn mode_allows(metadata: &Metadata, target: &Target, access: Access) -> bool {
    let in_group = target.gid() == metadata.gid() || target.groups().contains(&metadata.gid());
    let shift = match (target.uid() == metadata.uid(), in_group) {
        (true, _) => 6,
        (false, true) => 3,
        (false, false) => 0,
    };
    if target.uid() == 0 {
        return metadata.is_dir() || !access.contains(Access::EXEC_OK) || metadata.mode() & 0o111 != 0;
    }
    // The bits of access(2) are those of a mode.
    (metadata.mode() >> shift) & access.bits() == access.bits()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::identity::Identity;

    #[test]
    fn ancestors_come_first() {
        let paths: Vec<_> = checks_along(Path::new("/a/b"), Access::READ_OK).collect();
        let expected = [("/", Access::EXEC_OK), ("/a", Access::EXEC_OK), ("/a/b", Access::READ_OK)]
            .map(|(path, access)| Check { path: path.into(), access });
        assert_eq!(paths, expected);
    }

    #[test]
    fn own_and_mode_agree_on_what_is_there() {
        let dir = tempfile::tempdir().expect("a directory");
        let target = Target::Same { uid: 0, gid: 0 };
        for asked in [&OwnAccess as &dyn AccessCheck, &ModeBits] {
            let checks = [
                Check { path: dir.path().into(), access: Access::EXEC_OK },
                Check { path: dir.path().join("missing"), access: Access::EXEC_OK },
            ];
            let obstacle = asked.first_obstacle(&target, &checks).expect("asked");
            assert_eq!(obstacle, Some(Obstacle { index: 1, errno: libc::ENOENT }));
        }
    }

    #[test]
    fn root_reads_and_writes_everything_and_executes_what_anybody_may() {
        use std::os::unix::fs::PermissionsExt;
        let dir = tempfile::tempdir().expect("a directory");
        let file = dir.path().join("file");
        std::fs::write(&file, "").expect("ours");
        let root = Target::Same { uid: 0, gid: 0 };
        let allows = |path: &Path, mode, access| {
            std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).expect("ours");
            mode_allows(&std::fs::metadata(path).expect("there"), &root, access)
        };
        for (mode, access, expected) in [
            (0o000, Access::READ_OK, true),
            (0o000, Access::WRITE_OK, true),
            (0o000, Access::EXISTS, true),
            (0o666, Access::EXEC_OK, false),
            (0o666, Access::READ_OK | Access::EXEC_OK, false),
            (0o001, Access::EXEC_OK, true),
        ] {
            assert_eq!(allows(&file, mode, access), expected, "{mode:o} {access:?}");
        }
        assert!(allows(dir.path(), 0o600, Access::EXEC_OK), "searches every directory");
    }

    #[test]
    fn mode_bits_count_for_whom_they_name() {
        use std::os::unix::fs::PermissionsExt;
        let file = tempfile::NamedTempFile::new().expect("a file");
        let (uid, gid) = {
            let metadata = file.as_file().metadata().expect("there");
            (metadata.uid(), metadata.gid())
        };
        let other = |uid, gid, groups| Target::Other(Identity { uid, gid, groups });
        for (mode, target, expected) in [
            (0o700, other(uid + 1, gid + 1, vec![]), false),
            (0o701, other(uid + 1, gid + 1, vec![]), true),
            (0o710, other(uid + 1, gid, vec![]), true),
            (0o710, other(uid + 1, gid + 1, vec![gid]), true),
            (0o701, other(uid + 1, gid, vec![]), false),
        ] {
            std::fs::set_permissions(file.path(), std::fs::Permissions::from_mode(mode)).expect("ours");
            let metadata = std::fs::metadata(file.path()).expect("there");
            assert_eq!(mode_allows(&metadata, &target, Access::EXEC_OK), expected, "{mode:o} {target}");
        }
    }
}
