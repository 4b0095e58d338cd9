//! A program that was found, and its version.

use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;

use super::super::access::Check;
use super::candidates::FoundBy;
use super::told_version::Doubt;
use crate::provider::{Provider, Standing, Versions};

/// A program that the target can run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Program {
    /// The path that is executed: absolute, without symlinks.
    pub path: PathBuf,
    /// The path by which it was found, which may be a link or a launcher.
    pub found_at: PathBuf,
    pub found_by: FoundBy,
    /// What runs it, where it is a script.
    pub interpreter: Option<PathBuf>,
    /// Its version, if a package or a file name states it.
    pub version: Option<String>,
    /// If it is unknown, the file that should state it, if there is one.
    pub doubt: Option<Doubt>,
}

/// A program with what it was proved by.
#[derive(Debug)]
pub struct Proved {
    pub program: Program,
    /// What the target must be able to use.
    pub checks: Vec<Check>,
    /// The files that were read for its version, including those that do not exist.
    pub manifests: Vec<PathBuf>,
}

impl Program {
    /// The warning for a version that is newer than all tested ones, or unknown.
    #[must_use]
    pub fn untested(&self, provider: &Provider) -> Option<String> {
        let name = provider.name;
        let Versions { oldest, tested, .. } = &provider.cli.versions;
        let Some(version) = self.version.as_deref() else {
            let why = match self.doubt {
                Some(_) => "users other than root and this process can change the file that states it",
                None => "neither a package nor a file beside it nor its name states it",
            };
            return Some(format!(
                "The version of {name} is unknown: {why}. Versions before {oldest} are not supported."
            ));
        };
        (provider.cli.versions.standing(Some(version)) == Standing::Newer)
            .then(|| format!("{name} {version} is newer than {tested}, the newest that this package was tested with."))
    }

    /// Why its version is unknown, and what would make it known: two sentences.
    #[must_use]
    pub fn unknown(&self, provider: &Provider) -> String {
        let (name, path) = (provider.name, self.path.display());
        match &self.doubt {
            Some(Doubt::NotTrusted(file) | Doubt::NotUnderstood(file)) => format!(
                "Users other than root and this process can change {}, which states the version. Install {name} below \
                directories that nobody else can write.",
                file.display()
            ),
            None => format!(
                "Neither a package nor a file beside {path} nor its name states the version. Start {name} from its npm \
                package, or under the name that its own installer uses (versions/VERSION)."
            ),
        }
    }

    /// Whether a later candidate of a known version is taken in its place. A script in its place is somebody's choice.
    pub(super) const fn gives_way(&self) -> bool {
        self.version.is_none() && self.interpreter.is_none()
    }

    /// Whether the kernel keeps what runs it from other processes of this uid, which may not read it: `would_dump`
    /// (fs/exec.c), proc(5). A script's interpreter is what runs. An ACL's entries are within the group's bits: acl(5).
    #[must_use]
    pub fn is_hidden_from(&self, uid: u32) -> bool {
        let metadata = self.interpreter.is_none().then(|| std::fs::metadata(&self.path).ok()).flatten();
        uid != 0 && metadata.is_some_and(|file| file.uid() != uid && file.mode() & 0o044 == 0)
    }
}
