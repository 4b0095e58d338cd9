//! Whether the target can use a path: asked of the kernel as the target, and explained by the first component in the
//! way.

use std::fs::Metadata;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use super::identity::Target;
use crate::error::Result;

/// A path and what must be possible with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Check {
    /// It.
    pub path: PathBuf,
    /// Whether it must be readable; executable (searchable, if a directory) it must be in any case.
    pub readable: bool,
}

/// The first path that the target cannot use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Obstacle {
    /// Its place in the list.
    pub index: usize,
    /// The kernel's error number.
    pub errno: i32,
}

/// Asks the kernel as somebody.
pub trait Reach {
    /// The first of `checks` that the target cannot use, in their order.
    ///
    /// # Errors
    /// `PRIVILEGE_FAILED`, `SPAWN_FAILED` when it cannot be asked.
    fn first_obstacle(&self, target: &Target, checks: &[Check]) -> Result<Option<Obstacle>>;
}

/// Every directory from the root to `path`, then `path`.
pub fn checks_along(path: &Path, readable: bool) -> impl Iterator<Item = Check> {
    let mut ancestors: Vec<&Path> = path.ancestors().skip(1).collect();
    ancestors.reverse();
    let directories = ancestors.into_iter().map(|directory| Check { path: directory.into(), readable: false });
    directories.chain([Check { path: path.into(), readable }])
}

/// Why a path is in the way, for a person: owner, mode, and what would mend it.
#[must_use]
pub fn explain(check: &Check, metadata: Option<&Metadata>) -> String {
    let path = check.path.display();
    let Some(metadata) = metadata else {
        return format!("{path} does not exist");
    };
    let (uid, gid, mode) = (metadata.uid(), metadata.gid(), metadata.mode() & 0o7777);
    let open = mode & 0o001 != 0 && (!check.readable || mode & 0o004 != 0);
    let hint = match (open, metadata.is_dir()) {
        (true, _) => "; its mode would allow it, so look for a noexec mount, an ACL or a security module".to_owned(),
        (false, true) => format!("; chmod o+x {path} would open it"),
        (false, false) if check.readable => format!("; chmod o+rx {path} would open it"),
        (false, false) => format!("; chmod o+x {path} would open it"),
    };
    format!("{path} belongs to {uid}:{gid} and has mode {mode:04o}{hint}")
}

/// Asks as this process, with its effective ids.
#[derive(Debug, Default)]
pub struct OwnReach;

impl Reach for OwnReach {
    fn first_obstacle(&self, _: &Target, checks: &[Check]) -> Result<Option<Obstacle>> {
        use rustix::fs::{Access, AtFlags, CWD, accessat};
        for (index, check) in checks.iter().enumerate() {
            let access = if check.readable { Access::READ_OK | Access::EXEC_OK } else { Access::EXEC_OK };
            if let Err(error) = accessat(CWD, &check.path, access, AtFlags::EACCESS) {
                return Ok(Some(Obstacle { index, errno: error.raw_os_error() }));
            }
        }
        Ok(None)
    }
}

/// Asks the mode bits: where nobody can be asked as somebody else. Blind to ACLs and mount options.
#[derive(Debug, Default)]
pub struct ModeReach;

impl Reach for ModeReach {
    fn first_obstacle(&self, target: &Target, checks: &[Check]) -> Result<Option<Obstacle>> {
        for (index, check) in checks.iter().enumerate() {
            let errno = match std::fs::metadata(&check.path) {
                Err(error) => error.raw_os_error().unwrap_or(libc::EIO),
                Ok(metadata) if mode_allows(&metadata, target, check.readable) => continue,
                Ok(_) => libc::EACCES,
            };
            return Ok(Some(Obstacle { index, errno }));
        }
        Ok(None)
    }
}

/// `path_resolution(7)`: the owner's bits count for the owner, the group's for the group, else the others'.
fn mode_allows(metadata: &Metadata, target: &Target, readable: bool) -> bool {
    let wanted = if readable { 0o5 } else { 0o1 };
    let in_group = target.gid() == metadata.gid() || target.groups().contains(&metadata.gid());
    let shift = match (target.uid() == metadata.uid(), in_group) {
        (true, _) => 6,
        (false, true) => 3,
        (false, false) => 0,
    };
    if target.uid() == 0 {
        return metadata.is_dir() || metadata.mode() & 0o111 != 0;
    }
    (metadata.mode() >> shift) & wanted == wanted
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ancestors_come_first() {
        let paths: Vec<_> = checks_along(Path::new("/a/b"), true).collect();
        let expected =
            [("/", false), ("/a", false), ("/a/b", true)].map(|(path, readable)| Check { path: path.into(), readable });
        assert_eq!(paths, expected);
    }

    #[test]
    fn own_and_mode_agree_on_what_is_there() {
        let dir = tempfile::tempdir().expect("a directory");
        let target = Target::Same { uid: 0, gid: 0 };
        for reach in [&OwnReach as &dyn Reach, &ModeReach] {
            let checks = [
                Check { path: dir.path().into(), readable: false },
                Check { path: dir.path().join("missing"), readable: false },
            ];
            let obstacle = reach.first_obstacle(&target, &checks).expect("asked");
            assert_eq!(obstacle, Some(Obstacle { index: 1, errno: libc::ENOENT }));
        }
    }

    #[test]
    fn mode_bits_count_for_whom_they_name() {
        use std::os::unix::fs::PermissionsExt;
        let file = tempfile::NamedTempFile::new().expect("a file");
        let (uid, gid) = {
            let metadata = file.as_file().metadata().expect("there");
            (metadata.uid(), metadata.gid())
        };
        let other = |uid, gid, groups| Target::Other { uid, gid, groups };
        for (mode, target, expected) in [
            (0o700, other(uid + 1, gid + 1, vec![]), false),
            (0o701, other(uid + 1, gid + 1, vec![]), true),
            (0o710, other(uid + 1, gid, vec![]), true),
            (0o710, other(uid + 1, gid + 1, vec![gid]), true),
            (0o701, other(uid + 1, gid, vec![]), false),
        ] {
            std::fs::set_permissions(file.path(), std::fs::Permissions::from_mode(mode)).expect("ours");
            let metadata = std::fs::metadata(file.path()).expect("there");
            assert_eq!(mode_allows(&metadata, &target, false), expected, "{mode:o} {target}");
        }
    }
}
