//! The arguments of a launch: what keeps the workspace from configuring the CLI first, then the caller's.

mod inline;
mod modes;

mod secrets;

use std::path::Path;

use super::options::WorkspaceTrust;
use crate::environment::{Delivery, EnvPlan};
use crate::error::{Error, ErrorCode, Result};
use crate::provider::command_line;
use crate::provider::{FeatureOption, FirmArgument, OverrideValue, Provider, RefusedOption, When};
pub use modes::check as check_mode;
pub use secrets::Place;

/// What decides the arguments beside the plan.
#[derive(Debug)]
pub struct ArgumentContext<'a> {
    /// How the credential is handed over.
    pub delivery: Delivery,
    /// Whether the workspace's files may configure the CLI.
    pub trust: WorkspaceTrust,
    /// The directories whose files must not: the workspace's and the working directory, by every name they go by.
    pub directories: &'a [String],
}

/// The whole argument list, without the program's name.
///
/// Codex obeys only the overrides of its deepest command level that has any (`codex -c A exec -c B` drops A), and
/// within a level the last of a key. So ours follow the caller's last; where there is none, they stand at the end, and
/// before a `--`.
///
/// # Errors
/// `ERR_INVALID_ARG_VALUE` for a NUL, definitions that hold secrets, or an option that contradicts or undoes one of ours.
pub fn build(plan: &EnvPlan, mut caller: Vec<String>, context: &ArgumentContext<'_>) -> Result<Vec<String>> {
    check_all(plan, &caller, context)?;
    let provider = plan.provider;
    let firm = firm(plan, &caller, context)?;
    let mut ours = Vec::new();
    for (key, value) in overrides(plan, &caller, context) {
        ours.extend([provider.override_options[0].to_owned(), format!("{key}={value}")]);
    }
    let features: Vec<&str> = provider.feature_options.iter().map(|option| option.name).collect();
    let levels =
        command_line::options(&caller, provider.override_options).chain(command_line::options(&caller, &features));
    let end = command_line::end_of_options(&caller);
    let place = levels.map(|option| option.end).max().unwrap_or(end);
    caller.splice(place..place, ours);
    if !firm.of_subcommand.is_empty() {
        caller.splice(1..1, firm.of_subcommand.into_iter().map(str::to_owned));
    }
    caller.splice(0..0, firm.first.into_iter().map(str::to_owned));
    Ok(caller)
}

/// Only the refusals of [`build`]: they need no look at the file system. Secrets are [`check_visible`]'s.
///
/// # Errors
/// As [`build`].
pub fn check_all(plan: &EnvPlan, caller: &[String], context: &ArgumentContext<'_>) -> Result<()> {
    if let Some(index) = caller.iter().position(|argument| argument.contains('\0')) {
        let name = format!("args[{index}]");
        let message = format!("options.{name} has a NUL byte, which no argument can hold.");
        return Err(Error::new(ErrorCode::InvalidArgValue, message).name(name));
    }
    firm(plan, caller, context)?;
    for (key, kind) in override_rows(plan, caller, context) {
        refuse_contrary(plan, (key, kind), || value(kind, plan, context), caller)?;
    }
    for row in plan.provider.refused_options.iter().filter(|row| applies(row.when, plan, context)) {
        refuse_option(plan, row, caller)?;
    }
    inline::check(plan.provider, caller)
}

/// Refuses texts that every user of the machine can read and that hold a secret of the launch: those given, and what the
/// plan has that our own overrides say.
///
/// # Errors
/// `ERR_INVALID_ARG_VALUE`
pub fn check_visible<'a>(plan: &'a EnvPlan, texts: impl Iterator<Item = (Place, &'a str)>) -> Result<()> {
    let of_plan = [(Place::Option("baseUrl"), &plan.base_url), (Place::Option("workspace.dir"), &plan.workspace_dir)];
    let of_plan = of_plan.into_iter().filter_map(|(place, text)| Some((place, text.as_deref()?)));
    // Where no override says them, they are in no argument.
    let of_plan = of_plan.filter(|_| !plan.provider.overrides.is_empty());
    secrets::check(plan, texts.chain(of_plan))
}

/// The directories that the caller's arguments make the CLI work in.
pub fn directories_in<'a>(plan: &EnvPlan, caller: &'a [String]) -> impl Iterator<Item = &'a str> {
    command_line::options(caller, plan.provider.directory_options).map(|option| option.value)
}

/// These directories, and the nearest root of a project that each of them is in.
#[must_use]
pub fn with_project_roots(provider: &Provider, mut directories: Vec<String>) -> Vec<String> {
    let is_root = |path: &&Path| {
        provider.project_markers.iter().any(|marker| std::fs::symlink_metadata(path.join(marker)).is_ok())
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

/// The configuration overrides of a start with the caller's arguments, as key and TOML value: also for an SDK that takes them
/// apart from arguments.
pub fn overrides<'a>(
    plan: &'a EnvPlan,
    caller: &[String],
    context: &'a ArgumentContext<'_>,
) -> impl Iterator<Item = (&'static str, String)> + 'a {
    let rows = override_rows(plan, caller, context).into_iter();
    rows.filter_map(|(key, kind)| Some((key, value(kind, plan, context)?)))
}

/// Those of the modes that the arguments ask for, and the row's own where none of these has the same key. What only says that
/// the workspace is trusted gives way to the caller's own.
fn override_rows(
    plan: &EnvPlan,
    caller: &[String],
    context: &ArgumentContext<'_>,
) -> Vec<(&'static str, OverrideValue)> {
    let of_modes: Vec<_> = modes::overrides(plan, caller).copied().collect();
    let rows = plan.provider.overrides.iter().filter(|row| applies(row.when, plan, context));
    let rows = rows.filter(|row| row.when != When::Trusted || !are_undone(plan, row.key, None, caller));
    let rows = rows.filter(|row| of_modes.iter().all(|(key, _)| *key != row.key)).map(|row| (row.key, row.value));
    rows.chain(of_modes.iter().copied()).collect()
}

/// The variables that keep the CLI's own child processes from running what files name.
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
        When::Untrusted => context.trust == WorkspaceTrust::Untrusted,
        When::Trusted => context.trust == WorkspaceTrust::Trusted,
        When::CredentialInEnvironment => context.delivery == Delivery::Env && plan.credential.slot.is_some(),
        When::BaseUrl => plan.base_url.is_some() || plan.has_server_credential(),
        When::ServerCredential => plan.has_server_credential(),
    }
}

/// None when there is nothing to say.
fn value(kind: OverrideValue, plan: &EnvPlan, context: &ArgumentContext<'_>) -> Option<String> {
    let base_url = || toml_string(plan.base_url.as_deref().unwrap_or(plan.provider.api.base_url));
    match kind {
        OverrideValue::HiddenNames => {
            let credential = plan.names.credential_variables(context.delivery).iter().copied();
            let names = credential.chain(guards(plan, context).map(|(name, _)| name)).map(toml_string);
            Some(format!("[{}]", names.collect::<Vec<_>>().join(",")))
        }
        OverrideValue::Off => Some("false".into()),
        OverrideValue::Projects(level) => {
            let projects = context.directories.iter();
            let projects = projects.map(|dir| format!("{}={{trust_level=\"{level}\"}}", toml_string(dir)));
            let projects: Vec<String> = projects.collect();
            (!projects.is_empty()).then(|| format!("{{{}}}", projects.join(",")))
        }
        OverrideValue::BaseUrl => Some(base_url()),
        OverrideValue::Text(text) => Some(toml_string(text)),
        OverrideValue::KeyedModelProvider => {
            let variable = plan.names.credential_variables(context.delivery).first()?;
            let (name, variable) = (toml_string(plan.provider.api.vendor), toml_string(variable));
            Some(format!("{{name={name},base_url={},env_key={variable},wire_api=\"responses\"}}", base_url()))
        }
    }
}

/// Firm arguments, by their places.
#[derive(Default)]
struct Firm {
    /// Before all others, always: the CLI obeys the last of a name, so the caller's own takes their place, and what only
    /// looks like the caller's own, such as the value of another option, takes nothing away.
    first: Vec<&'static str>,
    /// Right after the caller's first, which is the subcommand.
    of_subcommand: Vec<&'static str>,
}

fn firm(plan: &EnvPlan, caller: &[String], context: &ArgumentContext<'_>) -> Result<Firm> {
    let mut firm = Firm::default();
    for row in plan.provider.firm_arguments.iter().filter(|row| applies(row.when, plan, context)) {
        let mut given = command_line::options_anywhere(caller, std::slice::from_ref(&row.name));
        if given.any(|option| option.value.split(',').any(|value| row.contrary.contains(&value.trim()))) {
            return Err(contradicts(plan, row));
        }
        if row.subcommands.is_empty() {
            firm.first.push(row.text);
        } else if is_missing_in_subcommand(plan, row, caller)? {
            firm.of_subcommand.push(row.text);
        }
    }
    Ok(firm)
}

/// Only right after the subcommand it cannot be the value of another option.
fn is_missing_in_subcommand(plan: &EnvPlan, row: &FirmArgument, caller: &[String]) -> Result<bool> {
    let before_end = &caller[..command_line::end_of_options(caller)];
    let refuse = |what: String| {
        let message = format!("{what}: {} would run on the server's key.", plan.provider.name);
        Err(Error::new(ErrorCode::InvalidArgValue, message).provider(plan.provider.id).name("args[0]"))
    };
    if !before_end.first().is_some_and(|word| row.subcommands.contains(&&**word)) {
        let subcommands = row.subcommands.join(" or ");
        return refuse(format!("options.args must begin with {subcommands}, which alone takes {}", row.text));
    }
    let is_there = before_end.get(1).is_some_and(|argument| argument == row.text);
    if before_end.iter().filter(|argument| *argument == row.text).count() > usize::from(is_there) {
        return refuse(format!("Leave {} out of options.args. It is added by itself", row.text));
    }
    Ok(!is_there)
}

fn contradicts(plan: &EnvPlan, row: &FirmArgument) -> Error {
    let made_of = row.sdk_option.map(|option| format!(" (the SDK's {option})")).unwrap_or_default();
    let message = format!(
        "options.args has {} with {}{made_of}, and the workspace is untrusted. Leave that out, or say workspaceTrust: \
         \"trusted\".",
        row.name,
        row.contrary.join(" or "),
    );
    Error::new(ErrorCode::InvalidArgValue, message).provider(plan.provider.id).name(row.name)
}

/// The last override of a key wins in the CLI, so the caller's would be lost, or undo ours.
fn refuse_contrary(
    plan: &EnvPlan,
    (ours, kind): (&'static str, OverrideValue),
    value: impl Fn() -> Option<String>,
    caller: &[String],
) -> Result<()> {
    if !are_undone(plan, ours, Some(&value), caller) {
        return Ok(());
    }
    let instead = match kind {
        OverrideValue::BaseUrl | OverrideValue::KeyedModelProvider | OverrideValue::Text(_) => {
            "; for another endpoint, give options.baseUrl"
        }
        OverrideValue::Projects(_) => "; options.workspaceTrust says whether the workspace is trusted",
        OverrideValue::HiddenNames | OverrideValue::Off => "",
    };
    let message = format!(
        "options.args overrides {ours}, which a start of {} sets by itself, for the safety of the key and of the workspace. \
         Leave it out{instead}.",
        plan.provider.name
    );
    Err(Error::new(ErrorCode::InvalidArgValue, message).provider(plan.provider.id).name(ours))
}

/// Whether the caller overrides the same key, or a table above or below it. Saying the same does not count, where it is known
/// what that is; a feature's option beats an override wherever it stands (measured).
fn are_undone(plan: &EnvPlan, ours: &str, value: Option<&dyn Fn() -> Option<String>>, caller: &[String]) -> bool {
    let is_same = |given: &str| value.is_some_and(|value| value().as_deref() == Some(given.trim()));
    let undoes = |key: &str, given: &str| {
        let key: String = key.chars().filter(|character| !matches!(character, '"' | '\'' | ' ')).collect();
        (ours == key && !is_same(given)) || is_below(ours, &key) || is_below(&key, ours)
    };
    let overrides = command_line::options(caller, plan.provider.override_options);
    let mut overrides = overrides.map(|option| option.value.split_once('=').unwrap_or((option.value, "")));
    let feature = |option: &FeatureOption| {
        command_line::options(caller, &[option.name])
            .any(|given| undoes(&format!("{}{}", option.prefix, given.value.trim()), option.value))
    };
    overrides.any(|(key, given)| undoes(key.trim(), given)) || plan.provider.feature_options.iter().any(feature)
}

fn refuse_option(plan: &EnvPlan, row: &RefusedOption, caller: &[String]) -> Result<()> {
    let before_end = &caller[..command_line::latest_end_of_options(&plan.provider.output.command_line, caller)];
    if command_line::options_anywhere(before_end, &[row.name]).next().is_none() {
        return Ok(());
    }
    let message = format!("options.args has {}, which {}. {}", row.name, row.does, row.instead);
    Err(Error::new(ErrorCode::InvalidArgValue, message).provider(plan.provider.id).name(row.name))
}

fn is_below(key: &str, table: &str) -> bool {
    key.strip_prefix(table).is_some_and(|rest| rest.starts_with('.'))
}

/// A TOML basic string (toml.io v1.0.0, "String"): JSON's escapes are a subset of its own.
fn toml_string(text: &str) -> String {
    let mut literal = String::with_capacity(text.len() + 2);
    literal.push('"');
    for character in text.chars() {
        match character {
            '"' | '\\' => literal.extend(['\\', character]),
            control if control.is_control() => literal.push_str(&format!("\\u{:04X}", u32::from(control))),
            plain => literal.push(plain),
        }
    }
    literal.push('"');
    literal
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::credential::Fallbacks;
    use crate::credential::payload::Payload;
    use crate::environment::{EnvRequest, ExecLimits};

    const KEY: &str = "made-up-key";

    fn plan(provider: &str, base_url: Option<&str>) -> EnvPlan {
        let json = format!(r#"{{"provider":"{provider}","apiKey":"{KEY}"}}"#);
        let request = EnvRequest { base: vec![("HOME", "/home/w")], base_url, ..EnvRequest::default() };
        let payload = Payload::from_json(json.as_bytes()).expect("valid");
        EnvPlan::new(payload, request, Fallbacks::default(), ExecLimits::for_stack(None)).expect("a plan")
    }

    fn args(plan: &EnvPlan, trust: WorkspaceTrust, caller: &[&str]) -> Result<Vec<String>> {
        let directories = ["/srv/a\"b".to_owned()];
        let context = ArgumentContext { delivery: plan.names.auto_delivery(), trust, directories: &directories };
        build(plan, caller.iter().map(|text| (*text).into()).collect(), &context)
    }

    #[test]
    fn claude() {
        let plan = plan("claude", Some("https://example.com"));
        let run = |trust, caller: &[&str]| args(&plan, trust, caller).expect("fine").join(" ");
        assert_eq!(run(WorkspaceTrust::Untrusted, &["-p", "hi"]), "--setting-sources= -p hi");
        assert_eq!(run(WorkspaceTrust::Trusted, &["-p", "hi"]), "-p hi");
        assert_eq!(
            run(WorkspaceTrust::Untrusted, &["--setting-sources=user"]),
            "--setting-sources= --setting-sources=user"
        );
        assert_eq!(
            run(WorkspaceTrust::Untrusted, &["--append-system-prompt", "--setting-sources=user"]),
            "--setting-sources= --append-system-prompt --setting-sources=user"
        );
        assert_eq!(run(WorkspaceTrust::Trusted, &["--setting-sources=project"]), "--setting-sources=project");
        for contrary in [
            &["--setting-sources=project"][..],
            &["--setting-sources=user,local"],
            &["--setting-sources", "project"],
            &["--append-system-prompt", "--", "--setting-sources=project"],
            &["--setting-sources", "--", "--setting-sources=local"],
        ] {
            let error = args(&plan, WorkspaceTrust::Untrusted, contrary).expect_err("contradicts");
            assert_eq!(error.code(), ErrorCode::InvalidArgValue);
        }
    }

    #[test]
    fn codex() {
        let plan = plan("codex", Some("http://127.0.0.1:1/v1"));
        let untrusted = args(&plan, WorkspaceTrust::Untrusted, &["exec"]).expect("fine");
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
        let trusted = args(&plan, WorkspaceTrust::Trusted, &["exec"]).expect("fine");
        assert!(trusted.contains(&r#"projects={"/srv/a\"b"={trust_level="trusted"}}"#.to_owned()), "{trusted:?}");
        for own in ["projects={}", "projects.\"/x\".trust_level=\"untrusted\""] {
            let given = args(&plan, WorkspaceTrust::Trusted, &["exec", "-c", own]).expect("fine");
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
            let built = args(&plan, WorkspaceTrust::Trusted, caller).expect("fine");
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
            let built = args(&plan("codex", None), WorkspaceTrust::Untrusted, caller).expect("fine");
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
            let error = args(&plan, WorkspaceTrust::Untrusted, caller).expect_err("refused");
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
            assert!(args(&plan, WorkspaceTrust::Untrusted, caller).is_ok(), "{caller:?}");
        }
    }

    #[test]
    fn a_secret_or_a_nul_in_an_argument_is_refused() {
        let plan = plan("claude", None);
        let text = format!("--header=x-api-key: {KEY}");
        let secret = check_visible(&plan, [(Place::Argument(0), text.as_str())].into_iter()).expect_err("refused");
        for error in [secret, args(&plan, WorkspaceTrust::Untrusted, &["a\0b"]).expect_err("refused")] {
            assert_eq!(error.code(), ErrorCode::InvalidArgValue);
            assert!(!format!("{error:?}").contains(KEY));
        }
    }
}
