//! The clock's time as the format writes it.

use std::time::{SystemTime, UNIX_EPOCH};

use crate::error::{Error, ErrorCode, Result};

/// Milliseconds since the Unix epoch.
///
/// # Errors
/// `UNSUPPORTED` before 1970, where a clock that was never set may stand.
pub(super) fn unix_millis(now: SystemTime) -> Result<u64> {
    let since = now.duration_since(UNIX_EPOCH).ok().and_then(|since| u64::try_from(since.as_millis()).ok());
    since.ok_or_else(|| {
        let message = "The system's clock stands outside the years that a sealed secret can name. Set the clock.";
        Error::new(ErrorCode::Unsupported, message)
    })
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn counts_from_1970_and_refuses_what_was_before() {
        assert_eq!(unix_millis(UNIX_EPOCH + Duration::from_millis(1_234)).ok(), Some(1_234));
        let error = unix_millis(UNIX_EPOCH - Duration::from_millis(1)).expect_err("before 1970");
        assert_eq!(error.code(), ErrorCode::Unsupported);
    }
}
