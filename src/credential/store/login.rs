//! The content of a stored login: reads it from its document, and writes new tokens into one.

use super::document::{Document, jwt_expires_at};
use super::file::MAX_FILE_BYTES;
use super::profile::{Profile, StoredExpiry};
use super::token_request::{DEFAULT_LIFETIME, IssuedTokens, MAX_LIFETIME, is_plain};
use crate::credential::{self, Clocks, Expiry};
use crate::error::{Error, ErrorCode, Result};
use crate::provider::CredentialKind;
use crate::secret::{ExposeSecret, Secret};

/// A login as the CLI's file holds it.
#[derive(Debug)]
pub struct Login {
    pub kind: CredentialKind,
    pub credential: Secret,
    pub refresh: Option<Secret>,
    /// Until when the credential is good; none: it is a key, which does not expire, or nobody says when.
    pub expires_at: Option<Expiry>,
    /// When it was refreshed, in milliseconds since 1970.
    pub refreshed_at: Option<f64>,
    /// Why nothing can be launched with its credential, which can be refreshed.
    pub unusable: Option<Error>,
}

impl Login {
    /// Reads a document whose credential is to be launched with, at once or when it has been refreshed.
    ///
    /// # Errors
    /// `LOGIN_REQUIRED` where there is no token in it; `UNSUPPORTED` for a kind of login that cannot be used here;
    /// what [`credential::check`] finds, where there is no refresh token.
    pub fn of(document: &Document, profile: &Profile) -> Result<Self> {
        let login = Self::read(document, profile)?;
        let unusable = unusable(profile, &login);
        match unusable {
            Some(why) if login.refresh.is_none() => Err(why),
            unusable => Ok(Self { unusable, ..login }),
        }
    }

    /// Reads a document as the CLI does, without a look at what its credential is made of.
    ///
    /// # Errors
    /// As [`Login::of`].
    pub fn read(document: &Document, profile: &Profile) -> Result<Self> {
        let kind = profile.kind_field.as_ref().and_then(|path| document.word(path));
        let row = profile.row;
        // Not repeated: it is a value of the file, and may be a key in the wrong place.
        if kind.is_some_and(|kind| !row.api_key_kinds.contains(&kind) && !row.token_kinds.contains(&kind)) {
            let message = format!(
                "The stored login of {} is of a kind that only the CLI itself can use. Log in with an API key or a subscription.",
                profile.provider.name
            );
            return Err(Error::new(ErrorCode::Unsupported, message).provider(profile.provider.id));
        }
        // A key goes before tokens where no kind is named: `codex login status` of 0.163.0 takes it so.
        let wants_key = kind.is_none_or(|kind| row.api_key_kinds.contains(&kind));
        let key = profile.api_key.as_ref().filter(|_| wants_key).and_then(|path| document.secret(path));
        if let Some(credential) = key {
            let kind = CredentialKind::ApiKey;
            return Ok(Self { kind, credential, refresh: None, expires_at: None, refreshed_at: None, unusable: None });
        }
        let credential = document.secret(&profile.access_token).ok_or_else(|| no_token(profile))?;
        let expires_at = match &profile.expiry {
            StoredExpiry::Jwt => jwt_expires_at(credential.expose_secret()),
            StoredExpiry::Document(path, unit) => document.time(path, *unit),
        };
        let now = Clocks::now();
        // What is to be good for longer than any token is was written in another unit, or by nobody who knew.
        let expires_at = expires_at.filter(|at| at - now.wall <= MAX_LIFETIME * 1000.0);
        Ok(Self {
            kind: CredentialKind::OauthToken,
            credential,
            refresh: document.secret(&profile.refresh_token),
            expires_at: expires_at.map(|at| Expiry::at(at, now)),
            refreshed_at: profile.refreshed_at.as_ref().and_then(|path| document.time(path, 1.0)),
            unusable: None,
        })
    }

    /// What a file will hold that new tokens are written into; none where no access token is among them.
    #[must_use]
    pub fn obtained(profile: &Profile, tokens: &IssuedTokens, now: Clocks) -> Option<Self> {
        let copy = |secret: &Secret| Secret::copy_of(secret.expose_secret());
        let told = tokens.expires_at(profile, now.wall);
        let told = match &profile.expiry {
            StoredExpiry::Jwt => told,
            StoredExpiry::Document(_, unit) => (told / unit).round() * unit,
        };
        Some(Self {
            kind: CredentialKind::OauthToken,
            credential: copy(tokens.access.as_ref().ok()?),
            refresh: tokens.refresh.as_ref().map(copy),
            expires_at: Some(Expiry::at(told, now)),
            refreshed_at: Some(now.wall),
            unusable: None,
        })
    }

    #[must_use]
    pub fn refresh_token(&self) -> Option<&Secret> {
        self.refresh.as_ref()
    }
}

/// What a launch would say of a login's credential, by the field that it is in.
fn unusable(profile: &Profile, login: &Login) -> Option<Error> {
    let finding = credential::examine(profile.provider, login.kind, login.credential.expose_secret());
    let field = match login.kind {
        CredentialKind::ApiKey => profile.api_key.as_ref()?,
        CredentialKind::OauthToken | CredentialKind::ConfigDir => &profile.access_token,
    };
    let sentence = finding.sentence(Some("The stored login"));
    let error = Error::new(finding.code.error_code()?, sentence).provider(profile.provider.id);
    Some(error.name(field.join(".")))
}

/// Whether a token that does not say until when it is good was refreshed so short a while ago that it is taken to be.
#[must_use]
pub fn is_recent(refreshed_at: Option<f64>, now: Clocks) -> bool {
    refreshed_at.is_some_and(|at| (0.0..DEFAULT_LIFETIME * 1000.0).contains(&(now.wall - at)))
}

/// The document with new tokens in the place of the old ones. Where no access token is among them, what belongs to the
/// old one stays.
///
/// # Errors
/// `CREDENTIAL_FILE_UNUSABLE` where it has no place for them.
pub fn with_tokens(document: &Document, profile: &Profile, tokens: &IssuedTokens, now: f64) -> Result<Document> {
    let quoted = |secret: &Secret| {
        if !is_plain(secret.expose_secret()) {
            return Err(no_place(profile));
        }
        Secret::build(secret.len() + 2, |bytes| {
            let last = bytes.len() - 1;
            (bytes[0], bytes[last]) = (b'"', b'"');
            bytes[1..last].copy_from_slice(secret.expose_secret());
            Ok::<_, Error>(())
        })
    };
    let access = tokens.access.as_ref().ok().map(quoted).transpose()?;
    let refresh = tokens.refresh.as_ref().map(quoted).transpose()?;
    let extra: Vec<Option<Secret>> =
        tokens.extra.iter().map(|secret| secret.as_ref().map(quoted).transpose()).collect::<Result<_>>()?;
    let time = format!(
        "\"{}\"",
        humantime::format_rfc3339_millis(std::time::UNIX_EPOCH + std::time::Duration::from_millis(now as u64))
    );
    let expiry = match &profile.expiry {
        StoredExpiry::Document(_, unit) => format!("{}", (tokens.expires_at(profile, now) / unit).round()),
        StoredExpiry::Jwt => String::new(),
    };
    let mut edits: Vec<(&[String], &[u8])> = Vec::new();
    if let Some(refresh) = &refresh {
        edits.push((&profile.refresh_token, refresh.expose_secret()));
    }
    if let Some(access) = &access {
        edits.push((&profile.access_token, access.expose_secret()));
        if let StoredExpiry::Document(path, _) = &profile.expiry {
            edits.push((path, expiry.as_bytes()));
        }
        if let Some(path) = &profile.refreshed_at {
            edits.push((path, time.as_bytes()));
        }
    }
    for ((_, path), secret) in profile.extra_tokens.iter().zip(&extra) {
        if let Some(secret) = secret {
            edits.push((path, secret.expose_secret()));
        }
    }
    let new = document.with(&edits).map_err(|_| no_place(profile))?;
    // What is written must be what can be read again, whatever the document looked like.
    let new = Document::parse(new.into_bytes()).ok_or_else(|| no_place(profile))?;
    Login::read(&new, profile)?;
    Ok(new)
}

/// Whether new tokens will find their place in this document, and how many bytes it can have then: asked before the old
/// refresh token is used up.
///
/// # Errors
/// `CREDENTIAL_FILE_UNUSABLE`.
pub fn check_place(document: &Document, profile: &Profile, login: &Login) -> Result<usize> {
    let copy = |secret: &Secret| Secret::copy_of(secret.expose_secret());
    let extra = profile.extra_tokens.iter().map(|_| Some(copy(&login.credential))).collect();
    let refresh = login.refresh.as_ref().map(copy);
    let tokens = IssuedTokens { access: Ok(copy(&login.credential)), refresh, expires_in: Some(1.0), extra };
    let room = document.bytes().len() + (2 + profile.extra_tokens.len()) * LARGEST_TOKEN;
    if room > MAX_FILE_BYTES {
        let message = format!(
            "The file of the stored login has {} bytes; with new tokens it could exceed the limit of {MAX_FILE_BYTES} \
            bytes. No token was requested. Remove what the CLI does not need from it, such as logins to MCP servers.",
            document.bytes().len()
        );
        return Err(Error::new(ErrorCode::CredentialFileUnusable, message).provider(profile.provider.id));
    }
    with_tokens(document, profile, &tokens, 0.0).map(|_| room)
}

/// What a new token can add to a document, in bytes, with its name and the time that may go with it.
const LARGEST_TOKEN: usize = credential::MAX_CREDENTIAL_BYTES + 256;

pub(super) fn no_place(profile: &Profile) -> Error {
    let message = "The file of the stored login has no field for new tokens. The file was not changed. Log in again with the CLI.";
    Error::new(ErrorCode::CredentialFileUnusable, message).provider(profile.provider.id)
}

fn no_token(profile: &Profile) -> Error {
    let name = profile.provider.name;
    let message = format!(
        "The stored login of {name} contains no token. Log in with the CLI on a machine that has a browser, and copy \
        its file here: this package does not run an interactive login, which would open a browser and a port and wait \
        for a person."
    );
    Error::new(ErrorCode::LoginRequired, message).provider(profile.provider.id)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::credential::store::profile::Overrides;
    use crate::provider::find;
    use crate::sys::guarded::GuardedBytes;

    fn profile(provider: &str) -> Profile {
        Profile::new(find(provider).expect("a row"), Overrides::default()).expect("valid")
    }

    fn login(provider: &str, text: &str) -> Result<Login> {
        let document = Document::parse(GuardedBytes::copy_of(text.as_bytes())).expect("an object");
        Login::of(&document, &profile(provider))
    }

    #[test]
    fn logins_of_both_clis() {
        let claude =
            r#"{"claudeAiOauth":{"accessToken":"sk-ant-oat01-x","refreshToken":"sk-ant-ort01-y","expiresAt":5000}}"#;
        let it = login("claude", claude).expect("a login");
        let told = it.expires_at.map(Expiry::told);
        assert_eq!((it.kind, told, it.refresh.is_some()), (CredentialKind::OauthToken, Some(5000.0), true));
        let key =
            login("codex", r#"{"auth_mode":"apikey","OPENAI_API_KEY":"sk-proj-x","tokens":null}"#).expect("a login");
        assert_eq!((key.kind, key.expires_at.is_none()), (CredentialKind::ApiKey, true));
        let tokens =
            r#"{"auth_mode":"chatgpt","OPENAI_API_KEY":null,"tokens":{"access_token":"opaque","refresh_token":"rt"}}"#;
        assert_eq!(login("codex", tokens).expect("a login").kind, CredentialKind::OauthToken);
        // A key that was left there beside tokens is not what the login is.
        let both = r#"{"auth_mode":"chatgpt","OPENAI_API_KEY":"sk-proj-x","tokens":{"access_token":"a","refresh_token":"rt"}}"#;
        let it = login("codex", both).expect("a login");
        assert_eq!((it.kind, it.credential.expose_secret()), (CredentialKind::OauthToken, &b"a"[..]));
        let unnamed = both.replace(r#""auth_mode":"chatgpt","#, "");
        assert_eq!(login("codex", &unnamed).expect("a login").kind, CredentialKind::ApiKey);
        for (provider, text, code) in [
            ("claude", "{}", ErrorCode::LoginRequired),
            ("claude", r#"{"claudeAiOauth":{"accessToken":""}}"#, ErrorCode::LoginRequired),
            ("claude", r#"{"claudeAiOauth":{"accessToken":"sk-proj-x"}}"#, ErrorCode::KeyWrongProvider),
            ("codex", r#"{"auth_mode":"chatgpt","tokens":null}"#, ErrorCode::LoginRequired),
            ("codex", r#"{"auth_mode":"agentIdentity"}"#, ErrorCode::Unsupported),
        ] {
            assert_eq!(login(provider, text).expect_err(text).code(), code, "{text}");
        }
    }

    #[test]
    fn an_expiry_that_nobody_can_read_is_no_reason_to_believe_in_the_token() {
        let now = Clocks::now();
        let claude = |expiry: &str, refresh: &str| {
            login(
                "claude",
                &format!(
                    r#"{{"claudeAiOauth":{{"accessToken":"sk-ant-oat01-x","refreshToken":"{refresh}"{expiry}}}}}"#
                ),
            )
            .expect("a login")
        };
        let past = r#","expiresAt":"1700000000000""#;
        assert_eq!(claude(past, "r").expires_at.map(Expiry::told), Some(1.7e12));
        // The last is in millionths of a second.
        for expiry in [
            "",
            r#","expiresAt":null"#,
            r#","expiresAt":{}"#,
            r#","expiresAt":"soon""#,
            r#","expiresAt":1790000000000000"#,
        ] {
            let it = claude(expiry, "r");
            assert!(it.expires_at.is_none() && it.refresh.is_some(), "{expiry}");
            assert!(claude(expiry, "").refresh.is_none());
        }
        let opaque = |ago: f64| {
            let at = std::time::UNIX_EPOCH + std::time::Duration::from_millis((now.wall - ago) as u64);
            let at = humantime::format_rfc3339_millis(at);
            let text = format!(r#"{{"tokens":{{"access_token":"opaque","refresh_token":"r"}},"last_refresh":"{at}"}}"#);
            is_recent(login("codex", &text).expect("a login").refreshed_at, now)
        };
        assert_eq!([opaque(60_000.0), opaque(3_600_001.0), opaque(-60_000.0)], [true, false, false]);
    }

    #[test]
    fn a_document_that_new_tokens_could_make_too_large_is_refused_before_they_are_asked_for() {
        let reserve = 2 * LARGEST_TOKEN;
        let head = r#"{"claudeAiOauth":{"accessToken":"sk-ant-oat01-x","refreshToken":"rt","expiresAt":1},"x":""#;
        for (surplus, fits) in [(0, true), (1, false)] {
            let text = format!("{head}{}\"}}", "x".repeat(MAX_FILE_BYTES - reserve - head.len() - 2 + surplus));
            let document = Document::parse(GuardedBytes::copy_of(text.as_bytes())).expect("an object");
            let login = Login::of(&document, &profile("claude")).expect("a login");
            assert_eq!(check_place(&document, &profile("claude"), &login).is_ok(), fits);
        }
    }

    #[test]
    fn new_tokens_take_the_place_of_the_old() {
        let text = r#"{"auth_mode":"chatgpt","tokens":{"id_token":"i","access_token":"a","refresh_token":"r","account_id":"x"},"odd":[1]}"#;
        let document = Document::parse(GuardedBytes::copy_of(text.as_bytes())).expect("an object");
        let secret = |text: &str| Secret::copy_of(text.as_bytes());
        let tokens =
            IssuedTokens { access: Ok(secret("A")), refresh: None, expires_in: None, extra: vec![Some(secret("I"))] };
        let new = with_tokens(&document, &profile("codex"), &tokens, 0.0).expect("a place");
        let expected = r#"{"last_refresh":"1970-01-01T00:00:00.000Z","auth_mode":"chatgpt","tokens":{"id_token":"I","access_token":"A","refresh_token":"r","account_id":"x"},"odd":[1]}"#;
        assert_eq!(std::str::from_utf8(new.bytes()), Ok(expected));
    }
}
