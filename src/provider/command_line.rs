//! A CLI's arguments, parsed once: its options with their values and positions, its words, and where its options end.

/// Which options of a CLI have values. This distinguishes a word, such as a subcommand or a prompt, from the value of
/// an option.
#[derive(Debug)]
pub struct Grammar {
    /// Options without a value.
    pub flags: &'static [&'static str],
    /// Options with one value that is a separate argument.
    pub valued: &'static [&'static str],
    /// Options whose values go on until the next option.
    pub listed: &'static [&'static str],
}

impl Grammar {
    /// Whether an option takes nothing of what follows: a flag, `--name=value`, `-n=value` and `-nvalue`.
    fn ends_with_itself(&self, option: &str) -> bool {
        self.flags.contains(&option) || option.contains('=') || (!option.starts_with("--") && option.len() > 2)
    }

    /// Whether an option may take the `--` behind it.
    fn may_take_end(&self, option: &str) -> bool {
        is_option(option) && option != "--" && !self.ends_with_itself(option)
    }
}

/// The arguments of a start, without the program's name.
///
/// What an option means, and even whether it has a value, is the CLI's to know, and a newer CLI knows others. So every argument
/// that looks like an option is kept as one, also where it may be the value of the option before it: a rule that refuses one
/// must not be got around by an option in front of it.
#[derive(Debug, Default)]
pub struct CommandLine {
    arguments: Vec<String>,
    options: Vec<OptionPlace>,
    words: Vec<WordPlace>,
    end: usize,
    latest_end: usize,
}

/// An argument that looks like an option.
#[derive(Debug)]
struct OptionPlace {
    at: usize,
    /// How long its name is.
    name: usize,
    /// Where its value begins in the same argument; none where that is the next one.
    value: Option<usize>,
}

#[derive(Debug)]
struct WordPlace {
    at: usize,
    may_be_value: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Given<'a> {
    /// Its value; empty when it is missing.
    pub value: &'a str,
    /// The index of the argument after it.
    pub end: usize,
}

/// A word that no option takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Word<'a> {
    pub text: &'a str,
    /// Whether it may be the value of an option that nobody here knows.
    pub may_be_value: bool,
}

impl CommandLine {
    /// Parses arguments as the CLI's row says.
    #[must_use]
    pub fn parse(grammar: &Grammar, arguments: Vec<String>) -> Self {
        let end = position_of_end(&arguments, |_| true);
        let latest_end = position_of_end(&arguments, |before| !grammar.may_take_end(before));
        let options = arguments.iter().enumerate().filter_map(|(at, argument)| OptionPlace::of(at, argument)).collect();
        let words = words(grammar, &arguments[..latest_end]);
        Self { arguments, options, words, end, latest_end }
    }

    /// All arguments, as they were given.
    #[must_use]
    pub fn arguments(&self) -> &[String] {
        &self.arguments
    }

    /// What is before the first `--`, where the options end for a CLI that takes it for no value.
    #[must_use]
    pub const fn before_end(&self) -> Reading<'_> {
        Reading { line: self, end: self.end }
    }

    /// What is before the last `--` that may be the first: for refusals. Claude Code 2.1.330 takes a `--` for the value of an
    /// option before it, and what is behind that is no prompt.
    #[must_use]
    pub const fn before_latest_end(&self) -> Reading<'_> {
        Reading { line: self, end: self.latest_end }
    }

    /// Everything: for refusals of what must be nowhere.
    #[must_use]
    pub const fn whole(&self) -> Reading<'_> {
        Reading { line: self, end: self.arguments.len() }
    }
}

/// A part of a command line, from its beginning.
#[derive(Clone, Copy, Debug)]
pub struct Reading<'a> {
    line: &'a CommandLine,
    end: usize,
}

impl<'a> Reading<'a> {
    /// The arguments, of whatever kind.
    #[must_use]
    pub fn arguments(self) -> &'a [String] {
        &self.line.arguments[..self.end]
    }

    /// The options of these names, in order. A name is `--name` or `-n`.
    pub fn options(self, names: &[&str]) -> impl Iterator<Item = Given<'a>> {
        let places = self.line.options.iter().take_while(move |place| place.at < self.end);
        places.filter(move |place| names.contains(&&self.line.arguments[place.at][..place.name])).map(move |place| {
            let following = (place.at + 2).min(self.end);
            match place.value {
                Some(value) => Given { value: &self.line.arguments[place.at][value..], end: place.at + 1 },
                None => Given { value: self.arguments().get(place.at + 1).map_or("", String::as_str), end: following },
            }
        })
    }

    /// The arguments that look like options, each of them whole.
    pub fn whole_options(self) -> impl Iterator<Item = &'a str> {
        let places = self.line.options.iter().take_while(move |place| place.at < self.end);
        places.map(move |place| self.line.arguments[place.at].as_str())
    }

    /// The words: subcommands, prompts. A hyphen alone is one: stdin. Behind the latest end there is none.
    pub fn words(self) -> impl Iterator<Item = Word<'a>> {
        let places = self.line.words.iter().take_while(move |place| place.at < self.end);
        places.map(move |place| Word { text: &self.line.arguments[place.at], may_be_value: place.may_be_value })
    }
}

impl OptionPlace {
    /// None for a word, and for `--`.
    fn of(at: usize, argument: &str) -> Option<Self> {
        if !is_option(argument) || argument == "--" {
            return None;
        }
        if argument.starts_with("--") {
            let name = argument.find('=');
            return Some(Self { at, name: name.unwrap_or(argument.len()), value: name.map(|name| name + 1) });
        }
        // `-nvalue` and `-n=value`; the letter may be of several bytes.
        let name = 1 + argument[1..].chars().next()?.len_utf8();
        let rest = &argument[name..];
        let value = (!rest.is_empty()).then(|| name + usize::from(rest.starts_with('=')));
        Some(Self { at, name, value })
    }
}

/// The words among arguments without an end.
fn words(grammar: &Grammar, arguments: &[String]) -> Vec<WordPlace> {
    let mut words = Vec::new();
    let mut may_be_value = false;
    let mut at = 0;
    while let Some(text) = arguments.get(at) {
        let text = text.as_str();
        let this = at;
        at += 1;
        if !is_option(text) {
            words.push(WordPlace { at: this, may_be_value: std::mem::take(&mut may_be_value) });
        } else if grammar.listed.contains(&text) {
            at += arguments[at..].iter().take_while(|value| !is_option(value)).count();
            may_be_value = false;
        } else if grammar.valued.contains(&text) {
            at += 1;
            may_be_value = false;
        } else {
            may_be_value = !grammar.ends_with_itself(text);
        }
    }
    words
}

/// Where the first `--` is whose predecessor is none, or such; else the end.
fn position_of_end(arguments: &[String], is_before_end: impl Fn(&str) -> bool) -> usize {
    let ends = |at: &usize| arguments[*at] == "--" && (*at == 0 || is_before_end(&arguments[*at - 1]));
    (0..arguments.len()).find(ends).unwrap_or(arguments.len())
}

/// A hyphen alone is a value: stdin.
fn is_option(argument: &str) -> bool {
    argument.len() > 1 && argument.starts_with('-')
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::provider::PROVIDERS;
    use proptest::prelude::*;

    const GRAMMAR: Grammar =
        Grammar { flags: &["--json", "-p"], valued: &["-c", "--config", "--model"], listed: &["--tools"] };

    fn line(text: &str) -> CommandLine {
        CommandLine::parse(&GRAMMAR, text.split_whitespace().map(str::to_owned).collect())
    }

    #[test]
    fn every_form_of_an_option() {
        let line = line("-c a=1 -cb=2 -c=c=3 --config d=4 --config=e=5 --configure -c -- -c");
        let given = line.before_end().options(&["-c", "--config"]);
        let given: Vec<_> = given.map(|given| (given.value, given.end)).collect();
        assert_eq!(given, [("a=1", 2), ("b=2", 3), ("c=3", 4), ("d=4", 6), ("e=5", 7), ("", 9)]);
        assert_eq!(line.whole().options(&["-c"]).last(), Some(Given { value: "", end: 11 }));
        assert_eq!(line.before_end().whole_options().count(), 7);
    }

    #[test]
    fn an_end_that_an_option_may_take_is_not_the_last_one() {
        for (text, end, latest) in [
            ("exec hi", 2, 2),
            ("-- --json", 0, 0),
            ("--json -- -c", 1, 1),
            ("-c -- --json -- x", 1, 3),
            ("--unheard-of -- x", 1, 3),
            ("--unheard-of=1 -- x", 1, 1),
            ("-x -- -- y", 1, 2),
            ("-x1 -- y", 1, 1),
        ] {
            let line = line(text);
            let ends = (line.before_end().arguments().len(), line.before_latest_end().arguments().len());
            assert_eq!(ends, (end, latest), "{text}");
        }
    }

    #[test]
    fn a_word_is_what_no_option_takes() {
        for (text, expected) in [
            ("exec -c a=1 hi - --json resume", &["exec", "hi", "-", "resume"][..]),
            ("--tools a b --json c", &["c"]),
            ("--unheard-of a b", &["a?", "b"]),
            ("-x a -x1 b -p c", &["a?", "b", "c"]),
            ("-c -- a -- b", &["a"]),
            ("a -- b", &["a"]),
        ] {
            let line = line(text);
            let words = line.before_latest_end().words();
            let words = words.map(|word| format!("{}{}", word.text, if word.may_be_value { "?" } else { "" }));
            assert_eq!(words.collect::<Vec<_>>(), expected, "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_arguments_are_survived(arguments in proptest::collection::vec("[-=a-c\u{e9}]{0,4}|\\PC{0,6}", 0..12)) {
            for row in PROVIDERS {
                let line = CommandLine::parse(&row.arguments.grammar, arguments.clone());
                prop_assert_eq!(line.arguments(), &arguments[..]);
                for reading in [line.before_end(), line.before_latest_end(), line.whole()] {
                    let mut given = reading.options(&["-a", "--a", "-\u{e9}"]);
                    prop_assert!(given.all(|given| given.end <= arguments.len()));
                    prop_assert!(reading.words().count() + reading.whole_options().count() <= arguments.len());
                }
            }
        }
    }
}
