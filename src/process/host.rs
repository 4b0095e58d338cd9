//! What a job on a spawner's thread works with. It lives as long as the thread.

use std::fs::File;
use std::io::ErrorKind;
use std::os::unix::fs::FileExt;
use std::sync::Arc;

use super::exhausted::no_descriptor;
use super::program::Proofs;
use crate::error::{Error, ErrorCode};
use crate::sys::Step;
use crate::sys::clone::{Failure, InFlight, Stack};

/// The spawner's side of every child that its thread makes.
#[derive(Debug)]
pub struct Host {
    /// Where a child runs until it executes: one at a time.
    pub stack: Stack,
    /// Where the watchdog sees that child.
    pub in_flight: Arc<InFlight>,
    /// What is known of programs.
    pub proofs: Arc<Proofs>,
    /// This process's `oom_score_adj`, open: to look it up by name would be a tenth of a start. None without /proc.
    oom_score: Option<File>,
}

impl Host {
    /// One for a new thread.
    ///
    /// # Errors
    /// `SPAWN_FAILED` when the system has no memory or no descriptor for it.
    pub fn new(proofs: Arc<Proofs>) -> Result<Self, Error> {
        let stack = Stack::new().map_err(|errno| {
            Error::new(ErrorCode::SpawnFailed, "There is no memory for a child's stack.").errno(errno, "mmap")
        })?;
        let oom_score = match File::open("/proc/self/oom_score_adj") {
            Ok(file) => Some(file),
            Err(error) if error.kind() == ErrorKind::NotFound => None,
            Err(error) => return Err(no_descriptor(error.raw_os_error().unwrap_or(libc::EIO))),
        };
        Ok(Self { stack, in_flight: Arc::default(), proofs, oom_score })
    }

    /// What a child writes to its `oom_score_adj`, if anything: it must not be spared, as its worker may be, when memory
    /// runs out.
    ///
    /// # Errors
    /// Of the step [`Step::OomScore`].
    pub fn oom_score(&self, asked: Option<u32>) -> Result<Option<String>, Failure> {
        if let Some(asked) = asked {
            return Ok(Some(asked.to_string()));
        }
        let mut sign = [0_u8];
        match self.oom_score.as_ref().map(|file| file.read_at(&mut sign, 0)) {
            Some(Ok(_)) => Ok((sign == *b"-").then(|| "0".into())),
            // Without /proc nobody can tell, and nobody can write it.
            None => Ok(None),
            Some(Err(error)) => {
                Err(Failure { step: Step::OomScore, errno: error.raw_os_error().unwrap_or(libc::EIO), detail: 0 })
            }
        }
    }
}
