//! The JSON output of Codex, as measured on 0.163.0.

use crate::provider::failure::{BROKER_RULES, FailureKind as Kind, FailureRule, STATUS_RULES};
use crate::provider::output::{
    EventRule, Field, FieldPath, Meaning, Output, OutputRequest, ReportArguments, SessionFiles,
};

/// `codex exec --json`.
pub static CODEX_OUTPUT: Output = Output {
    requests: &[
        OutputRequest { option: "--json", values: &[] },
        OutputRequest { option: "--experimental-json", values: &[] },
    ],
    report_arguments: ReportArguments {
        resuming: &["resume", "fork"],
        other: &["review", "help"],
        resuming_options: &[],
        // `turn.completed` reports 0 tokens, because the requests belong to another thread.
        uncounted: &["review"],
        // A reviewer of another model answered six requests where one command asked for an approval, and none was told.
        review_settings: &["--approve-for-me", "approvals_reviewer"],
        compaction_settings: &["model_auto_compact_token_limit", "model_context_window"],
    },
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
        FieldPath(Field::Item, &["item", "type"]),
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
        // Agents that this one has started, whose tokens are in no event: 4,010 were answered, and 3,007 told. Where the
        // catalogue gives a model "v2" of them, as it does to the default one, only waiting for one is told:
        // SESSION_FILES has the others.
        EventRule::new(&[(Field::Item, "collab_tool_call")], Meaning::Uncounted),
    ],
    claims: &[],
    other_claims: &[],
    failures: &[
        BROKER_RULES,
        &[
            FailureRule::text("no rollout found", Kind::NoSession),
            FailureRule::text("Quota exceeded", Kind::Quota),
            FailureRule::text("hit your usage limit", Kind::Quota),
            FailureRule::text("Missing environment variable", Kind::NoCredential),
            FailureRule::text("sign in again", Kind::NotLoggedIn),
            FailureRule::text("Selected model is at capacity", Kind::Overloaded),
            // The CLI's text for every 500: it does not say that it was one.
            FailureRule::text("currently experiencing high demand", Kind::Server),
            FailureRule::text("ran out of room in the model's context window", Kind::TooLarge),
            FailureRule::text("context_length_exceeded", Kind::TooLarge),
            FailureRule::text("To use Codex with your ChatGPT plan, upgrade", Kind::Permission),
            // Of a 404: what the API says of an address, and what others answer in its place.
            FailureRule::text("/v1/v1/", Kind::Endpoint),
            FailureRule::status_text((404, 404), "Invalid URL", Kind::Endpoint),
            FailureRule::status_text((404, 404), "<html", Kind::Endpoint),
            FailureRule::status_text((404, 404), "<!DOCTYPE", Kind::Endpoint),
            FailureRule::status_text((404, 404), "<!doctype", Kind::Endpoint),
            FailureRule::status_text((404, 404), "\"detail\":\"Not Found\"", Kind::Endpoint),
            FailureRule::status_text((404, 404), "404 page not found", Kind::Endpoint),
            FailureRule::status_text((404, 404), "Cannot POST", Kind::Endpoint),
        ],
        STATUS_RULES,
        &[
            // What the API says in a stream that has begun is after "stream disconnected before completion: ",
            // which says nothing itself.
            FailureRule::text("rate limit exceeded", Kind::RateLimited),
            FailureRule::text("Rate limit reached", Kind::RateLimited),
            FailureRule::text("no credits remaining", Kind::Quota),
            FailureRule::text("exceeded your current quota", Kind::Quota),
            FailureRule::text("Incorrect API key provided", Kind::Authentication),
            FailureRule::text("has been deactivated", Kind::Permission),
            FailureRule::text("does not exist or you do not have access to it", Kind::Model),
            FailureRule::text("model is not supported", Kind::Model),
            FailureRule::text("model_not_found", Kind::Model),
            FailureRule::text("The server had an error", Kind::Server),
            FailureRule::text("An error occurred while processing your request", Kind::Server),
            FailureRule::text("overloaded", Kind::Overloaded),
            FailureRule::text("reason: max_output_tokens", Kind::Limit),
            FailureRule::text("reason: content_filter", Kind::InvalidRequest),
            FailureRule::text("Invalid prompt", Kind::InvalidRequest),
            // What becomes of the connection.
            FailureRule::text("closed before response.completed", Kind::Network),
            FailureRule::text("closed by server before response.completed", Kind::Network),
            FailureRule::text("idle timeout", Kind::Network),
            FailureRule::text("websocket connection is closed", Kind::Network),
            FailureRule::text("websocket closed", Kind::Network),
            FailureRule::text("waiting for network", Kind::Network),
            FailureRule::text("error sending request", Kind::Network),
            FailureRule::text("invalid peer certificate", Kind::Network),
            FailureRule::text("error decoding response body", Kind::Network),
            FailureRule::text("request or response body error", Kind::Network),
            FailureRule::text("Connection refused", Kind::Network),
            FailureRule::text("request timed out", Kind::Network),
            // Of a 400 it passes on the body alone.
            FailureRule::text("{\"error\":", Kind::InvalidRequest),
            FailureRule::text("{\"detail\":", Kind::InvalidRequest),
        ],
    ],
    status_prefixes: &["unexpected status ", "last status: "],
    complaints: &[
        FailureRule::text("no rollout found", Kind::NoSession),
        FailureRule::text("Error loading config", Kind::Configuration),
        FailureRule::text("Error: ", Kind::Configuration),
        FailureRule::text("error: ", Kind::Configuration),
        FailureRule::text("Error finding codex home", Kind::Configuration),
        FailureRule::text("failed to initialize", Kind::Configuration),
    ],
    wait_prefixes: &["try again in ", "Try again in "],
    reset_prefixes: &[],
    // "12:46 AM" or "Nov 29th, 2026 12:36 AM", as `TZ` has it.
    clock_prefixes: &["try again at "],
    // The address is in the text.
    doubled_path: None,
    session_files: Some(&SESSION_FILES),
    // Nine tenths of 272,000 tokens, the smallest context window of the catalogue in the executable. A request of 243,000
    // was not followed by one that summed up; one of 250,000 was.
    compacts_at: Some(244_800),
};

/// Of 0.163.0 and 0.169.0. Each agent has a file, as has the reviewer of approvals that a `config.toml` sets: with the ids of
/// the thread that it works for, before its first request. Where 20 agents were started and not waited for, all that sent a
/// request had one. With `--ephemeral` nobody has. An agent of an earlier run goes on in its own file.
static SESSION_FILES: SessionFiles = SessionFiles {
    directory: "sessions",
    prefix: "rollout-",
    fields: &[
        FieldPath(Field::Thread, &["payload", "id"]),
        FieldPath(Field::Session, &["payload", "session_id"]),
        FieldPath(Field::Parent, &["payload", "parent_thread_id"]),
        FieldPath(Field::Parent, &["payload", "source", "subagent", "thread_spawn", "parent_thread_id"]),
    ],
    // For both versions of agents. `--disable multi_agent`, which 0.169.0 calls deprecated, ends "v1" alone, and
    // `--disable multi_agent_v2` neither. 0.140.0 does not start with this.
    off: ("agents.enabled", "false"),
};
