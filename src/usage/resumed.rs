//! Whether a run goes on with an earlier thread, as its arguments tell.

use crate::launch::arguments::scan;
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
        for word in scan::words(line, before_end) {
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
