//! The directory of one launch's socket: only the target can enter it.

use std::io;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

use data_encoding::HEXLOWER;
use rustix::fs::{AtFlags, CWD, Gid, Mode, OFlags, Uid, chmodat, chownat, fchmod, fchown, mkdirat, openat, unlinkat};

use crate::error::{Error, ErrorCode, Result};
use crate::secret::{ExposeSecret, Secret};

/// `sun_path` of unix(7) has 108 bytes, the last of which is NUL.
const MAX_PATH_BYTES: usize = 107;

const SOCKET: &str = "s";

/// A directory with a socket in it; both are removed when it is dropped.
#[derive(Debug)]
pub struct SocketDirectory {
    path: PathBuf,
    directory: OwnedFd,
}

/// `/run`, where only root may make a directory and rename one; for others, what the system keeps for the user, or `/tmp`.
pub fn default_socket_directory() -> PathBuf {
    if rustix::process::geteuid().is_root() && Path::new("/run").is_dir() {
        return "/run".into();
    }
    let own = format!("/run/user/{}", rustix::process::geteuid().as_raw());
    if Path::new(&own).is_dir() { own.into() } else { "/tmp".into() }
}

impl SocketDirectory {
    /// Makes a directory below `base` that only its owner may enter. The owner is this process still.
    ///
    /// # Errors
    /// `INVALID_ARG_VALUE` if the socket's path would be too long for the kernel; otherwise `STATE_DIR_UNUSABLE`.
    pub fn make(base: &Path) -> Result<Self> {
        let random = Secret::random(8)?;
        let path = base.join(format!("pe-{}", HEXLOWER.encode(random.expose_secret())));
        let length = path.as_os_str().len() + 1 + SOCKET.len();
        if length > MAX_PATH_BYTES {
            let message = format!(
                "A socket there would have a path of {length} bytes, and the kernel allows {MAX_PATH_BYTES}. Pass a \
                 shorter socketDirectory."
            );
            return Err(Error::new(ErrorCode::InvalidArgValue, message).name("socketDirectory"));
        }
        mkdirat(CWD, &path, Mode::RWXU).map_err(|errno| unusable(base, "mkdir", errno.into()))?;
        let flags = OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC | OFlags::RDONLY;
        let directory =
            openat(CWD, &path, flags, Mode::empty()).map_err(|errno| unusable(base, "open", errno.into()))?;
        Ok(Self { path, directory })
    }

    pub fn socket(&self) -> PathBuf {
        self.path.join(SOCKET)
    }

    /// Gives the socket, which is bound, and then the directory to their user: it may enter and connect, nothing else.
    ///
    /// # Errors
    /// `STATE_DIR_UNUSABLE`, with the kernel's reason.
    pub fn give_to(&self, uid: u32) -> Result<()> {
        let failed = |errno: rustix::io::Errno| unusable(&self.path, "chown", errno.into());
        let (user, group) = (Some(Uid::from_raw(uid)), None::<Gid>);
        chmodat(&self.directory, SOCKET, Mode::RUSR | Mode::WUSR, AtFlags::empty()).map_err(failed)?;
        if uid != rustix::process::geteuid().as_raw() {
            chownat(&self.directory, SOCKET, user, group, AtFlags::SYMLINK_NOFOLLOW).map_err(failed)?;
            fchmod(&self.directory, Mode::RUSR | Mode::XUSR).map_err(failed)?;
            fchown(&self.directory, user, group).map_err(failed)?;
        }
        Ok(())
    }
}

impl Drop for SocketDirectory {
    fn drop(&mut self) {
        let _ = unlinkat(&self.directory, SOCKET, AtFlags::empty());
        // Its user may have made it writable and put something in: that stays, and so does the directory.
        let _ = unlinkat(CWD, &self.path, AtFlags::REMOVEDIR);
    }
}

fn unusable(path: &Path, syscall: &'static str, error: io::Error) -> Error {
    let message = format!(
        "The directory for a socket of the broker cannot be made: {syscall}: {error}. Pass another socketDirectory."
    );
    Error::new(ErrorCode::StateDirUnusable, message)
        .name("socketDirectory")
        .path(path.to_string_lossy())
        .errno(error.raw_os_error().unwrap_or_default(), syscall)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::MetadataExt;
    use std::os::unix::net::UnixListener;

    use super::*;

    #[test]
    fn only_its_user_may_enter_and_it_is_gone_afterwards() {
        let base = tempfile::tempdir().expect("a directory");
        let own = rustix::process::geteuid();
        let uid = if own.is_root() { 54_321 } else { own.as_raw() };
        let made = SocketDirectory::make(base.path()).expect("made");
        let _listener = UnixListener::bind(made.socket()).expect("bound");
        made.give_to(uid).expect("given");
        let directory = std::fs::metadata(&made.path).expect("there");
        let socket = std::fs::metadata(made.socket()).expect("there");
        assert_eq!((directory.uid(), directory.mode() & 0o077), (uid, 0));
        assert_eq!((socket.uid(), socket.mode() & 0o777), (uid, 0o600));
        drop(made);
        assert_eq!(std::fs::read_dir(base.path()).expect("there").count(), 0);
    }

    #[test]
    fn a_path_that_the_kernel_does_not_take_is_refused() {
        let base = PathBuf::from(format!("/tmp/{}", "x".repeat(90)));
        let error = SocketDirectory::make(&base).expect_err("too long");
        assert_eq!(error.code(), ErrorCode::InvalidArgValue);
    }
}
