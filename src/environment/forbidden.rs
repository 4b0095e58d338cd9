//! The names that nobody may add to a child's environment, and why. Data; a trailing `*` matches any ending.
//!
//! Sources: `ld.so(8)`, `bash(1)`, Node's and Bun's CLI documentation, and the strings and measured behaviour of
//! codex 0.163.0 and Claude Code 2.1.330 (`docs/providers.md`). Compared without regard to case: curl, Go and Python
//! read proxies in lower case.

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
            "CLAUDE_CODE_SHELL_PREFIX",
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
        ],
    ),
    (
        Reason::Redirect,
        &[
            "CLAUDE_CODE_PROXY_*",
            "CODEX_NETWORK_PROXY_*",
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
            "CODEX_APP_SERVER_LOGIN_ISSUER",
            "CODEX_REFRESH_TOKEN_URL_OVERRIDE",
            "CODEX_REVOKE_TOKEN_URL_OVERRIDE",
            "CODEX_OSS_PORT",
            "HOSTALIASES",
            "RES_OPTIONS",
            "LOCALDOMAIN",
            "*_PROXY",
            "GIT_SSL_*",
            "NODE_USE_ENV_PROXY",
            "BETA_TRACING_*",
            "CLAUDE_LOCAL_OAUTH_*",
            "SESSION_INGRESS_URL",
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
            "CODEX_INTERNAL_ORIGINATOR_OVERRIDE",
            "NODE_REDIRECT_WARNINGS",
            "GIT_TRACE*",
            "ENABLE_BETA_TRACING*",
            "CLAUDE_CODE_ENABLE_TELEMETRY",
            "CLAUDE_CODE_DEBUG_LOGS_DIR",
        ],
    ),
    (
        Reason::Mode,
        &[
            "CLAUDE_CODE_REMOTE*",
            "CLAUDE_CODE_USE_*",
            "CLAUDE_CODE_SKIP_*",
            "CLAUDE_CODE_PROVIDER_MANAGED_BY_HOST",
            "CLAUDE_CODE_HOST_*",
            "CLAUDE_CODE_EXTRA_BODY",
            // What --bare sets, which a start refuses where that leaves the credential unused.
            "CLAUDE_CODE_SIMPLE",
            "ANTHROPIC_PROFILE",
            "ANTHROPIC_CONFIG_DIR",
            "CODEX_SQLITE_HOME",
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
    FORBIDDEN
        .iter()
        .find(|(_, patterns)| patterns.iter().any(|pattern| matches(pattern, &upper)))
        .map(|(reason, _)| *reason)
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
