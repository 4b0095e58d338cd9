//! How a CLI reaches the broker, what it may request of a vendor's API there, and how the CLI is refused.

use super::credential::CredentialKind;
use super::version::Version;

use std::time::Duration;

/// A request that inference needs.
#[derive(Debug)]
pub struct AllowedRequest {
    pub method: &'static str,
    /// The path below the base URL, byte for byte. A segment `*` matches one segment of letters, digits and `-._:`.
    pub path: &'static str,
    pub upgrade: Upgrade,
    /// How long the API has to answer, if that is shorter than the broker's own limit.
    pub answer_within: Option<Duration>,
    /// What the CLI gets instead of one of the API's answers.
    pub instead: Option<InsteadOfAnswer>,
}

/// A 200 that the broker sends if the API answers a credential of this kind with this status.
#[derive(Debug)]
pub struct InsteadOfAnswer {
    pub status: u16,
    pub kind: CredentialKind,
    /// The body, in JSON.
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

/// The upgrade that a request is for.
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
    /// The prefix of its tokens. It must not be one by which the CLI, or a secret scanner, recognizes a vendor's key.
    pub token_prefix: &'static str,
    /// For a refusal that another attempt cannot change, also of an upgrade: the CLI shows it at once, and does not try
    /// again.
    pub refusal: ErrorForm,
    /// For an API that cannot be used until the operator changes something: the CLI shows it at once, and does not try
    /// again.
    pub unusable: ErrorForm,
    /// For an API that cannot be reached: the CLI tries again later.
    pub unreachable: ErrorForm,
    /// The status of `unreachable` for an upgrade: the CLI sends a POST instead, and shows the answer to that.
    pub unreachable_web_socket: u16,
    /// For a refusal in an open WebSocket, as a message. The status is in the text; `headers` is not used. None if the
    /// CLI opens no WebSocket.
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

/// The value of a variable of the broker's route.
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
