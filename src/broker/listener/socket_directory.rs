//! The directories of Unix sockets: one of this broker, which contains one for each launch, whose socket only its
//! user can
//! connect to.

use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use data_encoding::HEXLOWER;
use rustix::fs::{
    Access, AtFlags, CWD, Dir, FlockOperation, Gid, Mode, OFlags, Uid, accessat, chmodat, chownat, fchmod, flock,
    fstat, mkdirat, openat, unlinkat,
};
use rustix::io::Errno;
use rustix::process::geteuid;

use crate::error::{Error, ErrorCode, Result};
use crate::secret::{ExposeSecret, Secret};
use crate::sys::identity::is_from_outside;
use crate::sys::real_path::real_path;

/// `sun_path` of unix(7) has 108 bytes, the last of which is NUL.
const MAX_PATH_BYTES: usize = 107;

const SOCKET: &str = "s";
const PREFIX: &str = "pe-";

/// How often a directory is made: before it is locked, another broker may remove it as an abandoned one.
const TRIES: usize = 8;

/// The directory that a broker keeps its launches' directories in. It is locked (flock(2)) while the broker lives, so
/// that the next one recognizes and removes those of workers that were killed.
#[derive(Debug)]
pub struct BrokerDirectory {
    path: PathBuf,
    directory: OwnedFd,
}

/// The directory of one launch, with a socket in it. Both are removed when it is dropped.
#[derive(Debug)]
pub struct SocketDirectory {
    parent: Arc<BrokerDirectory>,
    name: String,
    directory: OwnedFd,
}

/// `/run` or `/run/user/UID`, whichever this process can write to; otherwise `/tmp`.
pub fn default_socket_directory() -> PathBuf {
    let own = format!("/run/user/{}", geteuid().as_raw());
    let is_usable = |path: &&Path| accessat(CWD, *path, Access::WRITE_OK | Access::EXEC_OK, AtFlags::EACCESS).is_ok();
    let candidates = [Path::new("/run"), Path::new(&own)];
    candidates.into_iter().find(is_usable).unwrap_or(Path::new("/tmp")).to_owned()
}

impl BrokerDirectory {
    /// Makes a directory below `base`, and removes those that killed workers have left there.
    ///
    /// # Errors
    /// `ERR_INVALID_ARG_VALUE` if a socket's path would be too long for the kernel; otherwise `STATE_DIR_UNUSABLE`.
    pub fn make(base: &Path) -> Result<Arc<Self>> {
        let base = &*check_base(base)?;
        remove_abandoned(base);
        for _ in 0..TRIES {
            let path = base.join(format!("{PREFIX}{}", random_name()?));
            check_length(&path)?;
            mkdirat(CWD, &path, Mode::RWXU).map_err(|errno| unusable(base, "mkdir", errno.into()))?;
            let directory = open(CWD, &path).map_err(|errno| unusable(base, "open", errno.into()))?;
            if !is_ours_alone(&directory) {
                continue;
            }
            // Users can enter it to reach their own directories, and cannot list it.
            let passable = Mode::RWXU | Mode::XGRP | Mode::XOTH;
            fchmod(&directory, passable).map_err(|errno| unusable(&path, "fchmod", errno.into()))?;
            return Ok(Arc::new(Self { path, directory }));
        }
        Err(unusable(base, "flock", io::ErrorKind::WouldBlock.into()))
    }
}

impl Drop for BrokerDirectory {
    fn drop(&mut self) {
        let _ = unlinkat(CWD, &self.path, AtFlags::REMOVEDIR);
    }
}

impl SocketDirectory {
    /// Makes a directory that only the user of this process may enter, until [`SocketDirectory::give_to`].
    ///
    /// # Errors
    /// `STATE_DIR_UNUSABLE`.
    pub fn make(parent: Arc<BrokerDirectory>) -> Result<Self> {
        let name = random_name()?;
        let failed = |syscall, errno: Errno| unusable(&parent.path, syscall, errno.into());
        mkdirat(&parent.directory, &name, Mode::RWXU).map_err(|errno| failed("mkdir", errno))?;
        let directory = open(&parent.directory, Path::new(&name)).map_err(|errno| failed("open", errno))?;
        Ok(Self { parent, name, directory })
    }

    pub fn socket(&self) -> PathBuf {
        self.parent.path.join(&self.name).join(SOCKET)
    }

    /// Gives the bound socket to a user, who may then connect, and nobody else but root. The directory stays this
    /// process's: a user who owned it could put something in the socket's place, and fill a file system like `/run`. If
    /// this process lacks `CAP_CHOWN`, every user who learns the random name may connect; the broker still refuses every
    /// process but the one that was started.
    ///
    /// # Errors
    /// `STATE_DIR_UNUSABLE`, with the kernel's reason.
    pub fn give_to(&self, uid: u32) -> Result<()> {
        let failed = |syscall| move |errno: Errno| unusable(&self.parent.path, syscall, errno.into());
        let socket_mode = |mode| chmodat(&self.directory, SOCKET, mode, AtFlags::empty()).map_err(failed("fchmodat"));
        socket_mode(Mode::RUSR | Mode::WUSR)?;
        if uid == geteuid().as_raw() {
            return Ok(());
        }
        match chownat(&self.directory, SOCKET, Some(Uid::from_raw(uid)), None::<Gid>, AtFlags::SYMLINK_NOFOLLOW) {
            Err(Errno::PERM) => {
                socket_mode(Mode::RUSR | Mode::WUSR | Mode::RGRP | Mode::WGRP | Mode::ROTH | Mode::WOTH)?;
            }
            given => given.map_err(failed("fchownat"))?,
        }
        fchmod(&self.directory, Mode::RWXU | Mode::XGRP | Mode::XOTH).map_err(failed("fchmod"))
    }
}

impl Drop for SocketDirectory {
    fn drop(&mut self) {
        let _ = unlinkat(&self.directory, SOCKET, AtFlags::empty());
        let _ = unlinkat(&self.parent.directory, &self.name, AtFlags::REMOVEDIR);
    }
}

fn random_name() -> Result<String> {
    Ok(HEXLOWER.encode(Secret::random(8)?.expose_secret()))
}

fn open(base: impl std::os::fd::AsFd, path: &Path) -> rustix::io::Result<OwnedFd> {
    openat(base, path, OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC | OFlags::RDONLY, Mode::empty())
}

/// Locks the directory. Returns whether that succeeded and the directory still exists. Its mode keeps other users from
/// opening it, and so from locking it.
fn is_ours_alone(directory: &OwnedFd) -> bool {
    let is_there = || fstat(directory).is_ok_and(|stat| stat.st_nlink > 0);
    flock(directory, FlockOperation::NonBlockingLockExclusive).is_ok() && is_there()
}

/// The real path of a directory, which is refused if other users could replace what is in it, or a directory above it.
fn check_base(base: &Path) -> Result<PathBuf> {
    let real = real_path(base).map_err(|error| unusable(base, "realpath", error))?;
    for directory in real.ancestors() {
        let metadata = std::fs::metadata(directory).map_err(|error| unusable(base, "stat", error))?;
        let is_owned = [0, geteuid().as_raw()].contains(&metadata.uid()) || is_from_outside(metadata.uid());
        let is_closed = metadata.mode() & 0o022 == 0 || metadata.mode() & 0o1000 != 0;
        if !(metadata.is_dir() && is_owned && is_closed) {
            return Err(replaceable(base));
        }
    }
    Ok(real)
}

#[cold]
fn replaceable(base: &Path) -> Error {
    let message = "The option socketDirectory must name a directory that belongs, with all above it, to root or to the \
        user of this process, and that others cannot write to, unless its sticky bit is set.";
    Error::new(ErrorCode::StateDirUnusable, message).name("socketDirectory").path(base.to_string_lossy())
}

fn check_length(directory: &Path) -> Result<()> {
    // A launch's directory has a name of 16 characters.
    let length = directory.as_os_str().len() + 1 + 16 + 1 + SOCKET.len();
    if length <= MAX_PATH_BYTES {
        return Ok(());
    }
    let message = format!(
        "The path of a socket in socketDirectory would have {length} bytes, and the kernel allows {MAX_PATH_BYTES}. \
         Pass a shorter path."
    );
    Err(Error::new(ErrorCode::InvalidArgValue, message).name("socketDirectory"))
}

/// Removes the directories of brokers that hold no lock any more.
fn remove_abandoned(base: &Path) {
    let Ok(entries) = std::fs::read_dir(base) else { return };
    for entry in entries.flatten() {
        let name = entry.file_name();
        let is_one = name.to_str().and_then(|name| name.strip_prefix(PREFIX)).is_some_and(is_random_name);
        if !is_one || entry.metadata().map_or(true, |found| found.uid() != geteuid().as_raw()) {
            continue;
        }
        let path = entry.path();
        let Ok(directory) = open(CWD, &path) else { continue };
        if !is_ours_alone(&directory) {
            continue;
        }
        empty(&directory);
        let _ = unlinkat(CWD, &path, AtFlags::REMOVEDIR);
    }
}

fn is_random_name(name: &str) -> bool {
    name.len() == 16 && name.bytes().all(|byte| byte.is_ascii_hexdigit())
}

fn empty(directory: &OwnedFd) {
    let Ok(entries) = Dir::read_from(directory) else { return };
    for entry in entries.flatten().filter(|entry| entry.file_name().to_str().is_ok_and(is_random_name)) {
        if let Ok(of_launch) = openat(
            directory,
            entry.file_name(),
            OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC | OFlags::RDONLY,
            Mode::empty(),
        ) {
            let _ = unlinkat(&of_launch, SOCKET, AtFlags::empty());
        }
        let _ = unlinkat(directory, entry.file_name(), AtFlags::REMOVEDIR);
    }
}

fn unusable(path: &Path, syscall: &'static str, error: io::Error) -> Error {
    let message = format!(
        "The broker cannot create a directory for its sockets: {syscall}: {error}. Pass another directory in \
         startBroker({{ socketDirectory }})."
    );
    Error::new(ErrorCode::StateDirUnusable, message)
        .name("socketDirectory")
        .path(path.to_string_lossy())
        .errno(error.raw_os_error().unwrap_or_default(), syscall)
}

#[cfg(test)]
mod tests {
    use std::os::unix::net::UnixListener;

    use super::*;

    #[test]
    fn only_its_user_may_connect_and_may_write_nothing_there() {
        let base = tempfile::tempdir().expect("a directory");
        let own = geteuid();
        let uid = if own.is_root() { 54_321 } else { own.as_raw() };
        let parent = BrokerDirectory::make(base.path()).expect("made");
        let made = SocketDirectory::make(Arc::clone(&parent)).expect("made");
        let _listener = UnixListener::bind(made.socket()).expect("bound");
        made.give_to(uid).expect("given");
        let directory = std::fs::metadata(made.socket().parent().expect("one")).expect("there");
        let socket = std::fs::metadata(made.socket()).expect("there");
        let expected = if uid == own.as_raw() { 0o700 } else { 0o711 };
        // A user who owned it could fill the file system that it is on, and leave what nobody removes.
        assert_eq!((directory.uid(), directory.mode() & 0o777), (own.as_raw(), expected));
        assert_eq!((socket.uid(), socket.mode() & 0o777), (uid, 0o600));
        let above = std::fs::metadata(&parent.path).expect("there");
        assert_eq!((above.uid(), above.mode() & 0o777), (own.as_raw(), 0o711));
        drop(made);
        drop(parent);
        assert_eq!(std::fs::read_dir(base.path()).expect("there").count(), 0);
    }

    #[test]
    fn what_a_killed_worker_left_is_removed_and_what_a_living_one_has_stays() {
        let base = tempfile::tempdir().expect("a directory");
        let living = BrokerDirectory::make(base.path()).expect("made");
        let killed = base.path().join("pe-0123456789abcdef");
        let launch = killed.join("fedcba9876543210");
        std::fs::create_dir_all(&launch).expect("ours");
        let listener = UnixListener::bind(launch.join(SOCKET)).expect("bound");
        drop(listener);
        let strange = base.path().join("pe-of-somebody-else");
        std::fs::create_dir(&strange).expect("ours");
        let next = BrokerDirectory::make(base.path()).expect("made");
        assert!(!killed.exists() && strange.exists() && living.path.exists() && next.path.exists());
    }

    #[test]
    fn a_directory_that_others_can_write_to_is_refused() {
        use std::os::unix::fs::PermissionsExt;
        let base = tempfile::tempdir().expect("a directory");
        for (mode, is_taken) in [(0o777, false), (0o1777, true), (0o775, false), (0o755, true)] {
            std::fs::set_permissions(base.path(), std::fs::Permissions::from_mode(mode)).expect("ours");
            let made = BrokerDirectory::make(base.path());
            assert_eq!(made.is_ok(), is_taken, "{mode:o}");
        }
    }

    #[test]
    fn a_directory_below_one_that_others_can_write_to_is_refused() {
        use std::os::unix::fs::PermissionsExt;
        let above = tempfile::tempdir().expect("a directory");
        let base = above.path().join("base");
        std::fs::create_dir(&base).expect("ours");
        let link = above.path().join("link");
        std::os::unix::fs::symlink(&base, &link).expect("ours");
        for (mode, is_taken) in [(0o777, false), (0o755, true)] {
            std::fs::set_permissions(above.path(), std::fs::Permissions::from_mode(mode)).expect("ours");
            let made = [&base, &link].map(|base| BrokerDirectory::make(base).is_ok());
            assert_eq!(made, [is_taken; 2], "{mode:o}");
        }
    }

    #[test]
    fn a_path_that_the_kernel_does_not_take_is_refused() {
        let base = tempfile::tempdir().expect("a directory");
        let long = base.path().join("x".repeat(90));
        std::fs::create_dir(&long).expect("ours");
        let error = BrokerDirectory::make(&long).expect_err("too long");
        assert_eq!(error.code(), ErrorCode::InvalidArgValue);
    }
}
