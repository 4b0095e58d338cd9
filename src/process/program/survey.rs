//! Lists every candidate with its result for a diagnosis, while a start uses the first one that passes.

use std::cell::Cell;
use std::path::PathBuf;

use super::image::MAX_LOOKS;
use super::{AccessCheck, FoundBy, Program, Search, Target, candidates, leads_to, prove};
use crate::error::Error;
use crate::provider::{Companion, Provider};

/// The limit of candidates: more of them on one `PATH` would show nothing new.
const MAX_CANDIDATES: usize = 16;

/// One place where the program is.
#[derive(Debug)]
pub struct Candidate {
    pub found_at: PathBuf,
    pub found_by: FoundBy,
    /// What it leads to, if anything.
    pub path: Option<PathBuf>,
    /// The proved program, or why the target cannot run it.
    pub outcome: Result<Program, Error>,
    /// The files that must be beside the program, as far as they are there.
    pub companions: Vec<Companion>,
    /// The files that state its version, as far as they exist.
    pub manifests: Vec<PathBuf>,
}

/// Looks at every candidate, in the order in which a start does.
pub fn survey(
    provider: &'static Provider,
    search: &Search<'_>,
    target: &Target,
    access: &dyn AccessCheck,
) -> Vec<Candidate> {
    let all = candidates::all(provider, search).take(MAX_CANDIDATES);
    let looks = Cell::new(MAX_LOOKS);
    all.map(|(found_at, found_by)| {
        let path = leads_to(provider, &found_at).ok();
        let outcome = prove(provider, search, (&found_at, found_by), target, access, &looks);
        let manifests = outcome.as_ref().map(|proved| proved.manifests.clone()).unwrap_or_default();
        let outcome = outcome.map(|proved| proved.program).map_err(|refusal| refusal.error);
        let directory = path.as_deref().and_then(|path| path.parent());
        let beside = provider.cli.companions.iter().filter(|row| {
            directory.is_some_and(|directory| std::fs::exists(directory.join(row.path)).unwrap_or(false))
        });
        let companions = beside.copied().collect();
        let manifests = manifests.into_iter().filter(|manifest| manifest.is_file()).collect();
        Candidate { found_at, found_by, path, outcome, companions, manifests }
    })
    .collect()
}
