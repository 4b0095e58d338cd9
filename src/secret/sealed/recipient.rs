//! The opening side of sealed secrets: a worker's key pair, and the sealed secrets that it has opened and used.

use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use super::binding::Binding;
use super::envelope::{Envelope, unix_millis};
use super::replays::{Replays, SealedId};
use super::suite::{self, PRIVATE_KEY_BYTES, PUBLIC_KEY_BYTES};
use crate::error::{Error, ErrorCode, Result};
use crate::secret::Secret;

/// How long a sealed secret is good for unless the caller says otherwise.
pub const DEFAULT_MAX_AGE: Duration = Duration::from_secs(5 * 60);
pub const MIN_MAX_AGE: Duration = Duration::from_secs(1);
pub const MAX_MAX_AGE: Duration = Duration::from_secs(60 * 60);

/// A key pair whose private half stays in here, and the memory that keeps a sealed secret from being used twice.
///
/// Key and memory live and die together: what was sealed to a recipient that is gone opens nowhere, so nothing has to
/// be remembered across a restart.
pub struct Recipient {
    private_key: Secret,
    public_key: [u8; PUBLIC_KEY_BYTES],
    replays: Mutex<Replays>,
}

impl Recipient {
    /// Makes a new key pair. `max_age` is how long a secret sealed to it can be used.
    ///
    /// # Errors
    /// `INVALID_ARG_VALUE` for an age outside [`MIN_MAX_AGE`] to [`MAX_MAX_AGE`], `INTERNAL` when the system has no
    /// randomness.
    pub fn generate(max_age: Duration) -> Result<Self> {
        Self::from_private_key(Secret::random(PRIVATE_KEY_BYTES)?, max_age)
    }

    /// The recipient of a known private key, for test vectors: in use, keys are made and die in here.
    ///
    /// # Errors
    /// `INVALID_ARG_VALUE` for a key that is not 32 bytes, and for the age as in [`Recipient::generate`].
    pub fn from_private_key(private_key: Secret, max_age: Duration) -> Result<Self> {
        if !(MIN_MAX_AGE..=MAX_MAX_AGE).contains(&max_age) {
            return Err(Error::new(ErrorCode::InvalidArgValue, IMPOSSIBLE_AGE).name("maxAgeMs"));
        }
        let public_key = suite::public_key(&private_key).map_err(|_| {
            Error::new(ErrorCode::InvalidArgValue, "A private key must be 32 bytes.").name("privateKey")
        })?;
        // At most an hour, so that it fits.
        let max_age = max_age.as_millis() as u64;
        Ok(Self { private_key, public_key, replays: Mutex::new(Replays::new(max_age)) })
    }

    /// What others seal to. It is no secret, but it must reach them unchanged.
    #[must_use]
    pub fn public_key(&self) -> [u8; PUBLIC_KEY_BYTES] {
        self.public_key
    }

    /// Opens a sealed text for this use. It can be opened again until its ticket is given to [`Recipient::commit`].
    ///
    /// # Errors
    /// `UNSEAL_FAILED`, with one text for whatever kept it from opening, so that the text teaches an attacker nothing;
    /// `INVALID_ARG_VALUE` for an impossible binding, `UNSUPPORTED` for an impossible clock.
    pub fn open(&self, text: &[u8], binding: &Binding, now: SystemTime) -> Result<Opened> {
        let info = binding.info()?;
        let now = unix_millis(now)?;
        let bytes = Envelope::decode(text).ok_or_else(does_not_open)?;
        let Envelope { enc, issued_at, ciphertext, tag } = Envelope::split(&bytes).ok_or_else(does_not_open)?;
        let secret =
            suite::decrypt(&self.private_key, enc, &info, issued_at, ciphertext, tag).map_err(|_| does_not_open())?;

        let identity = SealedId { issued_at: u64::from_be_bytes(*issued_at), enc: *enc };
        self.replays().check(&identity, now)?;
        Ok(Opened { secret, ticket: Ticket { identity, recipient: self.public_key } })
    }

    /// Refuses it where the kernel refused a protection of the memory that its private key is in.
    ///
    /// # Errors
    /// `MEMORY_UNPROTECTED`.
    pub fn require_protection(&self) -> Result<()> {
        self.private_key.require_protection()
    }

    /// Marks what was opened as used, so that it does not open again: all tickets of one request together, once
    /// nothing else can refuse it and before a secret is put to use. Without this a text opens any number of times.
    ///
    /// # Errors
    /// `UNSEAL_FAILED` when one of them was used or became too old meanwhile, or when no more can be remembered; then
    /// none is marked. `INTERNAL` for a ticket of another recipient.
    pub fn commit(&self, tickets: impl IntoIterator<Item = Ticket>, now: SystemTime) -> Result<()> {
        let now = unix_millis(now)?;
        let mut identities = Vec::new();
        for ticket in tickets {
            if ticket.recipient != self.public_key {
                return Err(Error::new(
                    ErrorCode::Internal,
                    "A ticket was passed to a recipient that did not issue it.",
                ));
            }
            identities.push(ticket.identity);
        }
        self.replays().commit(&identities, now)
    }

    fn replays(&self) -> MutexGuard<'_, Replays> {
        self.replays.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Recipient {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Recipient").finish_non_exhaustive()
    }
}

/// A secret that was opened and is not yet used.
#[derive(Debug)]
#[must_use = "the ticket marks the text as used; without that it opens again"]
pub struct Opened {
    pub secret: Secret,
    /// What [`Recipient::commit`] takes, to mark the text as used.
    pub ticket: Ticket,
}

/// One opening of one text. There is one way to spend it, [`Recipient::commit`]; dropped, the text opens again.
#[must_use = "a ticket marks its text as used when it is given to `Recipient::commit`"]
pub struct Ticket {
    identity: SealedId,
    recipient: [u8; PUBLIC_KEY_BYTES],
}

impl fmt::Debug for Ticket {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Ticket").finish_non_exhaustive()
    }
}

const IMPOSSIBLE_AGE: &str = "A sealed secret's maximum age must be from one second to one hour.";

fn does_not_open() -> Error {
    let message = "A sealed secret does not open. Check that it was sealed to this worker's recipient, for the same \
        workspace, field, request and credentialOwner, and that it arrived unchanged.";
    Error::new(ErrorCode::UnsealFailed, message)
}
