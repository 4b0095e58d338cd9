//! The directories in which a CLI keeps its state, and those that it needs to start.

/// The directory that holds a provider's state.
#[derive(Debug)]
pub struct StateDirectory {
    /// The variable that names it.
    pub variable: &'static str,
    /// The workspace option that sets it.
    pub option: &'static str,
    /// Where it is by default, below `HOME`.
    pub below_home: &'static str,
    /// Whether the CLI finds a login in there, so that it counts as a credential.
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
    /// What is in the name before the target's uid.
    pub prefix: &'static str,
    /// The variable that names another place for it.
    pub variable: &'static str,
}
