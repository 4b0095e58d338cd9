//! Refuses a start in a mode in which the CLI would not use the launch's credential.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::environment::{Delivery, EnvPlan};
use crate::error::{Error, ErrorCode, Result};
use crate::provider::toml_names;
use crate::provider::{
    ChosenDefinition, CommandLine, ConfigOverride, CredentialKind, Mode, ModeSign, Provider, Reading, UsableCredential,
};

/// Refuses every mode that the arguments ask for and that leaves the credential unused. `on_terminal`: whether the CLI's stdin
/// is a terminal.
///
/// # Errors
/// `UNSUPPORTED`, with the subcommand or option in `names`.
pub fn check(plan: &EnvPlan, line: &CommandLine, delivery: Delivery, on_terminal: bool) -> Result<()> {
    let is_unused = |mode: &&Mode| !mode.uses.iter().any(|usable| is_given(plan, delivery, *usable));
    match asked_for(plan.provider, line, on_terminal).find(is_unused) {
        Some(mode) => Err(refusal(plan, mode)),
        None => Ok(()),
    }
}

/// The overrides with which the modes that the arguments ask for use the credential.
pub fn overrides(plan: &EnvPlan, line: &CommandLine) -> impl Iterator<Item = &'static ConfigOverride> {
    // What the CLI finds by itself needs none.
    let modes = asked_for(plan.provider, line, false).filter(|_| plan.credential.input.is_some());
    modes.flat_map(|mode| mode.overrides)
}

/// Whether the caller sets `key` to the name of what one of these overrides of a mode defines, and to nothing else.
pub fn is_defined_choice(provider: &'static Provider, line: &CommandLine, key: &str, rows: &[&ConfigOverride]) -> bool {
    let holders = provider.arguments.modes.iter().filter_map(|mode| match mode.sign {
        ModeSign::Definition(row) if row.chosen_by == key => Some(row.holder),
        _ => None,
    });
    let names =
        holders.flat_map(|holder| rows.iter().filter_map(move |row| row.key.strip_prefix(holder)?.strip_prefix('.')));
    let names: Vec<&str> = names.collect();
    let mut chosen = values_of(provider, line.before_end(), key).peekable();
    chosen.peek().is_some() && chosen.all(|name| names.contains(&name))
}

fn asked_for<'a>(
    provider: &'static Provider,
    line: &'a CommandLine,
    on_terminal: bool,
) -> impl Iterator<Item = &'static Mode> + 'a {
    let before_end = line.before_latest_end();
    let words = Words::of(before_end);
    provider.arguments.modes.iter().filter(move |mode| match mode.sign {
        ModeSign::Subcommand(name, word) => words.have(name, word),
        ModeSign::Flag(flag) => before_end.whole_options().any(|option| is_flag(option, flag)),
        ModeSign::Override(key, values) => has_override(provider, before_end, key, values),
        ModeSign::Definition(row) => has_unused_definition(provider, before_end, row),
        ModeSign::Setting(option, variable) => {
            line.before_end().options(&[option]).any(|given| sets_variable(given.value, variable))
        }
        ModeSign::Terminal(unless) => {
            on_terminal
                && !unless.iter().any(|name| words.have(name, None))
                && !before_end.whole_options().any(|option| unless.contains(&option))
        }
    })
}

/// The words of a command line.
struct Words<'a> {
    all: Vec<&'a str>,
    /// How many of them may be the subcommand: the first, and, where that may be the value of an option that nobody here
    /// knows, the next.
    first: usize,
}

impl<'a> Words<'a> {
    fn of(before_end: Reading<'a>) -> Self {
        let all = before_end.words().map(|word| word.text).collect::<Vec<_>>();
        let first = before_end.words().position(|word| !word.may_be_value).map_or(all.len(), |index| index + 1);
        Self { first, all }
    }

    fn have(&self, subcommand: &str, word: Option<&str>) -> bool {
        let place = self.all[..self.first].iter().position(|each| *each == subcommand);
        place.is_some_and(|place| word.is_none_or(|word| self.all[place + 1..].contains(&word)))
    }
}

fn is_flag(argument: &str, flag: &str) -> bool {
    argument.strip_prefix(flag).is_some_and(|rest| rest.is_empty() || rest.starts_with('='))
}

fn has_override(provider: &'static Provider, before_end: Reading<'_>, key: &str, values: &[&str]) -> bool {
    // An escape may stand for any of these values, and no other has a reason for one.
    values_of(provider, before_end, key).any(|value| value.contains('\\') || values.contains(&value))
}

/// The strings to which overrides set a key. What is no string in TOML is one to the CLI.
fn values_of<'a>(provider: &'static Provider, before_end: Reading<'a>, key: &str) -> impl Iterator<Item = &'a str> {
    let bare = |text: &'a str| text.trim().trim_matches(['"', '\'']).trim();
    let overrides = before_end.options(provider.arguments.override_options);
    let pairs = overrides.filter_map(|option| option.value.split_once('='));
    pairs.filter(move |(name, _)| bare(name) == key).map(move |(_, value)| bare(value))
}

/// Whether the definition that is chosen is in the arguments, and says nowhere that it uses the credential. One that is
/// elsewhere is not known here.
fn has_unused_definition(provider: &'static Provider, before_end: Reading<'_>, row: &ChosenDefinition) -> bool {
    let variables: Vec<&str> = provider.credential_inputs().flat_map(|input| input.variables).copied().collect();
    values_of(provider, before_end, row.chosen_by).any(|chosen| {
        let overrides = before_end.options(provider.arguments.override_options);
        let parts: Vec<Definition> = overrides.filter_map(|option| Definition::of(option.value, row, chosen)).collect();
        let uses = |part: &Definition| {
            let names = || part.text.split(|byte: char| !byte.is_ascii_alphanumeric() && byte != '_');
            names().any(|name| variables.contains(&name)) || (part.has_own && names().any(|name| name == "true"))
        };
        !parts.is_empty() && !parts.iter().any(uses)
    })
}

/// An override, or a part of one, that defines what is chosen.
struct Definition<'a> {
    text: &'a str,
    /// Whether it has the member that uses the credential.
    has_own: bool,
}

impl<'a> Definition<'a> {
    fn of(text: &'a str, row: &ChosenDefinition, chosen: &str) -> Option<Self> {
        let (mut defines, mut has_own) = (false, false);
        toml_names::each(text, 3, &mut |path| {
            let is_chosen = path.len() > 1 && path[0] == row.holder && path[1] == chosen;
            defines |= is_chosen;
            has_own |= is_chosen && path.get(2).is_some_and(|name| name == row.uses_own);
        })?;
        defines.then_some(Self { text, has_own })
    }
}

/// Whether settings in JSON set a variable to what the CLI does not take for off. The path of a file is none.
fn sets_variable(settings: &str, variable: &str) -> bool {
    #[derive(Deserialize)]
    struct Settings {
        #[serde(default)]
        env: BTreeMap<String, serde_json::Value>,
    }
    let Ok(settings) = serde_json::from_str::<Settings>(settings) else { return false };
    settings.env.get(variable).is_some_and(|value| match value {
        serde_json::Value::String(text) => {
            !["", "0", "false", "no", "off"].contains(&text.trim().to_ascii_lowercase().as_str())
        }
        value => !value.is_null() && *value != serde_json::Value::Bool(false),
    })
}

fn is_handed_over(plan: &EnvPlan, kind: CredentialKind) -> bool {
    plan.credential.input.is_some_and(|input| input.kind == kind)
}

fn is_given(plan: &EnvPlan, delivery: Delivery, usable: UsableCredential) -> bool {
    match usable {
        UsableCredential::InEnvironment(kind) => is_handed_over(plan, kind) && delivery == Delivery::Env,
        UsableCredential::OnPipe(kind) => is_handed_over(plan, kind) && delivery == Delivery::Fd,
        UsableCredential::ByBroker(kind) => is_handed_over(plan, kind) && delivery == Delivery::Broker,
        UsableCredential::OwnLogin => plan.credential.input.is_none(),
    }
}

fn refusal(plan: &EnvPlan, mode: &Mode) -> Error {
    let (what, name) = match mode.sign {
        ModeSign::Subcommand(name, None) => (format!("options.args contains the subcommand {name}"), name.to_owned()),
        ModeSign::Subcommand(name, Some(word)) => {
            (format!("options.args contains the subcommand {name} {word}"), format!("{name} {word}"))
        }
        ModeSign::Flag(flag) => (format!("options.args contains {flag}"), flag.to_owned()),
        ModeSign::Override(key, _) => (format!("options.args overrides {key}"), key.to_owned()),
        ModeSign::Definition(row) => (format!("options.args overrides {}", row.chosen_by), row.chosen_by.to_owned()),
        ModeSign::Setting(option, variable) => {
            (format!("options.args contains {option} with {variable}"), option.to_owned())
        }
        ModeSign::Terminal(_) => {
            ("options.stdio gives the command in options.args a terminal".to_owned(), "stdio".to_owned())
        }
    };
    let provider = plan.provider;
    let message = format!(
        "{what}, with which {} {}: it would not use this launch's {}. {}",
        provider.name,
        mode.does,
        plan.credential.kind.name(),
        mode.instead
    );
    Error::new(ErrorCode::Unsupported, message).provider(provider.id).name(name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::provider;

    fn asked(id: &str, text: &str, on_terminal: bool) -> Vec<&'static str> {
        let row = provider::find(id).expect("a row");
        let arguments = text.split_whitespace().map(str::to_owned).collect();
        let line = CommandLine::parse(&row.arguments.grammar, arguments);
        let modes = asked_for(row, &line, on_terminal);
        let name = |mode: &Mode| match mode.sign {
            ModeSign::Subcommand(name, word) => word.unwrap_or(name),
            ModeSign::Flag(name) | ModeSign::Override(name, _) | ModeSign::Setting(name, _) => name,
            ModeSign::Definition(row) => row.holder,
            ModeSign::Terminal(_) => "terminal",
        };
        modes.map(name).collect()
    }

    #[test]
    fn a_subcommand_is_found_where_the_cli_finds_it() {
        for (text, expected) in [
            ("exec hello", &[][..]),
            ("-m gpt exec resume 0199", &["resume"]),
            ("exec app-server", &[]),
            ("exec -- app-server", &[]),
            ("-- app-server", &[]),
            ("-m app-server exec hello", &[]),
            ("review resume", &[]),
            ("app-server", &["app-server"]),
            ("-c a=1 --enable x app-server --listen stdio://", &["app-server"]),
            ("--unheard-of app-server", &["app-server"]),
            ("--unheard-of x app-server", &["app-server"]),
            ("app-server daemon start", &["app-server", "daemon"]),
            ("app-server --listen off proxy", &["app-server", "proxy"]),
            ("debug models", &[]),
            ("debug app-server send-message-v2 hi", &["app-server"]),
            ("resume --last", &["resume"]),
            ("exec --oss hello", &["--oss"]),
            ("exec --local-provider=ollama hello", &["--local-provider"]),
            ("exec -- --oss", &[]),
            ("exec -c model_provider=\"ollama\" hello", &["model_provider"]),
            ("exec -cmodel_provider=lmstudio hello", &["model_provider"]),
            ("exec -c model_provider=\"mine\" hello", &[]),
            ("exec -c model_provider=\"oll\\u0061ma\" hello", &["model_provider"]),
            ("exec -c model_provider=x -c model_providers.x.base_url=\"http://h\"", &["model_providers"]),
            ("exec -c model_provider=x -c model_providers.x.env_key=\"USER_A\"", &["model_providers"]),
            ("exec -c model_provider=x -c model_providers={x={base_url=\"h\"}}", &["model_providers"]),
            ("exec -c model_provider=x -c model_providers={x={base_url=\"h\",env_key=\"CODEX_API_KEY\"}}", &[]),
            ("exec -c model_provider=x -c model_providers.x.a=1 -c model_providers.x.env_key=\"OPENAI_API_KEY\"", &[]),
            ("exec -c model_provider=x -c model_providers.x.requires_openai_auth=true", &[]),
            ("exec -c model_provider=x -c model_providers.x.requires_openai_auth=false", &["model_providers"]),
            ("exec -c model_provider=x -c model_providers.y.env_key=\"USER_A\"", &[]),
            ("exec -c model_providers.x.env_key=\"USER_A\"", &[]),
        ] {
            assert_eq!(asked("codex", text, false), expected, "{text}");
        }
        for (text, expected) in [
            ("-p --output-format json -- --bare", &[][..]),
            ("-p --barefoot", &[]),
            ("-p --bare -- hi", &["--bare"]),
            ("-p --append-system-prompt --bare hi", &["--bare"]),
            ("-p --append-system-prompt -- --bare hi", &["--bare"]),
            ("-p --unheard-of -- --bare -- hi", &["--bare"]),
            ("-p --model=opus -- --bare", &[]),
            ("-p --append-system-prompt x -- --bare", &[]),
            ("-p agents", &["agents"]),
            ("-p hi agents", &[]),
            ("-p --agent agents hi", &[]),
            ("--allowedTools agents Bash -p hi", &[]),
            ("--model sonnet agents", &["agents"]),
            ("--resume agents hi", &["agents"]),
            ("mcp serve", &[]),
            ("plugin eval /srv/plugin", &["eval"]),
            ("plugins eval", &["eval"]),
            ("plugin list", &[]),
            ("--bg hi", &["--bg"]),
            ("-p --cloud=session_x hi", &["--cloud"]),
            ("-p --settings {\"env\":{\"CLAUDE_CODE_SIMPLE\":\"1\"}} hi", &["--settings"]),
            ("-p --settings={\"model\":\"m\",\"env\":{\"A\":\"1\",\"CLAUDE_CODE_SIMPLE\":true}} hi", &["--settings"]),
            ("-p --settings {\"env\":{\"CLAUDE_CODE_SIMPLE\":\"0\"}} hi", &[]),
            ("-p --settings {\"env\":{}} -- {\"env\":{\"CLAUDE_CODE_SIMPLE\":\"1\"}}", &[]),
            ("-p --settings /a.json hi", &[]),
        ] {
            assert_eq!(asked("claude", text, false), expected, "{text}");
        }
    }

    #[test]
    fn a_terminal_asks_for_a_mode_only_where_no_subcommand_is_known() {
        for (text, expected) in [
            ("hello", &["terminal"][..]),
            ("-m gpt", &["terminal"]),
            ("exec hello", &[]),
            ("-m gpt review", &[]),
            ("--version", &[]),
        ] {
            assert_eq!(asked("codex", text, true), expected, "{text}");
            assert!(asked("codex", text, false).is_empty(), "{text}");
        }
        assert!(asked("claude", "hello", true).is_empty());
    }
}
