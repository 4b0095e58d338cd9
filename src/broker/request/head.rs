//! Checks a request's head: its target, its host, its token, and whether inference needs it.

use hyper::http::header::{CONNECTION, HOST, HeaderMap, HeaderValue, ORIGIN, UPGRADE};
use hyper::http::request::Parts;
use hyper::{Method, Version};

use crate::broker::refusal::RefusalReason;
use crate::provider::{AllowedRequest, Api, Upgrade};

/// What a listener expects of a request.
#[derive(Debug)]
pub struct Expected {
    pub api: &'static Api,
    /// The path of the base URL that clients were given, without a trailing slash.
    pub base_path: String,
    /// The values that `Host` may have. None if any is allowed, because no web page can connect.
    pub hosts: Option<Vec<String>>,
}

/// A request that may be forwarded.
#[derive(Clone, Copy, Debug)]
pub struct Asked<'a> {
    pub allowed: &'static AllowedRequest,
    /// The path below the base URL.
    pub path: &'a str,
}

/// Checks that the broker forwards such a request.
///
/// # Errors
/// Why it does not.
pub fn check<'a>(parts: &'a Parts, expected: &Expected) -> Result<Asked<'a>, RefusalReason> {
    if parts.version != Version::HTTP_11 {
        return Err(RefusalReason::Protocol);
    }
    let target = &parts.uri;
    if target.scheme().is_some() || target.authority().is_some() || !target.path().starts_with('/') {
        return Err(RefusalReason::Target);
    }
    check_host(&parts.headers, expected)?;
    if parts.headers.contains_key(ORIGIN) {
        return Err(RefusalReason::Origin);
    }
    let path = target.path().strip_prefix(expected.base_path.as_str()).ok_or(RefusalReason::NotAllowed)?;
    let upgrade = upgrade_of(&parts.method, &parts.headers).ok_or(RefusalReason::NotAllowed)?;
    let is_it = |row: &&AllowedRequest| {
        row.method == parts.method.as_str() && row.upgrade == upgrade && is_path(row.path, path)
    };
    let allowed = expected.api.requests.iter().find(is_it).ok_or(RefusalReason::NotAllowed)?;
    Ok(Asked { allowed, path })
}

/// Defends against DNS rebinding: a web page whose name was made to resolve to loopback has that name in `Host`.
fn check_host(headers: &HeaderMap, expected: &Expected) -> Result<(), RefusalReason> {
    let mut all = headers.get_all(HOST).iter();
    let (Some(host), None) = (all.next(), all.next()) else { return Err(RefusalReason::Host) };
    let is_known = |hosts: &Vec<String>| hosts.iter().any(|known| known.as_bytes() == host.as_bytes());
    if expected.hosts.as_ref().is_none_or(is_known) { Ok(()) } else { Err(RefusalReason::Host) }
}

/// The upgrade that the client requests. None if the broker does not forward such an upgrade.
fn upgrade_of(method: &Method, headers: &HeaderMap) -> Option<Upgrade> {
    let mut all = headers.get_all(UPGRADE).iter();
    let Some(protocol) = all.next() else { return Some(Upgrade::Never) };
    let is_asked = headers.get_all(CONNECTION).iter().any(|value| has_word(value, "upgrade"));
    let is_web_socket = all.next().is_none() && protocol.as_bytes().eq_ignore_ascii_case(b"websocket");
    (is_web_socket && is_asked && method == Method::GET).then_some(Upgrade::WebSocket)
}

/// Whether a comma-separated header contains this word.
pub(super) fn has_word(value: &HeaderValue, word: &str) -> bool {
    value.as_bytes().split(|byte| *byte == b',').any(|part| part.trim_ascii().eq_ignore_ascii_case(word.as_bytes()))
}

/// Whether a path matches a row byte for byte, so that no encoding, doubled slash or `..` can reach another path. `*`
/// in the row matches one plain segment.
fn is_path(row: &str, path: &str) -> bool {
    if !row.contains('*') {
        return row == path;
    }
    let (mut wanted, mut given) = (row.split('/'), path.split('/'));
    loop {
        match (wanted.next(), given.next()) {
            (None, None) => return true,
            (Some("*"), Some(segment)) if is_plain(segment) => {}
            (Some(one), Some(other)) if one == other && one != "*" => {}
            _ => return false,
        }
    }
}

fn is_plain(segment: &str) -> bool {
    let is_name = segment.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._:".contains(&byte));
    is_name && segment.bytes().any(|byte| byte.is_ascii_alphanumeric())
}

/// The credential that the CLI sent; none if it sent none.
///
/// # Errors
/// If there are several: one could be meant for the broker and another for the API.
pub fn presented_token<'a>(headers: &'a HeaderMap, api: &Api) -> Result<Option<&'a [u8]>, RefusalReason> {
    let mut found = None;
    for row in api.authorizations {
        for value in headers.get_all(row.header) {
            if found.is_some() {
                return Err(RefusalReason::SeveralCredentials);
            }
            // The scheme is case-insensitive in HTTP, but the CLIs write it exactly like this.
            found = Some(value.as_bytes().strip_prefix(row.prefix.as_bytes()).unwrap_or_default());
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use hyper::Request;

    use super::*;
    use crate::provider::find;

    fn expected(provider: &str) -> Expected {
        let api = find(provider).expect("a row").vendor().api;
        let base_path = if provider == "codex" { "/v1".to_owned() } else { String::new() };
        Expected { api, base_path, hosts: Some(vec!["127.0.0.1:4".into()]) }
    }

    fn ask(
        provider: &str,
        method: &str,
        target: &str,
        headers: &[(&str, &str)],
    ) -> Result<&'static str, RefusalReason> {
        let mut request = Request::builder().method(method).uri(target);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let (parts, ()) = request.body(()).expect("a request").into_parts();
        check(&parts, &expected(provider)).map(|asked| asked.allowed.path)
    }

    const HOST_OK: (&str, &str) = ("host", "127.0.0.1:4");

    #[test]
    fn what_inference_needs_passes() {
        for (provider, method, target, path) in [
            ("claude", "POST", "/v1/messages?beta=true", "/v1/messages"),
            ("claude", "GET", "/v1/models/claude-x-1.5:2", "/v1/models/*"),
            ("claude", "HEAD", "/", "/"),
            ("claude", "GET", "/api/claude_code/policy_limits", "/api/claude_code/policy_limits"),
            ("codex", "POST", "/v1/responses", "/responses"),
        ] {
            assert_eq!(ask(provider, method, target, &[HOST_OK]), Ok(path), "{target}");
        }
        let upgrade = [HOST_OK, ("connection", "keep-alive, Upgrade"), ("upgrade", "WebSocket")];
        assert_eq!(ask("codex", "GET", "/v1/responses", &upgrade), Ok("/responses"));
    }

    #[test]
    fn other_paths_and_ways_to_write_them_are_refused() {
        for target in [
            "/v1/messages/",
            "//v1/messages",
            "/v1//messages",
            "/v1/./messages",
            "/v1/../v1/messages",
            "/v1/%6dessages",
            "/v1%2fmessages",
            "/v1/messages/batches",
            "/v1/models/..",
            "/v1/models/.",
            "/v1/models/a%2f..%2fb",
            "/v1/models/",
            "/v1/models/a/b",
            "/v1/models/*",
            "/v1/files",
            "/V1/messages",
            "/v1/messages;x",
            "/v1/organizations/api_keys",
        ] {
            for method in ["GET", "POST"] {
                assert_eq!(ask("claude", method, target, &[HOST_OK]), Err(RefusalReason::NotAllowed), "{target}");
            }
        }
        assert_eq!(ask("claude", "DELETE", "/v1/messages", &[HOST_OK]), Err(RefusalReason::NotAllowed));
        assert_eq!(
            ask("codex", "GET", "/v1/responses", &[HOST_OK]),
            Err(RefusalReason::NotAllowed),
            "without the upgrade"
        );
        assert_eq!(
            ask("codex", "POST", "/responses", &[HOST_OK]),
            Err(RefusalReason::NotAllowed),
            "above the base URL"
        );
        assert_eq!(ask("codex", "POST", "/v1x/responses", &[HOST_OK]), Err(RefusalReason::NotAllowed));
    }

    #[test]
    fn other_targets_hosts_and_origins_are_refused() {
        assert_eq!(
            ask("claude", "POST", "https://api.anthropic.com/v1/messages", &[HOST_OK]),
            Err(RefusalReason::Target)
        );
        assert_eq!(ask("claude", "CONNECT", "api.anthropic.com:443", &[HOST_OK]), Err(RefusalReason::Target));
        assert_eq!(ask("claude", "OPTIONS", "*", &[HOST_OK]), Err(RefusalReason::Target));
        let path = "/v1/messages";
        assert_eq!(ask("claude", "POST", path, &[]), Err(RefusalReason::Host));
        assert_eq!(ask("claude", "POST", path, &[HOST_OK, HOST_OK]), Err(RefusalReason::Host));
        assert_eq!(ask("claude", "POST", path, &[("host", "evil.example:4")]), Err(RefusalReason::Host));
        assert_eq!(
            ask("claude", "POST", path, &[HOST_OK, ("origin", "http://127.0.0.1:4")]),
            Err(RefusalReason::Origin)
        );
    }

    #[test]
    fn an_upgrade_to_anything_else_is_refused() {
        let connection = ("connection", "upgrade");
        for headers in [
            &[HOST_OK, connection, ("upgrade", "h2c")][..],
            &[HOST_OK, connection, ("upgrade", "websocket, h2c")],
            &[HOST_OK, connection, ("upgrade", "websocket"), ("upgrade", "h2c")],
            &[HOST_OK, ("upgrade", "websocket")],
        ] {
            assert_eq!(ask("codex", "GET", "/v1/responses", headers), Err(RefusalReason::NotAllowed), "{headers:?}");
        }
        let web_socket = [HOST_OK, connection, ("upgrade", "websocket")];
        assert_eq!(ask("codex", "POST", "/v1/responses", &web_socket), Err(RefusalReason::NotAllowed));
        assert_eq!(ask("claude", "POST", "/v1/messages", &web_socket), Err(RefusalReason::NotAllowed));
    }

    #[test]
    fn one_credential_is_read_and_several_are_refused() {
        let api = expected("claude").api;
        let of = |pairs: &[(&'static str, &'static str)]| {
            let pairs = pairs.iter().map(|(name, value)| {
                let name = hyper::http::HeaderName::from_static(name);
                (name, HeaderValue::from_static(value))
            });
            let mut headers = HeaderMap::new();
            pairs.for_each(|(name, value)| {
                headers.append(name, value);
            });
            presented_token(&headers, api).map(|token| token.map(<[u8]>::to_vec))
        };
        assert_eq!(of(&[]), Ok(None));
        assert_eq!(of(&[("x-api-key", "t")]), Ok(Some(b"t".to_vec())));
        assert_eq!(of(&[("authorization", "Bearer t")]), Ok(Some(b"t".to_vec())));
        assert_eq!(of(&[("authorization", "Basic t")]), Ok(Some(Vec::new())));
        assert_eq!(of(&[("x-api-key", "t"), ("authorization", "Bearer u")]), Err(RefusalReason::SeveralCredentials));
        assert_eq!(of(&[("x-api-key", "t"), ("x-api-key", "t")]), Err(RefusalReason::SeveralCredentials));
    }
}
