//! The source and the owner of a launch's credential. The owner pays for its use, and a tenant must not get the
//! server's credential.

/// Where a credential comes from, in the order of precedence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CredentialSource {
    Payload,
    Store,
    Server,
    /// The CLI's own login, in its state directory.
    ConfigDir,
}

impl CredentialSource {
    /// The word that JavaScript and logs have for it.
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

/// Whose a credential is. Every rule that treats the server's otherwise asks this, and nothing else.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum CredentialOwner {
    /// The workspace's own: it may do with it what it likes.
    #[default]
    Workspace,
    /// The server's, lent to the workspace: it is billed to the server, and kept from the workspace.
    Server,
}

impl CredentialOwner {
    pub const ALL: [Self; 2] = [Self::Workspace, Self::Server];

    /// The word that JavaScript and logs have for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Workspace => "workspace",
            Self::Server => "server",
        }
    }

    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|owner| owner.as_str() == name)
    }

    /// What a sealed secret is bound to; none for the workspace's, which is what seals without an owner mean.
    #[must_use]
    pub const fn bound(self) -> Option<&'static str> {
        match self {
            Self::Workspace => None,
            Self::Server => Some(Self::Server.as_str()),
        }
    }

    /// Whose a credential from this source is, where `given` is what the caller says of those that it hands in. A login in a
    /// config directory is where the workspace reads it, so it is the workspace's.
    #[must_use]
    pub const fn of(source: CredentialSource, given: Self) -> Self {
        match source {
            CredentialSource::Payload | CredentialSource::Store => given,
            CredentialSource::Server => Self::Server,
            CredentialSource::ConfigDir => Self::Workspace,
        }
    }
}

/// The worker's older word for the source, with the kind folded in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ApiKeySource {
    User,
    Oauth,
    Server,
    None,
}

impl ApiKeySource {
    /// The word that JavaScript and logs have for it.
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
