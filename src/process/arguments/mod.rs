//! Builds the arguments of a launch: first those that keep the workspace from configuring the CLI, then the caller's.

mod inline;
mod modes;
mod secrets;

use std::path::Path;

use crate::environment::{Delivery, EnvPlan};
use crate::error::{Error, ErrorCode, Result};
use crate::provider::{
    CommandLine, ConfigOverride, EnforcedArgument, FeatureOption, OverrideFacts, Provider, RefusedOption, When,
};
pub use modes::check as check_mode;
pub use secrets::TextSource;

/// What decides the arguments beside the plan.
#[derive(Debug)]
pub struct ArgumentContext<'a> {
    /// How the credential is passed.
    pub delivery: Delivery,
    /// The broker's address, once the launch has one.
    pub endpoint: Option<&'a str>,
    /// Whether the workspace's files may configure the CLI.
    pub trusted: bool,
    /// The directories whose files must not: the workspace's and the working directory, by every name they go by.
    pub directories: &'a [String],
}

/// The whole argument list, without the program's name.
///
/// Codex obeys only the overrides of its deepest command level that has any (`codex -c A exec -c B` drops A), and
/// within a level the last of a key. So ours follow the caller's last; where there is none, they are at the end, and
/// before a `--`.
///
/// # Errors
/// `ERR_INVALID_ARG_VALUE` for a NUL, definitions that hold secrets, or an option that contradicts or undoes one of ours.
pub fn build(plan: &EnvPlan, line: &CommandLine, context: &ArgumentContext<'_>) -> Result<Vec<String>> {
    let enforced = check_all(plan, line, context)?;
    let rules = &plan.provider.arguments;
    let mut ours = Vec::new();
    for (key, value) in overrides(plan, line, context) {
        ours.extend([rules.override_options[0].to_owned(), format!("{key}={value}")]);
    }
    let before_end = line.before_end();
    let last = before_end.options(rules.override_options).map(|option| option.end).max();
    let place = last.max(last_feature(plan.provider, line)).unwrap_or(before_end.arguments().len());
    let mut all =
        Vec::with_capacity(line.arguments().len() + ours.len() + enforced.first.len() + enforced.second.len());
    all.extend(enforced.first.into_iter().map(str::to_owned));
    let (before, behind) = line.arguments().split_at(place);
    let (subcommand, before) = before.split_at(before.len().min(1));
    all.extend_from_slice(subcommand);
    all.extend(enforced.second.into_iter().map(str::to_owned));
    all.extend_from_slice(before);
    all.extend(ours);
    all.extend_from_slice(behind);
    Ok(all)
}

/// The refusals of [`build`], which need no look at the file system. Secrets are [`check_visible`]'s.
///
/// # Errors
/// As [`build`].
pub fn check_all(plan: &EnvPlan, line: &CommandLine, context: &ArgumentContext<'_>) -> Result<Enforced> {
    if let Some(index) = line.arguments().iter().position(|argument| argument.contains('\0')) {
        let name = format!("args[{index}]");
        let message = format!(
            "options.{name} contains a NUL byte, which an argument cannot hold. Pass text without \
            it."
        );
        return Err(Error::new(ErrorCode::InvalidArgValue, message).name(name));
    }
    let enforced = enforced(plan, line, context)?;
    let ours = override_rows(plan, line, context);
    if !ours.is_empty() {
        let hidden = hidden_variables(plan, context);
        let facts = facts(plan, context, &hidden);
        for row in ours {
            refuse_contrary(plan, row, || (row.value)(&facts), line)?;
        }
    }
    for row in plan.provider.arguments.refused_options.iter().filter(|row| applies(row.when, plan, context)) {
        refuse_option(plan, row, line)?;
    }
    inline::check(plan.provider, line)?;
    Ok(enforced)
}

/// Refuses texts that every user of the machine can read and that hold a secret of the launch: those given, and what the
/// plan has that our own overrides say.
///
/// # Errors
/// `ERR_INVALID_ARG_VALUE`
pub fn check_visible<'a>(plan: &'a EnvPlan, texts: impl Iterator<Item = (TextSource, &'a str)>) -> Result<()> {
    let of_plan =
        [(TextSource::Option("baseUrl"), &plan.base_url), (TextSource::Option("workspace.dir"), &plan.workspace_dir)];
    let of_plan = of_plan.into_iter().filter_map(|(place, text)| Some((place, text.as_deref()?)));
    // Where no override says them, they are in no argument.
    let of_plan = of_plan.filter(|_| !plan.provider.arguments.overrides.is_empty());
    secrets::check(plan, texts.chain(of_plan))
}

/// The directories that the caller's arguments make the CLI work in.
pub fn directories_in<'a>(plan: &EnvPlan, line: &'a CommandLine) -> impl Iterator<Item = &'a str> + use<'a> {
    line.before_end().options(plan.provider.arguments.directory_options).map(|option| option.value)
}

/// These directories, and the nearest root of a project that each of them is in.
#[must_use]
pub fn with_project_roots(provider: &Provider, mut directories: Vec<String>) -> Vec<String> {
    let is_root = |path: &&Path| {
        provider.arguments.project_markers.iter().any(|marker| std::fs::symlink_metadata(path.join(marker)).is_ok())
    };
    let root =
        |directory: &String| Some(Path::new(directory).ancestors().find(is_root)?.to_string_lossy().into_owned());
    for root in directories.iter().filter_map(root).collect::<Vec<_>>() {
        if !directories.contains(&root) {
            directories.push(root);
        }
    }
    directories
}

/// The configuration overrides of a start with the caller's arguments, as key and value: also for an SDK that takes them
/// apart from arguments.
#[must_use]
pub fn overrides(plan: &EnvPlan, line: &CommandLine, context: &ArgumentContext<'_>) -> Vec<(&'static str, String)> {
    let rows = override_rows(plan, line, context);
    if rows.is_empty() {
        return Vec::new();
    }
    let hidden = hidden_variables(plan, context);
    let facts = facts(plan, context, &hidden);
    rows.into_iter().filter_map(|row| Some((row.key, (row.value)(&facts)?))).collect()
}

/// Those of the modes that the arguments ask for, and the row's own where none of these has the same key. What only says that
/// the workspace is trusted gives way to the caller's own, and what leads to the broker to a choice that leads there too.
fn override_rows(plan: &EnvPlan, line: &CommandLine, context: &ArgumentContext<'_>) -> Vec<&'static ConfigOverride> {
    let mut rows: Vec<&ConfigOverride> = modes::overrides(plan, line).collect();
    let of_modes = rows.len();
    for (when, row) in plan.provider.arguments.overrides.iter().filter(|(when, _)| applies(*when, plan, context)) {
        let is_callers = match when {
            When::Trusted => are_undone(plan, row.key, None, line),
            When::Broker => modes::is_defined_choice(plan.provider, line, row.key, &rows[..of_modes]),
            _ => false,
        };
        if !is_callers && rows[..of_modes].iter().all(|of_mode| of_mode.key != row.key) {
            rows.push(row);
        }
    }
    rows.rotate_left(of_modes);
    rows
}

/// The variables that keep files from configuring the CLI, or its own child processes from running what files name.
pub fn guards<'a>(
    plan: &'a EnvPlan,
    context: &'a ArgumentContext<'_>,
) -> impl Iterator<Item = (&'static str, &'static str)> + 'a {
    let rows = plan.provider.guard_variables.iter().filter(|row| applies(row.when, plan, context));
    let mut seen: Vec<&str> = Vec::new();
    rows.filter_map(move |row| {
        let is_new = !seen.contains(&row.name);
        seen.push(row.name);
        is_new.then_some((row.name, row.value))
    })
}

fn applies(when: When, plan: &EnvPlan, context: &ArgumentContext<'_>) -> bool {
    match when {
        When::Untrusted => !context.trusted,
        When::Trusted => context.trusted,
        When::CredentialInEnvironment => !plan.names.credential_variables(context.delivery).is_empty(),
        When::BaseUrl => {
            plan.base_url.is_some() || plan.has_server_credential() || context.delivery == Delivery::Broker
        }
        When::ServerCredential => plan.has_server_credential() && context.delivery != Delivery::Broker,
        When::Broker => context.delivery == Delivery::Broker,
    }
}

fn hidden_variables(plan: &EnvPlan, context: &ArgumentContext<'_>) -> Vec<&'static str> {
    let credential = plan.names.credential_variables(context.delivery).iter().copied();
    credential.chain(guards(plan, context).map(|(name, _)| name)).collect()
}

fn facts<'a>(plan: &'a EnvPlan, context: &'a ArgumentContext<'_>, hidden: &'a [&'static str]) -> OverrideFacts<'a> {
    let api = plan.provider.vendor().api;
    OverrideFacts {
        base_url: context.endpoint.or(plan.base_url.as_deref()).unwrap_or(api.base_url),
        vendor: api.vendor,
        credential_variables: plan.names.credential_variables(context.delivery),
        hidden_variables: hidden,
        directories: context.directories,
    }
}

/// The arguments that a start adds, by their place.
#[derive(Debug, Default)]
pub struct Enforced {
    /// Before all others, always: the CLI obeys the last of a name, so the caller's own takes their place, and what only
    /// looks like the caller's own, such as the value of another option, takes nothing away.
    first: Vec<&'static str>,
    /// Right after the caller's first, which is the subcommand.
    second: Vec<&'static str>,
}

fn enforced(plan: &EnvPlan, line: &CommandLine, context: &ArgumentContext<'_>) -> Result<Enforced> {
    let mut enforced = Enforced::default();
    for row in plan.provider.arguments.enforced.iter().filter(|row| applies(row.when, plan, context)) {
        let mut given = line.whole().options(std::slice::from_ref(&row.name));
        if given.any(|option| option.value.split(',').any(|value| row.contrary.contains(&value.trim()))) {
            return Err(contradicts(plan, row));
        }
        if row.subcommands.is_empty() {
            enforced.first.push(row.text);
        } else if is_missing_in_subcommand(plan, row, line.before_end().arguments())? {
            enforced.second.push(row.text);
        }
    }
    Ok(enforced)
}

/// Only right after the subcommand it cannot be the value of another option.
fn is_missing_in_subcommand(plan: &EnvPlan, row: &EnforcedArgument, before_end: &[String]) -> Result<bool> {
    let refuse = |what: String| {
        let message =
            format!("{what}. {} would use the server's key, which requires that argument.", plan.provider.name);
        Err(Error::new(ErrorCode::InvalidArgValue, message).provider(plan.provider.id).name("args[0]"))
    };
    if !before_end.first().is_some_and(|word| row.subcommands.contains(&&**word)) {
        let subcommands = row.subcommands.join(" or ");
        return refuse(format!(
            "options.args must begin with {subcommands}, because nothing else accepts {}",
            row.text
        ));
    }
    let is_there = before_end.get(1).is_some_and(|argument| argument == row.text);
    if before_end.iter().filter(|argument| *argument == row.text).count() > usize::from(is_there) {
        return refuse(format!("options.args must not contain {}, because this package adds it", row.text));
    }
    Ok(!is_there)
}

fn contradicts(plan: &EnvPlan, row: &EnforcedArgument) -> Error {
    let made_of = row.sdk_option.map(|option| format!(" (the SDK's {option})")).unwrap_or_default();
    let message = format!(
        "options.args contains {} with {}{made_of}, but the workspace is untrusted. Omit it, or pass workspaceTrust: \
        \"trusted\".",
        row.name,
        row.contrary.join(" or "),
    );
    Error::new(ErrorCode::InvalidArgValue, message).provider(plan.provider.id).name(row.name)
}

/// The last override of a key wins in the CLI, so the caller's would be lost, or undo ours.
fn refuse_contrary(
    plan: &EnvPlan,
    row: &ConfigOverride,
    value: impl Fn() -> Option<String>,
    line: &CommandLine,
) -> Result<()> {
    if !are_undone(plan, row.key, Some(&value), line) {
        return Ok(());
    }
    let instead = if row.instead.is_empty() { String::new() } else { format!("; {}", row.instead) };
    let message = format!(
        "options.args overrides {}, which this package sets for {} to protect the key and the workspace. Omit \
        it{instead}.",
        row.key, plan.provider.name
    );
    Err(Error::new(ErrorCode::InvalidArgValue, message).provider(plan.provider.id).name(row.key))
}

/// Whether the caller overrides the same key, or a table above or below it. Saying the same does not count, where it is known
/// what that is; a feature's option beats an override wherever it is (measured).
fn are_undone(plan: &EnvPlan, ours: &str, value: Option<&dyn Fn() -> Option<String>>, line: &CommandLine) -> bool {
    let rules = &plan.provider.arguments;
    let is_same = |given: &str| value.is_some_and(|value| value().as_deref() == Some(given.trim()));
    let undoes = |key: &str, given: &str| {
        let key: String = key.chars().filter(|character| !matches!(character, '"' | '\'' | ' ')).collect();
        (ours == key && !is_same(given)) || is_below(ours, &key) || is_below(&key, ours)
    };
    let overrides = line.before_end().options(rules.override_options);
    let mut overrides = overrides.map(|option| option.value.split_once('=').unwrap_or((option.value, "")));
    let feature = |option: &FeatureOption| {
        let mut given = line.before_end().options(std::slice::from_ref(&option.name));
        given.any(|given| undoes(&format!("{}{}", option.prefix, given.value.trim()), option.value))
    };
    overrides.any(|(key, given)| undoes(key.trim(), given)) || rules.feature_options.iter().any(feature)
}

/// The end of the caller's last option that is short for an override.
fn last_feature(provider: &Provider, line: &CommandLine) -> Option<usize> {
    let options = provider.arguments.feature_options.iter();
    options.flat_map(|row| line.before_end().options(std::slice::from_ref(&row.name))).map(|option| option.end).max()
}

fn refuse_option(plan: &EnvPlan, row: &RefusedOption, line: &CommandLine) -> Result<()> {
    if line.before_latest_end().options(std::slice::from_ref(&row.name)).next().is_none() {
        return Ok(());
    }
    let message = format!("options.args contains {}, which {}. {}", row.name, row.does, row.instead);
    Err(Error::new(ErrorCode::InvalidArgValue, message).provider(plan.provider.id).name(row.name))
}

fn is_below(key: &str, table: &str) -> bool {
    key.strip_prefix(table).is_some_and(|rest| rest.starts_with('.'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::credential::Fallbacks;
    use crate::credential::payload::Payload;
    use crate::environment::{EnvRequest, ExecLimits};

    const KEY: &str = "made-up-key";
    const TRUSTED: bool = true;
    const UNTRUSTED: bool = false;

    fn plan(provider: &str, base_url: Option<&str>) -> EnvPlan {
        let json = format!(r#"{{"provider":"{provider}","apiKey":"{KEY}"}}"#);
        let request = EnvRequest { base: vec![("HOME", "/home/w")], base_url, ..EnvRequest::default() };
        let payload = Payload::from_message(json.as_bytes(), &[]).expect("valid");
        EnvPlan::new(payload, request, Fallbacks::default(), ExecLimits::for_stack(None)).expect("a plan")
    }

    fn args(plan: &EnvPlan, trusted: bool, caller: &[&str]) -> Result<Vec<String>> {
        let directories = ["/srv/a\"b".to_owned()];
        let delivery = plan.names.direct_delivery();
        let context = ArgumentContext { delivery, endpoint: None, trusted, directories: &directories };
        let caller = caller.iter().map(|text| (*text).into()).collect();
        build(plan, &CommandLine::parse(&plan.provider.arguments.grammar, caller), &context)
    }

    #[test]
    fn claude() {
        let plan = plan("claude", Some("https://example.com"));
        let run = |trusted, caller: &[&str]| args(&plan, trusted, caller).expect("fine").join(" ");
        assert_eq!(run(UNTRUSTED, &["-p", "hi"]), "--setting-sources= -p hi");
        assert_eq!(run(TRUSTED, &["-p", "hi"]), "-p hi");
        assert_eq!(run(UNTRUSTED, &["--setting-sources=user"]), "--setting-sources= --setting-sources=user");
        assert_eq!(
            run(UNTRUSTED, &["--append-system-prompt", "--setting-sources=user"]),
            "--setting-sources= --append-system-prompt --setting-sources=user"
        );
        assert_eq!(run(TRUSTED, &["--setting-sources=project"]), "--setting-sources=project");
        for contrary in [
            &["--setting-sources=project"][..],
            &["--setting-sources=user,local"],
            &["--setting-sources", "project"],
            &["--append-system-prompt", "--", "--setting-sources=project"],
            &["--setting-sources", "--", "--setting-sources=local"],
        ] {
            let error = args(&plan, UNTRUSTED, contrary).expect_err("contradicts");
            assert_eq!(error.code(), ErrorCode::InvalidArgValue);
        }
    }

    #[test]
    fn codex() {
        let plan = plan("codex", Some("http://127.0.0.1:1/v1"));
        let untrusted = args(&plan, UNTRUSTED, &["exec"]).expect("fine");
        assert_eq!(
            untrusted,
            [
                "exec",
                "-c",
                r#"shell_environment_policy.exclude=["CODEX_API_KEY","OPENAI_API_KEY","GIT_DIR"]"#,
                "-c",
                "features.shell_snapshot=false",
                "-c",
                r#"projects={"/srv/a\"b"={trust_level="untrusted"}}"#,
                "-c",
                r#"openai_base_url="http://127.0.0.1:1/v1""#,
            ]
        );
        let trusted = args(&plan, TRUSTED, &["exec"]).expect("fine");
        assert!(trusted.contains(&r#"projects={"/srv/a\"b"={trust_level="trusted"}}"#.to_owned()), "{trusted:?}");
        for own in ["projects={}", "projects.\"/x\".trust_level=\"untrusted\""] {
            let given = args(&plan, TRUSTED, &["exec", "-c", own]).expect("fine");
            assert_eq!(given.iter().filter(|text| text.contains("projects")).count(), 1, "the caller's own: {given:?}");
        }
    }

    #[test]
    fn ours_follow_the_callers_last_and_precede_the_prompt() {
        let plan = plan("codex", None);
        let exclude = r#"shell_environment_policy.exclude=["CODEX_API_KEY","OPENAI_API_KEY"]"#;
        let projects = r#"projects={"/srv/a\"b"={trust_level="trusted"}}"#;
        for (caller, before) in [
            (&["exec", "-c", "a=1", "review", "x"][..], &["exec", "-c", "a=1"][..]),
            (&["exec", "--config=a=1", "--json"], &["exec", "--config=a=1"]),
            (&["exec", "--disable", "apps", "hi"], &["exec", "--disable", "apps"]),
            (&["exec", "--", "-c", "x=1"], &["exec"]),
            (&["exec", "hi"], &["exec", "hi"]),
        ] {
            let built = args(&plan, TRUSTED, caller).expect("fine");
            let ours = ["-c", exclude, "-c", "features.shell_snapshot=false", "-c", projects];
            let expected = [before, &ours, &caller[before.len()..]].concat();
            assert_eq!(built, expected, "{caller:?}");
        }
    }

    #[test]
    fn a_resumed_thread_finds_the_model_provider_that_it_began_with() {
        let provider = r#"model_providers.provider-env={name="OpenAI","#;
        for (caller, expected) in
            [(&["exec", "resume", "ID"][..], 1), (&["e", "resume", "--last"], 1), (&["exec", "hi"], 0)]
        {
            let built = args(&plan("codex", None), UNTRUSTED, caller).expect("fine");
            assert_eq!(built.iter().filter(|text| text.starts_with(provider)).count(), expected, "{built:?}");
        }
    }

    #[test]
    fn overrides_that_would_undo_ours_are_refused() {
        let plan = plan("codex", None);
        for caller in [
            &["exec", "-c", "shell_environment_policy.exclude=[]"][..],
            &["exec", "-cshell_environment_policy.exclude=[]"],
            &["exec", "-c=shell_environment_policy={}"],
            &["exec", "--config", "shell_environment_policy={inherit=\"all\"}"],
            &["exec", "--config=shell_environment_policy . exclude=[]"],
            &["exec", "--config=\"shell_environment_policy\".exclude=[]"],
            &["exec", "-c", "projects.\"/x\".trust_level=\"trusted\""],
            &["exec", "--enable", "shell_snapshot"],
            &["--enable=shell_snapshot", "exec"],
            &["exec", "-c", "features.shell_snapshot=true"],
            &["exec", "-c", "features={shell_snapshot=true}"],
            &["exec", "--trust"],
            &["exec", "review", "--base", "main"],
            &["review", "--base=main"],
            &["--remote", "unix:///x"],
        ] {
            let error = args(&plan, UNTRUSTED, caller).expect_err("refused");
            assert_eq!(error.code(), ErrorCode::InvalidArgValue, "{caller:?}");
        }
        for caller in [
            &["exec", "-c", "shell_environment_policy.inherit=\"core\""][..],
            &["exec", "-c", "model=\"projects\""],
            &["exec", "--color", "never"],
            &["exec", "--disable", "shell_snapshot", "-c", "features.shell_snapshot = false"],
            &["exec", "--enable", "shell_snapshot_v2"],
            &["exec", "--", "--trust"],
        ] {
            assert!(args(&plan, UNTRUSTED, caller).is_ok(), "{caller:?}");
        }
    }

    #[test]
    fn a_secret_or_a_nul_in_an_argument_is_refused() {
        let plan = plan("claude", None);
        let text = format!("--header=x-api-key: {KEY}");
        let secret = check_visible(&plan, [(TextSource::Argument(0), text.as_str())].into_iter()).expect_err("refused");
        for error in [secret, args(&plan, UNTRUSTED, &["a\0b"]).expect_err("refused")] {
            assert_eq!(error.code(), ErrorCode::InvalidArgValue);
            assert!(!format!("{error:?}").contains(KEY));
        }
    }
}
