//! How long an endpoint is left alone that gave no tokens: a call must not cost the whole timeout, or a request about a dead
//! login, each time.

use crate::credential::Clocks;
use crate::error::Error;
use crate::secret::{Fingerprint, Secret};

const SECOND: f64 = 1000.0;

/// The first pause after a failure that may pass, and the longest.
const PASSING: (f64, f64) = (2.0 * SECOND, 300.0 * SECOND);

/// The same where the vendor has said that the login is dead. Its word is asked for again, as vendors have been wrong.
const DEAD: (f64, f64) = (60.0 * SECOND, 3600.0 * SECOND);

/// Why there are no tokens.
#[derive(Debug)]
pub struct Refusal {
    /// What is told.
    pub error: Error,
    /// Only a person can help.
    pub is_dead: bool,
    /// How long the endpoint asked to be left alone, in milliseconds.
    pub retry_after: Option<f64>,
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        Self { error, is_dead: false, retry_after: None }
    }
}

/// A failure, and how long it is taken for an answer.
#[derive(Debug)]
pub struct Pause {
    why: Error,
    /// By the clock that nobody sets, in milliseconds.
    until: f64,
    length: f64,
    /// The refresh token that was refused, where it is dead.
    dead: Option<Fingerprint>,
}

impl Pause {
    /// After a refusal. It is no longer than half of what the token has `left`, in milliseconds, so that there is a try
    /// before it expires.
    pub fn after(
        refusal: &Refusal,
        before: Option<&Self>,
        asked_with: Option<&Secret>,
        left: f64,
        now: Clocks,
    ) -> Self {
        let dead = asked_with.filter(|_| refusal.is_dead).and_then(|token| token.fingerprint().ok());
        let (first, longest) = if dead.is_some() { DEAD } else { PASSING };
        let before = before.filter(|before| before.dead == dead);
        let mut length = before.map_or(first, |before| (2.0 * before.length).min(longest));
        if dead.is_none() {
            length = length.max(refusal.retry_after.unwrap_or_default().min(longest)).min((left / 2.0).max(SECOND));
        }
        Self { why: refusal.error.clone(), until: now.boot + length, length, dead }
    }

    /// What is told instead of asking with this refresh token: of a dead one whatever the call. Any other failure is an
    /// answer only while the old token is good, and to a call that does not insist.
    pub fn answer(&self, token: Option<&Secret>, may_wait: bool, now: Clocks) -> Option<Error> {
        let holds = match self.dead {
            Some(dead) => token.and_then(|token| token.fingerprint().ok()) == Some(dead),
            None => may_wait,
        };
        (holds && now.boot < self.until).then(|| self.why.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorCode;

    const NOW: Clocks = Clocks { wall: 1e12, boot: 1e6 };

    fn refusal(is_dead: bool, retry_after: Option<f64>) -> Refusal {
        Refusal { error: Error::new(ErrorCode::RefreshFailed, "no"), is_dead, retry_after }
    }

    fn later(milliseconds: f64) -> Clocks {
        Clocks { wall: 0.0, boot: NOW.boot + milliseconds }
    }

    #[test]
    fn pauses_grow_and_leave_time_before_the_expiry() {
        let token = Secret::copy_of(b"rt");
        for (is_dead, left, expected) in [
            (false, 1e9, &[2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0, 300.0, 300.0][..]),
            (false, 20_000.0, &[2.0, 4.0, 8.0, 10.0, 10.0]),
            (false, -5.0, &[1.0, 1.0]),
            (true, -5.0, &[60.0, 120.0, 240.0, 480.0, 960.0, 1920.0, 3600.0, 3600.0]),
        ] {
            let mut pause: Option<Pause> = None;
            for seconds in expected {
                let new = Pause::after(&refusal(is_dead, None), pause.as_ref(), Some(&token), left, NOW);
                assert!(new.answer(Some(&token), true, later(seconds * SECOND - 1.0)).is_some());
                assert!(
                    new.answer(Some(&token), true, later(seconds * SECOND)).is_none(),
                    "{is_dead} {left} {seconds}"
                );
                pause = Some(new);
            }
        }
        let asked = Pause::after(&refusal(false, Some(90_000.0)), None, Some(&token), 1e9, NOW);
        assert!(
            asked.answer(None, true, later(89_000.0)).is_some() && asked.answer(None, true, later(90_000.0)).is_none()
        );
    }

    #[test]
    fn who_insists_asks_but_about_a_dead_token_nobody_does() {
        let (token, other) = (Secret::copy_of(b"rt"), Secret::copy_of(b"another"));
        let passing = Pause::after(&refusal(false, None), None, Some(&token), 1e9, NOW);
        assert!(
            passing.answer(Some(&token), false, NOW).is_none() && passing.answer(Some(&other), true, NOW).is_some()
        );
        let dead = Pause::after(&refusal(true, None), Some(&passing), Some(&token), 1e9, NOW);
        assert!(dead.answer(Some(&token), false, NOW).is_some() && dead.answer(Some(&other), true, NOW).is_none());
    }
}
