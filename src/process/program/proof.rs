//! Remembers what was proved, for as long as nothing that the proof rests on has changed.
//!
//! A proof costs a short-lived process; looking at the components again costs a few `stat`s.

use std::collections::HashMap;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use super::super::access::Check;
use super::super::identity::Target;
use super::found::Program;

/// More targets than this at once are a worker's whole fleet; then it starts anew.
const CAPACITY: usize = 1024;

/// The proofs of this process.
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
    stamps: Vec<(PathBuf, Stamp)>,
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
        let holds = proof.stamps.iter().all(|(path, stamp)| Stamp::of(path).as_ref() == Some(stamp));
        holds.then(|| proof.program.clone())
    }

    pub fn remember(&self, program: &Program, checks: &[Check], target: &Target, path: &str) {
        let found_at = program.found_at.as_path();
        let is_known = checks.iter().any(|check| check.path == found_at);
        let paths = checks.iter().map(|check| check.path.as_path()).chain((!is_known).then_some(found_at));
        let stamps: Option<Vec<_>> = paths.map(|path| Some((path.to_owned(), Stamp::of(path)?))).collect();
        let Some(stamps) = stamps else { return };
        let mut proofs = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if proofs.len() >= CAPACITY {
            proofs.clear();
        }
        let key = Key { found_at: program.found_at.clone(), target: target.clone(), path: path.into() };
        proofs.insert(key, Arc::new(Proof { program: program.clone(), stamps }));
    }

    /// Forgets everything: `execve` has contradicted a proof.
    pub fn forget(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
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
