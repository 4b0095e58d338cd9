//! WebSockets: frames pass as they come, and none is let in with a key that is an old one.

use std::io::{Read, Write};
use std::sync::Mutex;
use std::sync::mpsc;

use provider_env::broker::{Outcome, Reason, Route};
use provider_env::provider::CredentialKind;

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
    assert_eq!(setting.outcome(), refused(Reason::UpstreamProtocol));

    setting.credential.revoke();
    assert_eq!(open(&setting, &grant).answer().status(), 426, "what the CLI does not try again");
    assert_eq!(setting.outcome(), refused(Reason::Revoked));
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
