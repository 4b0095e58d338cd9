//! Where a launch's credential comes from, in the words that JavaScript and logs have for it.

/// Where a credential comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CredentialSource {
    /// The request's payload.
    Payload,
    /// A credential store.
    Store,
    /// The server, as a fallback.
    Server,
    /// The CLI's own login.
    ConfigDir,
}

impl CredentialSource {
    /// As JavaScript and logs see it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Payload => "payload",
            Self::Store => "store",
            Self::Server => "server",
            Self::ConfigDir => "config-dir",
        }
    }
}

/// The worker's older word for the source, with the kind folded in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ApiKeySource {
    /// The workspace's own API key.
    User,
    /// The workspace's own OAuth token.
    Oauth,
    /// The server's key.
    Server,
    /// No key was handed over.
    None,
}

impl ApiKeySource {
    /// As JavaScript and logs see it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Oauth => "oauth",
            Self::Server => "server",
            Self::None => "none",
        }
    }
}
