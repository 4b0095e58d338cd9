//! The checks that `diagnose()` runs in the core, on separate threads because a tenant chooses the paths.

use std::io::Read;
use std::path::Path;

use napi::Env;
use napi::bindgen_prelude::{ClassInstance, PromiseRaw, ToNapiValue};
use napi_derive::napi;

use crate::doctor::{self, FoundFile, FoundVariable, LoginState, Parties, Way};
use crate::error::{Error, Result};
use crate::node::boundary_error::OrThrow;
use crate::node::net::{self, NativeAbort};
use crate::process::brokered;
use crate::process::identity::{self, IdentityRequest, Target};
use crate::process::inquiry::{self, Answer, Component, Locate, Question};
use crate::process::options::{PlainVariable, ProgramQuery};
use crate::process::program::{Candidate, FoundBy};
use crate::provider::{self, Companion, Format, Provider};
use crate::sys::regular_file::open_regular;
use crate::sys::{self, memory};

/// One look as the target.
fn look<'env, T: ToNapiValue + Send + 'static>(
    env: &'env Env,
    target: &Target,
    abort: &NativeAbort,
    look: impl FnOnce() -> Result<T> + Send + 'static,
) -> napi::Result<PromiseRaw<'env, T>> {
    net::look(env, target.uid().to_string().into(), abort, look)
}

/// The target user who needs access to paths.
#[napi(object, object_to_js = false)]
pub struct PathInquiry {
    pub ids: IdentityRequest,
    /// Whether to read the mode bits instead of asking the kernel, because this process cannot become the target user.
    pub by_mode_bits: bool,
    pub questions: Vec<Question>,
}

/// Asks what a target user can do with paths. The answers are in the order of the questions.
#[napi(catch_unwind)]
pub fn inquire_paths<'env>(
    env: &'env Env,
    inquiry: PathInquiry,
    abort: ClassInstance<'_, NativeAbort>,
) -> napi::Result<PromiseRaw<'env, Vec<Answer>>> {
    let target = target(inquiry.ids).or_throw(env)?;
    let PathInquiry { questions, by_mode_bits, .. } = inquiry;
    look(env, &target.clone(), &abort, move || inquiry::inquire(&target, &questions, by_mode_bits))
}

/// A place where a provider's program may be, and whether a start would use it.
#[napi(object, object_from_js = false, use_nullable = true)]
pub struct SurveyedProgram {
    pub found_at: String,
    pub found_by: FoundBy,
    /// The real path of the file that was found.
    pub path: Option<String>,
    pub version: Option<String>,
    /// Whether it is newer than all tested versions.
    pub untested: bool,
    /// If its version is unknown: why, and what would make it known.
    pub unknown: Option<String>,
    pub interpreter: Option<String>,
    /// The steps of its path.
    pub components: Vec<Component>,
    /// The files that state its version, each with the steps of its path.
    pub manifests: Vec<Vec<Component>>,
    /// The files that must be beside it.
    pub companions: Vec<Companion>,
    /// Whether the file begins with `#!`.
    pub shebang: bool,
    /// Why a start would not run it.
    #[napi(ts_type = "ErrorDetails")]
    pub error: Option<Error>,
}

/// Looks at every place where a provider's program is, in a start's order; by the mode bits where this process cannot become
/// the target.
#[napi(catch_unwind)]
pub fn survey_programs<'env>(
    env: &'env Env,
    query: ProgramQuery,
    by_mode_bits: bool,
    abort: ClassInstance<'_, NativeAbort>,
) -> napi::Result<PromiseRaw<'env, Vec<SurveyedProgram>>> {
    let wanted = Locate::new(query).or_throw(env)?;
    look(env, &wanted.target.clone(), &abort, move || {
        let candidates = inquiry::survey(&wanted, by_mode_bits)?;
        Ok(candidates.into_iter().map(|candidate| surveyed(wanted.provider, candidate)).collect::<Vec<_>>())
    })
}

fn surveyed(provider: &Provider, candidate: Candidate) -> SurveyedProgram {
    let text = |path: &Path| path.to_string_lossy().into_owned();
    let (program, error) = match candidate.outcome {
        Ok(program) => (Some(program), None),
        Err(error) => (None, Some(error)),
    };
    SurveyedProgram {
        found_at: text(&candidate.found_at),
        found_by: candidate.found_by,
        components: candidate.path.as_deref().map(inquiry::components).unwrap_or_default(),
        path: candidate.path.as_deref().map(text),
        version: program.as_ref().and_then(|program| program.version.clone()),
        untested: program
            .as_ref()
            .is_some_and(|program| program.version.is_some() && program.untested(provider).is_some()),
        interpreter: program.as_ref().and_then(|program| program.interpreter.as_deref().map(text)),
        unknown: program.as_ref().filter(|program| program.version.is_none()).map(|program| program.unknown(provider)),
        manifests: candidate.manifests.iter().map(|manifest| inquiry::components(manifest)).collect(),
        companions: candidate.companions,
        shebang: candidate.path.as_deref().is_some_and(begins_with_shebang),
        error,
    }
}

fn begins_with_shebang(path: &Path) -> bool {
    let mut head = [0; 2];
    open_regular(path).is_some_and(|mut file| file.read_exact(&mut head).is_ok()) && head == *b"#!"
}

/// Where to search for files that configure a provider's CLI. A missing directory is skipped.
#[napi(object, object_to_js = false)]
pub struct ConfigSurvey {
    pub provider: String,
    pub workspace: Option<String>,
    pub state_directory: Option<String>,
    pub home: Option<String>,
    pub ids: IdentityRequest,
    /// The version of the program for which the files are judged.
    pub version: Option<String>,
}

/// Searches for the files that configure a provider's CLI.
#[napi(catch_unwind)]
pub fn survey_config_files<'env>(
    env: &'env Env,
    survey: ConfigSurvey,
    abort: ClassInstance<'_, NativeAbort>,
) -> napi::Result<PromiseRaw<'env, Vec<FoundFile>>> {
    let provider = provider::find(&survey.provider).or_throw(env)?;
    let ConfigSurvey { workspace, state_directory, home, ids, version, .. } = survey;
    look(env, &target(ids).or_throw(env)?, &abort, move || {
        let bases = doctor::Bases {
            workspace: workspace.as_deref().map(Path::new),
            state: state_directory.as_deref().map(Path::new),
            home: home.as_deref().map(Path::new),
            root: Some(Path::new("/")),
        };
        Ok(doctor::config_files(provider, bases, version.as_deref()))
    })
}

/// A program that would be started by the broker, and the user it would run as.
#[napi(object, object_to_js = false)]
pub struct BrokerSurvey {
    pub provider: String,
    pub ids: IdentityRequest,
    /// The program's version.
    pub version: Option<String>,
}

/// Whether a start is made by the broker.
#[napi(object, object_from_js = false, use_nullable = true)]
pub struct FoundBroker {
    /// Whether delivery "auto" uses the broker for this version, if the broker can be used.
    pub is_automatic: bool,
    /// The first version for which it does; none if the version does not matter.
    pub since: Option<String>,
    /// Why the broker cannot be used.
    #[napi(ts_type = "ErrorDetails | null")]
    pub error: Option<Error>,
}

/// Checks whether this process's broker can deliver a credential to a program.
#[napi(catch_unwind)]
pub fn survey_broker<'env>(
    env: &'env Env,
    survey: BrokerSurvey,
    abort: ClassInstance<'_, NativeAbort>,
) -> napi::Result<PromiseRaw<'env, FoundBroker>> {
    let provider = provider::find(&survey.provider).or_throw(env)?;
    let target = target(survey.ids).or_throw(env)?;
    let since = provider.vendor().broker.since;
    look(env, &target.clone(), &abort, move || {
        Ok(FoundBroker {
            is_automatic: since.is_none_or(|since| since.is_reached_by(survey.version.as_deref())),
            since: since.map(|since| since.to_string()),
            error: brokered::check(provider, target.uid()).err(),
        })
    })
}

/// Follows a path to its real target, and finds who could redirect it.
#[napi(catch_unwind)]
pub fn survey_way<'env>(
    env: &'env Env,
    path: String,
    ids: IdentityRequest,
    abort: ClassInstance<'_, NativeAbort>,
) -> napi::Result<PromiseRaw<'env, Way>> {
    let (target, own) = (target(ids).or_throw(env)?, sys::identity::own());
    let groups = target.groups().iter().copied().chain([target.gid()]).collect();
    let parties = Parties { uid: target.uid(), groups, own };
    look(env, &target, &abort, move || Ok(doctor::way_to(Path::new(&path), &parties)))
}

/// The owner of the stored login to check.
#[napi(object, object_to_js = false)]
pub struct LoginSurvey {
    pub provider: String,
    pub state_directory: String,
    pub ids: IdentityRequest,
}

/// Checks a provider's stored login; null if there is none.
#[napi(catch_unwind)]
pub fn survey_stored_login<'env>(
    env: &'env Env,
    survey: LoginSurvey,
    abort: ClassInstance<'_, NativeAbort>,
) -> napi::Result<PromiseRaw<'env, Option<LoginState>>> {
    let provider = provider::find(&survey.provider).or_throw(env)?;
    let directory = survey.state_directory;
    look(env, &target(survey.ids).or_throw(env)?, &abort, move || {
        Ok(doctor::stored_login(provider, Path::new(&directory)))
    })
}

/// Returns those of these names in this process's environment that must not be passed on.
#[napi(catch_unwind)]
pub fn survey_variables(names: Vec<String>) -> Vec<FoundVariable> {
    let set = |name: &str| memory::with_variable(name, |value| !value.is_empty()).unwrap_or(false);
    doctor::variables(names.into_iter(), set)
}

/// The facts of a provider's row that the diagnosis needs.
#[napi(object, object_from_js = false)]
pub struct ProviderFacts {
    pub id: &'static str,
    pub name: &'static str,
    pub command: &'static str,
    /// Its npm package.
    pub package: &'static str,
    pub state_variable: &'static str,
    /// The option of a workspace that sets it.
    pub state_option: &'static str,
    pub state_below_home: &'static str,
    /// The variables of directories that must be writable for a start.
    pub needed_directories: Vec<&'static str>,
    /// The variables of directories that must be writable if they are named, and that the CLI creates.
    pub named_directories: Vec<&'static str>,
    /// The ids of files that can do harm.
    pub config_files: Vec<&'static str>,
    /// The oldest supported version, and the newest tested one.
    pub oldest_version: String,
    pub tested_version: String,
    /// The first version that ignores variables in its own files; none if the version does not matter.
    pub shielded_since: Option<String>,
    /// Empty if the row has no login.
    pub login_file: &'static str,
    pub log_in: &'static str,
    /// The arguments before a question that is asked without a terminal.
    pub question_arguments: Vec<&'static str>,
    pub question_variables: Vec<PlainVariable>,
}

/// The rows of the table.
#[napi(catch_unwind)]
pub fn provider_facts() -> Vec<ProviderFacts> {
    let rows = provider::PROVIDERS.iter().map(|row| ProviderFacts {
        id: row.id,
        name: row.name,
        command: row.cli.command,
        package: row.cli.launcher_packages.first().copied().unwrap_or_default(),
        state_variable: row.state_directory.variable,
        state_option: row.state_directory.option,
        state_below_home: row.state_directory.below_home,
        needed_directories: needs(row, false).collect(),
        named_directories: needs(row, true).collect(),
        config_files: harmful(row).collect(),
        oldest_version: row.cli.versions.oldest.to_string(),
        tested_version: row.cli.versions.tested.to_string(),
        shielded_since: row.file_shield.as_ref().map(|shield| shield.since.to_string()),
        login_file: row.login.as_ref().map_or("", |login| login.file),
        log_in: row.login.as_ref().map_or("", |login| login.log_in),
        question_arguments: row.cli.one_question.arguments.to_vec(),
        question_variables: row
            .cli
            .one_question
            .variables
            .iter()
            .map(|&(name, value)| PlainVariable { name: name.into(), value: value.into() })
            .collect(),
    });
    rows.collect()
}

fn needs(row: &Provider, only_when_named: bool) -> impl Iterator<Item = &'static str> {
    let needs = row.directory_needs.iter().filter(move |need| need.only_when_named == only_when_named);
    needs.map(|need| need.variable)
}

fn harmful(row: &Provider) -> impl Iterator<Item = &'static str> {
    row.config_files.iter().filter(|file| file.format != Format::Prose).map(|file| file.id)
}

fn target(ids: IdentityRequest) -> Result<Target> {
    identity::decide(&ids, sys::identity::own())
}
