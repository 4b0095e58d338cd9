//! Tests of the ledger: what it adds up, what it evicts, and its text for Prometheus.

use super::*;

#[test]
fn a_ledger_loses_nothing_by_letting_go() {
    let mut ledger = Ledger::new(3);
    let key =
        |workspace: &str| LedgerKey { workspace: workspace.into(), provider: "claude".into(), generation: "1".into() };
    let usage = Usage { tokens: tokens(10, 1, 2, 3, 1), turns: 1, cost: Some(Cost(5)), ..Usage::default() };
    for index in 0..10 {
        ledger.add(&key(&format!("w{index}")), Counts::of_run(&usage, true));
    }
    assert_eq!((ledger.size(), ledger.evicted(), ledger.others().runs), (3, 7, 7));
    assert_eq!((ledger.total().tokens, ledger.total().cost), (tokens(100, 10, 20, 30, 10), Some(Cost(50))));
}

#[test]
fn the_entry_that_was_used_longest_ago_goes() {
    let mut ledger = Ledger::new(2);
    let key =
        |workspace: &str| LedgerKey { workspace: workspace.into(), provider: "codex".into(), generation: "1".into() };
    for workspace in ["a", "b", "a", "c"] {
        ledger.add(&key(workspace), Counts::of_run(&Usage::default(), true));
    }
    let left: Vec<_> = ledger.entries().iter().map(|(key, counts)| (key.workspace.to_string(), counts.runs)).collect();
    assert_eq!(left, [("a".to_owned(), 2), ("c".to_owned(), 1)]);
    assert_eq!((ledger.others().runs, ledger.evicted()), (1, 1));
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
    ledger.add(&key("gone"), Counts::of_run(&Usage { tokens: tokens(5, 0, 0, 0, 0), ..Usage::default() }, true));
    ledger.add(&key("a\"b\\c\nd"), Counts::of_run(&Usage { tokens: tokens(7, 0, 0, 0, 0), ..Usage::default() }, true));
    let text = ledger.exposition();
    assert!(text.contains("# TYPE provider_env_input_tokens_total counter\n"));
    assert!(text.contains(
        "provider_env_input_tokens_total{workspace=\"a\\\"b\\\\c\\nd\",provider=\"codex\",generation=\"a1\"} 7\n"
    ));
    assert!(text.contains("\nprovider_env_input_tokens_total 5\n"));
    assert!(!text.contains("provider_env_cost_usd_total{"), "no cost was reported");
}
