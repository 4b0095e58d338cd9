//! Caches proofs about a program for as long as the files that they depend on do not change.
//!
//! A proof costs a short-lived process; looking at the components again costs a few `stat`s.

use std::collections::HashMap;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use super::super::identity::Target;
use super::found::{Program, Proved};
use crate::sys::real_path::real_path;

/// The limit of targets, which is more than a worker has at the same time. Beyond it, the cache is emptied.
const CAPACITY: usize = 1024;

/// What was proved of programs, for as long as their files and the way to them stay as they are.
#[derive(Debug, Default)]
pub struct Proofs(Mutex<HashMap<Key, Arc<Proof>>>);

#[derive(Debug, PartialEq, Eq, Hash)]
struct Key {
    found_at: PathBuf,
    target: Target,
    path: String,
}

#[derive(Debug)]
struct Proof {
    program: Program,
    /// None: there was nothing of that name.
    stamps: Vec<(PathBuf, Option<Stamp>)>,
}

/// What a change of a file shows in.
#[derive(Debug, PartialEq, Eq)]
struct Stamp {
    device: u64,
    inode: u64,
    mode: u32,
    owner: (u32, u32),
    /// Of files only: a directory's changes with every entry. A changed ACL of a directory goes unseen here, and is
    /// found by `execve`.
    changed: Option<(i64, i64)>,
}

impl Proofs {
    /// The program that was proved for this target, if nothing has changed since.
    pub fn known(&self, found_at: &Path, target: &Target, path: &str) -> Option<Program> {
        let key = Key { found_at: found_at.into(), target: target.clone(), path: path.into() };
        // Not under the lock: a file system of one tenant's may take its time.
        let proof = Arc::clone(self.0.lock().unwrap_or_else(PoisonError::into_inner).get(&key)?);
        let holds = proof.stamps.iter().all(|(path, stamp)| Stamp::of(path) == *stamp);
        holds.then(|| proof.program.clone())
    }

    /// Remembers a proof, and returns its program.
    pub fn remember(&self, proved: Proved, target: &Target, path: &str) -> Program {
        let stamps = stamps(&proved);
        let program = proved.program;
        let Some(stamps) = stamps else { return program };
        let key = Key { found_at: program.found_at.clone(), target: target.clone(), path: path.into() };
        let mut proofs = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if proofs.len() >= CAPACITY {
            proofs.clear();
        }
        proofs.insert(key, Arc::new(Proof { program: program.clone(), stamps }));
        program
    }

    /// Forgets everything: `execve` has contradicted a proof.
    pub fn forget(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}

/// What the proof rests on: all that was checked, and every manifest with the way to it; none where something of what was
/// checked is gone.
fn stamps(proved: &Proved) -> Option<Vec<(PathBuf, Option<Stamp>)>> {
    let checked = proved.checks.iter().map(|check| check.path.as_path()).chain([proved.program.found_at.as_path()]);
    let mut stamps: Vec<(PathBuf, Option<Stamp>)> = Vec::new();
    for path in checked {
        if !stamps.iter().any(|(stamped, _)| stamped == path) {
            stamps.push((path.to_owned(), Some(Stamp::of(path)?)));
        }
    }
    for manifest in &proved.manifests {
        let real = real_path(manifest).ok();
        let way = real.iter().flat_map(|real| real.ancestors()).chain(real.iter().flat_map(|_| manifest.ancestors()));
        for path in way.chain([manifest.as_path()]) {
            if !stamps.iter().any(|(stamped, _)| stamped == path) {
                stamps.push((path.to_owned(), Stamp::of(path)));
            }
        }
    }
    Some(stamps)
}

impl Stamp {
    /// Does not follow a symlink: a changed one is a change.
    fn of(path: &Path) -> Option<Self> {
        let metadata = std::fs::symlink_metadata(path).ok()?;
        Some(Self {
            device: metadata.dev(),
            inode: metadata.ino(),
            mode: metadata.mode(),
            owner: (metadata.uid(), metadata.gid()),
            changed: (!metadata.is_dir()).then(|| (metadata.ctime(), metadata.ctime_nsec())),
        })
    }
}
