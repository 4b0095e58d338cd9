//! Requests that must not be forwarded, byte for byte as an attacker sends them.

use provider_env::broker::{Options, Outcome, RefusalReason, Route, Times};
use std::time::Duration;

use crate::api::{Api, OK};
use crate::client::Client;
use crate::setting::{Setting, authorized, refused, until};

/// `HOST` and `TOKEN` stand for the right lines.
fn send(setting: &Setting, raw: &str) -> (Client, u16) {
    let grant = setting.grant(Route::Tcp);
    let mut client = Client::connect(grant.address());
    let token = authorized(&grant);
    let raw = raw.replace("HOST", &format!("host: {}", client.host)).replace("TOKEN", &token[0]);
    client.send(raw.replace('\n', "\r\n").as_bytes());
    // The answer must come while the grant is there.
    let answer = client.try_answer();
    drop(grant);
    (client, answer.map_or(0, |answer| answer.status()))
}

#[test]
fn what_is_not_for_the_broker_is_refused_and_recorded() {
    let api = Api::answering(OK);
    let setting = Setting::of("claude", &api);
    for (raw, status, reason) in [
        ("POST /v1/messages HTTP/1.1\nHOST\ncontent-length: 0\n\n", 403, RefusalReason::Token),
        ("POST /v1/messages HTTP/1.1\nHOST\nx-api-key: pe-broker-\ncontent-length: 0\n\n", 403, RefusalReason::Token),
        (
            "POST /v1/messages HTTP/1.1\nHOST\nx-api-key: sk-ant-api03-x\ncontent-length: 0\n\n",
            403,
            RefusalReason::Token,
        ),
        (
            "POST /v1/messages HTTP/1.1\nHOST\nTOKEN\nx-api-key: sk-x\ncontent-length: 0\n\n",
            403,
            RefusalReason::SeveralCredentials,
        ),
        (
            "POST /v1/messages HTTP/1.1\nHOST\nTOKEN\nTOKEN\ncontent-length: 0\n\n",
            403,
            RefusalReason::SeveralCredentials,
        ),
        (
            "POST http://api.anthropic.com/v1/messages HTTP/1.1\nHOST\nTOKEN\ncontent-length: 0\n\n",
            403,
            RefusalReason::Target,
        ),
        ("CONNECT api.anthropic.com:443 HTTP/1.1\nHOST\nTOKEN\n\n", 403, RefusalReason::Target),
        ("OPTIONS * HTTP/1.1\nHOST\nTOKEN\n\n", 403, RefusalReason::Target),
        ("POST /v1/messages HTTP/1.1\nhost: evil.example\nTOKEN\ncontent-length: 0\n\n", 403, RefusalReason::Host),
        (
            "POST /v1/messages HTTP/1.1\nHOST\nhost: evil.example\nTOKEN\ncontent-length: 0\n\n",
            403,
            RefusalReason::Host,
        ),
        ("POST /v1/messages HTTP/1.1\nTOKEN\ncontent-length: 0\n\n", 403, RefusalReason::Host),
        ("POST /v1/messages HTTP/1.1\nHOST\norigin: null\nTOKEN\ncontent-length: 0\n\n", 403, RefusalReason::Origin),
        ("POST /v1/messages HTTP/1.0\nHOST\nTOKEN\ncontent-length: 0\n\n", 403, RefusalReason::Protocol),
        ("POST /v1/../v1/messages HTTP/1.1\nHOST\nTOKEN\ncontent-length: 0\n\n", 403, RefusalReason::NotAllowed),
        ("POST /v1%2Fmessages HTTP/1.1\nHOST\nTOKEN\ncontent-length: 0\n\n", 403, RefusalReason::NotAllowed),
        ("POST /v1/messages/../files HTTP/1.1\nHOST\nTOKEN\ncontent-length: 0\n\n", 403, RefusalReason::NotAllowed),
        ("GET /v1/organizations/api_keys HTTP/1.1\nHOST\nTOKEN\n\n", 403, RefusalReason::NotAllowed),
        ("DELETE /v1/messages HTTP/1.1\nHOST\nTOKEN\n\n", 403, RefusalReason::NotAllowed),
        ("GET /v1/models HTTP/1.1\nHOST\nTOKEN\nconnection: upgrade\nupgrade: h2c\n\n", 403, RefusalReason::NotAllowed),
        (
            "GET /v1/models HTTP/1.1\nHOST\nTOKEN\nconnection: upgrade\nupgrade: websocket\n\n",
            403,
            RefusalReason::NotAllowed,
        ),
    ] {
        let (_, answered) = send(&setting, raw);
        assert_eq!(answered, status, "{raw}");
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
        assert!([400, 0].contains(&answered), "{answered} to {raw:?}");
        assert_eq!(setting.outcome(), refused(RefusalReason::Protocol), "{raw:?}");
        assert!(client.is_closed());
    }
    assert!(api.seen().is_empty(), "{:?}", api.seen());
}

#[test]
fn a_head_that_can_be_read_in_two_ways_is_refused() {
    let api = Api::answering(OK);
    let setting = Setting::of("claude", &api);
    let inner = "GET /v1/models HTTP/1.1\nHOST\nTOKEN\n\n";
    for head in [
        "content-length: 4\ntransfer-encoding: chunked",
        "transfer-encoding: chunked\ncontent-length: 4",
        "transfer-encoding: chunked\nx: 1\nContent-Length: 0",
        "content-length: 5\ncontent-length: 5",
        "transfer-encoding: chunked\ntransfer-encoding: chunked",
    ] {
        let (mut client, answered) =
            send(&setting, &format!("POST /v1/messages HTTP/1.1\nHOST\nTOKEN\n{head}\n\n0\n\n{inner}"));
        // hyper itself refuses some of them.
        assert!([400, 403].contains(&answered), "{answered} to {head}");
        assert!(client.is_closed(), "nothing follows it");
        let records = setting.records(1);
        let expected = [refused(RefusalReason::Framing), refused(RefusalReason::Protocol)];
        assert!(records.len() == 1 && expected.contains(&records[0].outcome), "{head}: {records:?}");
    }
    // Lines that end with a bare LF, and an empty line before the first: hyper takes them.
    let bare = [
        "POST /v1/messages HTTP/1.1\r\nHOST\r\nTOKEN\r\nx: 1\ny: 2\r\ncontent-length: 0\r\n\r\n",
        "POST /v1/messages HTTP/1.1\nHOST\nTOKEN\ncontent-length: 0\n\n",
        "\r\n\r\nPOST /v1/messages HTTP/1.1\r\nHOST\r\nTOKEN\r\ncontent-length: 0\r\n\r\n",
    ];
    for raw in bare {
        let grant = setting.grant(Route::Tcp);
        let mut client = Client::connect(grant.address());
        let raw = raw.replace("HOST", &format!("host: {}", client.host)).replace("TOKEN", &authorized(&grant)[0]);
        client.send(raw.as_bytes());
        assert_eq!(client.try_answer().map_or(0, |answer| answer.status()), 403, "{raw:?}");
        assert!(client.is_closed());
        assert_eq!(setting.outcome(), refused(RefusalReason::Framing), "{raw:?}");
    }
    assert!(api.seen().is_empty(), "{:?}", api.seen());
}

#[test]
fn a_smuggled_request_is_never_a_second_one() {
    let api = Api::answering(OK);
    let setting = Setting::of("claude", &api);
    // A chunk's size that is none, and a body that is cut short, are no whole request for the API.
    for body in ["zz\n{}\n0\n\n", "ffffffffffffffffff\n{}\n0\n\n", "-1\n{}\n"] {
        let raw = format!("POST /v1/messages HTTP/1.1\nHOST\nTOKEN\ntransfer-encoding: chunked\n\n{body}");
        send(&setting, &raw);
        assert!(!matches!(setting.outcome(), Outcome::Completed), "{body}");
    }
    assert!(api.seen().is_empty(), "{:?}", api.seen());
    // What follows a body at once is a request of its own, and is checked as one.
    let grant = setting.grant(Route::Tcp);
    let mut client = Client::connect(grant.address());
    let head = format!("POST /v1/messages HTTP/1.1\r\nhost: {}\r\n", client.host);
    let whole = format!("{head}{}\r\ncontent-length: 2\r\n\r\n{{}}", authorized(&grant)[0]);
    client.send(format!("{whole}{head}content-length: 2\r\n\r\n{{}}{whole}").as_bytes());
    let statuses: Vec<u16> = (0..3).map(|_| client.answer().status()).collect();
    assert_eq!((statuses, api.seen().len()), (vec![200, 403, 200], 2));
}

#[test]
fn an_upgrade_that_is_none_stays_http() {
    let api = Api::start(|conversation| {
        let Some(seen) = conversation.request()? else { return Ok(false) };
        let unasked = seen.head.line.contains("messages");
        let switches = b"HTTP/1.1 101 Switching Protocols\r\nconnection: Upgrade\r\nupgrade: websocket\r\n\r\n";
        conversation.send(if unasked { switches } else { OK.as_bytes() })?;
        Ok(true)
    });
    let claude = Setting::of("claude", &api);
    // An API that switches protocols though nobody asked for it.
    let (_, answered) = send(&claude, "POST /v1/messages HTTP/1.1\nHOST\nTOKEN\ncontent-length: 0\n\n");
    assert_eq!((answered, claude.outcome()), (502, refused(RefusalReason::UpstreamProtocol)));
    let codex = Setting::of("codex", &api);
    let web_socket = "connection: upgrade\nupgrade: websocket";
    for (raw, status) in [
        // By another method, to another path, to another protocol, to two.
        (format!("POST /v1/responses HTTP/1.1\nHOST\nTOKEN\n{web_socket}\ncontent-length: 0\n\n"), 400),
        (format!("GET /v1/models HTTP/1.1\nHOST\nTOKEN\n{web_socket}\n\n"), 400),
        ("GET /v1/responses HTTP/1.1\nHOST\nTOKEN\nconnection: upgrade\nupgrade: h2c\n\n".to_owned(), 400),
        (format!("GET /v1/responses HTTP/1.1\nHOST\nTOKEN\n{web_socket}\nupgrade: h2c\n\n"), 400),
        ("GET /v1/responses HTTP/1.1\nHOST\nTOKEN\nupgrade: websocket\n\n".to_owned(), 400),
    ] {
        let (_, answered) = send(&codex, &raw);
        assert_eq!((answered, codex.outcome()), (status, refused(RefusalReason::NotAllowed)), "{raw}");
    }
    // The API answers an upgrade as any request: then frames are no requests either.
    let grant = codex.grant(Route::Tcp);
    let mut client = Client::connect(grant.address());
    let lines: Vec<String> = web_socket.lines().map(str::to_owned).chain(authorized(&grant)).collect();
    assert_eq!(client.ask("GET", "/v1/responses", &lines, b"").status(), 200);
    let seen = api.seen().len();
    client.send(&[0x81, 0x82, 0, 0, 0, 0, b'h', b'i', b'\r', b'\n', b'\r', b'\n']);
    assert!(client.try_answer().map_or(true, |answer| answer.status() == 400) && client.is_closed());
    assert_eq!(api.seen().len(), seen);
}

#[test]
fn a_web_page_gets_nothing() {
    let api = Api::answering(OK);
    let setting = Setting::of("claude", &api);
    let grant = setting.grant(Route::Tcp);
    let token = authorized(&grant);
    let ask = |method: &str, lines: &[&str]| {
        let lines: Vec<String> = lines.iter().map(|line| line.replace("TOKEN", &token[0])).collect();
        let answer = Client::connect(grant.address()).ask(method, "/v1/messages", &lines, b"");
        assert_eq!(answer.status(), 403, "{lines:?}");
        assert!(answer.head.headers.iter().all(|(name, _)| !name.starts_with("access-control-")), "{:?}", answer.head);
        setting.outcome()
    };
    let preflight = [
        "origin: https://evil.test",
        "access-control-request-method: POST",
        "access-control-request-private-network: true",
    ];
    assert_eq!(ask("OPTIONS", &preflight), refused(RefusalReason::Token), "a page has no token");
    // Even one that was told the token.
    assert_eq!(ask("OPTIONS", &["TOKEN", "origin: https://evil.test"]), refused(RefusalReason::Origin));
    assert_eq!(ask("POST", &["TOKEN", "origin: null", "content-type: text/plain"]), refused(RefusalReason::Origin));
    assert_eq!(ask("GET", &["sec-fetch-mode: no-cors", "sec-fetch-dest: image"]), refused(RefusalReason::Token));
    assert!(api.seen().is_empty());
}

#[test]
fn what_is_oversized_is_refused_whatever_it_is() {
    let api = Api::answering(OK);
    let setting = Setting::of("claude", &api);
    let long = |length: usize| "x".repeat(length);
    let many: String = (0..200).map(|number| format!("x-{number}: 1\n")).collect();
    for (raw, expected) in [
        (
            format!("POST /v1/messages?{} HTTP/1.1\nHOST\nTOKEN\ncontent-length: 0\n\n", long(70_000)),
            ["414", "431", "0"],
        ),
        (
            format!("POST /v1/messages HTTP/1.1\nHOST\nTOKEN\n{}: 1\ncontent-length: 0\n\n", long(70_000)),
            ["431", "400", "0"],
        ),
        (format!("POST /v1/messages HTTP/1.1\nHOST\nTOKEN\n{many}content-length: 0\n\n"), ["431", "403", "0"]),
        (format!("POST /v1/messages HTTP/1.1\nHOST\nTOKEN\nx: {}\ncontent-length: 0\n\n", long(40_000)), ["403"; 3]),
        (format!("{} /v1/messages HTTP/1.1\nHOST\nTOKEN\ncontent-length: 0\n\n", long(60_000)), ["403", "400", "414"]),
        (
            "POST /v1/messages HTTP/1.1\nHOST\nTOKEN\ncontent-length: 18446744073709551615\n\n".to_owned(),
            ["431", "403", "400"],
        ),
        (
            "POST /v1/messages HTTP/1.1\nHOST\nTOKEN\ncontent-length: 99999999999999999999\n\n".to_owned(),
            ["400", "0", "0"],
        ),
    ] {
        let grant = setting.grant(Route::Tcp);
        let mut client = Client::connect(grant.address());
        let token = &authorized(&grant)[0];
        let sent = raw.replace("HOST", &format!("host: {}", client.host)).replace("TOKEN", token).replace('\n', "\r\n");
        client.send(sent.as_bytes());
        if !raw.contains("content-length: 0") {
            // No body comes.
            client.stream.end_of_sending();
        }
        let answered = client.try_answer().map_or(0, |answer| answer.status()).to_string();
        assert!(expected.contains(&answered.as_str()), "{answered} to {}", &raw[..60]);
    }
    assert!(api.seen().is_empty(), "{:?}", api.seen().len());
    until("what each left is gone", || setting.broker.counts().connections == 0);
}

/// Slowloris: each byte comes soon after the last one, and the head never ends.
#[test]
fn a_head_that_trickles_in_is_ended_too() {
    let api = Api::answering(OK);
    let times = Times { head: Duration::from_millis(600), ..Times::default() };
    let setting = Setting::with("claude", &api, Options { times, ..Options::default() });
    let grant = setting.grant(Route::Tcp);
    let mut slow: Vec<Client> = (0..50).map(|_| Client::connect(grant.address())).collect();
    until("all have connected", || setting.broker.counts().connections == 50);
    until("all were closed", || {
        slow.iter_mut().for_each(|client| client.send(b"x"));
        // Meanwhile others are served.
        assert_eq!(crate::setting::ask(&grant, "POST", "/v1/messages", b"{}").status(), 200);
        setting.broker.counts().connections <= 1
    });
    assert!(slow.iter_mut().all(Client::is_closed));
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
