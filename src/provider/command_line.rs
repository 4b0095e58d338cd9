//! Finds options and words among arguments, in every form in which a CLI takes one.

use super::output::CommandLine;

/// An option as given.
#[derive(Debug, PartialEq, Eq)]
pub struct Given<'a> {
    /// Its value; empty when it is missing.
    pub value: &'a str,
    /// The index of the argument after it.
    pub end: usize,
}

/// Every `--name value`, `--name=value`, `-n value`, `-nvalue` and `-n=value` of these names before a `--`.
pub fn options<'a>(arguments: &'a [String], names: &[&str]) -> impl Iterator<Item = Given<'a>> + use<'a> {
    options_anywhere(&arguments[..end_of_options(arguments)], names)
}

/// The same also after a `--`: for refusals, as a CLI may take `--` as the value of an option before it.
pub fn options_anywhere<'a>(before_end: &'a [String], names: &[&str]) -> impl Iterator<Item = Given<'a>> + use<'a> {
    let given = (0..before_end.len()).filter_map(|index| {
        names.iter().find_map(|name| {
            let rest = before_end[index].strip_prefix(name)?;
            if rest.is_empty() {
                let value = before_end.get(index + 1).map_or("", String::as_str);
                return Some(Given { value, end: (index + 2).min(before_end.len()) });
            }
            let is_short = !name.starts_with("--");
            let value = rest.strip_prefix('=').or_else(|| is_short.then_some(rest))?;
            Some(Given { value, end: index + 1 })
        })
    });
    given.collect::<Vec<_>>().into_iter()
}

/// A word that no option takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Word<'a> {
    /// It.
    pub text: &'a str,
    /// Whether it may be the value of an option that nobody here knows.
    pub may_be_value: bool,
}

/// The words among the arguments before a `--`: subcommands, prompts. A hyphen alone is one: stdin.
pub fn words<'a>(line: &CommandLine, before_end: &'a [String]) -> impl Iterator<Item = Word<'a>> {
    let mut rest = before_end.iter().map(String::as_str).peekable();
    let mut may_be_value = false;
    std::iter::from_fn(move || {
        loop {
            let text = rest.next()?;
            if !is_option(text) {
                return Some(Word { text, may_be_value: std::mem::take(&mut may_be_value) });
            }
            may_be_value = !skip_values(line, text, &mut rest);
        }
    })
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
    ends_with_itself(line, option)
}

/// A flag, `--name=value`, `-n=value` and `-nvalue`.
fn ends_with_itself(line: &CommandLine, option: &str) -> bool {
    line.flags.contains(&option) || option.contains('=') || (!option.starts_with("--") && option.len() > 2)
}

/// A hyphen alone is a value: stdin.
pub fn is_option(argument: &str) -> bool {
    argument.len() > 1 && argument.starts_with('-')
}

/// Where `--` stands, or the end.
pub fn end_of_options(arguments: &[String]) -> usize {
    arguments.iter().position(|argument| argument == "--").unwrap_or(arguments.len())
}

/// Where the options end at the latest, for refusals: Claude Code 2.1.330 takes a `--` for the value of an option before it, and
/// what stands behind that is no prompt.
pub fn latest_end_of_options(line: &CommandLine, arguments: &[String]) -> usize {
    let may_take_it = |option: &str| is_option(option) && option != "--" && !ends_with_itself(line, option);
    let ends = |index: &usize| arguments[*index] == "--" && (*index == 0 || !may_take_it(&arguments[*index - 1]));
    (0..arguments.len()).find(ends).unwrap_or(arguments.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form() {
        let arguments = ["-c", "a=1", "-cb=2", "-c=c=3", "--config", "d=4", "--config=e=5", "--configure", "--", "-c"];
        let arguments = arguments.map(str::to_owned);
        let values: Vec<_> = options(&arguments, &["-c", "--config"]).map(|given| (given.value, given.end)).collect();
        assert_eq!(values, [("a=1", 2), ("b=2", 3), ("c=3", 4), ("d=4", 6), ("e=5", 7)]);
    }
}
