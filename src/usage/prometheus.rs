//! A ledger as Prometheus' text (exposition format 0.0.4).

use std::fmt::Write as _;

use super::ledger::{Counts, Ledger, LedgerKey};

/// A counter of every entry.
struct Metric {
    name: &'static str,
    help: &'static str,
    /// None where nothing was told.
    value: fn(&Counts) -> Option<String>,
}

/// Prometheus' own rules for names: a unit, `_total` for a counter, no label in the name.
const METRICS: &[Metric] = &[
    Metric {
        name: "provider_env_input_tokens_total",
        help: "Tokens that went in, from and to the cache included.",
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
        help: "Tokens that came out, reasoning included.",
        value: |counts| Some(counts.tokens.output.to_string()),
    },
    Metric {
        name: "provider_env_reasoning_tokens_total",
        help: "Output tokens that the model thought with.",
        value: |counts| Some(counts.tokens.reasoning.to_string()),
    },
    Metric {
        name: "provider_env_turns_total",
        help: "Turns that are over.",
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
        help: "US dollars, as far as the CLI tells them.",
        value: |counts| counts.cost.map(|cost| cost.dollars().to_string()),
    },
];

/// The whole ledger. What was let go of stands in series without labels.
#[must_use]
pub fn exposition(ledger: &Ledger) -> String {
    let entries = ledger.entries();
    let others = ledger.others();
    let mut text = String::new();
    for metric in METRICS {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "# HELP {} {}\n# TYPE {} counter", metric.name, metric.help, metric.name);
        for (key, counts) in &entries {
            if let Some(value) = (metric.value)(counts) {
                let _ = writeln!(text, "{}{} {value}", metric.name, labels(key));
            }
        }
        if let Some(value) = (metric.value)(&others).filter(|_| ledger.evicted() > 0) {
            let _ = writeln!(text, "{} {value}", metric.name);
        }
    }
    text
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
