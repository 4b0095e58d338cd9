//! The meter on streams as the CLIs write them, cut anywhere, and on any bytes.

use proptest::prelude::*;

use super::*;
use crate::provider::{self, CredentialKind, FailureKind};

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

/// `type` stands near the end, as in the real one; the cumulative fields are there to be ignored.
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
    assert!(!meter.usage().complete);
    meter.feed(format!("{}\n", result(100, 10, 0.25)).as_bytes());
    let usage = meter.usage();
    assert_eq!((usage.tokens, usage.turns, usage.complete), (tokens(110, 7, 3, 10, 2), 1, true));
    assert_eq!(usage.cost.map(Cost::dollars), Some(0.25));
    assert_eq!(usage.models.len(), 1);
    meter.feed(format!("{INIT}\n{}\n", result(300, 30, 0.5)).as_bytes());
    let usage = meter.usage();
    assert_eq!((usage.tokens, usage.turns), (tokens(420, 14, 6, 40, 4), 2));
    assert_eq!(usage.cost.map(Cost::dollars), Some(0.75));
    assert_eq!(usage.model.as_deref(), Some("claude-sonnet-4-5"));
}

/// As the real one ends a run that had waited for a subagent: its last two results tell of the same requests, the first by
/// model, the second in `usage` alone.
#[test]
fn a_report_that_names_no_model_has_used_nothing_more() {
    let again = r#"{"usage":{"input_tokens":100,"output_tokens":10},"type":"result","is_error":false,"model_usage_since_last_result":"#;
    let mut meter = read("claude", &format!("{INIT}\n{}\n{}\n", assistant("m1", 4), result(100, 10, 0.25)));
    meter.feed(format!("{again}{{}}}}\n").as_bytes());
    let usage = meter.usage();
    assert_eq!((usage.tokens, usage.turns, usage.complete), (tokens(110, 7, 3, 10, 2), 2, true));
    // One that tells nothing by model is read in `usage`.
    meter.feed(format!("{again}null}}\n").as_bytes());
    assert_eq!(meter.usage().tokens, tokens(210, 7, 3, 20, 2));
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
    assert_eq!((usage.tokens.output, usage.complete), (1, true));
}

#[test]
fn what_was_cut_off_is_a_gap() {
    let whole = result(1, 1, 0.0);
    for text in [format!("{}\n{whole}\n", &whole[..200]), format!("{whole}\n{{\"type\":}}\n{whole}\n")] {
        assert!(!read("claude", &text).usage().complete, "{text}");
    }
    let mut cut = read("claude", &format!("{whole}\n{{\"ty"));
    cut.end(None);
    assert!(!cut.usage().complete);
    assert!(read("claude", &format!("a warning\n[x] another\n{whole}\n")).usage().complete);
    for bad in ["-1", "1.5", "1e3", "99999999999999999999999"] {
        let text = result(1, 1, 0.0).replace("\"inputTokens\":1,", &format!("\"inputTokens\":{bad},"));
        assert!(!read("claude", &text).usage().complete, "{bad}");
    }
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
        assert_eq!(changes.0 & Changes::MISMATCH != 0, !fits, "{given:?} {said}");
        assert!(!meter.claim().is_some_and(|claim| claim.claimed.contains("surprise")));
    }
}

fn codex_turn(id: &str, input: u64) -> String {
    format!(
        "{{\"type\":\"thread.started\",\"thread_id\":\"{id}\"}}\n{{\"type\":\"turn.started\"}}\n{{\"type\":\"turn.completed\",\"usage\":{{\"input_tokens\":{input},\"cached_input_tokens\":7,\"cache_write_input_tokens\":0,\"output_tokens\":20,\"reasoning_output_tokens\":4}}}}\n"
    )
}

fn codex(owner: Option<&str>, resumed: bool, thread: Option<ThreadTotals>) -> Meter {
    let owner = owner.map(|name| Owner::Workspace(name.into()));
    let resumed = if resumed { Resumed::Yes } else { Resumed::No };
    Meter::new(provider::find("codex").expect("a row"), Expected { resumed, thread, owner, ..Expected::default() })
}

/// What a run of this owner's that resumes a thread counts of a turn, and whether it says that this is all.
fn resumed_turn(owner: &str, id: &str, input: u64) -> (Tokens, bool) {
    let mut meter = codex(Some(owner), true, None);
    meter.feed(codex_turn(id, input).as_bytes());
    (meter.usage().tokens, meter.usage().complete)
}

#[test]
fn codex_totals_of_a_thread_count_once() {
    let mut first = codex(Some("once"), false, None);
    first.feed(codex_turn("thread-a", 200).as_bytes());
    assert_eq!(first.usage().tokens, tokens(200, 7, 0, 20, 4));
    assert_eq!(resumed_turn("once", "thread-a", 300), (tokens(100, 0, 0, 0, 0), true));
    assert_eq!(resumed_turn("once", "thread-b", 300), (Tokens::default(), false));
    let given = || Some(ThreadTotals { id: "thread-c".into(), tokens: tokens(290, 7, 0, 15, 4) });
    let mut told = codex(Some("once"), true, given());
    told.feed(codex_turn("thread-c", 300).as_bytes());
    assert_eq!((told.usage().tokens, told.usage().complete), (tokens(10, 0, 0, 5, 0), true));
    let mut late = codex(Some("once"), true, given());
    late.feed(codex_turn("thread-c", 301).as_bytes());
    assert_eq!(late.usage().tokens, tokens(11, 0, 0, 5, 0), "what is given counts alone");
}

#[test]
fn nobody_changes_what_is_known_of_anothers_threads() {
    let told = |owner: Option<&str>, text: &str| {
        let mut meter = codex(owner, false, None);
        meter.feed(text.as_bytes());
        meter
    };
    told(Some("victim"), &codex_turn("thread-v", 1500));
    for forger in [Some("forger"), None] {
        for forged in [1, MAX_COUNT] {
            told(forger, &codex_turn("thread-v", forged));
        }
        let many: String = (0..10_001).map(|index| codex_turn(&format!("made-up-{index}"), 1)).collect();
        told(forger, &many);
    }
    assert_eq!(resumed_turn("victim", "thread-v", 2000), (tokens(500, 0, 0, 0, 0), true));
    // A run without an owner knows nothing of any other.
    let mut nobody = codex(None, true, None);
    nobody.feed(codex_turn("thread-v", 2500).as_bytes());
    assert_eq!((nobody.usage().tokens, nobody.usage().complete), (Tokens::default(), false));
}

#[test]
fn a_run_has_a_handful_of_threads() {
    let mut meter = codex(Some("handful"), false, None);
    for index in 0..8 {
        meter.feed(codex_turn(&format!("thread-{index}"), 10).as_bytes());
    }
    meter.feed(codex_turn("thread-0", 15).as_bytes());
    assert_eq!((meter.usage().tokens.input, meter.usage().complete), (85, true));
    meter.feed(codex_turn("thread-8", 10).as_bytes());
    assert_eq!((meter.usage().tokens.input, meter.usage().complete), (85, false));
    assert_eq!(resumed_turn("handful", "thread-0", 20), (tokens(5, 0, 0, 0, 0), true));
    assert_eq!(resumed_turn("handful", "thread-8", 20), (Tokens::default(), false));
}

#[test]
fn a_total_that_becomes_less_is_a_gap_and_not_believed() {
    let mut meter = codex(Some("less"), false, None);
    meter.feed(codex_turn("thread-l", 1500).as_bytes());
    meter.feed(codex_turn("thread-l", 1).as_bytes());
    let usage = meter.usage();
    assert_eq!((usage.tokens.input, usage.complete), (1500, false));
    assert_eq!(usage.thread.map(|thread| thread.tokens.input), Some(1500));
    assert_eq!(resumed_turn("less", "thread-l", 2000), (tokens(500, 0, 0, 0, 0), true));
    let given = ThreadTotals { id: "thread-m".into(), tokens: tokens(290, 7, 0, 15, 4) };
    let mut given = codex(None, true, Some(given));
    given.feed(codex_turn("thread-m", 1).as_bytes());
    assert_eq!((given.usage().tokens.input, given.usage().complete), (0, false));
}

#[test]
fn a_run_that_may_be_resumed_counts_all_and_says_that_it_may_be_wrong() {
    let expected = Expected { resumed: Resumed::Perhaps, ..Expected::default() };
    let mut meter = Meter::new(provider::find("codex").expect("a row"), expected);
    meter.feed(codex_turn("thread-w", 300).as_bytes());
    assert_eq!((meter.usage().tokens.input, meter.usage().turns, meter.usage().complete), (300, 1, false));
}

#[test]
fn turns_of_a_thread_without_a_name_count_once() {
    let unnamed = |input| codex_turn("x", input).lines().skip(1).collect::<Vec<_>>().join("\n");
    let mut meter = codex(None, false, None);
    meter.feed(format!("{}\n{}\n", unnamed(10), unnamed(15)).as_bytes());
    assert_eq!((meter.usage().tokens.input, meter.usage().complete), (15, true));
}

#[test]
fn counts_that_javascript_does_not_hold_are_gaps() {
    for (provider, text) in [
        ("codex", codex_turn("thread-n", MAX_COUNT + 1)),
        ("codex", codex_turn("thread-n", u64::MAX)),
        ("claude", result(MAX_COUNT + 1, 1, 0.0)),
        // With what came from the cache.
        ("claude", result(MAX_COUNT - 9, 1, 0.0)),
        ("claude", assistant("m1", MAX_COUNT + 1)),
    ] {
        let mut meter = read(provider, &text);
        assert_eq!((meter.usage().tokens, meter.usage().complete), (Tokens::default(), false), "{text}");
        meter.feed(text.replace(&(MAX_COUNT + 1).to_string(), "5").as_bytes());
        assert!(meter.usage().thread.is_none_or(|thread| thread.tokens.input <= 5), "{text}");
    }
    assert_eq!(read("claude", &result(MAX_COUNT - 10, 1, 0.0)).usage().tokens.input, MAX_COUNT);
}

#[test]
fn a_turn_counts_at_least_what_its_answers_told() {
    let zero = r#"{"type":"result","is_error":false,"usage":{"input_tokens":0,"output_tokens":0}}"#;
    let mut told = read("claude", INIT);
    for index in 0..10 {
        told.feed(assistant(&format!("m{index}"), 1_000_000).as_bytes());
    }
    let before = told.usage();
    let changes = told.feed(format!("\n{zero}\n").as_bytes());
    let usage = told.usage();
    assert_eq!((usage.tokens, usage.models, usage.turns), (before.tokens, before.models, 1));
    assert!(!usage.complete);
    assert_ne!(changes.0 & Changes::USAGE, 0);
    assert_eq!(told.settled().tokens, before.tokens, "counters grow by it");
}

/// A report by model, in tokens of output.
fn result_by_model(models: &[(&str, u64)]) -> String {
    let models: Vec<String> =
        models.iter().map(|(name, out)| format!(r#""{name}":{{"outputTokens":{out}}}"#)).collect();
    format!(r#"{{"type":"result","is_error":false,"model_usage_since_last_result":{{{}}}}}"#, models.join(","))
}

#[test]
fn a_report_is_held_against_the_answers_by_model_where_both_name_it() {
    let answers = [("m1", "one", 10), ("m2", "two", 20)]
        .map(|(id, model, out)| format!(r#"{{"type":"assistant","message":{{"id":"{id}","model":"{model}","usage":{{"output_tokens":{out}}}}}}}"#))
        .join("\n");
    for (reported, counted, complete) in [
        (&[("one", 11), ("two", 22)][..], &[("one", 11), ("two", 22)][..], true),
        // The API may call a model by a longer name than it was asked for by.
        (&[("one", 10), ("2", 20)], &[("one", 10), ("2", 20)], true),
        (&[("1", 15), ("2", 15)], &[("1", 15), ("2", 15)], true),
        (&[("one", 30)], &[("one", 30)], true),
        (&[("one", 10)], &[("one", 10), ("two", 20)], false),
        (&[("one", 25)], &[("one", 25), ("two", 5)], false),
        (&[("one", 40), ("two", 1)], &[("one", 40), ("two", 20)], false),
        (&[("other", 29)], &[("other", 29), ("two", 1)], false),
    ] {
        let usage = read("claude", &format!("{answers}\n{}\n", result_by_model(reported))).usage();
        let mut models: Vec<_> = usage.models.iter().map(|part| (&*part.model, part.tokens.output)).collect();
        models.sort_unstable();
        let mut counted = counted.to_vec();
        counted.sort_unstable();
        assert_eq!((&models, usage.complete), (&counted, complete), "{reported:?}");
        assert_eq!(usage.tokens.output, counted.iter().map(|(_, out)| out).sum::<u64>(), "{reported:?}");
    }
}

#[test]
fn a_line_that_is_no_event_is_a_gap_once_there_was_one() {
    let whole = result(1, 1, 0.0);
    for (text, complete) in [
        (format!("a warning\n{whole}\n"), true),
        (format!("{whole}\n\n \t\r\n"), true),
        (format!("[{whole}]\n"), true),
        (format!("{whole}\na warning\n"), false),
        (format!("{whole}\nx{whole}\n"), false),
        (format!("{INIT}\nx{whole}\n{whole}\n"), false),
        (format!("{whole}\nx"), false),
        (format!("{whole}x\n"), false),
    ] {
        let mut meter = read("claude", &text);
        meter.end(Some(0));
        assert_eq!(meter.usage().complete, complete, "{text}");
    }
}

#[test]
fn names_hold_nothing_that_a_terminal_or_a_reader_obeys() {
    let evil = "a\u{1b}[2J\u{7f}\u{9b}\u{202e}\u{2066}\u{200f}\u{61c}\u{2028}\rz";
    let clean = "a\u{fffd}[2J\u{fffd}\u{fffd}\u{fffd}\u{fffd}\u{fffd}\u{fffd}\u{fffd}\u{fffd}z";
    let text = format!("{INIT}\n{}\n{}\n", assistant("m1", 1), result(100, 10, 0.0));
    let usage = read("claude", &text.replace("claude-sonnet-4-5", evil)).usage();
    assert_eq!((usage.model.as_deref(), usage.models.len(), &*usage.models[0].model), (Some(clean), 1, clean));
    assert!(usage.complete);
    let thread = read("codex", &codex_turn(evil, 1)).usage().thread.expect("a thread");
    assert_eq!(&*thread.id, clean);
    let expected = Expected { model: Some(evil.into()), ..Expected::default() };
    let given = Meter::new(provider::find("codex").expect("a row"), expected).usage();
    assert_eq!(given.model.as_deref(), Some(clean));
}

#[test]
fn codex_failures_pass_or_stay() {
    let error =
        r#"{"type":"error","message":"Reconnecting... 1/5 (unexpected status 401 Unauthorized: sk-proj-abc, url: x)"}"#;
    let mut meter = read("codex", error);
    let failure = Failure { kind: FailureKind::Authentication, status: Some(401), passing: true };
    assert_eq!(meter.failure(), Some(failure));
    assert_eq!(meter.feed(error.as_bytes()).0, 0, "the same again is no news");
    meter.feed(codex_turn("thread-d", 1).as_bytes());
    assert_eq!(meter.failure(), None);
    meter.feed(
        br#"{"type":"turn.failed","error":{"message":"exceeded retry limit, last status: 429 Too Many Requests"}}"#,
    );
    assert_eq!(meter.failure(), Some(Failure { kind: FailureKind::RateLimited, status: Some(429), passing: false }));
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
    let names: std::collections::HashSet<_> = FailureKind::ALL.iter().map(|kind| kind.text().name).collect();
    assert_eq!(names.len(), FailureKind::ALL.len());
}

#[test]
fn a_ledger_loses_nothing_by_letting_go() {
    let mut ledger = Ledger::new(3);
    let key =
        |workspace: &str| LedgerKey { workspace: workspace.into(), provider: "claude".into(), generation: "1".into() };
    let usage =
        Usage { tokens: tokens(10, 1, 2, 3, 1), turns: 1, complete: true, cost: Some(Cost(5)), ..Usage::default() };
    for index in 0..10 {
        ledger.record(&key(&format!("w{index}")), &usage);
    }
    assert_eq!((ledger.len(), ledger.evicted(), ledger.others().runs), (3, 7, 7));
    assert_eq!((ledger.total().tokens, ledger.total().cost), (tokens(100, 10, 20, 30, 10), Some(Cost(50))));
}

#[test]
fn a_run_that_is_followed_counts_once() {
    let mut ledger = Ledger::new(3);
    let key = LedgerKey { workspace: "w".into(), provider: "claude".into(), generation: "1".into() };
    let mut mark = Counts::default();
    let mut meter = read("claude", &format!("{INIT}\n{}\n{INIT}\n{}\n", result(100, 10, 0.25), assistant("m2", 4)));
    for _ in 0..3 {
        ledger.follow(&key, &meter, &mut mark);
    }
    assert_eq!((ledger.total().tokens, ledger.total().runs), (tokens(110, 7, 3, 10, 2), 0));
    meter.end(None);
    for _ in 0..3 {
        ledger.follow(&key, &meter, &mut mark);
    }
    let total = ledger.total();
    assert_eq!((total.tokens, total.turns, total.runs, total.incomplete_runs), (tokens(220, 14, 6, 14, 2), 1, 1, 1));
}

#[test]
fn exposition_escapes_and_tells_what_was_let_go() {
    let mut ledger = Ledger::new(1);
    let key =
        |workspace: &str| LedgerKey { workspace: workspace.into(), provider: "codex".into(), generation: "a1".into() };
    ledger.record(&key("gone"), &Usage { tokens: tokens(5, 0, 0, 0, 0), ..Usage::default() });
    ledger.record(&key("a\"b\\c\nd"), &Usage { tokens: tokens(7, 0, 0, 0, 0), ..Usage::default() });
    let text = exposition(&ledger);
    assert!(text.contains("# TYPE provider_env_input_tokens_total counter\n"));
    assert!(text.contains(
        "provider_env_input_tokens_total{workspace=\"a\\\"b\\\\c\\nd\",provider=\"codex\",generation=\"a1\"} 7\n"
    ));
    assert!(text.contains("\nprovider_env_input_tokens_total 5\n"));
    assert!(!text.contains("provider_env_cost_usd_total{"), "no cost was told");
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
        let (mut from, mut seen) = (0, 0);
        for end in ends {
            seen |= cut.feed(&bytes[from..end]).0;
            from = end;
        }
        prop_assert_eq!(whole.usage(), cut.usage());
        prop_assert_eq!((whole.failure(), whole.claim()), (cut.failure(), cut.claim()));
        for code in [None, Some(0), Some(1)] {
            whole.end(code);
            cut.end(code);
            prop_assert_eq!(whole.usage(), cut.usage());
        }
        let _ = seen;
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

    /// Against serde_json: the same counts, wherever the keys stand and whatever else the event holds.
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
