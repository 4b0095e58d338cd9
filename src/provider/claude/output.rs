//! The JSON output of Claude Code, as measured on 2.1.330.

use crate::provider::credential::CredentialKind;
use crate::provider::failure::{BROKER_RULES, FailureKind as Kind, FailureRule, STATUS_RULES};
use crate::provider::output::{
    CredentialClaim, EventRule, Field, FieldPath, Meaning, Output, OutputRequest, ReportArguments,
};

/// `--output-format stream-json`, and `json`: one event, or with `--verbose` an array of them.
pub static CLAUDE_OUTPUT: Output = Output {
    requests: &[OutputRequest { option: "--output-format", values: &["stream-json", "json"] }],
    report_arguments: ReportArguments {
        resuming: &[],
        other: &[],
        // Short ones may be combined (`-pc`).
        resuming_options: &["--resume", "-r", "--continue", "-c", "--from-pr", "--teleport"],
        uncounted: &[],
        review_settings: &[],
        compaction_settings: &[],
    },
    model_options: &[],
    model_family: "Claude",
    input_excludes_cache: true,
    synthetic_model: "<synthetic>",
    // `modelUsage` goes on counting over all results of a session, and over its earlier processes after `--resume`, forks
    // included. Of a turn is `model_usage_since_last_result`, which `stream-json` has since 2.1.316 and `json` has not.
    // `usage` is of the agent alone: it leaves out subagents, and of a run with several results it is the last one's.
    fields: &[
        FieldPath(Field::Type, &["type"]),
        FieldPath(Field::Subtype, &["subtype"]),
        FieldPath(Field::Claim, &["apiKeySource"]),
        FieldPath(Field::Model, &["model"]),
        FieldPath(Field::Message, &["message", "id"]),
        FieldPath(Field::Model, &["message", "model"]),
        FieldPath(Field::Input, &["message", "usage", "input_tokens"]),
        FieldPath(Field::Cached, &["message", "usage", "cache_read_input_tokens"]),
        FieldPath(Field::CacheWrite, &["message", "usage", "cache_creation_input_tokens"]),
        FieldPath(Field::Output, &["message", "usage", "output_tokens"]),
        FieldPath(Field::Reasoning, &["message", "usage", "output_tokens_details", "thinking_tokens"]),
        // With --include-partial-messages: the end of an answer reports its whole output.
        FieldPath(Field::Message, &["api_message_id"]),
        FieldPath(Field::Message, &["event", "message", "id"]),
        FieldPath(Field::Model, &["event", "message", "model"]),
        FieldPath(Field::Input, &["event", "message", "usage", "input_tokens"]),
        FieldPath(Field::Cached, &["event", "message", "usage", "cache_read_input_tokens"]),
        FieldPath(Field::CacheWrite, &["event", "message", "usage", "cache_creation_input_tokens"]),
        FieldPath(Field::Output, &["event", "message", "usage", "output_tokens"]),
        FieldPath(Field::Output, &["event", "usage", "output_tokens"]),
        FieldPath(Field::Reasoning, &["event", "usage", "output_tokens_details", "thinking_tokens"]),
        FieldPath(Field::Input, &["usage", "input_tokens"]),
        FieldPath(Field::Cached, &["usage", "cache_read_input_tokens"]),
        FieldPath(Field::CacheWrite, &["usage", "cache_creation_input_tokens"]),
        FieldPath(Field::Output, &["usage", "output_tokens"]),
        FieldPath(Field::Reasoning, &["usage", "output_tokens_details", "thinking_tokens"]),
        FieldPath(Field::Input, &["model_usage_since_last_result", "*", "inputTokens"]),
        FieldPath(Field::Cached, &["model_usage_since_last_result", "*", "cacheReadInputTokens"]),
        FieldPath(Field::CacheWrite, &["model_usage_since_last_result", "*", "cacheCreationInputTokens"]),
        FieldPath(Field::Output, &["model_usage_since_last_result", "*", "outputTokens"]),
        FieldPath(Field::Reasoning, &["model_usage_since_last_result", "*", "thinkingTokens"]),
        FieldPath(Field::Cost, &["model_usage_since_last_result", "*", "costUSD"]),
        FieldPath(Field::Thread, &["session_id"]),
        FieldPath(Field::Input, &["modelUsage", "+", "inputTokens"]),
        FieldPath(Field::Cached, &["modelUsage", "+", "cacheReadInputTokens"]),
        FieldPath(Field::CacheWrite, &["modelUsage", "+", "cacheCreationInputTokens"]),
        FieldPath(Field::Output, &["modelUsage", "+", "outputTokens"]),
        FieldPath(Field::Reasoning, &["modelUsage", "+", "thinkingTokens"]),
        FieldPath(Field::Cost, &["modelUsage", "+", "costUSD"]),
        FieldPath(Field::IsError, &["is_error"]),
        FieldPath(Field::Word, &["error"]),
        FieldPath(Field::Cause, &["api_error"]),
        FieldPath(Field::Cause, &["startup_failure_reason"]),
        FieldPath(Field::ErrorType, &["api_error_type"]),
        FieldPath(Field::Status, &["api_error_status"]),
        FieldPath(Field::Status, &["error_status"]),
        FieldPath(Field::Text, &["result"]),
        FieldPath(Field::Text, &["errors"]),
        // Of `api_retry`: what the API's `retry-after` says, and a little more.
        FieldPath(Field::RetryAfter, &["retry_delay_ms"]),
        FieldPath(Field::ResetsAt, &["api_error_params", "rate_limit_info", "resetsAt"]),
    ],
    events: &[
        // At the beginning of every turn.
        EventRule::new(&[(Field::Type, "system"), (Field::Subtype, "init")], Meaning::Begin),
        EventRule::new(&[(Field::Type, "system"), (Field::Subtype, "api_retry")], Meaning::Passing),
        // One for each block of an answer, with the same message and usage.
        EventRule::new(&[(Field::Type, "assistant")], Meaning::Part),
        EventRule::new(&[(Field::Type, "stream_event")], Meaning::Part),
        EventRule::new(&[(Field::Type, "result")], Meaning::Turn),
    ],
    // By descriptor or by environment alike. A login's subscription reads as `none`, as does no login at all; a key that
    // the login stored as `/login managed key`. An apiKeyHelper beside an API key is not told, though both are sent.
    claims: &[
        CredentialClaim { kind: CredentialKind::ApiKey, claims: &["ANTHROPIC_API_KEY"] },
        CredentialClaim { kind: CredentialKind::OauthToken, claims: &["none", "oauth"] },
        CredentialClaim { kind: CredentialKind::ConfigDir, claims: &["none", "oauth", "/login managed key"] },
    ],
    other_claims: &["apiKeyHelper"],
    // Words: SDKAssistantMessageError in the Agent SDK 0.3.330. 403 and "not logged in" come with the word of a 401, 529
    // with that of a 500, 402 with `unknown`: status and text go first.
    failures: &[
        BROKER_RULES,
        &[
            FailureRule::text("Not logged in", Kind::NotLoggedIn),
            FailureRule::text("No conversation found", Kind::NoSession),
            FailureRule::text("does not match any session title", Kind::NoSession),
            FailureRule::word("config_file_invalid", Kind::Configuration),
            FailureRule::word("billing_error", Kind::Quota),
            // A subscription's, with the time of its end; older versions have that in the text alone.
            FailureRule::word("usage_limit_reached", Kind::Quota),
            FailureRule::text("usage limit reached", Kind::Quota),
            FailureRule::text("Credit balance is too low", Kind::Quota),
            FailureRule::word("error_max_turns", Kind::Limit),
            FailureRule::word("error_max_budget_usd", Kind::Limit),
            FailureRule::word("error_max_structured_output_retries", Kind::Limit),
            FailureRule::word("max_output_tokens", Kind::Limit),
            // 2.1.260 has no word for it: "You've hit your session limit · resets 6:35am (UTC)".
            FailureRule::text("You've hit your", Kind::Quota),
            // With a 400.
            FailureRule::text("Prompt is too long", Kind::TooLarge),
            // The API's own 404 has this word. The CLI blames the model for that of any gateway.
            FailureRule { status: Some((404, 404)), word: Some("not_found_error"), text: None, kind: Kind::Model },
            FailureRule::status(404, 404, Kind::Endpoint),
        ],
        STATUS_RULES,
        &[
            FailureRule::word("connection_failed", Kind::Network),
            FailureRule::word("tls_untrusted_ca", Kind::Network),
            FailureRule::text("ECONNREFUSED", Kind::Network),
            FailureRule::text("ECONNRESET", Kind::Network),
            FailureRule::text("ENOTFOUND", Kind::Network),
            FailureRule::text("EAI_AGAIN", Kind::Network),
            FailureRule::text("ETIMEDOUT", Kind::Network),
            FailureRule::text("Request timed out", Kind::Network),
            FailureRule::text("API returned an empty or malformed response", Kind::Endpoint),
            FailureRule::text("API Error: Connection", Kind::Network),
            FailureRule::text("Unable to connect to API", Kind::Network),
            FailureRule::word("authentication_failed", Kind::Authentication),
            FailureRule::word("oauth_org_not_allowed", Kind::Permission),
            FailureRule::word("account_on_hold", Kind::Permission),
            FailureRule::word("verification_required", Kind::Permission),
            FailureRule::word("cloud_credential_error", Kind::NoCredential),
            FailureRule::word("rate_limit", Kind::RateLimited),
            FailureRule::word("overloaded", Kind::Overloaded),
            FailureRule::word("model_not_found", Kind::Model),
            FailureRule::word("invalid_request", Kind::InvalidRequest),
            FailureRule::word("server_error", Kind::Server),
        ],
    ],
    status_prefixes: &[],
    complaints: &[
        FailureRule::text("No conversation found", Kind::NoSession),
        FailureRule::text("does not match any session title", Kind::NoSession),
        FailureRule::text("configuration file", Kind::Configuration),
        FailureRule::text("Configuration error", Kind::Configuration),
        FailureRule::text("error: ", Kind::Configuration),
        FailureRule::text("Error: ", Kind::Configuration),
        FailureRule::text("cannot be used with root/sudo", Kind::Configuration),
        FailureRule::text("uv_os_homedir", Kind::Configuration),
        FailureRule::text("EACCES", Kind::Configuration),
    ],
    wait_prefixes: &[],
    reset_prefixes: &["usage limit reached|"],
    clock_prefixes: &[],
    doubled_path: Some("/v1"),
    session_files: None,
    // Its own requests for a summary are in its reports.
    compacts_at: None,
};
