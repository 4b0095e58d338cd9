//! The row of OpenAI Codex, as measured on 0.163.0.

mod modes;
mod output;

use self::modes::MODES;
use self::output::CODEX_OUTPUT;
use crate::provider::api::{Api, Authorization};
use crate::provider::config_file::{Base, ConfigFile, Effect, Format, Hazard, hazard};
use crate::provider::guard::{FeatureOption, GuardVariable, InlineDefinitions, InlineSyntax, RefusedOption};
use crate::provider::oauth::{BodyFormat, Expiry, ExtraToken, OauthRow, Stored};
use crate::provider::row::{
    Authority, BaseUrl, Companion, ConfigOverride, CredentialKind, CredentialName, CredentialSlot, DirectoryNeed,
    FirmArgument, Made, NativePackage, OneQuestion, OverrideValue, PayloadField, Provider, Sdk, StateDirectory, When,
    WhenUnused,
};
use crate::provider::version::{Version, Versions};

/// OpenAI Codex.
pub static CODEX: Provider = Provider {
    id: "codex",
    name: "OpenAI Codex",
    // 0.140.0 passes all tests of the real CLI; a hook of hooks.json got a server's key from 0.125.0.
    versions: Versions {
        oldest: Version::new(0, 140, 0),
        older: "give a server's key to hooks in CODEX_HOME (0.125.0), and 0.124 and older to its config.toml",
        tested: Version::new(0, 169, 0),
    },
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
    directory_needs: &[DirectoryNeed {
        variable: "CODEX_HOME",
        otherwise: ".codex",
        below: "",
        made: Made::WhenDefault,
        only_when_named: false,
    }],
    private_temporary: None,
    fixed_variables: &[],
    file_shield: None,
    refused_files: &[],
    reads_descriptor_since: None,
    required_variables: &["HOME"],
    // OPENAI_BASE_URL is not honoured.
    base_url: BaseUrl::Override,
    // Measured: each lets a turn go to a server with a certificate of that authority, by WebSocket and by POST. Beside the
    // first, the others' still count. With a file that cannot be read, or holds none, it tries again until it is stopped.
    authority: Authority { variable: "CODEX_CA_CERTIFICATE", also: &["SSL_CERT_FILE", "SSL_CERT_DIR"] },
    // Else `config.toml` in CODEX_HOME, which the tenant's agent can write, hands the server's key to an MCP server at any
    // URL (`bearer_token_env_var`) or to a command (`notify`): both measured. The option is of `codex exec --help`. It does
    // not keep the key from `git`, which the CLI runs with its whole environment: GUARDS does.
    firm_arguments: &[FirmArgument {
        text: "--ignore-user-config",
        name: "--ignore-user-config",
        sdk_option: None,
        contrary: &[],
        when: When::ServerCredential,
        subcommands: &["exec", "e"],
    }],
    overrides: &[
        ConfigOverride {
            key: "shell_environment_policy.exclude",
            value: OverrideValue::HiddenNames,
            when: When::CredentialInEnvironment,
        },
        // Else a login shell, which reads `.bashrc` in HOME, gets the key; and up to 0.157 it writes the key into a file that
        // the agent's shell then reads, whatever the policy above says. An override, and not `--disable`: a version that
        // does not know a feature accepts this.
        ConfigOverride {
            key: "features.shell_snapshot",
            value: OverrideValue::Off,
            when: When::CredentialInEnvironment,
        },
        // Else `git ls-remote` gets the key, beside a `.gitconfig` in HOME.
        ConfigOverride { key: "features.plugins", value: OverrideValue::Off, when: When::ServerCredential },
        // Else `workspace-write` marks the directory as trusted by itself, loads its .codex/config.toml and runs the
        // MCP servers named there, outside the sandbox. Only the inline table works; the dotted form does not.
        ConfigOverride { key: "projects", value: OverrideValue::Projects("untrusted"), when: When::Untrusted },
        // Up to 0.166 a project is trusted by itself, in 0.169 it is not.
        ConfigOverride { key: "projects", value: OverrideValue::Projects("trusted"), when: When::Trusted },
        // The same once more, should `config.toml` be read all the same.
        ConfigOverride { key: "model_provider", value: OverrideValue::Text("openai"), when: When::ServerCredential },
        ConfigOverride { key: "openai_base_url", value: OverrideValue::BaseUrl, when: When::BaseUrl },
    ],
    override_options: &["-c", "--config"],
    feature_options: &[
        FeatureOption { name: "--enable", prefix: "features.", value: "true" },
        FeatureOption { name: "--disable", prefix: "features.", value: "false" },
    ],
    refused_options: &[
        RefusedOption {
            name: "--remote",
            when: When::CredentialInEnvironment,
            does: "hands the session to an app server that has none of the arguments which protect the key",
            instead: "Leave it out.",
        },
        RefusedOption {
            name: "--remote-auth-token-env",
            when: When::CredentialInEnvironment,
            does: "sends a variable, which can be the key, to another server",
            instead: "Leave it out.",
        },
        // Measured on 0.169.0: beside our override it is inert, and is written to config.toml for the next start.
        RefusedOption {
            name: "--trust",
            when: When::Untrusted,
            does: "marks the workspace as trusted in config.toml",
            instead: "Leave it out, or say workspaceTrust: \"trusted\".",
        },
        // Measured: without git in the workspace, which GUARDS takes away, it waits for ever.
        RefusedOption {
            name: "--base",
            when: When::Untrusted,
            does: "has Codex run git in the workspace with the key in its environment, so that a filter in .git/config gets it",
            instead: "Name the base in the prompt, and let the agent ask git; or say workspaceTrust: \"trusted\".",
        },
        // Measured on 0.163.0: `--ignore-user-config` does not keep hooks.json unread.
        RefusedOption {
            name: "--dangerously-bypass-hook-trust",
            when: When::ServerCredential,
            does: "runs hooks.json in CODEX_HOME, which the tenant's agent can write, with the server's key",
            instead: "Leave it out.",
        },
    ],
    modes: MODES,
    inline_definitions: &[
        InlineDefinitions {
            options: &["-c", "--config"],
            syntax: InlineSyntax::Override,
            holder: "mcp_servers",
            tables: &["env", "http_headers"],
            secrets: &["bearer_token"],
            instead: "Name variables of `userEnvKeys` instead: env_vars, env_http_headers, bearer_token_env_var.",
        },
        InlineDefinitions {
            options: &["-c", "--config"],
            syntax: InlineSyntax::Override,
            holder: "model_providers",
            tables: &["http_headers", "query_params"],
            secrets: &["experimental_bearer_token"],
            instead: "Name variables of `userEnvKeys` instead: env_key, env_http_headers.",
        },
    ],
    guard_variables: GUARDS,
    // Measured: below a root with a `.codex` of its own, 0.120 asks about that root alone; from 0.125 on the directory
    // itself comes first where it is untrusted, and trust in it does not reach the root.
    project_markers: &[".git"],
    directory_options: &["-C", "--cd"],
    // 0.148.0 and older have no `configOverrides`, 0.149.0 has (from their index.js).
    sdk: Sdk {
        package: "@openai/codex-sdk",
        oldest: Version::new(0, 149, 0),
        older: "ignore configOverrides, so that the agent's shell gets the key and the workspace configures the CLI",
        version_variable: None,
        variables: &["CODEX_INTERNAL_ORIGINATOR_OVERRIDE"],
    },
    command: "codex",
    launcher_packages: &["@openai/codex"],
    native_packages: &[
        musl(
            "@openai/codex-linux-x64",
            "x86_64",
            &["vendor/x86_64-unknown-linux-musl/bin/codex", "vendor/x86_64-unknown-linux-musl/codex/codex"],
        ),
        musl(
            "@openai/codex-linux-arm64",
            "aarch64",
            &["vendor/aarch64-unknown-linux-musl/bin/codex", "vendor/aarch64-unknown-linux-musl/codex/codex"],
        ),
        darwin(
            "@openai/codex-darwin-x64",
            "x86_64",
            &["vendor/x86_64-apple-darwin/bin/codex", "vendor/x86_64-apple-darwin/codex/codex"],
        ),
        darwin(
            "@openai/codex-darwin-arm64",
            "aarch64",
            &["vendor/aarch64-apple-darwin/bin/codex", "vendor/aarch64-apple-darwin/codex/codex"],
        ),
    ],
    // From 0.133 on, in every build of the vendor's.
    manifest: Some(("../codex-package.json", "version")),
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
        project("codex-project-config", ".codex/config.toml", Format::Toml, PROJECT_HAZARDS),
        // Ignored by 0.163.0 also in a trusted project, unless the caller says --dangerously-bypass-hook-trust.
        project("codex-project-hooks", ".codex/hooks.json", Format::Json, HOOKS),
        // Measured: filters got the key. GUARDS hides the repository from Codex's own git.
        project("codex-git-config", ".git/config", Format::Git, GIT_HAZARDS),
        obeyed("codex-home-config", Base::StateDirectory, "config.toml", Format::Toml, CONFIG_HAZARDS),
        // Measured: `program` was run at once, with the key, and gets the agent's commands; `url` gets them too.
        obeyed("codex-home-environments", Base::StateDirectory, "environments.toml", Format::Toml, ENVIRONMENT_HAZARDS),
        // As the project's. With that option they run on the server's key too: so it is refused there.
        obeyed("codex-home-hooks", Base::StateDirectory, "hooks.json", Format::Json, HOOKS),
        // Measured: `url.*.insteadOf` ran a command with the key (`git ls-remote`, for plugins), `trace2` wrote the key into a
        // file. Filters need a repository that names them.
        obeyed("codex-home-git", Base::Home, ".gitconfig", Format::Git, HOME_GIT_HAZARDS),
        obeyed("codex-home-git-xdg", Base::Home, ".config/git/config", Format::Git, HOME_GIT_HAZARDS),
        // The host's. Opened by 0.163.0; what they do was not measured.
        system("codex-system-config", "etc/codex/config.toml", Format::Toml, CONFIG_HAZARDS),
        system("codex-system-managed-config", "etc/codex/managed_config.toml", Format::Toml, CONFIG_HAZARDS),
        system("codex-system-requirements", "etc/codex/requirements.toml", Format::Toml, HOOKS),
        system("codex-system-hooks", "etc/codex/hooks.json", Format::Json, HOOKS),
        // Measured: HTTP_PROXY in there redirected requests, OPENAI_API_KEY reached the agent's shell. A workspace's own
        // .env is read by neither CLI. Beside it, a start on the server's key is refused.
        ConfigFile {
            variables: Some(""),
            ..obeyed("codex-home-env", Base::StateDirectory, ".env", Format::Dotenv, &[])
        },
        ConfigFile { ignored_when_untrusted: false, ..project("codex-instructions", "AGENTS.md", Format::Prose, &[]) },
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

/// Codex runs `git status`, and other commands of git, in the working directory with its whole environment. Without the
/// first, filters in `.git/config` ran with the key (measured on 0.140.0 and 0.163.0). With it they did not (0.120.0,
/// 0.140.0, 0.163.0, 0.169.0): where the repository is none, git runs nothing, and Codex finds the root without git. Git's
/// own `trace2.envVars` in HOME writes the key into a file.
static GUARDS: &[GuardVariable] = &[
    GuardVariable { name: "GIT_DIR", value: "/dev/null", when: When::Untrusted },
    GuardVariable { name: "GIT_DIR", value: "/dev/null", when: When::ServerCredential },
    GuardVariable { name: "GIT_CONFIG_GLOBAL", value: "/dev/null", when: When::ServerCredential },
];

static PROJECT_HAZARDS: &[Hazard] =
    &[hazard("mcp_servers", Effect::RunsCommands), hazard("shell_environment_policy", Effect::ChangesShell)];

static HOOKS: &[Hazard] = &[hazard("hooks", Effect::RunsCommands)];

/// Those that redirect or run something were measured with the key in it, but for `chatgpt_base_url` and `otel`, which got
/// requests without it; `hooks` ran with --dangerously-bypass-hook-trust.
static CONFIG_HAZARDS: &[Hazard] = &[
    hazard("openai_base_url", Effect::Redirects),
    hazard("chatgpt_base_url", Effect::Redirects),
    hazard("model_provider", Effect::Redirects),
    hazard("model_providers", Effect::Redirects),
    hazard("otel", Effect::Redirects),
    hazard("mcp_servers", Effect::RunsCommands),
    hazard("notify", Effect::RunsCommands),
    hazard("hooks", Effect::RunsCommands),
    hazard("shell_environment_policy", Effect::ChangesShell),
];

static ENVIRONMENT_HAZARDS: &[Hazard] =
    &[hazard("environments.program", Effect::RunsCommands), hazard("environments.url", Effect::Redirects)];

/// git-config(1): names are compared without regard to case, and stand here in lower case.
static GIT_HAZARDS: &[Hazard] = &[
    hazard("filter", Effect::RunsCommands),
    hazard("core.fsmonitor", Effect::RunsCommands),
    hazard("core.hookspath", Effect::RunsCommands),
    hazard("core.sshcommand", Effect::RunsCommands),
    hazard("core.gitproxy", Effect::RunsCommands),
    hazard("credential", Effect::RunsCommands),
    hazard("url", Effect::RunsCommands),
    hazard("include", Effect::RunsCommands),
    hazard("includeif", Effect::RunsCommands),
];

static HOME_GIT_HAZARDS: &[Hazard] = &[
    hazard("url", Effect::RunsCommands),
    hazard("credential", Effect::RunsCommands),
    hazard("core.gitproxy", Effect::RunsCommands),
    hazard("http", Effect::Redirects),
    hazard("trace2", Effect::Discloses),
    hazard("include", Effect::RunsCommands),
    hazard("includeif", Effect::RunsCommands),
];

/// A file of the workspace that a start keeps unread while the workspace is not trusted.
const fn project(id: &'static str, path: &'static str, format: Format, hazards: &'static [Hazard]) -> ConfigFile {
    ConfigFile {
        id,
        base: Base::Workspace,
        path,
        format,
        hazards,
        variables: None,
        ignored_when_untrusted: true,
        ignored_with_server_credential: false,
    }
}

/// A file of the tenant's that is obeyed in every start on the tenant's own key, and in none on the server's.
const fn obeyed(
    id: &'static str,
    base: Base,
    path: &'static str,
    format: Format,
    hazards: &'static [Hazard],
) -> ConfigFile {
    let (ignored_when_untrusted, ignored_with_server_credential) = (false, true);
    ConfigFile {
        id,
        base,
        path,
        format,
        hazards,
        variables: None,
        ignored_when_untrusted,
        ignored_with_server_credential,
    }
}

/// A file of the host's, which is obeyed in every start.
const fn system(id: &'static str, path: &'static str, format: Format, hazards: &'static [Hazard]) -> ConfigFile {
    ConfigFile { ignored_with_server_credential: false, ..obeyed(id, Base::Root, path, format, hazards) }
}

/// Linked statically against musl: runs on any Linux.
const fn musl(name: &'static str, arch: &'static str, files: &'static [&'static str]) -> NativePackage {
    NativePackage { name, os: "linux", arch, libc: "", files, version: ("@openai/codex", "version") }
}

const fn darwin(name: &'static str, arch: &'static str, files: &'static [&'static str]) -> NativePackage {
    NativePackage { name, os: "macos", arch, libc: "", files, version: ("@openai/codex", "version") }
}
