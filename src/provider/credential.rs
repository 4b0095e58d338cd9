//! The kinds of credentials, and how a CLI reads one: from the environment or from a descriptor.

use crate::words::words;

words! {
/// The kind of a credential, regardless of its owner and of how it is passed.
pub enum CredentialKind {
    /// A key that is billed per use.
    ApiKey = "api-key",
    /// An access token of a subscription.
    OauthToken = "oauth-token",
    /// The CLI's own login, in its state directory.
    ConfigDir = "config-dir",
}
}

impl CredentialKind {
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::ApiKey => "API key",
            Self::OauthToken => "OAuth token",
            Self::ConfigDir => "config directory",
        }
    }
}

/// A field of the payload that carries a credential.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PayloadField {
    ApiKey,
    OauthAccessToken,
}

impl PayloadField {
    /// The field of this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        [Self::ApiKey, Self::OauthAccessToken].into_iter().find(|field| field.as_str() == name)
    }

    /// The kind of credential that it carries.
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

/// One way of handing over a credential.
#[derive(Debug)]
pub struct CredentialInput {
    pub kind: CredentialKind,
    pub field: PayloadField,
    /// The variables that carry it when it is delivered by the environment.
    pub variables: &'static [&'static str],
    /// The variable that names the descriptor it can be read from.
    pub descriptor_variable: Option<&'static str>,
    /// The server's variables that are used without it: the first that is set. Empty: no server-level fallback.
    pub server_variables: &'static [&'static str],
}

/// A further variable that carries a credential.
#[derive(Debug)]
pub struct CredentialName {
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
    Absent,
}

/// A row of `credential_names` that is blanked.
pub(super) const fn blank(name: &'static str) -> CredentialName {
    CredentialName { name, unused: WhenUnused::Blank }
}

/// A row of `credential_names` that is left out.
pub(super) const fn absent(name: &'static str) -> CredentialName {
    CredentialName { name, unused: WhenUnused::Absent }
}
