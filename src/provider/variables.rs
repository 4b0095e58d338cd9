//! The variables of a row: those that a start sets, those that decide where the CLI sends requests and whom it trusts,
//! and those that nobody may add.

use super::arguments::When;

/// A variable that this package sets.
#[derive(Debug)]
pub struct FixedVariable {
    pub name: &'static str,
    /// Its value. A caller may give the same, and no other.
    pub value: &'static str,
    /// Beside what it is set, and what for: the rest of a sentence.
    pub why: &'static str,
    pub when: FixedWhen,
}

/// When a [`FixedVariable`] is set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FixedWhen {
    /// A credential is passed: on a pipe, or in the environment.
    CredentialHandedOver,
    /// The caller gave a base URL.
    BaseUrl,
}

/// A variable that keeps files from configuring the CLI, or its own child processes from running what files name. Where the
/// row can hide variables from the agent's shell, the shell does not get it.
#[derive(Debug)]
pub struct GuardVariable {
    /// The variable. Callers cannot set it: it is a forbidden one.
    pub name: &'static str,
    pub value: &'static str,
    pub when: When,
}

/// How a provider learns whom TLS trusts.
#[derive(Debug)]
pub struct Authority {
    /// The variable that names a file of certificates, PEM, which are trusted beside the system's.
    pub variable: &'static str,
    /// Further ones that it obeys. Nobody sets them.
    pub also: &'static [&'static str],
}

/// Why nobody may add a variable to a child's environment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "node", napi_derive::napi(string_enum = "lowercase"))]
pub enum Reason {
    Credential,
    /// It loads code into the CLI or the shells it starts.
    Code,
    /// It sends traffic elsewhere, or changes whom TLS trusts.
    Redirect,
    /// It makes the CLI log or export what it should not.
    Disclosure,
    /// It switches the CLI to another service or mode.
    Mode,
}

impl Reason {
    /// Every reason. If a name has several, the first one is reported.
    pub const ALL: [Self; 5] = [Self::Code, Self::Redirect, Self::Disclosure, Self::Credential, Self::Mode];

    /// As the end of a sentence.
    #[must_use]
    pub const fn describe(self) -> &'static str {
        match self {
            Self::Credential => "can carry a credential",
            Self::Code => "can load code",
            Self::Redirect => "can redirect or expose traffic",
            Self::Disclosure => "can make the CLI disclose a key",
            Self::Mode => "switches the CLI to another service or mode",
        }
    }
}

/// Names of variables by the reason that forbids them. A `*` matches any text.
#[derive(Debug)]
pub struct VariablePatterns {
    pub code: &'static [&'static str],
    pub redirect: &'static [&'static str],
    pub disclosure: &'static [&'static str],
    pub credential: &'static [&'static str],
    pub mode: &'static [&'static str],
}

impl VariablePatterns {
    /// Those that are forbidden for this reason.
    #[must_use]
    pub const fn of(&self, reason: Reason) -> &'static [&'static str] {
        match reason {
            Reason::Code => self.code,
            Reason::Redirect => self.redirect,
            Reason::Disclosure => self.disclosure,
            Reason::Credential => self.credential,
            Reason::Mode => self.mode,
        }
    }
}
