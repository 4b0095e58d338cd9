//! The variables that Codex reads and that nobody may add to a child's environment: from the strings and the measured behaviour
//! of 0.163.0. `tests/variables/codex.txt` classifies each that it reads.

use crate::provider::variables::VariablePatterns;

pub(super) const FORBIDDEN: VariablePatterns = VariablePatterns {
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
