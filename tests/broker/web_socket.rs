//! WebSockets: frames pass as they come, and none is let in with a key that is an old one.

use std::io::{Read, Write};
use std::sync::mpsc;
use std::sync::{Arc, Mutex};

use provider_env::broker::LiveCredential;
use provider_env::broker::{Addresses, Options, Outcome, RefusalReason, Route, Upstream, UpstreamOptions};
use provider_env::credential::{Generations, Offer};
use provider_env::provider::{CredentialKind, find};

use crate::api::{Api, Conversation};
use crate::client::Client;
use crate::setting::{KEY, Setting, authorized, refused, secret};

const UPGRADE: [&str; 5] = [
    "connection: Upgrade",
    "upgrade: websocket",
    "sec-websocket-version: 13",
    "sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==",
    "sec-websocket-extensions: permessage-deflate; client_max_window_bits",
];

const ACCEPTED: &str = "HTTP/1.1 101 Switching Protocols\r\nconnection: Upgrade\r\nupgrade: websocket\r\nsec-websocket-accept: \
                        s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n";

fn accept(conversation: &mut Conversation, more: &str) -> std::io::Result<bool> {
    let Some(_) = conversation.head()? else { return Ok(false) };
    conversation.send(format!("{ACCEPTED}{more}\r\n").as_bytes())?;
    Ok(true)
}

fn open(setting: &Setting, grant: &provider_env::broker::Grant) -> Client {
    let mut client = Client::connect(grant.address());
    let headers: Vec<String> = UPGRADE.iter().map(|line| (*line).to_owned()).chain(authorized(grant)).collect();
    client.request("GET", "/v1/responses", &headers, b"");
    assert_eq!(setting.provider, "codex");
    client
}

/// A text of a client, masked with zeros.
fn text(payload: &str) -> Vec<u8> {
    [&[0x81, 0x80 | payload.len() as u8, 0, 0, 0, 0], payload.as_bytes()].concat()
}

fn echo(conversation: &mut Conversation) -> std::io::Result<bool> {
    let mut bytes = [0; 4096];
    let count = conversation.stream.read(&mut bytes)?;
    conversation.send(&bytes[..count])?;
    Ok(count > 0)
}

/// What a CLI shows of a refusal.
fn shown(reason: RefusalReason) -> String {
    format!("{} (broker: {})", reason.message(), reason.as_str())
}

#[test]
fn frames_pass_both_ways_without_extensions() {
    let api = Api::start(|conversation| {
        if !accept(conversation, "")? {
            return Ok(false);
        }
        while echo(conversation)? {}
        Ok(false)
    });
    let setting = Setting::of("codex", &api);
    let grant = setting.grant(Route::Tcp);
    let mut client = open(&setting, &grant);
    let head = client.head();
    assert_eq!((head.status(), head.get("sec-websocket-accept")), (101, Some("s3pPLMBiTxaQ9kYGzzhZRbK+xOo=")));
    assert_eq!((head.get("upgrade"), head.get("connection")), (Some("websocket"), Some("Upgrade")));
    for round in 0..100 {
        let frame = text(&format!("message {round}"));
        client.send(&frame);
        let mut back = vec![0; frame.len()];
        client.stream.read_exact(&mut back).expect("the frame");
        assert_eq!(back, frame);
    }
    let seen = api.last().head;
    assert_eq!(seen.get("authorization"), Some(&*format!("Bearer {KEY}")));
    assert_eq!((seen.get("sec-websocket-extensions"), seen.get("upgrade")), (None, Some("websocket")));
    client.stream.close();
    let record = &setting.records(1)[0];
    assert_eq!((record.status, record.bytes_up, record.bytes_down), (Some(101), record.bytes_down, record.bytes_up));
    assert!(record.bytes_up > 1500 && record.outcome != Outcome::UpstreamBroke);
}

#[test]
fn an_upgrade_that_the_api_refuses_or_extends_becomes_a_post() {
    let refusing = Api::start(|conversation| {
        let Some(_) = conversation.head()? else { return Ok(false) };
        conversation.send(b"HTTP/1.1 426 Upgrade Required\r\ncontent-length: 0\r\n\r\n")?;
        Ok(true)
    });
    let setting = Setting::of("codex", &refusing);
    let grant = setting.grant(Route::Tcp);
    assert_eq!(open(&setting, &grant).answer().status(), 426, "as the API says");

    let extending = Api::start(|conversation| accept(conversation, "sec-websocket-extensions: permessage-deflate\r\n"));
    let setting = Setting::of("codex", &extending);
    let grant = setting.grant(Route::Tcp);
    assert_eq!(open(&setting, &grant).answer().status(), 426);
    assert_eq!(setting.outcome(), refused(RefusalReason::UpstreamProtocol));

    setting.credential.revoke();
    let answer = open(&setting, &grant).answer();
    assert_eq!(answer.status(), 400, "what the CLI shows, and does not try again");
    assert!(answer.text().contains("revoked"), "{}", answer.text());
    assert_eq!(setting.outcome(), refused(RefusalReason::Revoked));

    let nobody = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}/v1", nobody.local_addr().expect("bound"));
    drop(nobody);
    let options = UpstreamOptions { addresses: Addresses::Any, ..UpstreamOptions::default() };
    let setting = Setting::to("codex", Upstream::new(&url, options).expect("a URL"), Options::default());
    let grant = setting.grant(Route::Tcp);
    assert_eq!(open(&setting, &grant).answer().status(), 426, "it asks by POST, and is told there");
    assert_eq!(setting.outcome(), refused(RefusalReason::UpstreamUnreachable));
}

/// Opens one, and has a message echoed.
fn open_and_echo(setting: &Setting, grant: &provider_env::broker::Grant) -> Client {
    let mut client = open(setting, grant);
    assert_eq!(client.head().status(), 101);
    let frame = text("first");
    client.send(&frame);
    let mut back = vec![0; frame.len()];
    client.stream.read_exact(&mut back).expect("the frame");
    client
}

/// The text of the next frame.
fn next_text(client: &mut Client) -> serde_json::Value {
    let mut head = [0; 4];
    client.stream.read_exact(&mut head).expect("a frame");
    assert_eq!(head[..2], [0x81, 126], "a text with a length of two bytes");
    let mut text = vec![0; usize::from(u16::from_be_bytes([head[2], head[3]]))];
    client.stream.read_exact(&mut text).expect("its text");
    serde_json::from_slice(&text).expect("JSON")
}

#[test]
fn an_open_web_socket_is_told_why_it_ends() {
    let api = Api::start(|conversation| {
        if !accept(conversation, "")? {
            return Ok(false);
        }
        while echo(conversation)? {}
        Ok(false)
    });
    let ends: [fn(&Setting, &provider_env::broker::Grant); 2] =
        [|setting, _| setting.credential.revoke(), |_, grant| grant.end()];
    for (end, outcome, message) in
        [(ends[0], Outcome::Revoked, RefusalReason::Revoked), (ends[1], Outcome::GrantEnded, RefusalReason::GrantEnded)]
    {
        let setting = Setting::of("codex", &api);
        let grant = setting.grant(Route::Tcp);
        let mut client = open_and_echo(&setting, &grant);
        end(&setting, &grant);
        let told = next_text(&mut client);
        assert_eq!((&told["type"], &told["status"]), (&"error".into(), &400.into()));
        assert_eq!(told["error"]["message"], shown(message));
        let mut close = [0; 4];
        client.stream.read_exact(&mut close).expect("a close frame");
        assert_eq!(close, [0x88, 2, 0x03, 0xf0], "1008, policy violation");
        assert!(client.is_closed());
        assert_eq!(setting.outcome(), outcome);
    }
}

#[test]
fn a_frame_that_is_under_way_is_not_broken_into() {
    let api = Api::start(|conversation| {
        if !accept(conversation, "")? {
            return Ok(false);
        }
        // Half of a text.
        conversation.send(&[0x81, 4, b'h', b'a'])?;
        conversation.has_ended();
        Ok(false)
    });
    let setting = Setting::of("codex", &api);
    let grant = setting.grant(Route::Tcp);
    let mut client = open(&setting, &grant);
    assert_eq!(client.head().status(), 101);
    let mut half = [0; 4];
    client.stream.read_exact(&mut half).expect("half of it");
    setting.credential.revoke();
    assert!(client.is_closed(), "nothing else comes");
    assert_eq!(setting.outcome(), Outcome::Revoked);
}

#[test]
fn a_store_that_changes_ends_it_at_the_next_message() {
    let api = Api::start(|conversation| {
        if !accept(conversation, "")? {
            return Ok(false);
        }
        while echo(conversation)? {}
        Ok(false)
    });
    let mut setting = Setting::of("codex", &api);
    let offer =
        |key: &str, is_usable| Offer { kind: CredentialKind::ApiKey, secret: secret(key), expires_at: None, is_usable };
    let generations = Generations::new(Arc::default(), offer(KEY, true));
    let roots =
        UpstreamOptions { roots: vec![api.root.clone()], addresses: Addresses::Any, ..UpstreamOptions::default() };
    let upstream = Arc::new(Upstream::new(&format!("{}/v1", api.url()), roots).expect("a URL"));
    let vendor = find("codex").expect("a row").vendor();
    setting.credential = LiveCredential::of_store(vendor, upstream, generations.newest()).expect("a key");
    let grant = setting.grant(Route::Tcp);
    let mut client = open_and_echo(&setting, &grant);
    generations.next(offer("sk-proj-made-up-next", true));
    client.send(&text("second"));
    let mut close = [0; 4];
    client.stream.read_exact(&mut close).expect("a close frame");
    assert_eq!((close, setting.outcome()), ([0x88, 2, 0x03, 0xf4], Outcome::Rotated));
    let mut client = open_and_echo(&setting, &grant);
    assert_eq!(api.last().head.get("authorization"), Some("Bearer sk-proj-made-up-next"));
    generations.amend(offer("sk-proj-made-up-next", false));
    client.send(&text("third"));
    assert_eq!(next_text(&mut client)["error"]["message"], shown(RefusalReason::CredentialUnusable));
    assert_eq!(setting.outcome(), refused(RefusalReason::CredentialUnusable));
}

#[test]
fn after_a_rotation_the_next_message_ends_it() {
    let (go, wait) = mpsc::channel::<()>();
    let wait = Mutex::new(wait);
    let api = Api::start(move |conversation| {
        if !accept(conversation, "")? {
            return Ok(false);
        }
        echo(conversation)?;
        wait.lock().expect("no panic").recv().expect("the test goes on");
        // The answer to what was asked before goes on.
        conversation.send(&[0x81, 2, b'o', b'k'])?;
        while echo(conversation)? {}
        Ok(false)
    });
    let setting = Setting::of("codex", &api);
    let grant = setting.grant(Route::Tcp);
    let mut client = open(&setting, &grant);
    assert_eq!(client.head().status(), 101);
    let frame = text("first");
    client.send(&frame);
    let mut back = vec![0; frame.len()];
    client.stream.read_exact(&mut back).expect("the frame");
    setting.credential.rotate(CredentialKind::ApiKey, secret("sk-proj-made-up-next")).expect("a key");
    go.send(()).expect("the API waits");
    let mut answer = [0; 4];
    client.stream.read_exact(&mut answer).expect("the answer");
    // A ping is no message.
    let ping = [0x89, 0x80, 0, 0, 0, 0];
    client.send(&ping);
    let mut pong = [0; 6];
    client.stream.read_exact(&mut pong).expect("the ping, echoed");
    assert_eq!(pong, ping);
    client.stream.write_all(&text("second")).expect("it is open");
    let mut close = [0; 4];
    client.stream.read_exact(&mut close).expect("a close frame");
    assert_eq!(close, [0x88, 2, 0x03, 0xf4], "1012, service restart");
    assert!(client.is_closed());
    assert_eq!(setting.outcome(), Outcome::Rotated);
    let mut again = open(&setting, &grant);
    assert_eq!(again.head().status(), 101);
    assert_eq!(api.last().head.get("authorization"), Some("Bearer sk-proj-made-up-next"));
}
