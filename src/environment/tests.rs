//! Tests of the rules of an environment, each on a finished plan.

use super::*;
use crate::credential::payload::Payload;
use crate::credential::{Fallbacks, ServerCredentials};
use crate::error::ErrorCode;
use crate::provider::{self, PROVIDERS};
use crate::secret::Secret;
use std::collections::BTreeMap;

const KEY: &str = "made-up-key";

fn request() -> EnvRequest<'static> {
    let base = [("PATH", "/usr/bin"), ("LANG", "C.UTF-8"), ("HOME", "/home/worker"), ("TMPDIR", "/var/tmp")];
    EnvRequest { base: base.into(), ..EnvRequest::default() }
}

fn limits() -> ExecLimits {
    ExecLimits::for_stack(Some(8 << 20))
}

fn build(json: &str, request: EnvRequest<'_>) -> crate::error::Result<EnvPlan> {
    EnvPlan::new(Payload::from_message(json.as_bytes(), &[])?, request, Fallbacks::default(), limits())
}

fn values(plan: &EnvPlan, delivery: Delivery) -> BTreeMap<String, String> {
    let mut map = BTreeMap::new();
    for variable in plan.variables(delivery) {
        let value = String::from_utf8(variable.value.to_vec()).expect("UTF-8");
        assert!(map.insert(variable.name.to_owned(), value).is_none(), "{} twice", variable.name);
    }
    map
}

fn code(result: crate::error::Result<EnvPlan>) -> (ErrorCode, String) {
    let error = result.expect_err("refused");
    (error.code(), error.to_string())
}

#[test]
fn claude_by_descriptor_holds_no_key() {
    let plan = build(&format!(r#"{{"apiKey":"{KEY}"}}"#), request()).expect("a plan");
    assert_eq!(plan.names.direct_delivery(), Delivery::Fd);
    let map = values(&plan, Delivery::Fd);
    assert!(map.values().all(|value| value != KEY));
    assert_eq!(map["CLAUDE_CODE_API_KEY_FILE_DESCRIPTOR"], "3");
    for blank in ["ANTHROPIC_API_KEY", "CLAUDE_CODE_OAUTH_TOKEN", "ANTHROPIC_AUTH_TOKEN", "ALIVE_SESSION_COOKIE"] {
        assert_eq!(map[blank], "", "{blank}");
    }
    assert_eq!(map["HOME"], "/home/worker");
    assert_eq!((&*map["TMPDIR"], &*map["TMP"], &*map["TEMP"]), ("/var/tmp", "/var/tmp", "/var/tmp"));
    assert!(!map.contains_key("CODEX_API_KEY") && !map.contains_key("OPENAI_API_KEY"));
}

#[test]
fn codex_holds_its_key_under_both_names() {
    let plan = build(&format!(r#"{{"provider":"codex","apiKey":"{KEY}"}}"#), request()).expect("a plan");
    assert_eq!(plan.names.direct_delivery(), Delivery::Env);
    let map = values(&plan, Delivery::Env);
    assert_eq!((&*map["CODEX_API_KEY"], &*map["OPENAI_API_KEY"]), (KEY, KEY));
    assert!(map.keys().all(|name| !name.starts_with("ANTHROPIC") && !name.starts_with("CLAUDE")));
}

/// Whether the row says that this name is to be empty when it is not used.
fn is_blank(row: &provider::Provider, name: &str) -> bool {
    let in_inputs = row.credential_inputs().any(|input| input.variables.contains(&name));
    let listed = row.credential_names.iter().find(|listed| listed.name == name);
    in_inputs || listed.is_some_and(|listed| listed.unused == provider::WhenUnused::Blank)
}

#[test]
fn only_the_launchs_credential_is_set_and_the_other_providers_names_are_absent() {
    for row in PROVIDERS {
        for input in row.credential_inputs() {
            let json = format!(r#"{{"provider":"{}","{}":"{KEY}"}}"#, row.id, input.field.as_str());
            let plan = build(&json, request()).expect("a plan");
            let map = values(&plan, Delivery::Env);
            for (owner, name) in provider::credential_names() {
                let expected = match (owner.id == row.id, input.variables.contains(&name)) {
                    (true, true) => Some(KEY),
                    (true, false) => is_blank(owner, name).then_some(""),
                    (false, _) => None,
                };
                assert_eq!(map.get(name).map(String::as_str), expected, "{name} for {}", row.id);
            }
        }
    }
}

#[test]
fn a_config_directory_stands_last_and_blanks_every_key() {
    let mut with_dir = request();
    with_dir.workspace.state_dirs = vec![("claude", "/srv/claude"), ("codex", "/srv/codex")];
    let plan = build("{}", with_dir).expect("a plan");
    let map = values(&plan, plan.names.direct_delivery());
    assert_eq!(map["CLAUDE_CONFIG_DIR"], "/srv/claude");
    assert_eq!((&*map["ANTHROPIC_API_KEY"], &*map["CLAUDE_CODE_OAUTH_TOKEN"]), ("", ""));
    assert!(!map.contains_key("CODEX_HOME") && !map.contains_key("CLAUDE_CODE_API_KEY_FILE_DESCRIPTOR"));
}

#[test]
fn the_server_key_is_used_only_when_handed_in() {
    let server = ServerCredentials::from_variables(|_| Some(Secret::copy_of(b"server"))).expect("keys");
    assert_eq!(code(build("{}", request())).0, ErrorCode::CredentialMissing);
    let payload = Payload::from_message(b"{}", &[]).expect("valid");
    let plan =
        EnvPlan::new(payload, request(), Fallbacks { store: None, server: Some(&server) }, limits()).expect("a plan");
    assert_eq!(plan.credential.source.as_str(), "server");
}

#[test]
fn user_keys_and_cookie() {
    let json = format!(r#"{{"apiKey":"{KEY}","sessionCookie":"c","userEnvKeys":{{"A_1":"x","b":"y","EMPTY":""}}}}"#);
    let plan = build(&json, request()).expect("a plan");
    let map = values(&plan, Delivery::Fd);
    assert_eq!((&*map["USER_A_1"], &*map["USER_EMPTY"], &*map["ALIVE_SESSION_COOKIE"]), ("x", "", "c"));
    assert_eq!(plan.user_env_key_count, 2);
    assert_eq!(plan.rejected_user_env_keys, ["b"]);
    assert_eq!(plan.plain("USER_A_1"), None);
    assert_eq!(plan.plain("HOME"), Some("/home/worker"));
}

#[test]
fn set_and_inherit_may_replace_base_names_and_nothing_else() {
    fn with<'a>(set: &[(&'a str, &'a str)], inherit: &[(&'a str, Option<&'a str>)]) -> EnvRequest<'a> {
        EnvRequest { set: set.to_vec(), inherit: inherit.to_vec(), ..request() }
    }
    let json = format!(r#"{{"apiKey":"{KEY}"}}"#);
    let plan = build(&json, with(&[("PATH", "/opt/bin"), ("TZ", "UTC")], &[("TZ", Some("CET")), ("GONE", None)]))
        .expect("a plan");
    let map = values(&plan, Delivery::Fd);
    assert_eq!((&*map["PATH"], &*map["TZ"]), ("/opt/bin", "UTC"));
    assert!(!map.contains_key("GONE"));

    for name in [
        "HOME",
        "ALIVE_SESSION_COOKIE",
        "USER_X",
        "LD_PRELOAD",
        "ANTHROPIC_API_KEY",
        "CODEX_API_KEY",
        "CODEX_HOME",
        "CLAUDE_CONFIG_DIR",
        "ALIVE_WORKSPACE_ID",
        "A=B",
        "",
        "A\0B",
    ] {
        let (found, message) = code(build(&json, with(&[(name, "value-not-shown")], &[])));
        assert_eq!(found, ErrorCode::EnvForbidden, "{name}");
        assert!(!message.contains("value-not-shown"), "{message}");
    }
    let (found, message) = code(build(&json, with(&[("OK", "nul\0")], &[])));
    assert_eq!(found, ErrorCode::EnvForbidden);
    assert!(!message.contains("nul\0"), "{message}");
}

#[test]
fn a_long_name_is_cut_in_the_message() {
    let json = format!(r#"{{"apiKey":"{KEY}"}}"#);
    let long = format!("LD_{}", "X".repeat(3000));
    let requests = [
        EnvRequest { set: vec![(&long, "x")], ..request() },
        EnvRequest { set: vec![(&long[1..], "\0")], ..request() },
    ];
    for request in requests {
        let (found, message) = code(build(&json, request));
        assert_eq!(found, ErrorCode::EnvForbidden);
        assert!(message.len() < 600 && message.contains(" … "), "{message}");
    }
}

#[test]
fn only_absolute_entries_of_a_path_pass() {
    let json = format!(r#"{{"apiKey":"{KEY}"}}"#);
    for (path, expected) in [("", "/usr/local/sbin"), (".:/opt/bin::bin", "/opt/bin"), ("bin", "/usr/local/sbin")] {
        let plan = build(&json, EnvRequest { set: vec![("PATH", path)], ..request() }).expect("a plan");
        assert!(plan.plain("PATH").expect("set").starts_with(expected), "{path}");
        assert!(!plan.plain("PATH").expect("set").split(':').any(|entry| !entry.starts_with('/')), "{path}");
    }
}

#[test]
fn base_urls() {
    for (url, good) in [
        ("http://127.0.0.1:8080/v1", true),
        ("https://api.example.com", true),
        ("ftp://x", false),
        ("https://", false),
        ("https://user:pw@host", false),
        ("https://host/?key=1", false),
        ("https://ho st", false),
        ("https://host/\"", false),
    ] {
        let with = EnvRequest { base_url: Some(url), ..request() };
        assert_eq!(build(&format!(r#"{{"apiKey":"{KEY}"}}"#), with).is_ok(), good, "{url}");
    }
}

#[test]
fn what_the_kernel_would_refuse_is_refused_here() {
    let big = "x".repeat(128 * 1024);
    let json = format!(r#"{{"apiKey":"{KEY}","userEnvKeys":{{"BIG":"{big}"}}}}"#);
    let (found, message) = code(build(&json, request()));
    assert_eq!(found, ErrorCode::EnvTooLarge);
    assert!(message.contains("and USER_BIG has"), "{message}");

    let many: Vec<String> = (0..30).map(|index| format!(r#""K{index}":"{}""#, &big[..100_000])).collect();
    let json = format!(r#"{{"apiKey":"{KEY}","userEnvKeys":{{{}}}}}"#, many.join(","));
    assert_eq!(code(build(&json, request())).0, ErrorCode::EnvTooLarge);
}

#[test]
fn the_block_is_the_environment_and_nothing_else() {
    let plan = build(&format!(r#"{{"apiKey":"{KEY}"}}"#), request()).expect("a plan");
    let block = plan.block(Delivery::Env, limits(), &[("LANG", "de_DE"), ("EXTRA", "1")]).expect("a block");
    let strings: Vec<&[u8]> = block.bytes().split_inclusive(|byte| *byte == 0).collect();
    assert_eq!(strings.len(), block.offsets().len());
    let key = format!("ANTHROPIC_API_KEY={KEY}\0");
    assert_eq!(strings.iter().filter(|string| **string == key.as_bytes()).count(), 1);
    assert_eq!(strings.iter().filter(|string| string.starts_with(b"LANG=")).count(), 1);
    assert!(strings.contains(&&b"EXTRA=1\0"[..]));
    let mut at = 0;
    for (string, offset) in strings.iter().zip(block.offsets()) {
        assert_eq!(at, *offset);
        at += string.len();
    }
}

#[test]
fn debug_shows_no_value() {
    let json = format!(r#"{{"apiKey":"{KEY}","sessionCookie":"{KEY}","userEnvKeys":{{"A":"{KEY}"}}}}"#);
    let plan = build(&json, request()).expect("a plan");
    assert!(!format!("{plan:?}").contains(KEY));
}

#[test]
fn a_relative_path_or_a_missing_home_is_refused() {
    let mut relative = request();
    relative.workspace.dir = Some("site");
    assert_eq!(code(build(&format!(r#"{{"apiKey":"{KEY}"}}"#), relative)).0, ErrorCode::InvalidArgValue);
    let mut homeless = request();
    homeless.base.retain(|(name, _)| *name != "HOME");
    assert_eq!(code(build(&format!(r#"{{"apiKey":"{KEY}"}}"#), homeless)).0, ErrorCode::StateDirUnusable);
}

#[test]
fn the_rows_own_variables_are_set_when_they_apply() {
    let key = format!(r#"{{"apiKey":"{KEY}"}}"#);
    let (managed, quiet) = ("CLAUDE_CODE_PROVIDER_MANAGED_BY_HOST", "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC");
    let with = |base_url, set: &[(&'static str, &'static str)]| EnvRequest { base_url, set: set.to_vec(), ..request() };
    let url = Some("https://gateway.example");
    for delivery in [Delivery::Fd, Delivery::Env] {
        let map = values(&build(&key, with(None, &[])).expect("a plan"), delivery);
        assert_eq!((&*map[managed], map.get(quiet)), ("1", None));
        let map = values(&build(&key, with(url, &[])).expect("a plan"), delivery);
        assert_eq!((&*map[managed], &*map[quiet]), ("1", "1"));
    }
    // The caller's own: the same value beside a base URL, any without.
    assert!(build(&key, with(url, &[(quiet, "1")])).is_ok());
    assert!(build(&key, with(None, &[(quiet, "")])).is_ok());
    for value in ["", "0", "true"] {
        assert_eq!(code(build(&key, with(url, &[(quiet, value)]))).0, ErrorCode::EnvForbidden, "{value}");
    }
    assert_eq!(code(build(&key, with(None, &[(managed, "1")]))).0, ErrorCode::EnvForbidden);
    // A login in the state directory is not looked for beside the first.
    let mut of_login = with(url, &[]);
    of_login.workspace.state_dirs = vec![("claude", "/home/t/.claude")];
    let map = values(&build("{}", of_login).expect("a plan"), Delivery::Env);
    assert_eq!((map.get(managed), &*map[quiet]), (None, "1"));
}
