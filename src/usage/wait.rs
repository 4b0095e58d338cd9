//! Reads how long to wait, as an API writes it for people: `11.054s`, `1h12m3.6s`, `5 minutes`.

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

/// The milliseconds of a time to wait at the beginning of a text; none where there is none that can be read.
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

/// The whole seconds at the beginning of a text.
pub fn seconds(text: &[u8]) -> Option<u64> {
    let digits = text.iter().take_while(|byte| byte.is_ascii_digit()).count();
    std::str::from_utf8(&text[..digits]).ok()?.parse().ok()
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
        assert_eq!(seconds(b"1795657341) x"), Some(1_795_657_341));
        assert_eq!((seconds(b"x"), seconds(b"99999999999999999999999")), (None, None));
    }
}
