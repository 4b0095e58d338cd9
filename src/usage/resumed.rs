//! Whether a run goes on with an earlier thread, as its arguments tell.

use crate::provider::CommandLine;

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
        let mut rest = before_end.iter().map(String::as_str).peekable();
        let mut after_unknown = false;
        while let Some(argument) = rest.next() {
            let follows_unknown = std::mem::take(&mut after_unknown);
            if is_option(argument) {
                after_unknown = !skip_values(line, argument, &mut rest);
                continue;
            }
            if line.resuming.contains(&argument) {
                return if follows_unknown { Self::Perhaps } else { Self::Yes };
            }
            if line.other.contains(&argument) && !follows_unknown {
                return Self::No;
            }
        }
        Self::No
    }
}

/// Passes over an option's values. Whether the table tells where they end.
fn skip_values<'a>(
    line: &CommandLine,
    option: &str,
    rest: &mut std::iter::Peekable<impl Iterator<Item = &'a str>>,
) -> bool {
    if line.listed.contains(&option) {
        while rest.next_if(|value| !is_option(value)).is_some() {}
        return true;
    }
    if line.valued.contains(&option) {
        rest.next();
        return true;
    }
    // `--name=value`, `-n=value` and `-nvalue` end with themselves.
    line.flags.contains(&option) || option.contains('=') || (!option.starts_with("--") && option.len() > 2)
}

/// A hyphen alone is a value: stdin.
fn is_option(argument: &str) -> bool {
    argument.len() > 1 && argument.starts_with('-')
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
}
