//! The rules for a CLI's arguments: what a start adds, what it refuses, and which modes do not use a credential.

use super::command_line::Grammar;
use super::credential::CredentialKind;

/// How a CLI's command line is read, and what a start adds to it or refuses in it.
#[derive(Debug)]
pub struct Arguments {
    pub grammar: Grammar,
    /// Arguments that keep files of the tenant's from configuring the CLI.
    pub enforced: &'static [EnforcedArgument],
    /// Configuration overrides that do the same, or protect the credential.
    pub overrides: &'static [(When, ConfigOverride)],
    /// The options that carry an override, `key=value`, the first of them the one that ours are given with. A row with
    /// overrides has one.
    pub override_options: &'static [&'static str],
    /// Options that are short for overrides, and count as such at their command level.
    pub feature_options: &'static [FeatureOption],
    /// Options of the caller's that are refused.
    pub refused_options: &'static [RefusedOption],
    /// Ways of running the CLI in which it takes its credential otherwise, or not at all.
    pub modes: &'static [Mode],
    /// Options whose values can define servers, secrets and all.
    pub inline_definitions: &'static [InlineDefinitions],
    /// The options that set the CLI's working directory.
    pub directory_options: &'static [&'static str],
    /// What marks the root of a project: the CLI asks whether that root is trusted, too.
    pub project_markers: &'static [&'static str],
}

/// When something is added or refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    /// The workspace is not trusted.
    Untrusted,
    /// It is. What a caller says of the same then counts.
    Trusted,
    /// The credential is in the environment, or a token that stands in for it.
    CredentialInEnvironment,
    /// The caller gave a base URL, or the credential is the server's, or the broker's address is the base URL.
    BaseUrl,
    /// The credential is the server's, and it is passed: the tenant's own settings must not send it elsewhere.
    ServerCredential,
    /// The broker's address is the base URL.
    Broker,
}

/// An argument that every start of its kind has.
#[derive(Debug)]
pub struct EnforcedArgument {
    pub text: &'static str,
    /// The option's name. The caller's own wins, as the CLI obeys the last.
    pub name: &'static str,
    /// The option of the vendor's SDK that it is made of.
    pub sdk_option: Option<&'static str>,
    /// Values of the caller's, separated by commas, that contradict it and are refused.
    pub contrary: &'static [&'static str],
    pub when: When,
    /// The subcommands that take it, where the CLI itself does not: one of them must be the first of the caller's
    /// arguments, and it follows that one. The CLI takes it once. Where there are none, it is before all others.
    pub subcommands: &'static [&'static str],
}

#[derive(Debug)]
pub struct ConfigOverride {
    /// The dotted key. An override of the same key, or of a table above or below it, by the caller is refused: the
    /// CLI obeys the last, so one of the two would be lost without a word.
    pub key: &'static str,
    /// Writes its value in the CLI's own syntax; none where there is nothing to say.
    pub value: fn(&OverrideFacts<'_>) -> Option<String>,
    /// What a caller gives who wants another value, as the rest of a sentence that begins with "Leave it out"; it may be
    /// empty.
    pub instead: &'static str,
}

/// What the values of overrides are made of. None of it is a secret.
#[derive(Debug)]
pub struct OverrideFacts<'a> {
    /// The endpoint: the broker's address, else the caller's, else the vendor's own.
    pub base_url: &'a str,
    pub vendor: &'static str,
    /// The variables that hold the credential; none if it is not in the environment.
    pub credential_variables: &'static [&'static str],
    /// The variables that the agent's shell must not get: the credential's, and the guards'.
    pub hidden_variables: &'a [&'static str],
    /// The workspace's directories, by every name that they go by.
    pub directories: &'a [String],
}

/// An option that is short for an override: `--enable x` for `-c features.x=true`.
#[derive(Debug)]
pub struct FeatureOption {
    pub name: &'static str,
    /// What is before the option's value in the override's key.
    pub prefix: &'static str,
    pub value: &'static str,
}

/// An option of the caller's that is refused, because it undoes a protection that no argument of ours restores.
#[derive(Debug)]
pub struct RefusedOption {
    pub name: &'static str,
    pub when: When,
    /// Its effect, as the rest of a sentence that begins with the key.
    pub does: &'static str,
    /// What to do, as a sentence.
    pub instead: &'static str,
}

/// Options whose value can hold the definitions of MCP servers or model providers, secrets and all, where every user of the
/// machine reads them.
#[derive(Debug)]
pub struct InlineDefinitions {
    pub options: &'static [&'static str],
    /// How the value is written.
    pub syntax: InlineSyntax,
    /// The member that holds the definitions, each under its name.
    pub holder: &'static str,
    /// Members of a definition that map names to values, each of which may be a secret.
    pub tables: &'static [&'static str],
    /// Members of a definition that are a secret.
    pub secrets: &'static [&'static str],
    /// What to do, as a sentence.
    pub instead: &'static str,
}

/// How an option's value is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InlineSyntax {
    /// JSON, or the path of a file; further values may follow.
    Json,
    /// `key=value` in TOML. What is no TOML is a string to the CLI.
    Toml,
}

/// A way of running a CLI in which it takes its credential otherwise than it does elsewhere, or not at all. A start that asks
/// for it and passes a credential that it does not use is refused.
#[derive(Debug)]
pub struct Mode {
    /// What in a start selects it.
    pub sign: ModeSign,
    /// What the CLI does then, as the rest of a sentence that begins with the sign.
    pub does: &'static str,
    /// The credentials that it uses all the same.
    pub uses: &'static [UsableCredential],
    /// The overrides with which it uses one that is passed. They take the place of others of the same key.
    pub overrides: &'static [ConfigOverride],
    /// What to do, as a sentence.
    pub instead: &'static str,
}

/// What selects a [`Mode`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ModeSign {
    /// This subcommand, followed by this word of it, if any.
    Subcommand(&'static str, Option<&'static str>),
    /// This argument before a `--`, whatever is before it: the CLI was seen to obey it as another option's value.
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
pub enum UsableCredential {
    /// One of this kind, in the environment.
    InEnvironment(CredentialKind),
    /// One of this kind, on a pipe.
    OnPipe(CredentialKind),
    /// One of this kind, which the broker adds to the requests of the process that was started, and of no other.
    ByBroker(CredentialKind),
    /// The login that the CLI finds in its state directory by itself.
    OwnLogin,
}
