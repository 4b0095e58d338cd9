//! The text of a sealed secret: taken apart and put together, without a look at what is in it.

use data_encoding::BASE64URL_NOPAD;

/// What every sealed secret begins with.
const PREFIX: &str = "provider-env-sealed.v1.";

/// The largest secret, in bytes.
pub const MAX_SECRET_BYTES: usize = 1024 * 1024;

const ENC_BYTES: usize = 32;
const ISSUED_AT_BYTES: usize = 8;
pub const TAG_BYTES: usize = 16;
const OVERHEAD: usize = ENC_BYTES + ISSUED_AT_BYTES + TAG_BYTES;

/// Whether this is the text of a sealed secret. Any version: one that is not known must not pass for a key.
#[must_use]
pub fn is_sealed(text: &[u8]) -> bool {
    text.starts_with(b"provider-env-sealed.")
}

/// The parts of a sealed secret. All of them are public.
#[derive(Debug)]
pub struct Envelope<'a> {
    /// The sender's key, encapsulated.
    pub enc: [u8; ENC_BYTES],
    /// When it was sealed: the associated data.
    pub issued_at: [u8; ISSUED_AT_BYTES],
    /// The ciphertext.
    pub ciphertext: &'a [u8],
    /// Its tag.
    pub tag: [u8; TAG_BYTES],
}

/// The bytes that a text stands for; none when it is no sealed secret.
pub fn decode(text: &[u8]) -> Option<Vec<u8>> {
    let encoded = text.strip_prefix(PREFIX.as_bytes())?;
    let length = BASE64URL_NOPAD.decode_len(encoded.len()).ok()?;
    if !(OVERHEAD..=MAX_SECRET_BYTES + OVERHEAD).contains(&length) {
        return None;
    }
    BASE64URL_NOPAD.decode(encoded).ok()
}

impl<'a> Envelope<'a> {
    /// Takes the bytes apart; none when there are too few.
    pub fn parse(bytes: &'a [u8]) -> Option<Self> {
        let (enc, rest) = bytes.split_first_chunk()?;
        let (issued_at, rest) = rest.split_first_chunk()?;
        let (ciphertext, tag) = rest.split_last_chunk()?;
        Some(Self { enc: *enc, issued_at: *issued_at, ciphertext, tag: *tag })
    }

    /// Puts one together.
    pub fn to_text(&self) -> String {
        let bytes = [&self.enc[..], &self.issued_at, self.ciphertext, &self.tag].concat();
        let mut text = String::with_capacity(PREFIX.len() + BASE64URL_NOPAD.encode_len(bytes.len()));
        text.push_str(PREFIX);
        BASE64URL_NOPAD.encode_append(&bytes, &mut text);
        text
    }
}
