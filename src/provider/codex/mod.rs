//! The row of OpenAI Codex, as measured on 0.163.0.

mod api;
mod arguments;
mod broker;
mod cli;
mod files;
mod modes;
mod output;
mod overrides;

use crate::provider::api::{BaseUrl, Vendor};
use crate::provider::arguments::When;
use crate::provider::credential::{CredentialInput, CredentialKind, PayloadField, absent, blank};
use crate::provider::row::Provider;
use crate::provider::state::{DirectoryNeed, Made, StateDirectory};
use crate::provider::variables::{Authority, GuardVariable, VariablePatterns};

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
    forbidden_variables: FORBIDDEN,
    harmless_variables: &[],
    fixed_variables: &[],
    guard_variables: GUARDS,
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

/// Codex runs `git status`, and other commands of git, in the working directory with its whole environment. Without the
/// first, filters in `.git/config` ran with the key (measured on 0.140.0 and 0.163.0). With it they did not (0.120.0,
/// 0.140.0, 0.163.0, 0.169.0): where the repository is none, git runs nothing, and Codex finds the root without git. Git's
/// own `trace2.envVars` in HOME writes the key into a file.
const GUARDS: &[GuardVariable] = &[
    GuardVariable { name: "GIT_DIR", value: "/dev/null", when: When::Untrusted },
    GuardVariable { name: "GIT_DIR", value: "/dev/null", when: When::ServerCredential },
    GuardVariable { name: "GIT_CONFIG_GLOBAL", value: "/dev/null", when: When::ServerCredential },
];

/// From the strings and the measured behaviour of 0.163.0; `tests/variables/codex.txt` classifies each that it reads.
const FORBIDDEN: VariablePatterns = VariablePatterns {
    code: &[
        "CODEX_EXEC_SERVER_*",
        "CODEX_APPLY_GIT_CFG",
        "CODEX_MANAGED_PACKAGE_ROOT",
        "CODEX_SNAPSHOT_*",
        "__CODEX_*",
    ],
    redirect: &[
        "CODEX_NETWORK_*",
        "CODEX_CA_CERTIFICATE",
        "CODEX_APP_SERVER_LOGIN_*",
        "CODEX_REFRESH_TOKEN_URL_OVERRIDE",
        "CODEX_REVOKE_TOKEN_URL_OVERRIDE",
        "CODEX_OSS_*",
    ],
    disclosure: &[
        "OPENAI_LOG",
        "CODEX_ROLLOUT_TRACE_ROOT",
        "CODEX_TUI_RECORD_SESSION",
        "CODEX_TUI_SESSION_LOG_*",
        "CODEX_INTERNAL_ORIGINATOR_OVERRIDE",
        "CODEX_PLUGIN_METRICS_OUTPUT",
    ],
    credential: &["OPENAI_*", "CODEX_*TOKEN*", "CODEX_*_KEY"],
    mode: &["CODEX_SQLITE_HOME", "CODEX_CLOUD_TASKS_*", "CODEX_DAEMON_*", "CODEX_SANDBOX*"],
};
