//! What the arguments of a run tell of its totals: whether it goes on with an earlier thread, whether all is in them.

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
        if before_end.iter().any(|argument| resumes(line, argument)) {
            return Self::Yes;
        }
        for word in Words::of(line, before_end) {
            if line.resuming.contains(&word.text) {
                return if word.follows_unknown { Self::Perhaps } else { Self::Yes };
            }
            if line.other.contains(&word.text) && !word.follows_unknown {
                return Self::No;
            }
        }
        Self::No
    }
}

/// Whether a word among the arguments before a `--` is, or may be, a subcommand whose requests no report tells.
pub fn is_uncounted(line: &CommandLine, before_end: &[String]) -> bool {
    for word in Words::of(line, before_end) {
        if line.uncounted.contains(&word.text) {
            return true;
        }
        if (line.resuming.contains(&word.text) || line.other.contains(&word.text)) && !word.follows_unknown {
            return false;
        }
    }
    false
}

/// Whether an argument is an option that resumes: by itself, with its value, or as one letter among others.
fn resumes(line: &CommandLine, argument: &str) -> bool {
    line.resuming_options.iter().any(|option| match (option.strip_prefix("--"), argument.strip_prefix("--")) {
        (Some(name), Some(given)) => given.split('=').next() == Some(name),
        (None, None) if is_option(argument) => {
            let letter = option.chars().nth(1);
            argument.chars().skip(1).take_while(char::is_ascii_alphabetic).any(|one| Some(one) == letter)
        }
        _ => false,
    })
}

/// An argument that is no option, and no value of one that is known.
struct Word<'a> {
    text: &'a str,
    /// It may be the value of an option that nobody here knows.
    follows_unknown: bool,
}

/// One after another.
struct Words<'a> {
    line: &'a CommandLine,
    rest: std::iter::Peekable<std::slice::Iter<'a, String>>,
}

impl<'a> Words<'a> {
    fn of(line: &'a CommandLine, before_end: &'a [String]) -> Self {
        Self { line, rest: before_end.iter().peekable() }
    }
}

impl<'a> Iterator for Words<'a> {
    type Item = Word<'a>;

    fn next(&mut self) -> Option<Self::Item> {
        let mut follows_unknown = false;
        loop {
            let argument = self.rest.next()?.as_str();
            if !is_option(argument) {
                return Some(Word { text: argument, follows_unknown });
            }
            follows_unknown = !self.skip_values(argument);
        }
    }
}

impl Words<'_> {
    /// Passes over an option's values. Whether the table tells where they end.
    fn skip_values(&mut self, option: &str) -> bool {
        if self.line.listed.contains(&option) {
            while self.rest.next_if(|value| !is_option(value)).is_some() {}
            return true;
        }
        if self.line.valued.contains(&option) {
            self.rest.next();
            return true;
        }
        // `--name=value`, `-n=value` and `-nvalue` end with themselves.
        self.line.flags.contains(&option) || option.contains('=') || (!option.starts_with("--") && option.len() > 2)
    }
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
