//! Writes a ledger in Prometheus' text format (exposition format 0.0.4).

use std::fmt::Write as _;

use super::counts::{Counts, LedgerKey};
use super::tokens::Cost;

/// A counter, and how its value is read from an entry.
struct Metric {
    name: &'static str,
    help: &'static str,
    /// Returns none if no CLI has reported it.
    value: fn(&Counts) -> Option<String>,
}

/// Prometheus' own rules for names: a unit, `_total` for a counter, no label in the name.
const METRICS: &[Metric] = &[
    Metric {
        name: "provider_env_input_tokens_total",
        help: "Input tokens, including those read from and written to the cache.",
        value: |counts| Some(counts.tokens.input.to_string()),
    },
    Metric {
        name: "provider_env_cached_input_tokens_total",
        help: "Input tokens that were read from the cache.",
        value: |counts| Some(counts.tokens.cached.to_string()),
    },
    Metric {
        name: "provider_env_cache_write_input_tokens_total",
        help: "Input tokens that were written to the cache.",
        value: |counts| Some(counts.tokens.cache_write.to_string()),
    },
    Metric {
        name: "provider_env_output_tokens_total",
        help: "Output tokens, including reasoning tokens.",
        value: |counts| Some(counts.tokens.output.to_string()),
    },
    Metric {
        name: "provider_env_reasoning_tokens_total",
        help: "Output tokens that the model used for reasoning.",
        value: |counts| Some(counts.tokens.reasoning.to_string()),
    },
    Metric {
        name: "provider_env_turns_total",
        help: "Turns that have ended.",
        value: |counts| Some(counts.turns.to_string()),
    },
    Metric {
        name: "provider_env_runs_total",
        help: "Runs that have ended.",
        value: |counts| Some(counts.runs.to_string()),
    },
    Metric {
        name: "provider_env_incomplete_runs_total",
        help: "Runs whose usage is a lower bound.",
        value: |counts| Some(counts.incomplete_runs.to_string()),
    },
    Metric {
        name: "provider_env_cost_usd_total",
        help: "Cost in US dollars, as far as the CLI reports it.",
        value: |counts| counts.cost.map(decimal),
    },
];

/// Writes a whole ledger. `others`, the sum of what was let go of, are series without labels.
pub fn exposition(entries: &[(&LedgerKey, &Counts)], others: Option<Counts>) -> String {
    // Each set of labels is in a line of every metric.
    let entries: Vec<_> = entries.iter().map(|(key, counts)| (labels(key), counts)).collect();
    let mut text = String::new();
    for metric in METRICS {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "# HELP {} {}\n# TYPE {} counter", metric.name, metric.help, metric.name);
        for (labels, counts) in &entries {
            if let Some(value) = (metric.value)(counts) {
                let _ = writeln!(text, "{}{labels} {value}", metric.name);
            }
        }
        if let Some(value) = others.as_ref().and_then(metric.value) {
            let _ = writeln!(text, "{} {value}", metric.name);
        }
    }
    text
}

/// Returns a bound for the bytes of the lines of one entry.
pub fn most_bytes(key: &LedgerKey) -> usize {
    let labels = labels(key).len();
    METRICS.iter().map(|metric| metric.name.len() + labels + VALUE_BYTES).sum()
}

/// A space, a number and a line feed: the longest is a cost, with 27 digits before the point.
const VALUE_BYTES: usize = 1 + 27 + 13 + 1;

/// Dollars with all their digits, of which a number of JavaScript would not hold more than 16.
fn decimal(cost: Cost) -> String {
    let text = format!("{}.{:012}", cost.0 / 1_000_000_000_000, cost.0 % 1_000_000_000_000);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

fn labels(key: &LedgerKey) -> String {
    let LedgerKey { workspace, provider, generation } = key;
    let [workspace, provider, generation] = [workspace, provider, generation].map(|value| escape(value));
    format!("{{workspace=\"{workspace}\",provider=\"{provider}\",generation=\"{generation}\"}}")
}

/// Backslash, quotation mark and line feed are what the format escapes in the value of a label.
fn escape(value: &str) -> String {
    value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}
