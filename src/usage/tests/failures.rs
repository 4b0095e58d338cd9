//! Tests with failures as both CLIs reported them (Codex 0.163.0, Claude Code 2.1.330), and how they are classified.

use super::*;

/// Kind, status, milliseconds to wait.
type Told = (FailureKind, Option<u16>, Option<u64>);

fn codex(message: &str) -> Told {
    let message = serde_json::to_string(message).expect("a string");
    let failed = format!(r#"{{"type":"turn.failed","error":{{"message":{message}}}}}"#);
    let failure = read("codex", &failed).failure().expect("a failure");
    (failure.kind, failure.status, failure.retry_after)
}

#[test]
fn a_stream_that_broke_is_judged_by_its_cause() {
    use FailureKind::{
        Authentication, Limit, Model, Network, Overloaded, Permission, Quota, RateLimited, Server, TooLarge, Unknown,
    };
    for (cause, kind) in [
        ("You have no credits remaining.", Quota),
        ("You exceeded your current quota, please check your plan", Quota),
        ("Incorrect API key provided: sk-***.", Authentication),
        ("Your account has been deactivated.", Permission),
        ("The model `x` does not exist or you do not have access to it.", Model),
        ("The server had an error while processing your request.", Server),
        ("Rate limit reached for gpt-x on tokens per min.", RateLimited),
        ("Our servers are currently overloaded.", Overloaded),
        ("Incomplete response returned, reason: max_output_tokens", Limit),
        ("stream closed before response.completed", Network),
        ("websocket closed by server before response.completed", Network),
        ("idle timeout waiting for SSE", Network),
        ("error sending request", Network),
        ("invalid peer certificate: UnknownIssuer", Network),
        // What nobody here knows is no loss of the connection.
        ("a cause that is made up", Unknown),
        ("", Unknown),
    ] {
        let told = codex(&format!("stream disconnected before completion: {cause}"));
        assert_eq!(told, (kind, None, None), "{cause}");
        let passing = format!("Reconnecting... 1/5 (stream disconnected before completion: {cause})");
        assert_eq!(codex(&passing).0, kind, "{cause}");
    }
    assert_eq!(codex(r#"{"error":{"message":"x","code":"context_length_exceeded"}}"#).0, TooLarge);
}

#[test]
fn codex_tells_how_long_to_wait() {
    use FailureKind::{Quota, RateLimited};
    let limited = "rate limit exceeded: Rate limit reached for gpt-x on tokens per min. Please try again in ";
    for (wait, milliseconds) in [("11.054s. Visit x", Some(11_054)), ("5m", Some(300_000)), ("a while", None)] {
        assert_eq!(codex(&format!("{limited}{wait}")), (RateLimited, None, milliseconds), "{wait}");
    }
    assert_eq!(codex("You've hit your usage limit. Try again in 3 days 5 hours."), (Quota, None, Some(277_200_000)));
}

#[test]
fn an_address_that_is_not_there_is_no_model() {
    use FailureKind::{Endpoint, Model};
    let not_found = "unexpected status 404 Not Found: ";
    for (text, kind) in [
        ("No mock of POST /v1/v1/responses, url: http://127.0.0.1:1/v1/v1/responses", Endpoint),
        ("Invalid URL (POST /v1/responses), url: x", Endpoint),
        ("<html>404 Not Found nginx</html>, url: x", Endpoint),
        ("{\"detail\":\"Not Found\"}, url: x", Endpoint),
        ("The model `x` does not exist or you do not have access to it., url: x", Model),
    ] {
        assert_eq!(codex(&format!("{not_found}{text}")), (kind, Some(404), None), "{text}");
    }
    let claude = |doubled: bool, kind: &str| {
        let expected = Expected { is_path_doubled: doubled, ..Expected::default() };
        let mut meter = Meter::new(provider::find("claude").expect("a row"), expected);
        let line = format!(
            r#"{{"type":"result","is_error":true,"api_error_status":404{kind},"result":"There's an issue with the selected model"}}"#
        );
        meter.feed(line.as_bytes());
        meter.failure().map(|failure| failure.kind)
    };
    let own = r#","api_error_type":"not_found_error""#;
    assert_eq!(
        (claude(false, own), claude(true, own), claude(false, "")),
        (Some(Model), Some(Endpoint), Some(Endpoint))
    );
}

#[test]
fn claude_code_tells_when_a_limit_ends() {
    let assistant = r#"{"type":"assistant","error":"rate_limit","api_error":"usage_limit_reached","api_error_params":{"rate_limit_info":{"status":"rejected","resetsAt":1795657341}},"message":{"content":[]}}"#;
    let result = |text: &str, cause: &str| {
        format!(
            r#"{{"type":"result","is_error":true,"api_error_status":429{cause},"usage":{{"input_tokens":0}},"result":"{text}"}}"#
        )
    };
    let cause = r#","api_error":"usage_limit_reached""#;
    let event = r#"{"type":"rate_limit_event","rate_limit_info":{"status":"allowed","resetsAt":5}}"#;
    for (text, resets_at) in [
        (format!("{event}\n{assistant}\n{}", result("You've hit your 5-hour limit", cause)), Some(1_795_657_341_000)),
        (result("Claude AI usage limit reached|1795657341", ""), Some(1_795_657_341_000)),
        (result("You've hit your 5-hour limit", cause), None),
        (result("Claude AI usage limit reached|99999999999999999", ""), None),
    ] {
        let failure = read("claude", &text).failure().expect("a failure");
        assert_eq!((failure.kind, failure.resets_at), (FailureKind::Quota, resets_at), "{text}");
        assert_eq!(failure.is_retryable(), resets_at.is_some());
    }
    let mut next = read("claude", &format!("{assistant}\n{}\n", result("x", cause)));
    next.feed(result("Overloaded", "").as_bytes());
    assert_eq!(next.failure().map(|failure| failure.resets_at), Some(None), "the next turn's failure is another one");
    let retry =
        r#"{"type":"system","subtype":"api_retry","retry_delay_ms":3181,"error_status":429,"error":"rate_limit"}"#;
    let failure = read("claude", retry).failure().expect("a failure");
    assert_eq!((failure.kind, failure.retry_after, failure.passing), (FailureKind::RateLimited, Some(3181), true));
}

#[test]
fn stderr_tells_what_the_events_do_not() {
    for (provider, complaint, kind) in [
        ("claude", "No conversation found with session ID: 0199", FailureKind::NoSession),
        (
            "claude",
            "\nClaude configuration file at /x/.claude.json is corrupted: JSON Parse error",
            FailureKind::Configuration,
        ),
        (
            "codex",
            "Error: thread/resume: thread/resume failed: no rollout found for thread id 0199 (code -32600)",
            FailureKind::NoSession,
        ),
        ("codex", "Error loading config.toml:\n/x/config.toml:1:10: unclosed array", FailureKind::Configuration),
        ("codex", "made up", FailureKind::Unknown),
    ] {
        let mut silent = meter(provider);
        silent.complain(complaint.as_bytes());
        silent.end(Some(1));
        assert_eq!(silent.failure().map(|failure| failure.kind), Some(kind), "{complaint}");
    }
    // A result that says nothing of it.
    let mut told = read(
        "claude",
        r#"{"type":"result","subtype":"error_during_execution","is_error":true,"usage":{"input_tokens":0}}"#,
    );
    told.complain(b"No conversation found with session ID: 0199");
    told.end(Some(1));
    assert_eq!(told.failure().map(|failure| failure.kind), Some(FailureKind::NoSession));
}
