//! Any request that HTTP allows: the checks of its head do not panic, and let nothing through but what a row has.
#![no_main]

use http::Request;
use libfuzzer_sys::fuzz_target;
use provider_env::broker::{Expected, check, presented_token};
use provider_env::provider::PROVIDERS;

#[derive(arbitrary::Arbitrary, Debug)]
struct Input<'a> {
    method: Text<'a>,
    target: Vec<Text<'a>>,
    headers: Vec<(Text<'a>, Text<'a>)>,
}

#[derive(arbitrary::Arbitrary, Debug)]
enum Text<'a> {
    Bytes(&'a [u8]),
    Known(u8),
}

const KNOWN: &[&str] = &[
    "GET",
    "POST",
    "HEAD",
    "CONNECT",
    "/v1",
    "/messages",
    "/models/",
    "/responses",
    "/",
    "..",
    ".",
    "%2f",
    "*",
    "?a=",
    "#",
    "http://",
    "127.0.0.1:4",
    "host",
    "origin",
    "connection",
    "upgrade",
    "websocket",
    "keep-alive, upgrade",
    "x-api-key",
    "authorization",
    "Bearer ",
    "pe-broker-",
    ",",
    " ",
    "h2c",
    ":",
    "@",
];

impl Text<'_> {
    fn bytes(&self) -> &[u8] {
        match self {
            Self::Bytes(bytes) => &bytes[..bytes.len().min(64)],
            Self::Known(index) => KNOWN[usize::from(*index) % KNOWN.len()].as_bytes(),
        }
    }
}

fuzz_target!(|input: Input| {
    let target: Vec<u8> = input.target.iter().take(12).flat_map(|part| part.bytes().to_vec()).collect();
    let mut builder = Request::builder().method(input.method.bytes()).uri(&target[..]);
    for (name, value) in input.headers.iter().take(12) {
        builder = builder.header(name.bytes(), value.bytes());
    }
    let Ok(request) = builder.body(()) else { return };
    let (parts, ()) = request.into_parts();
    for row in PROVIDERS {
        let api = row.vendor().api;
        let hosts = Some(vec!["127.0.0.1:4".to_owned()]);
        for base_path in ["", "/v1"] {
            let expected = Expected { api, base_path: base_path.to_owned(), hosts: hosts.clone() };
            let Ok(asked) = check(&parts, &expected) else { continue };
            assert!(parts.uri.authority().is_none() && parts.uri.path() == format!("{base_path}{}", asked.path));
            assert_eq!(parts.headers.get_all("host").iter().count(), 1);
            assert!(!parts.headers.contains_key("origin") && asked.allowed.method == parts.method.as_str());
            assert!(!asked.path.contains("..") && !asked.path.contains('%') && !asked.path.contains("//"));
            assert_eq!(asked.path.matches('/').count(), asked.allowed.path.matches('/').count());
        }
        if let Ok(Some(token)) = presented_token(&parts.headers, api) {
            assert!(token.len() <= 64);
        }
    }
});
