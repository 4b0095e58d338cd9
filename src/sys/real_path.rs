//! The real path of a file: absolute, without symlinks.
//!
//! `realpath(3)`, which `std::fs::canonicalize` is, resolves one component after the other and looks at the whole path
//! again for each: a maze of symlinks in a tenant's directory held it for 38 s. The kernel walks the same maze once,
//! in 3 ms.

use std::io;
use std::path::{Path, PathBuf};

#[cfg(target_os = "linux")]
use rustix::fs::{Mode, OFlags, fstat, open, stat};

/// How often the file may be renamed between two looks.
#[cfg(target_os = "linux")]
const ATTEMPTS: usize = 5;

/// Resolves `path`. Opens only the place: neither a device nor a FIFO notices.
///
/// # Errors
/// The kernel's: there is no such file, it cannot be reached, or its real path is longer than `PATH_MAX`.
#[cfg(target_os = "linux")]
pub fn real_path(path: &Path) -> io::Result<PathBuf> {
    use std::os::fd::AsRawFd;

    let place = open(path, OFlags::PATH | OFlags::CLOEXEC, Mode::empty())?;
    let wanted = fstat(&place)?;
    let link = format!("/proc/self/fd/{}", place.as_raw_fd());
    for _ in 0..ATTEMPTS {
        let real = match std::fs::read_link(&link) {
            Ok(real) => real,
            // There is no /proc here, which no tenant can bring about.
            Err(error) if error.kind() == io::ErrorKind::NotFound => return by_components(path),
            Err(error) => return Err(error),
        };
        // proc(5): the link can say "… (deleted)", or be relative to a root that is not ours. The inode proves it.
        let same = real.is_absolute()
            && stat(&real).is_ok_and(|found| (found.st_dev, found.st_ino) == (wanted.st_dev, wanted.st_ino));
        if same {
            return Ok(real);
        }
    }
    Err(io::ErrorKind::NotFound.into())
}

/// Resolves `path`.
///
/// # Errors
/// The system's.
#[cfg(not(target_os = "linux"))]
pub fn real_path(path: &Path) -> io::Result<PathBuf> {
    by_components(path)
}

#[expect(clippy::disallowed_methods, reason = "where the kernel cannot be asked for the path of a descriptor")]
fn by_components(path: &Path) -> io::Result<PathBuf> {
    std::fs::canonicalize(path)
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "what it is compared with")]
mod tests {
    use super::*;
    use std::fs;
    use std::os::unix::fs::symlink;

    #[test]
    fn it_agrees_with_realpath() {
        let dir = tempfile::tempdir().expect("a directory");
        let here = fs::canonicalize(dir.path()).expect("there");
        fs::create_dir_all(here.join("a/b (deleted)")).expect("ours");
        fs::write(here.join("a/file"), "").expect("ours");
        symlink("a", here.join("link")).expect("ours");
        symlink("link/file", here.join("chain")).expect("ours");
        symlink("nowhere", here.join("dangling")).expect("ours");
        symlink("loop", here.join("loop")).expect("ours");
        for name in ["", "a", "link/b (deleted)", "link/../link/file", "chain", "dangling", "loop", "none", "a/file/x"]
        {
            let path = here.join(name);
            let kind = |result: io::Result<PathBuf>| result.map_err(|error| error.raw_os_error());
            assert_eq!(kind(real_path(&path)), kind(fs::canonicalize(&path)), "{name}");
        }
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_device_and_a_fifo_are_not_opened() {
        use rustix::fs::{CWD, FileType, mknodat};
        let dir = tempfile::tempdir().expect("a directory");
        let fifo = fs::canonicalize(dir.path()).expect("there").join("fifo");
        mknodat(CWD, &fifo, FileType::Fifo, Mode::RUSR, 0).expect("made");
        assert_eq!(real_path(&fifo).expect("at once"), fifo);
        assert_eq!(real_path(Path::new("/dev/null")).expect("there"), Path::new("/dev/null"));
    }
}
