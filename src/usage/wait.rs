//! Parses how long to wait, as an API or a CLI writes it for people: `11.054s`, `1h12m3.6s`, `Nov 29th, 2026 12:36 AM`.

/// Units, the longer of two that begin alike first, and their milliseconds.
const UNITS: &[(&str, f64)] = &[
    ("milliseconds", 1.0),
    ("millisecond", 1.0),
    ("minutes", 60_000.0),
    ("minute", 60_000.0),
    ("min", 60_000.0),
    ("ms", 1.0),
    ("m", 60_000.0),
    ("seconds", 1000.0),
    ("second", 1000.0),
    ("sec", 1000.0),
    ("s", 1000.0),
    ("hours", 3_600_000.0),
    ("hour", 3_600_000.0),
    ("h", 3_600_000.0),
    ("days", 86_400_000.0),
    ("day", 86_400_000.0),
    ("d", 86_400_000.0),
];
/// A year, and no API lets anybody wait for longer.
const MOST: f64 = 366.0 * 86_400_000.0;

/// Reads a time to wait at the beginning of a text, in milliseconds. None where there is none that can be read, or it
/// is longer than a year.
pub fn duration(text: &[u8]) -> Option<u64> {
    let mut rest = text;
    let mut sum: Option<f64> = None;
    while let Some((amount, unit, after)) = part(rest) {
        sum = Some(sum.unwrap_or_default() + amount * unit);
        let gap = after.iter().take_while(|byte| **byte == b' ' || **byte == b',').count();
        rest = &after[gap..];
    }
    sum.filter(|sum| (0.0..=MOST).contains(sum)).map(|sum| sum.ceil() as u64)
}

/// Reads the whole seconds at the beginning of a text.
pub fn seconds(text: &[u8]) -> Option<u64> {
    let digits = text.iter().take_while(|byte| byte.is_ascii_digit()).count();
    std::str::from_utf8(&text[..digits]).ok()?.parse().ok()
}

/// A minute by a wall clock, in the time zone of whoever wrote it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "node", napi_derive::napi(object, object_from_js = false, use_nullable = true))]
pub struct ClockTime {
    /// None if the text names no day: it means the day on which it was written.
    pub date: Option<CalendarDate>,
    pub hour: u32,
    pub minute: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "node", napi_derive::napi(object, object_from_js = false))]
pub struct CalendarDate {
    pub year: u32,
    /// From 1.
    pub month: u32,
    pub day: u32,
}

const MONTHS: &[&str] = &["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// Reads a minute at the beginning of a text: `12:46 AM` or `Nov 29th, 2026 12:36 AM`.
pub fn clock_time(text: &[u8]) -> Option<ClockTime> {
    // All of it is ASCII; what follows need not be.
    let length = text.iter().take_while(|byte| byte.is_ascii()).count();
    let mut words = std::str::from_utf8(&text[..length]).ok()?.split_ascii_whitespace().peekable();
    let date = match words.peek().and_then(|word| MONTHS.iter().position(|month| month == word)) {
        Some(month) => {
            words.next();
            let day = words.next()?.trim_end_matches(|character: char| !character.is_ascii_digit());
            let (day, year) = (day.parse().ok()?, words.next()?.parse().ok()?);
            let exists = (1..=31).contains(&day) && (1970..=9999).contains(&year);
            Some(exists.then_some(CalendarDate { year, month: month as u32 + 1, day })?)
        }
        None => None,
    };
    let (hour, minute) = words.next()?.split_once(':')?;
    let (hour, minute): (u32, u32) = (hour.parse().ok()?, minute.parse().ok()?);
    let half_day = match words.next()?.get(..2)? {
        "AM" => 0,
        "PM" => 12,
        _ => return None,
    };
    let exists = (1..=12).contains(&hour) && minute < 60;
    exists.then_some(ClockTime { date, hour: hour % 12 + half_day, minute })
}

/// A number, the milliseconds of its unit, and what follows.
fn part(text: &[u8]) -> Option<(f64, f64, &[u8])> {
    let length = text.iter().take_while(|byte| byte.is_ascii_digit() || **byte == b'.').count();
    // A full stop after the number ends the sentence.
    let amount: f64 = std::str::from_utf8(&text[..length]).ok()?.parse().ok()?;
    let after = text[length..].trim_ascii_start();
    let (name, unit) = UNITS.iter().find(|(name, _)| after.starts_with(name.as_bytes()))?;
    let after = &after[name.len()..];
    // `5 months` is no five minutes.
    let ends = !after.first().is_some_and(u8::is_ascii_alphabetic);
    ends.then_some((amount, *unit, after))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_as_apis_write_them() {
        for (text, milliseconds) in [
            ("11.054s. Visit x", Some(11_054)),
            ("5m", Some(300_000)),
            ("6ms.", Some(6)),
            ("1h12m3.6s", Some(4_323_600)),
            ("1m26.4s.", Some(86_400)),
            ("20 seconds", Some(20_000)),
            ("3 days 5 hours, 12 minutes.", Some(277_920_000)),
            ("0.5ms", Some(1)),
            ("5 months", None),
            ("a moment", None),
            ("5", None),
            ("5.", None),
            ("", None),
            ("1.2.3s", None),
            ("99999999999999999999d", None),
        ] {
            assert_eq!(duration(text.as_bytes()), milliseconds, "{text}");
        }
        for (text, time) in [
            ("12:46 AM.", Some((None, 0, 46))),
            ("1:05 PM", Some((None, 13, 5))),
            ("12:00 PM or later", Some((None, 12, 0))),
            ("Nov 29th, 2026 12:36 AM.", Some((Some([2026, 11, 29]), 0, 36))),
            ("Jan 1st, 2027 11:59 PM. \u{2019}", Some((Some([2027, 1, 1]), 23, 59))),
            ("13:00 AM", None),
            ("1:60 AM", None),
            ("1:00", None),
            ("1:00 XM", None),
            ("Nov 32nd, 2026 1:00 AM", None),
            ("Nov 2nd", None),
            ("noon", None),
            ("", None),
        ] {
            let date = |date: CalendarDate| [date.year, date.month, date.day];
            let read = clock_time(text.as_bytes()).map(|time| (time.date.map(date), time.hour, time.minute));
            assert_eq!(read, time, "{text}");
        }
        assert_eq!(seconds(b"1795657341) x"), Some(1_795_657_341));
        assert_eq!((seconds(b"x"), seconds(b"99999999999999999999999")), (None, None));
    }
}
