//! Ways of running a CLI in which it takes its credential otherwise than it does elsewhere, or not at all.

use super::added::OverrideValue;
use super::credential_kind::CredentialKind;

/// One of them. A start that asks for it and hands over a credential that it does not use is refused.
#[derive(Debug)]
pub struct Mode {
    /// What in a start asks for it.
    pub sign: ModeSign,
    /// What the CLI does then, as the rest of a sentence that begins with the sign.
    pub does: &'static str,
    /// The credentials that it uses all the same.
    pub uses: &'static [Usable],
    /// The overrides, by their dotted keys, with which it uses one that is handed over. They take the place of others of the
    /// same key.
    pub overrides: &'static [(&'static str, OverrideValue)],
    /// What to do.
    pub instead: &'static str,
}

/// What asks for a [`Mode`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ModeSign {
    /// This subcommand, and after it this word of its own, if any.
    Subcommand(&'static str, Option<&'static str>),
    /// This argument before a `--`, whatever stands before it: the CLI was seen to obey it as another option's value.
    Flag(&'static str),
    /// An override that sets this key to one of these strings.
    Override(&'static str, &'static [&'static str]),
    /// Overrides that choose a definition, and define it so that it does not use the credential.
    Definition(&'static ChosenDefinition),
    /// The value of this option, in JSON, that has a variable of this name among its `env`, and not as one that is off.
    Setting(&'static str, &'static str),
    /// A terminal as stdin, and none of these subcommands or flags.
    Terminal(&'static [&'static str]),
}

/// A definition that overrides choose by its name. It uses the credential where it names one of its variables, or says so.
#[derive(Debug, PartialEq, Eq)]
pub struct ChosenDefinition {
    /// The key whose value is the name.
    pub chosen_by: &'static str,
    /// The table of definitions by their names.
    pub holder: &'static str,
    /// The member of a definition that, where it is `true`, uses the credential.
    pub uses_own: &'static str,
}

/// A credential, by what it is and how the CLI gets it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Usable {
    /// One of this kind, in the environment.
    InEnvironment(CredentialKind),
    /// One of this kind, on a pipe.
    OnPipe(CredentialKind),
    /// The login that the CLI finds in its state directory by itself.
    OwnLogin,
}
