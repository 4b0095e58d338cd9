//! Launches by the entrance that `spawnProvider` uses: they share credentials, follow stores, and reach what they may.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use provider_env::broker::{Broker, Grant, LaunchRequest, Options, Outcome, PeerRule, RefusalReason};
use provider_env::credential::store::Store;
use provider_env::credential::{Clocks, CredentialOwner, Expiry, Generation, Generations, Offer, login_tokens};
use provider_env::error::ErrorCode;
use provider_env::provider::{CredentialKind, find};
use provider_env::secret::Secret;
use tempfile::TempDir;

use crate::api::{Api, OK};
use crate::client::{Client, read_chunk};
use crate::setting::{KEY, authorized, own_process, own_uid, refused, secret, until};

const NEXT: &str = "sk-ant-api03-made-up-next";

pub struct Launches {
    pub broker: Broker,
    pub base_url: String,
    ca_file: String,
    files: TempDir,
}

impl Launches {
    fn of(api: &Api) -> Self {
        Self::with(api, Options::default())
    }

    fn with(api: &Api, options: Options) -> Self {
        let files = tempfile::tempdir().expect("a directory");
        let ca_file = files.path().join("ca.pem");
        std::fs::write(&ca_file, api.pem()).expect("ours");
        let options = Options { socket_directory: files.path().into(), ..options };
        let broker = Broker::start(options).expect("started");
        Self { broker, base_url: api.url(), ca_file: ca_file.to_str().expect("text").to_owned(), files }
    }

    pub fn request(&self, workspace: &str, key: &Arc<Secret>) -> LaunchRequest {
        LaunchRequest {
            provider: find("claude").expect("a row"),
            workspace: workspace.into(),
            owner: CredentialOwner::Workspace,
            kind: CredentialKind::ApiKey,
            secret: Arc::clone(key),
            fingerprint: key.fingerprint().ok(),
            generation: None,
            base_url: Some(self.base_url.clone()),
            ca_file: Some(self.ca_file.clone()),
            peer: PeerRule { uid: own_uid(), only_started_process: true },
        }
    }

    fn of_store(&self, generation: Generation) -> Grant {
        let (_, offer) = generation.newest();
        let request = LaunchRequest {
            kind: offer.kind,
            generation: Some(generation),
            ..self.request("workspace-1", &offer.secret)
        };
        self.start(request)
    }

    pub fn start(&self, request: LaunchRequest) -> Grant {
        let grant = self.broker.grant_launch(request).expect("granted");
        assert!(grant.bind(own_process()));
        grant
    }

    fn outcome(&self) -> Outcome {
        let mut records = Vec::new();
        until("a record", || {
            records.extend(self.broker.audit().take(1));
            !records.is_empty()
        });
        records[0].outcome
    }
}

fn ask(grant: &Grant) -> u16 {
    crate::setting::ask(grant, "POST", "/v1/messages", b"{}").status()
}

fn claude_store(key: &str) -> Store {
    Store::of(find("claude").expect("a row"), CredentialKind::ApiKey, secret(key)).expect("a store")
}

#[test]
fn launches_of_one_workspace_share_a_credential_and_its_connections() {
    let api = Api::answering(OK);
    let launches = Launches::of(&api);
    // The same bytes in two secrets, as two payloads bring them.
    let first = launches.start(launches.request("one", &secret(KEY)));
    let second = launches.start(launches.request("one", &secret(KEY)));
    assert_eq!((ask(&first), ask(&second)), (200, 200));
    assert_eq!((api.connections.load(Ordering::SeqCst), launches.broker.counts().credentials), (1, 1));
    let servers = LaunchRequest { owner: CredentialOwner::Server, ..launches.request("one", &secret(KEY)) };
    let others = [
        launches.start(launches.request("two", &secret(KEY))),
        launches.start(launches.request("one", &secret(NEXT))),
        launches.start(servers),
    ];
    assert!(others.iter().all(|grant| ask(grant) == 200));
    assert_eq!((api.connections.load(Ordering::SeqCst), launches.broker.counts().credentials), (4, 4));
    assert_eq!((launches.broker.counts().grants, launches.broker.counts().tokens), (5, 0));
    drop((first, others));
    assert_eq!((ask(&second), launches.broker.counts().credentials), (200, 1), "the last grant keeps it");
    drop(second);
    assert_eq!((launches.broker.counts().credentials, launches.broker.counts().grants), (0, 0));
}

#[test]
fn a_workspaces_launches_go_on_with_another_key() {
    let api = Api::answering(OK);
    let launches = Launches::of(&api);
    let claude = find("claude").expect("a row");
    let (one, other) =
        (launches.start(launches.request("one", &secret(KEY))), launches.start(launches.request("two", &secret(KEY))));
    let rotate = |key: &str| launches.broker.rotate(claude, "one", CredentialKind::ApiKey, secret(key));
    assert_eq!(rotate(NEXT).expect("a key"), 1);
    let carried = |grant: &Grant| {
        assert_eq!(ask(grant), 200);
        api.last().head.get("x-api-key").expect("a key").to_owned()
    };
    assert_eq!((carried(&one).as_str(), carried(&other).as_str()), (NEXT, KEY));
    assert_eq!(rotate("sk-proj-made-up").expect_err("OpenAI's").code(), ErrorCode::KeyWrongProvider);
    assert_eq!(carried(&one), NEXT, "nothing was replaced");
    // A launch that brings the new key shares what was rotated to it.
    let again = launches.start(launches.request("one", &secret(NEXT)));
    assert_eq!(launches.broker.counts().credentials, 2);
    assert_eq!(launches.broker.revoke(claude, "one"), 1);
    assert_eq!((ask(&one), ask(&again), ask(&other)), (403, 403, 200));
    assert_eq!(rotate("sk-ant-api03-made-up-third").expect("a key"), 1);
    assert_eq!(carried(&again), "sk-ant-api03-made-up-third", "another key ends it");
    assert_eq!(launches.broker.rotate(claude, "none", CredentialKind::ApiKey, secret(NEXT)).expect("a key"), 0);
}

#[test]
fn a_rotated_key_goes_to_no_owner_or_endpoint_that_it_was_not_meant_for() {
    let (vendors, tenants) = (Api::answering(OK), Api::answering(OK));
    let launches = Launches::of(&vendors);
    let claude = find("claude").expect("a row");
    // The server's key lent to a workspace, and the workspace's own key for an endpoint of its own.
    let servers = LaunchRequest { owner: CredentialOwner::Server, ..launches.request("one", &secret(KEY)) };
    let own_ca = launches.files.path().join("own.pem");
    std::fs::write(&own_ca, tenants.pem()).expect("ours");
    let own_endpoint = LaunchRequest {
        base_url: Some(tenants.url()),
        ca_file: Some(own_ca.to_str().expect("text").to_owned()),
        ..launches.request("one", &secret("sk-ant-api03-made-up-the-tenants-own"))
    };
    let (lent, own) = (launches.start(servers), launches.start(own_endpoint));
    assert_eq!((ask(&lent), ask(&own)), (200, 200));
    let rotate = || launches.broker.rotate(claude, "one", CredentialKind::ApiKey, secret(NEXT));
    assert_eq!(rotate().expect_err("two that it could be for").code(), ErrorCode::Unsupported);
    assert_eq!((ask(&lent), ask(&own)), (200, 200));
    let carried = |api: &Api| api.last().head.get("x-api-key").map(str::to_owned);
    assert_eq!(carried(&vendors).as_deref(), Some(KEY), "nothing was replaced");
    assert_eq!(carried(&tenants).as_deref(), Some("sk-ant-api03-made-up-the-tenants-own"));
    drop(own);
    assert_eq!(rotate().expect("one alone"), 1);
    assert_eq!((ask(&lent), carried(&vendors).as_deref()), (200, Some(NEXT)));
}

#[test]
fn a_running_launch_follows_its_store() {
    let api = Api::answering(OK);
    let launches = Launches::of(&api);
    let store = claude_store(KEY);
    let stored = || store.credential().expect("good").generation;
    let (grant, second) = (launches.of_store(stored()), launches.of_store(stored()));
    assert_eq!((ask(&grant), launches.broker.counts().credentials), (200, 1));
    store.rotate(secret(NEXT)).expect("a key");
    assert_eq!((ask(&grant), ask(&second)), (200, 200));
    assert_eq!(api.last().head.get("x-api-key"), Some(NEXT));
    let records = launches.broker.audit().take(3);
    assert_eq!(records.iter().map(|record| record.generation).collect::<Vec<_>>(), [Some(1), Some(2), Some(2)]);
    // One that starts later, and brings the newest, shares it.
    let third = launches.of_store(stored());
    assert_eq!((ask(&third), launches.broker.counts().credentials), (200, 1));
    let claude = find("claude").expect("a row");
    let rotated = launches.broker.rotate(claude, "workspace-1", CredentialKind::ApiKey, secret(KEY));
    assert_eq!(rotated.expect("a key"), 0, "its store changes it");
    drop(store);
    assert_eq!(ask(&grant), 200, "the last credential of a store that is gone");
    // A revocation of running launches is not undone by a refresh.
    assert_eq!(launches.broker.revoke(claude, "workspace-1"), 1);
    assert_eq!(ask(&grant), 403);
}

#[test]
fn a_stored_token_is_good_until_it_expires_and_again_when_it_was_refreshed() {
    let api = Api::answering(OK);
    let launches = Launches::of(&api);
    let now = Clocks::now();
    let offer = |token: &str, seconds: f64, is_usable| Offer {
        kind: CredentialKind::OauthToken,
        secret: secret(token),
        expires_at: Some(Expiry::at(now.wall + seconds * 1000.0, now)),
        is_usable,
    };
    let generations = Generations::new(Arc::default(), offer("sk-ant-oat01-made-up-1", 3600.0, true));
    let grant = launches.of_store(generations.newest());
    assert_eq!((ask(&grant), launches.outcome()), (200, Outcome::Completed));
    generations.amend(offer("sk-ant-oat01-made-up-1", -1.0, true));
    let answer = crate::setting::ask(&grant, "POST", "/v1/messages", b"{}");
    assert_eq!((answer.status(), answer.text().contains("has expired")), (403, true), "{}", answer.text());
    assert_eq!(launches.outcome(), refused(RefusalReason::CredentialExpired));
    generations.next(offer("sk-ant-oat01-made-up-2", 3600.0, true));
    assert_eq!((ask(&grant), launches.outcome()), (200, Outcome::Completed));
    assert_eq!(api.last().head.get("authorization"), Some("Bearer sk-ant-oat01-made-up-2"));
    generations.amend(offer("sk-ant-oat01-made-up-2", 3600.0, false));
    assert_eq!((ask(&grant), launches.outcome()), (403, refused(RefusalReason::CredentialUnusable)));
    // What somebody put there cannot be sent in a header.
    generations.next(offer("not\na token", 3600.0, true));
    assert_eq!((ask(&grant), launches.outcome()), (403, refused(RefusalReason::CredentialUnusable)));
    assert_eq!(api.seen().len(), 2);
}

#[test]
fn a_fingerprint_that_was_revoked_is_refused_at_each_request() {
    let api = Api::start(|conversation| {
        let Some(seen) = conversation.request()? else { return Ok(false) };
        if seen.head.line.contains("count_tokens") {
            conversation.send(OK.as_bytes())?;
            return Ok(true);
        }
        conversation.send(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\na\r\n")?;
        conversation.has_ended();
        Ok(false)
    });
    let launches = Launches::of(&api);
    let old = secret("sk-ant-api03-made-up-and-revoked");
    let store = claude_store("sk-ant-api03-made-up-and-revoked");
    let given = launches.start(launches.request("one", &old));
    let stored = launches.of_store(store.credential().expect("good").generation);
    let stream = |grant: &Grant| {
        let mut client = Client::connect(grant.address());
        client.request("POST", "/v1/messages", &authorized(grant), b"{}");
        client.head();
        assert!(read_chunk(&mut client.stream).expect("a chunk").is_some());
        client
    };
    let mut streams = [stream(&given), stream(&stored)];
    // One of them goes on with the old key, which is no newest one any more.
    store.rotate(secret(NEXT)).expect("a key");
    let count = |grant: &Grant| crate::setting::ask(grant, "POST", "/v1/messages/count_tokens", b"{}").status();
    assert_eq!((count(&given), count(&stored)), (200, 200));
    let fingerprint = old.fingerprint().expect("random");
    login_tokens::revoke(fingerprint).expect("room");
    let refusal = launches.broker.grant_launch(launches.request("one", &old)).expect_err("revoked");
    assert_eq!(refusal.code(), ErrorCode::CredentialRevoked);
    launches.broker.apply_revocations();
    assert!(streams.iter_mut().all(|client| read_chunk(&mut client.stream).is_err()), "each breaks off");
    assert_eq!((count(&given), count(&stored)), (403, 200));
    let claude = find("claude").expect("a row");
    let rotated = launches.broker.rotate(claude, "one", CredentialKind::ApiKey, Arc::clone(&old));
    assert_eq!(rotated.expect_err("revoked").code(), ErrorCode::CredentialRevoked);
    assert!(login_tokens::restore(fingerprint));
    assert_eq!((count(&given), count(&given)), (200, 200));
    let _goes_on = stream(&given);
}

/// What a launch to this base URL gets: a grant's answer, or the code of the error.
fn reached(launches: &Launches, base_url: &str) -> Result<u16, ErrorCode> {
    let request = LaunchRequest { base_url: Some(base_url.to_owned()), ..launches.request("one", &secret(KEY)) };
    let grant = launches.broker.grant_launch(request).map_err(|error| {
        assert!(!error.to_string().contains(base_url), "{error}");
        error.code()
    })?;
    assert!(grant.bind(own_process()));
    Ok(ask(&grant))
}

#[test]
fn a_base_url_reaches_what_its_caller_wrote_and_a_name_only_the_public_internet() {
    let api = Api::answering(OK);
    let launches = Launches::of(&api);
    let port = api.address.port();
    // An address, and `localhost`, are the caller's own word. The certificate is for `localhost` alone.
    assert_eq!(reached(&launches, &format!("https://localhost:{port}")), Ok(200));
    assert_eq!(
        (reached(&launches, &format!("https://127.0.0.1:{port}")), launches.broker.audit().take(9).len()),
        (Ok(502), 2)
    );
    for metadata in [
        "http://169.254.169.254",
        "http://[fe80::1]",
        "http://[fd00:ec2::254]",
        "http://[::ffff:169.254.169.254]/v1",
        "http://100.100.100.200",
    ] {
        assert_eq!(reached(&launches, metadata), Err(ErrorCode::InvalidArgValue), "{metadata}");
    }
    // Names that the system's resolver takes for loopback, without asking anybody.
    let names = ["2130706433", "0x7f000001", "127.1", "localhost.localdomain"];
    for name in names {
        assert_ne!(reached(&launches, &format!("https://{name}:{port}")), Ok(200), "{name}");
        let outcome = launches.outcome();
        let expected = [refused(RefusalReason::UpstreamAddress), refused(RefusalReason::UpstreamName)];
        assert!(expected.contains(&outcome), "{name}: {outcome:?}");
    }
    assert_eq!(api.connections.load(Ordering::SeqCst), 2, "one for each that was allowed");
    let upstreams = vec![format!("https://2130706433:{port}/any/path")];
    let launches = Launches::with(&api, Options { upstreams, ..Options::default() });
    reached(&launches, &format!("https://2130706433:{port}")).expect("a grant");
    assert_eq!(launches.outcome(), refused(RefusalReason::UpstreamTls), "it is reached, and is not that name");
    reached(&launches, &format!("https://2130706433:{}", port ^ 1)).expect("a grant");
    assert_eq!(launches.outcome(), refused(RefusalReason::UpstreamAddress), "another origin");
}

#[test]
fn what_a_broker_cannot_be_started_with_is_refused() {
    let start = |options: Options| Broker::start(options).map(drop).map_err(|error| error.code());
    let with_upstream = |url: &str| Options { upstreams: vec![url.into()], ..Options::default() };
    for wrong in ["", "api.test", "https://user@api.test", "https://api.test?x"] {
        assert_eq!(start(with_upstream(wrong)), Err(ErrorCode::InvalidArgValue), "{wrong}");
    }
    let proxy = Options { proxy: Some("https://proxy.test".into()), ..Options::default() };
    assert_eq!(start(proxy), Err(ErrorCode::InvalidArgValue));
    let api = Api::answering(OK);
    let launches = Launches::of(&api);
    let of = |name: &str, content: &[u8]| {
        let path = launches.files.path().join(name);
        std::fs::write(&path, content).expect("ours");
        path.to_str().expect("text").to_owned()
    };
    let huge = of("huge", &vec![b'\n'; 5 << 20]);
    for file in [of("none", b"no certificate"), huge, "/dev/zero".into(), "/nowhere".into(), "/".into()] {
        let options = Options { ca_file: Some(file.clone()), ..Options::default() };
        assert_eq!(start(options), Err(ErrorCode::CaFileUnusable), "{file}");
        let request = LaunchRequest { ca_file: Some(file.clone()), ..launches.request("one", &secret(KEY)) };
        let refusal = launches.broker.grant_launch(request).expect_err("no roots");
        assert_eq!(refusal.code(), ErrorCode::CaFileUnusable, "{file}");
    }
    // The broker's own file is trusted for every launch.
    let launches = Launches::with(&api, Options { ca_file: Some(launches.ca_file.clone()), ..Options::default() });
    let request = LaunchRequest { ca_file: None, ..launches.request("one", &secret(KEY)) };
    assert_eq!(ask(&launches.start(request)), 200);
    // Without one, the certificate is not trusted.
    let launches = Launches::of(&api);
    let request = LaunchRequest { ca_file: None, ..launches.request("one", &secret(KEY)) };
    assert_eq!((ask(&launches.start(request)), launches.outcome()), (502, refused(RefusalReason::UpstreamTls)));
}

#[test]
fn launches_that_come_and_go_at_once_leave_nothing() {
    let api = Api::answering(OK);
    let launches = Launches::of(&api);
    let served = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for number in 0..8 {
            let (launches, served) = (&launches, &served);
            scope.spawn(move || {
                for round in 0..20 {
                    let workspace = format!("workspace-{}", (number + round) % 3);
                    let grant = launches.start(launches.request(&workspace, &secret(KEY)));
                    served.fetch_add(usize::from(ask(&grant) == 200), Ordering::SeqCst);
                }
            });
        }
    });
    assert_eq!(served.load(Ordering::SeqCst), 160);
    until("no connection is left", || launches.broker.counts().connections == 0);
    let counts = launches.broker.counts();
    assert_eq!((counts.grants, counts.credentials, counts.tokens), (0, 0, 0));
}
