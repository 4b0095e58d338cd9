//! Bytes on their way, cut anywhere: the key is where the placeholder was and nowhere else, requests and messages of a
//! WebSocket are found wherever the cuts are, and no answer of the kernel's panics.
#![no_main]

use libfuzzer_sys::fuzz_target;
use provider_env::broker::{Frames, Substitution, owner_in, verdicts_on};

#[derive(arbitrary::Arbitrary, Debug)]
struct Input<'a> {
    before: Vec<(u8, &'a [u8])>,
    after: &'a [u8],
    key: &'a [u8],
    cuts: Vec<u16>,
}

const LINES: &[&[u8]] = &[
    b"POST /v1/messages HTTP/1.1\r\nhost: a\r\n",
    b"\r\n",
    b"\n",
    b"\r\n\r\n",
    b"content-length: 5\r\n",
    b"Content-Length: 0\r\n\r\n",
    b"transfer-encoding: chunked\r\n\r\n",
    b"transfer-encoding: chunked\r\n",
    b"5\r\nhello\r\n",
    b"0\r\n\r\n",
    b"0\r\nx: 1\r\n\r\n",
    b"",
];

fn pieces<'a>(text: &'a [u8], cuts: &[u16]) -> Vec<&'a [u8]> {
    let mut ends: Vec<usize> = cuts.iter().take(64).map(|cut| usize::from(*cut) % (text.len() + 1)).collect();
    ends.push(text.len());
    ends.sort_unstable();
    let starts = std::iter::once(0).chain(ends.iter().copied());
    starts.zip(ends.iter()).map(|(start, end)| &text[start..*end]).collect()
}

fuzz_target!(|input: Input| {
    let Ok(mut substitution) = Substitution::new() else { return };
    let placeholder = substitution.placeholder().to_vec();
    // Beginnings of a placeholder, none of them whole.
    let mut before = Vec::new();
    for (length, bytes) in input.before.iter().take(16) {
        before.extend_from_slice(&placeholder[..usize::from(*length) % placeholder.len()]);
        before.extend_from_slice(&bytes[..bytes.len().min(64)]);
        before.push(b'\n');
    }
    let text = [&before[..], &placeholder, input.after].concat();
    let mut out = Vec::new();
    let mut is_replaced = false;
    for piece in pieces(&text, &input.cuts) {
        if is_replaced {
            out.extend_from_slice(piece);
            continue;
        }
        let next = substitution.next(piece, input.key);
        out.extend(next.parts.concat());
        is_replaced = next.has_key;
    }
    assert!(is_replaced);
    assert_eq!(out, [&before[..], input.key, input.after].concat());

    let (mut whole, mut cut) = (Frames::default(), Frames::default());
    let found = whole.message_in(input.after);
    let mut at = 0;
    let mut first = None;
    for piece in pieces(input.after, &input.cuts) {
        first = first.or(cut.message_in(piece).map(|place| place + at));
        at += piece.len();
    }
    assert_eq!((found, whole.is_between()), (first, cut.is_between()));

    // Heads, with what makes them ambiguous.
    let mut heads = Vec::new();
    for (index, bytes) in input.before.iter().take(16) {
        heads.extend_from_slice(LINES[usize::from(*index) % LINES.len()]);
        heads.extend_from_slice(&bytes[..bytes.len().min(64)]);
    }
    heads.extend_from_slice(input.after);
    assert_eq!(verdicts_on([&heads[..]]), verdicts_on(pieces(&heads, &input.cuts)));

    let (Ok(local), Ok(remote)) = ("127.0.0.1:1".parse(), "127.0.0.1:2".parse()) else { return };
    let _ = owner_in(input.after, local, remote);
});
