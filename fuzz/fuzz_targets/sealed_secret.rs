//! Any text to a recipient: no panic, and the one error text, so no echo; a genuine text opens unchanged and not
//! otherwise.
#![no_main]

use std::sync::LazyLock;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use libfuzzer_sys::fuzz_target;
use provider_env::error::ErrorCode;
use provider_env::secret::sealed::{self, Binding, DEFAULT_MAX_AGE, Recipient};
use provider_env::secret::{ExposeSecret, Secret};

const KEY: &[u8] = b"made-up-key";
const BINDING: Binding = Binding { workspace: "workspace-1", field: "apiKey", request: "request-1", owner: None };

struct Fixture {
    recipient: Recipient,
    genuine: String,
    refusal: String,
}

static FIXTURE: LazyLock<Fixture> = LazyLock::new(|| {
    let recipient = Recipient::from_private_key(Secret::copy_of(&[7; 32]), DEFAULT_MAX_AGE).expect("a key");
    let genuine = sealed::seal(&Secret::copy_of(KEY), &recipient.public_key(), &BINDING, now()).expect("valid");
    let refusal = recipient.open(b"", &BINDING, now()).expect_err("no text").to_string();
    Fixture { recipient, genuine, refusal }
});

fn now() -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(1_700_000_000)
}

fn is_refused(text: &[u8]) {
    let error = FIXTURE.recipient.open(text, &BINDING, now()).expect_err("nobody sealed this");
    assert_eq!(error.code(), ErrorCode::UnsealFailed);
    assert!(error.to_string() == FIXTURE.refusal);
}

fuzz_target!(|input: (&[u8], Vec<(usize, u8)>, usize)| {
    let (text, edits, length) = input;
    is_refused(text);
    is_refused(&[&FIXTURE.genuine.as_bytes()[..23], text].concat());

    let mut changed = FIXTURE.genuine.clone().into_bytes();
    for (at, bits) in edits {
        let at = at % changed.len();
        changed[at] ^= bits;
    }
    changed.truncate(length.max(1));
    if changed != FIXTURE.genuine.as_bytes() {
        return is_refused(&changed);
    }
    let opened = FIXTURE.recipient.open(&changed, &BINDING, now()).expect("unchanged");
    assert!(opened.secret.expose_secret() == KEY);
});
