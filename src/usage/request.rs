//! What is known about a run before its first output: from its environment and its arguments.

use std::path::PathBuf;
use std::time::SystemTime;

use super::resumed::{Resumed, is_uncounted};
use super::subagents::{SubagentSearch, Subagents};
use super::threads::{Owner, ThreadTotals};
use super::used::{Gap, Gaps};
use crate::error::{Error, ErrorCode, Result};
use crate::provider::{CommandLine, CredentialKind, Output, Provider, Reading, SessionFiles};
use crate::secret::Fingerprint;

/// Says whether the CLI will write JSON.
#[must_use]
pub fn asks_for_output(output: &Output, line: &CommandLine) -> bool {
    let before_end = line.before_end();
    output.requests.iter().any(|request| match request.values {
        [] => before_end.whole_options().any(|option| option == request.option),
        values => before_end.options(&[request.option]).any(|given| values.contains(&given.value)),
    })
}

/// What is known of a run before it says anything.
#[derive(Debug, Default)]
pub struct Expected {
    /// The credential that it was given.
    pub credential: Option<CredentialKind>,
    /// The model, where the arguments name one.
    pub model: Option<String>,
    /// Whether it goes on with an earlier thread.
    pub resumed: Resumed,
    /// What that thread had used.
    pub thread: Option<ThreadTotals>,
    /// Whose threads it may go on with; none for those of this run alone.
    pub owner: Option<Owner>,
    /// What its reports will leave out, according to its arguments.
    pub gaps: Gaps,
    /// Whether they may leave out other threads.
    pub subagents: Subagents,
    /// Its `TZ`, empty where that is not set; none where nobody knows.
    pub time_zone: Option<String>,
    /// Whether its base URL ends in what the CLI adds to it once more.
    pub is_path_doubled: bool,
}

/// The environment of a run, as far as its usage depends on it.
#[derive(Debug)]
pub struct RunEnvironment<'a> {
    pub provider: &'static Provider,
    pub credential: CredentialKind,
    /// Whether the credential is the server's own, which may be lent to anyone.
    pub is_servers: bool,
    /// Where the login lies, for a credential that is read from a directory.
    pub login_directory: Option<&'a str>,
    pub fingerprint: Option<Fingerprint>,
    /// Empty where the workspace has no id.
    pub workspace_id: &'a str,
    pub state_directory: PathBuf,
    /// The value of `TZ`, empty if it is not set.
    pub time_zone: &'a str,
    /// Empty where the CLI has its own.
    pub base_url: &'a str,
}

impl RunEnvironment<'_> {
    /// Returns what is known about a run with these arguments. Its threads are `otherwise`'s if nothing says whose
    /// it is.
    #[must_use]
    pub fn expected(self, line: &CommandLine, otherwise: &Owner) -> Expected {
        let output = self.provider.output;
        let before_end = line.before_end();
        Expected {
            credential: Some(self.credential),
            model: before_end.options(output.model_options).last().map(|given| given.value.to_owned()),
            resumed: Resumed::of(&output.report_arguments, before_end),
            thread: None,
            owner: Some(self.owner().unwrap_or_else(|| otherwise.clone())),
            gaps: uncounted(self.provider, before_end),
            time_zone: Some(self.time_zone.to_owned()),
            is_path_doubled: self.is_path_doubled(),
            subagents: self.subagents(before_end),
        }
    }

    fn owner(&self) -> Option<Owner> {
        if !self.workspace_id.is_empty() {
            return Some(Owner::Workspace(self.workspace_id.into()));
        }
        // The server's credential does not distinguish tenants.
        if self.is_servers {
            return None;
        }
        // A login's token is another one after each refresh; its directory stays.
        let directory = self.login_directory.map(|directory| Owner::Directory(directory.into()));
        directory.or(self.fingerprint.map(Owner::Credential))
    }

    /// Says whether the base URL ends in what the CLI adds to it: `https://example.com/v1` becomes `…/v1/v1/messages`.
    fn is_path_doubled(&self) -> bool {
        let url = self.base_url.trim_end_matches('/');
        self.provider.output.doubled_path.is_some_and(|path| url.ends_with(path))
    }

    /// Returns how to find out whether other threads work for the run.
    fn subagents(self, before_end: Reading<'_>) -> Subagents {
        let Some(files) = self.provider.output.session_files else { return Subagents::Counted };
        let is_off = is_off(self.provider, files, before_end);
        Subagents::Sought(SubagentSearch {
            files,
            state_directory: self.state_directory,
            since: SystemTime::now(),
            is_off,
        })
    }
}

/// Returns what the reports of a run with these arguments leave out.
fn uncounted(provider: &Provider, before_end: Reading<'_>) -> Gaps {
    let rules = &provider.output.report_arguments;
    // Wherever it is in an override, as it may be in a table of a profile's. In a prompt it is a word.
    let overrides: Vec<_> = before_end.options(provider.arguments.override_options).collect();
    let is_set = |setting: &str| {
        let flag = |option: &str| option.split('=').next() == Some(setting);
        before_end.whole_options().any(flag) || overrides.iter().any(|given| given.value.contains(setting))
    };
    let sets = |settings: &[&str]| settings.iter().any(|setting| is_set(setting));
    let review = is_uncounted(rules, before_end) || sets(rules.review_settings);
    let compaction = sets(rules.compaction_settings);
    [(review, Gap::Review), (compaction, Gap::Compaction)]
        .into_iter()
        .filter(|(is, _)| *is)
        .map(|(_, gap)| gap)
        .collect()
}

/// Says whether the last override is the one with which there are none: of others, a later one may undo it, or, at a
/// deeper command level, make the CLI forget it.
fn is_off(provider: &Provider, files: &SessionFiles, before_end: Reading<'_>) -> bool {
    let features: Vec<&str> = provider.arguments.feature_options.iter().map(|option| option.name).collect();
    let last_feature = before_end.options(&features).map(|option| option.end).max();
    let last = before_end.options(provider.arguments.override_options).max_by_key(|option| option.end);
    last.is_some_and(|option| option.value.split_once('=') == Some(files.off) && Some(option.end) > last_feature)
}

/// Refuses a run whose claim of its credential would not be seen.
///
/// # Errors
/// `UNSUPPORTED` where the CLI claims nothing; `ERR_INVALID_ARG_VALUE` where its output is not read.
pub fn require_claims(provider: &Provider, watches: bool) -> Result<()> {
    let refuse =
        |code, message: String| Err(Error::new(code, message).provider(provider.id).name("onCredentialMismatch"));
    if provider.output.claims.is_empty() {
        let message =
            format!("{} does not report which credential it uses. Omit options.onCredentialMismatch.", provider.name);
        return refuse(ErrorCode::Unsupported, message);
    }
    if !watches {
        let message = "options.onCredentialMismatch requires the CLI's JSON on stdout, as a 'pipe'. Request it in options.args (--output-format stream-json).";
        return refuse(ErrorCode::InvalidArgValue, message.into());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::provider;

    #[test]
    fn what_arguments_set_is_uncounted_and_what_a_prompt_says_is_not() {
        let provider = provider::find("codex").expect("a row");
        for (arguments, expected) in [
            (&["exec", "what is model_context_window?"][..], &[][..]),
            (&["exec", "--json", "explain approvals_reviewer and --approve-for-me"], &[]),
            (&["exec", "-c", "model=\"x\"", "model_auto_compact_token_limit"], &[]),
            (&["exec", "-c", "model_auto_compact_token_limit=1000"], &[Gap::Compaction]),
            (&["exec", "--config=profiles.x={model_context_window=9}"], &[Gap::Compaction]),
            (&["exec", "-capprovals_reviewer=\"auto\""], &[Gap::Review]),
            (&["exec", "--approve-for-me"], &[Gap::Review]),
            (&["exec", "--approve-for-me=true"], &[Gap::Review]),
        ] {
            let line = arguments.iter().map(|text| (*text).to_owned()).collect();
            let line = CommandLine::parse(&provider.arguments.grammar, line);
            let gaps: Vec<Gap> = uncounted(provider, line.before_end()).iter().collect();
            assert_eq!(gaps, expected, "{arguments:?}");
        }
    }

    #[test]
    fn subagents_are_off_where_nothing_can_undo_that() {
        let provider = provider::find("codex").expect("a row");
        let files = provider.output.session_files.expect("it has some");
        for (text, off) in [
            ("exec -c agents.enabled=false --json hi", true),
            ("exec --json -cagents.enabled=false resume 0199", true),
            ("exec --disable apps -c a=1 --config=agents.enabled=false", true),
            ("exec -c agents.enabled=false -c agents.enabled=true", false),
            // Codex forgets what is above it.
            ("-c agents.enabled=false exec -c a=1", false),
            ("-c agents.enabled=false exec --disable apps", false),
            ("exec -c agents.enabled=true", false),
            ("exec --disable multi_agent", false),
            ("exec", false),
        ] {
            let arguments = text.split_whitespace().map(str::to_owned).collect();
            let line = CommandLine::parse(&provider.arguments.grammar, arguments);
            assert_eq!(is_off(provider, files, line.before_end()), off, "{text}");
        }
    }
}
