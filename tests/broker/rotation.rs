//! Keys that change while agents run.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, mpsc};

use provider_env::broker::{Limits, Outcome, RefusalReason, Route};
use provider_env::provider::CredentialKind;

use crate::api::{Api, OK};
use crate::client::{Client, read_chunk};
use crate::setting::{KEY, Setting, ask, authorized, refused, secret};

const NEXT: &str = "sk-ant-api03-made-up-next";

#[test]
fn no_request_that_begins_after_a_rotation_has_the_old_key() {
    const CLIENTS: usize = 20;
    const ROTATIONS: usize = 40;
    let api = Api::answering(OK);
    let mut setting = Setting::of("claude", &api);
    setting.limits = Limits { requests_per_second: 1_000_000, burst: 1_000_000, ..Limits::default() };
    let grant = setting.grant(Route::Tcp);
    // The number of the newest key, once `rotate` has returned.
    let (returned, is_over, failed) = (AtomicUsize::new(1), AtomicBool::new(false), AtomicUsize::new(0));
    std::thread::scope(|scope| {
        for number in 0..CLIENTS {
            let (grant, returned, is_over, failed) = (&grant, &returned, &is_over, &failed);
            scope.spawn(move || {
                let mut client = Client::connect(grant.address());
                while !is_over.load(Ordering::SeqCst) {
                    let least = returned.load(Ordering::SeqCst);
                    let mut headers = authorized(grant);
                    headers.push(format!("x-least: {least}"));
                    headers.push(format!("x-client: {number}"));
                    let answer = client.ask("POST", "/v1/messages", &headers, b"{}");
                    failed.fetch_add(usize::from(answer.status() != 200), Ordering::SeqCst);
                }
            });
        }
        for _ in 0..ROTATIONS {
            let asked = api.seen().len();
            crate::setting::until("some are asked between", || api.seen().len() > asked + 2);
            let next = secret(&format!("{NEXT}-{}", returned.load(Ordering::SeqCst) + 1));
            let number = setting.credential.rotate(CredentialKind::ApiKey, next).expect("a key");
            returned.store(usize::try_from(number).expect("small"), Ordering::SeqCst);
        }
        is_over.store(true, Ordering::SeqCst);
    });
    assert_eq!(failed.load(Ordering::SeqCst), 0);
    let mut generations = std::collections::HashSet::new();
    for seen in api.seen() {
        let key = seen.head.get("x-api-key").expect("a key").to_owned();
        let number: usize =
            if key == KEY { 1 } else { key.rsplit('-').next().and_then(|n| n.parse().ok()).expect("ours") };
        let least: usize = seen.head.get("x-least").and_then(|least| least.parse().ok()).expect("ours");
        assert!(number >= least, "a request that began after {least} was there carried {number}");
        generations.insert(number);
    }
    assert!(generations.len() > ROTATIONS / 2, "{generations:?}");
}

#[test]
fn what_is_in_flight_ends_with_the_key_that_it_began_with() {
    let (go, wait) = mpsc::channel::<()>();
    let wait = Mutex::new(wait);
    let api = Api::start(move |conversation| {
        let Some(seen) = conversation.request()? else { return Ok(false) };
        if seen.head.line.contains("count_tokens") {
            conversation.send(OK.as_bytes())?;
            return Ok(true);
        }
        conversation.send(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\na\r\n")?;
        wait.lock().expect("no panic").recv().expect("the test goes on");
        conversation.send(b"1\r\nb\r\n0\r\n\r\n")?;
        // The broker closes a connection that carries an old key.
        Ok(!conversation.has_ended())
    });
    let setting = Setting::of("claude", &api);
    let grant = setting.grant(Route::Tcp);
    let mut stream = Client::connect(grant.address());
    stream.request("POST", "/v1/messages", &authorized(&grant), b"{}");
    stream.head();
    assert_eq!(read_chunk(&mut stream.stream).expect("a chunk").as_deref(), Some(&b"a"[..]));
    assert_eq!(setting.credential.rotate(CredentialKind::ApiKey, secret(NEXT)).expect("a key"), 2);
    assert_eq!(ask(&grant, "POST", "/v1/messages/count_tokens", b"{}").status(), 200);
    go.send(()).expect("the API waits");
    assert_eq!(read_chunk(&mut stream.stream).expect("a chunk").as_deref(), Some(&b"b"[..]));
    assert!(read_chunk(&mut stream.stream).expect("the end").is_none());
    let keys: Vec<String> = api.seen().iter().map(|seen| seen.head.get("x-api-key").expect("a key").into()).collect();
    assert_eq!(keys, [KEY, NEXT]);
    let records = setting.records(2);
    assert_eq!([records[0].generation, records[1].generation], [Some(2), Some(1)]);
    assert!(records.iter().all(|record| record.outcome == Outcome::Completed));
}

#[test]
fn a_key_that_cannot_be_one_changes_nothing() {
    let api = Api::answering(OK);
    let setting = Setting::of("claude", &api);
    for wrong in ["", "two words", "a\r\nx-b: 1", "naïve"] {
        assert!(setting.credential.rotate(CredentialKind::ApiKey, secret(wrong)).is_err(), "{wrong}");
    }
    assert!(setting.credential.rotate(CredentialKind::ConfigDir, secret(NEXT)).is_err());
    assert_eq!(ask(&setting.grant(Route::Tcp), "POST", "/v1/messages", b"{}").status(), 200);
    assert_eq!((api.last().head.get("x-api-key"), setting.credential.generation()), (Some(KEY), 1));
}

#[test]
fn a_revoked_key_is_used_no_moment_longer() {
    let ended = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&ended);
    let api = Api::start(move |conversation| {
        let Some(_) = conversation.request()? else { return Ok(false) };
        conversation.send(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\na\r\n")?;
        count.fetch_add(usize::from(conversation.has_ended()), Ordering::SeqCst);
        Ok(false)
    });
    let setting = Setting::of("claude", &api);
    let grant = setting.grant(Route::Tcp);
    let mut streams: Vec<Client> = (0..5)
        .map(|_| {
            let mut client = Client::connect(grant.address());
            client.request("POST", "/v1/messages", &authorized(&grant), b"{}");
            client.head();
            read_chunk(&mut client.stream).expect("a chunk");
            client
        })
        .collect();
    setting.credential.revoke();
    assert!(streams.iter_mut().all(|client| read_chunk(&mut client.stream).is_err()), "each breaks off");
    assert!(setting.records(5).iter().all(|record| record.outcome == Outcome::Revoked));
    crate::setting::until("the API sees it", || ended.load(Ordering::SeqCst) == 5);
    let answer = ask(&grant, "POST", "/v1/messages", b"{}");
    assert_eq!((answer.status(), answer.text().contains("revoked")), (403, true));
    assert_eq!(setting.outcome(), refused(RefusalReason::Revoked));
    assert_eq!(api.seen().len(), 5);
    assert_eq!(setting.credential.rotate(CredentialKind::ApiKey, secret(NEXT)).expect("a key"), 2);
    let mut again = Client::connect(grant.address());
    again.request("POST", "/v1/messages", &authorized(&grant), b"{}");
    assert_eq!(again.head().status(), 200, "a new key ends it");
}

#[test]
fn a_grant_that_ends_ends_what_is_in_flight() {
    let api = Api::start(|conversation| {
        let Some(_) = conversation.request()? else { return Ok(false) };
        conversation.send(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\na\r\n")?;
        conversation.has_ended();
        Ok(false)
    });
    let setting = Setting::of("claude", &api);
    let grant = setting.grant(Route::Unix);
    let mut client = Client::connect(grant.address());
    client.request("POST", "/v1/messages", &authorized(&grant), b"{}");
    client.head();
    read_chunk(&mut client.stream).expect("a chunk");
    let mut idle = Client::connect(grant.address());
    idle.request("HEAD", "/nothing", &authorized(&grant), b"");
    assert_eq!(idle.head().status(), 403);
    let headers = authorized(&grant);
    grant.end();
    assert!(read_chunk(&mut client.stream).is_err());
    // A connection that was open is closed, whatever is asked on it.
    idle.request("POST", "/v1/messages", &headers, b"{}");
    assert!(idle.is_closed());
    let outcomes: Vec<Outcome> = setting.records(2).iter().map(|record| record.outcome).collect();
    assert_eq!(outcomes, [refused(RefusalReason::NotAllowed), Outcome::GrantEnded]);
    assert_eq!(api.seen().len(), 1);
}
