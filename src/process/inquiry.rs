//! Answers questions about a target user without a start: the program that a start would use and, for a diagnosis,
//! every step of a path and every candidate, while a start needs only the first one that fails or passes.

use std::os::unix::fs::MetadataExt;
use std::path::Path;

use rustix::fs::Access;

use super::access::{AccessCheck, Check, ModeBits, OwnAccess, checks_along};
use super::identity::{Target, decide};
use super::options::ProgramQuery;
use super::program::{self, Candidate, Program, Proofs, Search};
use crate::error::Result;
use crate::provider::{self, Provider};
use crate::sys::identity;
use crate::sys::real_path::real_path;

/// A program to find, with the provider and the target that the query means.
#[derive(Debug)]
pub struct Locate {
    pub provider: &'static Provider,
    pub target: Target,
    query: ProgramQuery,
}

impl Locate {
    /// Decides of which provider, and for whom.
    ///
    /// # Errors
    /// `PROVIDER_UNKNOWN`, and what [`decide`] refuses.
    pub fn new(query: ProgramQuery) -> Result<Self> {
        let (provider, target) = (provider::find(&query.provider)?, decide(&query.ids, identity::own())?);
        Ok(Self { provider, target, query })
    }

    fn search(&self) -> Search<'_> {
        self.query.search()
    }

    /// Finds it: the kernel is asked as the target where the native start works, else the mode bits are.
    ///
    /// # Errors
    /// What [`program::resolve`] says; `SPAWN_FAILED`.
    pub fn find(self) -> Result<Program> {
        let (provider, target) = (self.provider, self.target.clone());
        with_access(provider, &target, move |access, proofs| self.ask(access, proofs))
    }

    fn ask(&self, access: &dyn AccessCheck, proofs: &Proofs) -> Result<Program> {
        program::resolve(self.provider, &self.search(), &self.target, access, proofs)
    }
}

/// A path, and the access that is needed to it.
#[derive(Clone, Debug)]
#[cfg_attr(feature = "node", napi_derive::napi(object, object_to_js = false))]
pub struct Question {
    pub path: String,
    /// What they want: the bits of access(2), as `fs.constants` has them.
    pub access: u32,
}

/// What a target user can do with a path.
#[derive(Debug)]
#[cfg_attr(feature = "node", napi_derive::napi(object, object_from_js = false, use_nullable = true))]
pub struct Answer {
    /// The path that was requested.
    pub path: String,
    /// Every directory from the root, then the path itself. If links lead elsewhere, those of the real path come first.
    pub components: Vec<Component>,
    /// The first step that blocks the path.
    pub obstacle: Option<Blocked>,
}

/// The first step of a path that keeps the target out, and the kernel's reason.
#[derive(Debug, PartialEq, Eq)]
#[cfg_attr(feature = "node", napi_derive::napi(object, object_from_js = false, use_nullable = true))]
pub struct Blocked {
    pub path: String,
    pub errno: i32,
}

/// One step of a path: what is there, and who may do what with it.
#[derive(Debug, PartialEq, Eq)]
#[cfg_attr(feature = "node", napi_derive::napi(object, object_from_js = false, use_nullable = true))]
pub struct Component {
    pub path: String,
    /// `directory`, `file` or `other`; `missing` if it does not exist, or if this process may not see it.
    pub kind: &'static str,
    pub uid: u32,
    pub gid: u32,
    pub mode: u32,
}

/// Asks all of them: the kernel, as the target, or the mode bits, where this process cannot become the target. These know
/// nothing of ACLs and mount options. The kernel is asked anew for each: no answer is remembered. It looks at paths that a tenant
/// chooses, so it may take long, or forever where a file system hangs: on a thread that nothing waits for.
///
/// # Errors
/// `PRIVILEGE_FAILED` when this process cannot become the target; `UNSUPPORTED`, `SPAWN_FAILED`.
pub fn inquire(target: &Target, questions: &[Question], by_mode_bits: bool) -> Result<Vec<Answer>> {
    let access = access_check(provider::default_provider(), target, by_mode_bits);
    questions.iter().map(|question| answer(question, target, &*access)).collect()
}

/// Every candidate of a program, in a start's order. As [`inquire`], it may take long.
///
/// # Errors
/// As [`inquire`].
pub fn survey(wanted: &Locate, by_mode_bits: bool) -> Result<Vec<Candidate>> {
    let access = access_check(wanted.provider, &wanted.target, by_mode_bits);
    Ok(program::survey(wanted.provider, &wanted.search(), &wanted.target, &*access))
}

/// The directories from the root to `path`, then `path`.
#[must_use]
pub fn components(path: &Path) -> Vec<Component> {
    steps(path, Access::EXISTS).map(|check| component(&check.path)).collect()
}

/// Of a longer path, only this many steps are reported at each end: a tenant can make one of 2,000 levels, and the names of
/// all of them, from the root, are megabytes.
const STEPS_AT_EACH_END: usize = 50;

fn steps(path: &Path, access: Access) -> impl Iterator<Item = Check> {
    let all: Vec<Check> = checks_along(path, access).collect();
    let last = all.len().saturating_sub(STEPS_AT_EACH_END);
    let near_an_end = move |index| index < STEPS_AT_EACH_END || index >= last;
    all.into_iter().enumerate().filter(move |(index, _)| near_an_end(*index)).map(|(_, check)| check)
}

/// Does `work` with what asks as `target`: on a spawner's thread where the native start works, else here, by the mode bits.
///
/// # Errors
/// What `work` says; `SPAWN_FAILED` when the system gives no thread, or a file system of the target's does not answer.
pub(super) fn with_access<T: Send + 'static>(
    provider: &'static Provider,
    target: &Target,
    work: impl FnOnce(&dyn AccessCheck, &Proofs) -> Result<T> + Send + 'static,
) -> Result<T> {
    #[cfg(target_os = "linux")]
    if crate::sys::support::native_start().is_ok() {
        use super::spawner::{self, LIMIT_OF_JS};
        return spawner::answer(target.uid(), LIMIT_OF_JS, move |host| {
            work(&host.access_check(Some(provider)), &host.proofs)
        })?;
    }
    work(&*access_check(provider, target, false), &Proofs::default())
}

fn access_check(provider: &'static Provider, target: &Target, by_mode_bits: bool) -> Box<dyn AccessCheck> {
    match (by_mode_bits, target) {
        (false, Target::Same { .. }) => Box::new(OwnAccess),
        #[cfg(target_os = "linux")]
        (false, Target::Other(_)) if crate::sys::support::native_start().is_ok() => {
            Box::new(SpawnerAccess { provider })
        }
        _ => {
            // Only the spawner's own errors speak of the provider.
            let _ = provider;
            Box::new(ModeBits)
        }
    }
}

/// Asks as the target, by a child of the spawner's. Nothing else is done on its thread, which every start waits for.
#[cfg(target_os = "linux")]
struct SpawnerAccess {
    provider: &'static Provider,
}

#[cfg(target_os = "linux")]
impl AccessCheck for SpawnerAccess {
    fn first_obstacle(&self, target: &Target, checks: &[Check]) -> Result<Option<super::access::Obstacle>> {
        use super::spawner::{self, LIMIT};
        let (provider, asked, checks) = (self.provider, target.clone(), checks.to_vec());
        spawner::answer(target.uid(), LIMIT, move |host| {
            host.access_check(Some(provider)).first_obstacle(&asked, &checks)
        })?
    }
}

fn answer(question: &Question, target: &Target, access: &dyn AccessCheck) -> Result<Answer> {
    let mut checks: Vec<Check> = Vec::new();
    let asked = Path::new(&question.path);
    let real = real_path(asked).ok().filter(|real| real != asked);
    for path in real.as_deref().into_iter().chain([asked]) {
        checks.extend(steps(path, Access::from_bits_truncate(question.access)));
    }
    let obstacle = access.first_obstacle(target, &checks)?;
    let blocked = obstacle.and_then(|found| Some((checks.get(found.index)?, found.errno)));
    Ok(Answer {
        path: question.path.clone(),
        obstacle: blocked.map(|(check, errno)| Blocked { path: text(&check.path), errno }),
        components: checks.iter().map(|check| component(&check.path)).collect(),
    })
}

fn component(path: &Path) -> Component {
    let metadata = std::fs::metadata(path).ok();
    let kind = match &metadata {
        None => "missing",
        Some(metadata) if metadata.is_dir() => "directory",
        Some(metadata) if metadata.is_file() => "file",
        Some(_) => "other",
    };
    let (uid, gid, mode) = metadata.map_or((0, 0, 0), |it| (it.uid(), it.gid(), it.mode() & 0o7777));
    Component { path: text(path), kind, uid, gid, mode }
}

fn text(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::identity::{Identity, own};
    use std::os::unix::fs::{PermissionsExt, symlink};

    fn own_target() -> Target {
        Target::own()
    }

    fn ask(path: &Path, access: Access) -> Answer {
        let question = Question { path: text(path), access: access.bits() };
        let mut answers = inquire(&own_target(), &[question], false).expect("asked");
        answers.remove(0)
    }

    #[test]
    fn every_step_is_told_and_the_first_in_the_way_named() {
        let dir = tempfile::tempdir().expect("a directory");
        let here = real_path(dir.path()).expect("there");
        let file = here.join("file");
        std::fs::write(&file, "x").expect("ours");
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o640)).expect("ours");

        let fine = ask(&file, Access::READ_OK);
        assert_eq!(fine.obstacle, None);
        let last = fine.components.last().expect("the file");
        assert_eq!((last.kind, last.mode, last.uid), ("file", 0o640, own().0));
        assert_eq!(fine.components[0].path, "/");

        let missing = ask(&here.join("none/x"), Access::EXISTS).obstacle;
        assert_eq!(missing, Some(Blocked { path: text(&here.join("none")), errno: libc::ENOENT }));
        let no_program = ask(&file, Access::EXEC_OK).obstacle;
        assert_eq!(no_program, Some(Blocked { path: text(&file), errno: libc::EACCES }));
    }

    #[test]
    fn a_link_is_told_by_its_real_path_first() {
        let dir = tempfile::tempdir().expect("a directory");
        let here = real_path(dir.path()).expect("there");
        std::fs::create_dir(here.join("real")).expect("ours");
        symlink(here.join("real"), here.join("link")).expect("ours");
        let answer = ask(&here.join("link"), Access::READ_OK);
        let paths: Vec<_> = answer.components.iter().map(|it| it.path.clone()).collect();
        assert!(paths.contains(&text(&here.join("real"))) && paths.ends_with(&[text(&here.join("link"))]), "{paths:?}");
    }

    #[test]
    fn a_path_of_a_thousand_levels_is_told_by_its_ends() {
        let path = Path::new("/").join("d/".repeat(1000));
        let told = components(&path);
        let depths: Vec<usize> = told.iter().map(|it| it.path.matches('d').count()).collect();
        assert_eq!(depths, (0..50).chain(951..=1000).collect::<Vec<_>>());
    }

    #[test]
    fn mode_bits_answer_for_somebody_we_cannot_become() {
        let dir = tempfile::tempdir().expect("a directory");
        std::fs::set_permissions(dir.path(), std::fs::Permissions::from_mode(0o700)).expect("ours");
        let here = real_path(dir.path()).expect("there");
        let target = Target::Other(Identity { uid: own().0 + 77, gid: own().1 + 77, groups: vec![] });
        let question = Question { path: text(&here.join("x")), access: Access::READ_OK.bits() };
        let answers = inquire(&target, &[question], true).expect("asked");
        assert_eq!(answers[0].obstacle, Some(Blocked { path: text(&here), errno: libc::EACCES }));
    }
}
