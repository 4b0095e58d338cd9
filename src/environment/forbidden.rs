//! The names that nobody may add to a child's environment, and why. The names of systems, runtimes and services are
//! here; those that only one CLI reads are in its row. All of them apply to every CLI, because a tool that the agent
//! runs may read them.
//!
//! Sources: `ld.so(8)`, `bash(1)`, Node's and Bun's CLI documentation, and the measurements in `docs/providers.md`. Every variable
//! that a CLI of the table reads is classified in `tests/variables`, which fails when a pattern is too wide or too narrow for
//! one of them. Compared without regard to case: curl, Go and Python read proxies in lower case.

pub use crate::provider::Reason;
use crate::provider::{self, PROVIDERS, VariablePatterns};

/// A `*` matches any text.
static EVERYWHERE: VariablePatterns = VariablePatterns {
    code: &[
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
        "BASH_LOADABLES_PATH",
        "NODE_INSPECTOR_IPC",
        "VSCODE_GIT_ASKPASS_*",
        "VSCODE_INSPECTOR_OPTIONS",
    ],
    redirect: &[
        "SSL_CERT_FILE",
        "SSL_CERT_DIR",
        "SSLKEYLOGFILE",
        "NODE_EXTRA_CA_CERTS",
        "NODE_TLS_REJECT_UNAUTHORIZED",
        "AWS_CA_BUNDLE",
        "CURL_CA_BUNDLE",
        "REQUESTS_CA_BUNDLE",
        "*_BASE_URL",
        "HOSTALIASES",
        "RES_OPTIONS",
        "LOCALDOMAIN",
        "*_PROXY",
        "GIT_SSL_*",
        "NODE_USE_ENV_PROXY",
        "BUNDLE_SSL_CA_CERT",
        "GCE_METADATA_*",
        "GRPC_DEFAULT_SSL_ROOTS_FILE_PATH",
        "HEX_CACERTS_PATH",
        "HTTPLIB2_CA_CERTS",
        "NIX_SSL_CERT_FILE",
        "NODE_USE_SYSTEM_CA",
        "PIP_CERT",
    ],
    disclosure: &[
        "RUST_LOG",
        "RUST_BACKTRACE",
        "OTEL_*",
        "DEBUG",
        "NODE_DEBUG*",
        "NODE_V8_COVERAGE",
        "NODE_REDIRECT_WARNINGS",
        "GIT_TRACE*",
        "GRPC_NODE_TRACE",
        "GRPC_NODE_VERBOSITY",
        "GRPC_TRACE",
        "GRPC_VERBOSITY",
    ],
    credential: &[
        "*_FILE_DESCRIPTOR",
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
        "*_TOKENS_PATH",
        "GH_CONFIG_DIR",
        "HUB_CONFIG",
    ],
    mode: &[],
};

/// Why a name may not be in `inherit` or `set`; none when it may.
#[must_use]
pub fn reason(name: &str) -> Option<Reason> {
    let upper = name.to_ascii_uppercase();
    if provider::credential_names().any(|(_, known)| known == upper) {
        return Some(Reason::Credential);
    }
    let is_one_of = |patterns: &[&str]| patterns.iter().any(|pattern| matches(pattern, &upper));
    if PROVIDERS.iter().any(|row| is_one_of(row.harmless_variables)) {
        return None;
    }
    let of_rows = |reason| PROVIDERS.iter().any(|row| is_one_of(row.forbidden_variables.of(reason)));
    Reason::ALL.into_iter().find(|reason| is_one_of(EVERYWHERE.of(*reason)) || of_rows(*reason))
}

/// Whether `name` matches `pattern`, in which each `*` matches any text.
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
