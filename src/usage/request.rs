//! What the arguments of a run tell of its output: whether it is JSON, which model, whether it resumes a thread.

use std::time::SystemTime;

use super::expected::Expected;
use super::gap::{Gap, Gaps};
use super::resumed::{Resumed, is_uncounted};
use super::subagents::{Search, Subagents};
use super::threads::Owner;
use crate::environment::{EnvPlan, WORKSPACE_ID};
use crate::error::{Error, ErrorCode, Result};
use crate::provider::{BaseUrl, CommandLine, Output, Provider, Reading, SessionFiles};

/// Whether the CLI will write JSON.
#[must_use]
pub fn asks_for_output(output: &Output, line: &CommandLine) -> bool {
    let before_end = line.before_end();
    output.requests.iter().any(|request| match request.values {
        [] => before_end.whole_options().any(|option| option == request.option),
        values => before_end.options(&[request.option]).any(|given| values.contains(&given.value)),
    })
}

/// What is known of a run with this environment and these arguments; `environment` owns its threads where nobody else can
/// be told from others.
#[must_use]
pub fn expected_of(plan: &EnvPlan, line: &CommandLine, environment: &Owner) -> Expected {
    let output = plan.provider.output;
    let before_end = line.before_end();
    Expected {
        credential: Some(plan.credential.kind),
        model: before_end.options(output.model_options).last().map(|given| given.value.to_owned()),
        resumed: Resumed::of(&output.report_arguments, before_end),
        thread: None,
        owner: Some(owner_of(plan).unwrap_or_else(|| environment.clone())),
        gaps: uncounted(plan.provider, before_end),
        subagents: subagents_of(plan, before_end),
        time_zone: Some(plan.plain("TZ").unwrap_or_default().to_owned()),
        is_path_doubled: is_path_doubled(plan, output),
    }
}

/// What the reports of a run with these arguments leave out.
fn uncounted(provider: &Provider, before_end: Reading<'_>) -> Gaps {
    let rules = &provider.output.report_arguments;
    // Wherever it stands in an override, as it may be in a table of a profile's. In a prompt it is a word.
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

/// How to tell whether other threads work for a run.
fn subagents_of(plan: &EnvPlan, before_end: Reading<'_>) -> Subagents {
    let provider = plan.provider;
    let Some(files) = provider.output.session_files else { return Subagents::Counted };
    let state = &provider.state_directory;
    let state_directory = plan.directory(state.variable, state.below_home);
    let is_off = is_off(provider, files, before_end);
    Subagents::Sought(Search { files, state_directory, since: SystemTime::now(), is_off })
}

/// Whether the last override is the one with which there are none: of others, a later one may undo it, or, at a deeper command
/// level, make the CLI forget it.
fn is_off(provider: &Provider, files: &SessionFiles, before_end: Reading<'_>) -> bool {
    let features: Vec<&str> = provider.arguments.feature_options.iter().map(|option| option.name).collect();
    let last_feature = before_end.options(&features).map(|option| option.end).max();
    let last = before_end.options(provider.arguments.override_options).max_by_key(|option| option.end);
    last.is_some_and(|option| option.value.split_once('=') == Some(files.off) && Some(option.end) > last_feature)
}

/// Whether the base URL ends in what the CLI adds to it: `https://example.com/v1` becomes `…/v1/v1/messages`.
fn is_path_doubled(plan: &EnvPlan, output: &Output) -> bool {
    let BaseUrl::Variable(name) = plan.provider.vendor().base_url else { return false };
    let url = plan.plain(name).unwrap_or_default().trim_end_matches('/');
    output.doubled_path.is_some_and(|path| url.ends_with(path))
}

/// Whose threads a run goes on with. The server's credential may be lent to anyone: it tells nobody from others.
fn owner_of(plan: &EnvPlan) -> Option<Owner> {
    let named = plan.plain(WORKSPACE_ID).filter(|id| !id.is_empty());
    if let Some(id) = named {
        return Some(Owner::Workspace(id.into()));
    }
    let credential = Some(&plan.credential).filter(|credential| !credential.is_servers())?;
    // A login's token is another one after each refresh; its directory stays.
    let directory = credential.directory.as_deref().map(|directory| Owner::Directory(directory.into()));
    directory.or(credential.fingerprint.map(Owner::Credential))
}

/// Refuses a run whose claim of its credential would not be seen.
///
/// # Errors
/// `UNSUPPORTED` where the CLI claims nothing; `ERR_INVALID_ARG_VALUE` where its output is not read.
pub fn require_claims(provider: &Provider, watches: bool) -> Result<()> {
    let refuse =
        |code, message: String| Err(Error::new(code, message).provider(provider.id).name("onCredentialMismatch"));
    if provider.output.claims.is_empty() {
        let message = format!(
            "{} does not tell which credential it uses: leave options.onCredentialMismatch out.",
            provider.name
        );
        return refuse(ErrorCode::Unsupported, message);
    }
    if !watches {
        let message = "options.onCredentialMismatch needs the CLI's JSON on a 'pipe' as stdout: ask for it in options.args (--output-format stream-json).";
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
            // Codex forgets what stands above it.
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
