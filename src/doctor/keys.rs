//! Reads the names in a configuration file, without the values: JSON, TOML, and lines of `NAME=value`.

use std::collections::BTreeMap;

use serde_json::value::RawValue;

use crate::provider::Format;
use crate::provider::toml_names;

/// How deep JSON is looked into: `env.NAME`, `permissions.allow`.
const DEPTH: usize = 2;

/// How many parts of a name in TOML are reported. No rule of a provider's row has more.
const PARTS: usize = 4;

/// Calls `found` with every name that has a value other than nothing, as its parts from the document's root; none when the
/// text is not of that format, and then not every name may have been found. None is kept: a file of 1 MiB has many.
pub fn each(format: Format, text: &[u8], found: &mut dyn FnMut(&[String])) -> Option<()> {
    let text = std::str::from_utf8(text).ok()?;
    match format {
        Format::Json => json(text, found),
        Format::Toml => toml_names::each(text, PARTS, found),
        Format::Dotenv => {
            dotenv(text, found);
            Some(())
        }
        Format::Credential => {
            found(&[Format::WHOLE.to_owned()]);
            Some(())
        }
        Format::Git => {
            git(text, found);
            Some(())
        }
        Format::Prose => Some(()),
    }
}

type Members<'a> = BTreeMap<String, &'a RawValue>;

fn json(text: &str, found: &mut dyn FnMut(&[String])) -> Option<()> {
    collect(&serde_json::from_str::<Members<'_>>(text).ok()?, &[], found);
    Some(())
}

fn collect(members: &Members<'_>, above: &[String], found: &mut dyn FnMut(&[String])) {
    for (name, value) in members {
        let key: Vec<String> = above.iter().chain([name]).cloned().collect();
        let inner = serde_json::from_str::<Members<'_>>(value.get()).ok();
        if inner.as_ref().map_or_else(|| is_nothing(value.get()), BTreeMap::is_empty) {
            continue;
        }
        if let Some(inner) = inner.filter(|_| key.len() < DEPTH) {
            collect(&inner, &key, found);
        }
        found(&key);
    }
}

fn is_nothing(value: &str) -> bool {
    matches!(value, "null" | "false" | "\"\"") || value.strip_prefix('[').is_some_and(|rest| rest.trim() == "]")
}

fn dotenv(text: &str, found: &mut dyn FnMut(&[String])) {
    for line in text.lines().map(str::trim).filter(|line| !line.starts_with('#')) {
        let Some((left, _)) = line.split_once('=') else { continue };
        let exported = left.strip_prefix("export").filter(|rest| rest.starts_with(char::is_whitespace));
        let name = exported.unwrap_or(left).trim();
        if !name.is_empty() {
            found(&[name.to_owned()]);
        }
    }
}

/// git-config(1), "Syntax", as far as names go: section and name in lower case, with what a section is of in between.
fn git(text: &str, found: &mut dyn FnMut(&[String])) {
    let mut section: Vec<String> = Vec::new();
    for line in text.lines().map(str::trim_start) {
        let mut rest = line;
        if let Some((header, after)) = line.strip_prefix('[').and_then(|inner| inner.split_once(']')) {
            let (name, of) =
                header.split_once(|each: char| each.is_whitespace() || each == '.').unwrap_or((header, ""));
            section = vec![name.to_ascii_lowercase()];
            section.extend((!of.is_empty()).then(|| of.trim().trim_matches('"').to_owned()));
            rest = after;
        }
        let name: String =
            rest.trim_start().chars().take_while(|each| each.is_ascii_alphanumeric() || *each == '-').collect();
        if !name.is_empty() {
            found(&[section.as_slice(), &[name.to_ascii_lowercase()]].concat());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn names(format: Format, text: &str) -> Option<Vec<String>> {
        let mut all = Vec::new();
        each(format, text.as_bytes(), &mut |key| all.push(key.join(".")))?;
        Some(all)
    }

    #[test]
    fn names_without_values() {
        let json = r#"{"env": {"A_B": "v", "EMPTY": ""}, "hooks": {}, "list": [ ], "permissions": {"allow": ["x"]}, "off": false}"#;
        assert_eq!(names(Format::Json, json).expect("JSON"), ["env.A_B", "env", "permissions.allow", "permissions"]);
        for text in ["", "[1]", "{", "7", "{\"a\": 1} x"] {
            assert_eq!(names(Format::Json, text), None, "{text}");
        }
        let dotenv = "# X=1\nFOO=bar\n export HTTP_PROXY = http://h\nexport\tNO_PROXY=x\n\n=v\n";
        assert_eq!(names(Format::Dotenv, dotenv).expect("lines"), ["FOO", "HTTP_PROXY", "NO_PROXY"]);
        let git = "[core]\n\tbare = false\n# [x]\n[Filter \"a]\"]\n\tClean = x\n[url.y] insteadOf = z\n; off\n[include]\npath\n";
        assert_eq!(
            names(Format::Git, git).expect("lines"),
            ["core.bare", "filter.a.clean", "url.y.insteadof", "include.path"]
        );
        assert_eq!(each(Format::Json, b"{\"a\": \"\xff\"}", &mut |_| ()), None, "no UTF-8");
    }

    proptest! {
        #[test]
        fn any_text_is_survived(bytes in proptest::collection::vec(any::<u8>(), 0..400), text in "[\\[\\]{}\"'=.#a \n]{0,60}") {
            for format in [Format::Json, Format::Toml, Format::Dotenv, Format::Git, Format::Prose] {
                let _ = each(format, &bytes, &mut |_| ());
                let _ = each(format, text.as_bytes(), &mut |_| ());
            }
        }
    }
}
