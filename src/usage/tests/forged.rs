//! Tests of the totals of threads when a run forges its own totals or those of others.

use super::*;

fn codex(owner: Option<&str>, resumed: bool, thread: Option<ThreadTotals>) -> Meter {
    let owner = owner.map(|name| Owner::Workspace(name.into()));
    let resumed = if resumed { Resumed::Yes } else { Resumed::No };
    Meter::new(provider::find("codex").expect("a row"), Expected { resumed, thread, owner, ..Expected::default() })
}

/// What a run of this owner's that resumes a thread counts of a turn, and whether it says that this is all.
fn resumed_turn(owner: &str, id: &str, input: u64) -> (Tokens, bool) {
    let mut meter = codex(Some(owner), true, None);
    meter.feed(codex_turn(id, input).as_bytes());
    (meter.usage().tokens, meter.usage().gaps.is_empty())
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
    told.feed(codex_turn("thread-c", 330).as_bytes());
    assert_eq!((told.usage().tokens, told.usage().gaps.is_empty()), (tokens(40, 0, 0, 5, 0), true));
    let mut late = codex(Some("once"), true, given());
    late.feed(codex_turn("thread-c", 331).as_bytes());
    assert_eq!(late.usage().tokens, tokens(41, 0, 0, 5, 0), "what is given counts alone");
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
    assert_eq!((nobody.usage().tokens, nobody.usage().gaps.is_empty()), (Tokens::default(), false));
}

#[test]
fn a_run_has_a_handful_of_threads() {
    let mut meter = codex(Some("handful"), false, None);
    for index in 0..8 {
        meter.feed(codex_turn(&format!("thread-{index}"), 10).as_bytes());
    }
    meter.feed(codex_turn("thread-0", 15).as_bytes());
    assert_eq!((meter.usage().tokens.input, meter.usage().gaps.is_empty()), (85, true));
    meter.feed(codex_turn("thread-8", 10).as_bytes());
    assert_eq!((meter.usage().tokens.input, meter.usage().gaps.is_empty()), (85, false));
    assert_eq!(resumed_turn("handful", "thread-0", 95), (tokens(80, 0, 0, 0, 0), true));
    assert_eq!(resumed_turn("handful", "thread-8", 95), (Tokens::default(), false));
}

#[test]
fn a_total_that_becomes_less_is_a_gap_and_not_believed() {
    let mut meter = codex(Some("less"), false, None);
    meter.feed(codex_turn("thread-l", 1500).as_bytes());
    meter.feed(codex_turn("thread-l", 1).as_bytes());
    let usage = meter.usage();
    assert_eq!((usage.tokens.input, usage.gaps.is_empty()), (1500, false));
    assert_eq!(usage.thread.map(|thread| thread.tokens.input), Some(1500));
    assert_eq!(resumed_turn("less", "thread-l", 2000), (tokens(500, 0, 0, 0, 0), true));
    let given = ThreadTotals { id: "thread-m".into(), tokens: tokens(290, 7, 0, 15, 4) };
    let mut given = codex(None, true, Some(given));
    given.feed(codex_turn("thread-m", 1).as_bytes());
    assert_eq!((given.usage().tokens.input, given.usage().gaps.is_empty()), (0, false));
}

#[test]
fn a_thread_that_may_have_been_summed_up_sends_less_than_it_had_said() {
    for (before, believed) in [(2_000_000, true), (200_000, false)] {
        let told = ThreadTotals { id: "thread-s".into(), tokens: tokens(before, 7, 0, 60_000, 4) };
        let mut meter = codex(None, true, Some(told));
        let turn = codex_turn("thread-s", before + 20_000).replace("\"output_tokens\":20", "\"output_tokens\":60020");
        meter.feed(turn.as_bytes());
        assert_eq!((meter.usage().tokens.input, meter.usage().gaps.is_empty()), (20_000, believed), "{before}");
    }
}

#[test]
fn a_run_that_may_be_resumed_counts_all_and_says_that_it_may_be_wrong() {
    let expected = Expected { resumed: Resumed::Perhaps, ..Expected::default() };
    let mut meter = Meter::new(provider::find("codex").expect("a row"), expected);
    meter.feed(codex_turn("thread-w", 300).as_bytes());
    assert_eq!((meter.usage().tokens.input, meter.usage().turns, meter.usage().gaps.is_empty()), (300, 1, false));
}

#[test]
fn turns_of_a_thread_without_a_name_count_once() {
    let unnamed = |input| codex_turn("x", input).lines().skip(1).collect::<Vec<_>>().join("\n");
    let mut meter = codex(None, false, None);
    meter.feed(format!("{}\n{}\n", unnamed(10), unnamed(15)).as_bytes());
    assert_eq!((meter.usage().tokens.input, meter.usage().gaps.is_empty()), (15, true));
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
        assert_eq!((meter.usage().tokens, meter.usage().gaps.is_empty()), (Tokens::default(), false), "{text}");
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
    assert!(!usage.gaps.is_empty());
    assert!(changes.usage);
    assert_eq!(told.settled().tokens, before.tokens, "counters grow by it");
    let mut many = read("claude", &format!("{INIT}\n"));
    for index in 0..600 {
        many.feed(assistant(&format!("a{index}"), 1).replace("sonnet", &index.to_string()).as_bytes());
    }
    many.feed(format!("\n{zero}\n").as_bytes());
    assert_eq!((many.usage().tokens, many.usage().gaps.is_empty()), (tokens(66_000, 4200, 1800, 600, 0), false));
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
        // The API may use a longer name for a model than the request.
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
        assert_eq!((&models, usage.gaps.is_empty()), (&counted, complete), "{reported:?}");
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
        assert_eq!(meter.usage().gaps.is_empty(), complete, "{text}");
    }
}

#[test]
fn names_hold_nothing_that_a_terminal_or_a_reader_obeys() {
    let evil = "a\u{1b}[2J\u{7f}\u{9b}\u{202e}\u{2066}\u{200f}\u{61c}\u{2028}\rz";
    let clean = "a\u{fffd}[2J\u{fffd}\u{fffd}\u{fffd}\u{fffd}\u{fffd}\u{fffd}\u{fffd}\u{fffd}z";
    let text = format!("{INIT}\n{}\n{}\n", assistant("m1", 1), result(100, 10, 0.0));
    let usage = read("claude", &text.replace("claude-sonnet-4-5", evil)).usage();
    assert_eq!((usage.model.as_deref(), usage.models.len(), &*usage.models[0].model), (Some(clean), 1, clean));
    assert!(usage.gaps.is_empty());
    let thread = read("codex", &codex_turn(evil, 1)).usage().thread.expect("a thread");
    assert_eq!(&*thread.id, clean);
    let expected = Expected { model: Some(evil.into()), ..Expected::default() };
    let given = Meter::new(provider::find("codex").expect("a row"), expected).usage();
    assert_eq!(given.model.as_deref(), Some(clean));
}
