//! The row of OpenAI Codex, as measured on 0.163.0.

use super::api::{Api, Authorization};
use super::codex_output::CODEX_OUTPUT;
use super::config_file::{Base, ConfigFile, Effect, Format, hazard};
use super::oauth::{BodyFormat, Expiry, ExtraToken, OauthRow, Stored};
use super::row::{
    BaseUrl, Companion, ConfigOverride, CredentialKind, CredentialName, CredentialSlot, DirectoryNeed, FirmArgument,
    NativePackage, OneQuestion, OverrideValue, PayloadField, Provider, StateDirectory, When, WhenUnused,
};

/// OpenAI Codex.
pub static CODEX: Provider = Provider {
    id: "codex",
    name: "OpenAI Codex",
    output: &CODEX_OUTPUT,
    slots: &[CredentialSlot {
        kind: CredentialKind::ApiKey,
        field: PayloadField::ApiKey,
        // The CLI reads the first; a custom model provider's `env_key` and tools read the second.
        variables: &["CODEX_API_KEY", "OPENAI_API_KEY"],
        // auth.json on a pipe fails: the CLI opens the file more than once.
        descriptor_variable: None,
        server_variables: &["CODEX_API_KEY", "OPENAI_API_KEY"],
    }],
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
    directory_needs: &[DirectoryNeed { variable: "CODEX_HOME", otherwise: ".codex", made_when_default: true }],
    private_temporary: None,
    fixed_variables: &[],
    file_shield: None,
    refused_files: &[],
    required_variables: &["HOME"],
    // OPENAI_BASE_URL is not honoured.
    base_url: BaseUrl::Override,
    // Else `config.toml` in CODEX_HOME, which the tenant's agent can write, hands the server's key to an MCP server at any
    // URL (`bearer_token_env_var`) or to a command (`notify`): both measured. The option is of `codex exec --help`. It does
    // not keep the key from a login shell and `git`, which the CLI runs with its whole environment: docs/providers.md.
    firm_arguments: &[FirmArgument {
        text: "--ignore-user-config",
        name: "--ignore-user-config",
        contrary: &[],
        when: When::ServerCredential,
        subcommands: &["exec", "e"],
    }],
    overrides: &[
        ConfigOverride {
            key: "shell_environment_policy.exclude",
            value: OverrideValue::CredentialNames,
            when: When::CredentialInEnvironment,
        },
        // Else `workspace-write` marks the directory as trusted by itself, loads its .codex/config.toml and runs the
        // MCP servers named there, outside the sandbox. Only the inline table works; the dotted form does not.
        ConfigOverride { key: "projects", value: OverrideValue::UntrustedProjects, when: When::Untrusted },
        // The same once more, should `config.toml` be read all the same.
        ConfigOverride { key: "model_provider", value: OverrideValue::Text("openai"), when: When::ServerCredential },
        ConfigOverride { key: "openai_base_url", value: OverrideValue::BaseUrl, when: When::BaseUrl },
    ],
    override_options: &["-c", "--config"],
    level_options: &["--enable", "--disable"],
    directory_options: &["-C", "--cd"],
    sdk_variables: &["CODEX_INTERNAL_ORIGINATOR_OVERRIDE"],
    command: "codex",
    launcher_packages: &["@openai/codex"],
    native_packages: &[
        musl("@openai/codex-linux-x64", "x86_64", "vendor/x86_64-unknown-linux-musl/bin/codex"),
        musl("@openai/codex-linux-arm64", "aarch64", "vendor/aarch64-unknown-linux-musl/bin/codex"),
        darwin("@openai/codex-darwin-x64", "x86_64", "vendor/x86_64-apple-darwin/bin/codex"),
        darwin("@openai/codex-darwin-arm64", "aarch64", "vendor/aarch64-apple-darwin/bin/codex"),
    ],
    // platform.openai.com "List models".
    api: Api {
        vendor: "OpenAI",
        base_url: "https://api.openai.com/v1",
        models_path: "/models",
        authorizations: &[Authorization {
            kind: CredentialKind::ApiKey,
            header: "authorization",
            prefix: "Bearer ",
            with: &[],
        }],
    },
    // Measured with CODEX_REFRESH_TOKEN_URL_OVERRIDE on a mock: the CLI POSTs exactly these three fields as JSON, before
    // its first request when the access token (a JWT) has expired, and after a 401. The default URL and client id are
    // from the executable.
    oauth: OauthRow {
        file: "auth.json",
        token_url: "https://auth.openai.com/oauth/token",
        client_id: "app_EMoamEEZ73f0CkXaXp7hrann",
        body: BodyFormat::Json,
        scopes: &[],
        access_token: &["tokens", "access_token"],
        refresh_token: &["tokens", "refresh_token"],
        expiry: Expiry::Jwt,
        extra_tokens: &[ExtraToken { answer: "id_token", path: &["tokens", "id_token"] }],
        refreshed_at: &["last_refresh"],
        api_key: &["OPENAI_API_KEY"],
        kind_field: &["auth_mode"],
        api_key_kinds: &["apikey"],
        token_kinds: &["chatgpt", "chatgptAuthTokens"],
        // RFC 6749, section 5.2; the codes that Codex 0.163.0 knows.
        login_again: &[
            "invalid_grant",
            "refresh_token_expired",
            "refresh_token_reused",
            "refresh_token_invalidated",
            "token_invalidated",
            "app_session_terminated",
        ],
        log_in: "codex login",
        stored: Stored::CliReadsTheFile,
    },
    // Measured: the host runs the agent's commands, with Codex's whole environment; left behind, the agent has no shell.
    companions: &[
        Companion { path: "codex-code-mode-host", inherits_credential: true },
        Companion { path: "../codex-resources/bwrap", inherits_credential: false },
        Companion { path: "../codex-path/rg", inherits_credential: false },
        Companion { path: "../codex-package.json", inherits_credential: false },
    ],
    config_files: &[
        // Measured on a trusted project: MCP servers were started outside the sandbox, the shell's policy applied; base
        // URL and model providers were ignored there.
        ConfigFile {
            id: "codex-project-config",
            base: Base::Workspace,
            path: ".codex/config.toml",
            format: Format::Toml,
            hazards: &[
                hazard("mcp_servers", Effect::RunsCommands),
                hazard("shell_environment_policy", Effect::ChangesShell),
            ],
            variables: None,
            ignored_when_untrusted: true,
        },
        ConfigFile {
            id: "codex-home-config",
            base: Base::StateDirectory,
            path: "config.toml",
            format: Format::Toml,
            hazards: &[
                hazard("openai_base_url", Effect::Redirects),
                hazard("chatgpt_base_url", Effect::Redirects),
                hazard("model_provider", Effect::Redirects),
                hazard("model_providers", Effect::Redirects),
                hazard("mcp_servers", Effect::RunsCommands),
                hazard("notify", Effect::RunsCommands),
                hazard("shell_environment_policy", Effect::ChangesShell),
            ],
            variables: None,
            ignored_when_untrusted: false,
        },
        // Measured: HTTP_PROXY in there redirected requests, OPENAI_API_KEY reached the agent's shell. A workspace's own
        // .env is read by neither CLI.
        ConfigFile {
            id: "codex-home-env",
            base: Base::StateDirectory,
            path: ".env",
            format: Format::Dotenv,
            hazards: &[],
            variables: Some(""),
            ignored_when_untrusted: false,
        },
        ConfigFile {
            id: "codex-instructions",
            base: Base::Workspace,
            path: "AGENTS.md",
            format: Format::Prose,
            hazards: &[],
            variables: None,
            ignored_when_untrusted: false,
        },
    ],
    // Without the last three, it asks github.com and chatgpt.com: five seconds where they cannot be reached.
    one_question: OneQuestion {
        arguments: &[
            "exec",
            "--experimental-json",
            "--skip-git-repo-check",
            "--sandbox",
            "read-only",
            "--disable",
            "plugins",
            "--disable",
            "apps",
            "-c",
            "analytics.enabled=false",
            "--",
        ],
        variables: &[],
    },
};

const fn blank(name: &'static str) -> CredentialName {
    CredentialName { name, unused: WhenUnused::Blank }
}

const fn absent(name: &'static str) -> CredentialName {
    CredentialName { name, unused: WhenUnused::Absent }
}

/// Linked statically against musl: runs on any Linux.
const fn musl(name: &'static str, arch: &'static str, file: &'static str) -> NativePackage {
    NativePackage { name, os: "linux", arch, libc: "", file, version: ("@openai/codex", "version") }
}

const fn darwin(name: &'static str, arch: &'static str, file: &'static str) -> NativePackage {
    NativePackage { name, os: "macos", arch, libc: "", file, version: ("@openai/codex", "version") }
}
