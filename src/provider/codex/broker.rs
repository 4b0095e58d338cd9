//! Codex and the broker: its requests to the API, how it finds the broker, and the errors that it shows.

use crate::provider::broker::{AllowedRequest, BrokerClient, ErrorForm, Transport};

/// Measured with 0.120.0 (`/responses/compact`), 0.163.0 and 0.169.0 on a mock API.
pub(super) static REQUESTS: &[AllowedRequest] = &[
    AllowedRequest::plain("POST", "/responses"),
    AllowedRequest::web_socket("/responses"),
    AllowedRequest::plain("POST", "/responses/compact"),
    AllowedRequest::plain("GET", "/models"),
    AllowedRequest::plain("POST", "/alpha/search"),
];

/// Measured with 0.140.0, 0.158.0 and 0.169.0. A 400 ends the turn at once and its body is shown, also if it answers an
/// upgrade, and as an `error` in an open WebSocket. A 429 ends it too, but its message is lost, so the broker never
/// sends one. After 401, 402, 403, 404 and 413, it tries again for 7 seconds; after a 5xx, 30 times in 25 seconds.
/// After a 426 to an upgrade, it sends a POST at once; after 401, 403 and 502, it tries the upgrade 7 times first.
pub(super) const CLIENT: BrokerClient = BrokerClient {
    // It cannot connect to a Unix socket (tried with 0.163.0, in four ways).
    transport: Transport::Loopback,
    since: None,
    // The built-in model provider reads no other. OPENAI_API_KEY stays empty, because programs that read it would send
    // the token elsewhere.
    token_variables: &["CODEX_API_KEY"],
    variables: &[],
    token_prefix: "pe-broker-",
    refusal: ErrorForm {
        status: 400,
        before: r#"{"error":{"type":"invalid_request_error","code":"broker_refused","param":null,"message":"#,
        after: "}}",
        headers: &[],
    },
    // After a 502, it would try again 30 times.
    unusable: ErrorForm {
        status: 400,
        before: r#"{"error":{"type":"server_error","code":"broker_upstream","param":null,"message":"#,
        after: "}}",
        headers: &[],
    },
    unreachable: ErrorForm {
        status: 502,
        before: r#"{"error":{"type":"server_error","code":null,"param":null,"message":"#,
        after: "}}",
        headers: &[],
    },
    unreachable_web_socket: 426,
    in_web_socket: Some(ErrorForm {
        status: 400,
        before: r#"{"type":"error","status":400,"error":{"type":"invalid_request_error","code":null,"param":null,"message":"#,
        after: "}}",
        headers: &[],
    }),
};
