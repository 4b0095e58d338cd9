//! Claude Code and the broker: its requests to the API, how it finds the broker, and the errors that it shows.

use std::time::Duration;

use super::variables::QUIET;
use crate::provider::broker::BrokerValue::{Address, Text};
use crate::provider::broker::BrokerWhen::{Always, Credential, VendorEndpoint};
use crate::provider::broker::{
    AllowedRequest, BrokerClient, BrokerValue, BrokerVariable, BrokerWhen, ErrorForm, InsteadOfAnswer, Transport,
};
use crate::provider::credential::CredentialKind::{ApiKey, OauthToken};
use crate::provider::version::Version;

/// Measured with 2.1.300 to 2.1.332 on a mock API; `HEAD /` until 2.1.200. It never requests
/// `/api/claude_code/settings` through the broker.
pub(super) static REQUESTS: &[AllowedRequest] = &[
    AllowedRequest::plain("POST", "/v1/messages"),
    AllowedRequest::plain("POST", "/v1/messages/count_tokens"),
    POLICY_LIMITS,
    AllowedRequest::plain("GET", "/v1/models"),
    AllowedRequest::plain("GET", "/v1/models/*"),
    AllowedRequest::plain("HEAD", "/api/hello"),
    AllowedRequest::plain("HEAD", "/"),
];

/// The word by which the CLI knows that the other end of the socket adds the credential. With it, and with no other
/// word that was tried, the CLI sends no credential to api.anthropic.com.
const PLACEHOLDER: &str = "ssh-placeholder";

/// Measured with 2.1.300 and 2.1.332 (`__test__/routes/broker-routes.test.js`).
const VARIABLES: &[BrokerVariable] = &[
    variable("ANTHROPIC_UNIX_SOCKET", Address, Always),
    // Requests go to the socket whatever this value is. The name cannot resolve, so a prompt goes nowhere if the
    // socket's variable is lost.
    variable("ANTHROPIC_BASE_URL", Text("http://provider-env.invalid"), Always),
    // Otherwise betas, the scope of the prompt cache and headers are lost, which the CLI sends only to the vendor.
    variable("_CLAUDE_CODE_ASSUME_FIRST_PARTY_BASE_URL", Text("1"), VendorEndpoint),
    variable("ANTHROPIC_API_KEY", Text(PLACEHOLDER), Credential(ApiKey)),
    variable("CLAUDE_CODE_OAUTH_TOKEN", Text(PLACEHOLDER), Credential(OauthToken)),
    // Otherwise the CLI sends settings and events to api.anthropic.com with the placeholder, past the broker.
    variable(QUIET, Text("1"), Credential(OauthToken)),
];

const fn variable(name: &'static str, value: BrokerValue, when: BrokerWhen) -> BrokerVariable {
    BrokerVariable { name, value, when }
}

/// The organization's restrictions. The CLI requests them before its first message, which waits for them, and turns
/// WebFetch and DesignSync off unless the answer is a 200. A direct run with an API key keeps both after a 404, which
/// an API without policies answers. So the broker then answers what the CLI itself concludes directly.
const POLICY_LIMITS: AllowedRequest = AllowedRequest {
    answer_within: Some(Duration::from_secs(2)),
    instead: Some(InsteadOfAnswer { status: 404, kind: ApiKey, body: r#"{"restrictions":{}}"# }),
    ..AllowedRequest::plain("GET", "/api/claude_code/policy_limits")
};

/// Measured with 2.1.300 and 2.1.332: it shows the message of a 403 at once, and makes 10 more attempts within three
/// minutes after a 429 or a 5xx. `x-should-retry: false` prevents those. A prefix `sk-ant-` would make it send the
/// token to api.anthropic.com.
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
