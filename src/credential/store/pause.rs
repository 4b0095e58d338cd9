//! Pauses after an endpoint or a lock has failed, so that not every call costs the whole timeout or a request about a
//! dead login.

use crate::credential::Clocks;
use crate::error::Error;
use crate::secret::{Fingerprint, Secret};

const SECOND: f64 = 1000.0;

/// The first pause after a failure that may pass, and the longest.
const PASSING: (f64, f64) = (2.0 * SECOND, 300.0 * SECOND);

/// The same where the vendor has said that the login is dead. It is asked again later, because vendors have been wrong.
const DEAD: (f64, f64) = (60.0 * SECOND, 3600.0 * SECOND);

/// The longest that an endpoint may ask to be left alone.
const LONGEST_ASKED_FOR: f64 = 3600.0 * SECOND;

/// Why an endpoint gave no tokens, and what follows from it.
#[derive(Debug)]
pub struct TokenRefusal {
    pub error: Error,
    /// Whether the login is dead, so that only a person can help.
    pub is_dead: bool,
    /// How long the endpoint asked to be left alone, in milliseconds.
    pub retry_after: Option<f64>,
    /// This process could ask nobody, which says nothing of the endpoint.
    pub is_ours: bool,
}

impl From<Error> for TokenRefusal {
    fn from(error: Error) -> Self {
        Self { error, is_dead: false, retry_after: None, is_ours: false }
    }
}

/// What is left alone for a while. Of the lock and of the endpoint each has its own: that a lock is held says nothing
/// of what the endpoint has said.
#[derive(Debug, Default)]
pub struct Pauses {
    endpoint: Option<Pause>,
    lock: Option<Pause>,
}

/// A failure, and how long it is taken for an answer.
#[derive(Debug)]
struct Pause {
    why: Error,
    /// How long we leave it alone, in milliseconds; the next time it is twice as long.
    length: f64,
    /// Until when, by the clock that nobody sets, in milliseconds.
    until: f64,
    /// Until when the endpoint asked to be left alone.
    asked_until: f64,
    /// The refresh token that was refused, where it is dead.
    dead: Option<Fingerprint>,
}

impl Pauses {
    /// After the endpoint's refusal of a refresh token. Unless the endpoint requested more, the pause is no longer than
    /// half of what the old token has `left`, in milliseconds, so that there is a try before it expires.
    pub fn refused(&mut self, refusal: &TokenRefusal, asked_with: &Secret, left: f64, now: Clocks) {
        let dead = if refusal.is_dead { asked_with.fingerprint().ok() } else { None };
        let before = self.endpoint.as_ref().filter(|before| before.dead == dead);
        let mut pause = Pause::after(&refusal.error, before, if dead.is_some() { DEAD } else { PASSING }, left, now);
        pause.asked_until = now.boot + refusal.retry_after.unwrap_or_default().clamp(0.0, LONGEST_ASKED_FOR);
        self.endpoint = Some(Pause { dead, ..pause });
    }

    /// After a whole call has waited in vain for the lock, or for its turn.
    pub fn waited(&mut self, why: &Error, left: f64, now: Clocks) {
        self.lock = Some(Pause::after(why, self.lock.as_ref(), PASSING, left, now));
    }

    /// Ends the pause of the lock, which this process has now.
    pub fn locked(&mut self) {
        self.lock = None;
    }

    /// Ends the pause of the endpoint, which has given new tokens.
    pub fn granted(&mut self) {
        self.endpoint = None;
    }

    /// The answer instead of a request with this refresh token: for a dead one whatever the call is. What the endpoint
    /// requested holds for all but who `insists`, and our own pause no longer than the old token, which has `left`.
    pub fn answer(&self, token: &Secret, insists: bool, left: f64, now: Clocks) -> Option<Error> {
        let pause = self.endpoint.as_ref()?;
        let until = match pause.dead {
            Some(dead) if token.fingerprint().ok() == Some(dead) => pause.until,
            Some(_) => return None,
            None if insists => return None,
            None if left > 0.0 => pause.until.max(pause.asked_until),
            None => pause.asked_until,
        };
        (now.boot < until).then(|| pause.why.clone())
    }

    /// The answer instead of waiting for a lock that another process has, for a call that would wait only for new
    /// tokens, and has a good one.
    pub fn answer_without_lock(&self, now: Clocks) -> Option<Error> {
        let passing = self.endpoint.as_ref().filter(|pause| pause.dead.is_none());
        let pauses = [self.lock.as_ref(), passing].into_iter().flatten();
        pauses.filter(|pause| now.boot < pause.until.max(pause.asked_until)).map(|pause| pause.why.clone()).next()
    }
}

impl Pause {
    fn after(why: &Error, before: Option<&Self>, (first, longest): (f64, f64), left: f64, now: Clocks) -> Self {
        let mut length = before.map_or(first, |before| (2.0 * before.length).min(longest));
        if longest < DEAD.1 {
            length = length.min((left / 2.0).max(SECOND));
        }
        Self { why: why.clone(), length, until: now.boot + length, asked_until: 0.0, dead: None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorCode;

    const NOW: Clocks = Clocks { wall: 1e12, boot: 1e6 };
    const GOOD: f64 = 1e9;
    const OVER: f64 = -5.0;

    fn refusal(is_dead: bool, retry_after: Option<f64>) -> TokenRefusal {
        TokenRefusal { is_dead, retry_after, ..Error::new(ErrorCode::RefreshFailed, "no").into() }
    }

    fn later(milliseconds: f64) -> Clocks {
        Clocks { wall: 0.0, boot: NOW.boot + milliseconds }
    }

    #[test]
    fn pauses_grow_and_leave_time_before_the_expiry() {
        let token = Secret::copy_of(b"rt");
        for (is_dead, left, expected) in [
            (false, GOOD, &[2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0, 300.0, 300.0][..]),
            (false, 20_000.0, &[2.0, 4.0, 8.0, 10.0, 10.0]),
            (true, OVER, &[60.0, 120.0, 240.0, 480.0, 960.0, 1920.0, 3600.0, 3600.0]),
        ] {
            let mut pauses = Pauses::default();
            for seconds in expected {
                pauses.refused(&refusal(is_dead, None), &token, left, NOW);
                let answer = |time| pauses.answer(&token, false, left, later(time));
                assert!(answer(seconds * SECOND - 1.0).is_some(), "{is_dead} {left} {seconds}");
                assert!(answer(seconds * SECOND).is_none(), "{is_dead} {left} {seconds}");
            }
        }
    }

    #[test]
    fn what_the_endpoint_asks_for_holds_longer_than_ours_and_than_the_token() {
        let token = Secret::copy_of(b"rt");
        for (asked, left, expected) in
            [(90.0, GOOD, 90.0), (600.0, 60_000.0, 600.0), (600.0, OVER, 600.0), (1e9, OVER, 3600.0), (1.0, GOOD, 2.0)]
        {
            let mut pauses = Pauses::default();
            pauses.refused(&refusal(false, Some(asked * SECOND)), &token, left, NOW);
            let answer = |insists, time| pauses.answer(&token, insists, left, later(time));
            assert!(answer(false, expected * SECOND - 1.0).is_some() && answer(true, 0.0).is_none(), "{asked} {left}");
            assert!(answer(false, expected * SECOND).is_none(), "{asked} {left}");
            // What it requested is not doubled.
            pauses.refused(&refusal(false, None), &token, GOOD, NOW);
            assert!(pauses.answer(&token, false, GOOD, later(4.0 * SECOND)).is_none(), "{asked} {left}");
        }
    }

    #[test]
    fn who_insists_asks_but_about_a_dead_token_nobody_does() {
        let (token, other) = (Secret::copy_of(b"rt"), Secret::copy_of(b"another"));
        let mut pauses = Pauses::default();
        pauses.refused(&refusal(false, None), &token, GOOD, NOW);
        assert!(pauses.answer(&token, true, GOOD, NOW).is_none() && pauses.answer(&token, false, OVER, NOW).is_none());
        assert!(pauses.answer(&other, false, GOOD, NOW).is_some());
        pauses.refused(&refusal(true, None), &token, GOOD, NOW);
        assert!(pauses.answer(&token, true, OVER, NOW).is_some() && pauses.answer(&other, false, GOOD, NOW).is_none());
    }

    #[test]
    fn a_lock_that_is_held_changes_nothing_of_what_the_endpoint_said() {
        let token = Secret::copy_of(b"rt");
        let held = Error::new(ErrorCode::RefreshFailed, "held");
        for refusal in [refusal(true, None), refusal(false, Some(600.0 * SECOND))] {
            let mut pauses = Pauses::default();
            pauses.refused(&refusal, &token, OVER, NOW);
            pauses.waited(&held, OVER, NOW);
            assert!(pauses.answer(&token, false, OVER, later(59.0 * SECOND)).is_some());
            assert_eq!(pauses.answer_without_lock(NOW).expect("held").to_string(), held.to_string());
            pauses.locked();
            let is_dead = refusal.is_dead;
            assert_eq!(pauses.answer_without_lock(NOW).is_none(), is_dead);
            pauses.granted();
            assert!(pauses.answer(&token, false, OVER, NOW).is_none());
        }
    }
}
