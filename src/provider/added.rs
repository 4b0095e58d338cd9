//! What a start adds to a CLI's arguments, and when.

/// When an argument is added.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    /// The workspace is not trusted.
    Untrusted,
    /// It is. What a caller says of the same then counts.
    Trusted,
    /// The credential is in the environment.
    CredentialInEnvironment,
    /// The caller gave a base URL, or the credential is the server's.
    BaseUrl,
    /// The credential is the server's: the tenant's own settings must not send it elsewhere.
    ServerCredential,
}

/// An argument that stands first.
#[derive(Debug)]
pub struct FirmArgument {
    /// The whole argument.
    pub text: &'static str,
    /// The option's name. The caller's own wins, as the CLI obeys the last.
    pub name: &'static str,
    /// The option of the vendor's SDK that it is made of.
    pub sdk_option: Option<&'static str>,
    /// Values of the caller's, separated by commas, that contradict it and are refused.
    pub contrary: &'static [&'static str],
    /// When it is added.
    pub when: When,
    /// The subcommands that take it, where the CLI itself does not: one of them must be the first of the caller's
    /// arguments, and it follows that one. The CLI takes it once.
    pub subcommands: &'static [&'static str],
}

/// A configuration override given as `-c key=value`.
#[derive(Debug)]
pub struct ConfigOverride {
    /// The dotted key. An override of the same key, or of a table above or below it, by the caller is refused: the
    /// CLI obeys the last, so one of the two would be lost without a word.
    pub key: &'static str,
    /// Its value.
    pub value: OverrideValue,
    /// When it is added.
    pub when: When,
}

/// The value of a [`ConfigOverride`], in TOML.
#[derive(Clone, Copy, Debug)]
pub enum OverrideValue {
    /// The names of the variables that the agent's shell must not get, as an array of strings: the credential's, and the
    /// guards'.
    HiddenNames,
    /// `false`.
    Off,
    /// The workspace's directories as projects of this level of trust, as an inline table.
    Projects(&'static str),
    /// The base URL, the vendor's own where the caller gave none, as a string.
    BaseUrl,
    /// A string.
    Text(&'static str),
    /// A model provider at the base URL, the vendor's own where the caller gave none, whose key the CLI reads from the first
    /// of the credential's variables: as an inline table.
    KeyedModelProvider,
}
