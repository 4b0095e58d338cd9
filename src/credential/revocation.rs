//! The credentials that no launch of this process may use, by fingerprint and for all threads.

use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use crate::error::{Error, ErrorCode, Result};
use crate::secret::Fingerprint;

/// The most that are remembered. A fingerprint has 32 bits, so with all of them in use one healthy credential in 65 536
/// would be refused for another's sake; what is revoked is never let through.
pub const MAX_REVOKED: usize = 1 << 16;

/// A set that costs one read of an atomic for as long as it is empty.
struct Revocations {
    limit: usize,
    /// False only while the set is empty. Written under the lock: who sees false has asked before `revoke` returned.
    any: AtomicBool,
    /// The set is made with the first revocation.
    set: RwLock<Option<HashSet<Fingerprint>>>,
}

static REVOCATIONS: Revocations = Revocations::new(MAX_REVOKED);

impl Revocations {
    const fn new(limit: usize) -> Self {
        Self { limit, any: AtomicBool::new(false), set: RwLock::new(None) }
    }

    fn read(&self) -> RwLockReadGuard<'_, Option<HashSet<Fingerprint>>> {
        self.set.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Option<HashSet<Fingerprint>>> {
        self.set.write().unwrap_or_else(PoisonError::into_inner)
    }

    fn revoke(&self, fingerprint: Fingerprint) -> Result<()> {
        let mut set = self.write();
        let set = set.get_or_insert_default();
        if set.len() >= self.limit && !set.contains(&fingerprint) {
            return Err(full(self.limit));
        }
        self.insert_into(set, fingerprint);
        Ok(())
    }

    fn insert(&self, fingerprint: Fingerprint) {
        self.insert_into(self.write().get_or_insert_default(), fingerprint);
    }

    fn insert_into(&self, set: &mut HashSet<Fingerprint>, fingerprint: Fingerprint) {
        set.insert(fingerprint);
        self.any.store(true, Ordering::SeqCst);
    }

    fn restore(&self, fingerprint: Fingerprint) -> bool {
        let mut set = self.write();
        let Some(set) = set.as_mut() else { return false };
        let was_revoked = set.remove(&fingerprint);
        self.any.store(!set.is_empty(), Ordering::SeqCst);
        was_revoked
    }

    fn is_revoked(&self, fingerprint: Fingerprint) -> bool {
        self.any.load(Ordering::SeqCst) && self.read().as_ref().is_some_and(|set| set.contains(&fingerprint))
    }
}

/// Makes every launch fail that uses a credential of this fingerprint from now on, and for no other: [`super::login_tokens`]
/// does so for logins. Idempotent.
///
/// # Errors
/// `UNSUPPORTED` when [`MAX_REVOKED`] others are revoked already.
pub(super) fn revoke(fingerprint: Fingerprint) -> Result<()> {
    REVOCATIONS.revoke(fingerprint)
}

/// The same for another token of a login that was revoked: of those there is always room for one more, as none may be let
/// through. Their number grows with the refreshes of revoked logins alone.
pub(super) fn revoke_with_its_login(fingerprint: Fingerprint) {
    REVOCATIONS.insert(fingerprint);
}

/// Whether a credential of this fingerprint was revoked.
#[must_use]
pub fn is_revoked(fingerprint: Fingerprint) -> bool {
    REVOCATIONS.is_revoked(fingerprint)
}

/// Undoes a revocation. Returns whether there was one.
pub(super) fn restore(fingerprint: Fingerprint) -> bool {
    REVOCATIONS.restore(fingerprint)
}

/// Refuses the credential that has this fingerprint, where it was revoked.
///
/// # Errors
/// `CREDENTIAL_REVOKED`.
pub fn check(fingerprint: Fingerprint) -> Result<()> {
    if REVOCATIONS.is_revoked(fingerprint) { Err(revoked(fingerprint)) } else { Ok(()) }
}

#[cold]
fn revoked(fingerprint: Fingerprint) -> Error {
    let message = format!(
        "The credential with the fingerprint {fingerprint} was revoked in this process. Pass the credential that \
        replaced it, or call restore() if it was revoked by mistake."
    );
    Error::new(ErrorCode::CredentialRevoked, message)
}

#[cold]
fn full(limit: usize) -> Error {
    let message = format!(
        "This process has revoked {limit} credentials and cannot remember any more. Restart the \
        worker."
    );
    Error::new(ErrorCode::Unsupported, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn print(name: &str) -> Fingerprint {
        Fingerprint::of(name.as_bytes()).expect("random")
    }

    #[test]
    fn revoked_until_it_is_restored() {
        let all = Revocations::new(9);
        let (one, two) = (print("one"), print("two"));
        assert!(!all.is_revoked(one) && !all.restore(one));
        all.revoke(one).and_then(|()| all.revoke(one)).expect("room");
        assert_eq!([all.is_revoked(one), all.is_revoked(two)], [true, false]);
        assert_eq!([all.restore(two), all.restore(one), all.restore(one)], [false, true, false]);
        assert!(!all.is_revoked(one) && !all.any.load(Ordering::SeqCst));
    }

    #[test]
    fn their_number_is_bounded_and_none_is_forgotten() {
        let all = Revocations::new(2);
        let prints = ["a", "b", "c"].map(print);
        assert!(all.revoke(prints[0]).is_ok() && all.revoke(prints[1]).is_ok() && all.revoke(prints[1]).is_ok());
        let error = all.revoke(prints[2]).expect_err("full");
        assert_eq!(error.code(), ErrorCode::Unsupported);
        assert_eq!(prints.map(|print| all.is_revoked(print)), [true, true, false]);
    }

    #[test]
    fn who_asks_after_revoke_has_returned_sees_it() {
        use std::sync::atomic::AtomicUsize;
        const ROUNDS: usize = 2000;
        let all = Revocations::new(ROUNDS);
        let prints: Vec<Fingerprint> = (0..ROUNDS).map(|round| print(&round.to_string())).collect();
        let returned = AtomicUsize::new(0);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                for (index, print) in prints.iter().enumerate() {
                    all.revoke(*print).expect("room");
                    returned.store(index + 1, Ordering::SeqCst);
                }
            });
            for _ in 0..2 {
                scope.spawn(|| {
                    while returned.load(Ordering::SeqCst) < ROUNDS {
                        let so_far = returned.load(Ordering::SeqCst);
                        if let Some(last) = so_far.checked_sub(1) {
                            assert!(all.is_revoked(prints[last]), "{last}");
                        }
                    }
                });
            }
        });
    }

    #[test]
    fn a_launch_is_told_the_fingerprint_and_what_to_do() {
        let mine = print("of this test alone");
        revoke(mine).expect("room");
        let error = check(mine).expect_err("revoked");
        assert_eq!(error.code(), ErrorCode::CredentialRevoked);
        assert!(error.to_string().contains(&mine.to_string()));
        assert!(restore(mine) && check(mine).is_ok());
    }
}
