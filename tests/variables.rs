//! Every variable that the CLIs of the table read, classified by hand in `variables/<id>.txt`, against the table of forbidden
//! names: a pattern that is too wide refuses what their own messages ask people to set, and one that is too narrow lets a
//! credential through.
#![allow(clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

use provider_env::environment::forbidden::{Reason, reason};
use provider_env::provider::PROVIDERS;

/// The list of each provider.
fn lists() -> impl Iterator<Item = (&'static str, String)> {
    PROVIDERS.iter().map(|row| {
        let path = format!("{}/tests/variables/{}.txt", env!("CARGO_MANIFEST_DIR"), row.id);
        (row.id, std::fs::read_to_string(&path).expect(&path))
    })
}

/// The classes of a list, in which each name occurs once.
fn class(word: &str) -> Option<Reason> {
    match word {
        "credential" => Some(Reason::Credential),
        "code" => Some(Reason::Code),
        "redirect" => Some(Reason::Redirect),
        "disclosure" => Some(Reason::Disclosure),
        "mode" => Some(Reason::Mode),
        "harmless" => None,
        other => panic!("no class: {other}"),
    }
}

/// Names with their class. A line in brackets begins a class, and a `#` a comment.
fn names(list: &str) -> Vec<(&str, Option<Reason>)> {
    let mut current = None;
    let mut names = Vec::new();
    for line in list.lines().filter(|line| !line.starts_with('#')) {
        match line.strip_prefix('[').and_then(|line| line.strip_suffix(']')) {
            Some(word) => current = Some(class(word)),
            None => names.extend(line.split_whitespace().map(|name| (name, current.expect("a class comes first")))),
        }
    }
    names
}

#[test]
fn every_variable_of_a_cli_is_judged_as_it_was_classified() {
    for (cli, list) in lists() {
        let wrong: Vec<String> = names(&list)
            .into_iter()
            .filter(|(name, expected)| reason(name) != *expected)
            .map(|(name, expected)| format!("{name}: {:?}, and should be {expected:?}", reason(name)))
            .collect();
        assert!(wrong.is_empty(), "{cli}: {} of its variables:\n{}", wrong.len(), wrong.join("\n"));
    }
}

#[test]
fn each_list_is_whole() {
    for (cli, list) in lists() {
        let names = names(&list);
        let mut seen = std::collections::HashSet::new();
        for (name, _) in &names {
            assert!(seen.insert(name), "{cli}: {name} is listed twice");
        }
        let told = list.strip_prefix("# ").and_then(|rest| rest.split(' ').next()?.parse().ok());
        assert_eq!(told, Some(names.len()), "{cli}: the first line begins with the number of names");
    }
}

#[test]
fn what_the_clis_own_messages_recommend_may_be_set() {
    for name in [
        "CLAUDE_CODE_MAX_OUTPUT_TOKENS",
        "CLAUDE_CODE_FILE_READ_MAX_OUTPUT_TOKENS",
        "CLAUDE_CODE_MAX_CONTEXT_TOKENS",
        "CLAUDE_CODE_SKIP_PROMPT_HISTORY",
        "CLAUDE_CODE_PLUGIN_GIT_TIMEOUT_MS",
        "CLAUDE_CODE_USE_POWERSHELL_TOOL",
        "MAX_THINKING_TOKENS",
        "MAX_MCP_OUTPUT_TOKENS",
        "BASH_MAX_TIMEOUT_MS",
        "MCP_TIMEOUT",
        "API_TIMEOUT_MS",
    ] {
        assert_eq!(reason(name), None, "{name}");
    }
}

#[test]
fn a_name_that_no_list_has_is_still_judged_by_its_ending() {
    for name in ["CLAUDE_CODE_NEW_TOKEN", "CLAUDE_CODE_TOKENS", "CLAUDE_CODE_TOKEN_SERVICE", "CODEX_NEXT_TOKENS"] {
        assert_eq!(reason(name), Some(Reason::Credential), "{name}");
    }
    for name in ["CLAUDE_CODE_USE_NEXT_CLOUD", "CLAUDE_CODE_SKIP_NEXT_AUTH"] {
        assert_eq!(reason(name), Some(Reason::Mode), "{name}");
    }
}
