//! The files that configure a CLI: their places, which of their keys can do harm, and what a start does about them.

use super::credential::CredentialKind;
use super::version::Version;

/// A file that the CLI reads by itself.
#[derive(Debug)]
pub struct ConfigFile {
    /// Names it in a finding: `files.<id>`.
    pub id: &'static str,
    pub base: Base,
    /// Its path below `base`, without a slash in front.
    pub path: &'static str,
    pub format: Format,
    /// Keys that can do harm, from the document's root, joined by dots. What lies below one counts too.
    pub hazards: &'static [Hazard],
    /// A key whose members are environment variables, or "" for the root; those that nobody may add to a child's
    /// environment can do harm.
    pub variables: Option<&'static str>,
    /// Whether a start by this package keeps the CLI from obeying it while the workspace is not trusted.
    pub ignored_when_untrusted: bool,
    /// Whether a start of ours on the server's credential keeps the CLI from obeying it.
    pub ignored_with_server_credential: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Base {
    /// The workspace, which is the tenant's.
    Workspace,
    StateDirectory,
    Home,
    /// The root of the file system: the host's own settings.
    Root,
}

/// How a file is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    Json,
    Toml,
    /// Lines of `NAME=value`.
    Dotenv,
    /// A credential and nothing else.
    Credential,
    /// git's own: sections, and lines of `name = value`.
    Git,
    /// Prose for the agent: nothing in there is obeyed by the CLI itself.
    Prose,
}

impl Format {
    /// The one key of a [`Format::Credential`].
    pub const WHOLE: &'static str = "a credential";
}

/// A key that can do harm.
#[derive(Debug)]
pub struct Hazard {
    pub key: &'static str,
    pub effect: Effect,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Runs commands, outside of the CLI's own sandbox.
    RunsCommands,
    /// Sends requests, and the key with them, elsewhere.
    Redirects,
    /// Is used in the place of the tenant's credential.
    ReplacesCredential,
    Discloses,
    /// Changes what the agent's shell gets.
    ChangesShell,
    LoosensPermissions,
}

impl Effect {
    /// Whether it gets at what the CLI authenticates with.
    #[must_use]
    pub const fn reaches_credential(self) -> bool {
        matches!(self, Self::RunsCommands | Self::Redirects | Self::Discloses)
    }

    /// As the rest of a sentence that begins with the key.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::RunsCommands => "runs commands",
            Self::Redirects => "sends requests elsewhere",
            Self::ReplacesCredential => "is used instead of the tenant's credential",
            Self::Discloses => "discloses the key",
            Self::ChangesShell => "changes the environment of the agent's shell",
            Self::LoosensPermissions => "gives the agent more permissions",
        }
    }
}

pub(super) const fn hazard(key: &'static str, effect: Effect) -> Hazard {
    Hazard { key, effect }
}

/// A variable that keeps the CLI from obeying the variables in its own files.
#[derive(Debug)]
pub struct FileShield {
    /// One of the row's fixed variables.
    pub variable: &'static str,
    /// The first version that is known to keep out all that redirects.
    pub since: Version,
    /// The ids of the files, all JSON, among the row's configuration files.
    pub files: &'static [&'static str],
    /// What those files can set in spite of it, and what can disclose the credential then, or leave it unused.
    pub passes: &'static [&'static str],
}

/// A file that no argument and no variable keeps unread.
#[derive(Debug)]
pub struct RefusedFile {
    /// Its id among the row's configuration files.
    pub file: &'static str,
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
