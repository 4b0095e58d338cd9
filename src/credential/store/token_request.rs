//! Requests new tokens from a token endpoint (RFC 6749, section 6), and reads its answer.

use std::io;
use std::ops::RangeInclusive;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Serialize;

use super::document::{Document, jwt_expires_at};
use super::pause::TokenRefusal;
use super::profile::{Profile, StoredExpiry};
use crate::credential;
use crate::error::{Error, ErrorCode, Result};
use crate::net::http::{self, Request, RequestFailure, RequestSettings, Response};
use crate::provider::{BodyFormat, CredentialKind};
use crate::secret::{ExposeSecret, Secret};
use crate::sys::guarded::GuardedBytes;

/// The tokens of one answer.
#[derive(Debug)]
pub struct IssuedTokens {
    /// The new access token; or why there is none, beside a new refresh token: the one that was sent is used up all the
    /// same.
    pub access: Result<Secret>,
    /// The new refresh token; none: the old one stays good.
    pub refresh: Option<Secret>,
    /// Until when the access token is good, in seconds from now; none: the answer does not say.
    pub expires_in: Option<f64>,
    /// Further tokens, by the place of their name in [`Profile::extra_tokens`].
    pub extra: Vec<Option<Secret>>,
}

/// Asks once. It blocks: to be called on a thread of [`crate::net::jobs`].
///
/// # Errors
/// `LOGIN_REQUIRED`, `REFRESH_FAILED`.
pub fn send(
    profile: &Profile,
    refresh: &Secret,
    scopes: Option<&str>,
    settings: &RequestSettings,
) -> std::result::Result<IssuedTokens, TokenRefusal> {
    // What a file holds is no more to be trusted than what a payload does.
    let refresh = std::str::from_utf8(refresh.expose_secret()).ok().filter(|token| is_plain(token.as_bytes()));
    let Some(refresh_token) = refresh else {
        let error = login_required(
            profile,
            "The stored refresh token contains characters that are not allowed in a \
            token. Log in again with the CLI.",
        );
        return Err(TokenRefusal { is_dead: true, ..error.into() });
    };
    let scope = scopes.unwrap_or_default();
    let parameters = Parameters { grant_type: "refresh_token", refresh_token, client_id: &profile.client_id, scope };
    let (content_type, body) = match profile.body {
        BodyFormat::Json => ("application/json", parameters.json()),
        BodyFormat::Form => ("application/x-www-form-urlencoded", Some(parameters.form())),
    };
    let body = body.ok_or_else(|| Error::new(ErrorCode::Internal, "The token request cannot be encoded."))?;
    let headers = [("content-type", content_type), ("accept", "application/json")];
    let request =
        Request { url: &profile.token_url, key: None, headers: &headers, body: Some(body), is_precious: true };
    let given = (profile.token_url != profile.row.token_url).then_some("options.tokenUrl");
    let response = http::send(request, settings).map_err(|failure| TokenRefusal {
        is_ours: failure == RequestFailure::Exhausted,
        ..failed(profile, &failure.message(given)).into()
    })?;
    let retry_after = response.retry_after.map(|time| time.as_secs_f64() * 1000.0);
    match response.status {
        200..=299 => Ok(read(profile, response)?),
        status => {
            let error = refused(profile, status, response);
            Err(TokenRefusal {
                is_dead: error.code() == ErrorCode::LoginRequired,
                retry_after,
                ..TokenRefusal::from(error)
            })
        }
    }
}

/// The request's parameters (RFC 6749, section 6). Whatever is in them, they are values and nothing else.
#[derive(Serialize)]
struct Parameters<'a> {
    grant_type: &'static str,
    refresh_token: &'a str,
    client_id: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    scope: &'a str,
}

impl Parameters<'_> {
    /// None where they cannot be written, which no text causes.
    fn json(&self) -> Option<GuardedBytes> {
        let mut length = Length(0);
        serde_json::to_writer(&mut length, self).ok()?;
        let mut body = GuardedBytes::zeroed(length.0);
        serde_json::to_writer(&mut body[..], self).ok()?;
        Some(body)
    }

    fn form(&self) -> GuardedBytes {
        let all = [
            ("grant_type", self.grant_type),
            ("refresh_token", self.refresh_token),
            ("client_id", self.client_id),
            ("scope", self.scope),
        ];
        let mut parts: Vec<&[u8]> = Vec::new();
        for (name, value) in all.iter().filter(|(_, value)| !value.is_empty()) {
            parts.extend([if parts.is_empty() { &b""[..] } else { b"&" }, name.as_bytes(), b"="]);
            // Each piece is of the value, or of a table: nothing is copied.
            parts.extend(utf8_percent_encode(value, RESERVED).map(str::as_bytes));
        }
        GuardedBytes::joined(&parts)
    }
}

/// Counts what is written, so that the body is allocated once.
struct Length(usize);

impl io::Write for Length {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 += bytes.len();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// What RFC 3986 reserves, and all else that is no unreserved character of it.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// What is in a JSON string and in a header as it is.
pub(super) fn is_plain(token: &[u8]) -> bool {
    !token.is_empty()
        && token.len() <= credential::MAX_CREDENTIAL_BYTES
        && token.iter().all(|byte| byte.is_ascii_graphic() && !matches!(byte, b'"' | b'\\'))
}

fn read(profile: &Profile, response: Response) -> Result<IssuedTokens> {
    let strange = || failed(profile, &format!("Its answer is not a token response. {LOOK_AT_URL}"));
    let answer = Document::parse(response.body).ok_or_else(strange)?;
    let token = |name: &str| answer.secret(&[name.to_owned()]);
    let plain = |secret: &Secret| is_plain(secret.expose_secret());
    let refresh = token("refresh_token");
    if refresh.as_ref().is_some_and(|secret| !plain(secret)) {
        return Err(strange());
    }
    let access = token("access_token").filter(plain).ok_or_else(strange).and_then(|access| {
        // By the table that a launch asks: what it refuses must not take the place of a token that is good.
        let finding = credential::examine(profile.provider, CredentialKind::OauthToken, access.expose_secret());
        match finding.code.error_code() {
            None => Ok(access),
            Some(_) => Err(failed(
                profile,
                &format!("{} {LOOK_AT_URL}", finding.sentence(Some("The access token in its answer"))),
            )),
        }
    });
    let access = match access {
        Err(why) if refresh.is_none() => return Err(why),
        access => access,
    };
    let expires_in = answer.number(&["expires_in".to_owned()]).filter(|seconds| (0.0..=MAX_LIFETIME).contains(seconds));
    let extra = profile.extra_tokens.iter().map(|(name, _)| token(name).filter(plain));
    let extra = extra.map(|token| token.filter(|_| access.is_ok())).collect();
    Ok(IssuedTokens { access, refresh, expires_in, extra })
}

/// Where an error is: RFC 6749 has a word, OpenAI an object.
static ERROR_FIELDS: &[&[&str]] = &[&["error"], &["code"], &["error", "code"], &["error", "type"]];

/// What a person can do, by the status of an answer: the first row that fits.
static REMEDIES: &[(RangeInclusive<u16>, &str)] = &[
    (401..=401, "Check options.clientId: the endpoint does not accept it."),
    (403..=403, "Check options.clientId, and whether the endpoint accepts requests from this network."),
    (408..=408, TRY_LATER),
    (429..=429, TRY_LATER),
    (500..=599, TRY_LATER),
    (300..=399, LOOK_AT_URL),
    (404..=410, LOOK_AT_URL),
    (0..=u16::MAX, "Check options.tokenUrl, options.clientId and options.format."),
];
const TRY_LATER: &str = "Try again later.";
const LOOK_AT_URL: &str = "Check options.tokenUrl: it does not lead to a token endpoint.";

fn refused(profile: &Profile, status: u16, response: Response) -> Error {
    let answer = Document::parse(response.body);
    let words = ERROR_FIELDS.iter().filter_map(|field| {
        let path: Vec<String> = field.iter().map(|&name| name.to_owned()).collect();
        answer.as_ref()?.word(&path)
    });
    let words: Vec<&str> = words.collect();
    if let Some(known) = profile.row.login_again.iter().find(|known| words.iter().any(|word| word == *known)) {
        return login_required(profile, &format!("The vendor rejected the stored refresh token ({known})."));
    }
    let remedy =
        REMEDIES.iter().find(|(statuses, _)| statuses.contains(&status)).map_or(TRY_LATER, |(_, remedy)| remedy);
    failed(profile, &format!("It answered with HTTP status {status}. {remedy}"))
}

fn login_required(profile: &Profile, why: &str) -> Error {
    let message = format!("{why} Log in again with the CLI of {}; the file was not changed.", profile.provider.name);
    Error::new(ErrorCode::LoginRequired, message).provider(profile.provider.id)
}

fn failed(profile: &Profile, why: &str) -> Error {
    let message = format!("The token endpoint returned no new tokens. {why}");
    Error::new(ErrorCode::RefreshFailed, message).provider(profile.provider.id)
}

/// The longest life of an access token that is believed, in seconds: 10 years.
pub(super) const MAX_LIFETIME: f64 = 315_360_000.0;

/// An access token whose answer does not say how long it is good (RFC 6749 recommends to, and no more) is taken to be
/// good for this long, in seconds.
pub(super) const DEFAULT_LIFETIME: f64 = 3600.0;

/// A new access token counts as good for this long at least, unless the answer says less, in seconds.
const SHORTEST_LIFETIME: f64 = 60.0;

impl IssuedTokens {
    /// Until when the access token is good, in milliseconds since 1970.
    #[must_use]
    pub fn expires_at(&self, profile: &Profile, now: f64) -> f64 {
        let by_answer = || now + self.expires_in.unwrap_or(DEFAULT_LIFETIME) * 1000.0;
        match profile.expiry {
            StoredExpiry::Jwt => {
                match self.access.as_ref().ok().and_then(|it| jwt_expires_at(it.expose_secret())) {
                    // What was given just now is good for a while, whatever this clock makes of the time that is in it.
                    Some(at) => {
                        let given = self.expires_in.map_or(f64::MAX, |seconds| now + seconds * 1000.0);
                        at.max(now + SHORTEST_LIFETIME * 1000.0).min(given)
                    }
                    None => by_answer(),
                }
            }
            StoredExpiry::Document(..) => by_answer(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::credential::store::profile::Overrides;
    use crate::provider::find;

    fn profile() -> Profile {
        Profile::new(find("claude").expect("a row"), Overrides::default()).expect("valid")
    }

    fn answer(status: u16, body: &str) -> Response {
        Response { status, retry_after: None, body: GuardedBytes::copy_of(body.as_bytes()) }
    }

    #[test]
    fn bodies() {
        let with =
            |refresh_token, scope| Parameters { grant_type: "refresh_token", refresh_token, client_id: "c", scope };
        let json = |scope| with("rt", scope).json().expect("written");
        assert_eq!(&*json(""), br#"{"grant_type":"refresh_token","refresh_token":"rt","client_id":"c"}"#);
        assert!(json("a b").ends_with(br#","scope":"a b"}"#));
        assert_eq!(
            &*with("r/t", "a b").form(),
            b"grant_type=refresh_token&refresh_token=r%2Ft&client_id=c&scope=a%20b"
        );
    }

    #[test]
    fn no_value_becomes_a_parameter() {
        for scope in
            [r#"x","client_id":"other","refresh_token":"another"#, "a&client_id=other", "\\", "\"", "\n\0\u{2028}é"]
        {
            let parameters = Parameters { grant_type: "refresh_token", refresh_token: "rt", client_id: "c", scope };
            let read: std::collections::BTreeMap<String, String> =
                serde_json::from_slice(&parameters.json().expect("written")).expect("JSON");
            let expected =
                [("client_id", "c"), ("grant_type", "refresh_token"), ("refresh_token", "rt"), ("scope", scope)];
            assert_eq!(read, expected.map(|(name, value)| (name.to_owned(), value.to_owned())).into());
            let form = parameters.form();
            assert_eq!(form.iter().filter(|byte| **byte == b'&').count(), 3, "{scope}");
            assert!(form.is_ascii());
        }
    }

    #[test]
    fn answers() {
        let tokens =
            read(&profile(), answer(200, r#"{"access_token":"sk-ant-oat01-x","expires_in":60}"#)).expect("tokens");
        let access = tokens.access.as_ref().expect("good").expose_secret();
        assert_eq!((access, tokens.expires_in), (&b"sk-ant-oat01-x"[..], Some(60.0)));
        assert_eq!(tokens.expires_at(&profile(), 1000.0), 61_000.0);
        let codex = Profile::new(find("codex").expect("a row"), Overrides::default()).expect("valid");
        let jwt = format!("e30.{}.c2ln", data_encoding::BASE64URL_NOPAD.encode(br#"{"exp":1700000000}"#));
        // The time in the token, less where the answer says so, and a minute by a clock that is after it.
        for (expires_in, now, expected) in [
            ("", 1.6e12, 1.7e12),
            (r#","expires_in":60"#, 1.6e12, 1.6e12 + 60_000.0),
            (r#","expires_in":"9e9""#, 1.6e12, 1.7e12),
            ("", 1.8e12, 1.8e12 + 60_000.0),
        ] {
            let tokens =
                read(&codex, answer(200, &format!(r#"{{"access_token":"{jwt}"{expires_in}}}"#))).expect("tokens");
            assert_eq!(tokens.expires_at(&codex, now), expected, "{expires_in}");
        }
        for body in ["", "[]", "{}", r#"{"access_token":7}"#, r#"{"access_token":""}"#, r#"{"access_token":"a b"}"#] {
            assert_eq!(read(&profile(), answer(200, body)).expect_err(body).code(), ErrorCode::RefreshFailed);
        }
        // What no launch would take; a refresh token beside it counts.
        for access in
            ["sk-proj-made-up", "undefined", "null", "NaN", "your-api-key", "$KEY", "sk-...abcd", "Bearer abc"]
        {
            let read = |more| read(&profile(), answer(200, &format!(r#"{{"access_token":"{access}"{more}}}"#)));
            assert_eq!(read("").expect_err(access).code(), ErrorCode::RefreshFailed);
            let tokens = read(r#","refresh_token":"rt-2""#).expect("a refresh token");
            let error = tokens.access.expect_err(access);
            assert_eq!((error.code(), &error.details().names[..]), (ErrorCode::RefreshFailed, &[][..]));
            assert_eq!(tokens.refresh.expect("kept").expose_secret(), b"rt-2");
        }
        let nothing = read(&profile(), answer(200, r#"{"refresh_token":"rt-2"}"#)).expect("a refresh token");
        assert!(nothing.access.is_err() && nothing.refresh.is_some());
    }

    #[test]
    fn refusals() {
        let codex = Profile::new(find("codex").expect("a row"), Overrides::default()).expect("valid");
        for (profile, body, code) in [
            (&profile(), r#"{"error":"invalid_grant","error_description":"rt-echoed"}"#, ErrorCode::LoginRequired),
            // Whatever else is there, and of whatever type.
            (&profile(), r#"{"error":"invalid_grant","code":400}"#, ErrorCode::LoginRequired),
            (
                &profile(),
                r#"{"error":{"type":"invalid_grant","code":["rt-echoed"]},"code":{}}"#,
                ErrorCode::LoginRequired,
            ),
            (&codex, r#"{"error":{"code":"refresh_token_reused","message":"rt-echoed"}}"#, ErrorCode::LoginRequired),
            (&codex, r#"{"error":{"code":"refresh_token_reused","type":7}}"#, ErrorCode::LoginRequired),
            (&codex, r#"{"code":"refresh_token_expired"}"#, ErrorCode::LoginRequired),
            (&codex, r#"{"error":"invalid_grant"}"#, ErrorCode::LoginRequired),
            (&profile(), r#"{"error":"invalid_client"}"#, ErrorCode::RefreshFailed),
            (&profile(), r#"{"error":null}"#, ErrorCode::RefreshFailed),
            (&profile(), r#"{"error_description":"invalid_grant"}"#, ErrorCode::RefreshFailed),
            (&profile(), "rt-echoed", ErrorCode::RefreshFailed),
        ] {
            let error = refused(profile, 400, answer(400, body));
            assert_eq!(error.code(), code, "{body}");
            assert!(!error.to_string().contains("echoed"));
        }
    }

    #[test]
    fn every_failure_says_what_to_do() {
        for (status, remedy) in [
            (301, "options.tokenUrl"),
            (400, "options.clientId"),
            (401, "options.clientId"),
            (403, "options.clientId"),
            (404, "options.tokenUrl"),
            (429, "later"),
            (503, "later"),
        ] {
            let message = refused(&profile(), status, answer(status, "<html>")).to_string();
            assert!(message.contains(&status.to_string()) && message.contains(remedy), "{message}");
        }
        let message = read(&profile(), answer(200, "<html>")).expect_err("no tokens").to_string();
        assert!(message.contains("Check options.tokenUrl"), "{message}");
        let nobody = Profile { token_url: "http://127.0.0.1:1/token".into(), ..profile() };
        let settings = RequestSettings { timeout: std::time::Duration::from_secs(60), ..RequestSettings::default() };
        let error = send(&nobody, &Secret::copy_of(b"rt"), None, &settings).expect_err("nobody listens").error;
        assert!(error.to_string().contains("options.tokenUrl"), "{error}");
    }
}
