//! What a credential is, whoever's and however it is handed over.

/// What a credential is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CredentialKind {
    /// A key that is billed per use.
    ApiKey,
    /// An access token of a subscription.
    OauthToken,
    /// The CLI's own login, in its state directory.
    ConfigDir,
}

impl CredentialKind {
    /// As JavaScript and logs see it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ApiKey => "api-key",
            Self::OauthToken => "oauth-token",
            Self::ConfigDir => "config-dir",
        }
    }

    /// As people call it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::ApiKey => "API key",
            Self::OauthToken => "OAuth token",
            Self::ConfigDir => "config directory",
        }
    }
}
