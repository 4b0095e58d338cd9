//! Refuses arguments that define servers with values that can be secret: headers, variables, tokens.

use std::collections::BTreeMap;

use serde_json::value::RawValue;

use crate::error::{Error, ErrorCode, Result};
use crate::provider::toml_names;
use crate::provider::{CommandLine, InlineDefinitions, InlineSyntax, Provider};

/// Definitions in JSON are no deeper.
const MAX_DEPTH: usize = 8;

/// Names in TOML are reported to this depth: holder, definition, table, entry.
const PARTS: usize = 4;

/// Refuses every option of the provider's rows that holds such a definition.
///
/// # Errors
/// `ERR_INVALID_ARG_VALUE`, which says what to do instead.
pub fn check(provider: &Provider, line: &CommandLine) -> Result<()> {
    let before_end = line.before_latest_end();
    for row in provider.arguments.inline_definitions {
        for name in row.options {
            let mut values = before_end.options(std::slice::from_ref(name)).flat_map(|option| {
                let behind = before_end.arguments()[option.end..].iter().map(String::as_str);
                let further = behind.take_while(|text| !text.starts_with('-'));
                let further = further.filter(|_| row.syntax == InlineSyntax::Json);
                [option.value].into_iter().chain(further)
            });
            if values.any(|value| holds_secrets(row, value)) {
                return Err(refusal(provider, row, name));
            }
        }
    }
    Ok(())
}

fn refusal(provider: &Provider, row: &InlineDefinitions, option: &str) -> Error {
    let members = [row.tables, row.secrets].concat().join(" or ");
    let message = format!(
        "options.args contains {option} with {members} in {}, and every user of this machine can see arguments. {}",
        row.holder, row.instead
    );
    Error::new(ErrorCode::InvalidArgValue, message).provider(provider.id).name(option)
}

fn holds_secrets(row: &InlineDefinitions, value: &str) -> bool {
    match row.syntax {
        InlineSyntax::Json => members(value).is_some_and(|document| in_document(row, &document, 0)),
        InlineSyntax::Toml => in_override(row, value),
    }
}

type JsonObject<'a> = BTreeMap<String, &'a RawValue>;

fn members(text: &str) -> Option<JsonObject<'_>> {
    serde_json::from_str(text).ok()
}

/// Wherever the holder is: an agent's definition has its own servers.
fn in_document(row: &InlineDefinitions, document: &JsonObject<'_>, depth: usize) -> bool {
    document.iter().any(|(name, value)| {
        if name == row.holder {
            return in_holder(row, value.get());
        }
        depth < MAX_DEPTH && members(value.get()).is_some_and(|inner| in_document(row, &inner, depth + 1))
    })
}

/// Definitions by their names, or a list of names and of such.
fn in_holder(row: &InlineDefinitions, text: &str) -> bool {
    let listed = serde_json::from_str::<Vec<&RawValue>>(text).unwrap_or_default();
    let all = listed.into_iter().map(RawValue::get).chain([text]).filter_map(members);
    all.into_iter().any(|named| {
        named.values().filter_map(|value| members(value.get())).any(|definition| in_definition(row, &definition))
    })
}

fn in_definition(row: &InlineDefinitions, definition: &JsonObject<'_>) -> bool {
    definition.iter().any(|(name, value)| {
        let is_table = row.tables.contains(&name.as_str());
        let has_value =
            is_table && members(value.get()).is_some_and(|table| !table.values().all(|value| refers(value)));
        has_value || row.secrets.contains(&name.as_str())
    })
}

/// `${NAME}` is a variable's value, which the CLI puts there itself. What it puts there without one, after `:-`, is in the
/// argument.
fn refers(value: &RawValue) -> bool {
    let text = value.get();
    let has_default = text.split(":-").skip(1).any(|default| !default.starts_with('}'));
    (text.contains("${") && !has_default) || text == "\"\""
}

fn in_override(row: &InlineDefinitions, text: &str) -> bool {
    let is_secret = |path: &[String]| {
        let is = |known: &[&str], at: usize| path.get(at).is_some_and(|part| known.contains(&part.as_str()));
        is(&[row.holder], 0) && (is(row.secrets, 2) || (is(row.tables, 2) && path.len() > 3))
    };
    let mut found = false;
    // Codex treats what is not TOML as a string. Then only the key decides.
    let understood = toml_names::each(text, PARTS, &mut |path| found |= is_secret(path)).is_some();
    let key = text.split('=').next().unwrap_or_default();
    let parts: Vec<String> = key.split('.').map(|part| part.trim().trim_matches(['"', '\'']).to_owned()).collect();
    found || (!understood && is_secret(&parts))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::provider;

    fn refused(id: &str, arguments: &[&str]) -> bool {
        let row = provider::find(id).expect("a row");
        let arguments = arguments.iter().map(|text| (*text).to_owned()).collect();
        check(row, &CommandLine::parse(&row.arguments.grammar, arguments)).is_err()
    }

    #[test]
    fn definitions_with_values_are_refused_and_those_that_name_variables_are_not() {
        let with = |member: &str| format!(r#"{{"mcpServers":{{"x":{{"type":"http","url":"https://h",{member}}}}}}}"#);
        let headers = with(r#""headers":{"Authorization":"Bearer x"}"#);
        let env = with(r#""env":{"A":"${HOME}","B":"x"}"#);
        for arguments in [
            &["--mcp-config", &headers][..],
            &["-p", "--mcp-config", "/a.json", &env],
            &["-p", "--append-system-prompt", "--", "--mcp-config", &headers],
            &[&format!("--mcp-config={headers}")],
            &["--mcp-config", &with(r#""headers":{"Authorization":"${USER_TOKEN:-made-up}"}"#)],
            &["--agents", &format!(r#"{{"reviewer":{{"description":"x","nested":{env}}}}}"#)],
            &["--agents", r#"{"reviewer":{"mcpServers":["github",{"x":{"command":"c","env":{"A":"b"}}}]}}"#],
        ] {
            assert!(refused("claude", arguments), "{arguments:?}");
        }
        for member in [
            r#""headers":{}"#,
            r#""headers":{"Authorization":"Bearer ${USER_TOKEN}"}"#,
            r#""env":{"A":""}"#,
            r#""env":{"A":"${USER_A:-}"}"#,
        ] {
            assert!(!refused("claude", &["--mcp-config", &with(member)]), "{member}");
        }
        for arguments in [
            &["--mcp-config", "/a.json"][..],
            &["--mcp-config", r#"{"mcpServers":{"env":{"command":"x"},"headers":{"type":"sdk"}}}"#],
            &["--append-system-prompt", &headers],
            &["-p", "--", "--mcp-config", &headers],
        ] {
            assert!(!refused("claude", arguments), "{arguments:?}");
        }
        for value in [
            "mcp_servers.x.env={A=\"b\"}",
            "mcp_servers.x.env.A=\"b\"",
            "mcp_servers.x.http_headers={\"Authorization\"=\"Bearer x\"}",
            "mcp_servers.x.bearer_token=\"b\"",
            "mcp_servers.x.bearer_token=not toml",
            "mcp_servers={x={url=\"u\",http_headers={a=\"b\"}}}",
            "mcp_servers.x={command=\"c\",env={A=\"b\"}}",
            "model_providers.x.experimental_bearer_token=\"b\"",
            "model_providers={x={http_headers={a=\"b\"}}}",
        ] {
            for arguments in
                [&["exec", "-c", value][..], &["exec", &format!("--config={value}")], &["exec", &format!("-c{value}")]]
            {
                assert!(refused("codex", arguments), "{arguments:?}");
            }
        }
        for value in [
            "mcp_servers.x.command=\"c\"",
            "mcp_servers.x.env={}",
            "mcp_servers.x.env_vars=[\"USER_TOKEN\"]",
            "mcp_servers.x.bearer_token_env_var=\"USER_TOKEN\"",
            "mcp_servers.env.command=\"c\"",
            "model=\"mcp_servers.x.env={A=1}\"",
        ] {
            assert!(!refused("codex", &["exec", "-c", value]), "{value}");
        }
    }

    #[test]
    fn what_is_nested_without_end_is_survived() {
        let deep = format!("{}1{}", "{\"a\":".repeat(50_000), "}".repeat(50_000));
        assert!(!refused("claude", &["--mcp-config", &deep]));
    }
}
