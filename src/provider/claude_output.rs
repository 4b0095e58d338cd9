//! The JSON output of Claude Code, as measured on 2.1.330.

use super::failure_kind::FailureKind as Kind;
use super::output::{
    CommandLine, CredentialClaim, EventRule, FailureRule, Field, FieldPath, Meaning, Output, OutputRequest,
};
use super::row::CredentialKind;
use super::status_rules::STATUS_RULES;

/// `--output-format stream-json`, and `json`: one event, or with `--verbose` an array of them.
pub static CLAUDE_OUTPUT: Output = Output {
    requests: &[OutputRequest { option: "--output-format", values: &["stream-json", "json"] }],
    command_line: CommandLine::NONE,
    model_options: &[],
    model_family: "Claude",
    input_excludes_cache: true,
    synthetic_model: "<synthetic>",
    // `modelUsage` and `total_cost_usd` are left out on purpose: they go on counting over all results of a session, and
    // over its earlier processes after `--resume`. Those of a turn are below.
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
        // With --include-partial-messages: the end of an answer tells its whole output.
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
        FieldPath(Field::IsError, &["is_error"]),
        FieldPath(Field::Word, &["error"]),
        FieldPath(Field::Status, &["api_error_status"]),
        FieldPath(Field::Status, &["error_status"]),
        FieldPath(Field::Text, &["result"]),
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
        &[
            FailureRule::text("Not logged in", Kind::NotLoggedIn),
            FailureRule::word("billing_error", Kind::Quota),
            FailureRule::text("Credit balance is too low", Kind::Quota),
            FailureRule::word("error_max_turns", Kind::Limit),
            FailureRule::word("error_max_budget_usd", Kind::Limit),
            FailureRule::word("error_max_structured_output_retries", Kind::Limit),
            FailureRule::word("max_output_tokens", Kind::Limit),
        ],
        STATUS_RULES,
        &[
            FailureRule::text("ECONNREFUSED", Kind::Network),
            FailureRule::text("ECONNRESET", Kind::Network),
            FailureRule::text("ENOTFOUND", Kind::Network),
            FailureRule::text("ETIMEDOUT", Kind::Network),
            FailureRule::text("API Error: Connection", Kind::Network),
            FailureRule::text("Unable to connect to API", Kind::Network),
            FailureRule::text("Prompt is too long", Kind::TooLarge),
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
        FailureRule::text("error: ", Kind::Configuration),
        FailureRule::text("Error: ", Kind::Configuration),
        FailureRule::text("cannot be used with root/sudo", Kind::Configuration),
        FailureRule::text("uv_os_homedir", Kind::Configuration),
        FailureRule::text("EACCES", Kind::Configuration),
    ],
};
