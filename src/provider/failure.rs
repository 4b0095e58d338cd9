//! The kinds of failure of a run, the texts for each (always our own, never the server's), and the rules that recognize
//! them in a CLI's output.

use crate::words::words;

/// What is said of a kind.
#[derive(Debug)]
pub struct FailureText {
    /// Whether the same run may succeed later with nothing changed.
    pub retryable: bool,
    pub message: &'static str,
    pub remedy: &'static str,
}

macro_rules! kinds {
    ($($(#[$doc:meta])* $variant:ident: $name:tt, $retryable:literal, $message:literal, $remedy:literal;)+) => {
        words! {
            /// Why a run failed.
            pub enum FailureKind {
                $($(#[$doc])* $variant = $name,)+
            }
        }

        impl FailureKind {
            /// What is said of it.
            #[must_use]
            pub const fn text(self) -> &'static FailureText {
                match self {
                    $(Self::$variant => &FailureText {
                        retryable: $retryable,
                        message: $message,
                        remedy: $remedy,
                    },)+
                }
            }
        }
    };
}

kinds! {
    /// The API did not accept the credential.
    Authentication: "authentication", false,
        "The API did not accept the credential.",
        "Replace the key or token: it is invalid, revoked or expired.";
    /// The API accepted it, and does not allow this.
    Permission: "permission", false,
        "The API accepted the credential, but does not allow this request.",
        "Grant the key access to this model and project, or call from a supported region.";
    /// The CLI has no login.
    NotLoggedIn: "not-logged-in", false,
        "The CLI has no credential: there is no login in its state directory.",
        "Pass a key or token, or put a login into the state directory.";
    /// The CLI was pointed at a credential that does not exist.
    NoCredential: "no-credential", false,
        "The CLI's configuration names a credential that does not exist.",
        "Provide the credential that the configuration names, or remove the custom provider from it.";
    /// Nothing is left to spend.
    Quota: "quota", false,
        "The account has no credit or quota left.",
        "Add credit or raise the limit in the vendor's billing settings.";
    RateLimited: "rate-limited", true,
        "The API received too many requests or tokens from this account.",
        "Wait and try again, start fewer runs at once, or request a higher limit.";
    /// The API has no room.
    Overloaded: "overloaded", true,
        "The API is overloaded at the moment.",
        "Try again later, or use another model.";
    Server: "server", true,
        "The API failed.",
        "Try again; if it keeps failing, check the vendor's status page.";
    /// The API was not reached.
    Network: "network", true,
        "The CLI could not reach the API.",
        "Check the base URL, name resolution, firewall and TLS on the machine where the CLI runs.";
    /// Not the API, or not this address of it.
    Endpoint: "endpoint", false,
        "The server that answered is not the API that the CLI expects, or does not know the path that the CLI \
        requested.",
        "Check the base URL: the CLI adds its own path to it, such as /v1/messages.";
    /// No such model for this credential.
    Model: "model", false,
        "The API does not have the model, or this credential may not use it.",
        "Request another model, or grant the key access to this one; if there is a base URL, check its path too.";
    /// More than a request can hold.
    TooLarge: "too-large", false,
        "The request is larger than the API allows.",
        "Begin a new session, or pass less context.";
    /// The API could make nothing of the request.
    InvalidRequest: "invalid-request", false,
        "The API rejected the request as invalid.",
        "Check that the CLI's version, the model and the endpoint are compatible.";
    /// The broker did not forward a request.
    Broker: "broker", false,
        "The worker's broker refused a request of the CLI.",
        "Read the reason in the CLI's message or in the audit, and what it means in docs/broker.md.";
    /// A limit that the caller set.
    Limit: "limit", false,
        "The run reached a limit that its caller set.",
        "Raise the limit of turns or cost, or continue in another run.";
    /// The session that was to be continued is not there.
    NoSession: "no-session", false,
        "There is no session with this id in the CLI's state directory.",
        "Begin a new session, or pass the state directory in which the session was saved.";
    /// The CLI refused its arguments, its configuration or its surroundings.
    Configuration: "configuration", false,
        "The CLI rejected its arguments, its configuration or its environment.",
        "Read its stderr, and correct the arguments, the configuration or the directories.";
    Unknown: "unknown", false,
        "The run failed for an unknown reason.",
        "Read the CLI's output.";
}

/// A rule for a failure that the CLI reports: everything that the rule names must match.
#[derive(Debug)]
pub struct FailureRule {
    /// A status from the first to the last.
    pub status: Option<(u16, u16)>,
    pub word: Option<&'static str>,
    /// A part of the text.
    pub text: Option<&'static str>,
    pub kind: FailureKind,
}

impl FailureRule {
    pub const fn status(first: u16, last: u16, kind: FailureKind) -> Self {
        Self { status: Some((first, last)), word: None, text: None, kind }
    }

    pub const fn word(word: &'static str, kind: FailureKind) -> Self {
        Self { status: None, word: Some(word), text: None, kind }
    }

    /// Any of these statuses, with this text anywhere.
    pub const fn status_text(status: (u16, u16), text: &'static str, kind: FailureKind) -> Self {
        Self { status: Some(status), word: None, text: Some(text), kind }
    }

    pub const fn text(text: &'static str, kind: FailureKind) -> Self {
        Self { status: None, word: None, text: Some(text), kind }
    }
}

/// What the broker ends its messages with, before the reason's word and a closing parenthesis.
pub const BROKER_MARK: &str = " (broker: ";

/// What the broker's own refusals mean, by their reasons. A row has them first: their statuses are those that its CLI
/// shows at once, and say nothing.
pub const BROKER_RULES: &[FailureRule] = &[
    FailureRule::text("(broker: revoked)", FailureKind::Authentication),
    FailureRule::text("(broker: credential-expired)", FailureKind::Authentication),
    FailureRule::text("(broker: credential-unusable)", FailureKind::Authentication),
    FailureRule::text("(broker: upstream-name)", FailureKind::Network),
    FailureRule::text("(broker: upstream-unreachable)", FailureKind::Network),
    FailureRule::text("(broker: upstream-timeout)", FailureKind::Network),
    FailureRule::text("(broker: upstream-protocol)", FailureKind::Network),
    FailureRule::text("(broker: upstream-", FailureKind::Endpoint),
    FailureRule::text("(broker: redirect)", FailureKind::Endpoint),
    FailureRule::text("(broker: unreadable-error)", FailureKind::Endpoint),
    FailureRule::text("(broker: too-", FailureKind::Limit),
    FailureRule::text("(broker: head-too-large)", FailureKind::TooLarge),
    FailureRule::text("(broker: body-too-large)", FailureKind::TooLarge),
    FailureRule::text("(broker: ", FailureKind::Broker),
];

/// The meaning of HTTP statuses for every vendor of the table. A row has them after more specific texts and words, and
/// before less specific ones.
pub const STATUS_RULES: &[FailureRule] = &[
    FailureRule::status(401, 401, FailureKind::Authentication),
    FailureRule::status(402, 402, FailureKind::Quota),
    FailureRule::status(403, 403, FailureKind::Permission),
    FailureRule::status(404, 404, FailureKind::Model),
    FailureRule::status(405, 405, FailureKind::Endpoint),
    // The proxy's, and whoever waited in vain for the request.
    FailureRule::status(407, 408, FailureKind::Network),
    FailureRule::status(413, 413, FailureKind::TooLarge),
    FailureRule::status(429, 429, FailureKind::RateLimited),
    FailureRule::status(503, 503, FailureKind::Overloaded),
    FailureRule::status(529, 529, FailureKind::Overloaded),
    FailureRule::status(400, 499, FailureKind::InvalidRequest),
    FailureRule::status(500, 599, FailureKind::Server),
];
