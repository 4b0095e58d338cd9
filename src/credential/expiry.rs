//! When a credential expires, measured with two clocks, because the wall clock can jump.

use std::time::{SystemTime, UNIX_EPOCH};

use rustix::time::{ClockId, clock_gettime};

use crate::error::{Error, ErrorCode, Result};

/// The clock that nobody sets, and that goes on while the machine sleeps.
#[cfg(target_os = "linux")]
const BOOT: ClockId = ClockId::Boottime;
#[cfg(not(target_os = "linux"))]
const BOOT: ClockId = ClockId::Monotonic;

/// How far the clocks may drift apart before the wall clock is taken to have jumped, in milliseconds.
const TOLERANCE: f64 = 1000.0;

/// One moment, measured with two clocks.
#[derive(Clone, Copy, Debug)]
pub struct Clocks {
    /// Milliseconds since 1970, by the clock that everybody can set.
    pub wall: f64,
    /// Milliseconds since this machine was started, by the clock that nobody sets.
    pub boot: f64,
}

impl Clocks {
    #[must_use]
    pub fn now() -> Self {
        let boot = clock_gettime(BOOT);
        Self { wall: now(), boot: boot.tv_sec as f64 * 1000.0 + boot.tv_nsec as f64 / 1e6 }
    }
}

/// The time, in milliseconds since 1970.
fn now() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0.0, |since| since.as_secs_f64() * 1000.0)
}

/// When a credential expires, as both clocks count it.
///
/// The wall clock alone would be believed for good after it had stood wrong once: while a token is read or obtained, or
/// later. So the time that was left is counted by the other clock as well, and the earlier of the two counts.
#[derive(Clone, Copy, Debug)]
pub struct Expiry {
    told: f64,
    boot: f64,
}

impl Expiry {
    /// At a stated time, in milliseconds since 1970.
    #[must_use]
    pub fn at(told: f64, now: Clocks) -> Self {
        Self { told, boot: now.boot + (told - now.wall) }
    }

    /// The time that a file says, in milliseconds since 1970.
    #[must_use]
    pub const fn told(self) -> f64 {
        self.told
    }

    /// How long it is good for, in milliseconds; negative: it was.
    #[must_use]
    pub fn left(self, now: Clocks) -> f64 {
        (self.told - now.wall).min(self.boot - now.boot)
    }

    /// In milliseconds since 1970, by the wall clock as it is now.
    #[must_use]
    pub fn milliseconds(self, now: Clocks) -> f64 {
        if self.is_too_late(now, TOLERANCE) { (now.wall + self.boot - now.boot).round() } else { self.told }
    }

    /// Whether the stated time is later than the other clock says, by more than so many milliseconds.
    #[must_use]
    pub fn is_too_late(self, now: Clocks, tolerance: f64) -> bool {
        (self.told - now.wall) - (self.boot - now.boot) > tolerance
    }

    #[must_use]
    pub fn is_over(self, now: Clocks) -> bool {
        self.left(now) <= 0.0
    }
}

/// Refuses a credential that has expired; one without an expiry is good.
///
/// # Errors
/// `CREDENTIAL_EXPIRED`.
pub fn check_expiry(expires_at: Option<Expiry>) -> Result<()> {
    if expires_at.is_none_or(|at| !at.is_over(Clocks::now())) {
        return Ok(());
    }
    let message = "The stored access token has expired. Await credentialStore.fresh() before each call of \
        buildProviderEnv().";
    Err(Error::new(ErrorCode::CredentialExpired, message).name("credentialStore"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: f64 = 3_600_000.0;

    #[test]
    fn a_wall_clock_that_jumped_is_not_believed_for_good() {
        let start = Clocks { wall: 1e12, boot: 5e6 };
        let later = |wall: f64, boot: f64| Clocks { wall: start.wall + wall, boot: start.boot + boot };
        let expiry = Expiry::at(start.wall + HOUR, start);
        assert_eq!((expiry.left(start), expiry.milliseconds(start)), (HOUR, start.wall + HOUR));
        // Back by two hours, with a minute gone by.
        let back = later(-2.0 * HOUR + 60_000.0, 60_000.0);
        assert_eq!(expiry.left(back), HOUR - 60_000.0);
        assert_eq!(expiry.milliseconds(back), back.wall + HOUR - 60_000.0);
        assert!(expiry.is_too_late(back, 60_000.0));
        // Ahead: the wall clock may be right, so the token counts as expired.
        assert!(expiry.is_over(later(2.0 * HOUR, 0.0)) && !expiry.is_over(later(0.0, 0.0)));
        // Obtained while it stood two hours ahead, and set right since.
        let wrong = later(2.0 * HOUR, 0.0);
        let obtained = Expiry::at(wrong.wall + HOUR, wrong);
        assert_eq!(obtained.left(start), HOUR);
        assert!(obtained.is_over(later(HOUR, HOUR)));
        // What a time server corrects, a little at a time, is no jump.
        let slewed = later(999.0, 0.0);
        assert_eq!(Expiry::at(slewed.wall + HOUR, slewed).milliseconds(start), slewed.wall + HOUR);
    }

    #[test]
    fn the_other_clock_goes_on() {
        let one = Clocks::now();
        std::thread::sleep(std::time::Duration::from_millis(2));
        let two = Clocks::now();
        assert!(two.boot - one.boot >= 2.0, "{one:?} {two:?}");
    }
}
