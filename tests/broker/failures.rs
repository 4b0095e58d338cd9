//! What an API does wrong: each is told in the CLI's own dialect, and over when the API is well again.

use std::io::Write;
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use provider_env::broker::{Addresses, Options, Outcome, RefusalReason, Route, Times, Upstream, UpstreamOptions};
use rcgen::{CertificateParams, date_time_ymd};

use crate::api::{Api, OK};
use crate::client::Client;
use crate::setting::{KEY, Setting, ask, authorized, refused};

#[test]
fn an_answer_that_repeats_the_key_is_masked() {
    let api = Api::start(|conversation| {
        let Some(seen) = conversation.request()? else { return Ok(false) };
        let key = seen.head.get("x-api-key").unwrap_or_default().to_owned();
        let body = format!("{{\"error\":{{\"message\":\"Incorrect API key provided: {key}.\"}}}} {key} end");
        let head = "HTTP/1.1 401 Unauthorized\r\ncontent-type: application/json\r\n";
        if seen.head.line.contains("count_tokens") {
            conversation.send(format!("{head}x-echo: {key}\r\ntransfer-encoding: chunked\r\n\r\n").as_bytes())?;
            // Cut in the middle of the key, and flushed.
            for piece in body.as_bytes().chunks(7) {
                conversation.send(format!("{:x}\r\n", piece.len()).as_bytes())?;
                conversation.send(piece)?;
                conversation.send(b"\r\n")?;
            }
            conversation.send(b"0\r\n\r\n")?;
        } else {
            conversation
                .send(format!("{head}x-echo: {key}\r\ncontent-length: {}\r\n\r\n{body}", body.len()).as_bytes())?;
        }
        Ok(true)
    });
    let setting = Setting::of("claude", &api);
    let grant = setting.grant(Route::Tcp);
    for path in ["/v1/messages", "/v1/messages/count_tokens"] {
        let answer = ask(&grant, "POST", path, b"{}");
        assert_eq!(answer.status(), 401);
        let all = format!("{:?} {}", answer.head, answer.text());
        assert!(!all.contains("made-up") && !all.contains(&KEY[20..60]), "{all}");
        assert!(answer.text().starts_with("{\"error\":{\"message\":\"Incorrect API key provided: "));
        assert!(answer.text().ends_with(" end"), "{}", answer.text());
    }
}

#[test]
fn an_error_that_cannot_be_looked_through_is_not_passed() {
    let api = Api::answering("HTTP/1.1 401 No\r\ncontent-encoding: gzip\r\ncontent-length: 3\r\n\r\nabc");
    let setting = Setting::of("claude", &api);
    let answer = ask(&setting.grant(Route::Tcp), "POST", "/v1/messages", b"{}");
    assert_eq!(answer.status(), 502);
    assert_eq!(setting.outcome(), refused(RefusalReason::UnreadableError));
    assert_eq!(api.last().head.get("accept-encoding"), Some("identity"));
}

#[test]
fn redirects_are_not_followed() {
    let elsewhere = Api::answering(OK);
    let location = format!("{}/v1/messages", elsewhere.url());
    for status in [301, 302, 303, 307, 308] {
        let location = location.clone();
        let api = Api::start(move |conversation| {
            let Some(_) = conversation.request()? else { return Ok(false) };
            let answer = format!("HTTP/1.1 {status} Moved\r\nlocation: {location}\r\ncontent-length: 0\r\n\r\n");
            conversation.send(answer.as_bytes())?;
            Ok(true)
        });
        let setting = Setting::of("claude", &api);
        let answer = ask(&setting.grant(Route::Tcp), "POST", "/v1/messages", b"{}");
        assert_eq!((answer.status(), answer.head.get("location")), (502, None));
        assert_eq!(setting.outcome(), refused(RefusalReason::Redirect));
    }
    assert_eq!(elsewhere.connections.load(Ordering::SeqCst), 0);
}

#[test]
fn an_upstream_that_is_down_is_told_and_found_again() {
    let free = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}", free.local_addr().expect("bound"));
    drop(free);
    let options = UpstreamOptions { addresses: Addresses::Any, ..UpstreamOptions::default() };
    let setting =
        Setting::to("codex", Upstream::new(&format!("{url}/v1"), options).expect("a URL"), Options::default());
    let grant = setting.grant(Route::Tcp);
    for _ in 0..3 {
        let answer = ask(&grant, "POST", "/v1/responses", b"{}");
        assert_eq!(answer.status(), 502);
        assert!(answer.text().contains("The broker cannot reach the API."), "{}", answer.text());
        assert_eq!(setting.outcome(), refused(RefusalReason::UpstreamUnreachable));
    }
    let listener = TcpListener::bind(url.trim_start_matches("http://")).expect("the port is free again");
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.expect("the broker");
            // It tries whether it can connect, and closes.
            let Ok(Some(head)) = crate::client::read_head(&mut stream) else { continue };
            crate::client::read_body(&mut stream, &head, false).expect("a body");
            let is_keyed = head.get("authorization") == Some(&format!("Bearer {KEY}"));
            assert!(is_keyed, "also without TLS: {head:?}");
            stream.write_all(OK.as_bytes()).expect("sent");
        }
    });
    crate::setting::until("it is found again", || ask(&grant, "POST", "/v1/responses", b"{}").status() == 200);
}

/// Codex asks 30 times. The first one waits for the limit, and none of the others.
#[test]
fn an_upstream_that_swallows_connections_is_waited_for_once() {
    let silent = TcpListener::bind("127.0.0.1:0").expect("a port");
    let options = UpstreamOptions { addresses: Addresses::Any, ..UpstreamOptions::default() };
    // TLS is part of connecting, and nobody answers.
    let url = format!("https://{}/v1", silent.local_addr().expect("bound"));
    let limit = Duration::from_secs(2);
    let times = Times { connect: limit, ..Times::default() };
    let upstream = Upstream::new(&url, options).expect("a URL");
    let setting = Setting::to("codex", upstream, Options { times, ..Options::default() });
    let grant = setting.grant(Route::Tcp);
    let started = std::time::Instant::now();
    for _ in 0..31 {
        let answer = ask(&grant, "POST", "/v1/responses", b"{}");
        assert_eq!((answer.status(), answer.text().contains("in time")), (502, true), "{}", answer.text());
    }
    // Else it would be 62 seconds.
    assert!(started.elapsed() < 5 * limit, "{:?}", started.elapsed());
    assert!(setting.records(31).iter().all(|record| record.outcome == refused(RefusalReason::UpstreamTimeout)));
}

#[test]
fn certificates_that_do_not_hold_are_refused() {
    let mut expired = CertificateParams::new(vec!["localhost".to_owned()]).expect("a name");
    (expired.not_before, expired.not_after) = (date_time_ymd(2020, 1, 1), date_time_ymd(2021, 1, 1));
    let other_name = CertificateParams::new(vec!["other.test".to_owned()]).expect("a name");
    let good = CertificateParams::new(vec!["localhost".to_owned()]).expect("a name");
    let answering = |params: &CertificateParams| {
        Api::with_certificate(params, |conversation| {
            let Some(_) = conversation.request()? else { return Ok(false) };
            conversation.send(OK.as_bytes())?;
            Ok(true)
        })
    };
    let mut untrusted = answering(&good);
    untrusted.root = answering(&good).root;
    for api in [answering(&expired), answering(&other_name), untrusted] {
        let setting = Setting::of("claude", &api);
        let answer = ask(&setting.grant(Route::Tcp), "POST", "/v1/messages", b"{}");
        assert_eq!(answer.status(), 502, "{}", answer.text());
        assert!(answer.text().contains("certificate") && answer.head.get("x-should-retry") == Some("false"));
        assert_eq!(setting.outcome(), refused(RefusalReason::UpstreamTls));
        assert_eq!(api.seen().len(), 0);
    }
}

#[test]
fn a_connection_that_the_api_closed_is_not_used() {
    let number = AtomicUsize::new(0);
    let api = Api::start(move |conversation| {
        let Some(_) = conversation.request()? else { return Ok(false) };
        conversation.send(OK.as_bytes())?;
        // Without a word, after every second answer.
        Ok(number.fetch_add(1, Ordering::SeqCst).is_multiple_of(2))
    });
    let setting = Setting::of("claude", &api);
    let grant = setting.grant(Route::Tcp);
    let mut client = Client::connect(grant.address());
    let mut ask = || client.ask("POST", "/v1/messages", &authorized(&grant), b"{}").status();
    for _ in 0..20 {
        // The two can cross: then nobody knows whether the request was taken, and the CLIs ask again.
        assert!(ask() == 200 || ask() == 200);
    }
    assert!(api.connections.load(Ordering::SeqCst) >= 10);
}

#[test]
fn an_answer_that_breaks_off_breaks_off_for_the_client() {
    let api = Api::start(|conversation| {
        let Some(seen) = conversation.request()? else { return Ok(false) };
        if seen.head.line.contains("count_tokens") {
            conversation.send(b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhalf")?;
        } else {
            conversation.send(b"SSH-2.0-what\r\n\r\n")?;
        }
        Ok(false)
    });
    let setting = Setting::of("claude", &api);
    let grant = setting.grant(Route::Tcp);
    let mut client = Client::connect(grant.address());
    client.request("POST", "/v1/messages/count_tokens", &authorized(&grant), b"{}");
    assert!(client.try_answer().is_err());
    assert_eq!(setting.outcome(), Outcome::UpstreamBroke);
    assert_eq!(ask(&grant, "POST", "/v1/messages", b"{}").status(), 502);
    assert_eq!(setting.outcome(), refused(RefusalReason::UpstreamProtocol));
}

#[test]
fn who_says_nothing_is_not_waited_for_for_ever() {
    let api = Api::start(|conversation| {
        let Some(seen) = conversation.request()? else { return Ok(false) };
        if seen.head.line.contains("count_tokens") {
            conversation.send(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\nx\r\n")?;
        }
        conversation.has_ended();
        Ok(false)
    });
    let short = Duration::from_millis(300);
    let times = Times { answer: short, ..Times::default() };
    let setting = Setting::with("claude", &api, Options { times, ..Options::default() });
    let grant = setting.grant(Route::Tcp);
    assert_eq!(ask(&grant, "POST", "/v1/messages", b"{}").status(), 502);
    assert_eq!(setting.outcome(), refused(RefusalReason::UpstreamTimeout));
    let times = Times { upstream_stall: short, ..Times::default() };
    let setting = Setting::with("claude", &api, Options { times, ..Options::default() });
    let grant = setting.grant(Route::Tcp);
    let mut client = Client::connect(grant.address());
    client.request("POST", "/v1/messages/count_tokens", &authorized(&grant), b"{}");
    assert!(client.try_answer().is_err(), "the answer breaks off");
    assert_eq!(setting.outcome(), Outcome::Stalled);
}

#[test]
fn a_proxy_is_asked_for_a_tunnel_and_sees_no_key() {
    let api = Api::answering(OK);
    let port = api.address.port();
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let proxy = format!("http://{}", listener.local_addr().expect("bound"));
    std::thread::spawn(move || {
        let (mut client, _) = listener.accept().expect("the broker");
        let head = crate::client::read_head(&mut client).expect("a request").expect("a request");
        assert_eq!(head.line, format!("CONNECT localhost:{port} HTTP/1.1"));
        client.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n").expect("sent");
        let mut api = TcpStream::connect(("127.0.0.1", port)).expect("the API");
        let (mut from, mut to) = (client.try_clone().expect("a copy"), api.try_clone().expect("a copy"));
        std::thread::spawn(move || std::io::copy(&mut from, &mut to));
        let _ = std::io::copy(&mut api, &mut client);
    });
    let options = UpstreamOptions {
        roots: vec![api.root.clone()],
        proxy: Some(proxy),
        addresses: Addresses::Any,
        look_ups: None,
    };
    let setting = Setting::to("claude", Upstream::new(&api.url(), options).expect("a URL"), Options::default());
    assert_eq!(ask(&setting.grant(Route::Tcp), "POST", "/v1/messages", b"{}").status(), 200);
    assert_eq!(api.last().head.get("x-api-key"), Some(KEY));
}

#[test]
fn a_tenants_base_url_does_not_lead_into_the_private_network() {
    let api = Api::answering(OK);
    let options = UpstreamOptions { roots: vec![api.root.clone()], ..UpstreamOptions::default() };
    for url in [api.url(), api.url().replace("localhost", "127.0.0.1"), "http://169.254.169.254".into()] {
        let options = UpstreamOptions { roots: options.roots.clone(), ..UpstreamOptions::default() };
        let setting = Setting::to("claude", Upstream::new(&url, options).expect("a URL"), Options::default());
        assert_eq!(ask(&setting.grant(Route::Tcp), "POST", "/v1/messages", b"{}").status(), 502);
        assert_eq!(setting.outcome(), refused(RefusalReason::UpstreamAddress));
    }
    assert_eq!(api.connections.load(Ordering::SeqCst), 0);
}
