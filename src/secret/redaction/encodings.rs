//! The forms in which a secret may occur in output, as a table: the length of each, and how it is written.

/// A way to write bytes that programs have.
pub struct Encoding {
    /// Whether it writes special characters longer and leaves all others: what stays as long as it was is the secret
    /// itself, which is not kept twice.
    pub escapes: bool,
    /// The length of a secret in it; 0 where it cannot be written so.
    pub length: fn(&[u8]) -> usize,
    /// Writes a secret into exactly that many bytes.
    pub write: Write,
}

pub type Write = fn(&[u8], &mut [u8]);

/// Every form, the secret itself first. One that equals another is looked for once.
pub static ENCODINGS: &[Encoding] = &[
    Encoding { escapes: false, length: <[u8]>::len, write: |secret, to| to.copy_from_slice(secret) },
    // Base64 and base64url, after no, one and two bytes of something else.
    encoded(base64_length::<0>, BASE64),
    encoded(base64_length::<1>, BASE64_1),
    encoded(base64_length::<2>, BASE64_2),
    encoded(base64_length::<0>, BASE64URL),
    encoded(base64_length::<1>, BASE64URL_1),
    encoded(base64_length::<2>, BASE64URL_2),
    // Hex, in either case; then percent-encoding.
    encoded(|secret| 2 * secret.len(), |secret, to| write_hex(secret, to, LOWER)),
    encoded(|secret| 2 * secret.len(), |secret, to| write_hex(secret, to, UPPER)),
    escaped(url_length, |secret, to| write_url(secret, to, UPPER)),
    escaped(url_length, |secret, to| write_url(secret, to, LOWER)),
    // JSON: as most write it, with `\/`, in ASCII; then a shell's quotes.
    escaped(
        |secret| length_of(|to| json(secret, to, false, false)),
        |secret, to| write_with(to, |to| json(secret, to, false, false)),
    ),
    escaped(
        |secret| length_of(|to| json(secret, to, true, false)),
        |secret, to| write_with(to, |to| json(secret, to, true, false)),
    ),
    escaped(
        |secret| length_of(|to| json(secret, to, false, true)),
        |secret, to| write_with(to, |to| json(secret, to, false, true)),
    ),
    escaped(
        |secret| length_of(|to| single_quoted(secret, to)),
        |secret, to| write_with(to, |to| single_quoted(secret, to)),
    ),
];

const fn encoded(length: fn(&[u8]) -> usize, write: Write) -> Encoding {
    Encoding { escapes: false, length, write }
}

const fn escaped(length: fn(&[u8]) -> usize, write: Write) -> Encoding {
    Encoding { escapes: true, length, write }
}

const BASE64: Write = |secret, to| write_base64::<0>(secret, to, b"+/");
const BASE64_1: Write = |secret, to| write_base64::<1>(secret, to, b"+/");
const BASE64_2: Write = |secret, to| write_base64::<2>(secret, to, b"+/");
const BASE64URL: Write = |secret, to| write_base64::<0>(secret, to, b"-_");
const BASE64URL_1: Write = |secret, to| write_base64::<1>(secret, to, b"-_");
const BASE64URL_2: Write = |secret, to| write_base64::<2>(secret, to, b"-_");

/// The digit that the first bit of a secret is in, or the next one where others are in it too.
const fn first_digit(bytes_before: usize) -> usize {
    (8 * bytes_before).div_ceil(6)
}

/// The digits of base64 that a secret decides alone, whatever is before and after it in the encoded text.
fn base64_length<const BEFORE: usize>(secret: &[u8]) -> usize {
    (8 * (BEFORE + secret.len()) / 6).saturating_sub(first_digit(BEFORE))
}

fn write_base64<const BEFORE: usize>(secret: &[u8], to: &mut [u8], last_two: &[u8; 2]) {
    for (index, digit) in to.iter_mut().enumerate() {
        let bit = 6 * (first_digit(BEFORE) + index) - 8 * BEFORE;
        let two = u16::from(secret[bit / 8]) << 8 | u16::from(secret.get(bit / 8 + 1).copied().unwrap_or(0));
        // The six bits from `bit % 8` on; below 64.
        let value = (two >> (10 - bit % 8)) as u8 & 0x3f;
        *digit = match value {
            0..26 => b'A' + value,
            26..52 => b'a' + value - 26,
            52..62 => b'0' + value - 52,
            _ => last_two[usize::from(value - 62)],
        };
    }
}

const LOWER: &[u8; 16] = b"0123456789abcdef";
const UPPER: &[u8; 16] = b"0123456789ABCDEF";

fn write_hex(secret: &[u8], to: &mut [u8], digits: &[u8; 16]) {
    for (byte, pair) in secret.iter().zip(to.chunks_exact_mut(2)) {
        pair.copy_from_slice(&hex_pair(*byte, digits));
    }
}

fn hex_pair(byte: u8, digits: &[u8; 16]) -> [u8; 2] {
    [digits[usize::from(byte >> 4)], digits[usize::from(byte & 15)]]
}

/// What `encodeURIComponent` leaves as it is (ECMA-262, "uriUnescaped" without the reserved ones).
fn is_plain_in_url(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-_.!~*'()".contains(&byte)
}

fn url_length(secret: &[u8]) -> usize {
    secret.iter().map(|byte| if is_plain_in_url(*byte) { 1 } else { 3 }).sum()
}

fn write_url(secret: &[u8], to: &mut [u8], digits: &[u8; 16]) {
    write_with(to, |to| {
        for byte in secret {
            if is_plain_in_url(*byte) {
                to(&[*byte]);
            } else {
                let [high, low] = hex_pair(*byte, digits);
                to(&[b'%', high, low]);
            }
        }
    });
}

/// The inside of what `JSON.stringify` writes; `slash` writes `/` as `\/`, as PHP does, and `ascii` everything beyond
/// ASCII as `\u`, as Python does. Nothing for bytes that are not UTF-8.
fn json(secret: &[u8], to: &mut dyn FnMut(&[u8]), slash: bool, ascii: bool) {
    let Ok(text) = std::str::from_utf8(secret) else { return };
    for character in text.chars() {
        let mut buffer = zeroize::Zeroizing::new([0; 4]);
        match character {
            '"' => to(br#"\""#),
            '\\' => to(br"\\"),
            '\u{8}' => to(br"\b"),
            '\t' => to(br"\t"),
            '\n' => to(br"\n"),
            '\u{c}' => to(br"\f"),
            '\r' => to(br"\r"),
            '/' if slash => to(br"\/"),
            '\0'..' ' => unicode_escape(character as u16, to),
            '\u{80}'.. if ascii => {
                for unit in character.encode_utf16(&mut [0; 2]) {
                    unicode_escape(*unit, to);
                }
            }
            _ => to(character.encode_utf8(&mut *buffer).as_bytes()),
        }
    }
}

/// The inside of what a shell puts between single quotes, as `set -x` and `printf %q` of most shells write it.
fn single_quoted(secret: &[u8], to: &mut dyn FnMut(&[u8])) {
    for byte in secret.chunks(1) {
        to(if byte == b"'" { br"'\''" } else { byte });
    }
}

fn unicode_escape(unit: u16, to: &mut dyn FnMut(&[u8])) {
    let [high, low] = unit.to_be_bytes();
    to(br"\u");
    to(&hex_pair(high, LOWER));
    to(&hex_pair(low, LOWER));
}

fn length_of(write: impl FnOnce(&mut dyn FnMut(&[u8]))) -> usize {
    let mut length = 0;
    write(&mut |bytes| length += bytes.len());
    length
}

fn write_with(to: &mut [u8], write: impl FnOnce(&mut dyn FnMut(&[u8]))) {
    let mut at = 0;
    write(&mut |bytes| {
        if let Some(place) = to.get_mut(at..at + bytes.len()) {
            place.copy_from_slice(bytes);
        }
        at += bytes.len();
    });
}
