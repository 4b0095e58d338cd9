//! How a CLI reaches the broker, what it may request of a vendor's API there, and how the CLI is refused.

use super::credential::CredentialKind;
use super::version::Version;

/// A request that inference needs.
#[derive(Debug)]
pub struct AllowedRequest {
    pub method: &'static str,
    /// Below the base URL, byte for byte. A segment `*` stands for one segment of letters, digits and `-._:`.
    pub path: &'static str,
    pub upgrade: Upgrade,
    /// JSON that a launch with an API key gets, with status 200, instead of the API's 404.
    pub if_missing: Option<&'static str>,
}

impl AllowedRequest {
    /// A request that stays HTTP.
    #[must_use]
    pub const fn plain(method: &'static str, path: &'static str) -> Self {
        Self { method, path, upgrade: Upgrade::Never, if_missing: None }
    }

    /// The same request, with an answer of the broker's own if the API has none.
    #[must_use]
    pub const fn or_if_missing(self, body: &'static str) -> Self {
        Self { if_missing: Some(body), ..self }
    }

    /// A request that becomes a WebSocket.
    #[must_use]
    pub const fn web_socket(path: &'static str) -> Self {
        Self { method: "GET", path, upgrade: Upgrade::WebSocket, if_missing: None }
    }
}

/// What a request asks the connection to become.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Upgrade {
    Never,
    WebSocket,
}

/// How a CLI speaks to the broker.
#[derive(Debug)]
pub struct BrokerClient {
    pub transport: Transport,
    /// The oldest version for which delivery `auto` means the broker; none if the version does not matter. A version
    /// that is unknown counts as older.
    pub since: Option<Version>,
    /// The variables that hold the launch's token. Without any, the socket and the process that connects to it are
    /// proof enough.
    pub token_variables: &'static [&'static str],
    /// Further variables of a start with delivery `broker`. They take the place of those that the environment has.
    pub variables: &'static [BrokerVariable],
    /// What its tokens begin with: no prefix by which the CLI, or anybody's scanner, knows a vendor's key.
    pub token_prefix: &'static str,
    /// What asking again does not change: the CLI shows it at once, and does not ask again.
    pub refusal: ErrorForm,
    /// More requests than the grant allows: the CLI asks again later.
    pub over_limit: ErrorForm,
    /// The API cannot be reached: the CLI asks again later.
    pub unreachable: ErrorForm,
    /// Any of these where the connection was to become a WebSocket: with this status the CLI asks by POST instead, and
    /// shows what it is told there.
    pub instead_of_web_socket: u16,
}

/// Where a CLI connects to the broker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transport {
    /// A port on loopback, which all launches of the provider share.
    Loopback,
    /// A Unix socket for each launch.
    Socket,
}

/// A variable of a start with delivery `broker`.
#[derive(Debug)]
pub struct BrokerVariable {
    pub name: &'static str,
    pub value: BrokerValue,
    pub when: BrokerWhen,
}

/// What a variable of the broker's route says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BrokerValue {
    Text(&'static str),
    /// The path of the socket.
    Address,
}

/// Which starts have a variable of the broker's route.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BrokerWhen {
    Always,
    /// The credential is of this kind.
    Credential(CredentialKind),
    /// The upstream is the vendor's own API.
    VendorEndpoint,
}

/// An error as the vendor's API would give it: the message stands as a JSON string between the two parts.
#[derive(Debug)]
pub struct ErrorForm {
    pub status: u16,
    pub before: &'static str,
    pub after: &'static str,
    pub headers: &'static [(&'static str, &'static str)],
}
