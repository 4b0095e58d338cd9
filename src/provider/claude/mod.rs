//! The row of Claude Code, as measured on 2.1.330 with Agent SDK 0.3.330.

mod output;

use self::output::CLAUDE_OUTPUT;
use crate::provider::api::{Api, Authorization};
use crate::provider::config_file::{Base, ConfigFile, Effect, Format, Hazard, hazard};
use crate::provider::guard::{InlineDefinitions, InlineSyntax};
use crate::provider::mode::{Mode, ModeSign, Usable};
use crate::provider::oauth::{BodyFormat, Expiry, OauthRow, Stored};
use crate::provider::row::{
    Authority, BaseUrl, CredentialKind, CredentialName, CredentialSlot, DirectoryNeed, FileShield, FirmArgument,
    FixedVariable, FixedWhen, Made, NativePackage, OneQuestion, PayloadField, PrivateTemporary, Provider, RefusedFile,
    RefusedWhen, Sdk, StateDirectory, When, WhenUnused,
};
use crate::provider::version::{Version, Versions};

const TOKEN_OR_LOGIN: &[CredentialKind] = &[CredentialKind::OauthToken, CredentialKind::ConfigDir];

/// The host, and no file, decides where requests go and with what credential.
const MANAGED_BY_HOST: &str = "CLAUDE_CODE_PROVIDER_MANAGED_BY_HOST";

/// No request but those of a turn.
const QUIET: &str = "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC";

/// Names the state directory.
const STATE: &str = "CLAUDE_CONFIG_DIR";

/// What `--bare` sets.
const SIMPLE: &str = "CLAUDE_CODE_SIMPLE";

/// Claude Code.
pub static CLAUDE: Provider = Provider {
    id: "claude",
    name: "Claude Code",
    // Measured: 2.1.280, 281, 296 and 299 send the credential to a proxy that `.claude.json` names (`file_shield`). For those
    // before 260 see `reads_descriptor_since`. 2.1.200 ran a command that `.git/config` of an untrusted workspace names;
    // 2.1.150 and older obey proxies (`file_shield`); 2.1.113 and older send an empty Authorization header beside a blank
    // ANTHROPIC_AUTH_TOKEN; 2.1.112 and older are a script that node runs.
    versions: Versions {
        oldest: Version::new(2, 1, 300),
        older: "send their credential to a proxy that `.claude.json` names, or read a key only from a pipe that every process of \
                their uid can open",
        tested: Version::new(2, 1, 332),
    },
    output: &CLAUDE_OUTPUT,
    slots: &[
        CredentialSlot {
            kind: CredentialKind::ApiKey,
            field: PayloadField::ApiKey,
            variables: &["ANTHROPIC_API_KEY"],
            // Read to the end, trimmed. The variable and the key are both absent from the agent's shell.
            descriptor_variable: Some("CLAUDE_CODE_API_KEY_FILE_DESCRIPTOR"),
            server_variables: &["ANTHROPIC_API_KEY"],
        },
        CredentialSlot {
            kind: CredentialKind::OauthToken,
            field: PayloadField::OauthAccessToken,
            variables: &["CLAUDE_CODE_OAUTH_TOKEN"],
            descriptor_variable: Some("CLAUDE_CODE_OAUTH_TOKEN_FILE_DESCRIPTOR"),
            server_variables: &[],
        },
    ],
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
    fixed_variables: &[
        // Else the member `env` of .claude.json and .config.json replaces the base URL and names proxies, in every start.
        // With it, the CLI does not look for a login in its state directory.
        FixedVariable {
            name: MANAGED_BY_HOST,
            value: "1",
            why: "where a credential is handed over, so that no file sends that elsewhere",
            when: FixedWhen::CredentialHandedOver,
        },
        // Else an API key that begins with `sk-ant-` and any OAuth token also go to api.anthropic.com: /api/eval/*,
        // /api/claude_cli/bootstrap, /api/claude_code_penguin_mode, /api/event_logging/*. DISABLE_TELEMETRY and
        // DISABLE_GROWTHBOOK end the first and the last of them only.
        FixedVariable {
            name: QUIET,
            value: "1",
            why: "beside options.baseUrl, so that the credential goes there alone",
            when: FixedWhen::BaseUrl,
        },
    ],
    // Measured with both kinds of credential and with each file: 2.1.300, 316, 330 and 332 keep base URLs, proxies and other
    // services out, and so do 200, 250 and 260. Those between (280, 281, 296, 299) obey proxies, and so do 150 and 113; 2.1.81
    // does not know the name.
    // BUN_CONFIG_VERBOSE_FETCH, which the runtime reads, prints every request's headers; an empty QUIET counts as none; SIMPLE,
    // as --bare, leaves the credential unused.
    file_shield: Some(FileShield {
        variable: MANAGED_BY_HOST,
        since: Version::new(2, 1, 300),
        files: &["claude-home-config", "claude-state-config", "claude-legacy-config"],
        passes: &["BUN_CONFIG_VERBOSE_FETCH", QUIET, SIMPLE],
    }),
    // The cache of an organization's settings: obeyed as policy, in spite of --setting-sources= and of --safe-mode and
    // --restricted. With another endpoint than Anthropic's it is not read.
    // The other two belong to whoever is called `claude`: measured, the key there is used in the place of anybody's
    // token or stored login, and the token in the place of a stored login. What is on a pipe that the target owns (see
    // `reads_descriptor_since`) wins over the file of its own kind.
    refused_files: &[
        RefusedFile { file: "claude-remote-settings", when: RefusedWhen::UntrustedWithoutBaseUrl },
        RefusedFile { file: "claude-foreign-key", when: RefusedWhen::Credential(TOKEN_OR_LOGIN) },
        RefusedFile { file: "claude-foreign-token", when: RefusedWhen::Credential(&[CredentialKind::ConfigDir]) },
    ],
    // Measured with a pipe of root's: 2.1.250 says that it is not logged in, 2.1.260 and newer read it.
    reads_descriptor_since: Some(Version::new(2, 1, 260)),
    // Without it, a uid that has no passwd entry crashes in uv_os_homedir.
    required_variables: &["HOME"],
    base_url: BaseUrl::Variable("ANTHROPIC_BASE_URL"),
    // Measured: each lets a turn go to a server with a certificate of that authority. A file that cannot be read, or holds
    // none, is passed over without a word.
    authority: Authority { variable: "NODE_EXTRA_CA_CERTS", also: &["SSL_CERT_FILE", "SSL_CERT_DIR"] },
    // Without it, a workspace's .claude/settings.json replaces the base URL, runs hooks that see the key, and names
    // an apiKeyHelper.
    firm_arguments: &[FirmArgument {
        text: "--setting-sources=",
        name: "--setting-sources",
        sdk_option: Some("settingSources"),
        contrary: &["project", "local"],
        when: When::Untrusted,
        subcommands: &[],
    }],
    overrides: &[],
    override_options: &[],
    feature_options: &[],
    refused_options: &[],
    modes: MODES,
    inline_definitions: &[InlineDefinitions {
        options: &["--mcp-config", "--agents"],
        syntax: InlineSyntax::Json,
        holder: "mcpServers",
        tables: &["env", "headers"],
        secrets: &[],
        // Agent SDK 0.3.325 and older ignore mcpServersDelivery (see `sdk`); their version may be unknown.
        instead: "Give the path of a file that only the target can read, or name a variable of `userEnvKeys` in it, as \
                  ${USER_TOKEN}. An Agent SDK does this where it does not know mcpServersDelivery, which \
                  `claudeAgentOptions` sets: take 0.3.326 or newer.",
    }],
    guard_variables: &[],
    project_markers: &[],
    directory_options: &[],
    // 0.3.325 and older do not know `mcpServersDelivery`, 0.3.326 does (from their sdk.mjs). Each sets the variable, unless
    // the caller's environment has it.
    sdk: Sdk {
        package: "@anthropic-ai/claude-agent-sdk",
        oldest: Version::new(0, 3, 326),
        older: "put MCP servers, with their variables and headers, on the command line, which every user of the machine reads",
        version_variable: Some("CLAUDE_AGENT_SDK_VERSION"),
        variables: &[
            "CLAUDE_CODE_ENTRYPOINT",
            "CLAUDE_AGENT_SDK_VERSION",
            "CLAUDE_CODE_SDK_READS_SESSION_STATE",
            "CLAUDE_CODE_SDK_READS_STARTUP_MARKS",
            "CLAUDE_CODE_ENABLE_SDK_FILE_CHECKPOINTING",
        ],
    },
    command: "claude",
    launcher_packages: &["@anthropic-ai/claude-code"],
    native_packages: &[
        code("@anthropic-ai/claude-code-linux-x64", "linux", "x86_64", "gnu"),
        code("@anthropic-ai/claude-code-linux-x64-musl", "linux", "x86_64", "musl"),
        code("@anthropic-ai/claude-code-linux-arm64", "linux", "aarch64", "gnu"),
        code("@anthropic-ai/claude-code-linux-arm64-musl", "linux", "aarch64", "musl"),
        code("@anthropic-ai/claude-code-darwin-x64", "macos", "x86_64", ""),
        code("@anthropic-ai/claude-code-darwin-arm64", "macos", "aarch64", ""),
        sdk("@anthropic-ai/claude-agent-sdk-linux-x64", "linux", "x86_64", "gnu"),
        sdk("@anthropic-ai/claude-agent-sdk-linux-x64-musl", "linux", "x86_64", "musl"),
        sdk("@anthropic-ai/claude-agent-sdk-linux-arm64", "linux", "aarch64", "gnu"),
        sdk("@anthropic-ai/claude-agent-sdk-linux-arm64-musl", "linux", "aarch64", "musl"),
        sdk("@anthropic-ai/claude-agent-sdk-darwin-x64", "macos", "x86_64", ""),
        sdk("@anthropic-ai/claude-agent-sdk-darwin-arm64", "macos", "aarch64", ""),
    ],
    manifest: None,
    // platform.claude.com "List Models"; the OAuth header's beta is the CLI's own.
    api: Api {
        vendor: "Anthropic",
        base_url: "https://api.anthropic.com",
        models_path: "/v1/models?limit=1",
        authorizations: &[
            Authorization {
                kind: CredentialKind::ApiKey,
                header: "x-api-key",
                prefix: "",
                with: &[("anthropic-version", "2023-06-01")],
            },
            Authorization {
                kind: CredentialKind::OauthToken,
                header: "authorization",
                prefix: "Bearer ",
                with: &[("anthropic-version", "2023-06-01"), ("anthropic-beta", "oauth-2025-04-20")],
            },
        ],
    },
    // From the executable: its token endpoint, its client id, and the body of its own refresh. It keeps the refresh token
    // where the answer has none, and it writes an empty one over a refresh token that was refused.
    oauth: OauthRow {
        file: ".credentials.json",
        token_url: "https://platform.claude.com/v1/oauth/token",
        client_id: "9d1c250a-e61b-44d9-88ed-5944d1962f5e",
        body: BodyFormat::Json,
        scopes: &["claudeAiOauth", "scopes"],
        access_token: &["claudeAiOauth", "accessToken"],
        refresh_token: &["claudeAiOauth", "refreshToken"],
        expiry: Expiry::Milliseconds(&["claudeAiOauth", "expiresAt"]),
        extra_tokens: &[],
        refreshed_at: &[],
        api_key: &[],
        kind_field: &[],
        api_key_kinds: &[],
        token_kinds: &[],
        // RFC 6749, section 5.2.
        login_again: &["invalid_grant"],
        log_in: "claude /login",
        stored: Stored::AccessTokenIsHandedOver,
    },
    companions: &[],
    config_files: &[
        settings("claude-project-settings", Base::Workspace, ".claude/settings.json"),
        settings("claude-local-settings", Base::Workspace, ".claude/settings.local.json"),
        settings("claude-user-settings", Base::StateDirectory, "settings.json"),
        ConfigFile {
            id: "claude-project-mcp",
            base: Base::Workspace,
            path: ".mcp.json",
            format: Format::Json,
            hazards: &[hazard("mcpServers", Effect::RunsCommands)],
            variables: None,
            ignored_when_untrusted: true,
            ignored_with_server_credential: false,
        },
        // The global config: in HOME, or in CLAUDE_CONFIG_DIR where that is set. Its `mcpServers`, those of `projects`,
        // and its `apiKeyHelper` ran nothing beside --setting-sources=.
        global_config("claude-home-config", Base::Home, ".claude.json"),
        global_config("claude-state-config", Base::StateDirectory, ".claude.json"),
        global_config("claude-legacy-config", Base::StateDirectory, ".config.json"),
        obeyed("claude-remote-settings", Base::StateDirectory, "remote-settings.json"),
        // Root's, and obeyed in every start.
        obeyed("claude-managed-settings", Base::Root, "etc/claude-code/managed-settings.json"),
        ConfigFile {
            id: "claude-managed-mcp",
            base: Base::Root,
            path: "etc/claude-code/managed-mcp.json",
            format: Format::Json,
            hazards: &[hazard("mcpServers", Effect::RunsCommands)],
            variables: None,
            ignored_when_untrusted: false,
            ignored_with_server_credential: false,
        },
        foreign("claude-foreign-key", "home/claude/.claude/remote/.api_key"),
        foreign("claude-foreign-token", "home/claude/.claude/remote/.oauth_token"),
        ConfigFile {
            id: "claude-instructions",
            base: Base::Workspace,
            path: "CLAUDE.md",
            format: Format::Prose,
            hazards: &[],
            variables: None,
            ignored_when_untrusted: true,
            ignored_with_server_credential: false,
        },
    ],
    one_question: OneQuestion {
        arguments: &["-p", "--output-format", "json", "--"],
        variables: &[
            (QUIET, "1"),
            ("DISABLE_AUTOUPDATER", "1"),
            ("DISABLE_TELEMETRY", "1"),
            // One refused request is an answer; the default is ten retries with growing pauses.
            ("CLAUDE_CODE_MAX_RETRIES", "0"),
        ],
    },
};

/// Measured on 2.1.330, but for what needs the vendor's cloud: there the CLI says what it wants.
static MODES: &[Mode] = &[
    // No descriptor, no token and no stored login is read: "Not logged in". A key in the environment is, and the agent's
    // shell does not get it.
    bare(ModeSign::Flag("--bare")),
    bare(ModeSign::Setting("--settings", SIMPLE)),
    background(ModeSign::Flag("--bg")),
    background(ModeSign::Flag("--background")),
    background(ModeSign::Subcommand("agents", None)),
    background(ModeSign::Subcommand("attach", None)),
    background(ModeSign::Subcommand("respawn", None)),
    background(ModeSign::Subcommand("daemon", None)),
    // With -w, on a terminal: the pipe does not come along, "Not logged in". The environment does.
    Mode {
        sign: ModeSign::Flag("--tmux"),
        does: "hands the session to a tmux server, which does not get what is on the pipe",
        uses: &[
            Usable::InEnvironment(CredentialKind::ApiKey),
            Usable::InEnvironment(CredentialKind::OauthToken),
            Usable::OwnLogin,
        ],
        overrides: &[],
        instead: "Leave it out.",
    },
    evaluation("plugin"),
    evaluation("plugins"),
    in_the_cloud(ModeSign::Flag("--cloud")),
    in_the_cloud(ModeSign::Flag("--remote")),
    in_the_cloud(ModeSign::Flag("--teleport")),
    in_the_cloud(ModeSign::Flag("--environment")),
    in_the_cloud(ModeSign::Subcommand("remote-control", None)),
    in_the_cloud(ModeSign::Subcommand("rc", None)),
    in_the_cloud(ModeSign::Subcommand("ultrareview", None)),
];

/// The service and its sessions have neither the descriptor nor the key in their environment, and outlive the start.
const fn bare(sign: ModeSign) -> Mode {
    Mode {
        sign,
        does: "reads nothing but an API key in the environment",
        uses: &[Usable::InEnvironment(CredentialKind::ApiKey)],
        overrides: &[],
        instead: "Leave it out, or give an API key with options.delivery \"env\", by which other processes of the target's uid \
                  can find it in /proc/PID/environ.",
    }
}

/// Each case is a CLI of its own. What is on the pipe is handed on to it, as is a token in the environment. A key there is not:
/// the host's variable keeps it from the CLI's children.
const fn evaluation(subcommand: &'static str) -> Mode {
    Mode {
        sign: ModeSign::Subcommand(subcommand, Some("eval")),
        does: "starts further CLIs, which do not get a key from its environment",
        uses: &[
            Usable::OnPipe(CredentialKind::ApiKey),
            Usable::OnPipe(CredentialKind::OauthToken),
            Usable::InEnvironment(CredentialKind::OauthToken),
            Usable::OwnLogin,
        ],
        overrides: &[],
        instead: "Use options.delivery \"fd\".",
    }
}

const fn background(sign: ModeSign) -> Mode {
    let does = "hands the session to a background service, which does not get the credential and outlives the start";
    Mode { sign, does, uses: &[], overrides: &[], instead: "Use -p, in a start of its own." }
}

const fn in_the_cloud(sign: ModeSign) -> Mode {
    Mode {
        sign,
        does: "works with a claude.ai login alone",
        uses: &[Usable::OwnLogin],
        overrides: &[],
        instead: "Use -p, or a login in options.workspace.claudeConfigDir.",
    }
}

/// Names from the executable's strings; that `env`, `hooks` and `apiKeyHelper` do it, and that `--setting-sources=`
/// stops all three, was measured.
static SETTINGS_HAZARDS: &[Hazard] = &[
    hazard("hooks", Effect::RunsCommands),
    hazard("apiKeyHelper", Effect::RunsCommands),
    hazard("statusLine", Effect::RunsCommands),
    hazard("fileSuggestion", Effect::RunsCommands),
    hazard("awsAuthRefresh", Effect::RunsCommands),
    hazard("awsCredentialExport", Effect::RunsCommands),
    hazard("gcpAuthRefresh", Effect::RunsCommands),
    hazard("otelHeadersHelper", Effect::RunsCommands),
    hazard("enableAllProjectMcpServers", Effect::RunsCommands),
    hazard("enabledPlugins", Effect::RunsCommands),
    hazard("permissions.allow", Effect::LoosensPermissions),
    hazard("permissions.defaultMode", Effect::LoosensPermissions),
];

const fn state_need(below: &'static str) -> DirectoryNeed {
    DirectoryNeed { variable: STATE, otherwise: ".claude", below, made: Made::Always, only_when_named: true }
}

/// Its variables are kept out by [`MANAGED_BY_HOST`], in a trusted workspace too.
static GLOBAL_CONFIG_HAZARDS: &[Hazard] =
    &[hazard("mcpServers", Effect::RunsCommands), hazard("env.BUN_CONFIG_VERBOSE_FETCH", Effect::Discloses)];

const fn settings(id: &'static str, base: Base, path: &'static str) -> ConfigFile {
    ConfigFile { ignored_when_untrusted: true, ..obeyed(id, base, path) }
}

const fn global_config(id: &'static str, base: Base, path: &'static str) -> ConfigFile {
    ConfigFile { hazards: GLOBAL_CONFIG_HAZARDS, ..settings(id, base, path) }
}

const fn obeyed(id: &'static str, base: Base, path: &'static str) -> ConfigFile {
    ConfigFile {
        id,
        base,
        path,
        format: Format::Json,
        hazards: SETTINGS_HAZARDS,
        variables: Some("env"),
        ignored_when_untrusted: false,
        ignored_with_server_credential: false,
    }
}

static FOREIGN_HAZARDS: &[Hazard] = &[hazard(Format::WHOLE, Effect::ReplacesCredential)];

/// Where the CLI expects what the vendor's own hosting leaves, for every user of the machine.
const fn foreign(id: &'static str, path: &'static str) -> ConfigFile {
    ConfigFile {
        id,
        base: Base::Root,
        path,
        format: Format::Credential,
        hazards: FOREIGN_HAZARDS,
        variables: None,
        ignored_when_untrusted: false,
        ignored_with_server_credential: false,
    }
}

const fn blank(name: &'static str) -> CredentialName {
    CredentialName { name, unused: WhenUnused::Blank }
}

const fn absent(name: &'static str) -> CredentialName {
    CredentialName { name, unused: WhenUnused::Absent }
}

const fn code(name: &'static str, os: &'static str, arch: &'static str, libc: &'static str) -> NativePackage {
    NativePackage { name, os, arch, libc, files: &["claude"], version: ("@anthropic-ai/claude-code", "version") }
}

/// The Agent SDK's packages are versioned as the SDK is; its own manifest names the CLI's version.
const fn sdk(name: &'static str, os: &'static str, arch: &'static str, libc: &'static str) -> NativePackage {
    let version = ("@anthropic-ai/claude-agent-sdk", "claudeCodeVersion");
    NativePackage { name, os, arch, libc, files: &["claude"], version }
}
