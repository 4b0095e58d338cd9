//! The arguments of a launch: what keeps the workspace from configuring the CLI first, then the caller's.

pub(crate) mod scan;

use super::options::WorkspaceTrust;
use crate::environment::{Delivery, EnvPlan};
use crate::error::{Error, ErrorCode, Result};
use crate::provider::{ConfigOverride, FirmArgument, OverrideValue, When};

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
/// `ERR_INVALID_ARG_VALUE` for a NUL, the credential itself, or an option that contradicts one of ours.
pub fn build(plan: &EnvPlan, mut caller: Vec<String>, context: &ArgumentContext<'_>) -> Result<Vec<String>> {
    check_all(plan, &caller, context)?;
    let provider = plan.provider;
    let firm = firm(plan, &caller, context)?;
    let mut ours = Vec::new();
    for (key, value) in overrides(plan, context) {
        ours.extend([provider.override_options[0].to_owned(), format!("{key}={value}")]);
    }
    let levels =
        scan::options(&caller, provider.override_options).chain(scan::options(&caller, provider.level_options));
    let end = scan::end_of_options(&caller);
    let place = levels.map(|option| option.end).max().unwrap_or(end);
    caller.splice(place..place, ours);
    if !firm.of_subcommand.is_empty() {
        caller.splice(1..1, firm.of_subcommand.into_iter().map(str::to_owned));
    }
    caller.splice(0..0, firm.first.into_iter().map(str::to_owned));
    Ok(caller)
}

/// Only the refusals of [`build`]: they need no look at the file system.
///
/// # Errors
/// As [`build`].
pub fn check_all(plan: &EnvPlan, caller: &[String], context: &ArgumentContext<'_>) -> Result<()> {
    for (index, argument) in caller.iter().enumerate() {
        check(plan, index, argument)?;
    }
    firm(plan, caller, context)?;
    for row in plan.provider.overrides.iter().filter(|row| applies(row.when, plan, context)) {
        refuse_contrary(plan, row.key, caller)?;
    }
    Ok(())
}

/// The directories that the caller's arguments make the CLI work in.
pub fn directories_in<'a>(plan: &EnvPlan, caller: &'a [String]) -> impl Iterator<Item = &'a str> {
    scan::options(caller, plan.provider.directory_options).map(|option| option.value)
}

/// The configuration overrides as key and TOML value: also for an SDK that takes them apart from arguments.
pub fn overrides<'a>(
    plan: &'a EnvPlan,
    context: &'a ArgumentContext<'_>,
) -> impl Iterator<Item = (&'static str, String)> + 'a {
    let rows = plan.provider.overrides.iter().filter(|row| applies(row.when, plan, context));
    rows.filter_map(|row| Some((row.key, value(row, plan, context)?)))
}

fn applies(when: When, plan: &EnvPlan, context: &ArgumentContext<'_>) -> bool {
    match when {
        When::Untrusted => context.trust == WorkspaceTrust::Untrusted,
        When::CredentialInEnvironment => context.delivery == Delivery::Env && plan.credential.slot.is_some(),
        When::BaseUrl => plan.base_url.is_some() || plan.has_server_credential(),
        When::ServerCredential => plan.has_server_credential(),
    }
}

/// None when there is nothing to say.
fn value(row: &ConfigOverride, plan: &EnvPlan, context: &ArgumentContext<'_>) -> Option<String> {
    match row.value {
        OverrideValue::CredentialNames => {
            let names = plan.names.credential_variables(context.delivery).iter().map(|name| toml_string(name));
            Some(format!("[{}]", names.collect::<Vec<_>>().join(",")))
        }
        OverrideValue::UntrustedProjects => {
            let projects = context.directories.iter();
            let projects = projects.map(|dir| format!("{}={{trust_level=\"untrusted\"}}", toml_string(dir)));
            let projects: Vec<String> = projects.collect();
            (!projects.is_empty()).then(|| format!("{{{}}}", projects.join(",")))
        }
        OverrideValue::BaseUrl => Some(toml_string(plan.base_url.as_deref().unwrap_or(plan.provider.api.base_url))),
        OverrideValue::Text(text) => Some(toml_string(text)),
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
        let mut given = scan::options_anywhere(caller, std::slice::from_ref(&row.name));
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
    let before_end = &caller[..scan::end_of_options(caller)];
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
    let message = format!(
        "options.args has {} with {}, and the workspace is untrusted. Leave that out, or say workspaceTrust: \"trusted\".",
        row.name,
        row.contrary.join(" or "),
    );
    Error::new(ErrorCode::InvalidArgValue, message).provider(plan.provider.id).name(row.name)
}

fn check(plan: &EnvPlan, index: usize, argument: &str) -> Result<()> {
    let name = format!("args[{index}]");
    let refuse = |why: &str| {
        let message = format!("options.{name} {why}");
        Err(Error::new(ErrorCode::InvalidArgValue, message).name(&*name))
    };
    if argument.contains('\0') {
        return refuse("has a NUL byte, which no argument can hold.");
    }
    let key = plan.credential.secret.as_deref().map(crate::secret::Secret::expose).unwrap_or_default();
    // Shorter values occur in arguments by chance.
    let holds_key = key.len() >= 8 && argument.as_bytes().windows(key.len()).any(|window| window == key);
    if holds_key {
        return refuse("contains this launch's credential, and arguments are visible to every user. Leave it out.");
    }
    Ok(())
}

/// The last override of a key wins in the CLI, so the caller's would be lost, or undo ours.
fn refuse_contrary(plan: &EnvPlan, key: &str, caller: &[String]) -> Result<()> {
    let undoes = |given: &str| {
        let given = given.split('=').next().unwrap_or_default().trim();
        let given: String = given.chars().filter(|character| !matches!(character, '"' | '\'' | ' ')).collect();
        key == given || is_below(key, &given) || is_below(&given, key)
    };
    if !scan::options(caller, plan.provider.override_options).any(|option| undoes(option.value)) {
        return Ok(());
    }
    let message = format!(
        "options.args overrides {key}, which keeps {} from disclosing the key or obeying the workspace. Leave it out.",
        plan.provider.name
    );
    Err(Error::new(ErrorCode::InvalidArgValue, message).provider(plan.provider.id).name(key))
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
    use crate::environment::{EnvRequest, ExecLimits};
    use crate::payload::Payload;

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
                r#"shell_environment_policy.exclude=["CODEX_API_KEY","OPENAI_API_KEY"]"#,
                "-c",
                r#"projects={"/srv/a\"b"={trust_level="untrusted"}}"#,
                "-c",
                r#"openai_base_url="http://127.0.0.1:1/v1""#,
            ]
        );
        let trusted = args(&plan, WorkspaceTrust::Trusted, &["exec"]).expect("fine");
        assert!(!trusted.iter().any(|argument| argument.contains("projects")));
    }

    #[test]
    fn ours_follow_the_callers_last_and_precede_the_prompt() {
        let plan = plan("codex", None);
        let exclude = r#"shell_environment_policy.exclude=["CODEX_API_KEY","OPENAI_API_KEY"]"#;
        for (caller, before) in [
            (&["exec", "-c", "a=1", "resume", "ID"][..], &["exec", "-c", "a=1"][..]),
            (&["exec", "--config=a=1", "--json"], &["exec", "--config=a=1"]),
            (&["exec", "--disable", "apps", "hi"], &["exec", "--disable", "apps"]),
            (&["exec", "--", "-c", "x=1"], &["exec"]),
            (&["exec", "hi"], &["exec", "hi"]),
        ] {
            let built = args(&plan, WorkspaceTrust::Trusted, caller).expect("fine");
            let expected = [before, &["-c", exclude], &caller[before.len()..]].concat();
            assert_eq!(built, expected, "{caller:?}");
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
        ] {
            let error = args(&plan, WorkspaceTrust::Untrusted, caller).expect_err("refused");
            assert_eq!(error.code(), ErrorCode::InvalidArgValue, "{caller:?}");
        }
        for caller in [
            &["exec", "-c", "shell_environment_policy.inherit=\"core\""][..],
            &["exec", "-c", "model=\"projects\""],
            &["exec", "--color", "never"],
        ] {
            assert!(args(&plan, WorkspaceTrust::Untrusted, caller).is_ok(), "{caller:?}");
        }
    }

    #[test]
    fn a_secret_or_a_nul_in_an_argument_is_refused() {
        let plan = plan("claude", None);
        for caller in [format!("--header=x-api-key: {KEY}"), "a\0b".into()] {
            let error = args(&plan, WorkspaceTrust::Untrusted, &[&caller]).expect_err("refused");
            assert_eq!(error.code(), ErrorCode::InvalidArgValue);
            assert!(!format!("{error:?}").contains(KEY));
        }
    }
}
