//! Claude Code and the broker: what it asks of the API, and the errors that it shows.

use std::time::Duration;

use crate::provider::broker::{AllowedRequest, BrokerClient, ErrorForm, InsteadOfAnswer};
use crate::provider::credential::CredentialKind;

/// Measured with 2.1.300 to 2.1.332 on a mock API; `HEAD /` until 2.1.200. `/api/claude_code/settings` is never asked for by
/// way of the broker.
pub(super) static REQUESTS: &[AllowedRequest] = &[
    AllowedRequest::plain("POST", "/v1/messages"),
    AllowedRequest::plain("POST", "/v1/messages/count_tokens"),
    POLICY_LIMITS,
    AllowedRequest::plain("GET", "/v1/models"),
    AllowedRequest::plain("GET", "/v1/models/*"),
    AllowedRequest::plain("HEAD", "/api/hello"),
    AllowedRequest::plain("HEAD", "/"),
];

/// What the organization restricts. The CLI asks for it before its first message, which waits for it, and without an answer
/// of 200 it takes WebFetch and DesignSync away. A direct run with an API key keeps them after a 404, which is what an API
/// without policies answers, so the broker says then what the CLI itself concludes.
const POLICY_LIMITS: AllowedRequest = AllowedRequest {
    answer_within: Some(Duration::from_secs(2)),
    instead: Some(InsteadOfAnswer { status: 404, kind: CredentialKind::ApiKey, body: r#"{"restrictions":{}}"# }),
    ..AllowedRequest::plain("GET", "/api/claude_code/policy_limits")
};

/// Measured with 2.1.300 and 2.1.332: it shows the message of a 403 at once, and asks 10 more times within three minutes
/// after a 429 or a 5xx. `x-should-retry: false` ends that. A prefix `sk-ant-` would make it send the token to
/// api.anthropic.com.
pub(super) const CLIENT: BrokerClient = BrokerClient {
    has_socket: true,
    token_prefix: "pe-broker-",
    refusal: ErrorForm {
        status: 403,
        before: r#"{"type":"error","error":{"type":"permission_error","message":"#,
        after: "}}",
        headers: &[("x-should-retry", "false")],
    },
    unreachable: ErrorForm {
        status: 502,
        before: r#"{"type":"error","error":{"type":"api_error","message":"#,
        after: "}}",
        headers: &[],
    },
    unreachable_web_socket: 502,
    in_web_socket: None,
};
