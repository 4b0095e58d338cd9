//! Where a CLI's program is found, how it is versioned, and which SDK starts it.

use std::path::{Path, PathBuf};

use super::version::{Version, Versions};
use crate::error::{Error, ErrorCode, Result};

/// A CLI's program, its packages and its versions.
#[derive(Debug)]
pub struct Cli {
    /// The versions that the whole row is about.
    pub versions: Versions,
    /// The program's name on a `PATH`.
    pub command: &'static str,
    /// npm packages whose executable is a script or a stub that starts the native one. The doctor's remedies install the first.
    pub launcher_packages: &'static [&'static str],
    /// npm packages that hold the native executable.
    pub native_packages: &'static [NativePackage],
    /// The file beside a native executable that states the version, by its path relative to the executable's directory,
    /// and the key in it.
    pub manifest: Option<(&'static str, &'static str)>,
    /// Files that the native executable finds by their place beside it: a copy must bring them.
    pub companions: &'static [Companion],
    /// Its vendor's SDK, and what the adapter has to know of it.
    pub sdk: Sdk,
    /// How to ask it one question without a terminal, and without its doing anything else meanwhile.
    pub one_question: OneQuestion,
}

/// An npm package that holds a native executable for one platform.
#[derive(Debug)]
pub struct NativePackage {
    /// Its name below `node_modules`.
    pub name: &'static str,
    /// `std::env::consts::OS`.
    pub os: &'static str,
    /// `std::env::consts::ARCH`.
    pub arch: &'static str,
    /// The C library it needs: `gnu`, `musl`, or "" for any.
    pub libc: &'static str,
    /// The executable, below the package: where newer versions have it first.
    pub files: &'static [&'static str],
    /// The package beside it that states the CLI's version, and the key in its `package.json`.
    pub version: (&'static str, &'static str),
}

/// A file that must be beside a native executable.
#[derive(Clone, Copy, Debug)]
#[cfg_attr(feature = "node", napi_derive::napi(object, object_from_js = false))]
pub struct Companion {
    /// Its path from the executable's directory.
    pub path: &'static str,
    /// Whether it is a program that inherits the credential: then it must be as unreadable as the executable.
    pub inherits_credential: bool,
}

/// An SDK that starts the CLI.
#[derive(Debug)]
pub struct Sdk {
    pub package: &'static str,
    /// The first version that the adapter works with. `package.json` has the same as a peer dependency.
    pub oldest: Version,
    /// What an older one does, as the rest of a sentence that begins with it.
    pub older: &'static str,
    /// The variable that states its version. None: its package is searched.
    pub version_variable: Option<&'static str>,
    /// The variables that it sets to steer the CLI and that the adapter lets pass.
    pub variables: &'static [&'static str],
}

/// A start that asks one question and ends.
#[derive(Debug)]
pub struct OneQuestion {
    /// The arguments before the question.
    pub arguments: &'static [&'static str],
    /// Variables that switch off what the CLI does in the background: telemetry, updates, retries.
    pub variables: &'static [(&'static str, &'static str)],
}

impl Cli {
    /// The native packages for the system that this code runs on.
    pub fn native_packages_here(&self) -> impl Iterator<Item = &'static NativePackage> + use<> {
        let libc = if cfg!(target_env = "musl") { "musl" } else { "gnu" };
        self.native_packages.iter().filter(move |package| {
            package.os == std::env::consts::OS
                && package.arch == std::env::consts::ARCH
                && (package.libc.is_empty() || package.libc == libc)
        })
    }
}

impl NativePackage {
    /// Where its executable can be, below a `node_modules`.
    pub fn executables(&self, modules: &Path) -> impl Iterator<Item = PathBuf> + use<> {
        let package = modules.join(self.name);
        self.files.iter().map(move |file| package.join(file))
    }
}

impl Sdk {
    /// Refuses a version that is too old for the adapter of the provider with this id, and one that was stated and cannot be
    /// understood.
    ///
    /// # Errors
    /// `UNSUPPORTED`, with the package in `names`.
    pub fn check(&self, provider: &'static str, version: Option<&str>) -> Result<()> {
        let Some(told) = version else { return Ok(()) };
        let (package, oldest) = (self.package, self.oldest);
        let refused = |what: &str| {
            let message =
                format!("{package} {what}; versions before {oldest} {}. Install {oldest} or newer.", self.older);
            Err(Error::new(ErrorCode::Unsupported, message).provider(provider).name(package))
        };
        match Version::parse(told) {
            Some(version) if version >= self.oldest => Ok(()),
            // As it was stated: a prerelease has a name.
            Some(_) => refused(&format!("is {}", Version::trimmed(told))),
            None => refused("states a version that is not valid"),
        }
    }
}
