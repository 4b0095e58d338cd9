//! Requests that must not be forwarded, byte for byte as an attacker sends them.

use provider_env::broker::{Options, Outcome, Reason, Route, Times};
use std::time::Duration;

use crate::api::{Api, OK};
use crate::client::Client;
use crate::setting::{Setting, authorized, refused};

/// `HOST` and `TOKEN` stand for the right lines.
fn send(setting: &Setting, raw: &str) -> (Client, Vec<String>) {
    let grant = setting.grant(Route::Tcp);
    let mut client = Client::connect(grant.address());
    let token = authorized(&grant);
    let raw = raw.replace("HOST", &format!("host: {}", client.host)).replace("TOKEN", &token[0]);
    client.send(raw.replace('\n', "\r\n").as_bytes());
    // The answer must come while the grant is there.
    let answer = client.try_answer();
    drop(grant);
    let status = answer.map_or(0, |answer| answer.status());
    (client, vec![status.to_string()])
}

#[test]
fn what_is_not_for_the_broker_is_refused_and_recorded() {
    let api = Api::answering(OK);
    let setting = Setting::of("claude", &api);
    for (raw, status, reason) in [
        ("POST /v1/messages HTTP/1.1\nHOST\ncontent-length: 0\n\n", 403, Reason::Token),
        ("POST /v1/messages HTTP/1.1\nHOST\nx-api-key: pe-broker-\ncontent-length: 0\n\n", 403, Reason::Token),
        ("POST /v1/messages HTTP/1.1\nHOST\nx-api-key: sk-ant-api03-x\ncontent-length: 0\n\n", 403, Reason::Token),
        (
            "POST /v1/messages HTTP/1.1\nHOST\nTOKEN\nx-api-key: sk-x\ncontent-length: 0\n\n",
            403,
            Reason::SeveralCredentials,
        ),
        ("POST /v1/messages HTTP/1.1\nHOST\nTOKEN\nTOKEN\ncontent-length: 0\n\n", 403, Reason::SeveralCredentials),
        ("POST http://api.anthropic.com/v1/messages HTTP/1.1\nHOST\nTOKEN\ncontent-length: 0\n\n", 403, Reason::Target),
        ("CONNECT api.anthropic.com:443 HTTP/1.1\nHOST\nTOKEN\n\n", 403, Reason::Target),
        ("OPTIONS * HTTP/1.1\nHOST\nTOKEN\n\n", 403, Reason::Target),
        ("POST /v1/messages HTTP/1.1\nhost: evil.example\nTOKEN\ncontent-length: 0\n\n", 403, Reason::Host),
        ("POST /v1/messages HTTP/1.1\nHOST\nhost: evil.example\nTOKEN\ncontent-length: 0\n\n", 403, Reason::Host),
        ("POST /v1/messages HTTP/1.1\nTOKEN\ncontent-length: 0\n\n", 403, Reason::Host),
        ("POST /v1/messages HTTP/1.1\nHOST\norigin: null\nTOKEN\ncontent-length: 0\n\n", 403, Reason::Origin),
        ("POST /v1/messages HTTP/1.0\nHOST\nTOKEN\ncontent-length: 0\n\n", 403, Reason::Protocol),
        ("POST /v1/../v1/messages HTTP/1.1\nHOST\nTOKEN\ncontent-length: 0\n\n", 403, Reason::NotAllowed),
        ("POST /v1%2Fmessages HTTP/1.1\nHOST\nTOKEN\ncontent-length: 0\n\n", 403, Reason::NotAllowed),
        ("POST /v1/messages/../files HTTP/1.1\nHOST\nTOKEN\ncontent-length: 0\n\n", 403, Reason::NotAllowed),
        ("GET /v1/organizations/api_keys HTTP/1.1\nHOST\nTOKEN\n\n", 403, Reason::NotAllowed),
        ("DELETE /v1/messages HTTP/1.1\nHOST\nTOKEN\n\n", 403, Reason::NotAllowed),
        ("GET /v1/models HTTP/1.1\nHOST\nTOKEN\nconnection: upgrade\nupgrade: h2c\n\n", 403, Reason::NotAllowed),
        ("GET /v1/models HTTP/1.1\nHOST\nTOKEN\nconnection: upgrade\nupgrade: websocket\n\n", 403, Reason::NotAllowed),
    ] {
        let (_, answered) = send(&setting, raw);
        assert_eq!(answered, [status.to_string()], "{raw}");
        assert_eq!(setting.outcome(), refused(reason), "{raw}");
    }
    assert!(api.seen().is_empty(), "{:?}", api.seen());
}

#[test]
fn what_is_no_http_is_refused_and_recorded() {
    let api = Api::answering(OK);
    let setting = Setting::of("claude", &api);
    for raw in [
        // obs-fold, a space before the colon, a line without one, control characters.
        "POST /v1/messages HTTP/1.1\nHOST\nTOKEN\nx-a: 1\n 2\ncontent-length: 0\n\n",
        "POST /v1/messages HTTP/1.1\nHOST\nTOKEN\nx-a : 1\ncontent-length: 0\n\n",
        "POST /v1/messages HTTP/1.1\nHOST\nTOKEN\nx-a\ncontent-length: 0\n\n",
        "POST /v1/messages HTTP/1.1\nHOST\nTOKEN\nx-a: \0\ncontent-length: 0\n\n",
        "POST /v1/messages HTTP/1.1\n HOST\nTOKEN\ncontent-length: 0\n\n",
        "POST /v1/ messages HTTP/1.1\nHOST\nTOKEN\ncontent-length: 0\n\n",
        // Lengths that contradict one another, or are none.
        "POST /v1/messages HTTP/1.1\nHOST\nTOKEN\ncontent-length: 2\ncontent-length: 3\n\n{}x",
        "POST /v1/messages HTTP/1.1\nHOST\nTOKEN\ncontent-length: +2\n\n{}",
        "POST /v1/messages HTTP/1.1\nHOST\nTOKEN\ncontent-length: 2, 2\n\n{}",
        "POST /v1/messages HTTP/1.1\nHOST\nTOKEN\ntransfer-encoding: chunked, identity\n\n0\n\n",
        "POST /v1/messages HTTP/1.1\nHOST\nTOKEN\ntransfer-encoding: xchunked\n\n0\n\n",
        "PRI * HTTP/2.0\n\nSM\n\n",
        "\u{16}\u{3}\u{1}\u{2}\0\u{1}\0\u{1}\u{fc}\u{3}\u{3}",
    ] {
        let (mut client, answered) = send(&setting, raw);
        assert!(["400", "0"].contains(&answered[0].as_str()), "{answered:?} to {raw:?}");
        assert_eq!(setting.outcome(), refused(Reason::Protocol), "{raw:?}");
        assert!(client.is_closed());
    }
    assert!(api.seen().is_empty(), "{:?}", api.seen());
}

#[test]
fn a_smuggled_request_is_never_a_second_one() {
    // With both, the chunks count (RFC 9112, section 6.3), one framing goes on, and the connection is closed behind it.
    let api = Api::answering(OK);
    let setting = Setting::of("claude", &api);
    let inner = "GET /v1/models HTTP/1.1\nHOST\nTOKEN\n\n";
    for head in ["content-length: 4\ntransfer-encoding: chunked", "transfer-encoding: chunked\ncontent-length: 4"] {
        let raw = format!("POST /v1/messages HTTP/1.1\nHOST\nTOKEN\n{head}\n\n0\n\n{inner}");
        let (mut client, answered) = send(&setting, &raw);
        assert_eq!(answered, ["200"]);
        assert!(client.is_closed(), "nothing follows it");
        let seen = api.last();
        assert_eq!((seen.head.count("content-length"), seen.head.get("transfer-encoding")), (0, Some("chunked")));
        assert!(seen.body.is_empty());
        assert_eq!(setting.records(1).len(), 1);
    }
    assert_eq!(api.seen().len(), 2);
    // A chunk's size that is none, and a body that is cut short, are no whole request for the API.
    for body in ["zz\n{}\n0\n\n", "ffffffffffffffffff\n{}\n0\n\n", "-1\n{}\n"] {
        let raw = format!("POST /v1/messages HTTP/1.1\nHOST\nTOKEN\ntransfer-encoding: chunked\n\n{body}");
        send(&setting, &raw);
        assert!(!matches!(setting.outcome(), Outcome::Completed), "{body}");
    }
    assert_eq!(api.seen().len(), 2, "{:?}", api.seen());
}

#[test]
fn a_head_that_does_not_end_is_ended() {
    let api = Api::answering(OK);
    let times = Times { head: Duration::from_millis(300), ..Times::default() };
    let setting = Setting::with("claude", &api, Options { times, ..Options::default() });
    let grant = setting.grant(Route::Tcp);
    let mut slow = Client::connect(grant.address());
    slow.send(b"POST /v1/messages HTTP/1.1\r\nhost: ");
    let mut idle = Client::connect(grant.address());
    assert!(slow.is_closed() && idle.is_closed());
    // Meanwhile others are served.
    assert_eq!(crate::setting::ask(&grant, "POST", "/v1/messages", b"{}").status(), 200);
}
