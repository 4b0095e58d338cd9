//! The arguments of Codex: `codex --help`, `codex exec --help`, and what was measured on 0.163.0.

use super::modes::MODES;
use super::overrides::OVERRIDES;
use crate::provider::arguments::{
    Arguments, EnforcedArgument, FeatureOption, InlineDefinitions, InlineSyntax, RefusedOption, When,
};
use crate::provider::command_line::Grammar;

pub(super) const ARGUMENTS: Arguments = Arguments {
    grammar: GRAMMAR,
    // Else `config.toml` in CODEX_HOME, which the tenant's agent can write, hands the server's key to an MCP server at any
    // URL (`bearer_token_env_var`) or to a command (`notify`): both measured. The option is of `codex exec --help`. It does
    // not keep the key from `git`, which the CLI runs with its whole environment: the guards do.
    enforced: &[EnforcedArgument {
        text: "--ignore-user-config",
        name: "--ignore-user-config",
        sdk_option: None,
        contrary: &[],
        when: When::ServerCredential,
        subcommands: &["exec", "e"],
    }],
    overrides: OVERRIDES,
    override_options: &["-c", "--config"],
    feature_options: &[
        FeatureOption { name: "--enable", prefix: "features.", value: "true" },
        FeatureOption { name: "--disable", prefix: "features.", value: "false" },
    ],
    refused_options: &[
        RefusedOption {
            name: "--remote",
            when: When::CredentialInEnvironment,
            does: "passes the session to an app server that lacks the arguments which protect the key",
            instead: "Omit it.",
        },
        RefusedOption {
            name: "--remote-auth-token-env",
            when: When::CredentialInEnvironment,
            does: "sends a variable, which could be the key, to another server",
            instead: "Omit it.",
        },
        // Measured on 0.169.0: beside our override it is inert, and is written to config.toml for the next start.
        RefusedOption {
            name: "--trust",
            when: When::Untrusted,
            does: "marks the workspace as trusted in config.toml",
            instead: "Omit it, or pass workspaceTrust: \"trusted\".",
        },
        // Measured: without git in the workspace, which the guards take away, it waits forever.
        RefusedOption {
            name: "--base",
            when: When::Untrusted,
            does: "makes Codex run git in the workspace with the key in its environment, so that a filter in .git/config gets the key",
            instead: "Name the base in the prompt and let the agent run git, or pass workspaceTrust: \"trusted\".",
        },
        // Measured on 0.163.0: `--ignore-user-config` does not keep hooks.json unread.
        RefusedOption {
            name: "--dangerously-bypass-hook-trust",
            when: When::ServerCredential,
            does: "runs hooks.json in CODEX_HOME, which the tenant's agent can write, with access to the server's key",
            instead: "Omit it.",
        },
    ],
    modes: MODES,
    inline_definitions: &[
        InlineDefinitions {
            options: &["-c", "--config"],
            syntax: InlineSyntax::Toml,
            holder: "mcp_servers",
            tables: &["env", "http_headers"],
            secrets: &["bearer_token"],
            instead: "Name variables of `userEnvKeys` instead: env_vars, env_http_headers, bearer_token_env_var.",
        },
        InlineDefinitions {
            options: &["-c", "--config"],
            syntax: InlineSyntax::Toml,
            holder: "model_providers",
            tables: &["http_headers", "query_params"],
            secrets: &["experimental_bearer_token"],
            instead: "Name variables of `userEnvKeys` instead: env_key, env_http_headers.",
        },
    ],
    directory_options: &["-C", "--cd"],
    // Measured: below a root with its own `.codex`, 0.120 asks about that root alone; from 0.125 on the directory
    // itself comes first where it is untrusted, and trust in it does not reach the root.
    project_markers: &[".git"],
};

/// `codex exec --help` and `codex --help`, and tried: a subcommand may be after the prompt, but not after `--`; a prompt
/// that is the word of one is one; `-i a.png resume` is two images, `-i=a.png resume` is not.
const GRAMMAR: Grammar = Grammar {
    flags: &[
        "--all",
        "--approve-for-me",
        "--dangerously-bypass-approvals-and-sandbox",
        "--dangerously-bypass-hook-trust",
        "--ephemeral",
        "--experimental-json",
        "--full-auto",
        "--help",
        "--ignore-rules",
        "--ignore-user-config",
        "--json",
        "--last",
        "--no-alt-screen",
        "--no-daemon",
        "--oss",
        "--search",
        "--skip-git-repo-check",
        "--strict-config",
        "--trust",
        "--version",
        "--worktree",
        "--yolo",
        "-V",
        "-h",
    ],
    valued: &[
        "--add-dir",
        "--ask-for-approval",
        "--cd",
        "--color",
        "--config",
        "--cyber-access-program",
        "--disable",
        "--enable",
        "--local-provider",
        "--model",
        "--output-last-message",
        "--output-schema",
        "--profile",
        "--profile-v2",
        "--remote",
        "--remote-auth-token-env",
        "--sandbox",
        "--thread-source",
        "-C",
        "-a",
        "-c",
        "-m",
        "-o",
        "-p",
        "-s",
    ],
    listed: &["--image", "-i"],
};
