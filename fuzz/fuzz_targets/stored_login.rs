//! Any login document: no panic, and a new token takes the place of the old one and of nothing else, by the word of a
//! parser of its own.
#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use provider_env::credential::store::{Document, Login, Overrides, Profile};
use provider_env::provider::PROVIDERS;
use provider_env::sys::guarded::GuardedBytes;
use serde_json::Value;

static PROFILES: LazyLock<Vec<Profile>> =
    LazyLock::new(|| PROVIDERS.iter().filter_map(|row| Profile::new(row, Overrides::default()).ok()).collect());

#[derive(arbitrary::Arbitrary, Debug)]
struct Input<'a> {
    pieces: Vec<Piece<'a>>,
}

#[derive(arbitrary::Arbitrary, Debug)]
enum Piece<'a> {
    Bytes(&'a [u8]),
    Known(u8),
}

const KNOWN: &[&str] = &[
    "{",
    "}",
    "[",
    "]",
    ",",
    ":",
    "null",
    "\"",
    "\\u0061",
    " ",
    "\n",
    "1e3",
    "-0",
    "\"claudeAiOauth\":{",
    "\"accessToken\":\"sk-ant-oat01-x\"",
    "\"refreshToken\":\"r\"",
    "\"expiresAt\":1790000000000",
    "\"scopes\":[\"user:inference\"]",
    "\"tokens\":{",
    "\"access_token\":\"e30.eyJleHAiOjE3OTAwMDAwMDB9.c2ln\"",
    "\"refresh_token\":\"r\"",
    "\"auth_mode\":\"chatgpt\"",
    "\"OPENAI_API_KEY\":null",
    "\"last_refresh\":\"x\"",
];

fuzz_target!(|input: Input<'_>| {
    let mut text = Vec::new();
    for piece in &input.pieces {
        match piece {
            Piece::Bytes(bytes) => text.extend_from_slice(bytes),
            Piece::Known(index) => text.extend_from_slice(KNOWN[usize::from(*index) % KNOWN.len()].as_bytes()),
        }
    }
    let Some(document) = Document::parse(GuardedBytes::copy_of(&text)) else { return };
    for profile in PROFILES.iter() {
        let _ = Login::of(&document, profile);
        let Ok(new) = document.with(&[(&profile.access_token, b"\"new\"")]) else { continue };
        let Ok(mut expected) = serde_json::from_slice::<Value>(&text) else { continue };
        let (name, parent) = profile.access_token.split_last().expect("a path");
        let object = parent.iter().fold(&mut expected, |value, name| &mut value[name]);
        object[name] = Value::from("new");
        assert_eq!(serde_json::from_slice::<Value>(new.bytes()).expect("still JSON"), expected);
    }
});
