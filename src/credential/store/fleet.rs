//! The sealed state that the hosts of a fleet exchange, under the fleet's lock, about a login of which each has its own
//! file.
//!
//! The text holds what the newest document has of the login, and digests of the refresh tokens that were used up on the
//! way to it: a host whose token is among them has been overtaken.

use data_encoding::HEXLOWER;
use sha2::{Digest as _, Sha256};

use super::document::Document;
use crate::error::{Error, ErrorCode, Result};
use crate::secret::lockbox::{Context, Lockbox, SealedColumns};
use crate::secret::{ExposeSecret, Secret};
use crate::sys::guarded::GuardedBytes;

/// The most used-up tokens that are remembered: a host that was away for longer compares expiries instead.
const MAX_SPENT: usize = 64;

const DIGEST_BYTES: usize = 16;

/// What the hosts of a fleet share: the keys, the name of the login, and what the last one left.
#[derive(Debug)]
pub struct Fleet<'a> {
    pub lockbox: &'a Lockbox,
    /// What the fleet calls the login.
    pub name: &'a str,
    /// What the last holder of the lock left, if anything.
    pub published: Option<&'a str>,
}

/// What the last holder of the lock left.
#[derive(Debug)]
pub struct Published {
    pub document: Document,
    /// Digests of refresh tokens that were used up, the newest last.
    pub spent: SpentTokens,
}

/// Digests of refresh tokens that were used up, the newest last.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SpentTokens(Vec<[u8; DIGEST_BYTES]>);

impl SpentTokens {
    #[must_use]
    pub fn has(&self, token: &Secret) -> bool {
        self.0.contains(&digest(token))
    }

    pub fn add(&mut self, token: &Secret) {
        if !self.has(token) {
            self.0.push(digest(token));
        }
        let surplus = self.0.len().saturating_sub(MAX_SPENT);
        self.0.drain(..surplus);
    }
}

fn digest(token: &Secret) -> [u8; DIGEST_BYTES] {
    let mut cut = [0; DIGEST_BYTES];
    cut.copy_from_slice(&Sha256::digest(token.expose_secret())[..DIGEST_BYTES]);
    cut
}

impl Fleet<'_> {
    /// Opens what the last holder of the lock left, if anything.
    ///
    /// # Errors
    /// `UNSEAL_FAILED` for what this lockbox did not seal for this login.
    pub fn read(&self) -> Result<Option<Published>> {
        let Some(text) = self.published else { return Ok(None) };
        let columns: SealedColumns = serde_json::from_str(text).map_err(|_| foreign())?;
        let opened = self.lockbox.open(&columns.as_row(), &self.context())?;
        let split = opened.expose_secret().iter().position(|byte| *byte == b'\n').ok_or_else(foreign)?;
        let (spent, document) = opened.expose_secret().split_at(split);
        let spent = HEXLOWER.decode(spent).map_err(|_| foreign())?;
        let spent = spent.chunks_exact(DIGEST_BYTES).filter_map(|chunk| chunk.try_into().ok()).collect();
        let document = Document::parse(GuardedBytes::copy_of(&document[1..])).ok_or_else(foreign)?;
        Ok(Some(Published { document, spent: SpentTokens(spent) }))
    }

    /// What is to be left for the next holder: these members of the document. The others may be larger than what a
    /// lockbox seals, and are not the fleet's.
    ///
    /// # Errors
    /// As [`Lockbox::seal`].
    pub fn write(&self, document: &Document, members: &[&str], spent: &SpentTokens) -> Result<String> {
        let document = document.subset(members).ok_or_else(foreign)?;
        let head = HEXLOWER.encode(&spent.0.concat());
        let secret = Secret::build(head.len() + 1 + document.bytes().len(), |bytes| {
            bytes[..head.len()].copy_from_slice(head.as_bytes());
            bytes[head.len()] = b'\n';
            bytes[head.len() + 1..].copy_from_slice(document.bytes());
            Ok::<_, Error>(())
        })?;
        let columns = SealedColumns::from(self.lockbox.seal(&secret, &self.context())?);
        serde_json::to_string(&columns).map_err(|_| foreign())
    }

    fn context(&self) -> Context<'_> {
        Context {
            tenant: "fleet",
            purpose: "provider-env-credential-store",
            extra: None,
            name: self.name,
            row_version: 1,
        }
    }
}

fn foreign() -> Error {
    let message = "The state that options.withLock passed was not written by a store of this login. Remove it from \
        where it is kept.";
    Error::new(ErrorCode::UnsealFailed, message)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secret::lockbox::MasterKey;

    #[test]
    fn what_is_left_is_found_by_its_name_alone() {
        let lockbox = Lockbox::new(vec![MasterKey::from_bytes(&[7; 32]).expect("a key")], false).expect("a lockbox");
        let token = |text: &str| Secret::copy_of(text.as_bytes());
        let mut spent = SpentTokens::default();
        for number in 0..100 {
            spent.add(&token(&format!("rt-{number}")));
        }
        let document = Document::parse(GuardedBytes::copy_of(b"{\"a\":1,\"b\":2}")).expect("an object");
        let fleet = |name, published| Fleet { lockbox: &lockbox, name, published };
        let text = fleet("one", None).write(&document, &["a"], &spent).expect("sealed");
        let read = fleet("one", Some(&text)).read().expect("opens").expect("there");
        assert_eq!((read.document.bytes(), &read.spent), (&b"{\"a\":1}"[..], &spent));
        assert!(read.spent.has(&token("rt-99")) && !read.spent.has(&token("rt-5")));
        assert_eq!(fleet("two", Some(&text)).read().expect_err("moved").code(), ErrorCode::UnsealFailed);
        for text in ["", "{}", "null"] {
            assert_eq!(fleet("one", Some(text)).read().expect_err(text).code(), ErrorCode::UnsealFailed);
        }
    }
}
