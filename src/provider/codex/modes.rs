//! The modes of Codex in which it reads its key in another way than `exec` does, or not at all.

use super::overrides::{APP_SERVER, RESUMED};
use crate::provider::arguments::{ChosenDefinition, Mode, ModeSign, UsableCredential};
use crate::provider::credential::CredentialKind;

/// Measured on 0.163.0: `exec` and `review` read CODEX_API_KEY; nothing else that runs a session does. The app server sends
/// its requests without any credential, the terminal asks for a login, and either uses a login that it finds in CODEX_HOME.
/// Words that 0.163.0 does not know are a prompt for the terminal; other versions know them.
pub(super) const MODES: &[Mode] = &[
    Mode {
        sign: ModeSign::Subcommand("app-server", None),
        does: "reads only the key of a model provider",
        uses: &[
            UsableCredential::InEnvironment(CredentialKind::ApiKey),
            UsableCredential::ByBroker(CredentialKind::ApiKey),
            UsableCredential::OwnLogin,
        ],
        overrides: APP_SERVER,
        instead: "",
    },
    resuming("exec"),
    resuming("e"),
    // Measured: the daemon lives on, with the key in its environment, and sends no credential.
    elsewhere("app-server", Some("daemon"), OUTLIVES),
    elsewhere("app-server", Some("proxy"), HANDS_OVER),
    // It starts an app server of its own, without any of these arguments.
    elsewhere("debug", Some("app-server"), HANDS_OVER),
    elsewhere("remote-control", None, OUTLIVES),
    elsewhere("agents", None, HANDS_OVER),
    elsewhere("queue", None, HANDS_OVER),
    elsewhere("cloud", None, "works only with a ChatGPT login"),
    elsewhere("resume", None, IN_TERMINAL),
    elsewhere("fork", None, IN_TERMINAL),
    elsewhere("exec-server", None, "runs commands for other programs and needs no key"),
    elsewhere("responses-api-proxy", None, "reads the key only from stdin"),
    // Measured on 0.140.0: its requests have no credential. Later versions do not know it.
    elsewhere("mcp-server", None, "reads no key"),
    // Measured on 0.20.0: it reads OPENAI_API_KEY, and none of what protects that. Later versions do not know it.
    elsewhere("proto", None, "belongs to a version that is too old to protect the key"),
    Mode {
        sign: ModeSign::Terminal(&[
            "exec",
            "e",
            "review",
            "login",
            "logout",
            "mcp",
            "plugin",
            "app-server",
            "completion",
            "update",
            "doctor",
            "sandbox",
            "debug",
            "apply",
            "a",
            "archive",
            "delete",
            "migrate-rollouts",
            "unarchive",
            "features",
            "execpolicy",
            "stdio-to-uds",
            "help",
            "--help",
            "-h",
            "--version",
            "-V",
        ]),
        does: IN_TERMINAL,
        uses: &[UsableCredential::OwnLogin],
        overrides: &[],
        instead: USE_EXEC,
    },
    keyless(ModeSign::Flag("--oss")),
    keyless(ModeSign::Flag("--local-provider")),
    keyless(ModeSign::Override("model_provider", &["ollama", "lmstudio", "amazon-bedrock"])),
    // Measured: without `env_key` the request goes out without any credential, with another variable's name with that one's
    // value, and with `auth.command` with what the command prints.
    Mode {
        sign: ModeSign::Definition(&ChosenDefinition {
            chosen_by: "model_provider",
            holder: "model_providers",
            uses_own: "requires_openai_auth",
        }),
        does: "uses a model provider whose definition does not name the key",
        uses: &[],
        overrides: &[],
        instead: "Set env_key=\"CODEX_API_KEY\" in the definition, or pass options.baseUrl instead.",
    },
];

/// A thread may be one of the app server's.
const fn resuming(subcommand: &'static str) -> Mode {
    Mode {
        sign: ModeSign::Subcommand(subcommand, Some("resume")),
        does: "continues a thread",
        uses: &[
            UsableCredential::InEnvironment(CredentialKind::ApiKey),
            UsableCredential::ByBroker(CredentialKind::ApiKey),
            UsableCredential::OwnLogin,
        ],
        overrides: RESUMED,
        instead: "",
    }
}

const HANDS_OVER: &str = "passes the session to another process, which does not get the key";
const OUTLIVES: &str = "passes the session to a process that outlives the start and sends no key";
const IN_TERMINAL: &str = "runs in the terminal, where Codex reads no key";
const USE_EXEC: &str = "Use exec, exec resume, exec fork, review or app-server.";

const fn elsewhere(subcommand: &'static str, word: Option<&'static str>, does: &'static str) -> Mode {
    Mode {
        sign: ModeSign::Subcommand(subcommand, word),
        does,
        uses: &[UsableCredential::OwnLogin],
        overrides: &[],
        instead: USE_EXEC,
    }
}

const fn keyless(sign: ModeSign) -> Mode {
    let (does, instead) = ("uses a model that is not OpenAI's, without the key", "Omit it.");
    Mode { sign, does, uses: &[], overrides: &[], instead }
}
