//! Tests of the meter with the CLIs' real streams, split anywhere, and with arbitrary bytes.

use proptest::prelude::*;

use super::*;
use crate::provider::{self, CredentialKind, FailureKind};

mod failures;
mod forged;
mod gaps;
mod ledger;

fn meter(provider: &str) -> Meter {
    Meter::new(
        provider::find(provider).expect("a row"),
        Expected { credential: Some(CredentialKind::ApiKey), ..Expected::default() },
    )
}

fn read(provider: &str, text: &str) -> Meter {
    let mut meter = meter(provider);
    meter.feed(text.as_bytes());
    meter
}

const INIT: &str = r#"{"type":"system","subtype":"init","tools":["a",{"type":"result"}],"model":"claude-sonnet-4-5","apiKeySource":"ANTHROPIC_API_KEY"}"#;

fn assistant(id: &str, output: u64) -> String {
    format!(
        r#"{{"type":"assistant","message":{{"id":"{id}","model":"claude-sonnet-4-5","content":[{{"type":"text","text":"a \" ]}}}} \\"}}],"usage":{{"input_tokens":100,"cache_creation_input_tokens":3,"cache_read_input_tokens":7,"output_tokens":{output}}}}}}}"#
    )
}

/// `type` is near the end, as in the real one; the cumulative fields are there to be ignored.
fn result(input: u64, output: u64, cost: f64) -> String {
    format!(
        r#"{{"total_cost_usd":9.5,"usage":{{"input_tokens":{input},"cache_read_input_tokens":7,"cache_creation_input_tokens":3,"output_tokens":{output}}},"modelUsage":{{"claude-sonnet-4-5":{{"inputTokens":99999,"outputTokens":99999,"costUSD":9.5}}}},"is_error":false,"subtype":"success","result":"x","type":"result","model_usage_since_last_result":{{"claude-sonnet-4-5":{{"inputTokens":{input},"outputTokens":{output},"cacheReadInputTokens":7,"cacheCreationInputTokens":3,"thinkingTokens":2,"costUSD":{cost:?}}}}}}}"#
    )
}

fn tokens(input: u64, cached: u64, cache_write: u64, output: u64, reasoning: u64) -> Tokens {
    Tokens { input, cached, cache_write, output, reasoning }
}

#[test]
fn claude_counts_turns_once_and_answers_once() {
    let mut meter = read("claude", &format!("{INIT}\n{}\n{}\n", assistant("m1", 1), assistant("m1", 4)));
    assert_eq!(meter.usage().tokens, tokens(110, 7, 3, 4, 0));
    assert!(!meter.usage().gaps.is_empty());
    meter.feed(format!("{}\n", result(100, 10, 0.25)).as_bytes());
    let usage = meter.usage();
    assert_eq!((usage.tokens, usage.turns, usage.gaps.is_empty()), (tokens(110, 7, 3, 10, 2), 1, true));
    assert_eq!(usage.cost.map(Cost::dollars), Some(0.25));
    assert_eq!(usage.models.len(), 1);
    meter.feed(format!("{INIT}\n{}\n", result(300, 30, 0.5)).as_bytes());
    let usage = meter.usage();
    assert_eq!((usage.tokens, usage.turns), (tokens(420, 14, 6, 40, 4), 2));
    assert_eq!(usage.cost.map(Cost::dollars), Some(0.75));
    assert_eq!(usage.model.as_deref(), Some("claude-sonnet-4-5"));
}

/// A turn's report with so many models of one token each.
fn result_of_models(name: &str, count: usize) -> String {
    let models: Vec<String> = (0..count).map(|index| format!(r#""{name}{index}":{{"outputTokens":1}}"#)).collect();
    format!(r#"{{"type":"result","is_error":false,"model_usage_since_last_result":{{{}}}}}"#, models.join(","))
}

#[test]
fn answers_and_models_beyond_the_limits_count_in_the_sum() {
    let mut meter = read("claude", &format!("{INIT}\n"));
    for index in 0..600 {
        meter.feed(
            assistant(&format!("a{index}"), 1).replace("claude-sonnet-4-5", &format!("made-up-{index}")).as_bytes(),
        );
    }
    let usage = meter.usage();
    assert_eq!((usage.tokens, usage.models.len()), (tokens(66_000, 4200, 1800, 600, 0), 32));
    let full = read("claude", &result_of_models("m", 32)).usage();
    assert_eq!((full.tokens.output, full.models.len(), full.gaps.is_empty()), (32, 32, true));
    let over = read("claude", &result_of_models("m", 33)).usage();
    assert_eq!((over.turns, over.gaps.is_empty()), (0, false));
    let both = read("claude", &format!("{}\n{}", result_of_models("m", 31), result_of_models("n", 2))).usage();
    assert_eq!((both.tokens.output, both.models.len(), both.gaps.is_empty()), (33, 32, true));
}

#[test]
fn an_event_of_more_values_than_are_kept_is_a_gap() {
    let line =
        |count| format!(r#"{{{}"type":"result","usage":{{"output_tokens":1}}}}"#, r#""is_error":false,"#.repeat(count));
    assert!(read("claude", &line(510)).usage().gaps.is_empty());
    assert!(!read("claude", &line(511)).usage().gaps.is_empty());
}

/// As the real one ends a run that had waited for a subagent: its last two results report the same requests, the first by
/// model, the second in `usage` alone.
#[test]
fn a_report_that_names_no_model_has_used_nothing_more() {
    let again = r#"{"usage":{"input_tokens":100,"output_tokens":10},"type":"result","is_error":false,"model_usage_since_last_result":"#;
    let mut meter = read("claude", &format!("{INIT}\n{}\n{}\n", assistant("m1", 4), result(100, 10, 0.25)));
    meter.feed(format!("{again}{{}}}}\n").as_bytes());
    let usage = meter.usage();
    assert_eq!((usage.tokens, usage.turns, usage.gaps.is_empty()), (tokens(110, 7, 3, 10, 2), 2, true));
    // One that reports nothing by model is read in `usage`.
    meter.feed(format!("{again}null}}\n").as_bytes());
    assert_eq!(meter.usage().tokens, tokens(210, 7, 3, 20, 2));
}

#[test]
fn an_escape_in_a_name_is_what_it_stands_for() {
    for (written, shown) in [
        (r"x\u00e9y", "xéy"),
        (r"\ud83d\ude00!", "😀!"),
        (r"a\u001bb\u202ec", "a\u{fffd}b\u{fffd}c"),
        (r"a\ud83db", "a\u{fffd}b"),
        (r"a\ud83d\nb", "a\u{fffd} b"),
        (r"a\ud83d\ud83d\ude00", "a\u{fffd}😀"),
        (r"\ude00a", "\u{fffd}a"),
        (r"a\ud83d", "a\u{fffd}"),
        (r"a\u00", "a\u{fffd}"),
        (r"a\/\\\u0062", "a/\\b"),
    ] {
        let meter = read("claude", &format!("{}\n", INIT.replace("claude-sonnet-4-5", written)));
        assert_eq!(meter.usage().model.as_deref(), Some(shown), "{written}");
    }
}

#[test]
fn an_array_of_events_reads_as_its_lines() {
    let text = format!("[{INIT},{},{}]", assistant("m1", 1), result(100, 10, 0.25));
    assert_eq!(read("claude", &text).usage().tokens, tokens(110, 7, 3, 10, 2));
}

#[test]
fn a_line_of_any_length_is_read_and_little_of_it_kept() {
    let long = "x".repeat(5_000_000);
    let text = format!(
        r#"{{"type":"user","message":{{"content":[{{"text":"{long}"}}]}}}}{}{}"#,
        "\n",
        result(1, 1, 0.0).replace("\"x\"", &format!("\"{long}\""))
    );
    let usage = read("claude", &text).usage();
    assert_eq!((usage.tokens.output, usage.gaps.is_empty()), (1, true));
}

#[test]
fn what_was_cut_off_is_a_gap() {
    let whole = result(1, 1, 0.0);
    for text in [format!("{}\n{whole}\n", &whole[..200]), format!("{whole}\n{{\"type\":}}\n{whole}\n")] {
        assert!(!read("claude", &text).usage().gaps.is_empty(), "{text}");
    }
    let mut cut = read("claude", &format!("{whole}\n{{\"ty"));
    cut.end(None);
    assert!(!cut.usage().gaps.is_empty());
    assert!(read("claude", &format!("a warning\n[x] another\n{whole}\n")).usage().gaps.is_empty());
    for bad in ["-1", "1.5", "1e3", "99999999999999999999999"] {
        let text = result(1, 1, 0.0).replace("\"inputTokens\":1,", &format!("\"inputTokens\":{bad},"));
        assert!(!read("claude", &text).usage().gaps.is_empty(), "{bad}");
    }
}

#[test]
fn a_claim_that_is_known_to_be_no_credential_of_ours_is_named() {
    let text = INIT.replace("ANTHROPIC_API_KEY", "apiKeyHelper");
    assert_eq!(read("claude", &text).claim(), Some(Claim { claimed: "apiKeyHelper", fits: false }));
}

#[test]
fn claims_are_compared_with_what_was_given() {
    for (given, said, fits) in [
        (CredentialKind::ApiKey, "ANTHROPIC_API_KEY", true),
        (CredentialKind::ApiKey, "none", false),
        (CredentialKind::ApiKey, "sk-ant-surprise", false),
        (CredentialKind::OauthToken, "none", true),
        (CredentialKind::OauthToken, "apiKeyHelper", false),
        (CredentialKind::ConfigDir, "/login managed key", true),
    ] {
        let expected = Expected { credential: Some(given), ..Expected::default() };
        let mut meter = Meter::new(provider::find("claude").expect("a row"), expected);
        let changes = meter.feed(INIT.replace("ANTHROPIC_API_KEY", said).as_bytes());
        assert_eq!(changes.mismatch, !fits, "{given:?} {said}");
        assert!(!meter.claim().is_some_and(|claim| claim.claimed.contains("surprise")));
    }
}

fn codex_turn(id: &str, input: u64) -> String {
    format!(
        "{{\"type\":\"thread.started\",\"thread_id\":\"{id}\"}}\n{{\"type\":\"turn.started\"}}\n{{\"type\":\"turn.completed\",\"usage\":{{\"input_tokens\":{input},\"cached_input_tokens\":7,\"cache_write_input_tokens\":0,\"output_tokens\":20,\"reasoning_output_tokens\":4}}}}\n"
    )
}

#[test]
fn codex_failures_pass_or_stay() {
    let error =
        r#"{"type":"error","message":"Reconnecting... 1/5 (unexpected status 401 Unauthorized: sk-proj-abc, url: x)"}"#;
    let mut meter = read("codex", error);
    let told = |meter: &Meter| meter.failure().map(|failure| (failure.kind, failure.status, failure.passing));
    assert_eq!(told(&meter), Some((FailureKind::Authentication, Some(401), true)));
    assert_eq!(meter.feed(error.as_bytes()), Changes::default(), "the same again is no news");
    meter.feed(codex_turn("thread-d", 1).as_bytes());
    assert_eq!(meter.failure(), None);
    meter.feed(
        br#"{"type":"turn.failed","error":{"message":"exceeded retry limit, last status: 429 Too Many Requests"}}"#,
    );
    assert_eq!(told(&meter), Some((FailureKind::RateLimited, Some(429), false)));
}

const PASSING: &str = r#"{"type":"error","message":"unexpected status 503 Service Unavailable"}"#;

#[test]
fn a_failure_that_passed_is_none_at_an_end_without_one() {
    for (code, is_left) in [(Some(0), false), (Some(1), true), (None, true)] {
        let mut meter = read("codex", PASSING);
        let changes = meter.end(code);
        assert_eq!(meter.failure().is_some(), is_left, "{code:?}");
        assert_eq!(changes.failure, !is_left, "{code:?}");
    }
    let mut failed = read("codex", r#"{"type":"turn.failed","error":{"message":"x"}}"#);
    failed.end(Some(0));
    assert_eq!(failed.failure().map(|failure| failure.kind), Some(FailureKind::Unknown));
}

#[test]
fn the_word_of_a_turn_is_of_that_turn() {
    let word = r#"{"type":"assistant","error":"rate_limit"}"#;
    let failed = result(1, 1, 0.0).replace("\"is_error\":false", "\"is_error\":true");
    let mut meter = read("claude", &format!("{word}\n{failed}\n"));
    assert_eq!(meter.failure().map(|failure| failure.kind), Some(FailureKind::RateLimited));
    meter.feed(format!("{failed}\n").as_bytes());
    assert_eq!(meter.failure().map(|failure| failure.kind), Some(FailureKind::Unknown));
    let mut over = read("claude", &format!("{word}\n{}\n", result(1, 1, 0.0)));
    over.feed(failed.as_bytes());
    assert_eq!(over.failure().map(|failure| failure.kind), Some(FailureKind::Unknown));
}

#[test]
fn what_no_model_wrote_is_of_no_model() {
    let line = assistant("m1", 4).replace("claude-sonnet-4-5", "<synthetic>");
    let known = read("claude", &format!("{INIT}\n{line}\n")).usage();
    let models: Vec<&str> = known.models.iter().map(|part| &*part.model).collect();
    assert_eq!(models, ["claude-sonnet-4-5"]);
    let unknown = read("claude", &line).usage();
    assert_eq!((unknown.models.len(), unknown.tokens.output), (0, 4));
}

#[test]
fn what_stands_on_stderr_alone_tells_a_failure_at_the_end() {
    let mut meter = meter("codex");
    meter.complain(b"Error: Model provider `nope` not found\n");
    meter.complain(&[b'x'; 5000]);
    assert_eq!(meter.failure(), None);
    meter.end(Some(1));
    assert_eq!(meter.failure().map(|failure| failure.kind), Some(FailureKind::Configuration));
}

#[test]
fn the_table_fits_the_scanner() {
    for row in provider::PROVIDERS {
        assert!(row.output.fields.len() <= 64, "{}", row.id);
        assert!(row.output.fields.iter().all(|path| path.1.len() <= 6 && !path.1.is_empty()), "{}", row.id);
        assert!(!row.output.requests.is_empty() && !row.output.events.is_empty(), "{}", row.id);
    }
}

#[test]
fn failure_kinds_have_names_of_their_own() {
    let names: std::collections::HashSet<_> = FailureKind::ALL.iter().map(|kind| kind.as_str()).collect();
    assert_eq!(names.len(), FailureKind::ALL.len());
}

/// A stream of both CLIs' events and of rubbish.
fn streams() -> impl Strategy<Value = Vec<u8>> {
    let line = prop_oneof![
        Just(INIT.to_owned()),
        (0_u8..4, 0_u64..50).prop_map(|(id, output)| assistant(&format!("m{id}"), output)),
        (0_u64..1000, 0_u64..1000).prop_map(|(input, output)| result(input, output, input as f64 / 1000.0)),
        (0_u64..1000).prop_map(|input| codex_turn("thread-p", input)),
        ".{0,40}",
        r#"[\[\]{}",:\\ a-z0-9]{0,40}"#,
    ];
    prop::collection::vec((line, any::<bool>()), 0..12).prop_map(|lines| {
        lines
            .into_iter()
            .flat_map(|(line, ends)| [line.into_bytes(), if ends { vec![b'\n'] } else { vec![] }].concat())
            .collect()
    })
}

proptest! {
    #[test]
    fn any_cutting_gives_the_same(bytes in streams(), cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..20)) {
        let mut whole = meter("claude");
        whole.feed(&bytes);
        let mut ends: Vec<usize> = cuts.iter().map(|cut| cut.index(bytes.len() + 1)).collect();
        ends.push(bytes.len());
        ends.sort_unstable();
        let mut cut = meter("claude");
        let mut from = 0;
        for end in ends {
            cut.feed(&bytes[from..end]);
            from = end;
        }
        prop_assert_eq!(whole.usage(), cut.usage());
        prop_assert_eq!((whole.failure(), whole.claim()), (cut.failure(), cut.claim()));
        for code in [None, Some(0), Some(1)] {
            whole.end(code);
            cut.end(code);
            prop_assert_eq!(whole.usage(), cut.usage());
        }
    }

    #[test]
    fn any_bytes_are_read_without_a_panic(bytes in prop::collection::vec(any::<u8>(), 0..600)) {
        for row in provider::PROVIDERS {
            let mut meter = Meter::new(row, Expected::default());
            meter.feed(&bytes);
            meter.end(Some(1));
            prop_assert!(meter.usage().tokens.input <= MAX_COUNT);
        }
    }

    /// Against serde_json: the same counts, wherever the keys are and whatever else the event holds.
    #[test]
    fn counts_are_those_that_a_parser_finds(input in any::<u32>(), output in any::<u32>(), noise in "\\PC{0,60}", first in any::<bool>()) {
        let usage = format!("\"usage\":{{\"input_tokens\":{input},\"x\":[{{\"output_tokens\":1}}],\"output_tokens\":{output}}}");
        let other = format!("\"noise\":{},\"more\":{{\"usage\":{{\"input_tokens\":5}}}}", serde_json::to_string(&noise).expect("a string"));
        let inner = if first { format!("{usage},{other}") } else { format!("{other},{usage}") };
        let line = format!("{{{inner},\"type\":\"result\",\"is_error\":false}}");
        let parsed: serde_json::Value = serde_json::from_str(&line).expect("JSON");
        let counted = read("claude", &line).usage().tokens;
        prop_assert_eq!(Some(counted.input), parsed["usage"]["input_tokens"].as_u64());
        prop_assert_eq!(Some(counted.output), parsed["usage"]["output_tokens"].as_u64());
    }
}
