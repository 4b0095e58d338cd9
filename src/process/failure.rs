//! The error messages of failed steps.

use std::path::Path;

use rustix::process::Resource;

use super::access::{self, AccessCheck};
use super::exhausted::used_up;
use super::identity::Target;
use super::options::limit_option;
use super::prepare::NeededDirectory;
use crate::error::{Error, ErrorCode};
use crate::provider::Provider;
use crate::sys::Step;
use crate::sys::attributes::Limit;
use crate::sys::clone::StepFailure;
use crate::sys::harden::NO_CORE;

const CONFINED: &str =
    "The kernel or a sandbox (seccomp, a security module) refuses it: check what confines the worker.";

/// The code of a step that failed, and what to do about it, whatever the kernel's reason.
const fn advice(step: Step) -> (ErrorCode, &'static str) {
    use ErrorCode::{PrivilegeFailed, SpawnFailed};
    match step {
        Step::SessionKeyring => (
            SpawnFailed,
            "Each child gets its own session keyring, which counts against the quota of the worker's user: check \
             /proc/sys/kernel/keys/maxkeys and root_maxkeys.",
        ),
        Step::Scheduling => {
            (SpawnFailed, "A nice value below this process's own needs root (CAP_SYS_NICE); see options.priority.")
        }
        Step::OomScore => (
            SpawnFailed,
            "A value below this process's own needs root, and any value needs /proc; see options.oomScoreAdj.",
        ),
        Step::Groups => (
            PrivilegeFailed,
            "Only root, or a process with CAP_SETGID, can become another user. Start the worker as root, or as the \
             target.",
        ),
        Step::Group | Step::User => (PrivilegeFailed, "Start the worker as root, or as the target itself."),
        Step::Capabilities => (PrivilegeFailed, "The child kept capabilities: check the worker's securebits."),
        Step::VerifyDrop => (PrivilegeFailed, "The child could have become root again, so it was not started."),
        Step::NoNewPrivileges => {
            (PrivilegeFailed, "The kernel or a sandbox refuses no_new_privs: check what confines the worker.")
        }
        Step::WorkingDirectory => (SpawnFailed, "Pass a directory that the target user can enter, in options.cwd."),
        Step::Clone
        | Step::Session
        | Step::Stdio
        | Step::CloseDescriptors
        | Step::Umask
        | Step::Limits
        | Step::ParentDeathSignal
        | Step::ParentCheck
        | Step::StateDirectory
        | Step::Signals
        | Step::Execute => (SpawnFailed, CONFINED),
    }
}

/// What a failed step was about.
#[derive(Clone, Copy, Debug)]
pub enum Concerned<'a> {
    /// Nothing that an error could name.
    Nothing,
    /// The program or the directory: by the name that the caller knows, and where it really is.
    Path(&'a str, &'a Path),
    Limit(Limit),
}

/// What an error says was not started, and as whom.
#[derive(Clone, Copy, Debug)]
pub struct Subject<'a> {
    pub name: &'a str,
    pub target: &'a Target,
}

/// The error with the provider that it is about, where it is about one.
pub fn about(error: Error, provider: Option<&'static Provider>) -> Error {
    match provider {
        Some(provider) => error.provider(provider.id),
        None => error,
    }
}

/// The error of a step that failed. `access` asks as the target.
pub fn error(subject: &Subject<'_>, failure: StepFailure, concerned: Concerned<'_>, access: &dyn AccessCheck) -> Error {
    match concerned {
        Concerned::Nothing => plain(subject, failure, None, ""),
        Concerned::Limit(limit) => {
            let why = if failure.errno == libc::EPERM { refused_limit(limit) } else { String::new() };
            plain(subject, failure, None, &why).name(limit_option(limit.resource))
        }
        Concerned::Path(path, real) => {
            let closed =
                (failure.errno == libc::EACCES).then(|| access::closed(access, subject.target, real)).flatten();
            let why = closed.as_ref().map(|(_, why)| format!("{why}.")).unwrap_or_default();
            let error = plain(subject, failure, Some(path), &why);
            error.path(closed.map_or_else(|| path.to_owned(), |(closed, _)| closed.to_string_lossy().into_owned()))
        }
    }
}

/// Where a descriptor limit ends for everybody, root too (proc_sys_fs(5)).
const NR_OPEN: &str = "/proc/sys/fs/nr_open";

fn refused_limit(limit: Limit) -> String {
    let option = limit_option(limit.resource);
    if limit.resource == Resource::Core && limit.value == NO_CORE {
        return "A child's core limit is 1, because with 0 the kernel still dumps into a pipe (core(5)), but this \
                process's hard limit is 0. Start the worker with 1: LimitCORE=1 in its systemd unit, or prlimit \
                --core=1."
            .to_owned();
    }
    let most = std::fs::read_to_string(NR_OPEN).ok().and_then(|text| text.trim().parse::<u64>().ok());
    match most.filter(|most| limit.resource == Resource::Nofile && limit.value > *most) {
        Some(most) => format!(
            "options.{option} is above fs.nr_open, which is {most} on this machine and applies to every user. Pass a \
            lower value, or raise fs.nr_open with sysctl."
        ),
        None => format!(
            "options.{option} is above this process's own hard limit, which only root (CAP_SYS_RESOURCE) may raise. \
            Pass a lower value, or raise the worker's limit."
        ),
    }
}

/// `why` is what is known beyond the kernel's reason, in its own sentences.
fn plain(subject: &Subject<'_>, failure: StepFailure, path: Option<&str>, why: &str) -> Error {
    let Subject { name, target } = subject;
    let step = failure.step;
    let (code, advice) = advice(step);
    let code = match (step, failure.errno) {
        (Step::Execute, libc::E2BIG) => ErrorCode::EnvTooLarge,
        _ => code,
    };
    let reason = match failure.errno {
        0 => "a signal ended the child before the program ran".into(),
        errno => std::io::Error::from_raw_os_error(errno).to_string(),
    };
    let at = path.map(|path| format!(" ({path})")).unwrap_or_default();
    let known = format!("{name} was not started as {target}: step {}{at}: {reason}.", step.name());
    let message = [&*known, why, remedy(failure, advice)].into_iter().filter(|text| !text.is_empty());
    let error = Error::new(code, message.collect::<Vec<_>>().join(" ")).step(step.name());
    if failure.errno == 0 { error } else { error.errno(failure.errno, step.syscall()) }
}

fn remedy(failure: StepFailure, advice: &'static str) -> &'static str {
    if let Some(remedy) = used_up(failure.errno) {
        return remedy;
    }
    match (failure.step, failure.errno) {
        (_, 0) => "Try again. If it happens again, find out what kills processes of that user.",
        (Step::Execute, libc::EACCES) => {
            "Use a program that the target user may execute, on a file system without noexec."
        }
        (Step::Execute, libc::ENOEXEC) => {
            "Use a program for this machine, or a script whose first line names its interpreter (#!)."
        }
        (Step::Execute, libc::ENOENT) => "Check the program, and the interpreter or loader that it names.",
        (Step::Execute, libc::E2BIG) => "Shorten the arguments and variables: pass large values in files.",
        (Step::WorkingDirectory, libc::ENOENT) => "Create the directory, or name another in options.cwd.",
        // What is wrong with the option is said already.
        (Step::Limits, libc::EPERM) => "",
        _ => advice,
    }
}

/// The error of a directory that the target cannot use. `errno` is the kernel's answer to the target, and `access` asks as the
/// target: this process may not be able to look for itself.
pub fn state_directory(subject: &Subject<'_>, need: &NeededDirectory, errno: i32, access: &dyn AccessCheck) -> Error {
    let (NeededDirectory { variable, path, made_in }, target) = (need, subject.target);
    let asked = made_in.as_ref().unwrap_or(path);
    let closed = asked.parent().and_then(|above| access::closed(access, target, above));
    let what = match &closed {
        _ if errno == libc::ENOENT => "does not exist. Create it, and make the target user its owner".to_owned(),
        Some((_, why)) => {
            format!(
                "cannot be reached: {why}, which keeps the target user out. Let the target user through, or name \
                another directory"
            )
        }
        None if made_in.is_some() => {
            format!("does not exist and cannot be created: {} {}", asked.display(), unusable(asked, errno))
        }
        None => unusable(asked, errno),
    };
    let message = format!("{variable} ({}) is not writable by {target}: it {what}.", path.display());
    let concerned = closed.map_or_else(|| path.clone(), |(closed, _)| closed);
    Error::new(ErrorCode::StateDirUnusable, message)
        .path(concerned.to_string_lossy().into_owned())
        .name(*variable)
        .step(Step::StateDirectory.name())
        .errno(errno, Step::StateDirectory.syscall())
}

/// Why the target cannot write in a directory that it can get to, and what to do.
fn unusable(path: &Path, errno: i32) -> String {
    use std::os::unix::fs::MetadataExt;
    let metadata = match std::fs::metadata(path) {
        _ if errno == libc::EROFS => {
            return "is on a file system that is mounted read-only. Name another directory in options.workspace"
                .to_owned();
        }
        Ok(metadata) => metadata,
        Err(_) => {
            let reason = std::io::Error::from_raw_os_error(errno);
            return format!("cannot be used ({reason}). Name another directory in options.workspace");
        }
    };
    let mode = metadata.mode() & 0o7777;
    match metadata.uid() {
        _ if !metadata.is_dir() => "is not a directory. Name a directory in options.workspace".to_owned(),
        // What root owns is not the tenant's to have: it came from this process's own HOME, or by mistake.
        0 => format!("belongs to root and has mode {mode:04o}. Name a directory of the tenant in options.workspace"),
        uid => {
            format!(
                "belongs to {uid}:{} and has mode {mode:04o}. Let the target user write to it, or name another \
                directory",
                metadata.gid()
            )
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::process::access::OwnAccess;

    #[test]
    fn whatever_fails_says_what_to_do() {
        let target = Target::Same { uid: 1, gid: 1 };
        let limit = Limit { resource: Resource::Cpu, value: 1 };
        let subject = Subject { name: "x", target: &target };
        for step in Step::ALL {
            for errno in [0, libc::EPERM, libc::EACCES, libc::ENOSYS, libc::EINVAL, libc::ENOEXEC] {
                let failure = StepFailure { step: *step, errno, detail: 0 };
                let concerned = match step {
                    Step::Limits => Concerned::Limit(limit),
                    _ => Concerned::Nothing,
                };
                let text = error(&subject, failure, concerned, &OwnAccess).to_string();
                let reason = format!("{}.", std::io::Error::from_raw_os_error(errno));
                let end = if errno == 0 { "before the program ran." } else { &reason };
                let (_, remedy) = text.split_once(end).expect("the reason");
                assert!(remedy.len() > 20 && remedy.ends_with('.'), "{text}");
            }
        }
    }

    #[test]
    fn a_limit_that_was_met_is_named() {
        let target = Target::Same { uid: 1, gid: 1 };
        for (errno, limit) in [
            (libc::EMFILE, "ulimit -n"),
            (libc::ENFILE, "fs.file-max"),
            (libc::EAGAIN, "ulimit -u"),
            (libc::ENOMEM, "no memory"),
        ] {
            let failure = StepFailure { step: Step::Clone, errno, detail: 0 };
            let subject = Subject { name: "x", target: &target };
            let text = error(&subject, failure, Concerned::Nothing, &OwnAccess).to_string();
            assert!(text.contains(limit), "{text}");
            assert_eq!(text.contains("ulimit -u"), errno == libc::EAGAIN, "{text}");
        }
    }
}
