//! What a row of the provider table holds.

use std::path::{Path, PathBuf};

pub use super::added::{ConfigOverride, FirmArgument, OverrideValue, When};
use super::api::Api;
use super::config_file::ConfigFile;
pub use super::credential_kind::CredentialKind;
use super::guard::{FeatureOption, GuardVariable, InlineDefinitions, RefusedOption};
use super::mode::Mode;
use super::oauth::OauthRow;
use super::output::Output;
use super::version::{Version, Versions};
use crate::error::{Error, ErrorCode, Result};

/// One provider: everything this crate knows about its CLI.
#[derive(Debug)]
pub struct Provider {
    /// What payloads and logs call it.
    pub id: &'static str,
    /// What people call it.
    pub name: &'static str,
    /// The versions of its CLI that all of this is about.
    pub versions: Versions,
    /// Its JSON output.
    pub output: &'static Output,
    /// The ways it takes a credential, in the order of precedence within one source.
    pub slots: &'static [CredentialSlot],
    /// Further variables that its CLI reads a credential from, and what to do with them.
    pub credential_names: &'static [CredentialName],
    /// The directory that holds its state, and its own login if it has one.
    pub state_directory: StateDirectory,
    /// Directories that must be usable before it is started.
    pub directory_needs: &'static [DirectoryNeed],
    /// Where it makes a directory of its own in a shared temporary one, and the variable that moves it.
    pub private_temporary: Option<PrivateTemporary>,
    /// Variables that a start has by itself, with these values.
    pub fixed_variables: &'static [FixedVariable],
    /// What keeps the variables in its own files out.
    pub file_shield: Option<FileShield>,
    /// Files beside which a start is refused.
    pub refused_files: &'static [RefusedFile],
    /// The first version that reads a credential's descriptor where it may not open it by its name below /proc. Older ones have
    /// no credential there.
    pub reads_descriptor_since: Option<Version>,
    /// Variables without which its CLI crashes.
    pub required_variables: &'static [&'static str],
    /// How it is told of another endpoint.
    pub base_url: BaseUrl,
    /// How it is told of further roots of trust.
    pub authority: Authority,
    /// Arguments that keep the workspace from configuring it.
    pub firm_arguments: &'static [FirmArgument],
    /// `-c key=value` overrides that do the same, or protect the credential.
    pub overrides: &'static [ConfigOverride],
    /// The options that carry an override, the first of them the one that ours are given with.
    pub override_options: &'static [&'static str],
    /// Options that are short for overrides, and count as such at their command level.
    pub feature_options: &'static [FeatureOption],
    /// Options of the caller's that are refused.
    pub refused_options: &'static [RefusedOption],
    /// Ways of running it in which it takes its credential otherwise, or not at all.
    pub modes: &'static [Mode],
    /// Options whose values can define servers, secrets and all.
    pub inline_definitions: &'static [InlineDefinitions],
    /// Variables that keep the CLI's own child processes from running what files name.
    pub guard_variables: &'static [GuardVariable],
    /// What marks the root of a project: the CLI asks whether that root is trusted, too.
    pub project_markers: &'static [&'static str],
    /// The options that set the CLI's working directory.
    pub directory_options: &'static [&'static str],
    /// Its vendor's SDK, and what the adapter has to know of it.
    pub sdk: Sdk,
    /// The program's name on a `PATH`.
    pub command: &'static str,
    /// npm packages whose executable is a script or a stub that starts the native one.
    pub launcher_packages: &'static [&'static str],
    /// npm packages that hold the native executable.
    pub native_packages: &'static [NativePackage],
    /// The file beside a native executable, by its path from that one's directory, and the key in it, that tell the version.
    pub manifest: Option<(&'static str, &'static str)>,
    /// Its vendor's HTTP API.
    pub api: Api,
    /// Its stored login, and how that is refreshed.
    pub oauth: OauthRow,
    /// Files that the native executable finds by their place beside it: a copy must bring them.
    pub companions: &'static [Companion],
    /// Files that configure the CLI, or instruct the agent.
    pub config_files: &'static [ConfigFile],
    /// How to ask it one question without a terminal, and without its doing anything else meanwhile.
    pub one_question: OneQuestion,
}

/// An SDK that starts the CLI.
#[derive(Debug)]
pub struct Sdk {
    /// Its npm package.
    pub package: &'static str,
    /// The first version that the adapter works with. `package.json` has the same as a peer dependency.
    pub oldest: Version,
    /// What an older one does, as the rest of a sentence that begins with it.
    pub older: &'static str,
    /// The one of its variables that tells its version; none: its package is looked for.
    pub version_variable: Option<&'static str>,
    /// The variables that it sets to steer the CLI and that the adapter lets pass.
    pub variables: &'static [&'static str],
}

/// A start that asks one question and ends.
#[derive(Debug)]
pub struct OneQuestion {
    /// Before the question.
    pub arguments: &'static [&'static str],
    /// Variables that switch off what the CLI does in the background: telemetry, updates, retries.
    pub variables: &'static [(&'static str, &'static str)],
}

/// A file that must stand beside a native executable.
#[derive(Debug)]
pub struct Companion {
    /// Its path from the executable's directory.
    pub path: &'static str,
    /// Whether it is a program that inherits the credential: then it must be as unreadable as the executable.
    pub inherits_credential: bool,
}

/// One way of handing over a credential.
#[derive(Debug)]
pub struct CredentialSlot {
    /// What it is.
    pub kind: CredentialKind,
    /// The payload's field.
    pub field: PayloadField,
    /// The variables that carry it when it is delivered by the environment.
    pub variables: &'static [&'static str],
    /// The variable that names the descriptor it can be read from.
    pub descriptor_variable: Option<&'static str>,
    /// The server's variables that can stand in for it, first found first used. Empty: no server-level fallback.
    pub server_variables: &'static [&'static str],
}

/// A field of the payload that carries a credential.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PayloadField {
    /// `apiKey`
    ApiKey,
    /// `oauthAccessToken`
    OauthAccessToken,
}

impl PayloadField {
    /// The field of this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        [Self::ApiKey, Self::OauthAccessToken].into_iter().find(|field| field.as_str() == name)
    }

    /// What it carries.
    #[must_use]
    pub const fn kind(self) -> CredentialKind {
        match self {
            Self::ApiKey => CredentialKind::ApiKey,
            Self::OauthAccessToken => CredentialKind::OauthToken,
        }
    }

    /// As the payload spells it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ApiKey => "apiKey",
            Self::OauthAccessToken => "oauthAccessToken",
        }
    }
}

/// A further variable that carries a credential.
#[derive(Debug)]
pub struct CredentialName {
    /// Its name.
    pub name: &'static str,
    /// What the child gets instead.
    pub unused: WhenUnused,
}

/// What to do with a credential's variable that this launch does not use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WhenUnused {
    /// Set it to the empty string, so that no `.env` or settings file brings one back. Only where the CLI was seen to
    /// treat empty as unset.
    Blank,
    /// Leave it out.
    Absent,
}

/// The directory that holds a provider's state.
#[derive(Debug)]
pub struct StateDirectory {
    /// The variable that names it.
    pub variable: &'static str,
    /// The workspace option that sets it.
    pub option: &'static str,
    /// Where it is by default, below `HOME`.
    pub below_home: &'static str,
    /// Whether the CLI finds a login in there, so that it can stand as a credential.
    pub is_credential: bool,
    /// Files in there that can send requests elsewhere, whatever the arguments and the environment say.
    pub redirecting_files: &'static [&'static str],
}

/// A directory that must be writable by the target before a start.
#[derive(Debug)]
pub struct DirectoryNeed {
    /// The variable that names it.
    pub variable: &'static str,
    /// Where the CLI goes when the variable is not set: below `HOME` when relative.
    pub otherwise: &'static str,
    /// The directory itself where this is empty; else one below it.
    pub below: &'static str,
    /// Whether the CLI makes it when it is missing.
    pub made: Made,
    /// Whether the CLI runs without it: then it must be usable only where the variable is set, by a caller who wants what is
    /// written there kept.
    pub only_when_named: bool,
}

/// When the CLI makes a directory that is missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Made {
    /// It does not.
    Never,
    /// When the variable is not set.
    WhenDefault,
    /// Always, with what is missing above it.
    Always,
}

/// A directory that the CLI makes in the temporary directory under a name that anybody can foresee: whoever makes it
/// first keeps the CLI from starting.
#[derive(Debug)]
pub struct PrivateTemporary {
    /// Before the target's uid.
    pub prefix: &'static str,
    /// The variable that names another place for it.
    pub variable: &'static str,
}

/// A variable that this package sets.
#[derive(Debug)]
pub struct FixedVariable {
    /// Its name.
    pub name: &'static str,
    /// Its value. A caller may give the same, and no other.
    pub value: &'static str,
    /// Beside what it is set, and what for: the rest of a sentence.
    pub why: &'static str,
    /// Which starts have it.
    pub when: FixedWhen,
}

/// When a [`FixedVariable`] is set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FixedWhen {
    /// A credential is handed over: on a pipe, or in the environment.
    CredentialHandedOver,
    /// The caller gave a base URL.
    BaseUrl,
}

/// A variable that keeps the CLI from obeying the variables in files of its own.
#[derive(Debug)]
pub struct FileShield {
    /// One of [`Provider::fixed_variables`].
    pub variable: &'static str,
    /// The first version that is known to keep out all that redirects.
    pub since: Version,
    /// The ids of the files, all JSON, among [`Provider::config_files`].
    pub files: &'static [&'static str],
    /// What those files can set in spite of it, and what can disclose the credential then, or leave it unused.
    pub passes: &'static [&'static str],
}

/// A file that no argument and no variable keeps unread.
#[derive(Debug)]
pub struct RefusedFile {
    /// Its id among [`Provider::config_files`].
    pub file: &'static str,
    /// Which starts it stops.
    pub when: RefusedWhen,
}

/// When a [`RefusedFile`] stops a start.
#[derive(Clone, Copy, Debug)]
pub enum RefusedWhen {
    /// There is no base URL, and the workspace is untrusted or the credential is the server's.
    UntrustedWithoutBaseUrl,
    /// The credential is of one of these kinds.
    Credential(&'static [CredentialKind]),
}

/// How a provider is told of another endpoint.
#[derive(Debug)]
pub enum BaseUrl {
    /// By this variable.
    Variable(&'static str),
    /// By an override among [`Provider::overrides`].
    Override,
}

/// How a provider is told whom TLS trusts.
#[derive(Debug)]
pub struct Authority {
    /// The variable that names a file of certificates, PEM, which are trusted beside the system's.
    pub variable: &'static str,
    /// Further ones that it obeys. Nobody sets them.
    pub also: &'static [&'static str],
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
    /// The package beside it, and the key in its `package.json`, that tell the CLI's version.
    pub version: (&'static str, &'static str),
}

impl Provider {
    /// Every variable that its CLI reads a credential from.
    pub fn own_credential_names(&self) -> impl Iterator<Item = &'static str> {
        let slots = self.slots.iter().flat_map(|slot| slot.variables.iter().copied().chain(slot.descriptor_variable));
        slots.chain(self.credential_names.iter().map(|row| row.name))
    }

    /// The native packages for the system that this code runs on.
    pub fn native_packages_here(&self) -> impl Iterator<Item = &'static NativePackage> {
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
    /// Refuses a version that is too old, and one that was told and cannot be understood.
    ///
    /// # Errors
    /// `UNSUPPORTED`, with the package in `names`.
    pub fn check(&self, provider: &Provider, version: Option<&str>) -> Result<()> {
        let Some(told) = version else { return Ok(()) };
        let (package, oldest) = (self.package, self.oldest);
        let refused = |what: &str| {
            let message =
                format!("{package} {what}; versions before {oldest} {}. Install {oldest} or newer.", self.older);
            Err(Error::new(ErrorCode::Unsupported, message).provider(provider.id).name(package))
        };
        match Version::parse(told) {
            Some(version) if version >= self.oldest => Ok(()),
            // As it was told: a prerelease has a name.
            Some(_) => refused(&format!("is {}", Version::trimmed(told))),
            None => refused("tells a version that cannot be understood"),
        }
    }
}
