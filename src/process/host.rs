//! The resources of a job on a spawner's thread, which live as long as the thread.

use std::ffi::CString;
use std::fs::File;
use std::io::ErrorKind;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::Arc;

use super::access::{AccessCheck, Check, Obstacle, OwnAccess};
use super::exhausted::no_descriptor;
use super::failure::{self, Concerned, Subject, about};
use super::identity::Target;
use super::program::Proofs;
use crate::error::{Error, ErrorCode, Result};
use crate::provider::Provider;
use crate::sys::Step;
use crate::sys::attributes::Attributes;
use crate::sys::clone::{self, Access, InFlight, Stack, StepFailure};

/// The spawner's side of every child that its thread makes.
#[derive(Debug)]
pub struct Host {
    /// Where a child runs until it executes: one at a time.
    pub stack: Stack,
    /// Where the watchdog sees that child.
    pub in_flight: Arc<InFlight>,
    pub proofs: Arc<Proofs>,
    /// This process's `oom_score_adj`, open: to look it up by name would be a tenth of a start. None without /proc.
    oom_score: Option<File>,
}

impl Host {
    /// One for a new thread.
    ///
    /// # Errors
    /// `SPAWN_FAILED` when the system has no memory or no descriptor for it.
    pub fn new(proofs: Arc<Proofs>) -> Result<Self> {
        let stack = Stack::new().map_err(|errno| {
            Error::new(ErrorCode::SpawnFailed, "There is no memory left for a child's stack.").errno(errno, "mmap")
        })?;
        let oom_score = match File::open("/proc/self/oom_score_adj") {
            Ok(file) => Some(file),
            Err(error) if error.kind() == ErrorKind::NotFound => None,
            Err(error) => return Err(no_descriptor(error.raw_os_error().unwrap_or(libc::EIO))),
        };
        Ok(Self { stack, in_flight: Arc::default(), proofs, oom_score })
    }

    /// What a child is made with, of what was requested: its `oom_score_adj` must not spare it, as the worker's may spare
    /// the worker, when memory runs out.
    ///
    /// # Errors
    /// Of the step [`Step::OomScore`].
    pub fn attributes(&self, asked: Attributes) -> std::result::Result<Attributes, StepFailure> {
        let Some(file) = self.oom_score.as_ref().filter(|_| asked.oom_score_adj.is_none()) else {
            // Without /proc it can be neither read nor written.
            return Ok(asked);
        };
        let mut sign = [0_u8];
        match file.read_at(&mut sign, 0) {
            Ok(_) => Ok(Attributes { oom_score_adj: (sign == *b"-").then_some(0), ..asked }),
            Err(error) => {
                Err(StepFailure { step: Step::OomScore, errno: error.raw_os_error().unwrap_or(libc::EIO), detail: 0 })
            }
        }
    }

    /// Asks as a target: as this process where it is the target, else by a child that becomes it. Errors speak of `provider`.
    pub fn access_check(&self, provider: Option<&'static Provider>) -> TargetAccess<'_> {
        TargetAccess { host: self, provider }
    }
}

/// Asks as a target, by a child of the host's where this process is not the target.
#[derive(Debug)]
pub struct TargetAccess<'a> {
    host: &'a Host,
    provider: Option<&'static Provider>,
}

impl AccessCheck for TargetAccess<'_> {
    fn first_obstacle(&self, target: &Target, checks: &[Check]) -> Result<Option<Obstacle>> {
        let Some(identity) = target.identity() else {
            return OwnAccess.first_obstacle(target, checks);
        };
        let paths: Vec<CString> = checks.iter().map(|check| c_path(&check.path)).collect::<Result<_>>()?;
        let access: Vec<Access<'_>> = checks
            .iter()
            .zip(&paths)
            .map(|(check, path)| Access { path, mode: check.access.bits().cast_signed(), otherwise: None })
            .collect();
        match clone::check_access(identity, &access, &self.host.stack, &self.host.in_flight) {
            Ok(()) => Ok(None),
            Err(failure) if failure.step == Step::StateDirectory && failure.errno != 0 => {
                Ok(Some(Obstacle { index: failure.detail as usize, errno: failure.errno }))
            }
            Err(failure) => {
                let subject = Subject { name: self.provider.map_or("The program", |row| row.name), target };
                let error = failure::error(&subject, failure, Concerned::Nothing, &OwnAccess);
                Err(about(error, self.provider))
            }
        }
    }
}

/// A path for the kernel.
///
/// # Errors
/// `ERR_INVALID_ARG_VALUE` for a NUL byte.
pub fn c_path(path: &Path) -> Result<CString> {
    c_string(path.as_os_str().as_bytes())
}

/// An argument for the kernel.
///
/// # Errors
/// `ERR_INVALID_ARG_VALUE` for a NUL byte.
pub fn c_string(bytes: &[u8]) -> Result<CString> {
    CString::new(bytes).map_err(|_| Error::new(ErrorCode::InvalidArgValue, "A path or argument contains a NUL byte."))
}
