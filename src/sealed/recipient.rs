//! A worker's key pair, and how it opens what was sealed for it.

use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use hpke::aead::AeadTag;
use hpke::{Deserializable, OpModeR, Serializable};

use super::envelope::{self, Envelope};
use super::replay::{Replays, Ticket};
use super::seal::PublicKey;
use super::{Aead, Binding, CIPHER_STACK_BYTES, Kdf, Kem};
use crate::error::{Error, ErrorCode, Result};
use crate::secret::Secret;

/// How old a sealed secret may be, where nothing else is said.
pub const DEFAULT_MAX_AGE: Duration = Duration::from_secs(5 * 60);
/// What may be said.
const MAX_AGES: std::ops::RangeInclusive<Duration> = Duration::from_secs(1)..=Duration::from_secs(60 * 60);
/// How far the sender's clock may be ahead: they mostly share one.
const MAX_SKEW: Duration = Duration::from_secs(60);

/// A key pair. The private half is in guarded memory, and on the stack only while something is opened.
pub struct Recipient {
    private_key: Secret,
    public_key: PublicKey,
    max_age: Duration,
    replays: Mutex<Replays>,
}

/// An opened secret, and the ticket by which it counts as used.
#[derive(Debug)]
#[must_use]
pub struct Opened {
    /// What was sealed.
    pub secret: Secret,
    /// To be handed to [`Recipient::commit`] when the request has come to something. Until then it may come again.
    pub ticket: Ticket,
}

impl fmt::Debug for Recipient {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Recipient({})", self.public_key.to_text())
    }
}

impl Recipient {
    /// Makes a key pair. What is sealed for it opens while it is no older than `max_age`.
    ///
    /// # Errors
    /// `ERR_INVALID_ARG_VALUE` for an age below a second or above an hour; `INTERNAL` where the system has no randomness.
    pub fn generate(max_age: Duration) -> Result<Self> {
        if !MAX_AGES.contains(&max_age) {
            let message = "options.maxAgeMs must be a number of milliseconds from 1000 to 3600000.";
            return Err(Error::new(ErrorCode::InvalidArgValue, message).name("maxAgeMs"));
        }
        let private_key = Secret::build(32, getrandom::fill).map_err(|_| {
            Error::new(ErrorCode::Internal, "The system gave no random bytes, so no key pair can be made.")
        })?;
        Self::from_private_key(private_key, max_age)
    }

    /// The key pair of a private key of 32 bytes.
    pub(super) fn from_private_key(private_key: Secret, max_age: Duration) -> Result<Self> {
        let public_key = derive_public_key(&private_key);
        zeroize::zeroize_stack::<CIPHER_STACK_BYTES>();
        Ok(Self { private_key, public_key: public_key?, max_age, replays: Mutex::default() })
    }

    /// The public half.
    #[must_use]
    pub fn public_key(&self) -> PublicKey {
        self.public_key
    }

    /// Opens a sealed secret.
    ///
    /// # Errors
    /// `UNSEAL_FAILED`, with one text for everything that is wrong before it has opened; `ERR_INVALID_ARG_VALUE` for a
    /// binding that cannot be.
    pub fn open(&self, text: &[u8], binding: &Binding<'_>, now: SystemTime) -> Result<Opened> {
        let info = binding.info()?;
        let bytes = envelope::decode(text).ok_or_else(does_not_open)?;
        let envelope = Envelope::parse(&bytes).ok_or_else(does_not_open)?;
        let secret = decrypt(&self.private_key, &envelope, &info, &envelope.issued_at);
        zeroize::zeroize_stack::<CIPHER_STACK_BYTES>();
        let secret = secret?;
        // From here on it is known to come from somebody who knew the binding: what is wrong may be told.
        let ticket = self.ticket(&envelope, now)?;
        Ok(Opened { secret, ticket })
    }

    /// Marks what was opened as used: it does not open again. All of it or, where it fails, nothing.
    ///
    /// # Errors
    /// `UNSEAL_FAILED` when one was used meanwhile, or when too many are remembered to take more.
    pub fn commit(&self, tickets: Vec<Ticket>, now: SystemTime) -> Result<()> {
        self.replays().add(tickets, now)
    }

    fn ticket(&self, envelope: &Envelope<'_>, now: SystemTime) -> Result<Ticket> {
        let issued_at = Duration::from_millis(u64::from_be_bytes(envelope.issued_at));
        let issued = SystemTime::UNIX_EPOCH.checked_add(issued_at);
        let expires = issued.and_then(|issued| issued.checked_add(self.max_age));
        let (Some(issued), Some(expires)) = (issued, expires) else { return Err(refused(FROM_THE_FUTURE)) };
        if issued.duration_since(now).is_ok_and(|ahead| ahead > MAX_SKEW) {
            return Err(refused(FROM_THE_FUTURE));
        }
        if expires < now {
            return Err(refused(TOO_OLD));
        }
        let ticket = Ticket { enc: envelope.enc, expires };
        self.replays().check(&ticket)?;
        Ok(ticket)
    }

    fn replays(&self) -> MutexGuard<'_, Replays> {
        self.replays.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[inline(never)]
fn derive_public_key(private_key: &Secret) -> Result<PublicKey> {
    let key = private_key_of(private_key)?;
    PublicKey::from_bytes(&<Kem as hpke::Kem>::sk_to_pk(&key).to_bytes())
}

/// Not inlined: its stack is overwritten by its caller.
#[inline(never)]
pub(super) fn decrypt(private_key: &Secret, envelope: &Envelope<'_>, info: &[u8], aad: &[u8]) -> Result<Secret> {
    let key = private_key_of(private_key)?;
    let enc = <Kem as hpke::Kem>::EncappedKey::from_bytes(&envelope.enc).map_err(|_| does_not_open())?;
    let tag = AeadTag::<Aead>::from_bytes(&envelope.tag).map_err(|_| does_not_open())?;
    // In place: nothing but this one piece of guarded memory ever holds it.
    Secret::build(envelope.ciphertext.len(), |bytes| {
        bytes.copy_from_slice(envelope.ciphertext);
        hpke::single_shot_open_inout_detached::<Aead, Kdf, Kem>(
            &OpModeR::Base,
            &key,
            &enc,
            info,
            bytes.into(),
            aad,
            &tag,
        )
        .map_err(|_| does_not_open())
    })
}

fn private_key_of(private_key: &Secret) -> Result<<Kem as hpke::Kem>::PrivateKey> {
    <Kem as hpke::Kem>::PrivateKey::from_bytes(private_key.expose())
        .map_err(|_| Error::new(ErrorCode::Internal, "A private key is not 32 bytes long."))
}

const TOO_OLD: &str = "is too old. Have it sealed anew for each request";
const FROM_THE_FUTURE: &str = "is from the future: the clocks of the two processes differ. Set them";

pub(super) fn refused(why: &str) -> Error {
    Error::new(ErrorCode::UnsealFailed, format!("The sealed secret {why}."))
}

fn does_not_open() -> Error {
    let message = "The sealed secret does not open here. It must be sealed for this recipient's public key (a new worker \
                   has a new one), for this workspace.id and requestId, and for the very field that it stands in.";
    Error::new(ErrorCode::UnsealFailed, message)
}
