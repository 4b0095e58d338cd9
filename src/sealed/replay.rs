//! Which sealed secrets were used already: remembered for as long as they could open again, and in bounded memory.

use std::collections::{BTreeSet, HashSet};
use std::time::SystemTime;

use super::recipient::refused;
use crate::error::Result;

/// The most that are remembered at once: 5 MB. At the default age of five minutes, 218 a second.
const CAPACITY: usize = 65_536;

/// The right to mark one opened secret as used.
#[derive(Debug)]
#[must_use = "a secret that is not committed opens again"]
pub struct Ticket {
    /// The sender's encapsulated key: fresh for every sealing, and authenticated.
    pub(super) enc: [u8; 32],
    /// From then on it does not open anyway.
    pub(super) expires: SystemTime,
}

/// What was used.
#[derive(Debug, Default)]
pub struct Replays {
    used: HashSet<[u8; 32]>,
    /// The same by when they may be forgotten.
    by_expiry: BTreeSet<(SystemTime, [u8; 32])>,
}

impl Replays {
    /// Refuses what was used.
    ///
    /// # Errors
    /// `UNSEAL_FAILED`.
    pub fn check(&self, ticket: &Ticket) -> Result<()> {
        if self.used.contains(&ticket.enc) {
            return Err(refused("was used before. Have it sealed anew for each request"));
        }
        Ok(())
    }

    /// Marks all of these as used, or none.
    ///
    /// # Errors
    /// `UNSEAL_FAILED` when one was used, or when there is no room: forgetting one that could still open would let it
    /// be replayed.
    pub fn add(&mut self, tickets: Vec<Ticket>, now: SystemTime) -> Result<()> {
        self.forget_expired(now);
        if self.used.len() + tickets.len() > CAPACITY {
            return Err(refused("cannot be told from a replay: too many were opened lately. Lower maxAgeMs"));
        }
        tickets.iter().try_for_each(|ticket| self.check(ticket))?;
        for ticket in tickets {
            self.used.insert(ticket.enc);
            self.by_expiry.insert((ticket.expires, ticket.enc));
        }
        Ok(())
    }

    fn forget_expired(&mut self, now: SystemTime) {
        while let Some((expires, enc)) = self.by_expiry.first().copied().filter(|(expires, _)| *expires < now) {
            self.by_expiry.remove(&(expires, enc));
            self.used.remove(&enc);
        }
    }
}
