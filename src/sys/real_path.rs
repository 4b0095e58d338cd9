//! Where a path really leads, in one walk of the kernel's.
//!
//! `realpath(3)` and [`std::fs::canonicalize`] resolve link by link and look at every component anew for each: a tenant's
//! maze of symlinks holds them for tens of seconds. The kernel walks the same maze in milliseconds.

use std::io;
use std::path::{Path, PathBuf};

/// The path without symlinks of what `path` leads to.
///
/// # Errors
/// The kernel's: `ENOENT` where there is nothing, or where it is renamed or removed meanwhile; `ENAMETOOLONG` where the
/// result is longer than a path may be.
#[cfg(target_os = "linux")]
pub fn real_path(path: &Path) -> io::Result<PathBuf> {
    use std::ffi::OsString;
    use std::os::fd::AsRawFd;
    use std::os::unix::ffi::OsStringExt;

    use rustix::fs::{AtFlags, CWD, Mode, OFlags, fstat, openat, readlinkat, statat};
    use rustix::io::Errno;

    // `O_PATH` opens nothing: a FIFO is not waited for, and a device does nothing.
    let place = openat(CWD, path, OFlags::PATH | OFlags::CLOEXEC, Mode::empty())?;
    let Some(descriptors) = own_descriptors() else {
        return std::fs::canonicalize(path);
    };
    let name = readlinkat(&descriptors, place.as_raw_fd().to_string(), Vec::new())?;
    let real = PathBuf::from(OsString::from_vec(name.into_bytes()));
    // What was removed has " (deleted)" behind its name, and what lies in another namespace has no slash before it.
    let (here, there) = (fstat(&place)?, statat(CWD, &real, AtFlags::SYMLINK_NOFOLLOW));
    if real.is_absolute() && there.is_ok_and(|there| (there.st_dev, there.st_ino) == (here.st_dev, here.st_ino)) {
        return Ok(real);
    }
    Err(Errno::NOENT.into())
}

/// `/proc/self/fd`, where `/proc` is procfs and no directory that somebody has put there.
#[cfg(target_os = "linux")]
fn own_descriptors() -> Option<std::os::fd::OwnedFd> {
    use rustix::fs::{Mode, OFlags, PROC_SUPER_MAGIC, fstatfs, open};

    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let descriptors = open("/proc/thread-self/fd", flags, Mode::empty()).ok()?;
    let system = fstatfs(&descriptors).ok()?;
    (system.f_type == PROC_SUPER_MAGIC).then_some(descriptors)
}

/// The path without symlinks of what `path` leads to.
///
/// # Errors
/// The system's.
#[cfg(not(target_os = "linux"))]
pub fn real_path(path: &Path) -> io::Result<PathBuf> {
    std::fs::canonicalize(path)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::os::unix::fs::symlink;
    use std::time::{Duration, Instant};

    #[test]
    fn it_is_what_canonicalize_says() {
        let dir = tempfile::tempdir().expect("a directory");
        let here = dir.path();
        fs::create_dir_all(here.join("a/b (deleted)")).expect("ours");
        fs::write(here.join("a/file"), "").expect("ours");
        for (to, name) in [("a", "one"), ("one/b (deleted)/..", "two"), ("two/file", "three"), ("nowhere", "none")] {
            symlink(to, here.join(name)).expect("ours");
        }
        symlink("loop", here.join("loop")).expect("ours");
        for name in
            ["", "a", "one", "two", "three", "a/b (deleted)", "two/../one/./b (deleted)", "none", "loop", "a/file/x"]
        {
            let path = here.join(name);
            let expected = fs::canonicalize(&path).map_err(|error| error.raw_os_error());
            assert_eq!(real_path(&path).map_err(|error| error.raw_os_error()), expected, "{name}");
        }
    }

    #[test]
    fn what_is_gone_has_no_path() {
        let dir = tempfile::tempdir().expect("a directory");
        let open = fs::File::create(dir.path().join("file")).expect("ours");
        fs::remove_file(dir.path().join("file")).expect("ours");
        let link = format!("/proc/self/fd/{}", std::os::fd::AsRawFd::as_raw_fd(&open));
        #[cfg(target_os = "linux")]
        assert_eq!(real_path(Path::new(&link)).map_err(|error| error.kind()), Err(io::ErrorKind::NotFound));
        let _ = link;
    }

    /// 20 links of 800 steps each, in a directory 1000 levels down: `canonicalize` takes seconds.
    #[cfg(target_os = "linux")]
    #[test]
    fn a_maze_takes_no_longer_than_the_kernel_needs() {
        use rustix::fs::{CWD, Mode, OFlags, mkdirat, openat, symlinkat};

        let dir = tempfile::tempdir().expect("a directory");
        let flags = OFlags::DIRECTORY | OFlags::CLOEXEC;
        let mut at = openat(CWD, dir.path(), flags, Mode::empty()).expect("ours");
        for _ in 0..1000 {
            mkdirat(&at, "d", Mode::RWXU).expect("ours");
            at = openat(&at, "d", flags, Mode::empty()).expect("ours");
        }
        mkdirat(&at, "e", Mode::RWXU).expect("ours");
        for link in 0..20 {
            let next = if link == 19 { "e".to_owned() } else { format!("l{}", link + 1) };
            symlinkat(format!("{}{next}", "e/../".repeat(800)), &at, format!("l{link}")).expect("ours");
        }
        let deep = dir.path().join("d/".repeat(1000));
        let from = Instant::now();
        let real = real_path(&deep.join("l0")).expect("there");
        assert!(from.elapsed() < Duration::from_secs(1), "{:?}", from.elapsed());
        assert!(real.ends_with("d/d/e"));
    }
}
