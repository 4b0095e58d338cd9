//! What `diagnose()` asks of the core, off the JS thread: every answer crosses as JSON.

use std::io::Read;
use std::path::{Path, PathBuf};

use napi_derive::napi;
use rustix::fs::Access;
use serde::Serialize;

use crate::doctor::{self, Parties};
use crate::error::Result;
use crate::node::boundary_error::IntoNapi;
use crate::node::net;
use crate::node::process::options::NativeIdentity;
use crate::process::identity::{self, Target};
use crate::process::inquiry::{self, Component, Manner, Question};
use crate::process::locate::Locate;
use crate::process::program::Candidate;
use crate::provider::{self, Format, Provider};
use crate::sys::regular_file::open_regular;
use crate::sys::{self, memory};

/// One look as the target.
fn look<T: Serialize>(target: &Target, look: impl FnOnce() -> Result<T> + Send + 'static) -> napi::Result<u32> {
    net::look(target.uid().to_string().into(), look)
}

/// A path, and `rwx` as access(2) has them: 4, 2, 1.
#[napi(object, object_to_js = false)]
pub struct NativeQuestion {
    pub path: String,
    pub access: u32,
}

/// What a target can do with paths.
#[napi(catch_unwind)]
pub fn inquire_paths(ids: NativeIdentity, questions: Vec<NativeQuestion>, by_mode_bits: bool) -> napi::Result<u32> {
    let target = target(ids).into_napi()?;
    let ask = |question: NativeQuestion| Question {
        path: question.path.into(),
        access: Access::from_bits_truncate(question.access),
    };
    let questions: Vec<Question> = questions.into_iter().map(ask).collect();
    look(&target.clone(), move || inquiry::inquire(&target, &questions, manner(by_mode_bits)))
}

/// A candidate, as JSON.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct SurveyedProgram {
    found_at: String,
    found_by: &'static str,
    path: Option<String>,
    version: Option<String>,
    /// Whether it is newer than all that was tested.
    untested: bool,
    /// Where its version is unknown: why, and what would make it known.
    unknown: Option<String>,
    interpreter: Option<String>,
    components: Vec<Component>,
    /// The files that tell its version, each with the way to it.
    manifests: Vec<Vec<Component>>,
    companions: Vec<SurveyedCompanion>,
    /// Whether the file that was found begins with `#!`.
    shebang: bool,
    error: Option<Box<serde_json::value::RawValue>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct SurveyedCompanion {
    path: &'static str,
    inherits_credential: bool,
}

/// Every place where a provider's program is, in a start's order.
#[napi(catch_unwind)]
pub fn survey_programs(
    provider: String,
    command: Option<String>,
    path: String,
    package_roots: Vec<String>,
    ids: NativeIdentity,
    by_mode_bits: bool,
) -> napi::Result<u32> {
    let provider = provider::find(&provider).into_napi()?;
    let target = target(ids).into_napi()?;
    let package_roots = package_roots.into_iter().map(PathBuf::from).collect();
    let wanted = Locate { provider, command, path, package_roots, target };
    look(&wanted.target.clone(), move || {
        let candidates = inquiry::survey(&wanted, manner(by_mode_bits))?;
        Ok(candidates.into_iter().map(|candidate| surveyed(wanted.provider, candidate)).collect::<Vec<_>>())
    })
}

fn surveyed(provider: &Provider, candidate: Candidate) -> SurveyedProgram {
    let text = |path: &Path| path.to_string_lossy().into_owned();
    let (program, error) = match candidate.outcome {
        Ok(program) => (Some(program), None),
        Err(error) => (None, serde_json::value::to_raw_value(error.details()).ok()),
    };
    let companions = candidate.companions.into_iter();
    SurveyedProgram {
        found_at: text(&candidate.found_at),
        found_by: candidate.found_by.as_str(),
        components: candidate.path.as_deref().map(inquiry::components).unwrap_or_default(),
        path: candidate.path.as_deref().map(text),
        version: program.as_ref().and_then(|program| program.version.clone()),
        untested: program
            .as_ref()
            .is_some_and(|program| program.version.is_some() && program.untested(provider).is_some()),
        interpreter: program.as_ref().and_then(|program| program.interpreter.as_deref().map(text)),
        unknown: program.as_ref().filter(|program| program.version.is_none()).map(|program| program.unknown(provider)),
        manifests: candidate.manifests.iter().map(|manifest| inquiry::components(manifest)).collect(),
        companions: companions
            .map(|(path, inherits_credential)| SurveyedCompanion { path, inherits_credential })
            .collect(),
        shebang: candidate.path.as_deref().is_some_and(begins_with_shebang),
        error,
    }
}

fn begins_with_shebang(path: &Path) -> bool {
    let mut head = [0; 2];
    open_regular(path).is_some_and(|mut file| file.read_exact(&mut head).is_ok()) && head == *b"#!"
}

/// The files that configure a provider's CLI, judged for a program of this version.
#[napi(catch_unwind)]
pub fn survey_config_files(
    provider: String,
    workspace: Option<String>,
    state_directory: Option<String>,
    home: Option<String>,
    ids: NativeIdentity,
    version: Option<String>,
) -> napi::Result<u32> {
    let provider = provider::find(&provider).into_napi()?;
    look(&target(ids).into_napi()?, move || {
        let bases = doctor::Bases {
            workspace: workspace.as_deref().map(Path::new),
            state: state_directory.as_deref().map(Path::new),
            home: home.as_deref().map(Path::new),
            root: Some(Path::new("/")),
        };
        Ok(doctor::config_files(provider, bases, version.as_deref()))
    })
}

/// Where a path really leads, and who could have it lead elsewhere.
#[napi(catch_unwind)]
pub fn survey_way(path: String, ids: NativeIdentity) -> napi::Result<u32> {
    let (target, own) = (target(ids).into_napi()?, sys::identity::own());
    let groups = target.groups().iter().copied().chain([target.gid()]).collect();
    let parties = Parties { uid: target.uid(), groups, own };
    look(&target, move || Ok(doctor::way_to(Path::new(&path), &parties)))
}

/// A provider's stored login in its state directory.
#[napi(catch_unwind)]
pub fn survey_stored_login(provider: String, state_directory: String, ids: NativeIdentity) -> napi::Result<u32> {
    let provider = provider::find(&provider).into_napi()?;
    look(&target(ids).into_napi()?, move || Ok(doctor::stored_login(provider, Path::new(&state_directory))))
}

/// Those of these names in this process's environment that nobody may hand on.
#[napi(catch_unwind)]
pub fn survey_variables(names: Vec<String>) -> String {
    let set = |name: &str| memory::with_variable(name, |value| !value.is_empty()).unwrap_or(false);
    serde_json::to_string(&doctor::variables(names.into_iter(), set)).unwrap_or_default()
}

/// What the diagnosis needs of a provider's row.
#[napi(object, object_from_js = false)]
pub struct NativeProviderFacts {
    pub id: &'static str,
    pub name: &'static str,
    pub command: &'static str,
    /// Its npm package.
    pub package: &'static str,
    pub state_variable: &'static str,
    /// The option of a workspace that sets it.
    pub state_option: &'static str,
    pub state_below_home: &'static str,
    /// The variables of directories that must be writable, or there is no start.
    pub needed_directories: Vec<&'static str>,
    /// Those of directories that must be so where they are named, and that the CLI makes there.
    pub named_directories: Vec<&'static str>,
    /// The ids of files that can do harm.
    pub config_files: Vec<&'static str>,
    /// The first version that is started, and the newest that was tested.
    pub oldest_version: String,
    pub tested_version: String,
    /// The first version that keeps variables in files of its own out; none where no version is asked for.
    pub shielded_since: Option<String>,
    pub login_file: &'static str,
    pub log_in: &'static str,
    /// What stands before a question that is asked without a terminal.
    pub question_arguments: Vec<&'static str>,
    /// Names and values by turns.
    pub question_variables: Vec<&'static str>,
}

/// The rows of the table.
#[napi(catch_unwind)]
pub fn provider_facts() -> Vec<NativeProviderFacts> {
    let rows = provider::PROVIDERS.iter().map(|row| NativeProviderFacts {
        id: row.id,
        name: row.name,
        command: row.command,
        package: row.launcher_packages.first().copied().unwrap_or_default(),
        state_variable: row.state_directory.variable,
        state_option: row.state_directory.option,
        state_below_home: row.state_directory.below_home,
        needed_directories: needs(row, false).collect(),
        named_directories: needs(row, true).collect(),
        config_files: harmful(row).collect(),
        oldest_version: row.versions.oldest.to_string(),
        tested_version: row.versions.tested.to_string(),
        shielded_since: row.file_shield.as_ref().map(|shield| shield.since.to_string()),
        login_file: row.oauth.file,
        log_in: row.oauth.log_in,
        question_arguments: row.one_question.arguments.to_vec(),
        question_variables: row.one_question.variables.iter().flat_map(|(name, value)| [*name, *value]).collect(),
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

fn target(ids: NativeIdentity) -> Result<Target> {
    identity::decide(&ids.into(), sys::identity::own())
}

const fn manner(by_mode_bits: bool) -> Manner {
    if by_mode_bits { Manner::ModeBits } else { Manner::Surest }
}
