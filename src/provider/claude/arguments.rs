//! The arguments of Claude Code: `claude --help`, the Agent SDK's arguments, and what was measured on 2.1.330.

use super::variables::SIMPLE;
use crate::provider::arguments::{
    Arguments, EnforcedArgument, InlineDefinitions, InlineSyntax, Mode, ModeSign, UsableCredential, When,
};
use crate::provider::command_line::Grammar;
use crate::provider::credential::CredentialKind;

pub(super) const ARGUMENTS: Arguments = Arguments {
    grammar: GRAMMAR,
    // Without it, a workspace's .claude/settings.json replaces the base URL, runs hooks that see the key, and names
    // an apiKeyHelper.
    enforced: &[EnforcedArgument {
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
        instead: "Pass the path of a file that only the target user can read, or name a variable of `userEnvKeys` in \
                  it, such as ${USER_TOKEN}. Agent SDKs before 0.3.326 put MCP servers on the command line, because \
                  they do not support mcpServersDelivery, which `claudeAgentOptions` sets: use 0.3.326 or newer.",
    }],
    directory_options: &[],
    project_markers: &[],
};

/// Measured on 2.1.330, but for what needs the vendor's cloud: there the CLI says what it wants.
const MODES: &[Mode] = &[
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
    // With -w, on a terminal: the pipe does not come along, "Not logged in". The environment does, but the broker answers
    // no process of the tmux server's.
    Mode {
        sign: ModeSign::Flag("--tmux"),
        does: "passes the session to a tmux server, which gets the credential neither from the pipe nor from the broker",
        uses: &[
            UsableCredential::InEnvironment(CredentialKind::ApiKey),
            UsableCredential::InEnvironment(CredentialKind::OauthToken),
            UsableCredential::OwnLogin,
        ],
        overrides: &[],
        instead: "Omit it.",
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
        does: "reads only an API key in the environment",
        // The broker's placeholder for a key is there too.
        uses: &[
            UsableCredential::InEnvironment(CredentialKind::ApiKey),
            UsableCredential::ByBroker(CredentialKind::ApiKey),
        ],
        overrides: &[],
        instead: "Omit it, or pass an API key with options.delivery \"broker\". With options.delivery \"env\", other \
                  processes of the target uid can read the key in /proc/PID/environ.",
    }
}

/// Each case is a separate CLI. What is on the pipe is handed on to it, as is a token in the environment. A key there is not:
/// the host's variable keeps it from the CLI's children.
const fn evaluation(subcommand: &'static str) -> Mode {
    Mode {
        sign: ModeSign::Subcommand(subcommand, Some("eval")),
        does: "starts other CLIs, which get a key neither from its environment nor from the broker",
        uses: &[
            UsableCredential::OnPipe(CredentialKind::ApiKey),
            UsableCredential::OnPipe(CredentialKind::OauthToken),
            UsableCredential::InEnvironment(CredentialKind::OauthToken),
            UsableCredential::OwnLogin,
        ],
        overrides: &[],
        instead: "Pass options.delivery \"fd\".",
    }
}

const fn background(sign: ModeSign) -> Mode {
    let does = "passes the session to a background service, which does not get the credential and outlives the start";
    Mode { sign, does, uses: &[], overrides: &[], instead: "Use -p, in a separate start." }
}

const fn in_the_cloud(sign: ModeSign) -> Mode {
    Mode {
        sign,
        does: "works only with a claude.ai login",
        uses: &[UsableCredential::OwnLogin],
        overrides: &[],
        instead: "Use -p, or a login in options.workspace.claudeConfigDir.",
    }
}

/// Options whose value may be left out are not here: what follows one may be its value or not.
const GRAMMAR: Grammar = Grammar {
    flags: &[
        "--allow-dangerously-skip-permissions",
        "--ax-screen-reader",
        "--background",
        "--bare",
        "--bg",
        "--brief",
        "--chrome",
        "--continue",
        "--dangerously-skip-permissions",
        "--desktop",
        "--disable-slash-commands",
        "--fork-session",
        "--forward-subagent-text",
        "--ide",
        "--include-hook-events",
        "--include-partial-messages",
        "--no-chrome",
        "--no-session-persistence",
        "--print",
        "--replay-user-messages",
        "--restricted",
        "--safe-mode",
        "--strict-mcp-config",
        "--tmux",
        "--verbose",
        "-c",
        "-p",
    ],
    valued: &[
        "--agent",
        "--agents",
        "--append-system-prompt",
        "--append-system-prompt-file",
        "--autocompact",
        "--debug-file",
        "--effort",
        "--environment",
        "--fallback-model",
        "--input-format",
        "--json-schema",
        "--max-budget-usd",
        "--max-thinking-tokens",
        "--max-turns",
        "--model",
        "--name",
        "--output-format",
        "--permission-mode",
        "--permission-prompt-tool",
        "--permission-prompts",
        "--plugin-dir",
        "--plugin-url",
        "--resume-session-at",
        "--sdk-url",
        "--session-id",
        "--setting-sources",
        "--settings",
        "--system-prompt",
        "--system-prompt-file",
        "--thinking",
        "-n",
    ],
    listed: &[
        "--add-dir",
        "--allowed-tools",
        "--allowedTools",
        "--betas",
        "--disallowed-tools",
        "--disallowedTools",
        "--file",
        "--mcp-config",
        "--tools",
    ],
};
