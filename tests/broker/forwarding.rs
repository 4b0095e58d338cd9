//! What is forwarded: byte for byte, at once, with backpressure, and with the key.

use std::io::Read;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::thread;

use provider_env::broker::{Exchanged, MakeTap, Options, Outcome, Route, Tap};
use provider_env::provider::CredentialKind;

use crate::api::{Api, OK};
use crate::client::{Client, read_chunk};
use crate::setting::{KEY, Setting, ask, authorized, secret, until};

#[test]
fn the_api_gets_the_key_and_never_the_token() {
    for (provider, route, path, at_api) in [
        ("claude", Route::Tcp, "/v1/messages?beta=true", "/v1/messages?beta=true"),
        ("claude", Route::Unix, "/v1/messages?beta=true", "/v1/messages?beta=true"),
        ("claude", Route::UnixWithoutToken, "/v1/messages?beta=true", "/v1/messages?beta=true"),
        ("codex", Route::Tcp, "/v1/responses", "/v1/responses"),
    ] {
        let api = Api::answering(OK);
        let setting = Setting::of(provider, &api);
        let grant = setting.grant(route);
        let mut client = Client::connect(grant.address());
        for round in 1..=3 {
            let answer = client.ask("POST", path, &authorized(&grant), b"{\"model\":\"m\"}");
            assert_eq!((answer.status(), answer.text().as_str()), (200, "{}"), "{}", answer.text());
            let seen = api.last();
            assert_eq!(seen.head.line, format!("POST {at_api} HTTP/1.1"));
            assert_eq!(seen.body, b"{\"model\":\"m\"}");
            assert_eq!(seen.head.get("host"), Some(&*format!("localhost:{}", api.address.port())));
            let (name, value) = if provider == "claude" {
                ("x-api-key", KEY.to_owned())
            } else {
                ("authorization", format!("Bearer {KEY}"))
            };
            assert_eq!(seen.head.get(name), Some(value.as_str()));
            assert_eq!(seen.head.count("authorization") + seen.head.count("x-api-key"), 1);
            let text = format!("{:?}", seen.head);
            assert!(!text.contains("pe-broker-") && !text.contains('~'), "{text}");
            assert_eq!(api.seen().len(), round);
        }
        assert_eq!(api.connections.load(Ordering::SeqCst), 1, "a connection is used again");
        let record = &setting.records(3)[2];
        assert_eq!((record.outcome, record.status, record.generation), (Outcome::Completed, Some(200), Some(1)));
        assert_eq!((record.bytes_up, record.bytes_down, record.grant), (13, 2, Some(grant.id())));
        let line = record.to_json();
        assert!(line.contains(r#""workspace":"workspace-1""#) && !line.contains("beta") && !line.contains("pe-broker"));
    }
}

#[test]
fn bodies_pass_byte_for_byte_in_both_directions() {
    let api = Api::start(|conversation| {
        let Some(seen) = conversation.request()? else { return Ok(false) };
        let head = format!("HTTP/1.1 200 OK\r\nx-request-id: R1\r\ncontent-length: {}\r\n\r\n", seen.body.len());
        conversation.send(head.as_bytes())?;
        conversation.send(&seen.body)?;
        Ok(true)
    });
    let setting = Setting::of("claude", &api);
    let grant = setting.grant(Route::Tcp);
    let body: Vec<u8> = (0..3_000_000_u32).map(|number| (number.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
    let mut client = Client::connect(grant.address());
    client.request("POST", "/v1/messages", &authorized(&grant), &[]);
    assert_eq!(client.answer().body, b"");
    let (mut head, sent) = (String::from("POST /v1/messages HTTP/1.1\r\ntransfer-encoding: chunked\r\n"), body.clone());
    head.push_str(&format!("host: {}\r\n{}\r\n\r\n", client.host, authorized(&grant)[0]));
    let mut client = Client::connect(grant.address());
    let mut message = head.into_bytes();
    for chunk in sent.chunks(77_777) {
        message.extend(format!("{:x}\r\n", chunk.len()).into_bytes());
        message.extend(chunk);
        message.extend(b"\r\n");
    }
    message.extend(b"0\r\n\r\n");
    client.send(&message);
    let answer = client.answer();
    assert_eq!(answer.head.get("x-request-id"), Some("R1"));
    assert!(answer.body == body && api.last().body == body);
}

#[test]
fn answers_without_a_body_pass() {
    let api = Api::start(|conversation| {
        let Some(seen) = conversation.request()? else { return Ok(false) };
        conversation.send(if seen.head.line.starts_with("HEAD") {
            b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\n"
        } else {
            b"HTTP/1.1 204 No Content\r\nx-id: 1\r\n\r\n"
        })?;
        Ok(true)
    });
    let setting = Setting::of("claude", &api);
    let grant = setting.grant(Route::Tcp);
    let mut client = Client::connect(grant.address());
    for _ in 0..3 {
        client.request("HEAD", "/api/hello", &authorized(&grant), b"");
        assert_eq!(client.head().get("content-length"), Some("5"));
        client.request("GET", "/v1/models", &authorized(&grant), b"");
        let head = client.head();
        assert_eq!((head.status(), head.get("x-id"), head.get("content-length")), (204, Some("1"), None));
    }
    assert!(setting.records(6).iter().all(|record| record.outcome == Outcome::Completed));
    assert_eq!(api.connections.load(Ordering::SeqCst), 1);
}

#[test]
fn a_client_that_waits_for_leave_to_send_is_given_it() {
    let api = Api::answering(OK);
    let setting = Setting::of("claude", &api);
    let grant = setting.grant(Route::Tcp);
    let mut client = Client::connect(grant.address());
    let head = format!("POST /v1/messages HTTP/1.1\r\nhost: {}\r\n{}\r\n", client.host, authorized(&grant)[0]);
    client.send(format!("{head}expect: 100-continue\r\ncontent-length: 2\r\n\r\n").as_bytes());
    assert_eq!(client.head().status(), 100);
    client.send(b"{}");
    assert_eq!(client.answer().status(), 200);
    assert_eq!((api.last().body, api.last().head.get("expect")), (b"{}".to_vec(), None));
    // Not for what is refused.
    client.send(format!("{head}origin: null\r\nexpect: 100-continue\r\ncontent-length: 2\r\n\r\n").as_bytes());
    assert_eq!(client.head().status(), 403);
}

#[test]
fn each_event_passes_before_the_next_one_is_made() {
    let (read, is_read) = mpsc::channel::<()>();
    let is_read = Mutex::new(is_read);
    let api = Api::start(move |conversation| {
        let Some(_) = conversation.request()? else { return Ok(false) };
        conversation
            .send(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n")?;
        for number in 0..50 {
            let event = format!("event: e\ndata: {number}\n\n");
            conversation.send(format!("{:x}\r\n{event}\r\n", event.len()).as_bytes())?;
            // The client has this one before the next one exists.
            is_read.lock().expect("no panic").recv().expect("the client reads");
        }
        conversation.send(b"0\r\n\r\n")?;
        Ok(true)
    });
    let setting = Setting::of("claude", &api);
    let grant = setting.grant(Route::Tcp);
    let mut client = Client::connect(grant.address());
    client.request("POST", "/v1/messages", &authorized(&grant), b"{}");
    assert_eq!(client.head().get("content-type"), Some("text/event-stream"));
    for number in 0..50 {
        let event = read_chunk(&mut client.stream).expect("a chunk").expect("not the last");
        assert_eq!(String::from_utf8_lossy(&event), format!("event: e\ndata: {number}\n\n"));
        read.send(()).expect("the API waits");
    }
    assert!(read_chunk(&mut client.stream).expect("the last").is_none());
    assert_eq!(setting.outcome(), Outcome::Completed);
}

/// More than all buffers between two sockets on loopback, several times over.
const FAR_TOO_MUCH: u64 = 128 << 20;

#[test]
fn who_reads_slowly_is_not_buffered_for() {
    let written = Arc::new(AtomicU64::new(0));
    let count = Arc::clone(&written);
    let api = Api::start(move |conversation| {
        let Some(_) = conversation.request()? else { return Ok(false) };
        let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {FAR_TOO_MUCH}\r\n\r\n");
        conversation.send(head.as_bytes())?;
        for _ in 0..FAR_TOO_MUCH / 65_536 {
            conversation.send(&[b'x'; 65_536])?;
            count.fetch_add(65_536, Ordering::SeqCst);
        }
        Ok(false)
    });
    let setting = Setting::of("claude", &api);
    let grant = setting.grant(Route::Tcp);
    let mut client = Client::connect(grant.address());
    client.request("POST", "/v1/messages", &authorized(&grant), b"{}");
    client.head();
    // Nothing is written for a while. If that is only because the machine is busy, the bound below still holds.
    let mut before = u64::MAX;
    until("the API is held up", || {
        let now = written.load(Ordering::SeqCst);
        let is_held_up = now == before && now > 0;
        before = now;
        thread::sleep(std::time::Duration::from_millis(250));
        is_held_up
    });
    assert!(before < FAR_TOO_MUCH / 4, "{before} bytes were taken for a client that reads nothing");
    let mut rest = Vec::new();
    client.stream.by_ref().take(FAR_TOO_MUCH).read_to_end(&mut rest).expect("all of it");
    assert!(rest.len() as u64 == FAR_TOO_MUCH && rest.iter().all(|byte| *byte == b'x'));
}

#[test]
fn a_client_that_goes_away_ends_the_request() {
    let (ended, has_ended) = mpsc::channel();
    let ended = Mutex::new(ended);
    let api = Api::start(move |conversation| {
        let Some(seen) = conversation.request()? else { return Ok(false) };
        if seen.head.line.contains("count_tokens") {
            // Not answered: the client goes away while it waits.
        } else {
            conversation.send(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\nx\r\n")?;
        }
        ended.lock().expect("no panic").send(conversation.has_ended()).expect("heard");
        Ok(false)
    });
    let setting = Setting::of("claude", &api);
    for (route, path) in [(Route::Tcp, "/v1/messages"), (Route::Unix, "/v1/messages/count_tokens")] {
        let grant = setting.grant(route);
        let mut client = Client::connect(grant.address());
        client.request("POST", path, &authorized(&grant), b"{}");
        if route == Route::Tcp {
            client.head();
            read_chunk(&mut client.stream).expect("the first").expect("a chunk");
        } else {
            until("the API was asked", || api.seen().len() == 2);
        }
        drop(client);
        assert!(has_ended.recv().expect("the API sees it"));
        assert_eq!(setting.outcome(), Outcome::ClientAborted);
    }
}

#[test]
fn a_subscription_token_has_its_beta_in_the_one_header() {
    let api = Api::answering(OK);
    let setting = Setting::of("claude", &api);
    setting.credential.rotate(CredentialKind::OauthToken, secret("sk-ant-oat01-made-up-token")).expect("a token");
    let grant = setting.grant(Route::Tcp);
    let mut headers = authorized(&grant);
    headers.push("anthropic-beta: claude-code-20250219,prompt-caching-scope-2026".into());
    assert_eq!(Client::connect(grant.address()).ask("POST", "/v1/messages", &headers, b"{}").status(), 200);
    let head = api.last().head;
    assert_eq!(head.get("authorization"), Some("Bearer sk-ant-oat01-made-up-token"));
    assert_eq!(head.get("x-api-key"), None);
    let betas = "claude-code-20250219,prompt-caching-scope-2026,oauth-2025-04-20";
    assert_eq!((head.get("anthropic-beta"), head.count("anthropic-beta")), (Some(betas), 1));
}

#[derive(Debug)]
struct Log(Arc<Mutex<Vec<String>>>);

impl Log {
    fn add(&self, what: &str, bytes: &[u8]) {
        self.0.lock().expect("no panic").push(format!("{what} {}", String::from_utf8_lossy(bytes)));
    }
}

impl Tap for Log {
    fn head(&mut self, status: hyper::StatusCode, _: &hyper::HeaderMap) {
        self.add("head", status.as_str().as_bytes());
    }
    fn up(&mut self, bytes: &[u8]) {
        self.add("up", bytes);
    }
    fn down(&mut self, bytes: &[u8]) {
        self.add("down", bytes);
    }
    fn end(&mut self, outcome: Outcome) {
        self.add("end", format!("{outcome:?}").as_bytes());
    }
}

#[test]
fn a_tap_reads_along() {
    let api = Api::answering(OK);
    let log = Arc::new(Mutex::new(Vec::new()));
    let shared = Arc::clone(&log);
    let make: Arc<MakeTap> = Arc::new(move |exchanged: &Exchanged<'_>| {
        assert_eq!((exchanged.path, exchanged.generation, exchanged.is_web_socket), ("/v1/messages", 1, false));
        Some(Box::new(Log(Arc::clone(&shared))) as Box<dyn Tap>)
    });
    let setting = Setting::with("claude", &api, Options { tap: Some(make), ..Options::default() });
    let grant = setting.grant(Route::Tcp);
    ask(&grant, "POST", "/v1/messages", b"{1}");
    setting.records(1);
    assert_eq!(*log.lock().expect("no panic"), ["up {1}", "head 200", "down {}", "end Completed"]);
}
