//! The variables of Codex: those that a start sets, and those that nobody may add to a child's environment, from the
//! strings and the measured behaviour of 0.163.0. `tests/variables/codex.txt` classifies each that it reads.

use crate::provider::arguments::When;
use crate::provider::variables::{GuardVariable, VariablePatterns};

/// Codex runs `git status`, and other commands of git, in the working directory with its whole environment. Without the
/// first, filters in `.git/config` ran with the key (measured on 0.140.0 and 0.163.0). With it they did not (0.120.0,
/// 0.140.0, 0.163.0, 0.169.0): where the repository is none, git runs nothing, and Codex finds the root without git. Git's
/// own `trace2.envVars` in HOME writes the key into a file.
pub(super) const GUARDS: &[GuardVariable] = &[
    GuardVariable { name: "GIT_DIR", value: "/dev/null", when: When::Untrusted },
    GuardVariable { name: "GIT_DIR", value: "/dev/null", when: When::ServerCredential },
    GuardVariable { name: "GIT_CONFIG_GLOBAL", value: "/dev/null", when: When::ServerCredential },
];

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
