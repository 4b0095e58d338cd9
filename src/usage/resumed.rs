//! What the arguments of a run show about its totals: whether it continues an earlier thread, and whether they are
//! complete.

use crate::provider::{Reading, ReportArguments};

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Resumed {
    #[default]
    No,
    /// It goes on with one.
    Yes,
    /// A word that would say so may be the value of an option that nobody here knows.
    Perhaps,
}

impl Resumed {
    /// Reads the arguments before a `--`.
    pub fn of(rules: &ReportArguments, before_end: Reading<'_>) -> Self {
        if before_end.whole_options().any(|option| resumes(rules, option)) {
            return Self::Yes;
        }
        for word in before_end.words() {
            if rules.resuming.contains(&word.text) {
                return if word.may_be_value { Self::Perhaps } else { Self::Yes };
            }
            if rules.other.contains(&word.text) && !word.may_be_value {
                return Self::No;
            }
        }
        Self::No
    }
}

/// Whether a word among the arguments before a `--` is, or may be, a subcommand whose requests are not reported.
pub fn is_uncounted(rules: &ReportArguments, before_end: Reading<'_>) -> bool {
    for word in before_end.words() {
        if rules.uncounted.contains(&word.text) {
            return true;
        }
        if (rules.resuming.contains(&word.text) || rules.other.contains(&word.text)) && !word.may_be_value {
            return false;
        }
    }
    false
}

/// Whether an option resumes: by itself, with its value, or as one letter among others.
fn resumes(rules: &ReportArguments, given: &str) -> bool {
    rules.resuming_options.iter().any(|option| match (option.strip_prefix("--"), given.strip_prefix("--")) {
        (Some(name), Some(given)) => given.split('=').next() == Some(name),
        (None, None) => {
            let letter = option.chars().nth(1);
            given.chars().skip(1).take_while(char::is_ascii_alphabetic).any(|one| Some(one) == letter)
        }
        _ => false,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::provider::{self, CommandLine};

    #[test]
    fn only_a_subcommand_resumes() {
        use Resumed::{No, Perhaps, Yes};
        let row = provider::find("codex").expect("a row");
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
            let arguments = text.split_whitespace().map(str::to_owned).collect();
            let line = CommandLine::parse(&row.arguments.grammar, arguments);
            assert_eq!(Resumed::of(&row.output.report_arguments, line.before_end()), resumed, "{text}");
        }
    }

    #[test]
    fn options_of_claude_code_resume() {
        let row = provider::find("claude").expect("a row");
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
            let arguments = text.split_whitespace().map(str::to_owned).collect();
            let line = CommandLine::parse(&row.arguments.grammar, arguments);
            assert_eq!(Resumed::of(&row.output.report_arguments, line.before_end()), resumed, "{text}");
        }
    }

    #[test]
    fn only_a_review_is_uncounted() {
        let row = provider::find("codex").expect("a row");
        for (text, uncounted) in [
            ("exec review --json", true),
            ("exec --json review --uncommitted", true),
            ("exec hello review", true),
            ("exec --unheard-of review", true),
            ("exec -m review hello", false),
            ("exec resume review", false),
            ("exec hello", false),
        ] {
            let arguments = text.split_whitespace().map(str::to_owned).collect();
            let line = CommandLine::parse(&row.arguments.grammar, arguments);
            assert_eq!(is_uncounted(&row.output.report_arguments, line.before_end()), uncounted, "{text}");
        }
    }
}
