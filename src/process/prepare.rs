//! Prepares a start: finds its program and lays out what its child needs. It looks at files, some of which are a tenant's, so
//! it belongs on a thread that nothing waits for.

use std::borrow::Cow;
use std::os::fd::OwnedFd;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use super::access::{self, AccessCheck, OwnAccess};
use super::brokered::Brokered;
use super::exhausted::{no_descriptor, used_up};
use super::identity::Target;
use super::program::{self, Program, Proofs, Search};
use super::redirection::{self, Beside};
use super::start::Start;
use super::{arguments, authority};
use crate::environment::{Delivery, EnvBlock, EnvPlan, ExecLimits};
use crate::error::{Error, ErrorCode, Result};
use crate::provider::Made;
use crate::secret::ExposeSecret;
#[cfg(target_os = "linux")]
use crate::sys::identity::Identity;
use crate::sys::real_path::real_path;
use crate::sys::{Step, stdio};

/// What a child is made of, beside what was requested: it owns what `sys::clone::Child` borrows, and what the portable start
/// hands to `child_process`.
#[derive(Debug)]
pub struct PreparedLaunch {
    /// The path that is executed, without symlinks.
    pub program: PathBuf,
    /// The first of its arguments.
    pub name: PathBuf,
    /// Its arguments without its name, ours among them.
    pub arguments: Vec<String>,
    pub environment: EnvBlock,
    /// The working directory, without symlinks; none for that of this process.
    pub directory: Option<PathBuf>,
    /// How the credential is passed; none if nothing is.
    pub delivery: Option<Delivery>,
    /// The pipe that holds the credential.
    pub credential: Option<OwnedFd>,
    /// The grant by which the broker adds the credential.
    pub brokered: Option<Brokered>,
    /// What the child must be able to write to; the portable start cannot ask as the child.
    pub needs: Vec<NeededDirectory>,
    /// The warning about an untested version.
    pub untested: Option<String>,
}

/// A directory that the child must be able to write to.
#[derive(Debug)]
pub struct NeededDirectory {
    pub variable: &'static str,
    pub path: PathBuf,
    /// Looked at where there is no such directory: where the CLI would make it.
    pub made_in: Option<PathBuf>,
}

impl Start {
    /// Finds the program, and lays everything out. `access` asks as the target.
    ///
    /// # Errors
    /// Why there can be no child.
    pub fn prepare(&self, access: &dyn AccessCheck, proofs: &Proofs) -> Result<PreparedLaunch> {
        let program = self.locate(access, proofs)?;
        let delivery = self.settle(program.version.as_deref())?;
        let provider = self.env.provider;
        let directory = self.child.cwd.as_deref().map(|given| real_directory(provider.name, given)).transpose()?;
        let authority = authority::prove(&self.env, &self.target, access)?;
        let ca_file = authority.as_ref().map(|(_, path)| path.as_str());
        let brokered = match delivery {
            Delivery::Broker => Some(Brokered::new(&self.env, &self.target, &program, ca_file)?),
            Delivery::Fd | Delivery::Env => None,
        };
        let arguments = self.arguments(directory.as_deref(), delivery, brokered.as_ref())?;
        let limits = ExecLimits::of_this_process();
        let environment = self.environment(limits, delivery, authority.as_ref(), brokered.as_ref())?;
        check_size(limits, &program.path, &arguments, &environment)?;
        let credential = self.credential_pipe(&program, delivery)?;
        // Last: a start can wait in the queue for longer than a credential is good.
        self.admit_last(&program, delivery)?;
        Ok(PreparedLaunch {
            untested: program.untested(provider),
            name: program.path.clone(),
            program: program.path,
            arguments,
            environment,
            directory,
            delivery: self.env.credential.input.map(|_| delivery),
            credential,
            brokered,
            needs: needs(self),
        })
    }

    /// Finds the program and proves that the target can run it.
    ///
    /// # Errors
    /// As [`program::resolve`].
    pub fn locate(&self, access: &dyn AccessCheck, proofs: &Proofs) -> Result<Program> {
        let path = self.env.plain("PATH").unwrap_or_default();
        let search = Search { command: self.child.command.as_deref(), path, package_roots: &self.cli.package_roots };
        program::resolve(self.env.provider, &search, &self.target, access, proofs)
    }

    fn arguments(&self, here: Option<&Path>, delivery: Delivery, brokered: Option<&Brokered>) -> Result<Vec<String>> {
        let directories = self.directories(here);
        let context = self.context(delivery, &directories, brokered.map(Brokered::endpoint));
        arguments::build(&self.env, &self.command_line, &context)
    }

    fn environment(
        &self,
        limits: ExecLimits,
        delivery: Delivery,
        authority: Option<&(&'static str, String)>,
        brokered: Option<&Brokered>,
    ) -> Result<EnvBlock> {
        let beside = self.variables_beside(delivery);
        let of_grant: Vec<_> = brokered.into_iter().flat_map(|brokered| brokered.variables(&self.env)).collect();
        let is_free = |name: &str| of_grant.iter().all(|(known, _)| *known != name);
        let beside =
            beside.iter().filter(|(name, _)| is_free(name)).chain(&of_grant).map(|(name, value)| (*name, &**value));
        let authority = authority.map(|(name, path)| (*name, path.as_str()));
        self.env.block(delivery, limits, &beside.chain(authority).collect::<Vec<_>>())
    }

    /// The variables that are beside the environment's own: those of an SDK, ours that keep the CLI's child processes
    /// from running what files name, and a temporary directory where another has taken the CLI's.
    fn variables_beside(&self, delivery: Delivery) -> Vec<(&str, Cow<'_, str>)> {
        let context = self.context(delivery, &[], None);
        let sdk = self.cli.extra.iter().map(|variable| (&*variable.name, Cow::Borrowed(&*variable.value)));
        let guards = arguments::guards(&self.env, &context).map(|(name, value)| (name, Cow::Borrowed(value)));
        let temporary = private_temporary(&self.env, self.target.uid());
        sdk.chain(guards).chain(temporary.map(|(name, value)| (name, Cow::Owned(value)))).collect()
    }

    /// A pipe that holds the credential, where it is delivered so.
    ///
    /// # Errors
    /// `SPAWN_FAILED` when there is no descriptor for it; what [`redirection::check_credential_files`] finds.
    fn credential_pipe(&self, program: &Program, delivery: Delivery) -> Result<Option<OwnedFd>> {
        if self.env.names.descriptor_variable(delivery).is_none() {
            return Ok(None);
        }
        let Some(secret) = self.env.credential.secret.as_deref() else {
            return Ok(None);
        };
        let pipe = stdio::pipe_holding(secret.expose_secret()).map_err(|errno| no_descriptor(errno.raw_os_error()))?;
        self.give_to_target(&pipe, program)?;
        Ok(Some(pipe))
    }

    /// The CLI opens the descriptor again by its name below /proc, which only the pipe's owner may. So may then every
    /// process of the same uid, until the CLI has read it, also one that may not trace the CLI (Yama, ptrace(2)): one
    /// that an earlier run left behind. So the pipe stays ours, but for a program that the kernel hides from them, and
    /// for the tenant's own key where the CLI would have none, or another one, without.
    #[cfg(target_os = "linux")]
    fn give_to_target(&self, pipe: &OwnedFd, program: &Program) -> Result<()> {
        let Some(&Identity { uid, gid, .. }) = self.target.identity() else { return Ok(()) };
        let since = self.env.provider.reads_descriptor_since;
        let is_read = since.is_some_and(|since| since.is_reached_by(program.version.as_deref()));
        // Where the CLI may not open it, it looks at files of another tenant's before it reads the descriptor itself. Their
        // owner can make a look last: there is none where it decides nothing.
        let alone = || redirection::check_credential_files(&self.env);
        if !program.is_hidden_from(uid) {
            if self.env.has_server_credential() {
                return alone();
            }
            if is_read && alone().is_ok() {
                return Ok(());
            }
        }
        // CAP_SETUID and CAP_SETGID are enough for a start; this needs CAP_CHOWN.
        stdio::give(pipe, uid, gid).or_else(|_| alone())
    }

    #[cfg(not(target_os = "linux"))]
    fn give_to_target(&self, _: &OwnedFd, _: &Program) -> Result<()> {
        redirection::check_credential_files(&self.env)
    }

    /// Refuses a credential that no launch may use any more, or that a file of the tenant's can send elsewhere: the last
    /// thing before the process is made. It looks at files.
    ///
    /// # Errors
    /// `CREDENTIAL_REVOKED`, and what [`redirection::check_program`] and [`redirection::check`] find.
    fn admit_last(&self, program: &Program, delivery: Delivery) -> Result<()> {
        let version = program.version.as_deref();
        redirection::check(&self.env, Beside { trusted: self.cli.trusted, version, delivery })?;
        if delivery != Delivery::Broker {
            redirection::check_program(&self.env, program)?;
        }
        self.admit()
    }

    /// The workspace's directory, the working directory and those that the arguments name, by their given and their real
    /// names: Codex compares the real one, except after its own `--cd`.
    fn directories(&self, here: Option<&Path>) -> Vec<String> {
        // getcwd(2) says where we are without symlinks.
        let own = || Some(std::env::current_dir().ok()?.to_string_lossy().into_owned());
        let base = self.child.cwd.clone().or_else(own).unwrap_or_else(|| "/".into());
        let real_base = if self.child.cwd.is_some() { here } else { Some(Path::new(&base)) };
        let in_arguments = arguments::directories_in(&self.env, &self.command_line);
        let in_arguments = in_arguments.map(|path| Path::new(&base).join(path).to_string_lossy().into_owned());
        let mut given: Vec<String> =
            self.env.workspace_dir.clone().into_iter().chain([base.clone()]).chain(in_arguments).collect();
        given.dedup();
        let mut all: Vec<String> = here.map(|path| path.to_string_lossy().into_owned()).into_iter().collect();
        for directory in given {
            // Its real name is known: `here`, or itself.
            let is_base = real_base.is_some() && directory == base;
            let real = if is_base { None } else { real_path(Path::new(&directory)).ok() };
            for name in [Some(directory), real.map(|path| path.to_string_lossy().into_owned())].into_iter().flatten() {
                if !all.contains(&name) {
                    all.push(name);
                }
            }
        }
        arguments::with_project_roots(self.env.provider, all)
    }
}

fn check_size(limits: ExecLimits, program: &Path, arguments: &[String], environment: &EnvBlock) -> Result<()> {
    let mut bytes = environment.bytes().len();
    for length in [program.as_os_str().len()].into_iter().chain(arguments.iter().map(String::len)) {
        limits.check_string("one of options.args", length + 1)?;
        bytes += length + 1;
    }
    limits.check_total(bytes, environment.offsets().len() + arguments.len() + 3)
}

fn needs(start: &Start) -> Vec<NeededDirectory> {
    let is_named = |variable| start.env.plain(variable).is_some();
    let rows = start.env.provider.directory_needs.iter();
    let rows = rows.filter(|row| !row.only_when_named || is_named(row.variable));
    rows.map(|row| {
        let mut path = start.env.directory(row.variable, row.otherwise);
        if !row.below.is_empty() {
            path.push(row.below);
        }
        let is_made = match row.made {
            Made::Never => false,
            Made::WhenDefault => !is_named(row.variable),
            Made::Always => true,
        };
        let made_in = is_made.then(|| nearest(&path)).flatten().map(Path::to_owned);
        NeededDirectory { variable: row.variable, path, made_in }
    })
    .collect()
}

/// The nearest directory above one that is missing; what this process may not look at counts as there, and the child is
/// asked. None where the directory itself is.
fn nearest(path: &Path) -> Option<&Path> {
    let is_there = |path: &&Path| {
        std::fs::symlink_metadata(path).map_or_else(|error| error.kind() != std::io::ErrorKind::NotFound, |_| true)
    };
    (!is_there(&path)).then(|| path.ancestors().skip(1).find(is_there)).flatten()
}

/// A working directory without symlinks. `name` is what is to be started there.
///
/// # Errors
/// `SPAWN_FAILED` when there is none.
pub fn real_directory(name: &str, directory: &str) -> Result<PathBuf> {
    real_path(Path::new(directory)).map_err(|error| no_directory(name, directory, &error))
}

fn no_directory(name: &str, directory: &str, error: &std::io::Error) -> Error {
    let step = Step::WorkingDirectory;
    let errno = error.raw_os_error();
    // It is this process that may not look.
    let asked = || access::closed(&OwnAccess, &Target::own(), Path::new(directory));
    let closed = (errno == Some(libc::EACCES)).then(asked).flatten();
    let remedy = match (errno.and_then(used_up), &closed, errno) {
        (Some(remedy), ..) => remedy.to_owned(),
        (_, Some((_, why)), _) => {
            format!("{why}, which keeps this process out. Name another directory in options.cwd.")
        }
        (.., Some(libc::ENOENT)) => "Create the directory, or name another in options.cwd.".to_owned(),
        _ => "Name another directory in options.cwd.".to_owned(),
    };
    let message = format!("{name} was not started: step {} ({directory}): {error}. {remedy}", step.name());
    let path = closed.map_or_else(|| directory.to_owned(), |(closed, _)| closed.to_string_lossy().into_owned());
    Error::new(ErrorCode::SpawnFailed, message)
        .path(path)
        .step(step.name())
        .errno(error.raw_os_error().unwrap_or(libc::EIO), step.syscall())
}

/// Gives a CLI its temporary directory in the tenant's own state directory where somebody else has taken its name in a
/// shared one, such as /tmp: it would refuse to start.
///
/// The variable to set for a child of this uid, where one is needed. The name can be taken a moment later: then the CLI
/// refuses to start, and this finds it the next time.
fn private_temporary(plan: &EnvPlan, uid: u32) -> Option<(&'static str, String)> {
    let row = plan.provider.private_temporary.as_ref()?;
    // A place that the caller chose.
    if plan.plain(row.variable).is_some() {
        return None;
    }
    let shared = plan.directory("TMPDIR", "/tmp");
    if !is_taken(&shared.join(format!("{}{uid}", row.prefix)), uid) {
        return None;
    }
    let state = &plan.provider.state_directory;
    let own = plan.directory(state.variable, state.below_home);
    Some((row.variable, own.to_string_lossy().into_owned()))
}

/// A link is taken too: its owner can make another of it.
fn is_taken(path: &Path, uid: u32) -> bool {
    let metadata = path.symlink_metadata();
    metadata.is_ok_and(|metadata| !metadata.is_dir() || metadata.uid() != uid)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::credential::Fallbacks;
    use crate::credential::payload::Payload;
    use crate::environment::{EnvRequest, ExecLimits};
    use crate::sys::identity::own;

    #[test]
    fn only_what_another_has_taken_moves_it() {
        let shared = tempfile::tempdir().expect("a directory");
        let set = [("CLAUDE_CODE_TMPDIR", "/srv/own")];
        let plan = |set: &[(&'static str, &'static str)]| {
            let mut request =
                EnvRequest { base: vec![("HOME", "/home/x")], set: set.to_vec(), ..EnvRequest::default() };
            request.workspace.tmp_dir = shared.path().to_str();
            let payload = Payload::from_message(br#"{"apiKey":"made-up-key"}"#, &[]).expect("valid");
            EnvPlan::new(payload, request, Fallbacks::default(), ExecLimits::for_stack(None)).expect("a plan")
        };
        let (uid, name) = (own().0, shared.path().join(format!("claude-{}", own().0)));
        assert_eq!(private_temporary(&plan(&[]), uid), None, "nothing is there");
        std::fs::create_dir(&name).expect("ours");
        assert_eq!(private_temporary(&plan(&[]), uid), None, "the target's own");
        std::fs::remove_dir(&name).expect("ours");
        std::os::unix::fs::symlink(shared.path(), &name).expect("ours");
        assert_eq!(private_temporary(&plan(&[]), uid), Some(("CLAUDE_CODE_TMPDIR", "/home/x/.claude".to_owned())));
        assert_eq!(private_temporary(&plan(&set), uid), None, "the caller's own choice");
    }
}
