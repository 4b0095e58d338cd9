//! Finds the files that configure a CLI, and the keys in them that can do harm.

use std::path::{Path, PathBuf};

use super::keys;
use super::text::{self, Unread};
use crate::environment::forbidden::{self, Reason};
use crate::error::ordinary_name;
use crate::process::redirection::{RefusedStarts, refused_beside};
use crate::provider::{Base, ConfigFile, FileShield, Format, Provider};
use crate::secret::ExposeSecret;

/// A file that exists, or may exist.
#[derive(Debug)]
#[cfg_attr(feature = "node", napi_derive::napi(object, object_from_js = false, use_nullable = true))]
pub struct FoundFile {
    pub id: &'static str,
    pub path: String,
    /// Whether this process may not see if it exists.
    pub hidden: bool,
    /// Whether it could not be read or parsed.
    pub unread: bool,
    /// Whether it is text for the agent, not for the CLI.
    pub prose: bool,
    /// Whether a start by this package keeps the CLI from obeying it while the workspace is not trusted.
    pub ignored_when_untrusted: bool,
    /// Whether a start by this package with the server's credential does so.
    pub ignored_with_server_credential: bool,
    /// Whether a variable of a start by this package keeps the CLI from obeying variables in it.
    pub shielded: bool,
    /// Whether a start by this package keeps the CLI from obeying any of it, even in a trusted workspace.
    pub ignored_always: bool,
    /// Which starts by this package are refused while it exists.
    pub refused_starts: RefusedStarts,
    /// The keys that can do harm, each with its effect.
    pub hazards: Vec<FoundHazard>,
}

/// A key that can do harm.
#[derive(Debug, PartialEq, Eq)]
#[cfg_attr(feature = "node", napi_derive::napi(object, object_from_js = false, use_nullable = true))]
pub struct FoundHazard {
    pub key: String,
    /// Its effect, as the rest of a sentence that begins with the key.
    pub effect: &'static str,
    /// Whether it can reach what the CLI authenticates with: the credential, or the broker's token.
    pub reaches_credential: bool,
}

/// More than this many are not listed.
const MAX_HAZARDS: usize = 12;

/// Where to look. A base that is not given is left out.
#[derive(Clone, Copy, Debug, Default)]
pub struct Bases<'a> {
    pub workspace: Option<&'a Path>,
    pub state: Option<&'a Path>,
    pub home: Option<&'a Path>,
    /// The root of the file system.
    pub root: Option<&'a Path>,
}

/// Looks for every file of a provider's row below the directories that are given, for a program of this version.
#[must_use]
pub fn config_files(provider: &Provider, bases: Bases<'_>, version: Option<&str>) -> Vec<FoundFile> {
    let rows = provider.config_files.iter().filter_map(|row| {
        let base = match row.base {
            Base::Workspace => bases.workspace,
            Base::StateDirectory => bases.state,
            Base::Home => bases.home,
            Base::Root => bases.root,
        };
        let shield = provider.file_shield.as_ref().filter(|shield| shield.files.contains(&row.id));
        look(row, base?.join(row.path), shield, version)
    });
    rows.collect()
}

fn look(row: &ConfigFile, path: PathBuf, shield: Option<&FileShield>, version: Option<&str>) -> Option<FoundFile> {
    let prose = row.format == Format::Prose;
    let text = text::read(&path);
    let mut hazards: Vec<FoundHazard> = Vec::new();
    let mut shields: Vec<Option<bool>> = Vec::new();
    // Sifted as they come: a tenant may put thousands of others before those that matter.
    let mut sift = |key: &[String]| {
        if hazards.len() >= MAX_HAZARDS {
            return;
        }
        let found = hazard(row, key, shield).filter(|(found, _)| !hazards.contains(found));
        if let Some((found, shielded)) = found {
            hazards.push(found);
            shields.push(shielded);
        }
    };
    let understood = match &text {
        Err(Unread::Missing) => return None,
        Err(Unread::Hidden | Unread::Refused) => None,
        Ok(text) => keys::each(row.format, text.expose_secret(), &mut sift),
    };
    // Where the way to it is not for a start to judge, none is made.
    let refused_starts = shield.map_or(RefusedStarts::None, |shield| {
        refused_beside(shield, version, &path).unwrap_or(RefusedStarts::EveryCredential)
    });
    Some(FoundFile {
        id: row.id,
        path: path.to_string_lossy().into_owned(),
        hidden: matches!(text, Err(Unread::Hidden)),
        unread: understood.is_none() && !prose,
        prose,
        ignored_when_untrusted: row.ignored_when_untrusted && !shields.contains(&Some(false)),
        ignored_with_server_credential: row.ignored_with_server_credential,
        shielded: shield.is_some(),
        ignored_always: !hazards.is_empty() && shields.iter().all(|shielded| *shielded == Some(true)),
        refused_starts,
        hazards,
    })
}

/// What a key does, and whether it is a variable that the CLI's shield keeps out: none where there is no shield for it.
fn hazard(row: &ConfigFile, key: &[String], shield: Option<&FileShield>) -> Option<(FoundHazard, Option<bool>)> {
    let name = key.join(".");
    let below = |known: &str| name == known || name.strip_prefix(known).is_some_and(|rest| rest.starts_with('.'));
    let split = key.split_last().filter(|(_, above)| row.variables == Some(above.join(".").as_str()));
    let passes = |shield: &FileShield, variable: &String| shield.passes.contains(&variable.as_str());
    let shielded = split.zip(shield).map(|((variable, _), shield)| !passes(shield, variable));
    if let Some(known) = row.hazards.iter().find(|known| below(known.key)) {
        let (effect, reaches_credential) = (known.effect.as_str(), known.effect.reaches_credential());
        return Some((FoundHazard { key: known.key.into(), effect, reaches_credential }, shielded));
    }
    let (variable, above) = split?;
    let reason = forbidden::reason(variable)?;
    let reaches_credential = matches!(reason, Reason::Code | Reason::Redirect | Reason::Disclosure);
    Some((FoundHazard { key: shown(above, variable), effect: reason.describe(), reaches_credential }, shielded))
}

fn shown(above: &[String], variable: &str) -> String {
    above.iter().map(String::as_str).chain([ordinary_name(variable)]).collect::<Vec<_>>().join(".")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::provider;

    fn found(provider: &str, path: &str, content: &str) -> Vec<FoundFile> {
        let dir = tempfile::tempdir().expect("a directory");
        let file = dir.path().join(path);
        std::fs::create_dir_all(file.parent().expect("has one")).expect("ours");
        std::fs::write(&file, content).expect("ours");
        let bases = Bases { workspace: Some(dir.path()), state: Some(dir.path()), ..Bases::default() };
        config_files(provider::find(provider).expect("a row"), bases, Some("2.1.330"))
    }

    #[test]
    fn keys_that_do_harm_are_named_and_no_value_is() {
        for (provider, path, content, id, expected) in [
            (
                "claude",
                ".claude/settings.json",
                r#"{"env": {"ANTHROPIC_BASE_URL": "http://sentinel", "FOO": "1"}, "hooks": {"SessionStart": [1]}}"#,
                "claude-project-settings",
                &["env.ANTHROPIC_BASE_URL", "hooks"][..],
            ),
            ("claude", "settings.json", r#"{"model": "x", "hooks": {}}"#, "claude-user-settings", &[]),
            (
                "claude",
                ".claude/settings.local.json",
                r#"{"permissions": {"allow": ["sentinel"], "ask": ["x"], "defaultMode": "sentinel", "deny": ["x"]}}"#,
                "claude-local-settings",
                &["permissions.allow", "permissions.defaultMode"],
            ),
            (
                "claude",
                ".config.json",
                r#"{"env": {"FOO": "1", "BUN_CONFIG_VERBOSE_FETCH": "sentinel", "HTTP_PROXY": "sentinel"}}"#,
                "claude-legacy-config",
                &["env.BUN_CONFIG_VERBOSE_FETCH", "env.HTTP_PROXY"],
            ),
            // A name that only begins like one of these, and variables where none are looked for.
            (
                "claude",
                "settings.json",
                r#"{"hooksLog": "x", "permissions": {"allowed": "x"}, "other": {"LD_PRELOAD": "x"}, "LD_PRELOAD": "x"}"#,
                "claude-user-settings",
                &[],
            ),
            (
                "claude",
                ".mcp.json",
                r#"{"mcpServers": {"a": {"command": "sentinel"}}}"#,
                "claude-project-mcp",
                &["mcpServers"],
            ),
            (
                "codex",
                ".codex/config.toml",
                "[mcp_servers.x]\ncommand = 'sentinel'\n[mcp_servers.y]\n",
                "codex-project-config",
                &["mcp_servers"],
            ),
            (
                "codex",
                "config.toml",
                "openai_base_url = 'http://sentinel'\n",
                "codex-home-config",
                &["openai_base_url"],
            ),
            (
                "codex",
                ".env",
                "FOO=1\nHTTP_PROXY=http://sentinel\nA B_TOKEN=sentinel\n",
                "codex-home-env",
                &["HTTP_PROXY", "…"],
            ),
            (
                "codex",
                "environments.toml",
                "default = 'x'\n[[environments]]\nid = 'x'\nprogram = 'sentinel'\n",
                "codex-home-environments",
                &["environments.program"],
            ),
            (
                "codex",
                ".git/config",
                "[core]\n\tbare = false\n\tFSMonitor = sentinel\n[Filter \"sentinel\"] clean = x\n[user]\n\tname = sentinel\n",
                "codex-git-config",
                &["core.fsmonitor", "filter"],
            ),
            ("codex", "AGENTS.md", "sentinel = 1", "codex-instructions", &[]),
        ] {
            let files = found(provider, path, content);
            assert_eq!(files.iter().map(|file| file.id).collect::<Vec<_>>(), [id]);
            let keys: Vec<_> = files[0].hazards.iter().map(|hazard| hazard.key.as_str()).collect();
            assert_eq!(keys, expected, "{path}");
            assert!(!format!("{files:?}").contains("sentinel"), "{files:?}");
        }
        assert!(found("claude", ".claude/settings.json", "not json")[0].unread);
    }

    #[test]
    fn what_the_shield_lets_pass_is_not_told_as_ignored() {
        for (variable, ignored) in [("HTTP_PROXY", true), ("BUN_CONFIG_VERBOSE_FETCH", false)] {
            let files = found("claude", ".claude.json", &format!(r#"{{"env": {{"{variable}": "x"}}}}"#));
            assert_eq!(files[0].ignored_when_untrusted, ignored, "{variable}");
        }
    }

    #[test]
    fn a_file_of_the_shield_is_judged_by_the_version_of_the_program() {
        use RefusedStarts::{EveryCredential, None as Nothing, ServerCredential};
        let dir = tempfile::tempdir().expect("a directory");
        let bases = Bases { home: Some(dir.path()), ..Bases::default() };
        let row = provider::find("claude").expect("a row");
        for (text, held, not_held) in [
            (r#"{"env": {"HTTP_PROXY": "x"}}"#, Nothing, EveryCredential),
            (r#"{"env": {"BUN_CONFIG_VERBOSE_FETCH": "x"}}"#, ServerCredential, EveryCredential),
            ("{ broken", ServerCredential, EveryCredential),
            (r#"{"env": {"FOO": "x"}, "mcpServers": {"a": 1}}"#, Nothing, Nothing),
        ] {
            std::fs::write(dir.path().join(".claude.json"), text).expect("ours");
            for (version, expected) in
                [(Some("2.1.330"), held), (Some("2.1.300"), held), (Some("2.1.299"), not_held), (None, not_held)]
            {
                let files = config_files(row, bases, version);
                assert_eq!(files[0].refused_starts, expected, "{text} {version:?}");
            }
        }
    }

    #[test]
    fn only_variables_are_kept_out_of_a_trusted_workspace_too() {
        for (text, always) in [
            (r#"{"env": {"HTTP_PROXY": "x"}}"#, true),
            (r#"{"env": {"HTTP_PROXY": "x", "BUN_CONFIG_VERBOSE_FETCH": "x"}}"#, false),
            (r#"{"env": {"HTTP_PROXY": "x"}, "mcpServers": {"a": 1}}"#, false),
            ("{}", false),
        ] {
            assert_eq!(found("claude", ".claude.json", text)[0].ignored_always, always, "{text}");
        }
    }

    #[test]
    fn a_file_of_a_hundred_hazards_lists_the_first() {
        let text: String = (10..110).map(|number| format!("LD_X{number}=1\n")).collect();
        let files = found("codex", ".env", &text);
        let keys: Vec<_> = files[0].hazards.iter().map(|hazard| hazard.key.as_str()).collect();
        assert_eq!(keys.len(), 12);
        assert_eq!(keys[..2], ["LD_X10", "LD_X11"]);
    }

    #[test]
    fn keys_that_do_harm_do_not_hide() {
        let filler = |write: fn(usize) -> String| (0..5000).map(write).collect::<String>();
        let json = format!(r#"{{{}"hooks": {{"Stop": [1]}}}}"#, filler(|index| format!(r#""a{index}": 1, "#)));
        let toml = format!("{}notify = ['sh']\n", filler(|index| format!("a{index} = 1\n")));
        for (provider, path, content, expected) in [
            ("claude", ".claude/settings.json", json.as_str(), "hooks"),
            ("codex", "config.toml", &toml, "notify"),
            ("codex", "config.toml", "model = \"x\" # \"\"\"\nnotify = ['sh']\n", "notify"),
            ("codex", "config.toml", "[\"mcp\\u005fservers\".x]\ncommand = 'sh'\n", "mcp_servers"),
            ("codex", "config.toml", "a = 1\nmodel_providers = { x = { base_url = 'http://h' } }\n", "model_providers"),
            ("codex", ".env", "export\tHTTP_PROXY=http://h\n", "HTTP_PROXY"),
        ] {
            let files = found(provider, path, content);
            let keys: Vec<_> = files[0].hazards.iter().map(|hazard| hazard.key.as_str()).collect();
            assert_eq!((keys.as_slice(), files[0].unread), (&[expected][..], false), "{path}");
        }
        // What came before the mistake is reported all the same.
        let broken = &found("codex", "config.toml", "notify = ['sh']\nmodel = \n")[0];
        assert_eq!((broken.hazards.len(), broken.unread), (1, true));
        let large = format!("{}{}", r#"{"hooks": {"Stop": [1]}}"#, " ".repeat(text::MAX_BYTES as usize));
        assert!(found("claude", ".claude/settings.json", &large)[0].unread);
    }

    #[test]
    fn what_is_no_file_is_not_waited_for() {
        let dir = tempfile::tempdir().expect("a directory");
        std::fs::create_dir(dir.path().join(".mcp.json")).expect("ours");
        let bases = Bases { workspace: Some(dir.path()), ..Bases::default() };
        let files = config_files(provider::find("claude").expect("a row"), bases, None);
        assert!(files[0].unread, "{files:?}");
    }
}
