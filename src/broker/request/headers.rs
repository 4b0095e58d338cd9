//! The headers that are not forwarded, and those that replace them.

use hyper::http::header::{
    ACCEPT_ENCODING, CONNECTION, CONTENT_ENCODING, EXPECT, HOST, HeaderMap, HeaderName, HeaderValue,
    SEC_WEBSOCKET_EXTENSIONS, UPGRADE,
};

use super::head::has_word;
use crate::provider::{Api, Authorization, Upgrade};
use crate::secret::redaction::Redactor;

/// Headers of one connection, not of a message (RFC 9110, section 7.6.1).
const HOP_BY_HOP: &[&str] = &[
    "connection",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

/// It would lead a client past the broker.
const ALT_SVC: &str = "alt-svc";

/// Turns a client's headers into those for the API: without the headers of the connection and of credentials, with the
/// API's host and the headers that it requires with this kind of credential. The credential itself is added later.
pub fn for_upstream(
    headers: &mut HeaderMap,
    upgrade: Upgrade,
    host: &HeaderValue,
    api: &Api,
    authorization: &Authorization,
) {
    remove_hop_by_hop(headers);
    for row in api.authorizations {
        headers.remove(row.header);
    }
    headers.remove(EXPECT);
    headers.insert(HOST, host.clone());
    // The broker cannot search a compressed answer for the key, nor can a tap meter it.
    headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
    for (name, value) in authorization.with {
        add(headers, name, value, api.list_headers.contains(name));
    }
    if upgrade == Upgrade::WebSocket {
        headers.insert(CONNECTION, HeaderValue::from_static("Upgrade"));
        headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
        // Such as `permessage-deflate`.
        headers.remove(SEC_WEBSOCKET_EXTENSIONS);
    }
}

/// Adds a header that an API requires. A list gets one more word, in one header; any other header keeps a value that it
/// has.
fn add(headers: &mut HeaderMap, name: &'static str, value: &'static str, is_list: bool) {
    let name = HeaderName::from_static(name);
    let given: Vec<&HeaderValue> = headers.get_all(&name).iter().collect();
    if given.is_empty() {
        headers.insert(name, HeaderValue::from_static(value));
        return;
    }
    if !is_list || given.iter().any(|line| has_word(line, value)) {
        return;
    }
    let mut lines: Vec<&[u8]> = given.iter().map(|line| line.as_bytes()).collect();
    lines.push(value.as_bytes());
    // Valid values and commas make a valid value.
    if let Ok(joined) = HeaderValue::from_bytes(&lines.join(&b","[..])) {
        headers.insert(name, joined);
    }
}

/// Removes the headers of the connection from an answer, and masks the key in the others.
pub fn clean_answer(headers: &mut HeaderMap, key: &[u8], redactor: impl Fn() -> Option<std::sync::Arc<Redactor>>) {
    remove_hop_by_hop(headers);
    headers.remove(ALT_SVC);
    let repeats = |value: &HeaderValue| value.as_bytes().windows(key.len()).any(|part| part == key);
    if !headers.values().any(repeats) {
        return;
    }
    let redactor = redactor();
    for value in headers.values_mut() {
        let mut bytes = value.as_bytes().to_vec();
        match &redactor {
            Some(redactor) => drop(redactor.scrub(&mut bytes)),
            None => bytes.clear(),
        }
        *value = HeaderValue::from_bytes(&bytes).unwrap_or_else(|_| HeaderValue::from_static(""));
    }
}

/// Whether the body has no content coding, such as gzip.
pub fn is_identity(headers: &HeaderMap) -> bool {
    headers.get_all(CONTENT_ENCODING).iter().all(|value| value.as_bytes().eq_ignore_ascii_case(b"identity"))
}

/// Whether an answer with status 101 switches to what the client requested: a WebSocket without extensions.
pub fn switches_protocols(headers: &HeaderMap) -> bool {
    let is_web_socket = headers.get(UPGRADE).is_some_and(|value| value.as_bytes().eq_ignore_ascii_case(b"websocket"));
    is_web_socket && !headers.contains_key(SEC_WEBSOCKET_EXTENSIONS)
}

fn remove_hop_by_hop(headers: &mut HeaderMap) {
    let listed: Vec<HeaderName> = headers
        .get_all(CONNECTION)
        .iter()
        .flat_map(|value| value.as_bytes().split(|byte| *byte == b','))
        .filter_map(|name| HeaderName::from_bytes(name.trim_ascii()).ok())
        .collect();
    for name in listed {
        headers.remove(name);
    }
    for name in HOP_BY_HOP {
        headers.remove(*name);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::provider::{CredentialKind, find};

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.append(HeaderName::from_static(name), HeaderValue::from_static(value));
        }
        headers
    }

    fn sent(pairs: &[(&'static str, &'static str)], kind: CredentialKind) -> HeaderMap {
        let api = find("claude").expect("a row").vendor().api;
        let mut headers = headers(pairs);
        let authorization = api.authorization(kind).expect("a row");
        for_upstream(&mut headers, Upgrade::Never, &HeaderValue::from_static("api.test"), api, authorization);
        headers
    }

    #[test]
    fn a_subscription_token_adds_its_beta_to_the_one_header() {
        let of = |pairs: &[(&'static str, &'static str)]| {
            let headers = sent(pairs, CredentialKind::OauthToken);
            let lines: Vec<_> = headers.get_all("anthropic-beta").iter().cloned().collect();
            assert_eq!(lines.len(), 1);
            lines[0].to_str().expect("text").to_owned()
        };
        assert_eq!(of(&[]), "oauth-2025-04-20");
        assert_eq!(of(&[("anthropic-beta", "a,b")]), "a,b,oauth-2025-04-20");
        assert_eq!(of(&[("anthropic-beta", "a"), ("anthropic-beta", "b, c")]), "a,b, c,oauth-2025-04-20");
        assert_eq!(of(&[("anthropic-beta", "a, oauth-2025-04-20 ,b")]), "a, oauth-2025-04-20 ,b");
        let with_key = sent(&[("anthropic-beta", "a")], CredentialKind::ApiKey);
        assert_eq!(with_key["anthropic-beta"], "a");
        assert_eq!(
            sent(&[("anthropic-version", "2099-01-01")], CredentialKind::ApiKey)["anthropic-version"],
            "2099-01-01"
        );
    }

    #[test]
    fn what_is_of_the_connection_or_a_credential_does_not_pass() {
        let pairs = [
            ("connection", "keep-alive, X-Hop, host"),
            ("x-hop", "1"),
            ("keep-alive", "1"),
            ("te", "trailers"),
            ("proxy-authorization", "Basic x"),
            ("authorization", "Bearer token"),
            ("x-api-key", "token"),
            ("expect", "100-continue"),
            ("host", "127.0.0.1:4"),
            ("x-stainless-os", "Linux"),
        ];
        let headers = sent(&pairs, CredentialKind::ApiKey);
        let mut names: Vec<&str> = headers.keys().map(HeaderName::as_str).collect();
        names.sort_unstable();
        assert_eq!(names, ["accept-encoding", "anthropic-version", "host", "x-stainless-os"]);
        assert_eq!(headers["host"], "api.test");
    }

    #[test]
    fn a_header_that_repeats_the_key_is_masked() {
        let mut answer =
            headers(&[("x-echo", "Bearer sk-made-up-key!"), ("x-id", "7"), ("alt-svc", "h3"), ("connection", "close")]);
        let redactor = std::sync::Arc::new(Redactor::new([&b"sk-made-up-key!"[..]], 8).expect("random"));
        clean_answer(&mut answer, b"sk-made-up-key!", || Some(redactor.clone()));
        assert_eq!(answer.len(), 2);
        assert!(!answer["x-echo"].to_str().expect("text").contains("made-up") && answer["x-id"] == "7");
    }
}
