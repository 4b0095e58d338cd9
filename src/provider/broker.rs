//! How a CLI reaches the broker, what it may request of a vendor's API there, and how the CLI is refused.

use super::credential::CredentialKind;
use super::version::Version;

use std::time::Duration;

/// A request that inference needs.
#[derive(Debug)]
pub struct AllowedRequest {
    pub method: &'static str,
    /// Below the base URL, byte for byte. A segment `*` stands for one segment of letters, digits and `-._:`.
    pub path: &'static str,
    pub upgrade: Upgrade,
    /// How long the API has to answer, if that is less than the broker's own limit.
    pub answer_within: Option<Duration>,
    /// What the CLI gets in the place of one of the API's answers.
    pub instead: Option<InsteadOfAnswer>,
}

/// An answer of 200 that the broker gives if the API answers with this status to a credential of this kind.
#[derive(Debug)]
pub struct InsteadOfAnswer {
    pub status: u16,
    pub kind: CredentialKind,
    /// JSON.
    pub body: &'static str,
}

impl AllowedRequest {
    /// A request that stays HTTP.
    #[must_use]
    pub const fn plain(method: &'static str, path: &'static str) -> Self {
        Self { method, path, upgrade: Upgrade::Never, answer_within: None, instead: None }
    }

    /// A request that becomes a WebSocket.
    #[must_use]
    pub const fn web_socket(path: &'static str) -> Self {
        Self { upgrade: Upgrade::WebSocket, ..Self::plain("GET", path) }
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
    /// What asking again does not change, also if the connection was to become a WebSocket: the CLI shows it at once, and
    /// does not ask again.
    pub refusal: ErrorForm,
    /// The API cannot be used until the operator changes something: the CLI shows it at once, and does not ask again.
    pub unusable: ErrorForm,
    /// The API cannot be reached: the CLI asks again later.
    pub unreachable: ErrorForm,
    /// The status of that if the connection was to become a WebSocket: the CLI asks by POST instead, and shows what it is
    /// told there.
    pub unreachable_web_socket: u16,
    /// A refusal as a message in an open WebSocket. Its status and headers are in its text.
    pub in_web_socket: Option<ErrorForm>,
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

/// An error as the vendor's API gives it: the message is a JSON string between the two parts.
#[derive(Debug)]
pub struct ErrorForm {
    pub status: u16,
    pub before: &'static str,
    pub after: &'static str,
    pub headers: &'static [(&'static str, &'static str)],
}
