//! Claude Code and the broker: what it asks of the API, and the errors that it shows.

use crate::provider::broker::{AllowedRequest, BrokerClient, ErrorForm};

/// Measured with 2.1.330 and 2.1.332 on a mock API; `HEAD /` until 2.1.200. Requests about the account
/// (`/api/claude_code/settings`, `/api/claude_code/policy_limits`) are left out: refused, they cost nothing.
pub(super) static REQUESTS: &[AllowedRequest] = &[
    AllowedRequest::plain("POST", "/v1/messages"),
    AllowedRequest::plain("POST", "/v1/messages/count_tokens"),
    AllowedRequest::plain("GET", "/v1/models"),
    AllowedRequest::plain("GET", "/v1/models/*"),
    AllowedRequest::plain("HEAD", "/api/hello"),
    AllowedRequest::plain("HEAD", "/"),
];

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
