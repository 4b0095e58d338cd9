//! Tests of the redactor, against a naive implementation, and of each encoding, against another library's.

use std::sync::Arc;

use data_encoding::{BASE64, BASE64URL, HEXLOWER, HEXUPPER};
use proptest::prelude::*;

use super::encodings::ENCODINGS;
use super::forms::PIECE_BYTES;
use super::*;

fn redactor(secrets: &[&[u8]]) -> Redactor {
    Redactor::new(secrets.iter().copied(), DEFAULT_MIN_LENGTH).expect("built")
}

/// All forms, as the naive redactor knows them.
fn forms_of(redactor: &Redactor) -> Vec<Vec<u8>> {
    (0..redactor.forms.len()).map(|index| redactor.forms.get(index).to_vec()).collect()
}

/// What the definition says, byte by byte.
fn naive(forms: &[Vec<u8>], mask: u8, text: &[u8]) -> Vec<u8> {
    let mut scrubbed = text.to_vec();
    for form in forms {
        for start in 0..(text.len() + 1).saturating_sub(form.len()) {
            if text[start..].starts_with(form) {
                scrubbed[start..start + form.len()].fill(mask);
            }
        }
    }
    scrubbed
}

/// The longest end of a text that may still become a form.
fn naive_held(forms: &[Vec<u8>], text: &[u8]) -> usize {
    let is_beginning = |end: &[u8]| forms.iter().any(|form| form.len() > end.len() && form.starts_with(end));
    (0..text.len()).find(|start| is_beginning(&text[*start..])).map_or(0, |start| text.len() - start)
}

/// Feeds a text in pieces that end at these places; checks after each what is held back.
fn feed(redactor: Redactor, text: &[u8], mut ends: Vec<usize>) -> Vec<u8> {
    ends.push(text.len());
    ends.sort_unstable();
    let forms = forms_of(&redactor);
    let mut stream = Stream::new(Arc::new(redactor));
    let mut output = Vec::new();
    let mut from = 0;
    for end in ends {
        let mut chunk = text[from..end].to_vec();
        let Fed { before, through } = stream.feed(&mut chunk);
        output.extend_from_slice(before);
        output.extend_from_slice(&chunk[..through]);
        from = end;
        assert_eq!(end - output.len(), naive_held(&forms, &text[..end]), "no more and no less is held back");
    }
    output.extend_from_slice(stream.finish());
    output
}

#[test]
fn a_key_in_prose_is_masked_and_nothing_else() {
    let key = b"sk-ant-api03-made-up".as_slice();
    let mut text = b"the key sk-ant-api03-made-up, and sk-ant-api03-other".to_vec();
    assert!(redactor(&[key]).scrub(&mut text));
    assert_eq!(text, b"the key ********************, and sk-ant-api03-other");
    assert!(!redactor(&[key]).scrub(&mut text));
}

#[test]
fn short_secrets_are_skipped_and_counted() {
    let redactor = redactor(&[b"true", b"1234567", b"12345678", b""]);
    assert_eq!(redactor.skipped(), 2);
    let mut text = b"true 1234567 12345678".to_vec();
    redactor.scrub(&mut text);
    assert_eq!(text, b"true 1234567 ********");
    for (length, fits) in [(3, false), (4, true), (1024, true), (1025, false)] {
        assert_eq!(Redactor::new([b"secret-enough".as_slice()], length).is_ok(), fits, "{length}");
    }
}

#[test]
fn nothing_to_look_for_passes_everything_on() {
    let mut stream = Stream::new(Arc::new(redactor(&[b"short"])));
    let mut chunk = b"any text".to_vec();
    let fed = stream.feed(&mut chunk);
    assert_eq!((fed.before.len(), fed.through), (0, 8));
    assert_eq!(stream.finish(), b"");
}

/// A shorter form within a longer one that did not come about: what it covers stays covered across the border.
#[test]
fn what_was_covered_stays_covered_when_it_is_held_back() {
    let secrets: [&[u8]; 2] = [b"abcdXYZ12", b"XYZ12qqqqq"];
    for end in 0..=12 {
        assert_eq!(feed(redactor(&secrets), b"abcdXYZ12---", vec![end]), b"*********---", "cut at {end}");
    }
}

#[test]
fn the_mask_is_a_byte_that_no_form_has() {
    let secret = b"********".as_slice();
    let mut text = b"a ******** b".to_vec();
    redactor(&[secret]).scrub(&mut text);
    assert_eq!(text, b"a ######## b");
    // Every printable character: then one that is none, and never a byte that would spoil UTF-8.
    let printable: Vec<u8> = (b' '..=b'~').collect();
    assert_eq!(redactor(&[&printable]).forms.mask(), 0x1a);
    let text: Vec<u8> = (1..=127).collect();
    assert_eq!(redactor(&[&text]).forms.mask(), 0);
    let all: Vec<u8> = (0..=127).collect();
    let error = Redactor::new([all.as_slice()], 8).expect_err("no character is left");
    assert_eq!(error.code(), crate::error::ErrorCode::InvalidArgValue);
}

#[test]
fn a_long_secret_is_looked_for_in_pieces() {
    let secret: Vec<u8> = (0..PIECE_BYTES * 4 + 100).map(|index| b'a' + (index * index % 26) as u8).collect();
    let redactor = redactor(&[&secret]);
    let mut text = [b"-- ", &secret[..], b" --"].concat();
    redactor.scrub(&mut text);
    assert_eq!(text, [b"-- ", &vec![b'*'; secret.len()][..], b" --"].concat());
    // A whole piece of it is a leak too.
    let mut part = [&secret[..PIECE_BYTES], b"..."].concat();
    assert!(redactor.scrub(&mut part));
}

#[test]
fn encoded_forms_have_a_budget_and_secrets_themselves_have_none() {
    let secrets: Vec<Vec<u8>> = (0..200_u32).map(|index| format!("{index:05}").repeat(400).into_bytes()).collect();
    let redactor = redactor(&secrets.iter().map(Vec::as_slice).collect::<Vec<_>>());
    assert!(forms_of(&redactor).iter().map(Vec::len).sum::<usize>() < 2 * 256 * 1024 + 200 * 2256);
    for secret in &secrets {
        let mut text = secret.clone();
        redactor.scrub(&mut text);
        assert!(text.iter().all(|byte| *byte == b'*'));
    }
    let encoded = |index: usize| {
        let mut text = HEXLOWER.encode(&secrets[index]).into_bytes();
        redactor.scrub(&mut text)
    };
    assert_eq!([encoded(0), encoded(199)], [true, false]);
}

#[test]
fn what_is_held_back_leaves_nothing_in_the_chunk() {
    let mut stream = Stream::new(Arc::new(redactor(&[b"sk-made-up-key"])));
    let mut chunk = b"hello sk-made-up-ke".to_vec();
    let through = stream.feed(&mut chunk).through;
    assert_eq!(through, 6);
    assert_eq!(&chunk, b"hello \0\0\0\0\0\0\0\0\0\0\0\0\0");
}

/// What base64 a secret is in when `before` bytes precede it and `after` follow: the digits that the secret alone
/// decides are those that are the same whatever the neighbours are.
fn decided(secret: &[u8], before: usize, encode: impl Fn(&[u8]) -> String) -> String {
    // A multiple of three in all: no padding.
    let after = 3 + (3 - (before + secret.len()) % 3) % 3;
    let around = |filler: u8| encode(&[&vec![filler; before][..], secret, &vec![filler; after]].concat());
    let (zeros, ones) = (around(0), around(255));
    zeros.chars().zip(ones.chars()).filter(|(zero, one)| zero == one).map(|(digit, _)| digit).collect()
}

/// What the rows of the table are called here.
static NAMES: [&str; 15] = [
    "itself",
    "base64",
    "base64 after one byte",
    "base64 after two bytes",
    "base64url",
    "base64url after one byte",
    "base64url after two bytes",
    "hex",
    "HEX",
    "URL",
    "url",
    "JSON",
    "JSON with \\/",
    "JSON in ASCII",
    "shell",
];

fn written(name: &str, secret: &[u8]) -> String {
    assert_eq!(NAMES.len(), ENCODINGS.len());
    let (_, row) = NAMES.iter().zip(ENCODINGS).find(|(known, _)| **known == name).expect("a row");
    let mut bytes = vec![0; (row.length)(secret)];
    (row.write)(secret, &mut bytes);
    String::from_utf8(bytes).expect("text")
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn base64_is_what_stands_in_somebody_elses(secret in prop::collection::vec(1_u8..255, 3..40)) {
        for (name, before) in [("base64", 0), ("base64 after one byte", 1), ("base64 after two bytes", 2)] {
            let ours = written(name, &secret);
            prop_assert_eq!(&ours, &decided(&secret, before, |bytes| BASE64.encode(bytes)), "{}", name);
            let urls = written(&name.replace("base64", "base64url"), &secret);
            prop_assert_eq!(urls, decided(&secret, before, |bytes| BASE64URL.encode(bytes)));
        }
    }

    #[test]
    fn hex_and_json_are_as_others_write_them(secret in any::<String>()) {
        prop_assert_eq!(written("hex", secret.as_bytes()), HEXLOWER.encode(secret.as_bytes()));
        prop_assert_eq!(written("HEX", secret.as_bytes()), HEXUPPER.encode(secret.as_bytes()));
        let literal = serde_json::to_string(&secret).expect("a string");
        prop_assert_eq!(written("JSON", secret.as_bytes()), &literal[1..literal.len() - 1]);
        for name in ["JSON with \\/", "JSON in ASCII"] {
            let ours = written(name, secret.as_bytes());
            let read: String = serde_json::from_str(&format!("\"{ours}\"")).expect("well-formed");
            prop_assert_eq!(&read, &secret);
            prop_assert!(name != "JSON in ASCII" || ours.is_ascii());
        }
    }

    #[test]
    fn url_encoding_decodes_to_the_secret(secret in prop::collection::vec(any::<u8>(), 0..40)) {
        let ours = written("URL", &secret);
        let mut decoded = Vec::new();
        let mut rest = ours.as_bytes();
        while let [first, after @ ..] = rest {
            let width = if *first == b'%' { 2 } else { 0 };
            decoded.push(if width == 2 { HEXUPPER.decode(&after[..2]).expect("hex")[0] } else { *first });
            rest = &after[width..];
        }
        prop_assert_eq!(decoded, secret.clone());
        prop_assert!(ours.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.!~*'()%".contains(&byte)));
        prop_assert!(written("url", &secret).eq_ignore_ascii_case(&ours));
    }

    /// Few letters, so that forms overlap, nest and nearly match all the time.
    #[test]
    fn it_does_what_the_naive_one_does(
        secrets in prop::collection::vec("[ab]{4,12}|a{4,20}|[a-c]{4,300}", 1..5),
        picks in prop::collection::vec((any::<prop::sample::Index>(), any::<prop::sample::Index>(), "[abc]{0,3}"), 0..12),
        ends in prop::collection::vec(any::<prop::sample::Index>(), 0..12),
    ) {
        let secrets: Vec<&[u8]> = secrets.iter().map(String::as_bytes).collect();
        let redactor = Redactor::new(secrets.iter().copied(), 4).expect("built");
        let forms = forms_of(&redactor);
        let mask = redactor.forms.mask();
        // Whole forms, beginnings of forms, and letters in between.
        let text: Vec<u8> = picks.iter().flat_map(|(form, length, between)| {
            let form = &forms[form.index(forms.len())];
            [&form[..=length.index(form.len())], between.as_bytes()].concat()
        }).collect();
        let expected = naive(&forms, mask, &text);
        let mut whole = text.clone();
        redactor.scrub(&mut whole);
        prop_assert_eq!(&whole, &expected);
        let ends = ends.iter().map(|end| end.index(text.len() + 1)).collect();
        prop_assert_eq!(feed(redactor, &text, ends), expected);
    }

    #[test]
    fn byte_by_byte_is_the_same(text in "[ab]{0,60}", secret in "[ab]{4,9}") {
        let redactor = Redactor::new([secret.as_bytes()], 4).expect("built");
        let expected = naive(&forms_of(&redactor), redactor.forms.mask(), text.as_bytes());
        prop_assert_eq!(feed(redactor, text.as_bytes(), (0..text.len()).collect()), expected);
    }
}

/// Linear, whatever a tenant makes of its secrets and its output: a quadratic search would take minutes here.
#[test]
fn the_worst_output_that_a_tenant_can_make_takes_no_quadratic_time() {
    let secrets: Vec<Vec<u8>> = (8..300).map(|length| vec![b'a'; length]).chain([vec![b'a'; 100_000]]).collect();
    let redactor = Arc::new(Redactor::new(secrets.iter().map(Vec::as_slice), 8).expect("built"));
    let near_miss: Vec<u8> = (0..200_000).map(|index| if index % 256 == 255 { b'b' } else { b'a' }).collect();
    for text in [vec![b'a'; 200_000], near_miss] {
        let mut stream = Stream::new(Arc::clone(&redactor));
        let mut chunk = text.clone();
        stream.feed(&mut chunk);
        stream.finish();
        let mut bytewise = Stream::new(Arc::clone(&redactor));
        for byte in &text[..5_000] {
            bytewise.feed(&mut [*byte]);
        }
    }
}
