//! A program that was found, and what its version and its file tell.

use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;

use super::candidates::FoundBy;

/// A program that the target can run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Program {
    /// Absolute, without symlinks.
    pub path: PathBuf,
    /// Where it was found first.
    pub found_at: PathBuf,
    /// How.
    pub found_by: FoundBy,
    /// A script's interpreter.
    pub interpreter: Option<PathBuf>,
    /// Its version, where a package or a file name tells.
    pub version: Option<String>,
}

impl Program {
    /// Whether it is known to be of this version or a newer one.
    #[must_use]
    pub fn is_at_least(&self, since: [u64; 3]) -> bool {
        is_at_least(self.version.as_deref(), since)
    }

    /// Whether the kernel keeps what runs it from other processes of this uid, which may not read it: `would_dump`
    /// (fs/exec.c), proc(5). A script's interpreter is what runs. An ACL's entries are within the group's bits: acl(5).
    #[must_use]
    pub fn is_hidden_from(&self, uid: u32) -> bool {
        let metadata = self.interpreter.is_none().then(|| std::fs::metadata(&self.path).ok()).flatten();
        uid != 0 && metadata.is_some_and(|file| file.uid() != uid && file.mode() & 0o044 == 0)
    }
}

/// Whether a version is known to be this one or a newer one.
#[must_use]
pub fn is_at_least(version: Option<&str>, since: [u64; 3]) -> bool {
    version.and_then(numbers).is_some_and(|version| version >= since)
}

/// `2.1.330` of `2.1.330-x`.
pub(super) fn numbers(version: &str) -> Option<[u64; 3]> {
    let plain = version.split(['-', '+']).next()?;
    let mut parts = plain.split('.').map(str::parse::<u64>);
    let three = [parts.next()?.ok()?, parts.next()?.ok()?, parts.next()?.ok()?];
    parts.next().is_none().then_some(three)
}
