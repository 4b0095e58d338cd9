//! Any output of either CLI, cut anywhere: the meter does not panic, reads the same as uncut, and counts no more than
//! JavaScript can tell apart.
#![no_main]

use libfuzzer_sys::fuzz_target;
use provider_env::provider::PROVIDERS;
use provider_env::usage::{Expected, MAX_COUNT, Meter, Resumed, ThreadTotals, Tokens};

#[derive(arbitrary::Arbitrary, Debug)]
struct Input<'a> {
    pieces: Vec<Piece<'a>>,
    ends: Vec<u16>,
    resumed: u8,
    code: Option<u8>,
}

/// Bytes as they come, and parts of events that mean something.
#[derive(arbitrary::Arbitrary, Debug)]
enum Piece<'a> {
    Bytes(&'a [u8]),
    Known(u8),
    Number(i64),
}

const KNOWN: &[&str] = &[
    "{\"type\":\"result\",\"is_error\":true,",
    "{\"type\":\"assistant\",\"message\":{\"id\":\"m\",\"usage\":{",
    "{\"type\":\"turn.completed\",\"usage\":{",
    "{\"type\":\"thread.started\",\"thread_id\":\"t\"}",
    "{\"type\":\"system\",\"subtype\":\"init\",\"apiKeySource\":\"none\"}",
    "{\"type\":\"error\",\"message\":\"unexpected status 401 ",
    "\"model_usage_since_last_result\":{\"m\":{",
    "\"session_id\":\"t\",\"modelUsage\":{\"m\":{",
    "\"errors\":[\"",
    "\"result\":\"usage limit reached|",
    "\"message\":\"try again in ",
    "\"retry_delay_ms\":",
    "\"inputTokens\":",
    "\"input_tokens\":",
    "\"cached_input_tokens\":",
    "\"usage\":{",
    "\"costUSD\":",
    "}",
    "\"",
    ",",
    "\n",
    "[",
    "]",
    "\\",
];

fuzz_target!(|input: Input| {
    let mut text = Vec::new();
    for piece in input.pieces.iter().take(200) {
        match piece {
            Piece::Bytes(bytes) => text.extend_from_slice(bytes),
            Piece::Known(index) => text.extend_from_slice(KNOWN[usize::from(*index) % KNOWN.len()].as_bytes()),
            Piece::Number(number) => text.extend_from_slice(number.to_string().as_bytes()),
        }
    }
    text.truncate(16384);
    let mut ends: Vec<usize> = input.ends.iter().take(64).map(|end| usize::from(*end) % (text.len() + 1)).collect();
    ends.push(text.len());
    ends.sort_unstable();
    let resumed = [Resumed::No, Resumed::Yes, Resumed::Perhaps][usize::from(input.resumed % 3)];
    for row in PROVIDERS {
        // Given, what the thread had used does not come from what this process remembers of the meter before.
        let thread = Some(ThreadTotals { id: "t".into(), tokens: Tokens::default() });
        let expected = || Expected { resumed, thread: thread.clone(), ..Expected::default() };
        let mut whole = Meter::new(row, expected());
        let mut cut = Meter::new(row, expected());
        let mut from = 0;
        for end in &ends {
            cut.feed(&text[from..*end]);
            from = *end;
        }
        whole.feed(&text);
        for meter in [&mut whole, &mut cut] {
            meter.end(input.code.map(i32::from));
            assert!(meter.usage().tokens.input <= MAX_COUNT && meter.usage().tokens.output <= MAX_COUNT);
        }
        if whole.usage().thread.is_none_or(|thread| &*thread.id == "t") {
            assert_eq!(whole.usage(), cut.usage());
            assert_eq!(whole.failure(), cut.failure());
        }
    }
});
