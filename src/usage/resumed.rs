//! What the arguments of a run tell of its totals: whether it goes on with an earlier thread, whether all is in them.

use crate::provider::CommandLine;
use crate::provider::command_line;

/// Whether it does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Resumed {
    /// It begins a thread.
    #[default]
    No,
    /// It goes on with one.
    Yes,
    /// A word that would say so may be the value of an option that nobody here knows.
    Perhaps,
}

impl Resumed {
    /// Reads the arguments before a `--`.
    pub fn of(line: &CommandLine, before_end: &[String]) -> Self {
        if before_end.iter().any(|argument| resumes(line, argument)) {
            return Self::Yes;
        }
        for word in command_line::words(line, before_end) {
            if line.resuming.contains(&word.text) {
                return if word.may_be_value { Self::Perhaps } else { Self::Yes };
            }
            if line.other.contains(&word.text) && !word.may_be_value {
                return Self::No;
            }
        }
        Self::No
    }
}

/// Whether a word among the arguments before a `--` is, or may be, a subcommand whose requests no report tells.
pub fn is_uncounted(line: &CommandLine, before_end: &[String]) -> bool {
    for word in command_line::words(line, before_end) {
        if line.uncounted.contains(&word.text) {
            return true;
        }
        if (line.resuming.contains(&word.text) || line.other.contains(&word.text)) && !word.may_be_value {
            return false;
        }
    }
    false
}

/// Whether an argument is an option that resumes: by itself, with its value, or as one letter among others.
fn resumes(line: &CommandLine, argument: &str) -> bool {
    line.resuming_options.iter().any(|option| match (option.strip_prefix("--"), argument.strip_prefix("--")) {
        (Some(name), Some(given)) => given.split('=').next() == Some(name),
        (None, None) if command_line::is_option(argument) => {
            let letter = option.chars().nth(1);
            argument.chars().skip(1).take_while(char::is_ascii_alphabetic).any(|one| Some(one) == letter)
        }
        _ => false,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::provider;

    #[test]
    fn only_a_subcommand_resumes() {
        use Resumed::{No, Perhaps, Yes};
        let line = &provider::find("codex").expect("a row").output.command_line;
        for (text, resumed) in [
            ("exec --json hello", No),
            ("exec --json resume 0199", Yes),
            ("exec --json fork 0199", Yes),
            ("exec resume --last --json", Yes),
            ("exec --sandbox read-only -c a=1 resume 0199 hello", Yes),
            ("e resume 0199", Yes),
            ("exec hello resume", Yes),
            ("exec -m fork hello", No),
            ("-m fork exec hello", No),
            ("exec --profile resume hello", No),
            ("exec -mfork resume 0199", Yes),
            ("exec --model=fork resume 0199", Yes),
            ("exec --config resume fork 0199", Yes),
            ("exec -i resume hello", No),
            ("exec -i a.png - resume hello", No),
            ("exec --image a.png b.png resume", No),
            ("exec -i a.png --json resume 0199", Yes),
            ("exec -i=a.png resume 0199", Yes),
            ("exec -ia.png resume 0199", Yes),
            ("exec - resume", Yes),
            ("exec review resume", No),
            ("exec help resume", No),
            ("exec --unheard-of resume hello", Perhaps),
            ("exec --unheard-of=1 resume hello", Yes),
            ("exec --unheard-of hello resume 0199", Yes),
            ("exec --unheard-of review resume 0199", Yes),
            ("exec -x resume hello", Perhaps),
            ("exec", No),
            ("", No),
        ] {
            let arguments: Vec<String> = text.split_whitespace().map(str::to_owned).collect();
            assert_eq!(Resumed::of(line, &arguments), resumed, "{text}");
        }
    }

    #[test]
    fn options_of_claude_code_resume() {
        let line = &provider::find("claude").expect("a row").output.command_line;
        for (text, resumed) in [
            ("-p --resume 0199 hello", Resumed::Yes),
            ("-p --resume=0199 hello", Resumed::Yes),
            ("-p -r 0199", Resumed::Yes),
            ("-r0199", Resumed::Yes),
            ("-pc hello", Resumed::Yes),
            ("--continue -p hello", Resumed::Yes),
            ("-p --resume-session-at x hello", Resumed::No),
            ("-p --model=claude-c hello", Resumed::No),
            ("-p resume continue -", Resumed::No),
        ] {
            let arguments: Vec<String> = text.split_whitespace().map(str::to_owned).collect();
            assert_eq!(Resumed::of(line, &arguments), resumed, "{text}");
        }
    }

    #[test]
    fn only_a_review_is_uncounted() {
        let line = &provider::find("codex").expect("a row").output.command_line;
        for (text, uncounted) in [
            ("exec review --json", true),
            ("exec --json review --uncommitted", true),
            ("exec hello review", true),
            ("exec --unheard-of review", true),
            ("exec -m review hello", false),
            ("exec resume review", false),
            ("exec hello", false),
        ] {
            let arguments: Vec<String> = text.split_whitespace().map(str::to_owned).collect();
            assert_eq!(is_uncounted(line, &arguments), uncounted, "{text}");
        }
    }
}
