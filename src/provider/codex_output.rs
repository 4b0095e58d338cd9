//! The JSON output of Codex, as measured on 0.163.0.

use super::failure_kind::FailureKind as Kind;
use super::output::{CommandLine, EventRule, FailureRule, Field, FieldPath, Meaning, Output, OutputRequest};
use super::status_rules::STATUS_RULES;

/// `codex exec --json`.
pub static CODEX_OUTPUT: Output = Output {
    requests: &[
        OutputRequest { option: "--json", values: &[] },
        OutputRequest { option: "--experimental-json", values: &[] },
    ],
    command_line: COMMAND_LINE,
    // No event names the model.
    model_options: &["-m", "--model"],
    model_family: "GPT",
    input_excludes_cache: false,
    synthetic_model: "",
    fields: &[
        FieldPath(Field::Type, &["type"]),
        FieldPath(Field::Thread, &["thread_id"]),
        FieldPath(Field::Input, &["usage", "input_tokens"]),
        FieldPath(Field::Cached, &["usage", "cached_input_tokens"]),
        FieldPath(Field::CacheWrite, &["usage", "cache_write_input_tokens"]),
        FieldPath(Field::Output, &["usage", "output_tokens"]),
        FieldPath(Field::Reasoning, &["usage", "reasoning_output_tokens"]),
        FieldPath(Field::Text, &["message"]),
        FieldPath(Field::Text, &["error", "message"]),
    ],
    events: &[
        EventRule::new(&[(Field::Type, "thread.started")], Meaning::Thread),
        EventRule::new(&[(Field::Type, "turn.started")], Meaning::Begin),
        // All of the thread, also what earlier processes used: 200 tokens, then 300, then 400 for three equal requests
        // and one more, in three processes.
        EventRule::new(&[(Field::Type, "turn.completed")], Meaning::ThreadTotal),
        // "Reconnecting... 1/5 (…)", and once more what `turn.failed` says next.
        EventRule::new(&[(Field::Type, "error")], Meaning::Passing),
        EventRule::new(&[(Field::Type, "turn.failed")], Meaning::Failed),
    ],
    claims: &[],
    other_claims: &[],
    failures: &[
        &[
            FailureRule::text("Quota exceeded", Kind::Quota),
            FailureRule::text("hit your usage limit", Kind::Quota),
            FailureRule::text("Missing environment variable", Kind::NoCredential),
            FailureRule::text("sign in again", Kind::NotLoggedIn),
            FailureRule::text("Selected model is at capacity", Kind::Overloaded),
            // The CLI's text for every 500: it does not say that it was one.
            FailureRule::text("currently experiencing high demand", Kind::Server),
            FailureRule::text("ran out of room in the model's context window", Kind::TooLarge),
        ],
        STATUS_RULES,
        &[
            FailureRule::text("stream disconnected before completion", Kind::Network),
            FailureRule::text("waiting for network", Kind::Network),
            FailureRule::text("error sending request", Kind::Network),
            FailureRule::text("Connection refused", Kind::Network),
            // Of a 400 it passes on the body alone.
            FailureRule::text("{\"error\":", Kind::InvalidRequest),
        ],
    ],
    status_prefixes: &["unexpected status ", "last status: "],
    complaints: &[
        FailureRule::text("Error: ", Kind::Configuration),
        FailureRule::text("error: ", Kind::Configuration),
        FailureRule::text("Error finding codex home", Kind::Configuration),
        FailureRule::text("failed to initialize", Kind::Configuration),
    ],
};

/// `codex exec --help` and `codex --help`, and tried: a subcommand may stand after the prompt, but not after `--`; a prompt
/// that is the word of one is one; `-i a.png resume` is two images, `-i=a.png resume` is not.
const COMMAND_LINE: CommandLine = CommandLine {
    resuming: &["resume", "fork"],
    other: &["review", "help"],
    flags: &[
        "--all",
        "--approve-for-me",
        "--dangerously-bypass-approvals-and-sandbox",
        "--dangerously-bypass-hook-trust",
        "--ephemeral",
        "--experimental-json",
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
