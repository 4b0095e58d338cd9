//! A program that was found, and what its version and its file tell.

use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;

use super::candidates::FoundBy;
use crate::provider::{Provider, Standing};

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
    /// What to say where it is newer than all that this package was tested with.
    #[must_use]
    pub fn untested(&self, provider: &Provider) -> Option<String> {
        let version = self.version.as_deref()?;
        (provider.cli.versions.standing(Some(version)) == Standing::Newer).then(|| {
            let (name, tested) = (provider.name, provider.cli.versions.tested);
            format!("{name} {version} is newer than {tested}, the newest that this package was tested with.")
        })
    }

    /// Whether the kernel keeps what runs it from other processes of this uid, which may not read it: `would_dump`
    /// (fs/exec.c), proc(5). A script's interpreter is what runs. An ACL's entries are within the group's bits: acl(5).
    #[must_use]
    pub fn is_hidden_from(&self, uid: u32) -> bool {
        let metadata = self.interpreter.is_none().then(|| std::fs::metadata(&self.path).ok()).flatten();
        uid != 0 && metadata.is_some_and(|file| file.uid() != uid && file.mode() & 0o044 == 0)
    }
}
