//! Codex and the broker: what it asks of the API, and the errors that it shows.

use crate::provider::broker::{AllowedRequest, BrokerClient, ErrorForm, Transport};

/// Measured with 0.120.0 (`/responses/compact`), 0.163.0 and 0.169.0 on a mock API.
pub(super) static REQUESTS: &[AllowedRequest] = &[
    AllowedRequest::plain("POST", "/responses"),
    AllowedRequest::web_socket("/responses"),
    AllowedRequest::plain("POST", "/responses/compact"),
    AllowedRequest::plain("GET", "/models"),
    AllowedRequest::plain("POST", "/alpha/search"),
];

/// Measured with 0.163.0 and 0.169.0: of a 400 they show the body at once; a 429 they try 6 times, a 5xx 30 times in 25
/// seconds. A WebSocket that is refused with 426 becomes a POST at once; 401, 403 and 503 are tried 7 times before that,
/// and 429 ends the turn.
pub(super) const CLIENT: BrokerClient = BrokerClient {
    // It speaks no Unix sockets (0.163.0, four ways to name one).
    transport: Transport::Loopback,
    since: None,
    // The built-in model provider reads no other. OPENAI_API_KEY stays blank: what reads it would send the token
    // elsewhere.
    token_variables: &["CODEX_API_KEY"],
    variables: &[],
    token_prefix: "pe-broker-",
    refusal: ErrorForm {
        status: 400,
        before: r#"{"error":{"type":"invalid_request_error","code":"broker_refused","param":null,"message":"#,
        after: "}}",
        headers: &[],
    },
    over_limit: ErrorForm {
        status: 429,
        before: r#"{"error":{"type":"requests","code":"rate_limit_exceeded","param":null,"message":"#,
        after: "}}",
        headers: &[("retry-after", "1")],
    },
    unreachable: ErrorForm {
        status: 502,
        before: r#"{"error":{"type":"server_error","code":null,"param":null,"message":"#,
        after: "}}",
        headers: &[],
    },
    instead_of_web_socket: 426,
};
