//! The names that nobody may add to a child's environment, and why. Data; a `*` matches any text.
//!
//! Sources: `ld.so(8)`, `bash(1)`, Node's and Bun's CLI documentation, and the strings and measured behaviour of
//! codex 0.163.0 and Claude Code 2.1.330 (`docs/providers.md`). Every variable that those two read is classified in
//! `tests/variables`, which fails when a pattern here is too wide or too narrow for one of them. Compared without regard
//! to case: curl, Go and Python read proxies in lower case.

use crate::provider;

/// Why a name is forbidden.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// It carries a credential.
    Credential,
    /// It loads code into the CLI or the shells it starts.
    Code,
    /// It sends traffic elsewhere, or changes whom TLS trusts.
    Redirect,
    /// It makes the CLI log or export what it should not.
    Disclosure,
    /// It switches the CLI to another service or mode.
    Mode,
}

impl Reason {
    /// As the end of a sentence.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Credential => "can carry a credential",
            Self::Code => "can load code",
            Self::Redirect => "can redirect or expose traffic",
            Self::Disclosure => "can make the CLI disclose a key",
            Self::Mode => "switches the CLI to another service or mode",
        }
    }
}

/// The name of a variable as an error or a report shows it: who chose it may be the tenant, so it may be anything.
#[must_use]
pub fn shown(name: &str) -> &str {
    let plain = name.len() <= 64 && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    if plain { name } else { "…" }
}

/// What a wider pattern below would catch, and what the CLI's own code takes for a number, a switch of the terminal or a
/// limit of what it does (`tests/variables`). Its own messages tell people to set some of them.
static HARMLESS: &[&str] = &[
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

static FORBIDDEN: &[(Reason, &[&str])] = &[
    (
        Reason::Code,
        &[
            "LD_*",
            "DYLD_*",
            "GCONV_PATH",
            "LOCPATH",
            "NLSPATH",
            "NODE_OPTIONS",
            "NODE_PATH",
            "NODE_REPL_*",
            "BUN_*",
            "DENO_*",
            "NAPI_RS_*",
            "BASH_ENV",
            "BASH_FUNC_*",
            "ENV",
            "ZDOTDIR",
            "SHELLOPTS",
            "BASHOPTS",
            "PS4",
            "PROMPT_COMMAND",
            "IFS",
            "RUBYLIB",
            "RUBYOPT",
            "JAVA_TOOL_OPTIONS",
            "GIT_SSH",
            "GIT_SSH_COMMAND",
            "GIT_ASKPASS",
            "GIT_CONFIG_*",
            "GIT_EXEC_PATH",
            "GIT_EXTERNAL_DIFF",
            "GIT_PROXY_COMMAND",
            "EDITOR",
            "VISUAL",
            "PAGER",
            "GIT_EDITOR",
            "GIT_PAGER",
            "BROWSER",
            "SHELL",
            "CLAUDE_CODE_SHELL",
            "CLAUDE_CODE_SHELL_*",
            "CLAUDE_CODE_PROCESS_WRAPPER",
            "CLAUDE_ENV_FILE",
            "CODEX_EXEC_SERVER_*",
            "OPENSSL_*",
            "GLIBC_TUNABLES",
            "NODE_CHANNEL_FD",
            "NODE_COMPILE_CACHE",
            "GIT_DIR",
            "GIT_TEMPLATE_DIR",
            "GIT_SEQUENCE_EDITOR",
            "SSH_ASKPASS",
            "SUDO_ASKPASS",
            "LESSOPEN",
            "LESSCLOSE",
            "MANPAGER",
            "PYTHON*",
            "PERL5*",
            "JDK_JAVA_OPTIONS",
            "_JAVA_OPTIONS",
            "GOFLAGS",
            "RUSTC_WRAPPER",
            "CARGO_*",
            "CURL_HOME",
            "CLAUDE_CODE_PLUGIN_*",
            "CLAUDE_PTY_*",
            "SELF_HOSTED_RUNNER_*",
            "BASH_LOADABLES_PATH",
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
            "CODEX_APPLY_GIT_CFG",
            "CODEX_MANAGED_PACKAGE_ROOT",
            "CODEX_SNAPSHOT_*",
            "__CODEX_*",
            "COMPUTER_USE_SWIFT_NODE_PATH",
            "DS_CHROMIUM_PATH",
            "NODE_INSPECTOR_IPC",
            "SDK_NATIVE_BIN",
            "VITALS_EMITTER_BIN",
            "VSCODE_GIT_ASKPASS_*",
            "VSCODE_INSPECTOR_OPTIONS",
        ],
    ),
    (
        Reason::Redirect,
        &[
            "CLAUDE_CODE_PROXY_*",
            "CODEX_NETWORK_*",
            "SSL_CERT_FILE",
            "SSL_CERT_DIR",
            "SSLKEYLOGFILE",
            "NODE_EXTRA_CA_CERTS",
            "NODE_TLS_REJECT_UNAUTHORIZED",
            "CODEX_CA_CERTIFICATE",
            "AWS_CA_BUNDLE",
            "CURL_CA_BUNDLE",
            "REQUESTS_CA_BUNDLE",
            "CLAUDE_CODE_CLIENT_CERT*",
            "CLAUDE_CODE_CLIENT_KEY*",
            "CLAUDE_CODE_CERT_STORE",
            "*_BASE_URL",
            "ANTHROPIC_UNIX_SOCKET",
            "CLAUDE_CODE_CUSTOM_OAUTH_URL",
            "CODEX_APP_SERVER_LOGIN_*",
            "CODEX_REFRESH_TOKEN_URL_OVERRIDE",
            "CODEX_REVOKE_TOKEN_URL_OVERRIDE",
            "CODEX_OSS_*",
            "HOSTALIASES",
            "RES_OPTIONS",
            "LOCALDOMAIN",
            "*_PROXY",
            "GIT_SSL_*",
            "NODE_USE_ENV_PROXY",
            "BETA_TRACING_*",
            "CLAUDE_LOCAL_OAUTH_*",
            "SESSION_INGRESS_URL",
            "*_SESSION_INGRESS_URL",
            "AGENT_PROXY_*",
            "BUNDLE_SSL_CA_CERT",
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
            "GCE_METADATA_*",
            "GRPC_DEFAULT_SSL_ROOTS_FILE_PATH",
            "HEX_CACERTS_PATH",
            "HTTPLIB2_CA_CERTS",
            "LOCAL_BRIDGE",
            "MCP_PROXY_URL",
            "NIX_SSL_CERT_FILE",
            "NODE_USE_SYSTEM_CA",
            "PIP_CERT",
            "USE_LOCAL_OAUTH",
            "USE_STAGING_OAUTH",
        ],
    ),
    (
        Reason::Disclosure,
        &[
            "RUST_LOG",
            "RUST_BACKTRACE",
            "OTEL_*",
            "ANTHROPIC_LOG",
            "OPENAI_LOG",
            "DEBUG",
            "NODE_DEBUG*",
            "NODE_V8_COVERAGE",
            "CODEX_ROLLOUT_TRACE_ROOT",
            "CODEX_TUI_RECORD_SESSION",
            "CODEX_TUI_SESSION_LOG_*",
            "CODEX_INTERNAL_ORIGINATOR_OVERRIDE",
            "NODE_REDIRECT_WARNINGS",
            "GIT_TRACE*",
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
            "CODEX_PLUGIN_METRICS_OUTPUT",
            "DEBUG_AUTH",
            "DEBUG_CLAUDE_AGENT_SDK",
            "DEBUG_SDK",
            "ENABLE_ENHANCED_TELEMETRY_BETA",
            "GRPC_NODE_TRACE",
            "GRPC_NODE_VERBOSITY",
            "GRPC_TRACE",
            "GRPC_VERBOSITY",
            "SRT_DEBUG",
        ],
    ),
    (
        Reason::Credential,
        &[
            "ANTHROPIC_*_KEY",
            "ANTHROPIC_*TOKEN*",
            "ANTHROPIC_CUSTOM_HEADERS",
            "CLAUDE_CODE_*TOKEN*",
            "*_FILE_DESCRIPTOR",
            "OPENAI_*",
            "CODEX_*TOKEN*",
            "CODEX_*_KEY",
            "AWS_*",
            "GOOGLE_*",
            "GCLOUD_*",
            "CLOUDSDK_*",
            "CLOUD_ML_REGION",
            "AZURE_*",
            "VERTEX_*",
            "GITHUB_TOKEN",
            "GH_TOKEN",
            "GITLAB_TOKEN",
            "NPM_TOKEN",
            "NODE_AUTH_TOKEN",
            "NPM_CONFIG_*",
            "DATABASE_URL",
            "REDIS_URL",
            "PGPASSWORD",
            "PGPASSFILE",
            "LOCKBOX_*",
            "SUPABASE_*",
            "JWT_SECRET*",
            "SSH_AUTH_SOCK",
            "KRB5CCNAME",
            "DOCKER_AUTH_CONFIG",
            "*SECRET*",
            "*PASSWORD*",
            "*_API_KEY",
            "*_ACCESS_KEY",
            "*_PRIVATE_KEY",
            "*_TOKEN",
            "*CREDENTIAL*",
            "*_TOKEN_FILE",
            "*_PWD",
            "*_PAT",
            "*_PASS",
            "STRIPE_KEY",
            "POSTGRES_URL",
            "CLAUDE_SECURESTORAGE_*",
            "*_TOKENS_PATH",
            "ANTHROPIC_FEDERATION_*",
            "ANTHROPIC_ORGANIZATION_ID",
            "ANTHROPIC_SCOPE",
            "ANTHROPIC_SERVICE_ACCOUNT_ID",
            "ANTHROPIC_WORKSPACE_ID",
            "CLAUDE_ARTIFACT_HOST_GRANT",
            "CLAUDE_CODE_ARTIFACT_FD",
            "CLAUDE_CODE_FEDERATION_*",
            "ENVIRONMENT_SERVICE_KEY",
            "GH_CONFIG_DIR",
            "HUB_CONFIG",
        ],
    ),
    (
        Reason::Mode,
        &[
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
            "CODEX_SQLITE_HOME",
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
            "CODEX_CLOUD_TASKS_*",
            "CODEX_DAEMON_*",
            "CODEX_SANDBOX*",
        ],
    ),
];

/// Why a name may not be in `inherit` or `set`; none when it may.
#[must_use]
pub fn reason(name: &str) -> Option<Reason> {
    let upper = name.to_ascii_uppercase();
    if provider::credential_names().any(|(_, known)| known == upper) {
        return Some(Reason::Credential);
    }
    let is_one_of = |patterns: &[&str]| patterns.iter().any(|pattern| matches(pattern, &upper));
    if is_one_of(HARMLESS) {
        return None;
    }
    FORBIDDEN.iter().find(|(_, patterns)| is_one_of(patterns)).map(|(reason, _)| *reason)
}

/// Whether `name` matches `pattern`, in which each `*` stands for any text.
fn matches(pattern: &str, name: &str) -> bool {
    let mut pieces = pattern.split('*');
    let first = pieces.next().unwrap_or_default();
    let Some(mut rest) = name.strip_prefix(first) else {
        return false;
    };
    let Some(last) = pieces.next_back() else {
        return rest.is_empty();
    };
    for piece in pieces {
        let Some(at) = rest.find(piece) else {
            return false;
        };
        rest = &rest[at + piece.len()..];
    }
    rest.ends_with(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns() {
        for (pattern, name, expected) in [
            ("ENV", "ENV", true),
            ("ENV", "ENVX", false),
            ("LD_*", "LD_PRELOAD", true),
            ("LD_*", "OLD_PRELOAD", false),
            ("*_BASE_URL", "MY_BASE_URL", true),
            ("*_BASE_URL", "MY_BASE_URLS", false),
            ("A*B*C", "AxxByyC", true),
            ("A*B*C", "AxxC", false),
            ("*TOKEN*", "TOKEN", true),
        ] {
            assert_eq!(matches(pattern, name), expected, "{pattern} {name}");
        }
    }

    #[test]
    fn what_the_measurements_found_harmful_is_forbidden() {
        for (name, expected) in [
            ("LD_PRELOAD", Reason::Code),
            ("DYLD_INSERT_LIBRARIES", Reason::Code),
            ("NODE_OPTIONS", Reason::Code),
            ("BUN_OPTIONS", Reason::Code),
            ("NAPI_RS_NATIVE_LIBRARY_PATH", Reason::Code),
            ("BASH_ENV", Reason::Code),
            ("OPENSSL_CONF", Reason::Code),
            ("CLAUDE_CODE_PLUGIN_DIRS", Reason::Code),
            ("BETA_TRACING_ENDPOINT", Reason::Redirect),
            ("http_proxy", Reason::Redirect),
            ("HTTPS_PROXY", Reason::Redirect),
            ("ANTHROPIC_BASE_URL", Reason::Redirect),
            ("RUST_LOG", Reason::Disclosure),
            ("CLAUDE_CODE_REMOTE", Reason::Mode),
            // What `--bare` sets, which ignores a key on a pipe.
            ("CLAUDE_CODE_SIMPLE", Reason::Mode),
            ("CLAUDE_CODE_USE_BEDROCK", Reason::Mode),
            ("AWS_SECRET_ACCESS_KEY", Reason::Credential),
            ("LOCKBOX_MASTER_KEY", Reason::Credential),
            ("OPENAI_ORGANIZATION", Reason::Credential),
        ] {
            assert_eq!(reason(name), Some(expected), "{name}");
        }
        for name in
            ["DISABLE_TELEMETRY", "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC", "TZ", "ALIVE_API_URL", "COLORTERM"]
        {
            assert_eq!(reason(name), None, "{name}");
        }
    }
}
