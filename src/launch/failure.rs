//! What a failed step says to a person.

use super::identity::Target;
use super::start::used_up;
use crate::error::{Error, ErrorCode};
use crate::provider::Provider;
use crate::sys::Step;
use crate::sys::clone::Failure;

/// A step whose failure has a code of its own, and what to do about it.
struct Row {
    step: Step,
    code: ErrorCode,
    remedy: &'static str,
}

const fn row(step: Step, code: ErrorCode, remedy: &'static str) -> Row {
    Row { step, code, remedy }
}

/// Steps that are not here are `SPAWN_FAILED`.
static ROWS: &[Row] = &[
    row(
        Step::SessionKeyring,
        ErrorCode::SpawnFailed,
        "Each child gets a session keyring of its own, which counts against the worker's user: see \
         /proc/sys/kernel/keys/maxkeys and root_maxkeys.",
    ),
    row(
        Step::Scheduling,
        ErrorCode::SpawnFailed,
        "A nice value below this process's own needs root; see options.priority.",
    ),
    row(
        Step::OomScore,
        ErrorCode::SpawnFailed,
        "A value below this process's own needs root, and any value needs /proc; see options.oomScoreAdj.",
    ),
    row(
        Step::Limits,
        ErrorCode::SpawnFailed,
        "A limit above this process's own hard limit needs root; see options.limits.",
    ),
    row(
        Step::Groups,
        ErrorCode::PrivilegeFailed,
        "Only root, or a process with CAP_SETGID, can become somebody else. Start the worker as root, or as the target.",
    ),
    row(Step::Group, ErrorCode::PrivilegeFailed, "Start the worker as root, or as the target itself."),
    row(Step::User, ErrorCode::PrivilegeFailed, "Start the worker as root, or as the target itself."),
    row(
        Step::Capabilities,
        ErrorCode::PrivilegeFailed,
        "The child kept capabilities; look at the worker's securebits.",
    ),
    row(Step::VerifyDrop, ErrorCode::PrivilegeFailed, "The child could have become root again, so it was not started."),
    row(Step::NoNewPrivileges, ErrorCode::PrivilegeFailed, "The kernel or a sandbox refuses no_new_privs."),
    row(
        Step::WorkingDirectory,
        ErrorCode::SpawnFailed,
        "Give a directory that the target can enter by itself, in options.cwd.",
    ),
];

/// The error of a step that failed. `path` is the program or directory concerned.
pub fn error(provider: &'static Provider, target: &Target, failure: Failure, path: Option<&str>) -> Error {
    of(provider.name, target, failure, path).provider(provider.id)
}

/// The error of a step of something that is no provider's.
pub fn of(name: &str, target: &Target, failure: Failure, path: Option<&str>) -> Error {
    let step = failure.step;
    let row = ROWS.iter().find(|row| row.step == step);
    let code = match (step, failure.errno) {
        (Step::Execute, libc::E2BIG) => ErrorCode::EnvTooLarge,
        _ => row.map_or(ErrorCode::SpawnFailed, |row| row.code),
    };
    let reason = match failure.errno {
        0 => "a signal ended it before the program ran".into(),
        errno => std::io::Error::from_raw_os_error(errno).to_string(),
    };
    let at = path.map(|path| format!(" ({path})")).unwrap_or_default();
    let remedy = used_up(failure.errno).or(row.map(|row| row.remedy));
    let remedy = remedy.map(|remedy| format!(" {remedy}")).unwrap_or_default();
    let message = format!("{name} was not started as {target}: step {}{at}: {reason}.{remedy}", step.name());
    let error = Error::new(code, message).step(step.name());
    let error = if failure.errno == 0 { error } else { error.errno(failure.errno, step.syscall()) };
    match path {
        Some(path) => error.path(path),
        None => error,
    }
}

/// The error of a directory that the target cannot use.
pub fn state_directory(
    provider: &'static Provider,
    target: &Target,
    variable: &'static str,
    path: &str,
    errno: i32,
) -> Error {
    use std::os::unix::fs::MetadataExt;
    let what = match std::fs::metadata(path) {
        Err(_) => "does not exist. Make it, and give it to the target".to_owned(),
        Ok(metadata) if !metadata.is_dir() => "is no directory. Name one".to_owned(),
        // What root owns is not the tenant's to have: it came from this process's own HOME, or by mistake.
        Ok(metadata) if metadata.uid() == 0 => {
            format!(
                "belongs to root with mode {:04o}. Name one of the tenant's in options.workspace",
                metadata.mode() & 0o7777
            )
        }
        Ok(metadata) => format!(
            "belongs to {}:{} with mode {:04o}, or a directory above it is closed. Open it, or name another",
            metadata.uid(),
            metadata.gid(),
            metadata.mode() & 0o7777,
        ),
    };
    let message = format!("{variable} ({path}) is not writable as {target}: it {what}.");
    Error::new(ErrorCode::StateDirUnusable, message)
        .provider(provider.id)
        .path(path)
        .name(variable)
        .step(Step::StateDirectory.name())
        .errno(errno, Step::StateDirectory.syscall())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_that_was_met_is_named() {
        let target = Target::Same { uid: 1, gid: 1 };
        for (errno, limit) in [
            (libc::EMFILE, "ulimit -n"),
            (libc::ENFILE, "fs.file-max"),
            (libc::EAGAIN, "ulimit -u"),
            (libc::ENOMEM, "no memory"),
        ] {
            let failure = Failure { step: Step::Clone, errno, detail: 0 };
            let text = error(crate::provider::default_provider(), &target, failure, None).to_string();
            assert!(text.contains(limit), "{text}");
            assert_eq!(text.contains("ulimit -u"), errno == libc::EAGAIN, "{text}");
        }
    }
}
