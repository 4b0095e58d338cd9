//! The variables of Claude Code: those that a start sets, and those that nobody may add to a child's environment, from the
//! strings and the measured behaviour of 2.1.330. `tests/variables/claude.txt` classifies each that it reads.

use crate::provider::variables::{FixedVariable, FixedWhen, VariablePatterns};

/// The host, and no file, decides where requests go and with what credential.
pub(super) const MANAGED_BY_HOST: &str = "CLAUDE_CODE_PROVIDER_MANAGED_BY_HOST";

/// No request but those of a turn.
pub(super) const QUIET: &str = "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC";

/// What `--bare` sets.
pub(super) const SIMPLE: &str = "CLAUDE_CODE_SIMPLE";

pub(super) const FIXED: &[FixedVariable] = &[
    // Else the member `env` of .claude.json and .config.json replaces the base URL and names proxies, in every start.
    // With it, the CLI does not look for a login in its state directory.
    FixedVariable {
        name: MANAGED_BY_HOST,
        value: "1",
        why: "when a credential is passed, so that no file can send it elsewhere",
        when: FixedWhen::CredentialHandedOver,
    },
    // Else an API key that begins with `sk-ant-` and any OAuth token also go to api.anthropic.com: /api/eval/*,
    // /api/claude_cli/bootstrap, /api/claude_code_penguin_mode, /api/event_logging/*. DISABLE_TELEMETRY and
    // DISABLE_GROWTHBOOK end the first and the last of them only.
    FixedVariable {
        name: QUIET,
        value: "1",
        why: "with options.baseUrl, so that the credential is sent only there",
        when: FixedWhen::BaseUrl,
    },
];

/// What a wider pattern, here or elsewhere, would catch, and what the CLI's own code takes for a number, a switch of
/// the terminal or a limit of what it does (`tests/variables`). Its own messages advise people to set some of them.
pub(super) const HARMLESS: &[&str] = &[
    // Counts of tokens, not tokens.
    "CLAUDE_CODE_*MAX_*TOKENS",
    "CLAUDE_CODE_*MIN_TOKENS",
    "CLAUDE_CODE_ENABLE_TOKEN_USAGE_ATTACHMENT",
    "CLAUDE_CODE_IDLE_TOKEN_THRESHOLD",
    "CLAUDE_CODE_RESUME_TOKEN_THRESHOLD",
    "CLAUDE_CODE_TOTAL_TOKENS_REMINDER",
    "CLAUDE_CODE_TOTAL_TOKENS_REMINDER_AFTER_USER_TURN",
    "CLAUDE_CODE_TOTAL_TOKENS_REMINDER_BUDGET",
    "CLAUDE_CODE_WORKFLOW_SIZE_WARNING_TOKENS",
    // Each does less: writes no transcript, starts no server of a plugin, keeps no log.
    "CLAUDE_CODE_SKIP_MCP_DEBUG_LOG_FILES",
    "CLAUDE_CODE_SKIP_MODEL_ACCESS_MEMORY",
    "CLAUDE_CODE_SKIP_PLUGIN_LOCAL_MCP_SERVERS",
    "CLAUDE_CODE_SKIP_PLUGIN_MCP_BUNDLES",
    "CLAUDE_CODE_SKIP_PLUGIN_MCP_SERVERS",
    "CLAUDE_CODE_SKIP_PROMPT_HISTORY",
    // Which tool reads and searches files.
    "CLAUDE_CODE_USE_NATIVE_FILE_SEARCH",
    "CLAUDE_CODE_USE_POWERSHELL_TOOL",
    // How plugins that the CLI has anyway are fetched again.
    "CLAUDE_CODE_PLUGIN_GIT_TIMEOUT_MS",
    "CLAUDE_CODE_PLUGIN_KEEP_MARKETPLACE_ON_FAILURE",
    "CLAUDE_CODE_PLUGIN_PREFER_HTTPS",
];

pub(super) const FORBIDDEN: VariablePatterns = VariablePatterns {
    code: &[
        "CLAUDE_CODE_SHELL",
        "CLAUDE_CODE_SHELL_*",
        "CLAUDE_CODE_PROCESS_WRAPPER",
        "CLAUDE_ENV_FILE",
        "CLAUDE_CODE_PLUGIN_*",
        "CLAUDE_PTY_*",
        "SELF_HOSTED_RUNNER_*",
        "BUGHUNTER_*",
        "CLAUDE_CODE_DESKTOP_SKILLS_PLUGIN_DIR",
        "CLAUDE_CODE_ENABLE_PROXY_AUTH_HELPER",
        "CLAUDE_CODE_EXECPATH",
        "CLAUDE_CODE_GIT_BASH_PATH",
        "CLAUDE_CODE_MANAGED_SETTINGS_PATH",
        "CLAUDE_CODE_MCP_SERVE_*",
        "CLAUDE_CODE_POLICY_HELPER_*",
        "CLAUDE_CODE_SHOWN_PLUGINS_DIR",
        "CLAUDE_CODE_SYNC_*",
        "CLAUDE_CODE_TEAMMATE_COMMAND",
        "CLAUDE_REMOTE_WORKFLOW_*",
        "CLAUDE_RUNNER_UPDATE_BIN",
        "CLAUDE_SSH_*",
        "COMPUTER_USE_SWIFT_NODE_PATH",
        "DS_CHROMIUM_PATH",
        "SDK_NATIVE_BIN",
        "VITALS_EMITTER_BIN",
    ],
    redirect: &[
        "CLAUDE_CODE_PROXY_*",
        "CLAUDE_CODE_CLIENT_CERT*",
        "CLAUDE_CODE_CLIENT_KEY*",
        "CLAUDE_CODE_CERT_STORE",
        "ANTHROPIC_UNIX_SOCKET",
        "CLAUDE_CODE_CUSTOM_OAUTH_URL",
        "BETA_TRACING_*",
        "CLAUDE_LOCAL_OAUTH_*",
        "SESSION_INGRESS_URL",
        "*_SESSION_INGRESS_URL",
        "AGENT_PROXY_*",
        "CCR_AGENT_PROXY_*",
        "CCR_CHECKPOINT_URL",
        "CLAUDE_CODE_AGENT_PROXY_*",
        "CLAUDE_CODE_CCR_WORKER_SOCKET",
        "CLAUDE_CODE_CLIENT_DATA_URL",
        "CLAUDE_CODE_DISABLE_*_CERT_DROP",
        "CLAUDE_CODE_DISABLE_REDIRECT_CHECK",
        "CLAUDE_CODE_IDE_HOST_OVERRIDE",
        "CLAUDE_CODE_MESSAGING_SOCKET",
        "CLAUDE_CODE_MODEL_CATALOG_URL",
        "CLAUDE_CODE_RUNNER_MODEL_SOCKET",
        "CLAUDE_REMOTE_TOOLS_BRIDGE_URL",
        "LOCAL_BRIDGE",
        "MCP_PROXY_URL",
        "USE_LOCAL_OAUTH",
        "USE_STAGING_OAUTH",
    ],
    disclosure: &[
        "ANTHROPIC_LOG",
        "ENABLE_BETA_TRACING*",
        "CLAUDE_CODE_ENABLE_TELEMETRY",
        "CLAUDE_CODE_DEBUG_LOGS_DIR",
        "ANT_CLAUDE_CODE_METRICS_*",
        "ANT_OTEL_*",
        "AUTOMODE_DECISION_LOG",
        "CLAUDE_CODE_DIAGNOSTICS_FILE",
        "CLAUDE_CODE_ENHANCED_TELEMETRY_BETA",
        "CLAUDE_CODE_OTEL_DIAG_STDERR",
        "CLAUDE_CODE_PERFETTO_*",
        "CLAUDE_CODE_TEE_SDK_STDOUT",
        "CLAUDE_CODE_TERMINAL_RECORDING",
        "CLAUDE_DEBUG",
        "DEBUG_AUTH",
        "DEBUG_CLAUDE_AGENT_SDK",
        "DEBUG_SDK",
        "ENABLE_ENHANCED_TELEMETRY_BETA",
        "SRT_DEBUG",
    ],
    credential: &[
        "ANTHROPIC_*_KEY",
        "ANTHROPIC_*TOKEN*",
        "ANTHROPIC_CUSTOM_HEADERS",
        "CLAUDE_CODE_*TOKEN*",
        "CLAUDE_SECURESTORAGE_*",
        "ANTHROPIC_FEDERATION_*",
        "ANTHROPIC_ORGANIZATION_ID",
        "ANTHROPIC_SCOPE",
        "ANTHROPIC_SERVICE_ACCOUNT_ID",
        "ANTHROPIC_WORKSPACE_ID",
        "CLAUDE_ARTIFACT_HOST_GRANT",
        "CLAUDE_CODE_ARTIFACT_FD",
        "CLAUDE_CODE_FEDERATION_*",
        "ENVIRONMENT_SERVICE_KEY",
    ],
    mode: &[
        "CLAUDE_CODE_REMOTE*",
        "CLAUDE_CODE_FETCH_PERSONAL_CLOUD_CONFIGURATION",
        "CLAUDE_CODE_SENDS_VIA_SESSION_SERVICE",
        "CLAUDE_CODE_USE_*",
        "CLAUDE_CODE_SKIP_*",
        "CLAUDE_CODE_PROVIDER_MANAGED_BY_HOST",
        "CLAUDE_CODE_HOST_*",
        "CLAUDE_CODE_EXTRA_BODY",
        "ANTHROPIC_PROFILE",
        "ANTHROPIC_CONFIG_DIR",
        "CCR_*",
        "CLAUBBIT",
        "CLAUDE_BG_*",
        "CLAUDE_BRIDGE_*",
        "CLAUDE_CODE_BRIDGE_*",
        "CLAUDE_CODE_CCR_*",
        "CLAUDE_CODE_EVAL_*",
        "CLAUDE_CODE_EVEN_MORE_DANGEROUSLY_*",
        "CLAUDE_CODE_FORCE_BRIDGE",
        "CLAUDE_CODE_LAUNCHER_RUNS_API_KEY_HELPER",
        "CLAUDE_CODE_MOCK_REMOTE_SETTINGS",
        "CLAUDE_CODE_OAUTH_CLIENT_ID",
        "CLAUDE_CODE_OAUTH_SCOPES",
        "CLAUDE_CODE_RELAUNCH_*",
        "CLAUDE_CODE_SANDBOXED",
        "CLAUDE_CODE_SDK_HAS_*",
        "CLAUDE_CODE_SIMPLE",
        "CLAUDE_CODE_SIMULATE_PROXY_USAGE",
        "CLAUDE_CODE_SSE_PORT",
        "CLAUDE_CODE_USER_DELEGATED_SESSION*",
        "CLAUDE_COWORK_*",
        "CLAUDE_GATEWAY_*",
        "CLAUDE_INTERNAL_*",
        "CLAUDE_JOB_DIR",
        "CLAUDE_MEMORY_STORES",
        "CLAUDE_RUNNER_*",
        "CLAUDE_SERVE_*",
    ],
};
