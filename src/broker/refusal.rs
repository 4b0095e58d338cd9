//! Why a request is refused, and the answer by which the CLI shows it.

use bytes::Bytes;
use hyper::http::header::{CONNECTION, CONTENT_TYPE, HeaderValue};
use hyper::{Response, StatusCode};

use crate::net::failure::RequestFailure;
use crate::provider::{BROKER_MARK, BrokerClient, ErrorForm};
use crate::words::words;

words! {
/// Why the broker refused a request; `docs/broker.md` explains each word.
pub enum RefusalReason {
    /// The request has no token, or one that no running grant of this broker has.
    Token = "token",
    /// More than one header carries a credential.
    SeveralCredentials = "several-credentials",
    /// The launch has ended.
    GrantEnded = "grant-ended",
    /// The kernel did not report who made the connection.
    PeerUnknown = "peer-unknown",
    /// Another uid than the grant's made the connection.
    PeerUid = "peer-uid",
    /// Another process than the one that the launch started made the connection.
    PeerProcess = "peer-process",
    /// The process that the launch started has ended.
    ProcessEnded = "process-ended",
    /// Inference does not need this method, path or upgrade.
    NotAllowed = "not-allowed",
    /// The request target is not a path: it is in absolute-form or authority-form, or `*`.
    Target = "target",
    /// The request is HTTP/1.0, or not HTTP.
    Protocol = "protocol",
    /// Two parties could read the head in two ways: it has two lengths, a length and a transfer coding, or a bare LF.
    Framing = "framing",
    /// There is not exactly one `Host`, or it does not name the broker.
    Host = "host",
    /// A web page sent the request.
    Origin = "origin",
    /// The headers are larger than the launch may send.
    HeadTooLarge = "head-too-large",
    /// The body is larger than the launch may send.
    BodyTooLarge = "body-too-large",
    /// The client stopped sending the body.
    BodyBrokeOff = "body-broke-off",
    /// Too many requests of the launch were in flight for too long.
    TooManyRequests = "too-many-requests",
    /// The launch sent requests faster than it may for too long.
    TooFast = "too-fast",
    /// The credential was revoked.
    Revoked = "revoked",
    /// The stored login's token has expired and was not refreshed.
    CredentialExpired = "credential-expired",
    /// The store has no credential that can be sent.
    CredentialUnusable = "credential-unusable",
    /// The name of the API's host could not be resolved.
    UpstreamName = "upstream-name",
    /// The API's host has no address that the broker may connect to.
    UpstreamAddress = "upstream-address",
    /// The API refused the connection, or closed it.
    UpstreamUnreachable = "upstream-unreachable",
    /// TLS with the API failed.
    UpstreamTls = "upstream-tls",
    /// The API did not answer in time.
    UpstreamTimeout = "upstream-timeout",
    /// The API's answer is not HTTP, or broke off.
    UpstreamProtocol = "upstream-protocol",
    /// The API answered with a redirect.
    Redirect = "redirect",
    /// The API answered with an error in an encoding in which the broker cannot search for the key.
    UnreadableError = "unreadable-error",
}
}

impl From<RequestFailure> for RefusalReason {
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

/// What the CLI should do about a refusal.
enum Nature {
    /// Show it: another attempt cannot help.
    Lasting,
    /// Show it: the API cannot be used until the operator changes something.
    UpstreamLasting,
    /// Try again later.
    Upstream,
}

impl RefusalReason {
    const fn nature(self) -> Nature {
        match self {
            Self::UpstreamName | Self::UpstreamUnreachable | Self::UpstreamTimeout | Self::UpstreamProtocol => {
                Nature::Upstream
            }
            Self::UpstreamAddress | Self::UpstreamTls | Self::Redirect | Self::UnreadableError => {
                Nature::UpstreamLasting
            }
            _ => Nature::Lasting,
        }
    }

    /// What is wrong and what to do, for the person who reads the CLI's output. It repeats nothing of the request.
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
                "This access belongs to another process. Only the program that was started may use it: a wrapper script must end \
                 with exec, and commands that an agent starts have no access."
            }
            Self::NotAllowed => {
                "The broker forwards only the requests that inference needs. This request is not one of them."
            }
            Self::Target => "The target of a request must be a path, not a URL.",
            Self::Protocol => "The broker accepts only HTTP/1.1.",
            Self::Framing => {
                "The request has two lengths, or lines that do not end with CRLF. Send one length, and CRLF line ends."
            }
            Self::Host => "The header Host does not name the broker.",
            Self::Origin => "The broker refuses requests from web pages.",
            Self::HeadTooLarge => {
                "The request's headers are larger than this launch may send. Ask the operator for a higher limit."
            }
            Self::BodyTooLarge => {
                "The request's body is larger than this launch may send. Ask the operator for a higher limit."
            }
            Self::BodyBrokeOff => "The request's body broke off.",
            Self::TooManyRequests => {
                "This launch has too many requests in flight, and none ended in time. Wait for some of them to end."
            }
            Self::TooFast => "This launch sends requests faster than it may. Wait a moment.",
            Self::Revoked => "The credential was revoked. Ask the operator for another one.",
            Self::CredentialExpired => {
                "The stored login has expired and was not refreshed. Ask the operator to refresh it or to log in again."
            }
            Self::CredentialUnusable => {
                "The stored credential cannot be used. Ask the operator to log in again or to store another one."
            }
            Self::UpstreamName => "The broker cannot find the address of the API's host. Check the base URL and DNS.",
            Self::UpstreamAddress => {
                "The API's host has no public address. If that is intended, the operator lists the base URL in the option \
                 upstreams of startBroker()."
            }
            Self::UpstreamUnreachable => "The broker cannot reach the API. Check routes, proxies and firewalls.",
            Self::UpstreamTls => {
                "The API does not speak TLS, or its certificate is not trusted, has expired or is for another name. Check \
                 the base URL, the clock and the roots of trust."
            }
            Self::UpstreamTimeout => "The API did not answer the broker in time.",
            Self::UpstreamProtocol => "The API's answer is not HTTP, or broke off.",
            Self::Redirect => {
                "The API answered with a redirect, which the broker does not follow. Correct the base URL."
            }
            Self::UnreadableError => "The API answered with a compressed error, which the broker does not pass on.",
        }
    }

    /// The refusal in the form that the CLI shows. `is_upgrade`: the request was for a WebSocket.
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
            // Nobody knows where the next request on it begins.
            headers.insert(CONNECTION, HeaderValue::from_static("close"));
        }
        for (name, value) in form.headers {
            headers.insert(*name, HeaderValue::from_static(value));
        }
        response
    }

    fn body(self, form: &ErrorForm) -> Bytes {
        // No message contains a character that JSON escapes, which a test checks. The reason's word is what the rules of
        // `provider::BROKER_RULES` look for.
        let message = [self.message(), BROKER_MARK, self.as_str(), ")"].concat();
        Bytes::from([form.before, "\"", &message, "\"", form.after].concat())
    }

    /// The refusal as a message in an open WebSocket; none for a CLI that opens no WebSocket.
    pub(super) fn in_web_socket(self, client: &BrokerClient) -> Option<Bytes> {
        client.in_web_socket.as_ref().map(|form| self.body(form))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::provider::{BROKER_RULES, FailureKind, FailureRule};

    #[test]
    fn every_refusal_is_json_with_its_message() {
        for reason in RefusalReason::ALL {
            for row in crate::provider::PROVIDERS {
                for is_upgrade in [false, true] {
                    let response = reason.response(&row.vendor().broker, is_upgrade);
                    let body: serde_json::Value = serde_json::from_slice(response.body()).expect("JSON");
                    let message = format!("{} (broker: {})", reason.message(), reason.as_str());
                    assert_eq!(body["error"]["message"], message);
                    assert!(response.status().is_client_error() || response.status().is_server_error());
                }
            }
        }
    }

    /// What a run's failure is, if this is why.
    fn kind(reason: RefusalReason) -> FailureKind {
        let text = format!("{}{BROKER_MARK}{})", reason.message(), reason.as_str());
        let is_it = |rule: &&FailureRule| rule.text.is_some_and(|part| text.contains(part));
        BROKER_RULES.iter().find(is_it).map(|rule| rule.kind).expect("the last rule matches every reason")
    }

    #[test]
    fn the_failure_of_a_run_says_what_the_refusal_means() {
        use RefusalReason as Reason;
        for (reason, expected) in [
            (Reason::Revoked, FailureKind::Authentication),
            (Reason::CredentialExpired, FailureKind::Authentication),
            (Reason::UpstreamName, FailureKind::Network),
            (Reason::UpstreamUnreachable, FailureKind::Network),
            (Reason::UpstreamTls, FailureKind::Endpoint),
            (Reason::UpstreamAddress, FailureKind::Endpoint),
            (Reason::Redirect, FailureKind::Endpoint),
            (Reason::TooFast, FailureKind::Limit),
            (Reason::BodyTooLarge, FailureKind::TooLarge),
            (Reason::PeerProcess, FailureKind::Broker),
        ] {
            assert_eq!(kind(reason), expected, "{}", reason.as_str());
        }
    }
}
