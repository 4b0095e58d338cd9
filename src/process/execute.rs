//! Prepares the launch of a CLI: its program, its arguments, its environment and its credential.

use std::path::Path;

use super::authority;
use super::failure::Need;
use super::host::Host;
use super::identity::Target;
use super::launch::{Launch, Prepared};
use super::options::ChildOptions;
use super::program::{self, Program, Search};
use super::start::Start;
use crate::environment::ExecLimits;
use crate::error::{Error, Result};
use crate::provider::{Made, Provider};
use crate::sys::clone::Failure;
use crate::sys::identity;

impl Launch for Start {
    fn options(&self) -> &ChildOptions {
        &self.child
    }

    fn target(&self) -> &Target {
        &self.target
    }

    fn provider(&self) -> Option<&'static Provider> {
        Some(self.env.provider)
    }

    fn prepare(&self, host: &Host) -> Result<Prepared> {
        let program = resolve(self, host)?;
        let directory = self.real_directory()?;
        let arguments = self.arguments(directory.as_deref())?;
        let beside = self.variables_beside();
        let authority = authority::prove(&self.env, &self.target, &host.access_check(self.provider()))?;
        let authority = authority.as_ref().map(|(name, path)| (*name, path.as_str()));
        let extra: Vec<(&str, &str)> = beside.iter().map(|(name, value)| (*name, &**value)).chain(authority).collect();
        let limits = ExecLimits::for_stack(identity::stack_limit());
        let environment = self.env.block(self.delivery, limits, &extra)?;
        let mut bytes = program.path.as_os_str().len() + 1;
        limits.check_string("one of options.args", bytes)?;
        for text in &arguments {
            limits.check_string("one of options.args", text.len() + 1)?;
            bytes += text.len() + 1;
        }
        limits.check_total(environment.bytes().len() + bytes, environment.offsets().len() + arguments.len() + 3)?;
        let credential = self.credential_pipe(&program)?;
        // Last: a start can wait in the queue for longer than a credential is good.
        self.admit_last(&program)?;
        Ok(Prepared {
            untested: program.untested(self.env.provider),
            name: program.path.clone(),
            program: program.path,
            arguments,
            environment,
            directory,
            credential,
            needs: needs(self),
        })
    }

    /// A refused `execve` contradicts the proof: it is proved again, and the new refusal says more than an errno.
    fn doubt(&self, failure: Failure, host: &Host) -> Option<Error> {
        host.proofs.forget();
        let is_stale = matches!(
            failure.errno,
            libc::EACCES | libc::ENOENT | libc::ENOTDIR | libc::ELOOP | libc::ENOEXEC | libc::ELIBBAD
        );
        if is_stale { resolve(self, host).err() } else { None }
    }
}

fn resolve(start: &Start, host: &Host) -> Result<Program> {
    let (path, provider) = (start.env.plain("PATH").unwrap_or_default(), start.env.provider);
    let search = Search { command: start.child.command.as_deref(), path, package_roots: &start.cli.package_roots };
    program::resolve(provider, &search, &start.target, &host.access_check(Some(provider)), &host.proofs)
}

fn needs(start: &Start) -> Vec<Need> {
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
        Need { variable: row.variable, path, made_in }
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
