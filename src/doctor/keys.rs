//! The names in a configuration file, without the values: JSON, a sketch of TOML, and lines of `NAME=value`.

use std::collections::BTreeMap;

use serde_json::value::RawValue;

use crate::provider::Format;

/// A name from the document's root, as its parts.
pub type Key = Vec<String>;

/// How deep names are collected: `env.NAME`, `permissions.allow`.
const DEPTH: usize = 2;

/// More names than this are no settings file.
const MAX_KEYS: usize = 4096;

/// Every name that has a value other than nothing; none when the text is not of that format.
pub fn keys(format: Format, text: &[u8]) -> Option<Vec<Key>> {
    let text = std::str::from_utf8(text).ok()?;
    let mut found = match format {
        Format::Json => json(text)?,
        Format::Toml => toml(text),
        Format::Dotenv => dotenv(text),
        Format::Prose => Vec::new(),
    };
    found.truncate(MAX_KEYS);
    Some(found)
}

type Members<'a> = BTreeMap<String, &'a RawValue>;

fn json(text: &str) -> Option<Vec<Key>> {
    let mut found = Vec::new();
    collect(&serde_json::from_str::<Members<'_>>(text).ok()?, &[], &mut found);
    Some(found)
}

fn collect(members: &Members<'_>, above: &[String], found: &mut Vec<Key>) {
    for (name, value) in members {
        let key: Key = above.iter().chain([name]).cloned().collect();
        let inner = serde_json::from_str::<Members<'_>>(value.get()).ok();
        if inner.as_ref().map_or_else(|| is_nothing(value.get()), BTreeMap::is_empty) {
            continue;
        }
        if let Some(inner) = inner.filter(|_| key.len() < DEPTH) {
            collect(&inner, &key, found);
        }
        found.push(key);
    }
}

fn is_nothing(value: &str) -> bool {
    matches!(value, "null" | "false" | "\"\"") || value.strip_prefix('[').is_some_and(|rest| rest.trim() == "]")
}

/// Headers and the left sides of assignments. Text within a multi-line string is passed over; inline tables and arrays
/// of several lines are not looked into.
fn toml(text: &str) -> Vec<Key> {
    let mut found = Vec::new();
    let mut table = Key::new();
    let mut until: Option<&str> = None;
    for line in text.lines().map(str::trim) {
        if let Some(end) = until {
            if line.contains(end) {
                until = None;
            }
            continue;
        }
        if let Some(header) = line.strip_prefix('[') {
            table = dotted(header.trim_start_matches('[').split(']').next().unwrap_or_default());
            found.push(table.clone());
        } else if let Some((left, right)) = line.split_once('=').filter(|_| !line.starts_with('#')) {
            found.push(table.iter().cloned().chain(dotted(left)).collect());
            until = ["\"\"\"", "'''"].into_iter().find(|quote| right.matches(quote).count() == 1);
        }
    }
    found.retain(|key| key.iter().all(|part| !part.is_empty()));
    found
}

fn dotted(name: &str) -> Key {
    name.split('.').map(|part| part.trim().trim_matches(['"', '\'']).to_owned()).collect()
}

fn dotenv(text: &str) -> Vec<Key> {
    let names = text.lines().filter_map(|line| {
        let line = line.trim().trim_start_matches("export ");
        line.split_once('=').filter(|_| !line.starts_with('#')).map(|(name, _)| vec![name.trim().to_owned()])
    });
    names.filter(|key| !key[0].is_empty()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn names(format: Format, text: &str) -> Option<Vec<String>> {
        Some(keys(format, text.as_bytes())?.into_iter().map(|key| key.join(".")).collect())
    }

    #[test]
    fn names_without_values() {
        let json = r#"{"env": {"A_B": "v", "EMPTY": ""}, "hooks": {}, "list": [ ], "permissions": {"allow": ["x"]}, "off": false}"#;
        assert_eq!(names(Format::Json, json).expect("JSON"), ["env.A_B", "env", "permissions.allow", "permissions"]);
        for text in ["", "[1]", "{", "7", "{\"a\": 1} x"] {
            assert_eq!(names(Format::Json, text), None, "{text}");
        }
        let toml = "# a = 1\nmodel = \"o\"\n[mcp_servers.\"x\"]\ncommand = 'sh'\ntext = \"\"\"\nnotify = 1\n\"\"\"\nlast.one = 2\n";
        assert_eq!(
            names(Format::Toml, toml).expect("lines"),
            ["model", "mcp_servers.x", "mcp_servers.x.command", "mcp_servers.x.text", "mcp_servers.x.last.one"]
        );
        let dotenv = "# X=1\nFOO=bar\n export HTTP_PROXY = http://h\n\n=v\n";
        assert_eq!(names(Format::Dotenv, dotenv).expect("lines"), ["FOO", "HTTP_PROXY"]);
        assert_eq!(keys(Format::Json, b"{\"a\": \"\xff\"}"), None, "no UTF-8");
    }

    #[test]
    fn a_file_of_names_without_end_is_cut_off() {
        let text: String = (0..5000).map(|number| format!("N{number}=1\n")).collect();
        let found = names(Format::Dotenv, &text).expect("lines");
        assert_eq!((found.len(), found[4095].as_str()), (4096, "N4095"));
    }

    proptest! {
        #[test]
        fn any_text_is_survived(bytes in proptest::collection::vec(any::<u8>(), 0..400), text in "[\\[\\]{}\"'=.#a \n]{0,60}") {
            for format in [Format::Json, Format::Toml, Format::Dotenv, Format::Prose] {
                let _ = keys(format, &bytes);
                let _ = keys(format, text.as_bytes());
            }
        }
    }
}
