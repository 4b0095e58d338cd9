//! Whose a grant is: its token is worthless to everybody else.

use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;

use provider_env::broker::{Address, Grant, PeerRule, RefusalReason, Route};

use crate::api::{Api, OK};
use crate::client::{Client, read_head};
use crate::other_process::{NEIGHBOUR, Other, TENANT, answer_of, exchange, is_root, mode, request};
use crate::setting::{Setting, authorized, refused};

const PATH: &str = "/v1/messages";

#[test]
fn a_token_is_good_for_its_own_uid_alone() {
    if !is_root() {
        return;
    }
    let api = Api::answering(OK);
    let setting = Setting::of("claude", &api);
    let peer = PeerRule { uid: TENANT, only_started_process: false };
    let grant = setting.broker.grant(setting.request(Route::Tcp, peer)).expect("granted");
    let mut tenant = Other::start(Some(TENANT));
    assert_eq!(tenant.ask(&grant, &grant, PATH).expect("an answer").status(), 200);
    assert_eq!(setting.records(1)[0].uid, Some(TENANT));
    // Root is nobody's deputy either.
    for uid in [NEIGHBOUR, 0] {
        let answer = Other::start(Some(uid)).ask(&grant, &grant, PATH).expect("an answer");
        assert_eq!((answer.status(), answer.text().contains("another user")), (403, true), "{}", answer.text());
        let record = &setting.records(1)[0];
        assert_eq!(
            (record.outcome, record.uid, record.grant),
            (refused(RefusalReason::PeerUid), Some(uid), Some(grant.id()))
        );
    }
    assert_eq!(api.seen().len(), 1);
}

#[test]
fn a_socket_is_good_for_the_process_that_was_started() {
    if !is_root() {
        return;
    }
    let api = Api::answering(OK);
    let setting = Setting::of("claude", &api);
    let peer = PeerRule { uid: TENANT, only_started_process: true };
    let mut started = Other::start(Some(TENANT));
    let mut shell = Other::start(Some(TENANT));
    let mut neighbour = Other::start(Some(NEIGHBOUR));
    for route in [Route::Unix, Route::UnixWithoutToken, Route::Tcp] {
        let grant = setting.broker.grant(setting.request(route, peer)).expect("granted");
        assert!(grant.bind(started.process()) && !grant.bind(shell.process()), "it stays with the first");
        for _ in 0..2 {
            assert_eq!(started.ask(&grant, &grant, PATH).expect("an answer").status(), 200);
        }
        let records = setting.records(2);
        assert_eq!(records[0].uid, Some(TENANT));
        let pid = i32::try_from(started.child.id()).expect("a pid");
        assert_eq!(records[0].pid, (route != Route::Tcp).then_some(pid));

        let answer = shell.ask(&grant, &grant, PATH).expect("an answer");
        assert_eq!((answer.status(), answer.text().contains("another process")), (403, true), "{}", answer.text());
        assert_eq!(setting.outcome(), refused(RefusalReason::PeerProcess));

        let answer = neighbour.ask(&grant, &grant, PATH);
        if let Address::Unix(path) = grant.address() {
            assert_eq!(answer.err().as_deref(), Some("PermissionDenied"), "it may not connect");
            assert_eq!(mode(path.parent().expect("a directory")), 0o711, "nobody but the worker sees or writes names");
            let path = path.clone();
            drop(grant);
            crate::setting::until("the socket is gone", || !path.parent().expect("a directory").exists());
        } else {
            assert_eq!(answer.expect("an answer").status(), 403);
            assert_eq!(setting.outcome(), refused(RefusalReason::PeerUid));
        }
    }
}

#[test]
fn nothing_is_left_when_the_process_has_ended() {
    let api = Api::answering(OK);
    let setting = Setting::of("claude", &api);
    let peer = PeerRule { uid: crate::setting::own_uid(), only_started_process: true };
    let grant = setting.broker.grant(setting.request(Route::Unix, peer)).expect("granted");
    let mut started = Other::start(None);
    assert!(grant.bind(started.process()));
    started.leave_behind(&grant, PATH);
    let _ = started.child.kill();
    let _ = started.child.wait();
    // Its child has the connection that it made, and the token. The grant has not been ended yet.
    let answer = answer_of(&started.hear()).expect("an answer");
    assert_eq!((answer.status(), answer.text().contains("has ended")), (403, true), "{}", answer.text());
    assert_eq!(setting.outcome(), refused(RefusalReason::ProcessEnded));
    assert!(api.seen().is_empty());
}

/// What the started process passes on speaks for it where the kernel says that it connected, and where it still holds
/// the connection; not after its end.
#[test]
fn a_descriptor_that_is_passed_on_is_the_started_processs_own_affair() {
    let api = Api::answering(OK);
    let setting = Setting::of("claude", &api);
    let peer = PeerRule { uid: crate::setting::own_uid(), only_started_process: true };
    let mut started = Other::start(None);
    let ask = |connection: OwnedFd, grant: &Grant| {
        let bytes = exchange(UnixStream::from(connection), &request(grant.address(), grant, PATH)).expect("sent");
        read_head(&mut &bytes[..]).expect("an answer").expect("an answer").status()
    };
    // On TCP nobody but this process has it now.
    let tcp = setting.broker.grant(setting.request(Route::Tcp, peer)).expect("granted");
    assert!(tcp.bind(started.process()));
    let passed = started.pass_on(&tcp);
    assert_eq!((ask(passed, &tcp), setting.outcome()), (403, refused(RefusalReason::PeerProcess)));
    // On a Unix socket the kernel says who connected, which is documented.
    let unix = setting.broker.grant(setting.request(Route::UnixWithoutToken, peer)).expect("granted");
    assert!(unix.bind(started.process()));
    let (passed, late) = (started.pass_on(&unix), started.pass_on(&unix));
    assert_eq!(ask(passed, &unix), 200);
    setting.records(1);
    let _ = started.child.kill();
    let _ = started.child.wait();
    assert_eq!((ask(late, &unix), setting.outcome()), (403, refused(RefusalReason::ProcessEnded)));
    assert_eq!(api.seen().len(), 1);
}

#[test]
fn a_token_is_good_at_its_own_launchs_door_alone() {
    let api = Api::answering(OK);
    let setting = Setting::of("claude", &api);
    let grants: Vec<_> = [Route::Unix, Route::Unix, Route::Tcp].map(|route| setting.grant(route)).into();
    let openai = Api::answering(OK);
    let codex = Setting::of("codex", &openai);
    for (door, grant) in grants.iter().enumerate() {
        for (of, other) in grants.iter().enumerate() {
            let mut client = Client::connect(grant.address());
            let answer = client.ask("POST", PATH, &authorized(other), b"{}");
            assert_eq!(answer.status(), if door == of { 200 } else { 403 }, "the token of {of} at {door}");
        }
    }
    let codex = codex.grant(Route::Tcp);
    let answer = Client::connect(codex.address()).ask("POST", "/v1/responses", &authorized(&grants[2]), b"{}");
    assert_eq!(answer.status(), 400, "another broker's, and another provider's");
    for grant in &grants {
        grant.end();
        match Client::try_connect(grant.address()) {
            Ok(mut client) => {
                client.request("POST", PATH, &authorized(grant), b"{}");
                // The socket can be gone between the two.
                assert!(client.try_answer().map_or(true, |answer| answer.status() == 403));
            }
            Err(error) => assert!(matches!(grant.address(), Address::Unix(_)), "{error}"),
        }
    }
    assert_eq!((api.seen().len(), openai.seen().len(), setting.broker.counts().tokens), (3, 0, 0));
}

#[test]
fn who_asks_before_the_launch_knows_its_process_waits() {
    let api = Api::answering(OK);
    let setting = Setting::of("claude", &api);
    let peer = PeerRule { uid: crate::setting::own_uid(), only_started_process: true };
    let grant = setting.broker.grant(setting.request(Route::UnixWithoutToken, peer)).expect("granted");
    let mut started = Other::start(None);
    let (address, process) = (grant.address().clone(), started.process());
    std::thread::scope(|scope| {
        let early = scope.spawn(|| started.send(&address, &request(&address, &grant, PATH)));
        crate::setting::until("it has connected", || setting.broker.counts().connections == 1);
        assert!(grant.bind(process));
        assert_eq!(early.join().expect("no panic").expect("an answer").status(), 200);
    });
}

#[test]
fn a_port_is_nobody_elses_while_a_launch_knows_it() {
    let api = Api::answering(OK);
    let setting = Setting::of("codex", &api);
    let grant = setting.grant(Route::Tcp);
    let Address::Tcp(url) = grant.address().clone() else { panic!("a port") };
    let port: u16 = url.split([':', '/']).nth(4).and_then(|port| port.parse().ok()).expect("a port");
    // As a worker that stops its broker before its agents: they still send what they are asked to this port.
    setting.broker.stop();
    let bind = |host: &str| std::net::TcpListener::bind((host, port)).map(drop).map_err(|error| error.kind());
    let taken = Err(std::io::ErrorKind::AddrInUse);
    assert_eq!((bind("127.0.0.1"), bind("0.0.0.0")), (taken, taken));
    let refused = std::net::TcpStream::connect(("127.0.0.1", port)).map(drop).map_err(|error| error.kind());
    assert_eq!(refused, Err(std::io::ErrorKind::ConnectionRefused), "it is told at once");
    drop((grant, setting));
    assert_eq!(bind("127.0.0.1"), Ok(()));
}
