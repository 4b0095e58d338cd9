//! Versions of a CLI, and the range of them that a row is about.

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

    /// Reads `2.1.330`, `0.170.0-alpha.2`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (plain, _) = text.split_once('+').unwrap_or((text, ""));
        let (numbers, before_release) =
            plain.split_once('-').map_or((plain, None), |(numbers, rest)| (numbers, Some(rest)));
        let mut parts = numbers.split('.').map(str::parse::<u64>);
        let numbers = [parts.next()?.ok()?, parts.next()?.ok()?, parts.next()?.ok()?];
        parts.next().is_none().then_some(Self { numbers, is_release: before_release.is_none() })
    }

    /// Whether a version is known to be this one or a newer one.
    #[must_use]
    pub fn is_reached_by(self, version: Option<&str>) -> bool {
        version.and_then(Self::parse).is_some_and(|version| version >= self)
    }
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

/// Where a version stands in a row's range.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Before it: not started.
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
        for text in ["", "2.1", "2.1.x", "2.1.3.4", "-1.0.0", "v2.1.3", "latest", "2.1.99999999999999999999"] {
            assert_eq!(Version::parse(text), None, "{text}");
        }
        assert_eq!(Version::parse("2.1.330").expect("one").to_string(), "2.1.330");
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
