//! Claude Code and the broker: what it asks of the API, and the errors that it shows.

use std::time::Duration;

use super::variables::QUIET;
use crate::provider::broker::BrokerValue::{Address, Text};
use crate::provider::broker::BrokerWhen::{Always, Credential, VendorEndpoint};
use crate::provider::broker::{
    AllowedRequest, BrokerClient, BrokerValue, BrokerVariable, BrokerWhen, ErrorForm, InsteadOfAnswer, Transport,
};
use crate::provider::credential::CredentialKind::{ApiKey, OauthToken};
use crate::provider::version::Version;

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

/// The word that the CLI itself takes for "whoever is at the other end of the socket adds the credential". With it, and
/// with no other that was tried, nothing is sent to api.anthropic.com with a credential.
const PLACEHOLDER: &str = "ssh-placeholder";

/// Measured with 2.1.300 and 2.1.332 (`__test__/real-cli/broker-routes.test.js`).
const VARIABLES: &[BrokerVariable] = &[
    variable("ANTHROPIC_UNIX_SOCKET", Address, Always),
    // Requests go to the socket whatever it says. The name cannot resolve: a prompt goes nowhere if the socket's variable
    // is lost.
    variable("ANTHROPIC_BASE_URL", Text("http://provider-env.invalid"), Always),
    // Else betas, the scope of the prompt cache and headers are lost that the CLI sends to the vendor alone.
    variable("_CLAUDE_CODE_ASSUME_FIRST_PARTY_BASE_URL", Text("1"), VendorEndpoint),
    variable("ANTHROPIC_API_KEY", Text(PLACEHOLDER), Credential(ApiKey)),
    variable("CLAUDE_CODE_OAUTH_TOKEN", Text(PLACEHOLDER), Credential(OauthToken)),
    // Else settings and events are sent to api.anthropic.com with the placeholder, past the broker.
    variable(QUIET, Text("1"), Credential(OauthToken)),
];

const fn variable(name: &'static str, value: BrokerValue, when: BrokerWhen) -> BrokerVariable {
    BrokerVariable { name, value, when }
}

/// What the organization restricts. The CLI asks for it before its first message, which waits for it, and without an answer
/// of 200 it takes WebFetch and DesignSync away. A direct run with an API key keeps them after a 404, which is what an API
/// without policies answers, so the broker says then what the CLI itself concludes.
const POLICY_LIMITS: AllowedRequest = AllowedRequest {
    answer_within: Some(Duration::from_secs(2)),
    instead: Some(InsteadOfAnswer { status: 404, kind: ApiKey, body: r#"{"restrictions":{}}"# }),
    ..AllowedRequest::plain("GET", "/api/claude_code/policy_limits")
};

/// Measured with 2.1.300 and 2.1.332: it shows the message of a 403 at once, and asks 10 more times within three minutes
/// after a 429 or a 5xx. `x-should-retry: false` ends that. A prefix `sk-ant-` would make it send the token to
/// api.anthropic.com.
pub(super) const CLIENT: BrokerClient = BrokerClient {
    transport: Transport::Socket,
    // Measured with 2.1.300 to 2.1.332; 2.1.100 hangs.
    since: Some(Version::new(2, 1, 300)),
    token_variables: &[],
    variables: VARIABLES,
    token_prefix: "pe-broker-",
    refusal: ErrorForm {
        status: 403,
        before: r#"{"type":"error","error":{"type":"permission_error","message":"#,
        after: "}}",
        headers: &[("x-should-retry", "false")],
    },
    // A 403 is shown as a failed login, which would blame the key.
    unusable: ErrorForm {
        status: 502,
        before: r#"{"type":"error","error":{"type":"api_error","message":"#,
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
