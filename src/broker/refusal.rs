//! Why a request is refused, and the answer that the CLI understands.

use std::fmt;

use bytes::Bytes;
use hyper::http::header::{CONNECTION, CONTENT_TYPE, HeaderValue};
use hyper::{Response, StatusCode};
use serde::Serialize;

use crate::net::failure::RequestFailure;
use crate::provider::{BrokerClient, ErrorForm};

/// Why a request was not forwarded, or its answer not passed on. The audit has these words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reason {
    /// No token, or none of a grant of this broker.
    Token,
    /// More than one header that carries a credential.
    SeveralCredentials,
    /// The launch of the grant has ended.
    GrantEnded,
    /// The kernel did not say whose connection it is.
    PeerUnknown,
    /// The connection is of another uid than the grant's.
    PeerUid,
    /// The connection is not of the process that was started.
    PeerProcess,
    /// The process that was started has ended.
    ProcessEnded,
    /// Neither method and path, nor an upgrade, that inference needs.
    NotAllowed,
    /// The request target is no path: absolute-form, authority-form or `*`.
    Target,
    /// HTTP/1.0, or what is no HTTP.
    Protocol,
    /// A head that two parties could read in two ways: two lengths, a length beside chunks, a bare LF.
    Framing,
    /// Not exactly one `Host`, or another one than the broker's.
    Host,
    /// A web page asks.
    Origin,
    HeadTooLarge,
    BodyTooLarge,
    /// The client gave nothing more of a body, or broke it off.
    BodyBrokeOff,
    TooManyRequests,
    TooFast,
    /// The credential was revoked.
    Revoked,
    /// The stored login's token has expired, and was not refreshed.
    CredentialExpired,
    /// The store has no credential that can be sent.
    CredentialUnusable,
    /// The name of the API's host could not be looked up.
    UpstreamName,
    /// The API's host has no address that the broker may connect to.
    UpstreamAddress,
    /// Nobody accepts connections there, or it was closed.
    UpstreamUnreachable,
    /// TLS failed.
    UpstreamTls,
    UpstreamTimeout,
    /// What answered is not HTTP, or broke off.
    UpstreamProtocol,
    /// It answered with a redirect.
    Redirect,
    /// It answered what the broker cannot look through for the key.
    UnreadableError,
    /// The broker was stopped.
    Stopped,
}

impl From<RequestFailure> for Reason {
    fn from(failure: RequestFailure) -> Self {
        match failure {
            RequestFailure::Dns => Self::UpstreamName,
            RequestFailure::Address => Self::UpstreamAddress,
            RequestFailure::Tls(_) => Self::UpstreamTls,
            RequestFailure::Timeout => Self::UpstreamTimeout,
            RequestFailure::Protocol => Self::UpstreamProtocol,
            RequestFailure::Refused | RequestFailure::Network | RequestFailure::Proxy | RequestFailure::Exhausted => {
                Self::UpstreamUnreachable
            }
        }
    }
}

/// Whether asking again can help, and whose matter it is.
enum Nature {
    Lasting,
    /// The operator's: the API is not what the base URL promises.
    UpstreamLasting,
    Upstream,
}

/// The word that the audit has for it.
impl fmt::Display for Reason {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.serialize(formatter)
    }
}

impl Reason {
    const fn nature(self) -> Nature {
        match self {
            Self::UpstreamName
            | Self::UpstreamUnreachable
            | Self::UpstreamTimeout
            | Self::UpstreamProtocol
            | Self::Stopped => Nature::Upstream,
            Self::UpstreamAddress | Self::UpstreamTls | Self::Redirect | Self::UnreadableError => {
                Nature::UpstreamLasting
            }
            _ => Nature::Lasting,
        }
    }

    /// For whoever sees the CLI's output: what is wrong, then what to do. It repeats nothing of the request.
    #[must_use]
    pub const fn message(self) -> &'static str {
        match self {
            Self::Token => {
                "The broker does not know this token. A token is valid for one launch while it runs. Start the agent again."
            }
            Self::SeveralCredentials => "The request has more than one credential. Send the broker's token alone.",
            Self::GrantEnded | Self::ProcessEnded => {
                "The launch that this access was made for has ended. Start the agent again."
            }
            Self::PeerUnknown => "The kernel does not say who is calling. Keep the connection open and try again.",
            Self::PeerUid => "This token belongs to another user of this machine.",
            Self::PeerProcess => {
                "This token belongs to another process. Commands that an agent starts cannot use the agent's access."
            }
            Self::NotAllowed => "The broker forwards only the requests that inference needs, and this is another one.",
            Self::Target => "The target of a request must be a path, not a URL.",
            Self::Protocol => "The broker speaks HTTP/1.1.",
            Self::Framing => {
                "The request says in two ways how long it is, or has lines that do not end with CRLF. Send one length."
            }
            Self::Host => "The header Host does not name the broker.",
            Self::Origin => "The broker refuses requests of web pages.",
            Self::HeadTooLarge => "The request's headers are larger than the broker takes.",
            Self::BodyTooLarge => {
                "The request's body is larger than the broker takes. Ask the operator for a higher limit."
            }
            Self::BodyBrokeOff => "The request's body broke off.",
            Self::TooManyRequests => {
                "This launch has had as many requests in flight as it may have for too long. Wait for them to end."
            }
            Self::TooFast => "This launch has asked more often than it may for too long. Wait a moment.",
            Self::Revoked => "The credential was revoked. Ask the operator for another one.",
            Self::CredentialExpired => {
                "The stored login has expired and was not refreshed. Ask the operator to refresh it or to log in again."
            }
            Self::CredentialUnusable => {
                "The stored credential cannot be used. Ask the operator to log in again or to store another one."
            }
            Self::UpstreamName => "The broker cannot find the address of the API's host. Check the base URL and DNS.",
            Self::UpstreamAddress => {
                "The API's host has no address that the broker may connect to. Check the base URL and DNS."
            }
            Self::UpstreamUnreachable => "The broker cannot reach the API. Check routes, proxies and firewalls.",
            Self::UpstreamTls => {
                "The API's certificate is not trusted, has expired or is for another name. Check the base URL, the \
                 clock and the roots of trust."
            }
            Self::UpstreamTimeout => "The API did not answer the broker in time.",
            Self::UpstreamProtocol => "The API's answer is not HTTP, or broke off.",
            Self::Redirect => {
                "The API answered with a redirect, which the broker does not follow. Correct the base URL."
            }
            Self::UnreadableError => "The API answered with an error in an encoding that the broker does not read.",
            Self::Stopped => "The broker was stopped.",
        }
    }

    /// The refusal in the CLI's dialect. `is_upgrade`: the connection was to become a WebSocket.
    pub(super) fn response(self, client: &BrokerClient, is_upgrade: bool) -> Response<Bytes> {
        let (form, status) = match self.nature() {
            Nature::Lasting => (&client.refusal, client.refusal.status),
            Nature::UpstreamLasting => (&client.unusable, client.unusable.status),
            Nature::Upstream if is_upgrade => (&client.unreachable, client.unreachable_web_socket),
            Nature::Upstream => (&client.unreachable, client.unreachable.status),
        };
        let mut response = Response::new(self.body(form));
        *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::FORBIDDEN);
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        if matches!(self, Self::Framing | Self::Protocol) {
            // Where its next request begins is not known.
            headers.insert(CONNECTION, HeaderValue::from_static("close"));
        }
        for (name, value) in form.headers {
            headers.insert(*name, HeaderValue::from_static(value));
        }
        response
    }

    fn body(self, form: &ErrorForm) -> Bytes {
        // The messages above have nothing that JSON escapes; a test holds them to it.
        Bytes::from([form.before, "\"", self.message(), "\"", form.after].concat())
    }

    /// The refusal as the text of a message in an open WebSocket; none for a CLI that opens none.
    pub(super) fn in_web_socket(self, client: &BrokerClient) -> Option<Bytes> {
        client.in_web_socket.as_ref().map(|form| self.body(form))
    }

    #[cfg(test)]
    const ALL: &'static [Self] = &[
        Self::Token,
        Self::SeveralCredentials,
        Self::GrantEnded,
        Self::PeerUnknown,
        Self::PeerUid,
        Self::PeerProcess,
        Self::ProcessEnded,
        Self::NotAllowed,
        Self::Target,
        Self::Protocol,
        Self::Framing,
        Self::Host,
        Self::Origin,
        Self::HeadTooLarge,
        Self::BodyTooLarge,
        Self::BodyBrokeOff,
        Self::TooManyRequests,
        Self::TooFast,
        Self::Revoked,
        Self::CredentialExpired,
        Self::CredentialUnusable,
        Self::UpstreamName,
        Self::UpstreamAddress,
        Self::UpstreamUnreachable,
        Self::UpstreamTls,
        Self::UpstreamTimeout,
        Self::UpstreamProtocol,
        Self::Redirect,
        Self::UnreadableError,
        Self::Stopped,
    ];
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_refusal_is_json_with_its_message() {
        for reason in Reason::ALL {
            for row in crate::provider::PROVIDERS {
                for is_upgrade in [false, true] {
                    let response = reason.response(&row.vendor().broker, is_upgrade);
                    let body: serde_json::Value = serde_json::from_slice(response.body()).expect("JSON");
                    assert_eq!(body["error"]["message"], reason.message());
                    assert!(response.status().is_client_error() || response.status().is_server_error());
                }
            }
        }
    }
}
