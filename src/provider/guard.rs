//! What a start adds against files that would run code with the credential, and which options of a caller's would undo a
//! protection or show a secret.

use super::added::When;

/// A variable that keeps the CLI's own child processes from running what a file names. The agent's shell does not get it.
#[derive(Debug)]
pub struct GuardVariable {
    /// Its name. Callers cannot set it: it is a forbidden one.
    pub name: &'static str,
    /// Its value.
    pub value: &'static str,
    /// When it is added.
    pub when: When,
}

/// An option that is short for an override: `--enable x` for `-c features.x=true`.
#[derive(Debug)]
pub struct FeatureOption {
    /// The option.
    pub name: &'static str,
    /// What stands before the option's value in the override's key.
    pub prefix: &'static str,
    /// The override's value.
    pub value: &'static str,
}

/// An option of the caller's that is refused, because it undoes a protection that no argument of ours restores.
#[derive(Debug)]
pub struct RefusedOption {
    /// The option.
    pub name: &'static str,
    /// When it is refused.
    pub when: When,
    /// What it does, as the rest of a sentence that begins with it.
    pub does: &'static str,
    /// What to do.
    pub instead: &'static str,
}

/// Options whose value can hold the definitions of MCP servers or model providers, secrets and all, where every user of the
/// machine reads them.
#[derive(Debug)]
pub struct InlineDefinitions {
    /// The options.
    pub options: &'static [&'static str],
    /// How the value is written.
    pub syntax: InlineSyntax,
    /// The member that holds the definitions, each under its name.
    pub holder: &'static str,
    /// Members of a definition that map names to values, each of which may be a secret.
    pub tables: &'static [&'static str],
    /// Members of a definition that are a secret.
    pub secrets: &'static [&'static str],
    /// What to do.
    pub instead: &'static str,
}

/// How an option's value is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InlineSyntax {
    /// JSON, or the path of a file; further values may follow.
    Json,
    /// `key=value` in TOML.
    Override,
}
