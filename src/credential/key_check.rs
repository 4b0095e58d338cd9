//! Asks a provider's API whether a credential is valid, with one request that costs nothing.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::paste_mistakes::contains_ignoring_case;
use crate::credential;
use crate::error::{Error, ErrorCode, Result};
use crate::net::connection::KeyHeader;
use crate::net::http::{self, BETWEEN, Request, RequestFailure, RequestSettings, Response};
use crate::net::jobs::{OTHER_REQUESTS, PROXIED_REQUESTS, Pool, Turn, VENDOR_REQUESTS};
use crate::provider::{Api, Authorization, CredentialKind, KeyUse, Provider, REFUSAL_REASONS, RefusalReason, class_of};
use crate::secret::sealed::is_sealed;
use crate::secret::{ExposeSecret, Secret};

/// A request that shows whether a credential is valid, before it is sent.
#[derive(Debug)]
pub struct KeyCheck {
    api: &'static Api,
    authorization: &'static Authorization,
    secret: Arc<Secret>,
    url: String,
    /// Whether the caller gave the address, so that a message can name it.
    has_base_url: bool,
    settings: RequestSettings,
    pool: &'static Pool,
    turn: Turn,
}

/// The result of a check. It contains no part of the credential, and nothing that the endpoint wrote.
#[derive(Debug, PartialEq)]
#[cfg_attr(feature = "node", napi_derive::napi(object, object_from_js = false, use_nullable = true))]
pub struct Verdict {
    pub outcome: Outcome,
    /// What is behind it, in one word, where there is more to say.
    pub reason: Option<&'static str>,
    /// The HTTP status; none where nobody answered.
    pub status: Option<u16>,
    /// Sentences for a person: what is wrong, and what to do.
    pub message: String,
    /// After how many milliseconds the endpoint wants to be asked again.
    pub retry_after_ms: Option<f64>,
}

/// The outcome of a request about a credential.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "node", napi_derive::napi(string_enum = "kebab-case"))]
pub enum Outcome {
    Valid,
    /// The endpoint does not know it, or it can be no credential for this provider.
    Invalid,
    /// The endpoint knows it and refuses it.
    Forbidden,
    /// The endpoint refuses to say so now; it knows the credential.
    RateLimited,
    /// Nothing is known, because there was no conclusive answer.
    Unreachable,
}

/// What is to be done: asking, or nothing, as the answer is known.
#[derive(Debug)]
pub enum Plan {
    /// It can be no credential for this provider, and is sent nowhere.
    Known(Verdict),
    Ask(KeyCheck),
}

/// Prepares a check. The kind is what the key's prefix says; an API key where it says nothing.
///
/// # Errors
/// `ERR_INVALID_ARG_VALUE` for the base URL; `UNSUPPORTED` for a kind that this API cannot be asked about.
pub fn plan(
    provider: &'static Provider,
    secret: Arc<Secret>,
    base_url: Option<&str>,
    settings: RequestSettings,
) -> Result<Plan> {
    if let Some(url) = base_url {
        http::check_base_url(url)?;
    }
    if is_sealed(secret.expose_secret()) {
        let message =
            "The input is a sealed secret, which only buildProviderEnv() can open. Check the key before you seal it.";
        return Err(Error::new(ErrorCode::InvalidArgValue, message).name("input"));
    }
    let kind = match class_of(secret.expose_secret()).map(|class| class.usable_as) {
        Some(KeyUse::Credential(kind)) => kind,
        _ => CredentialKind::ApiKey,
    };
    // First: a key that belongs elsewhere is reported as such, whatever else could be said about it.
    if let Err(error) = credential::check(provider, kind, "The input", secret.expose_secret()) {
        return Ok(Plan::Known(Verdict {
            message: error.to_string(),
            ..verdict(Outcome::Invalid, Some("malformed"), None)
        }));
    }
    let Some(authorization) = provider.vendor().api.authorization(kind) else {
        let message = format!(
            "{} has no request that shows whether an {} is valid. The first run will show it.",
            provider.vendor().api.vendor,
            kind.as_str()
        );
        return Err(Error::new(ErrorCode::Unsupported, message).provider(provider.id));
    };
    let api = provider.vendor().api;
    let url = format!("{}{}", base_url.unwrap_or(api.base_url).trim_end_matches('/'), api.models_path);
    let (source, endpoint) = http::parties(&url, settings.proxy.as_deref());
    let pool = match (base_url, &settings.proxy) {
        (None, None) => &VENDOR_REQUESTS,
        (None, Some(_)) => &PROXIED_REQUESTS,
        (Some(_), _) => &OTHER_REQUESTS,
    };
    // The time that it waits for a thread is part of the time that it may take.
    let deadline = Instant::now() + settings.timeout;
    let turn = Turn { source: source.into(), endpoint: endpoint.into(), deadline, is_abandoned: Arc::default() };
    let has_base_url = base_url.is_some();
    Ok(Plan::Ask(KeyCheck { api, authorization, secret, url, has_base_url, settings, pool, turn }))
}

impl KeyCheck {
    /// Whom it waits for, and where it is to be asked.
    #[must_use]
    pub fn turn(&self) -> (&'static Pool, Turn) {
        (self.pool, self.turn.clone())
    }

    /// Asks. It blocks: to be called on a thread of [`crate::net::jobs`].
    #[must_use]
    pub fn ask(mut self) -> Verdict {
        self.settings.timeout = self.turn.deadline.saturating_duration_since(Instant::now());
        if self.settings.timeout.is_zero() || self.turn.is_abandoned.load(Ordering::Relaxed) {
            return self.unreachable(RequestFailure::Timeout);
        }
        let Authorization { header: name, prefix, with: headers, .. } = *self.authorization;
        let key = Some(KeyHeader { name, prefix, key: &self.secret });
        match http::send(Request { url: &self.url, key, headers, body: None, is_precious: false }, &self.settings) {
            Ok(response) => self.judge(&response),
            Err(failure) => self.unreachable(failure),
        }
    }

    fn unreachable(&self, failure: RequestFailure) -> Verdict {
        Verdict {
            message: failure.message(self.has_base_url.then_some("the base URL")),
            ..verdict(Outcome::Unreachable, Some(failure.as_str()), None)
        }
    }

    fn judge(&self, response: &Response) -> Verdict {
        let vendor = self.api.vendor;
        let refusal = refusal(response);
        let (outcome, reason, message) = match response.status {
            200..=299 => (Outcome::Valid, None, format!("{vendor} accepts the credential.")),
            401 if refusal.is_none() => (
                Outcome::Invalid,
                Some("rejected"),
                format!(
                    "{vendor} does not recognize the credential: it was revoked, deleted or mistyped. Create a new one and paste all of it."
                ),
            ),
            401..=403 | 429 => self.refused(response.status, refusal),
            500..=599 => (
                Outcome::Unreachable,
                Some("server-error"),
                format!("{vendor} answered with a server error. Try again later."),
            ),
            _ => (
                Outcome::Unreachable,
                Some("unexpected-answer"),
                format!(
                    "The server that answered is not this provider's API. {}",
                    if self.has_base_url { "Check the base URL." } else { BETWEEN }
                ),
            ),
        };
        let retry_after_ms = response.retry_after.map(|after| after.as_millis() as f64);
        Verdict { message, retry_after_ms, ..verdict(outcome, reason, Some(response.status)) }
    }

    fn refused(&self, status: u16, refusal: Option<&'static RefusalReason>) -> (Outcome, Option<&'static str>, String) {
        let outcome = if status == 429 { Outcome::RateLimited } else { Outcome::Forbidden };
        if let Some(row) = refusal {
            return (outcome, Some(row.reason), row.message.into());
        }
        let what = match outcome {
            Outcome::RateLimited => "but its rate limit has been reached. Try again later.",
            _ => "but does not allow the request. Check the credential's permissions and the account.",
        };
        (outcome, None, format!("{} recognizes the credential, {what}", self.api.vendor))
    }
}

fn verdict(outcome: Outcome, reason: Option<&'static str>, status: Option<u16>) -> Verdict {
    Verdict { outcome, reason, status, message: String::new(), retry_after_ms: None }
}

#[derive(Deserialize)]
struct ErrorBody<'a> {
    #[serde(borrow)]
    error: ErrorFields<'a>,
}

#[derive(Deserialize)]
struct ErrorFields<'a> {
    #[serde(borrow, rename = "type")]
    kind: Option<&'a RawValue>,
    #[serde(borrow)]
    code: Option<&'a RawValue>,
    #[serde(borrow)]
    message: Option<&'a RawValue>,
}

/// What an API's own error gives as its reason; nothing of a page that something in between wrote.
fn refusal(response: &Response) -> Option<&'static RefusalReason> {
    let ErrorBody { error } = serde_json::from_slice::<ErrorBody<'_>>(&response.body).ok()?;
    let is = |field: Option<&RawValue>, code: &str| field.is_some_and(|raw| raw.get().trim_matches('"') == code);
    let coded = |row: &&RefusalReason| row.codes.iter().any(|code| is(error.code, code) || is(error.kind, code));
    if let Some(row) = REFUSAL_REASONS.iter().find(coded) {
        return Some(row);
    }
    let message = error.message.filter(|_| response.status == 403)?.get().as_bytes();
    let worded = |row: &&RefusalReason| row.phrases.iter().any(|it| contains_ignoring_case(message, it));
    REFUSAL_REASONS.iter().find(worded)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::provider::find;
    use crate::sys::guarded::GuardedBytes;

    fn check(provider: &str, key: &[u8]) -> Plan {
        let secret = Arc::new(Secret::copy_of(key));
        plan(find(provider).expect("a row"), secret, Some("http://127.0.0.1:1"), RequestSettings::default())
            .expect("a plan")
    }

    fn judged(status: u16, body: &[u8]) -> (Outcome, Option<&'static str>) {
        let Plan::Ask(check) = check("codex", b"sk-proj-made-up") else { unreachable!("a plausible key") };
        let response = Response { status, retry_after: None, body: GuardedBytes::copy_of(body) };
        let verdict = check.judge(&response);
        assert!(!verdict.message.is_empty());
        (verdict.outcome, verdict.reason)
    }

    #[test]
    fn answers_and_what_they_say() {
        for (status, body, expected) in [
            (200, "", (Outcome::Valid, None)),
            (401, "", (Outcome::Invalid, Some("rejected"))),
            (403, "<html>your IP address is blocked</html>", (Outcome::Forbidden, None)),
            (
                403,
                r#"{"error":{"message":"Missing scopes: api.model.read"}}"#,
                (Outcome::Forbidden, Some("missing-scope")),
            ),
            (403, r#"{"error":{"code":"unsupported_country_region_territory"}}"#, (Outcome::Forbidden, Some("region"))),
            (429, r#"{"error":{"type":"insufficient_quota"}}"#, (Outcome::RateLimited, Some("quota"))),
            (429, r#"{"error":{"type":"rate_limit_error"}}"#, (Outcome::RateLimited, None)),
            (
                429,
                r#"{"error":{"message":"Rate limit reached for gpt-4o in organization org-x. See /account/billing","code":"rate_limit_exceeded"}}"#,
                (Outcome::RateLimited, None),
            ),
            (
                429,
                r#"{"error":{"type":"rate_limit_error","message":"This would exceed your organization's rate limit."}}"#,
                (Outcome::RateLimited, None),
            ),
            (
                403,
                r#"{"error":{"message":"You have no access to the ORGANIZATION."}}"#,
                (Outcome::Forbidden, Some("organization")),
            ),
            (401, r#"{"error":{"message":"your organization","code":null}}"#, (Outcome::Invalid, Some("rejected"))),
            (401, r#"{"error":{"code":"account_deactivated"}}"#, (Outcome::Forbidden, Some("account"))),
            (402, r#"{"error":{"type":"billing_error"}}"#, (Outcome::Forbidden, Some("quota"))),
            (402, "", (Outcome::Forbidden, None)),
            (529, r#"{"error":{"type":"overloaded_error"}}"#, (Outcome::Unreachable, Some("server-error"))),
            (302, "", (Outcome::Unreachable, Some("unexpected-answer"))),
            (404, "[", (Outcome::Unreachable, Some("unexpected-answer"))),
        ] {
            assert_eq!(judged(status, body.as_bytes()), expected, "{status} {body}");
        }
    }

    #[test]
    fn the_wait_for_a_thread_counts() {
        let Plan::Ask(mut check) = check("codex", b"sk-proj-made-up") else { unreachable!("a plausible key") };
        assert!(check.turn.deadline <= Instant::now() + std::time::Duration::from_secs(60));
        check.turn.deadline -= std::time::Duration::from_secs(61);
        assert_eq!(check.ask().reason, Some("timeout"));
    }

    #[test]
    fn a_key_that_can_be_none_here_is_sent_nowhere() {
        for (provider, key) in
            [("claude", &b"sk-proj-made-up"[..]), ("codex", b"sk-ant-api03-made-up"), ("codex", b"a b")]
        {
            let Plan::Known(verdict) = check(provider, key) else { panic!("{provider} would ask") };
            assert_eq!((verdict.outcome, verdict.status), (Outcome::Invalid, None));
        }
    }
}
