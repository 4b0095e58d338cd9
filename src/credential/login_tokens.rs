//! The tokens that one stored login has used in this process. Revoking one of them revokes all, including later ones.
//!
//! A login goes on by itself: each refresh brings another token, by this process, by another one or by the CLI.
//! Revoking one token would hold for some hours. What the file says of itself decides nothing: whoever writes it may be
//! the one from whom the login is taken away.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::revocation;
use crate::error::{Error, ErrorCode, Result};
use crate::secret::Fingerprint;

/// The most tokens of a login that are remembered: of years of refreshes. One more is refused, as one that was
/// forgotten would not be revoked with the others.
const MAX_TOKENS: usize = 1 << 16;

/// How many logins are remembered of which there is neither a store nor an environment any more.
const MAX_LOGINS: usize = 1 << 14;

/// The logins by the paths of their files.
static LOGINS: Mutex<Option<HashMap<PathBuf, Arc<LoginTokens>>>> = Mutex::new(None);

/// The fingerprints of the tokens that one login has had, and whether it is revoked.
#[derive(Debug, Default)]
pub struct LoginTokens(Mutex<Known>);

#[derive(Debug, Default)]
struct Known {
    tokens: HashSet<Fingerprint>,
    is_revoked: bool,
}

impl LoginTokens {
    /// Those of the login in the file with this path, for all stores of it.
    #[must_use]
    pub fn of(file: &Path) -> Arc<Self> {
        let mut all = logins();
        let all = all.get_or_insert_default();
        if all.len() >= MAX_LOGINS {
            all.retain(|_, login| Arc::strong_count(login) > 1 || login.known().is_revoked);
        }
        // Without `.` and doubled slashes.
        Arc::clone(all.entry(file.components().collect()).or_default())
    }

    /// Adds a token, before anything can be launched with it. Where the login is revoked, it is as well.
    ///
    /// # Errors
    /// `UNSUPPORTED` when the login has had as many others as are remembered.
    pub fn add(&self, token: Fingerprint) -> Result<()> {
        self.add_within(MAX_TOKENS, token)
    }

    fn add_within(&self, limit: usize, token: Fingerprint) -> Result<()> {
        let mut known = self.known();
        if known.tokens.len() >= limit && !known.tokens.contains(&token) {
            return Err(full(limit));
        }
        known.tokens.insert(token);
        if known.is_revoked {
            revocation::revoke_with_its_login(token);
        } else if revocation::is_revoked(token) {
            // When no store here had it: as text, or by its handle.
            known.is_revoked = true;
            known.tokens.iter().for_each(|token| revocation::revoke_with_its_login(*token));
        }
        Ok(())
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cold]
fn full(limit: usize) -> Error {
    let message = format!(
        "This stored login has used {limit} tokens in this process, which cannot remember any more. Restart the worker."
    );
    Error::new(ErrorCode::Unsupported, message)
}

fn logins() -> MutexGuard<'static, Option<HashMap<PathBuf, Arc<LoginTokens>>>> {
    LOGINS.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The logins that have had this token, with those that have had another one of theirs: the same file by other paths.
fn having(token: Fingerprint) -> (Vec<Arc<LoginTokens>>, HashSet<Fingerprint>) {
    let all = logins();
    let mut others: Vec<_> = all.iter().flat_map(HashMap::values).cloned().collect();
    let (mut found, mut tokens) = (Vec::new(), HashSet::from([token]));
    loop {
        let is_one = |login: &Arc<LoginTokens>| login.known().tokens.iter().any(|token| tokens.contains(token));
        let (more, rest): (Vec<_>, Vec<_>) = others.into_iter().partition(is_one);
        if more.is_empty() {
            return (found, tokens);
        }
        more.iter().for_each(|login| tokens.extend(&login.known().tokens));
        found.extend(more);
        others = rest;
    }
}

/// Makes every launch fail that uses a credential of this fingerprint from now on, or for another token of the same
/// login. Returns all that are revoked by it.
///
/// # Errors
/// `UNSUPPORTED` when as many others are revoked already as are remembered.
pub fn revoke(token: Fingerprint) -> Result<Vec<Fingerprint>> {
    revocation::revoke(token)?;
    let (logins, mut tokens) = having(token);
    for login in logins {
        let mut known = login.known();
        known.is_revoked = true;
        // Some may have come since they were looked for.
        tokens.extend(&known.tokens);
        known.tokens.iter().for_each(|token| revocation::revoke_with_its_login(*token));
    }
    Ok(tokens.into_iter().collect())
}

/// Undoes a revocation, for the whole login. Returns whether there was one.
pub fn restore(token: Fingerprint) -> bool {
    let (logins, _) = having(token);
    let was_revoked = revocation::restore(token);
    for login in logins {
        let mut known = login.known();
        known.is_revoked = false;
        for other in known.tokens.iter().filter(|other| **other != token) {
            revocation::restore(*other);
        }
    }
    was_revoked
}

#[cfg(test)]
mod tests {
    use super::*;

    fn print(name: &str) -> Fingerprint {
        Fingerprint::of(name.as_bytes()).expect("random")
    }

    fn are_revoked<const N: usize>(tokens: [Fingerprint; N]) -> [bool; N] {
        tokens.map(revocation::is_revoked)
    }

    fn login(file: &str) -> Arc<LoginTokens> {
        LoginTokens::of(Path::new(file))
    }

    #[test]
    fn a_revoked_login_stays_revoked_whatever_token_it_has() {
        let one_login = login("/a test's/revoked.json");
        let (one, two, three) = (print("line 1"), print("line 2"), print("line 3"));
        one_login.add(one).and_then(|()| one_login.add(two)).expect("room");
        // By the older one, which may be what was launched with hours ago.
        let revoked: HashSet<_> = revoke(one).expect("room").into_iter().collect();
        assert_eq!(revoked, HashSet::from([one, two]));
        drop(one_login);
        login("/a test's/./revoked.json").add(three).expect("room");
        let foreign = print("of another file");
        login("/a test's/other.json").add(foreign).expect("room");
        assert_eq!(are_revoked([one, two, three, foreign]), [true, true, true, false]);
        assert!(restore(two) && !restore(two));
        assert_eq!(are_revoked([one, two, three]), [false; 3]);
        let four = print("line 4");
        login("/a test's/revoked.json").add(four).expect("room");
        assert_eq!(are_revoked([four]), [false]);
    }

    #[test]
    fn by_all_its_paths_until_it_is_restored_by_any() {
        let [given, real, other] = ["given", "real", "other"].map(|name| login(&format!("/a test's/{name}.json")));
        let [one, two, three, later] = ["path 1", "path 2", "path 3", "path 4"].map(print);
        for (logins, token) in [([&given, &real], one), ([&other, &real], two), ([&other, &other], three)] {
            logins.iter().for_each(|login| login.add(token).expect("room"));
        }
        revoke(one).expect("room");
        assert_eq!(are_revoked([one, two, three]), [true; 3]);
        restore(three);
        [given, real, other].iter().for_each(|login| login.add(later).expect("room"));
        assert_eq!(are_revoked([one, two, three, later]), [false; 4]);
    }

    #[test]
    fn a_token_that_was_revoked_before_a_store_had_it() {
        let (one, two) = (print("early 1"), print("early 2"));
        revoke(one).expect("room");
        let login = login("/a test's/early.json");
        login.add(one).and_then(|()| login.add(two)).expect("room");
        assert_eq!(are_revoked([one, two]), [true, true]);
    }

    #[test]
    fn no_token_is_forgotten() {
        let flooded = login("/a test's/flood.json");
        let [first, second, third] = ["flood 1", "flood 2", "flood 3"].map(print);
        let mut add = |token| flooded.add_within(2, token).map_err(|error| error.code());
        assert_eq!([first, second, third, first].map(&mut add), [Ok(()), Ok(()), Err(ErrorCode::Unsupported), Ok(())]);
        revoke(first).expect("room");
        assert_eq!(are_revoked([first, second]), [true, true]);
    }
}
