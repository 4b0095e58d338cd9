//! What one launch, or one uid, may use: the others notice nothing.

use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

use provider_env::broker::{Broker, Limits, Options, Outcome, PeerRule, RefusalReason, Route, Times};

use crate::api::{Api, OK};
use crate::client::Client;
use crate::other_process::{NEIGHBOUR, Other, TENANT, is_root};
use crate::setting::{Setting, ask, authorized, own_uid, refused, until};

#[test]
fn what_is_too_large_is_refused() {
    let api = Api::answering(OK);
    let mut setting = Setting::of("claude", &api);
    setting.limits = Limits { header_bytes: 4096, body_bytes: 100_000, ..Limits::default() };
    let grant = setting.grant(Route::Tcp);
    assert_eq!(ask(&grant, "POST", "/v1/messages", &[b'x'; 100_000]).status(), 200);
    let answer = ask(&grant, "POST", "/v1/messages", &[b'x'; 100_001]);
    assert_eq!((answer.status(), answer.text().contains("larger")), (403, true), "{}", answer.text());
    let mut headers = authorized(&grant);
    headers.push(format!("x-long: {}", "x".repeat(5000)));
    assert_eq!(Client::connect(grant.address()).ask("POST", "/v1/messages", &headers, b"{}").status(), 403);
    let outcomes: Vec<Outcome> = setting.records(3).iter().map(|record| record.outcome).collect();
    assert_eq!(
        outcomes,
        [Outcome::Completed, refused(RefusalReason::BodyTooLarge), refused(RefusalReason::HeadTooLarge)]
    );
    // Beyond what is read at all: hyper's own answer.
    headers.push(format!("x-long: {}", "x".repeat(100_000)));
    assert_eq!(Client::connect(grant.address()).ask("POST", "/v1/messages", &headers, b"{}").status(), 431);
    // In chunks, its length is not known at first.
    let mut client = Client::connect(grant.address());
    let head = format!("POST /v1/messages HTTP/1.1\r\nhost: {}\r\n{}\r\n", client.host, authorized(&grant)[0]);
    client.send(format!("{head}transfer-encoding: chunked\r\n\r\n").as_bytes());
    for _ in 0..11 {
        client.send(format!("2710\r\n{}\r\n", "x".repeat(10_000)).as_bytes());
    }
    client.send(b"0\r\n\r\n");
    assert_ne!(client.try_answer().map_or(0, |answer| answer.status()), 200);
    until("the refusal is recorded", || {
        let records = setting.broker.audit().take(9);
        records.iter().any(|record| record.outcome == refused(RefusalReason::BodyTooLarge))
    });
    assert_eq!(api.seen().len(), 1);
}

/// An API that answers nobody until the gate is opened.
struct Gate(Arc<(Mutex<bool>, Condvar)>);

impl Gate {
    fn closed() -> (Self, Api) {
        let gate = Arc::new((Mutex::new(false), Condvar::new()));
        let opened = Arc::clone(&gate);
        let api = Api::start(move |conversation| {
            let Some(_) = conversation.request()? else { return Ok(false) };
            let open = opened.0.lock().expect("no panic");
            drop(opened.1.wait_while(open, |open| !*open).expect("no panic"));
            conversation.send(OK.as_bytes())?;
            Ok(true)
        });
        (Self(gate), api)
    }

    fn open(&self) {
        *self.0.0.lock().expect("no panic") = true;
        self.0.1.notify_all();
    }
}

fn begin(grant: &provider_env::broker::Grant, path: &str) -> Client {
    let mut client = Client::connect(grant.address());
    client.request("POST", path, &authorized(grant), b"{}");
    client
}

#[test]
fn a_request_that_is_one_too_many_waits_for_its_turn() {
    let (gate, api) = Gate::closed();
    let mut setting = Setting::of("claude", &api);
    setting.limits = Limits { concurrent_requests: 3, ..Limits::default() };
    let (grant, other) = (setting.grant(Route::Tcp), setting.grant(Route::Tcp));
    let mut seven: Vec<Client> = (0..7).map(|_| begin(&grant, "/v1/messages")).collect();
    until("three are in flight", || api.seen().len() == 3);
    let mut unaffected = begin(&other, "/v1/messages");
    until("another launch's is too", || api.seen().len() == 4);
    gate.open();
    assert!(seven.iter_mut().all(|client| client.answer().status() == 200));
    assert_eq!((unaffected.answer().status(), api.seen().len()), (200, 8));
    assert!(setting.records(8).iter().all(|record| record.outcome == Outcome::Completed));
}

#[test]
fn a_request_that_waits_too_long_is_refused_for_good_and_never_with_429() {
    let times = Times { turn: Duration::from_millis(400), ..Times::default() };
    for (provider, path, status) in [("claude", "/v1/messages", 403), ("codex", "/v1/responses", 400)] {
        let (gate, api) = Gate::closed();
        let mut setting = Setting::with(provider, &api, Options { times, ..Options::default() });
        setting.limits = Limits { concurrent_requests: 1, requests_per_second: 1, burst: 3, ..Limits::default() };
        let grant = setting.grant(Route::Tcp);
        let mut first = begin(&grant, path);
        until("it is in flight", || api.seen().len() == 1);
        let answer = begin(&grant, path).answer();
        assert_eq!((answer.status(), answer.text().contains("in flight")), (status, true), "{}", answer.text());
        assert_eq!(setting.outcome(), refused(RefusalReason::TooManyRequests));
        gate.open();
        assert_eq!(first.answer().status(), 200);
        // The burst is used up: there is one more each second, and this waits for less.
        let statuses: Vec<u16> = (0..4).map(|_| begin(&grant, path).answer().status()).collect();
        assert!(statuses.contains(&status) && statuses.iter().all(|one| [200, status].contains(one)), "{statuses:?}");
        assert!(setting.records(5).iter().any(|record| record.outcome == refused(RefusalReason::TooFast)));
    }
}

#[test]
fn a_request_that_waits_ends_with_its_grant_or_its_client() {
    let (gate, api) = Gate::closed();
    let mut setting = Setting::of("claude", &api);
    setting.limits = Limits { concurrent_requests: 1, ..Limits::default() };
    let grant = setting.grant(Route::Tcp);
    let mut first = begin(&grant, "/v1/messages");
    until("it is in flight", || api.seen().len() == 1);
    let gone = begin(&grant, "/v1/messages");
    let mut waits = begin(&grant, "/v1/messages");
    until("they have connected", || setting.broker.counts().connections == 3);
    gone.stream.close();
    until("the client is noticed to be gone", || setting.broker.counts().connections == 2);
    grant.end();
    let answer = waits.answer();
    assert_eq!((answer.status(), answer.text().contains("has ended")), (403, true), "{}", answer.text());
    gate.open();
    assert!(first.answer().text().contains("has ended"));
    assert_eq!(api.seen().len(), 1, "none of them was sent");
}

#[test]
fn connections_are_bounded_for_each_uid() {
    let api = Api::answering(OK);
    let options = Options { connections_per_uid: 20, connections: 50, ..Options::default() };
    let setting = Setting::with("claude", &api, options);
    let grant = setting.grant(Route::Tcp);
    let mut idle: Vec<Client> = (0..200).filter_map(|_| Client::try_connect(grant.address()).ok()).collect();
    until("the others were closed", || setting.broker.counts().refused_connections >= 180);
    assert_eq!(setting.broker.counts().connections, 20);
    let served = idle.iter_mut().find_map(|client| {
        client.request("POST", "/v1/messages", &authorized(&grant), b"{}");
        client.try_answer().ok()
    });
    assert_eq!(served.expect("those that are open are served").status(), 200);
    drop(idle);
    until("they are forgotten", || setting.broker.counts().connections == 0);
    assert_eq!(ask(&grant, "POST", "/v1/messages", b"{}").status(), 200);
}

#[test]
fn a_client_that_takes_nothing_is_let_go() {
    let api = Api::start(|conversation| {
        let Some(_) = conversation.request()? else { return Ok(false) };
        conversation.send(b"HTTP/1.1 200 OK\r\ncontent-length: 1000000000\r\n\r\n")?;
        while conversation.send(&[b'x'; 65_536]).is_ok() {}
        Ok(false)
    });
    let times = Times { client_stall: Duration::from_millis(300), ..Times::default() };
    let setting = Setting::with("claude", &api, Options { times, ..Options::default() });
    let grant = setting.grant(Route::Tcp);
    let mut client = Client::connect(grant.address());
    client.request("POST", "/v1/messages", &authorized(&grant), b"{}");
    client.head();
    assert_ne!(setting.outcome(), Outcome::Completed);
    until("the connection is closed", || setting.broker.counts().connections == 0);
    // And one that gives nothing of its body.
    let mut client = Client::connect(grant.address());
    let head = format!("POST /v1/messages HTTP/1.1\r\nhost: {}\r\n{}\r\n", client.host, authorized(&grant)[0]);
    client.send(format!("{head}content-length: 1000\r\n\r\nhalf").as_bytes());
    assert!(client.answer().text().contains("broke off"));
    assert_eq!(setting.outcome(), refused(RefusalReason::BodyBrokeOff));
    until("the connection is closed", || setting.broker.counts().connections == 0);
}

#[test]
fn many_grants_cost_little_and_leave_nothing() {
    if !crate::other_process::runs_alone("limits::many_grants_cost_little_and_leave_nothing") {
        return;
    }
    let api = Api::answering(OK);
    let setting = Setting::of("claude", &api);
    let peer = PeerRule { uid: own_uid(), only_started_process: false };
    let before = resident();
    let started = std::time::Instant::now();
    let grant = || setting.broker.grant(setting.request(Route::Tcp, peer)).expect("granted");
    let mut grants: Vec<_> = Vec::with_capacity(MANY + 1);
    for _ in 0..MANY {
        let mut grant = grant();
        // Its process has it.
        grant.forget_token();
        grants.push(grant);
    }
    grants.push(grant());
    let each = resident().saturating_sub(before) / grants.len();
    let time = started.elapsed() / u32::try_from(MANY).expect("small");
    println!("{MANY} grants: {each} bytes of memory and {time:?} for each that is idle");
    assert!(each < 1024, "{each}");
    assert_eq!(setting.broker.counts().tokens, MANY + 1);
    assert_eq!(ask(&grants[MANY], "POST", "/v1/messages", b"{}").status(), 200);
    drop(grants);
    assert_eq!((setting.broker.counts().tokens, setting.broker.counts().grants), (0, 0));
}

/// A run with optimization takes as many as are promised: `cargo test --release --test broker`. A million grants took 611
/// bytes each.
const MANY: usize = if cfg!(debug_assertions) { 100_000 } else { 1_000_000 };
const IDLE: usize = if cfg!(debug_assertions) { 1_500 } else { 10_000 };

/// More than the limits allow: the others are closed at once, and other uids notice nothing.
#[test]
fn many_idle_connections_leave_room_for_others() {
    if !crate::other_process::runs_alone("limits::many_idle_connections_leave_room_for_others") {
        return;
    }
    let api = Api::answering(OK);
    let setting = Setting::of("claude", &api);
    let own = setting.grant(Route::Tcp);
    let tenant = PeerRule { uid: TENANT, only_started_process: false };
    let others = setting.broker.grant(setting.request(Route::Tcp, tenant)).expect("granted");
    let mut idle = Other::start(is_root().then_some(NEIGHBOUR));
    assert_eq!(idle.connect_idly(own.address(), IDLE), IDLE);
    until("the broker has seen them", || setting.broker.counts().refused_connections >= (IDLE - 512) as u64);
    assert!(setting.broker.counts().connections <= 512);
    if is_root() {
        assert_eq!(ask(&own, "POST", "/v1/messages", b"{}").status(), 200);
        let mut tenant = Other::start(Some(TENANT));
        assert_eq!(tenant.ask(&others, &others, "/v1/messages").expect("an answer").status(), 200);
    }
    drop(idle);
    until("they are forgotten", || setting.broker.counts().connections == 0);
}

#[test]
fn many_idle_connections_cost_little_if_they_are_allowed() {
    if !crate::other_process::runs_alone("limits::many_idle_connections_cost_little_if_they_are_allowed") {
        return;
    }
    let api = Api::answering(OK);
    let options = Options { connections: 11_000, connections_per_uid: 11_000, ..Options::default() };
    let setting = Setting::with("claude", &api, options);
    let own = setting.grant(Route::Tcp);
    let mut idle = Other::start(None);
    let before = resident();
    assert_eq!(idle.connect_idly(own.address(), IDLE), IDLE);
    until("all are open", || setting.broker.counts().connections == IDLE);
    let each = resident().saturating_sub(before) / IDLE;
    println!("{each} bytes of memory for an idle connection");
    assert!(each < 32 * 1024, "{each}");
    assert_eq!(ask(&own, "POST", "/v1/messages", b"{}").status(), 200);
    drop(idle);
    until("they are forgotten", || setting.broker.counts().connections == 0);
}

fn resident() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").expect("Linux");
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).expect("Linux");
    line.split_ascii_whitespace().nth(1).and_then(|kib| kib.parse::<usize>().ok()).expect("a number") * 1024
}

#[test]
fn the_audit_is_bounded_when_nobody_reads() {
    let api = Api::answering(OK);
    let setting = Setting::with("claude", &api, Options { audit_records: 5, ..Options::default() });
    let grant = setting.grant(Route::Tcp);
    for _ in 0..8 {
        ask(&grant, "POST", "/v1/messages", b"{}");
    }
    until("all have ended", || setting.broker.counts().lost_records == 3);
    assert_eq!(setting.broker.audit().take(usize::MAX).len(), 5);
}

#[test]
fn who_is_refused_pushes_no_other_record_out() {
    let api = Api::answering(OK);
    let setting = Setting::with("claude", &api, Options { audit_records: 6, ..Options::default() });
    let grant = setting.grant(Route::Tcp);
    for _ in 0..8 {
        assert_eq!(Client::connect(grant.address()).ask("POST", "/v1/messages", &[], b"{}").status(), 403);
    }
    until("all have ended", || setting.broker.counts().lost_records == 5);
    assert_eq!(ask(&grant, "POST", "/v1/messages", b"{}").status(), 200);
    assert_eq!(setting.records(4).pop().map(|record| record.outcome), Some(Outcome::Completed));
}

#[test]
fn there_is_one_for_the_process_and_another_after_it() {
    let first = Broker::of_process().expect("started");
    assert!(Arc::ptr_eq(&first, &Broker::of_process().expect("the same")));
    Broker::stop_of_process();
    assert!(!Arc::ptr_eq(&first, &Broker::of_process().expect("another")));
    Broker::stop_of_process();
}

#[test]
fn a_broker_that_is_stopped_leaves_no_thread() {
    if !crate::other_process::runs_alone("limits::a_broker_that_is_stopped_leaves_no_thread") {
        return;
    }
    let api = Api::answering(OK);
    let options = Options { threads: 3, ..Options::default() };
    let setting = Setting::with("claude", &api, options);
    let grant = setting.grant(Route::Tcp);
    for _ in 0..9 {
        assert_eq!(ask(&grant, "POST", "/v1/messages", b"{}").status(), 200);
    }
    let mut open = Client::connect(grant.address());
    setting.broker.stop();
    assert!(open.is_closed());
    let threads = || {
        let threads = std::fs::read_dir("/proc/self/task").expect("Linux").flatten();
        let names = threads.filter_map(|thread| std::fs::read_to_string(thread.path().join("comm")).ok());
        names.filter(|name| name.starts_with("pe-broker")).count()
    };
    // Those that look names up are told to end, and are not waited for.
    until("the threads are gone", || threads() == 0);
    assert!(Client::try_connect(grant.address()).is_err());
    let peer = PeerRule { uid: own_uid(), only_started_process: false };
    assert!(setting.broker.grant(setting.request(Route::Tcp, peer)).is_err());
}
