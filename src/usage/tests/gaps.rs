//! Tests of what the reports leave out: it is taken from another source, or reported as missing.

use super::*;

fn claude(resumed: bool, owner: Option<&str>) -> Meter {
    let resumed = if resumed { Resumed::Yes } else { Resumed::No };
    let owner = owner.map(|name| Owner::Workspace(name.into()));
    Meter::new(provider::find("claude").expect("a row"), Expected { resumed, owner, ..Expected::default() })
}

fn gaps(meter: &Meter) -> Vec<&'static str> {
    meter.usage().gaps.iter().map(Gap::as_str).collect()
}

/// As `--output-format json` ends: `usage` of the agent alone, and the session's totals by model.
fn json_result(session: &str, agent: u64, models: &[(&str, u64, f64)]) -> String {
    let models: Vec<String> = models
        .iter()
        .map(|(name, input, cost)| {
            format!(r#""{name}":{{"inputTokens":{input},"outputTokens":{},"costUSD":{cost:?}}}"#, input / 10)
        })
        .collect();
    format!(
        r#"{{"type":"result","subtype":"success","is_error":false,"session_id":"{session}","usage":{{"input_tokens":{agent},"output_tokens":{}}},"modelUsage":{{{}}}}}"#,
        agent / 10,
        models.join(",")
    )
}

fn input_and_cost(meter: &Meter) -> (u64, Option<f64>) {
    let usage = meter.usage();
    (usage.tokens.input, usage.cost.map(Cost::dollars))
}

#[test]
fn a_json_result_counts_the_subagents() {
    let mut meter = claude(false, None);
    meter.feed(json_result("s", 20, &[("sonnet", 1020, 0.5), ("haiku", 300, 0.25)]).as_bytes());
    assert_eq!((input_and_cost(&meter), gaps(&meter)), ((1320, Some(0.75)), vec![]));
    assert_eq!(meter.usage().models.len(), 2);
    // Totals go on counting over the results of a run.
    meter.feed(json_result("s", 10, &[("sonnet", 1120, 0.75), ("haiku", 300, 0.25)]).as_bytes());
    assert_eq!((input_and_cost(&meter), gaps(&meter)), ((1420, Some(1.0)), vec![]));
    meter.feed(json_result("s", 10, &[("sonnet", 1120, 0.75), ("haiku", 300, 0.25)]).as_bytes());
    assert_eq!((input_and_cost(&meter), gaps(&meter)), ((1420, Some(1.0)), vec![]));
}

#[test]
fn a_resumed_json_result_counts_what_came_to_the_session() {
    let owner = Some("json");
    claude(false, owner).feed(json_result("s1", 100, &[("sonnet", 100, 0.5)]).as_bytes());
    let mut known = claude(true, owner);
    known.feed(json_result("s1", 50, &[("sonnet", 150, 0.75), ("haiku", 30, 0.25)]).as_bytes());
    assert_eq!((input_and_cost(&known), gaps(&known)), ((80, None), vec![]));
    // The session of another owner, or a fork: it may be that all but the last turn was somebody else's.
    for (session, owner) in [("s1", Some("another")), ("s2", owner), ("s1", None)] {
        let mut unknown = claude(true, owner);
        unknown.feed(json_result(session, 50, &[("sonnet", 500, 1.0), ("haiku", 30, 0.25)]).as_bytes());
        assert_eq!((input_and_cost(&unknown), gaps(&unknown)), ((50, None), vec!["earlier-total-unknown"]));
        unknown.feed(json_result(session, 10, &[("sonnet", 520, 1.0), ("haiku", 30, 0.25)]).as_bytes());
        assert_eq!(unknown.usage().tokens.input, 70);
    }
}

#[test]
fn a_session_whose_file_was_changed_counts_its_last_turn_at_least() {
    let owner = Some("edited-json");
    claude(false, owner).feed(json_result("e", 1000, &[("sonnet", 1000, 0.5)]).as_bytes());
    for total in [1010, 40] {
        let mut meter = claude(true, owner);
        meter.feed(json_result("e", 500, &[("sonnet", total, 0.75)]).as_bytes());
        assert_eq!((meter.usage().tokens.input, gaps(&meter)), (500, vec!["total-unbelievable"]), "{total}");
    }
}

#[test]
fn what_an_unreadable_report_leaves_out_comes_with_the_next() {
    let mut meter = claude(false, None);
    let unreadable =
        json_result("u", 100, &[("sonnet", 100, 0.5)]).replace("\"input_tokens\":100", "\"input_tokens\":-1");
    meter.feed(format!("{unreadable}\n").as_bytes());
    meter.feed(json_result("u", 50, &[("sonnet", 150, 0.75)]).as_bytes());
    assert_eq!((meter.usage().tokens.input, gaps(&meter)), (150, vec!["output-unread"]));
}

#[test]
fn totals_are_remembered_where_a_turns_own_usage_is_told() {
    let owner = Some("both");
    let told = json_result("b", 100, &[("sonnet", 100, 0.5)])
        .replace("\"is_error\"", r#""model_usage_since_last_result":{"sonnet":{"inputTokens":100}},"is_error""#);
    let mut stream = claude(false, owner);
    stream.feed(told.as_bytes());
    assert_eq!((stream.usage().tokens.input, gaps(&stream)), (100, vec![]));
    let mut json = claude(true, owner);
    json.feed(json_result("b", 20, &[("sonnet", 130, 0.75)]).as_bytes());
    assert_eq!((json.usage().tokens.input, gaps(&json)), (30, vec![]));
}

fn codex_total(id: &str, input: u64, output: u64) -> String {
    format!(
        "{{\"type\":\"thread.started\",\"thread_id\":\"{id}\"}}\n{{\"type\":\"turn.completed\",\"usage\":{{\"input_tokens\":{input},\"output_tokens\":{output}}}}}\n"
    )
}

fn codex(expected: Expected) -> Meter {
    Meter::new(provider::find("codex").expect("a row"), expected)
}

#[test]
fn what_codex_does_not_tell_is_told_to_be_missing() {
    let agents = r#"{"type":"item.completed","item":{"id":"item_0","type":"collab_tool_call","tool":"wait"}}"#;
    let review = Expected { gaps: [Gap::Review].into_iter().collect(), ..Expected::default() };
    for (text, expected, reasons) in [
        (codex_total("t", 100, 10), Expected::default(), vec![]),
        (format!("{agents}\n{}", codex_total("t", 100, 10)), Expected::default(), vec!["subagents"]),
        (codex_total("t", 0, 0), Expected::default(), vec!["total-unbelievable"]),
        (codex_total("t", 0, 0), review, vec!["total-unbelievable", "review"]),
        (codex_total("t", 244_000, 799), Expected::default(), vec![]),
        (codex_total("t", 244_000, 800), Expected::default(), vec!["compaction"]),
    ] {
        let mut meter = codex(expected);
        meter.feed(text.as_bytes());
        assert_eq!(gaps(&meter), reasons, "{text}");
        assert_eq!(meter.usage().gaps.is_empty(), reasons.is_empty());
    }
}

#[test]
fn a_thread_whose_file_was_changed_is_not_told_as_complete() {
    for (index, (input, output, reasons)) in [
        (100_000, 1000, vec!["total-unbelievable"]),
        (100_001, 2000, vec!["total-unbelievable"]),
        (1, 1000, vec!["total-unbelievable"]),
        (200_000, 2000, vec![]),
    ]
    .into_iter()
    .enumerate()
    {
        let owner = Some(Owner::Workspace(format!("edited-{index}").into()));
        codex(Expected { owner: owner.clone(), ..Expected::default() })
            .feed(codex_total("t", 100_000, 1000).as_bytes());
        let mut meter = codex(Expected { owner, resumed: Resumed::Yes, ..Expected::default() });
        meter.feed(codex_total("t", input, output).as_bytes());
        assert_eq!(gaps(&meter), reasons, "{input}");
    }
}

#[test]
fn an_open_turn_is_told_as_one() {
    let mut meter = claude(false, None);
    assert_eq!(gaps(&meter), ["turn-not-reported"]);
    meter.feed(format!("{INIT}\n").as_bytes());
    assert_eq!(gaps(&meter), ["turn-not-reported"]);
    meter.lose();
    assert_eq!(gaps(&meter), ["turn-not-reported", "output-unread"]);
    meter.feed(format!("{}\n", result(1, 1, 0.0)).as_bytes());
    assert_eq!(gaps(&meter), ["output-unread"]);
}

#[test]
fn the_first_text_of_an_array_is_read_and_the_rest_passed_over() {
    for errors in [
        r#"["No conversation found with session ID: x"]"#,
        r#"[ "No conversation found with session ID: x" , "HTTP 401", {"a":["b"]}, 5 ]"#,
        r#"[null, {"x":"]"}, "No conversation found"]"#,
    ] {
        let line = format!(
            r#"{{"type":"result","subtype":"error_during_execution","errors":{errors},"is_error":true,"usage":{{"input_tokens":3}}}}"#
        );
        let meter = read("claude", &line);
        assert_eq!(meter.failure().map(|failure| failure.kind), Some(FailureKind::NoSession), "{errors}");
        assert_eq!(meter.usage().tokens.input, 3, "{errors}");
    }
    for errors in ["[]", r#"[["No conversation found"]]"#, "[1,2]"] {
        let line = format!(r#"{{"type":"result","errors":{errors},"is_error":true,"usage":{{"input_tokens":3}}}}"#);
        let meter = read("claude", &line);
        assert_eq!(meter.failure().map(|failure| failure.kind), Some(FailureKind::Unknown), "{errors}");
        assert_eq!(meter.usage().tokens.input, 3, "{errors}");
    }
}
