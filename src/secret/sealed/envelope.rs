//! The text format of a sealed secret: its prefix, and the parts in its base64url. All of it is public.

use std::time::{SystemTime, UNIX_EPOCH};

use data_encoding::BASE64URL_NOPAD;

use super::suite::{ENC_BYTES, TAG_BYTES};
use crate::error::{Error, ErrorCode, Result};

/// What the text and HPKE's `info` begin with: the format and its version.
pub const PREFIX: &[u8] = b"provider-env-sealed.v1.";

const ISSUED_AT_BYTES: usize = 8;
const OVERHEAD: usize = ENC_BYTES + ISSUED_AT_BYTES + TAG_BYTES;
const MAX_BYTES: usize = 1024 * 1024;

/// The longest secret that can be sealed: what is behind the base64url stays within 1 MiB.
pub const MAX_SECRET_BYTES: usize = MAX_BYTES - OVERHEAD;

/// Whether `text` says that it is a sealed secret, of any version: one that is not known must not pass for a key.
/// Whether it opens is another question.
#[must_use]
pub fn is_sealed(text: &[u8]) -> bool {
    text.starts_with(b"provider-env-sealed.")
}

#[derive(Clone, Copy)]
pub(super) struct Envelope<'a> {
    pub enc: &'a [u8; ENC_BYTES],
    pub issued_at: &'a [u8; ISSUED_AT_BYTES],
    pub ciphertext: &'a [u8],
    pub tag: &'a [u8; TAG_BYTES],
}

impl<'a> Envelope<'a> {
    /// The bytes that `text` stands for; none when it is not in the format or longer than any sealed secret.
    pub fn decode(text: &[u8]) -> Option<Vec<u8>> {
        let encoded = text.strip_prefix(PREFIX)?;
        if encoded.len() > BASE64URL_NOPAD.encode_len(MAX_BYTES) {
            return None;
        }
        BASE64URL_NOPAD.decode(encoded).ok()
    }

    /// Finds the parts in decoded bytes; none when they are too few.
    pub fn split(bytes: &'a [u8]) -> Option<Self> {
        let (enc, rest) = bytes.split_first_chunk()?;
        let (issued_at, rest) = rest.split_first_chunk()?;
        let (ciphertext, tag) = rest.split_last_chunk()?;
        Some(Self { enc, issued_at, ciphertext, tag })
    }
}

/// A text in the making: `fill` writes the ciphertext into the space for it and gives what is around it.
pub(super) fn encode<E>(
    issued_at: [u8; ISSUED_AT_BYTES],
    length: usize,
    fill: impl FnOnce(&mut [u8]) -> std::result::Result<([u8; ENC_BYTES], [u8; TAG_BYTES]), E>,
) -> std::result::Result<String, E> {
    let mut bytes = vec![0; OVERHEAD + length];
    let (head, rest) = bytes.split_at_mut(ENC_BYTES + ISSUED_AT_BYTES);
    let (ciphertext, tag) = rest.split_at_mut(length);
    let (enc, made_tag) = fill(ciphertext)?;
    head[..ENC_BYTES].copy_from_slice(&enc);
    head[ENC_BYTES..].copy_from_slice(&issued_at);
    tag.copy_from_slice(&made_tag);

    let mut text = String::with_capacity(PREFIX.len() + BASE64URL_NOPAD.encode_len(bytes.len()));
    text.extend(PREFIX.iter().copied().map(char::from));
    BASE64URL_NOPAD.encode_append(&bytes, &mut text);
    Ok(text)
}

/// The time as the format writes it: milliseconds since 1970.
///
/// # Errors
/// `UNSUPPORTED` before 1970, where a clock that was never set may be.
pub(super) fn unix_millis(now: SystemTime) -> Result<u64> {
    let since = now.duration_since(UNIX_EPOCH).ok().and_then(|since| u64::try_from(since.as_millis()).ok());
    since.ok_or_else(|| {
        let message = "The system's clock is outside the range of times that a sealed secret can hold. Set the clock.";
        Error::new(ErrorCode::Unsupported, message)
    })
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn the_layout_is_the_documented_one() {
        let text = encode::<()>([2; 8], 3, |ciphertext| {
            ciphertext.fill(3);
            Ok(([1; 32], [4; 16]))
        })
        .expect("filled");
        let bytes = BASE64URL_NOPAD.decode(&text.as_bytes()[23..]).expect("base64url");
        assert_eq!(bytes, [&[1; 32][..], &[2; 8], &[3; 3], &[4; 16]].concat());
        assert_eq!(Envelope::decode(text.as_bytes()).as_ref(), Some(&bytes));
        let envelope = Envelope::split(&bytes).expect("long enough");
        assert_eq!((envelope.enc, envelope.issued_at), (&[1; 32], &[2; 8]));
        assert_eq!((envelope.ciphertext, envelope.tag), (&[3; 3][..], &[4; 16]));
    }

    #[test]
    fn refuses_other_alphabets_lengths_and_spare_bits() {
        for (encoded, accepted) in
            [("_-A", true), ("", true), ("_-A=", false), ("/+A", false), ("_-B", false), ("_-A\n", false), ("_", false)]
        {
            let text = format!("provider-env-sealed.v1.{encoded}");
            assert_eq!(Envelope::decode(text.as_bytes()).is_some(), accepted, "{encoded:?}");
        }
        assert!(Envelope::decode(b"provider-env-sealed.v2._-A").is_none());
        let longest = [PREFIX, "A".repeat(BASE64URL_NOPAD.encode_len(MAX_BYTES)).as_bytes()].concat();
        assert!(Envelope::decode(&longest).is_some());
        assert!(Envelope::decode(&[&*longest, b"AA"].concat()).is_none());
        assert!(Envelope::split(&[0; OVERHEAD]).is_some());
        assert!(Envelope::split(&[0; OVERHEAD - 1]).is_none());
    }

    #[test]
    fn counts_from_1970_and_refuses_what_was_before() {
        assert_eq!(unix_millis(UNIX_EPOCH + Duration::from_millis(1_234)).ok(), Some(1_234));
        let error = unix_millis(UNIX_EPOCH - Duration::from_millis(1)).expect_err("before 1970");
        assert_eq!(error.code(), ErrorCode::Unsupported);
    }
}
