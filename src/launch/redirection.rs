//! Keeps the server's credential from a CLI that a file of the tenant's can send elsewhere.

use std::os::fd::OwnedFd;
use std::path::Path;

use rustix::fs::{AtFlags, Mode, OFlags, statat};
use rustix::io::Errno;

use crate::environment::EnvPlan;
use crate::error::{Error, ErrorCode, Result};

/// Looks for the files that redirect a CLI in its state directory, when it would run on the server's credential. It
/// cannot see one that is made a moment later.
///
/// # Errors
/// `STATE_DIR_UNUSABLE` where there is one, whatever it is, or where nobody can tell.
pub fn check(plan: &EnvPlan) -> Result<()> {
    let row = &plan.provider.state_directory;
    if !plan.has_server_credential() || row.redirecting_files.is_empty() {
        return Ok(());
    }
    let path = plan.directory(row.variable, row.below_home);
    let directory = match open(&path) {
        Ok(directory) => directory,
        Err(Errno::NOENT) if is_missing(&path) => return Ok(()),
        Err(errno) => return Err(unknown(plan, &path, errno, OPEN)),
    };
    for file in row.redirecting_files {
        match statat(&directory, *file, AtFlags::SYMLINK_NOFOLLOW) {
            Err(Errno::NOENT) => {}
            Err(errno) => return Err(unknown(plan, &path, errno, "fstatat")),
            Ok(_) => return Err(redirected(plan, &path.join(file))),
        }
    }
    Ok(())
}

/// The call of [`open`], for an error.
const OPEN: &str = if cfg!(target_os = "linux") { "openat2" } else { "open" };

/// Whether the last component is what is missing, and not what a link on the way leads to: that can be a number of a
/// process which there will be when the CLI runs.
fn is_missing(path: &Path) -> bool {
    let (Some(parent), Some(name)) = (path.parent(), path.file_name()) else { return false };
    open(parent).is_ok_and(|parent| statat(&parent, name, AtFlags::SYMLINK_NOFOLLOW).err() == Some(Errno::NOENT))
}

/// `/proc/self/cwd` and its kin are other directories to the CLI than to this process: proc(5), openat2(2).
#[cfg(target_os = "linux")]
fn open(path: &Path) -> rustix::io::Result<OwnedFd> {
    use rustix::fs::{CWD, ResolveFlags, openat2};
    openat2(CWD, path, OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty(), ResolveFlags::NO_MAGICLINKS)
}

#[cfg(not(target_os = "linux"))]
fn open(path: &Path) -> rustix::io::Result<OwnedFd> {
    rustix::fs::open(path, OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())
}

fn redirected(plan: &EnvPlan, file: &Path) -> Error {
    let what = format!("{} can send that key elsewhere: the CLI obeys it in every start. Remove it", file.display());
    refusal(plan, file, &what)
}

fn unknown(plan: &EnvPlan, directory: &Path, errno: Errno, syscall: &'static str) -> Error {
    let reason = std::io::Error::from(errno);
    let files = plan.provider.state_directory.redirecting_files.join(" or ");
    let what =
        format!("nobody can tell whether a {files} in {} sends that key elsewhere: {reason}", directory.display());
    refusal(plan, directory, &what).errno(errno.raw_os_error(), syscall)
}

fn refusal(plan: &EnvPlan, path: &Path, what: &str) -> Error {
    let (provider, row) = (plan.provider, &plan.provider.state_directory);
    let message = format!(
        "{} would run on the server's key, and {what}. Name another directory in options.workspace.{}, or give the \
         tenant's own key.",
        provider.name, row.option
    );
    Error::new(ErrorCode::StateDirUnusable, message)
        .provider(provider.id)
        .name(row.variable)
        .path(path.to_string_lossy().into_owned())
}
