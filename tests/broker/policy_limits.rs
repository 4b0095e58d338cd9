//! What Claude Code asks before its first message: what its organization restricts.

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use provider_env::broker::{Addresses, Grant, Options, Outcome, RefusalReason, Route, Upstream, UpstreamOptions};
use provider_env::provider::CredentialKind;

use crate::api::{Api, OK};
use crate::client::{Answer, Client};
use crate::setting::{KEY, Setting, refused};

const PATH: &str = "/api/claude_code/policy_limits";
const RESTRICTED: &str = r#"{"restrictions":{"allow_web_fetch":{"allowed":false}}}"#;

/// As the CLI asks on its socket: with this host, and without any credential.
fn ask_once(grant: &Grant) -> Answer {
    let mut client = Client::connect(grant.address());
    client.host = "localhost".into();
    client.ask("GET", PATH, &[], b"")
}

/// The same, if the API answers: on a busy machine, two seconds can be too short.
fn ask(grant: &Grant) -> Answer {
    let mut answer = ask_once(grant);
    crate::setting::until("the API answers in time", || {
        let is_late = answer.text().contains("in time");
        if is_late {
            answer = ask_once(grant);
        }
        !is_late
    });
    answer
}

fn answering(status: &'static str, body: &'static str) -> Api {
    Api::start(move |conversation| {
        let Some(seen) = conversation.request()? else { return Ok(false) };
        let is_it = seen.head.line.contains(PATH);
        let answer = format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\n\r\n{body}", body.len());
        conversation.send(if is_it { answer.as_bytes() } else { OK.as_bytes() })?;
        Ok(true)
    })
}

fn setting(api: &Api, kind: CredentialKind) -> Setting {
    let mut setting = Setting::of("claude", api);
    let roots =
        UpstreamOptions { roots: vec![api.root.clone()], addresses: Addresses::Any, ..UpstreamOptions::default() };
    let upstream = Upstream::new(&api.url(), roots).expect("a URL");
    setting.credential = crate::setting::credential("claude", upstream, kind, KEY);
    setting
}

#[test]
fn the_restrictions_of_an_organization_pass_unchanged() {
    for (kind, header) in [(CredentialKind::ApiKey, "x-api-key"), (CredentialKind::OauthToken, "authorization")] {
        let api = answering("200 OK", RESTRICTED);
        let setting = setting(&api, kind);
        let answer = ask(&setting.grant(Route::UnixWithoutToken));
        assert_eq!((answer.status(), answer.text().as_str()), (200, RESTRICTED));
        let seen = api.last().head;
        assert!(seen.get(header).is_some_and(|value| value.ends_with(KEY)), "{seen:?}");
        assert_eq!(seen.get("host"), Some(&*format!("localhost:{}", api.address.port())));
        crate::setting::until("it is recorded", || setting.outcome() == Outcome::Completed);
    }
}

#[test]
fn an_api_key_without_an_organizations_policies_has_none() {
    let api = answering("404 Not Found", "{\"error\":{}}");
    let with_key = setting(&api, CredentialKind::ApiKey);
    let grant = with_key.grant(Route::UnixWithoutToken);
    let answer = ask(&grant);
    assert_eq!((answer.status(), answer.text().as_str()), (200, r#"{"restrictions":{}}"#));
    assert_eq!(answer.head.get("content-type"), Some("application/json"));
    crate::setting::until("what the API said is recorded", || {
        let record = &with_key.records(1)[0];
        (record.status, record.outcome) == (Some(404), Outcome::Completed)
    });
    // Its connection carries the next request.
    crate::setting::until("it is used again", || {
        let mut client = Client::connect(grant.address());
        let before = api.connections.load(Ordering::SeqCst);
        assert_eq!(client.ask("POST", "/v1/messages", &[], b"{}").status(), 200);
        api.connections.load(Ordering::SeqCst) == before
    });

    let answer = ask(&setting(&api, CredentialKind::OauthToken).grant(Route::UnixWithoutToken));
    assert_eq!((answer.status(), answer.text().as_str()), (404, "{\"error\":{}}"), "a login's answer passes");
    for status in ["401 No", "403 No", "500 No"] {
        let api = answering(status, "{}");
        let answer = ask(&setting(&api, CredentialKind::ApiKey).grant(Route::UnixWithoutToken));
        assert!(status.starts_with(&answer.status().to_string()), "only a 404 says that there are none");
    }
}

#[test]
fn a_silent_api_holds_the_first_message_up_for_two_seconds() {
    let api = Api::start(|conversation| {
        let Some(_) = conversation.request()? else { return Ok(false) };
        conversation.has_ended();
        Ok(false)
    });
    let setting = Setting::with("claude", &api, Options::default());
    let started = Instant::now();
    assert_eq!(ask_once(&setting.grant(Route::UnixWithoutToken)).status(), 502);
    assert_eq!(setting.outcome(), refused(RefusalReason::UpstreamTimeout));
    // The broker's own limit is 15 minutes.
    assert!((Duration::from_secs(2)..Duration::from_secs(30)).contains(&started.elapsed()));
}
