//! The tokens that one stored login has had in this process: what is revoked of one is revoked of all, also of those to come.
//!
//! A login goes on by itself: each refresh brings another token, by this process, by another one or by the CLI. Revoking
//! one token would hold for some hours.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::revocation;
use crate::error::Result;
use crate::secret::Fingerprint;

/// The most tokens of a login that are remembered: those of a week and more.
const MAX_TOKENS: usize = 64;

/// How many logins are remembered whose stores are gone.
const MAX_LOGINS: usize = 1 << 14;

/// A digest of what tells the account that a login is for from any other.
pub type Account = [u8; 32];

/// By the path of the login's file.
static LINEAGES: Mutex<Option<HashMap<String, Arc<Lineage>>>> = Mutex::new(None);

/// One login's.
#[derive(Debug, Default)]
pub struct Lineage(Mutex<Line>);

#[derive(Debug, Default)]
struct Line {
    /// The newest last.
    tokens: Vec<Fingerprint>,
    is_revoked: bool,
    account: Option<Account>,
}

impl Lineage {
    /// That of the login in this file, for all stores of it.
    #[must_use]
    pub fn of(file: &str) -> Arc<Self> {
        let mut all = lineages();
        let all = all.get_or_insert_default();
        if all.len() >= MAX_LOGINS {
            all.retain(|_, lineage| Arc::strong_count(lineage) > 1 || lineage.line().is_revoked);
        }
        Arc::clone(all.entry(file.to_owned()).or_default())
    }

    /// Adds a token, before anything can be launched with it. One of another account is another login; where no account
    /// is named, nobody can tell a refresh from a new login, and what was revoked stays so.
    pub fn add(&self, token: Fingerprint, account: Option<Account>) {
        let mut line = self.line();
        let is_another = line.account.zip(account).is_some_and(|(known, new)| known != new);
        if is_another {
            *line = Line::default();
        }
        line.account = account.or(line.account);
        if !line.tokens.contains(&token) {
            line.tokens.push(token);
        }
        let surplus = line.tokens.len().saturating_sub(MAX_TOKENS);
        line.tokens.drain(..surplus);
        // A token that was revoked when no store here had it: as text, or by its handle.
        line.is_revoked |= revocation::is_revoked(token);
        if line.is_revoked {
            line.tokens.iter().for_each(|token| revocation::revoke_with_its_login(*token));
        }
    }

    /// Forgets what went before: somebody has put a key there, which is no token of this login.
    pub fn end(&self) {
        *self.line() = Line::default();
    }

    fn line(&self) -> MutexGuard<'_, Line> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn lineages() -> MutexGuard<'static, Option<HashMap<String, Arc<Lineage>>>> {
    LINEAGES.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Those of the logins that have had this token.
fn having(token: Fingerprint) -> Vec<Arc<Lineage>> {
    let all = lineages();
    all.iter().flat_map(HashMap::values).filter(|lineage| lineage.line().tokens.contains(&token)).cloned().collect()
}

/// Makes every launch fail that asks for a credential of this fingerprint from now on, or for another token of the same
/// login. Returns all that are revoked by it.
///
/// # Errors
/// `UNSUPPORTED` when as many others are revoked already as are remembered.
pub fn revoke(token: Fingerprint) -> Result<Vec<Fingerprint>> {
    revocation::revoke(token)?;
    let mut revoked = vec![token];
    for lineage in having(token) {
        let mut line = lineage.line();
        line.is_revoked = true;
        for other in line.tokens.iter().filter(|other| **other != token) {
            revocation::revoke_with_its_login(*other);
            revoked.push(*other);
        }
    }
    Ok(revoked)
}

/// Undoes a revocation, for the whole login. Returns whether there was one.
pub fn restore(token: Fingerprint) -> bool {
    for lineage in having(token) {
        let mut line = lineage.line();
        line.is_revoked = false;
        for other in line.tokens.iter().filter(|other| **other != token) {
            revocation::restore(*other);
        }
    }
    revocation::restore(token)
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

    #[test]
    fn a_revoked_login_stays_revoked_whatever_token_it_has() {
        let login = Lineage::of("/a test's/revoked.json");
        let (one, two, three) = (print("line 1"), print("line 2"), print("line 3"));
        login.add(one, None);
        login.add(two, None);
        // By the older one, which may be what was launched with hours ago.
        assert_eq!(revoke(one).expect("room"), [one, two]);
        drop(login);
        Lineage::of("/a test's/revoked.json").add(three, None);
        let foreign = print("of another file");
        Lineage::of("/a test's/other.json").add(foreign, None);
        assert_eq!(are_revoked([one, two, three, foreign]), [true, true, true, false]);
        assert!(restore(two) && !restore(two));
        assert_eq!(are_revoked([one, two, three]), [false; 3]);
    }

    #[test]
    fn another_account_or_a_key_is_another_login() {
        let login = Lineage::of("/a test's/account.json");
        let (one, same, other) = (print("account 1"), print("account 1, refreshed"), print("account 2"));
        login.add(one, Some([1; 32]));
        revoke(one).expect("room");
        login.add(same, Some([1; 32]));
        login.add(other, Some([2; 32]));
        assert_eq!(are_revoked([one, same, other]), [true, true, false]);
        login.end();
        revoke(one).expect("room");
        assert_eq!(are_revoked([one, other]), [true, false]);
    }

    #[test]
    fn a_token_that_was_revoked_before_a_store_had_it() {
        let (one, two) = (print("early 1"), print("early 2"));
        revoke(one).expect("room");
        let login = Lineage::of("/a test's/early.json");
        login.add(one, None);
        login.add(two, None);
        assert_eq!(are_revoked([one, two]), [true, true]);
    }
}
