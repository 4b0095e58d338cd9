//! Follows a path link by link, to find what a command of root would really change and whether a tenant can influence
//! that.
//!
//! Each step is opened from the one before it, as the kernel walks: the cost grows with the steps, whatever a tenant has
//! put there, and their number is bounded.

use std::ffi::{OsStr, OsString};
use std::os::fd::OwnedFd;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Component, Path, PathBuf};

use rustix::fs::{AtFlags, FileType, Mode, OFlags, Stat, fstat, open, openat, readlinkat, statat};

/// The kernel follows no more links either (path_resolution(7)).
const MOST_LINKS: usize = 40;
/// A way of more steps is given up as a maze. One path has at most half of `PATH_MAX`.
const MOST_STEPS: usize = 8192;

/// The tenant, and whoever asks.
#[derive(Clone, Debug)]
pub struct Parties {
    pub uid: u32,
    /// The tenant's groups, the first one among them.
    pub groups: Vec<u32>,
    /// The asking process's own user and group.
    pub own: (u32, u32),
}

#[derive(Debug, PartialEq, Eq)]
#[cfg_attr(feature = "node", napi_derive::napi(object, object_from_js = false, use_nullable = true))]
pub struct Way {
    /// Where the path leads; what is missing at its end is part of it.
    pub real: String,
    /// The first link on it that is, or could be, the tenant's.
    pub steered: Option<String>,
    /// The first directory on it, above its end, that the tenant can put a link in the place of.
    pub movable: Option<String>,
    /// Whether the target can make and rename things in the last directory that there is, above the path.
    pub targets: bool,
    /// Whether the target can do so in the path itself.
    pub inside: bool,
    /// Whether the target can rename what is at the path, or make it if it is missing. In a sticky directory, it can make
    /// things, but rename only its own.
    pub replaceable: bool,
}

/// Walks to an absolute path. What cannot be looked at counts as missing.
#[must_use]
pub fn way_to(path: &Path, parties: &Parties) -> Way {
    let Some(mut here) = WayStep::root() else {
        return Way::given_up(path, path);
    };
    let mut rest = reversed(path);
    let (mut links, mut walked) = (0, 0);
    let (mut steered, mut movable) = (None, None);
    while let Some(name) = rest.pop() {
        walked += 1;
        if walked > MOST_STEPS || links > MOST_LINKS {
            let first = steered.unwrap_or_else(|| text(&here.path));
            return Way { steered: Some(first), movable, ..Way::given_up(&here.path, &here.path) };
        }
        let Some(next) = here.step(&name) else {
            rest.push(name);
            break;
        };
        if let Some(to) = here.link(&name, &next) {
            if parties.owns(&next.stat) || parties.opens(&here.stat) {
                steered.get_or_insert_with(|| text(&next.path));
            }
            links += 1;
            if to.is_absolute() {
                let Some(root) = WayStep::root() else { break };
                here = root;
            }
            rest.extend(reversed(&to));
            continue;
        }
        if rest.is_empty() {
            return Way {
                real: text(&next.path),
                steered,
                movable,
                targets: parties.opens(&here.stat),
                inside: parties.opens(&next.stat),
                replaceable: parties.can_replace(&next.stat, &here.stat),
            };
        }
        if name != OsStr::new("..") && parties.can_replace(&next.stat, &here.stat) {
            movable.get_or_insert_with(|| text(&next.path));
        }
        here = next;
    }
    let real = rest.iter().rev().fold(here.path.clone(), |path, name| path.join(name));
    let targets = parties.opens(&here.stat);
    Way { real: text(&real), steered, movable, targets, inside: false, replaceable: targets }
}

impl Way {
    /// If it is unknown, it answers as if the tenant could choose the path.
    fn given_up(real: &Path, steered: &Path) -> Self {
        let (real, steered) = (text(real), Some(text(steered)));
        Self { real, steered, movable: None, targets: true, inside: true, replaceable: true }
    }
}

impl Parties {
    /// Takes everybody for the tenant who is neither root nor we.
    fn owns(&self, stat: &Stat) -> bool {
        stat.st_uid != 0 && (stat.st_uid == self.uid || stat.st_uid != self.own.0)
    }

    /// Says whether the tenant can make things in a directory.
    fn opens(&self, stat: &Stat) -> bool {
        let group = stat.st_gid;
        let in_group = group != 0 && (self.groups.contains(&group) || group != self.own.1);
        self.owns(stat) || stat.st_mode & 0o002 != 0 || (stat.st_mode & 0o020 != 0 && in_group)
    }

    /// Says whether the tenant can rename what is in a directory. In a sticky one, only what is its own (rename(2)).
    fn can_replace(&self, what: &Stat, directory: &Stat) -> bool {
        let sticky = directory.st_mode & 0o1000 != 0;
        self.owns(directory) || (self.opens(directory) && (!sticky || self.owns(what)))
    }
}

/// A step of the way that is there.
struct WayStep {
    path: PathBuf,
    stat: Stat,
    /// None where it is no directory.
    descriptor: Option<OwnedFd>,
}

/// A directory is walked through, not read.
#[cfg(target_os = "linux")]
const ACCESS: OFlags = OFlags::PATH;
#[cfg(not(target_os = "linux"))]
const ACCESS: OFlags = OFlags::RDONLY;
const FLAGS: OFlags = ACCESS.union(OFlags::DIRECTORY).union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);

impl WayStep {
    fn root() -> Option<Self> {
        let descriptor = open("/", FLAGS, Mode::empty()).ok()?;
        Some(Self { path: "/".into(), stat: fstat(&descriptor).ok()?, descriptor: Some(descriptor) })
    }

    fn step(&self, name: &OsStr) -> Option<Self> {
        let here = self.descriptor.as_ref()?;
        let mut path = self.path.clone();
        if name == OsStr::new("..") {
            path.pop();
        } else {
            path.push(name);
        }
        let stat = statat(here, name, AtFlags::SYMLINK_NOFOLLOW).ok()?;
        if FileType::from_raw_mode(stat.st_mode) != FileType::Directory {
            return Some(Self { path, stat, descriptor: None });
        }
        let descriptor = openat(here, name, FLAGS, Mode::empty()).ok()?;
        let mut stat = fstat(&descriptor).ok()?;
        // The group's bits are then the mask of an ACL (acl(5)), which can name anybody.
        if stat.st_mode & 0o020 != 0 && has_acl(&descriptor) {
            stat.st_mode |= 0o002;
        }
        Some(Self { path, stat, descriptor: Some(descriptor) })
    }

    /// Returns where `next`, a step from here of that name, leads if it is a link.
    fn link(&self, name: &OsStr, next: &Self) -> Option<PathBuf> {
        if FileType::from_raw_mode(next.stat.st_mode) != FileType::Symlink {
            return None;
        }
        let to = readlinkat(self.descriptor.as_ref()?, name, Vec::new()).ok()?;
        Some(OsString::from_vec(to.into_bytes()).into())
    }
}

/// Says whether a directory has an access ACL. By the descriptor's link: fgetxattr(2) takes no `O_PATH`.
#[cfg(target_os = "linux")]
fn has_acl(directory: &OwnedFd) -> bool {
    use std::os::fd::AsRawFd;
    let link = format!("/proc/self/fd/{}", directory.as_raw_fd());
    rustix::fs::getxattr(link, "system.posix_acl_access", &mut [0_u8; 0][..]).is_ok()
}

/// Other systems' ACLs are not looked at.
#[cfg(not(target_os = "linux"))]
const fn has_acl(_: &OwnedFd) -> bool {
    false
}

/// The names of a path, the last one first. `..` is one: the kernel goes up from where a link has led.
fn reversed(path: &Path) -> Vec<OsString> {
    let names = path.components().filter_map(|component| match component {
        Component::Normal(name) => Some(name.to_owned()),
        Component::ParentDir => Some("..".into()),
        _ => None,
    });
    let mut all: Vec<OsString> = names.collect();
    all.reverse();
    all
}

fn text(path: &Path) -> String {
    String::from_utf8_lossy(path.as_os_str().as_bytes()).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::identity::own;
    use crate::sys::real_path::real_path;
    use std::fs;
    use std::os::unix::fs::{PermissionsExt, symlink};

    fn parties() -> Parties {
        Parties { uid: own().0 + 77, groups: vec![own().1 + 77], own: own() }
    }

    fn place() -> (tempfile::TempDir, PathBuf) {
        let dir = tempfile::tempdir().expect("a directory");
        let here = real_path(dir.path()).expect("there");
        fs::set_permissions(&here, fs::Permissions::from_mode(0o755)).expect("ours");
        (dir, here)
    }

    fn set_mode(path: &Path, mode: u32) {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("ours");
    }

    #[test]
    fn it_leads_where_the_kernel_goes() {
        let (_dir, here) = place();
        fs::create_dir_all(here.join("real/inner")).expect("ours");
        symlink(here.join("real/inner"), here.join("link")).expect("ours");
        // By the names alone, `link/..` would be `here`.
        symlink("link/../inner/../x", here.join("up")).expect("ours");
        fs::write(here.join("real/x"), "").expect("ours");
        for (path, real) in [
            ("link", "real/inner"),
            ("up", "real/x"),
            ("link/../none/more", "real/none/more"),
            ("real/x/more", "real/x/more"),
        ] {
            let way = way_to(&here.join(path), &parties());
            assert_eq!((way.real, way.steered), (text(&here.join(real)), None), "{path}");
        }
    }

    #[test]
    fn what_a_tenant_can_replace() {
        let (_dir, here) = place();
        let middle = here.join("middle");
        fs::create_dir_all(middle.join("inner")).expect("ours");
        let path = middle.join("inner/end");
        let (any, inner) = (parties(), text(&middle.join("inner")));
        let movable = |mode| {
            set_mode(&middle, mode);
            way_to(&path, &any).movable
        };
        assert_eq!(movable(0o755), None);
        assert_eq!(movable(0o777), Some(inner), "anybody's to rename");
        assert_eq!(movable(0o1777), None, "sticky, and not the tenant's own");
        assert_eq!(
            movable(0o775).is_some(),
            own().1 != 0 && any.groups.contains(&own().1),
            "our own group is no tenant"
        );
        let members = Parties { groups: vec![own().1], ..parties() };
        assert_eq!(way_to(&path, &members).movable.is_some(), own().1 != 0, "unless the tenant is in it");

        let end = |mode| {
            set_mode(&middle, mode);
            let way = way_to(&middle.join("inner"), &any);
            (way.targets, way.replaceable)
        };
        assert_eq!([end(0o755), end(0o777), end(0o1777)], [(false, false), (true, true), (true, false)]);

        symlink("inner", middle.join("link")).expect("ours");
        set_mode(&middle, 0o755);
        assert_eq!(way_to(&middle.join("link"), &any).steered, None);
        set_mode(&middle, 0o777);
        let found = way_to(&middle.join("link"), &any);
        assert_eq!((found.steered, found.targets, found.inside), (Some(text(&middle.join("link"))), true, false));
    }

    /// An access ACL of Linux (`linux/posix_acl_xattr.h`): its version, then tag, permissions and id of each entry.
    #[cfg(target_os = "linux")]
    fn set_acl(path: &Path, uid: u32) -> rustix::io::Result<()> {
        let entries =
            [(0x01, 7, u32::MAX), (0x02, 7, uid), (0x04, 0, u32::MAX), (0x10, 7, u32::MAX), (0x20, 0, u32::MAX)];
        let mut bytes = 2_u32.to_le_bytes().to_vec();
        for (tag, permissions, id) in entries {
            bytes.extend([tag, permissions].map(u16::to_le_bytes).concat());
            bytes.extend(id.to_le_bytes());
        }
        rustix::fs::setxattr(path, "system.posix_acl_access", &bytes, rustix::fs::XattrFlags::empty())
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn what_an_acl_lets_a_tenant_do() {
        let (_dir, here) = place();
        let (closed, all) = (here.join("closed"), parties());
        fs::create_dir_all(closed.join("inner")).expect("ours");
        match set_acl(&closed, all.uid) {
            Err(rustix::io::Errno::OPNOTSUPP) => return,
            set => set.expect("ours"),
        }
        let way = way_to(&closed.join("inner/end"), &all);
        assert_eq!(way.movable, Some(text(&closed.join("inner"))), "an ACL names the tenant");
    }

    #[test]
    fn a_maze_and_a_circle_are_given_up() {
        let (_dir, here) = place();
        fs::create_dir(here.join("e")).expect("ours");
        for link in 0..30 {
            symlink(format!("{}l{}", "e/../".repeat(800), link + 1), here.join(format!("l{link}"))).expect("ours");
        }
        symlink("circle", here.join("circle")).expect("ours");
        for name in ["l0", "circle"] {
            let way = way_to(&here.join(name), &parties());
            assert!(way.steered.is_some() && way.targets && way.inside && way.replaceable, "{way:?}");
        }
    }
}
