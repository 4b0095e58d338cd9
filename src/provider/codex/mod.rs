//! The row of OpenAI Codex, as measured on 0.163.0.

mod api;
mod arguments;
mod broker;
mod cli;
mod files;
mod modes;
mod output;
mod overrides;
mod variables;

use crate::provider::api::{BaseUrl, Vendor};
use crate::provider::credential::{CredentialInput, CredentialKind, PayloadField, absent, blank};
use crate::provider::row::Provider;
use crate::provider::state::{DirectoryNeed, Made, StateDirectory};
use crate::provider::variables::Authority;

pub static CODEX: Provider = Provider {
    id: "codex",
    name: "OpenAI Codex",
    cli: cli::CLI,
    arguments: arguments::ARGUMENTS,
    output: &output::CODEX_OUTPUT,
    vendors: &[Vendor {
        api: &api::OPENAI,
        inputs: &[CredentialInput {
            kind: CredentialKind::ApiKey,
            field: PayloadField::ApiKey,
            // The CLI reads the first; a custom model provider's `env_key` and tools read the second.
            variables: &["CODEX_API_KEY", "OPENAI_API_KEY"],
            // auth.json on a pipe fails: the CLI opens the file more than once.
            descriptor_variable: None,
            server_variables: &["CODEX_API_KEY", "OPENAI_API_KEY"],
        }],
        // OPENAI_BASE_URL is not honoured.
        base_url: BaseUrl::Override,
        broker: broker::CLIENT,
    }],
    login: Some(api::LOGIN),
    credential_names: &[
        blank("CODEX_ACCESS_TOKEN"),
        absent("CODEX_AGENT_IDENTITY"),
        blank("CODEX_CONNECTORS_TOKEN"),
        blank("CODEX_GITHUB_PERSONAL_ACCESS_TOKEN"),
        blank("CODEX_GUARDIAN_DECISIONS_API_KEY"),
        // Not credentials, but they become headers that say who is billed.
        blank("OPENAI_ORGANIZATION"),
        blank("OPENAI_PROJECT"),
        // Empty, these two end it with exit 1.
        absent("OPENAI_FEDERATION_RULE_ID"),
        absent("OPENAI_IDENTITY_TOKEN_FILE"),
        absent("OPENAI_WORKLOAD_IDENTITY_CONTEXT"),
    ],
    forbidden_variables: variables::FORBIDDEN,
    harmless_variables: &[],
    fixed_variables: &[],
    guard_variables: variables::GUARDS,
    required_variables: &["HOME"],
    // Measured: each lets a turn go to a server with a certificate of that authority, by WebSocket and by POST. Beside the
    // first, the others' still count. With a file that cannot be read, or holds none, it tries again until it is stopped.
    authority: Authority { variable: "CODEX_CA_CERTIFICATE", also: &["SSL_CERT_FILE", "SSL_CERT_DIR"] },
    reads_descriptor_since: None,
    state_directory: StateDirectory {
        variable: "CODEX_HOME",
        option: "codexHome",
        below_home: ".codex",
        // Without a key the CLI sends the request unauthenticated and says nothing: a login in there is not enough.
        is_credential: false,
        // Measured: HTTP_PROXY in there redirected requests. No argument and no variable is known to keep it unread.
        redirecting_files: &[".env"],
    },
    // Missing: exit 1 at once. Not writable: exit 1 after 5 s.
    directory_needs: &[DirectoryNeed {
        variable: "CODEX_HOME",
        otherwise: ".codex",
        below: "",
        made: Made::WhenDefault,
        only_when_named: false,
    }],
    private_temporary: None,
    config_files: files::ALL,
    file_shield: None,
    refused_files: &[],
};
