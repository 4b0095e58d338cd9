//! Reads the JSON that one CLI writes: what it has used, why it failed, and which credential it claims to use.

use std::sync::Arc;

use zeroize::Zeroizing;

use super::failure::Failure;
use super::request::Expected;
use super::run::{Changes, Claim, Run};
use super::scan::Scanner;
use super::subagents::{SubagentSearch, SubagentsFound};
use super::threads::ThreadTotals;
use super::used::{Gap, Usage};
use crate::provider::Provider;

const COMPLAINT_BYTES: usize = 1024;

#[derive(Debug)]
pub struct Meter {
    provider: &'static Provider,
    scanner: Option<Scanner>,
    run: Run,
    complaint: Zeroizing<Vec<u8>>,
}

impl Meter {
    #[must_use]
    pub fn new(provider: &'static Provider, expected: Expected) -> Self {
        let output = provider.output;
        let run = Run::new(output, expected);
        Self { provider, scanner: Some(Scanner::new(output.fields)), run, complaint: Zeroizing::default() }
    }

    /// Says what the thread that the run goes on with had used, before it reports any.
    pub fn resumes(&mut self, thread: ThreadTotals) {
        self.run.expected.thread = Some(thread);
    }

    #[must_use]
    pub fn provider(&self) -> &'static Provider {
        self.provider
    }

    /// Reads the next bytes of stdout, which may be cut anywhere.
    pub fn feed(&mut self, bytes: &[u8]) -> Changes {
        let (scanner, run) = (&mut self.scanner, &mut self.run);
        if let Some(scanner) = scanner {
            scanner.feed(bytes, |event| run.take(event));
        }
        run.changed()
    }

    /// Reads the next bytes of stderr. Only the first 1,024 are kept, until the end.
    pub fn complain(&mut self, bytes: &[u8]) {
        if self.complaint.capacity() == 0 {
            // At once: what moves to grow leaves a copy.
            self.complaint.reserve_exact(COMPLAINT_BYTES);
        }
        let room = COMPLAINT_BYTES - self.complaint.len();
        self.complaint.extend_from_slice(&bytes[..bytes.len().min(room)]);
    }

    /// The search for other threads that worked for the run, and for which of its threads. None where there is nothing
    /// to look for, or it is known already.
    #[must_use]
    pub fn sought(&self) -> Option<(SubagentSearch, Vec<Arc<str>>)> {
        self.run.sought()
    }

    /// Takes the result of the search that `sought` requested.
    pub fn found(&mut self, found: SubagentsFound) {
        self.run.found(found);
    }

    /// Ends the run with an exit code, or with none where it was killed.
    pub fn end(&mut self, code: Option<i32>) -> Changes {
        let Some(scanner) = self.scanner.take() else { return Changes::default() };
        if scanner.is_inside() {
            self.run.gap(Gap::OutputUnread);
        }
        self.run.end(code, &self.complaint);
        self.complaint = Zeroizing::default();
        self.run.changed()
    }

    /// Notes that a part of the output was lost on the way here: what the run has used is a lower bound.
    pub fn lose(&mut self) {
        self.run.gap(Gap::OutputUnread);
    }

    #[must_use]
    pub fn usage(&self) -> Usage {
        self.run.usage()
    }

    /// Returns what is reported and will not change, for counters that only grow.
    #[must_use]
    pub fn settled(&self) -> &Usage {
        &self.run.settled
    }

    /// Returns the value of the CLI's `TZ`, empty if it is not set, and none if that is unknown.
    #[must_use]
    pub fn time_zone(&self) -> Option<&str> {
        self.run.expected.time_zone.as_deref()
    }

    #[must_use]
    pub fn has_ended(&self) -> bool {
        self.scanner.is_none()
    }

    /// Returns what the run failed at last, unless it has recovered.
    #[must_use]
    pub fn failure(&self) -> Option<Failure> {
        self.run.failure
    }

    /// Returns what the CLI says of its credential, once it has.
    #[must_use]
    pub fn claim(&self) -> Option<Claim> {
        self.run.claim
    }

    /// Lists what the CLI may say of the credential that it was given.
    #[must_use]
    pub fn expected_claims(&self) -> &'static [&'static str] {
        self.run.expected_claims().unwrap_or_default()
    }
}
