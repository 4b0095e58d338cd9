//! The row of Claude Code, as measured on 2.1.330 with Agent SDK 0.3.330.

mod api;
mod arguments;
mod broker;
mod cli;
mod files;
mod output;
mod variables;

use crate::provider::api::{BaseUrl, Vendor};
use crate::provider::credential::{CredentialInput, CredentialKind, PayloadField, absent, blank};
use crate::provider::row::Provider;
use crate::provider::state::{DirectoryNeed, Made, PrivateTemporary, StateDirectory};
use crate::provider::variables::Authority;
use crate::provider::version::Version;

const STATE: &str = "CLAUDE_CONFIG_DIR";

pub static CLAUDE: Provider = Provider {
    id: "claude",
    name: "Claude Code",
    cli: cli::CLI,
    arguments: arguments::ARGUMENTS,
    output: &output::CLAUDE_OUTPUT,
    vendors: &[Vendor {
        api: &api::ANTHROPIC,
        inputs: &[
            CredentialInput {
                kind: CredentialKind::ApiKey,
                field: PayloadField::ApiKey,
                variables: &["ANTHROPIC_API_KEY"],
                // Read to the end, trimmed. The variable and the key are both absent from the agent's shell.
                descriptor_variable: Some("CLAUDE_CODE_API_KEY_FILE_DESCRIPTOR"),
                server_variables: &["ANTHROPIC_API_KEY"],
            },
            CredentialInput {
                kind: CredentialKind::OauthToken,
                field: PayloadField::OauthAccessToken,
                variables: &["CLAUDE_CODE_OAUTH_TOKEN"],
                descriptor_variable: Some("CLAUDE_CODE_OAUTH_TOKEN_FILE_DESCRIPTOR"),
                server_variables: &[],
            },
        ],
        base_url: BaseUrl::Variable("ANTHROPIC_BASE_URL"),
        broker: broker::CLIENT,
    }],
    login: Some(api::LOGIN),
    // Names from the executable's strings. Blank where an empty value was seen to count as unset, all at once and
    // beside every kind of credential.
    credential_names: &[
        blank("ANTHROPIC_AUTH_TOKEN"),
        blank("ANTHROPIC_CUSTOM_HEADERS"),
        blank("ANTHROPIC_AWS_API_KEY"),
        blank("ANTHROPIC_FOUNDRY_API_KEY"),
        blank("ANTHROPIC_FOUNDRY_AUTH_TOKEN"),
        blank("ANTHROPIC_IDENTITY_TOKEN"),
        blank("ANTHROPIC_IDENTITY_TOKEN_FILE"),
        blank("ANTHROPIC_FEDERATION_RULE_ID"),
        blank("CLAUDE_CODE_OAUTH_REFRESH_TOKEN"),
        blank("CLAUDE_CODE_SESSION_ACCESS_TOKEN"),
        blank("CLAUDE_CODE_GATEWAY_TOKEN"),
        blank("CLAUDE_CODE_SESSIONS_OAUTH_TOKEN"),
        blank("CLAUDE_CODE_HFI_BEARER_TOKEN"),
        absent("CLAUDE_CODE_WEBSOCKET_AUTH_FILE_DESCRIPTOR"),
    ],
    forbidden_variables: variables::FORBIDDEN,
    harmless_variables: variables::HARMLESS,
    fixed_variables: variables::FIXED,
    guard_variables: &[],
    // Without it, a uid that has no passwd entry crashes in uv_os_homedir.
    required_variables: &["HOME"],
    // Measured: each lets a turn go to a server with a certificate of that authority. A file that cannot be read, or holds
    // none, is passed over without a word.
    authority: Authority { variable: "NODE_EXTRA_CA_CERTS", also: &["SSL_CERT_FILE", "SSL_CERT_DIR"] },
    // Measured with a pipe of root's: 2.1.250 says that it is not logged in, 2.1.260 and newer read it.
    reads_descriptor_since: Some(Version::new(2, 1, 260)),
    state_directory: StateDirectory {
        variable: STATE,
        option: "claudeConfigDir",
        below_home: ".claude",
        is_credential: true,
        redirecting_files: &[],
    },
    // An unwritable TMPDIR ends it with EACCES on mkdir '<TMPDIR>/claude-<uid>'. An unwritable state directory, or one of
    // sessions in it, it survives without a word, and the session cannot be resumed. It makes both when they are missing,
    // with what is missing above them.
    directory_needs: &[
        DirectoryNeed { variable: "TMPDIR", otherwise: "/tmp", below: "", made: Made::Never, only_when_named: false },
        state_need(""),
        state_need("projects"),
    ],
    // Measured: another's directory of that name ends it with exit 1. It makes the one it is told of by the variable.
    private_temporary: Some(PrivateTemporary { prefix: "claude-", variable: "CLAUDE_CODE_TMPDIR" }),
    config_files: files::ALL,
    file_shield: Some(files::SHIELD),
    refused_files: files::REFUSED,
};

const fn state_need(below: &'static str) -> DirectoryNeed {
    DirectoryNeed { variable: STATE, otherwise: ".claude", below, made: Made::Always, only_when_named: true }
}
