//! The versions of a CLI, and the range that a row supports.

use std::fmt;

/// A version as semver.org has it, as far as it is compared: one before a release comes before it, and a build's name does
/// not count.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version {
    numbers: [u64; 3],
    is_release: bool,
}

impl Version {
    #[must_use]
    pub const fn new(major: u64, minor: u64, patch: u64) -> Self {
        Self { numbers: [major, minor, patch], is_release: true }
    }

    /// Reads `2.1.330`, `0.170.0-alpha.2`, and what people write in their place: a `v` before it, space or a byte order mark
    /// around it, fewer numbers (those that are missing are 0) or more (which are not compared).
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let text = Self::trimmed(text);
        let (plain, _) = text.split_once('+').unwrap_or((text, ""));
        let (written, before_release) =
            plain.split_once('-').map_or((plain, None), |(numbers, rest)| (numbers, Some(rest)));
        let mut numbers = [0; 3];
        for (index, digits) in written.split('.').enumerate() {
            let number = number(digits)?;
            if let Some(place) = numbers.get_mut(index) {
                *place = number;
            }
        }
        Some(Self { numbers, is_release: before_release.is_none() })
    }

    /// A version's text without what only surrounds it.
    #[must_use]
    pub fn trimmed(text: &str) -> &str {
        let text = text.trim_matches(|char: char| char.is_whitespace() || char == '\u{feff}');
        text.strip_prefix(['v', 'V']).unwrap_or(text)
    }

    /// Whether a version is known to be this one or a newer one.
    #[must_use]
    pub fn is_reached_by(self, version: Option<&str>) -> bool {
        version.and_then(Self::parse).is_some_and(|version| version >= self)
    }
}

/// Digits alone; a number that is too large to be held is larger than all others.
fn number(digits: &str) -> Option<u64> {
    let is_number = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| digits.parse().unwrap_or(u64::MAX))
}

impl fmt::Display for Version {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [major, minor, patch] = self.numbers;
        write!(formatter, "{major}.{minor}.{patch}{}", if self.is_release { "" } else { "-prerelease" })
    }
}

/// The versions of a CLI that its row is about.
#[derive(Debug)]
pub struct Versions {
    /// The first that is started.
    pub oldest: Version,
    /// What an older one does, as the rest of a sentence that begins with it.
    pub older: &'static str,
    /// The last that the row was measured on.
    pub tested: Version,
}

/// Where a version is in a row's range.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It is older than the first version that is started.
    Older,
    Tested,
    /// Behind it: nobody has looked.
    Newer,
    /// There is no version, or none that can be compared. What depends on it is what is safe in every version.
    Unknown,
}

impl Versions {
    #[must_use]
    pub fn standing(&self, version: Option<&str>) -> Standing {
        match version.and_then(Version::parse) {
            None => Standing::Unknown,
            Some(version) if version < self.oldest => Standing::Older,
            Some(version) if version > self.tested => Standing::Newer,
            Some(_) => Standing::Tested,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_compared_by_their_numbers() {
        let ordered = ["0.99.9", "0.121.0-alpha.2", "0.121.0", "0.121.1", "0.1000.0", "2.1.9", "2.1.10+x", "2.1.330"];
        let parsed: Vec<Version> = ordered.iter().map(|text| Version::parse(text).expect(text)).collect();
        assert!(parsed.is_sorted_by(|one, next| one < next), "{parsed:?}");
        for text in ["", " ", "v", "2.", "2.1.x", "-1.0.0", "+1", "latest", "2 .1", "vv2.1.3"] {
            assert_eq!(Version::parse(text), None, "{text}");
        }
        assert_eq!(Version::parse("2.1.330").expect("one").to_string(), "2.1.330");
    }

    #[test]
    fn what_people_write_for_a_version_is_understood() {
        for (written, meant) in [
            ("v0.124.0", "0.124.0"),
            (" 0.124.0", "0.124.0"),
            ("0.124.0\n", "0.124.0"),
            ("\u{feff}0.124.0", "0.124.0"),
            ("0.124", "0.124.0"),
            ("2", "2.0.0"),
            ("2.1.299.1", "2.1.299"),
            ("v0.3.326-beta.2", "0.3.326-alpha"),
        ] {
            assert_eq!(Version::parse(written).expect(written), Version::parse(meant).expect(meant), "{written:?}");
        }
        let huge = Version::parse("2.1.99999999999999999999").expect("a number");
        assert!(huge > Version::new(2, 1, u64::MAX - 1), "{huge}");
    }

    #[test]
    fn a_version_stands_before_in_or_behind_a_range() {
        let versions = Versions { oldest: Version::new(0, 125, 0), older: "", tested: Version::new(0, 169, 0) };
        for (version, expected) in [
            (Some("0.124.9"), Standing::Older),
            (Some("0.125.0-alpha.1"), Standing::Older),
            (Some("0.125.0"), Standing::Tested),
            (Some("0.169.0"), Standing::Tested),
            (Some("0.169.1"), Standing::Newer),
            (Some("0.170.0-alpha.1"), Standing::Newer),
            (Some("nightly"), Standing::Unknown),
            (None, Standing::Unknown),
        ] {
            assert_eq!(versions.standing(version), expected, "{version:?}");
        }
    }
}
