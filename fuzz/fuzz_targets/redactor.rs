//! Any secrets, any output, split anywhere: no form appears, everything else is byte-identical, and what is held back is
//! no more and no less than what may still become a form. Against the definition, byte by byte.
#![no_main]

use std::sync::Arc;

use libfuzzer_sys::fuzz_target;
use provider_env::secret::redaction::{Fed, Forms, Redactor, Stream};

#[derive(arbitrary::Arbitrary, Debug)]
struct Input<'a> {
    secrets: Vec<&'a [u8]>,
    min_length: u8,
    /// The output: bytes as they come, and parts of secrets and of their forms.
    pieces: Vec<Piece<'a>>,
    ends: Vec<u16>,
}

#[derive(arbitrary::Arbitrary, Debug)]
enum Piece<'a> {
    Bytes(&'a [u8]),
    /// A form, and how much of it.
    Form(u16, u16),
}

fuzz_target!(|input: Input| {
    let min_length = 4 + usize::from(input.min_length % 8);
    let secrets: Vec<&[u8]> = input.secrets.iter().take(8).map(|secret| &secret[..secret.len().min(600)]).collect();
    let long: Vec<&[u8]> = secrets.iter().copied().filter(|secret| secret.len() >= min_length).collect();
    let Ok(redactor) = Redactor::new(secrets, min_length) else { return };
    let all = Forms::new(&long, min_length).expect("as for the redactor");
    let forms: Vec<&[u8]> = (0..all.len()).map(|index| all.get(index)).collect();
    let mask = all.mask();
    assert!(forms.iter().all(|form| !form.contains(&mask)), "masking must not spell a form");

    let mut text = Vec::new();
    for piece in input.pieces.iter().take(64) {
        match piece {
            Piece::Bytes(bytes) => text.extend_from_slice(bytes),
            Piece::Form(index, length) if !forms.is_empty() => {
                let form = &forms[usize::from(*index) % forms.len()];
                text.extend_from_slice(&form[..=usize::from(*length) % form.len()]);
            }
            Piece::Form(..) => {}
        }
    }
    text.truncate(8192);

    let mut expected = text.clone();
    for form in &forms {
        for start in 0..(text.len() + 1).saturating_sub(form.len()) {
            if text[start..].starts_with(form) {
                expected[start..start + form.len()].fill(mask);
            }
        }
    }
    let mut whole = text.clone();
    redactor.scrub(&mut whole);
    assert!(whole == expected, "as one text");

    let mut ends: Vec<usize> = input.ends.iter().take(64).map(|end| usize::from(*end) % (text.len() + 1)).collect();
    ends.push(text.len());
    ends.sort_unstable();
    let mut stream = Stream::new(Arc::new(redactor));
    let mut output = Vec::new();
    let mut from = 0;
    for end in ends {
        let mut chunk = text[from..end].to_vec();
        let Fed { before, through } = stream.feed(&mut chunk);
        output.extend_from_slice(before);
        output.extend_from_slice(&chunk[..through]);
        from = end;
        let held = end - output.len();
        let is_beginning = |part: &[u8]| forms.iter().any(|form| form.len() > part.len() && form.starts_with(part));
        assert!(held == 0 || is_beginning(&text[end - held..end]), "held back for nothing");
        assert!((0..end - held).all(|start| !is_beginning(&text[start..end])), "let go too early");
    }
    output.extend_from_slice(stream.finish());
    assert!(output == expected, "split");
});
