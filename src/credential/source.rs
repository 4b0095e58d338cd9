//! The source and the owner of a launch's credential. The owner pays for its use, and a tenant must not get the
//! server's credential.

use crate::words::words;

words! {
/// Where a credential comes from, in the order of precedence.
pub enum CredentialSource {
    Payload = "payload",
    Store = "store",
    Server = "server",
    /// The CLI's own login, in its state directory.
    ConfigDir = "config-dir",
}
}

words! {
/// The owner of a credential. A credential of the server is billed to the server and kept from the tenant: files,
/// arguments and options with which the tenant could get it or send it elsewhere are refused, even in a trusted
/// workspace.
#[derive(Default)]
pub enum CredentialOwner {
    /// The workspace's own: it may do with it what it likes.
    #[default]
    Workspace = "workspace",
    /// The server's, lent to the workspace: it is billed to the server, and kept from the workspace.
    Server = "server",
}
}

impl CredentialOwner {
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|owner| owner.as_str() == name)
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

words! {
/// The source and the kind of a credential, in the terms of `prepareRequestEnv`.
pub enum ApiKeySource {
    User = "user",
    Oauth = "oauth",
    Server = "server",
    None = "none",
}
}
