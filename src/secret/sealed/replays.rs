//! Remembers the sealed texts that were used for as long as they could be opened again.

use std::collections::BTreeSet;

use crate::error::{Error, ErrorCode, Result};

/// How many used texts one recipient remembers at a time.
const MAX_REMEMBERED: usize = 65_536;

/// How far another process's clock may be ahead of this one's, in milliseconds.
const MAX_AHEAD: u64 = 60_000;

/// What distinguishes a text that was opened from every other one: both parts are authenticated, and whoever seals makes a new
/// `enc` each time. The oldest comes first.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct SealedId {
    /// Milliseconds since 1970.
    pub issued_at: u64,
    pub enc: [u8; 32],
}

/// What one recipient remembers of the texts that were used.
pub(super) struct Replays {
    /// Milliseconds.
    max_age: u64,
    used: BTreeSet<SealedId>,
    /// When the youngest of the forgotten ones was issued. With a clock that only goes forward, all up to here are too
    /// old in any case; after it was set back, they would open again.
    forgotten: Option<u64>,
}

impl Replays {
    /// Remembers nothing yet; `max_age` is in milliseconds.
    pub fn new(max_age: u64) -> Self {
        Self { max_age, used: BTreeSet::new(), forgotten: None }
    }

    /// Whether the text may be used at `now`.
    ///
    /// # Errors
    /// `UNSEAL_FAILED` when it is from the future, too old or used.
    pub fn check(&self, text: &SealedId, now: u64) -> Result<()> {
        if text.issued_at > now.saturating_add(MAX_AHEAD) {
            return Err(refused(FROM_THE_FUTURE));
        }
        if self.is_expired(text, now) || self.forgotten.is_some_and(|forgotten| text.issued_at <= forgotten) {
            return Err(refused(TOO_OLD));
        }
        if self.used.contains(text) {
            return Err(refused(USED));
        }
        Ok(())
    }

    /// Marks all of them as used, or none.
    ///
    /// # Errors
    /// What [`Replays::check`] finds, and `UNSEAL_FAILED` when there is no room for all.
    pub fn commit(&mut self, texts: &[SealedId], now: u64) -> Result<()> {
        let batch: BTreeSet<SealedId> = texts.iter().copied().collect();
        if batch.len() < texts.len() {
            return Err(refused(USED));
        }
        for text in &batch {
            self.check(text, now)?;
        }
        self.forget_expired(now);
        if self.used.len() + batch.len() > MAX_REMEMBERED {
            return Err(refused(FULL));
        }
        self.used.extend(batch);
        Ok(())
    }

    fn forget_expired(&mut self, now: u64) {
        while let Some(text) = self.used.first().copied().filter(|text| self.is_expired(text, now)) {
            self.used.remove(&text);
            self.forgotten = self.forgotten.max(Some(text.issued_at));
        }
    }

    fn is_expired(&self, text: &SealedId, now: u64) -> bool {
        now > text.issued_at.saturating_add(self.max_age)
    }
}

const FROM_THE_FUTURE: &str =
    "The sealed secret's time is more than a minute in the future. Set the clocks of both machines, and seal it again.";
const TOO_OLD: &str = "The sealed secret is older than this recipient allows. Seal it again just before you send it.";
const USED: &str = "The sealed secret was used before, and each one opens for a single request. Seal it again.";
const FULL: &str = "This recipient has opened as many sealed secrets as it can remember, and none of them has expired. \
    Wait, or set a shorter maximum age.";

fn refused(message: &'static str) -> Error {
    Error::new(ErrorCode::UnsealFailed, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MAX_AGE: u64 = 1_000;
    const NOW: u64 = 1_700_000_000_000;

    fn text(issued_at: u64, number: usize) -> SealedId {
        let mut enc = [0; 32];
        enc[..8].copy_from_slice(&number.to_be_bytes());
        SealedId { issued_at, enc }
    }

    fn verdict(result: Result<()>) -> Option<String> {
        result.err().map(|error| {
            assert_eq!(error.code(), ErrorCode::UnsealFailed);
            error.to_string()
        })
    }

    #[test]
    fn a_text_is_usable_in_its_time_only() {
        let replays = Replays::new(MAX_AGE);
        for (issued_at, expected) in [
            (NOW + MAX_AHEAD + 1, Some(FROM_THE_FUTURE)),
            (u64::MAX, Some(FROM_THE_FUTURE)),
            (NOW + MAX_AHEAD, None),
            (NOW, None),
            (NOW - MAX_AGE, None),
            (NOW - MAX_AGE - 1, Some(TOO_OLD)),
            (0, Some(TOO_OLD)),
        ] {
            let found = verdict(replays.check(&text(issued_at, 0), NOW));
            assert_eq!(found.as_deref(), expected, "{issued_at}");
        }
    }

    #[test]
    fn a_used_text_is_refused_until_it_is_too_old() {
        let mut replays = Replays::new(MAX_AGE);
        replays.commit(&[text(NOW, 1)], NOW).expect("fresh");
        for (now, expected) in
            [(NOW - MAX_AHEAD, USED), (NOW, USED), (NOW + MAX_AGE, USED), (NOW + MAX_AGE + 1, TOO_OLD)]
        {
            assert_eq!(verdict(replays.check(&text(NOW, 1), now)).as_deref(), Some(expected));
            assert_eq!(verdict(replays.commit(&[text(NOW, 1)], now)).as_deref(), Some(expected));
        }
        replays.check(&text(NOW, 2), NOW).expect("another text");
    }

    #[test]
    fn a_batch_is_used_as_a_whole_or_not_at_all() {
        let mut replays = Replays::new(MAX_AGE);
        replays.commit(&[text(NOW, 1)], NOW).expect("fresh");
        assert_eq!(verdict(replays.commit(&[text(NOW, 2), text(NOW, 1)], NOW)).as_deref(), Some(USED));
        assert_eq!(verdict(replays.commit(&[text(NOW, 2), text(NOW, 2)], NOW)).as_deref(), Some(USED));
        replays.commit(&[text(NOW, 2), text(NOW, 3)], NOW).expect("the second was not marked");
    }

    #[test]
    fn a_full_memory_refuses_until_something_expires() {
        let mut replays = Replays::new(MAX_AGE);
        let all: Vec<SealedId> = (0..MAX_REMEMBERED).map(|number| text(NOW + number as u64 % 2, number)).collect();
        replays.commit(&all[1..], NOW).expect("room for all but one");
        let two = [text(NOW, MAX_REMEMBERED), text(NOW, MAX_REMEMBERED + 1)];
        assert_eq!(verdict(replays.commit(&two, NOW)).as_deref(), Some(FULL));
        replays.commit(&all[..1], NOW).expect("room for one");
        let late = text(NOW + 1, MAX_REMEMBERED);
        assert_eq!(verdict(replays.commit(&[late], NOW + MAX_AGE)).as_deref(), Some(FULL));

        replays.commit(&[late], NOW + MAX_AGE + 1).expect("those of the first millisecond have expired");
        assert_eq!(replays.used.len(), MAX_REMEMBERED / 2 + 1);
    }

    #[test]
    fn what_was_forgotten_does_not_open_after_the_clock_was_set_back() {
        let mut replays = Replays::new(MAX_AGE);
        replays.commit(&[text(NOW, 1)], NOW).expect("fresh");
        let leap = NOW + 1_000_000;
        replays.commit(&[text(leap, 2)], leap).expect("fresh");
        assert_eq!(verdict(replays.check(&text(NOW, 1), NOW)).as_deref(), Some(TOO_OLD));
        replays.check(&text(NOW + 1, 3), NOW + 1).expect("issued after the forgotten one");
    }
}
