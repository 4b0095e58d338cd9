//! Checks whether only root and this process can change a file.

use std::fs::Metadata;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use super::super::identity::Target;
use crate::sys::identity;
use crate::sys::real_path::real_path;

/// In a directory with this bit nobody renames or removes what is another's: inode(7).
const STICKY: u32 = 0o1000;
const GROUP_WRITES: u32 = 0o020;
const OTHERS_WRITE: u32 = 0o002;

/// Whether root and this process alone can change the file at `path`, or put another in its place: judged by the owners and
/// modes of it and of every directory on the way, by its name and by its real path. The target, and whoever else is no
/// root, could have written it otherwise.
pub fn is_trusted(path: &Path, target: &Target) -> bool {
    let real = real_path(path).ok();
    let by_other_ways = real.iter().filter(|real| real.as_path() != path).flat_map(|real| real.ancestors());
    path.ancestors().chain(by_other_ways).all(|step| is_kept(step, target))
}

fn is_kept(step: &Path, target: &Target) -> bool {
    let Ok(metadata) = std::fs::symlink_metadata(step) else { return false };
    is_kept_by_owner(metadata.uid()) && (metadata.is_symlink() || is_kept_by_mode(step, &metadata, target))
}

fn is_kept_by_owner(owner: u32) -> bool {
    owner == 0 || owner == identity::own().0 || identity::is_from_outside(owner)
}

fn is_kept_by_mode(step: &Path, metadata: &Metadata, target: &Target) -> bool {
    let mode = metadata.mode();
    if metadata.is_dir() && mode & STICKY != 0 {
        return true;
    }
    mode & OTHERS_WRITE == 0 && (mode & GROUP_WRITES == 0 || is_kept_in_group(step, metadata.gid(), target))
}

/// A group that only root's or this process's user is expected in: with a umask of 002, all that a user makes is writable to
/// it. Where there is an access control list, the bits of the group are those of all its entries: acl(5).
fn is_kept_in_group(step: &Path, group: u32, target: &Target) -> bool {
    let is_own = group == 0 || group == identity::own().1;
    let is_targets = matches!(target, Target::Other(new) if new.gid == group || new.groups.contains(&group));
    is_own && !is_targets && !has_access_list(step)
}

#[cfg(target_os = "linux")]
fn has_access_list(step: &Path) -> bool {
    let mut nothing = [0_u8; 0];
    rustix::fs::getxattr(step, "system.posix_acl_access", &mut nothing[..]).is_ok_and(|length| length > 0)
}

#[cfg(not(target_os = "linux"))]
fn has_access_list(_: &Path) -> bool {
    false
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::identity::Identity;
    use std::os::unix::fs::{PermissionsExt, chown, symlink};

    #[test]
    fn what_another_can_write_is_not_trusted() {
        let dir = tempfile::tempdir().expect("a directory");
        let here = real_path(dir.path()).expect("there");
        let (way, file, link) = (here.join("way"), here.join("way/file"), here.join("link"));
        std::fs::create_dir(&way).expect("ours");
        std::fs::write(&file, "x").expect("ours");
        symlink(&file, &link).expect("ours");
        let (uid, gid) = identity::own();
        let tenant = Target::Other(Identity { uid: uid + 77, gid: gid + 77, groups: vec![] });
        let colleague = Target::Other(Identity { uid: uid + 77, gid: gid + 77, groups: vec![gid] });
        let set = |path: &Path, mode| std::fs::set_permissions(path, PermissionsExt::from_mode(mode)).expect("ours");
        for (way_mode, file_mode, by_tenant, by_colleague) in [
            (0o755, 0o644, true, true),
            (0o755, 0o646, false, false),
            (0o755, 0o664, true, false),
            (0o757, 0o644, false, false),
            (0o775, 0o644, true, false),
            (0o1777, 0o644, true, true),
            (0o1777, 0o666, false, false),
        ] {
            set(&way, way_mode);
            set(&file, file_mode);
            for path in [&file, &link] {
                let seen = (is_trusted(path, &tenant), is_trusted(path, &colleague));
                assert_eq!(seen, (by_tenant, by_colleague), "{way_mode:o} {file_mode:o} {}", path.display());
            }
        }
        assert!(!is_trusted(&here.join("none"), &tenant));
    }

    #[test]
    fn what_another_owns_is_not_trusted() {
        let (uid, gid) = identity::own();
        if uid != 0 {
            return; // Only root gives files away.
        }
        let target = Target::Other(Identity { uid: 1234, gid: 1234, groups: vec![] });
        for given in ["way", "way/file"] {
            let dir = tempfile::tempdir().expect("a directory");
            let way = real_path(dir.path()).expect("there").join("way");
            std::fs::create_dir(&way).expect("ours");
            std::fs::write(way.join("file"), "x").expect("ours");
            assert!(is_trusted(&way.join("file"), &target));
            for owner in [1234, 4321] {
                chown(way.with_file_name(given), Some(owner), Some(gid)).expect("root");
                assert!(!is_trusted(&way.join("file"), &target), "{given} of {owner}");
            }
        }
    }
}
