//! Refuses a start in a mode of the CLI that does not use the credential which it is given.

use super::scan;
use crate::environment::{Delivery, EnvPlan};
use crate::error::{Error, ErrorCode, Result};
use crate::provider::{Mode, ModeSign, OverrideValue, Provider, Usable};

/// Refuses every mode that the arguments ask for and that leaves the credential unused. `on_terminal`: whether the CLI's stdin
/// is a terminal.
///
/// # Errors
/// `UNSUPPORTED`, with the subcommand or option in `names`.
pub fn check(plan: &EnvPlan, caller: &[String], delivery: Delivery, on_terminal: bool) -> Result<()> {
    let is_unused = |mode: &&Mode| !mode.uses.iter().any(|usable| is_given(plan, delivery, *usable));
    match asked_for(plan.provider, caller, on_terminal).find(is_unused) {
        Some(mode) => Err(refusal(plan, mode)),
        None => Ok(()),
    }
}

/// The overrides with which the modes that the arguments ask for use the credential.
pub fn overrides<'a>(
    plan: &'a EnvPlan,
    caller: &'a [String],
) -> impl Iterator<Item = &'static (&'static str, OverrideValue)> + 'a {
    // What the CLI finds by itself needs none.
    let modes = asked_for(plan.provider, caller, false).filter(|_| plan.credential.slot.is_some());
    modes.flat_map(|mode| mode.overrides)
}

fn asked_for<'a>(
    provider: &'static Provider,
    caller: &'a [String],
    on_terminal: bool,
) -> impl Iterator<Item = &'static Mode> + 'a {
    let before_end = &caller[..scan::end_of_options(caller)];
    let words = Words::of(provider, before_end);
    provider.modes.iter().filter(move |mode| match mode.sign {
        ModeSign::Subcommand(name, word) => words.have(name, word),
        ModeSign::Flag(flag) => before_end.iter().any(|argument| is_flag(argument, flag)),
        ModeSign::Override(key, values) => has_override(provider, before_end, key, values),
        ModeSign::Terminal(unless) => {
            let is_flag = |argument: &String| argument.starts_with('-') && unless.contains(&&**argument);
            on_terminal && !unless.iter().any(|name| words.have(name, None)) && !before_end.iter().any(is_flag)
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
    fn of(provider: &Provider, before_end: &'a [String]) -> Self {
        let mut first = None;
        let words = scan::words(&provider.output.command_line, before_end).enumerate();
        let all: Vec<&str> = words
            .map(|(index, word)| {
                first = first.or((!word.may_be_value).then_some(index + 1));
                word.text
            })
            .collect();
        Self { first: first.unwrap_or(all.len()), all }
    }

    fn have(&self, subcommand: &str, word: Option<&str>) -> bool {
        let place = self.all[..self.first].iter().position(|each| *each == subcommand);
        place.is_some_and(|place| word.is_none_or(|word| self.all[place + 1..].contains(&word)))
    }
}

fn is_flag(argument: &str, flag: &str) -> bool {
    argument.strip_prefix(flag).is_some_and(|rest| rest.is_empty() || rest.starts_with('='))
}

/// What is no string in TOML is one to the CLI.
fn has_override(provider: &Provider, before_end: &[String], key: &str, values: &[&str]) -> bool {
    let bare = |text: &str| text.trim().trim_matches(['"', '\'']).trim().to_owned();
    let overrides = scan::options(before_end, provider.override_options);
    let mut pairs = overrides.filter_map(|option| option.value.split_once('='));
    pairs.any(|(name, value)| bare(name) == key && values.contains(&&*bare(value)))
}

fn is_given(plan: &EnvPlan, delivery: Delivery, usable: Usable) -> bool {
    match usable {
        Usable::InEnvironment(kind) => {
            plan.credential.slot.is_some_and(|slot| slot.kind == kind) && delivery == Delivery::Env
        }
        Usable::OwnLogin => plan.credential.slot.is_none(),
    }
}

fn refusal(plan: &EnvPlan, mode: &Mode) -> Error {
    let (what, name) = match mode.sign {
        ModeSign::Subcommand(name, None) => (format!("options.args has the subcommand {name}"), name.to_owned()),
        ModeSign::Subcommand(name, Some(word)) => {
            (format!("options.args has the subcommand {name} {word}"), format!("{name} {word}"))
        }
        ModeSign::Flag(flag) => (format!("options.args has {flag}"), flag.to_owned()),
        ModeSign::Override(key, _) => (format!("options.args overrides {key}"), key.to_owned()),
        ModeSign::Terminal(_) => {
            ("options.stdio gives a terminal to what options.args asks for".to_owned(), "stdio".to_owned())
        }
    };
    let provider = plan.provider;
    let message = format!(
        "{what}, with which {} {}: it would not use the {} that it is given. {}",
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
        let caller: Vec<String> = text.split_whitespace().map(str::to_owned).collect();
        let modes = asked_for(provider::find(id).expect("a row"), &caller, on_terminal);
        let name = |mode: &Mode| match mode.sign {
            ModeSign::Subcommand(name, word) => word.unwrap_or(name),
            ModeSign::Flag(name) | ModeSign::Override(name, _) => name,
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
        ] {
            assert_eq!(asked("codex", text, false), expected, "{text}");
        }
        for (text, expected) in [
            ("-p --output-format json -- --bare", &[][..]),
            ("-p --barefoot", &[]),
            ("-p --bare -- hi", &["--bare"]),
            ("-p --append-system-prompt --bare hi", &["--bare"]),
            ("-p agents", &["agents"]),
            ("-p hi agents", &[]),
            ("-p --agent agents hi", &[]),
            ("--allowedTools agents Bash -p hi", &[]),
            ("--model sonnet agents", &["agents"]),
            ("--resume agents hi", &["agents"]),
            ("mcp serve", &[]),
            ("--bg hi", &["--bg"]),
            ("-p --cloud=session_x hi", &["--cloud"]),
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
