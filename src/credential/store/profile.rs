//! How one stored login is read and refreshed: the provider's row with the caller's overrides.

use crate::error::{Error, ErrorCode, Result};
use crate::provider::{BodyFormat, ExpiryField, OauthRow, Provider, Stored};

/// The names of members, from the document's root.
pub type Path = Vec<String>;

/// A row of the table with owned values.
#[derive(Clone, Debug)]
pub struct Profile {
    pub provider: &'static Provider,
    pub row: &'static OauthRow,
    /// The name of the login's file in its directory.
    pub file: String,
    pub token_url: String,
    /// The `client_id` of the request (RFC 6749, section 2.2).
    pub client_id: String,
    pub body: BodyFormat,
    /// The path of the scopes that the request repeats.
    pub scopes: Option<Path>,
    pub access_token: Path,
    pub refresh_token: Path,
    pub expiry: StoredExpiry,
    /// Further tokens: their names in an answer, and where they are.
    pub extra_tokens: Vec<(String, Path)>,
    pub refreshed_at: Option<Path>,
    pub api_key: Option<Path>,
    pub kind_field: Option<Path>,
    pub stored: Stored,
}

#[derive(Clone, Debug)]
pub enum StoredExpiry {
    /// In the document, in so many thousandths of a second.
    Document(Path, f64),
    /// In the access token, by its claim `exp`.
    Jwt,
}

/// The unit in which a document counts the time since 1970.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "node", napi_derive::napi(string_enum = "lowercase"))]
pub enum ExpiryUnit {
    Ms,
    S,
}

/// The parts of a provider's row that a caller overrides.
#[derive(Debug, Default)]
#[cfg_attr(feature = "node", napi_derive::napi(object, object_to_js = false))]
pub struct Overrides {
    pub token_url: Option<String>,
    pub client_id: Option<String>,
    pub file: Option<String>,
    pub body: Option<BodyFormat>,
    /// The place of the access token, as names separated by dots.
    pub access_token: Option<String>,
    pub refresh_token: Option<String>,
    /// The place of the expiry; `jwt` if it is in the access token.
    pub expires_at: Option<String>,
    /// Default: milliseconds.
    pub expires_at_unit: Option<ExpiryUnit>,
}

impl Profile {
    /// Takes a provider's row, and puts what the caller overrides in its place.
    ///
    /// # Errors
    /// `UNSUPPORTED` for a provider whose row has no login; `ERR_INVALID_ARG_VALUE`.
    pub fn new(provider: &'static Provider, overrides: Overrides) -> Result<Self> {
        let Some(row) = &provider.login else {
            let message = format!(
                "This package does not know how {} stores its login. Pass its key to \
                CredentialStore.of() instead.",
                provider.name
            );
            return Err(Error::new(ErrorCode::Unsupported, message).provider(provider.id));
        };
        let mut profile = Self::of(provider, row);
        let moves = overrides.file.is_some() || overrides.access_token.is_some() || overrides.refresh_token.is_some();
        if moves && profile.stored == Stored::CliReadsTheFile {
            let problem =
                "cannot be changed for this provider: its CLI reads its own file, and would use another login";
            return Err(invalid("options.file", problem));
        }
        if let Some(url) = overrides.token_url {
            profile.token_url = checked_url(url)?;
        }
        if let Some(client) = overrides.client_id {
            profile.client_id = plain("options.clientId", client)?;
        }
        if let Some(file) = overrides.file {
            profile.file = file_name(file)?;
        }
        if let Some(body) = overrides.body {
            profile.body = body;
        }
        if let Some(path) = overrides.access_token {
            profile.access_token = dotted("options.fields.accessToken", &path)?;
        }
        if let Some(path) = overrides.refresh_token {
            profile.refresh_token = dotted("options.fields.refreshToken", &path)?;
        }
        let unit = if overrides.expires_at_unit == Some(ExpiryUnit::S) { 1000.0 } else { 1.0 };
        match overrides.expires_at.as_deref() {
            None => {}
            Some("jwt") => profile.expiry = StoredExpiry::Jwt,
            Some(path) => profile.expiry = StoredExpiry::Document(dotted("options.fields.expiresAt", path)?, unit),
        }
        Ok(profile)
    }

    /// The members of the document's root that a login is in. Others are the CLI's own, such as its logins to MCP
    /// servers.
    #[must_use]
    pub fn members(&self) -> Vec<&str> {
        let expiry = match &self.expiry {
            StoredExpiry::Document(path, _) => Some(path),
            StoredExpiry::Jwt => None,
        };
        let optional = [&self.scopes, &self.refreshed_at, &self.api_key, &self.kind_field];
        let optional =
            optional.into_iter().flatten().chain(expiry).chain(self.extra_tokens.iter().map(|(_, path)| path));
        let paths = [&self.access_token, &self.refresh_token].into_iter().chain(optional);
        paths.filter_map(|path| path.first().map(String::as_str)).collect()
    }

    fn of(provider: &'static Provider, row: &'static OauthRow) -> Self {
        let expiry = match row.expiry {
            ExpiryField::Jwt => StoredExpiry::Jwt,
            ExpiryField::Milliseconds(path) => StoredExpiry::Document(owned(path), 1.0),
            ExpiryField::Seconds(path) => StoredExpiry::Document(owned(path), 1000.0),
        };
        Self {
            provider,
            row,
            file: row.file.into(),
            token_url: row.token_url.into(),
            client_id: row.client_id.into(),
            body: row.body,
            scopes: optional(row.scopes),
            access_token: owned(row.access_token),
            refresh_token: owned(row.refresh_token),
            expiry,
            extra_tokens: row.extra_tokens.iter().map(|extra| (extra.answer.into(), owned(extra.path))).collect(),
            refreshed_at: optional(row.refreshed_at),
            api_key: optional(row.api_key),
            kind_field: optional(row.kind_field),
            stored: row.stored,
        }
    }
}

fn owned(path: &[&str]) -> Path {
    path.iter().map(|&name| name.to_owned()).collect()
}

fn optional(path: &[&str]) -> Option<Path> {
    (!path.is_empty()).then(|| owned(path))
}

fn dotted(option: &'static str, text: &str) -> Result<Path> {
    let names: Path = text.split('.').map(str::to_owned).collect();
    let word = |name: &String| {
        !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-')
    };
    if names.len() <= 8 && names.iter().all(word) {
        return Ok(names);
    }
    Err(invalid(option, "must be the names of members, separated by dots"))
}

fn plain(option: &'static str, text: String) -> Result<String> {
    let fits = !text.is_empty()
        && text.len() <= 256
        && text.bytes().all(|byte| byte.is_ascii_graphic() && !br#""\"#.contains(&byte));
    if fits { Ok(text) } else { Err(invalid(option, "must be 1 to 256 printable characters without quotation marks")) }
}

fn file_name(text: String) -> Result<String> {
    let fits =
        !text.is_empty() && text.len() <= 128 && !text.contains(['/', '\0']) && !matches!(text.as_str(), "." | "..");
    if fits { Ok(text) } else { Err(invalid("options.file", "must be the name of a file in options.dir")) }
}

/// HTTPS, or this very machine: a refresh token is worth more than a key.
fn checked_url(url: String) -> Result<String> {
    let problem = "must be an https URL, or an http URL with a loopback host, without a user name, query or fragment";
    crate::net::http::check_base_url(&url).map_err(|_| invalid("options.tokenUrl", problem))?;
    let host = url.strip_prefix("http://").map(|rest| {
        let authority = rest.split('/').next().unwrap_or_default();
        authority.rsplit_once(':').map_or(authority, |(host, _)| host)
    });
    match host {
        None | Some("127.0.0.1" | "localhost" | "[::1]") => Ok(url),
        Some(_) => Err(invalid("options.tokenUrl", problem)),
    }
}

fn invalid(option: &'static str, problem: &str) -> Error {
    Error::new(ErrorCode::InvalidArgValue, format!("{option} {problem}.")).name(option)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::provider::find;

    #[test]
    fn overrides_are_checked() {
        let with = |overrides| Profile::new(find("claude").expect("a row"), overrides);
        for url in ["http://token.example/", "ftp://x", "https://u@h/", "http://127.0.0.1.example/t", "https://h/?q"] {
            let overrides = Overrides { token_url: Some(url.into()), ..Overrides::default() };
            assert_eq!(with(overrides).expect_err(url).code(), ErrorCode::InvalidArgValue);
        }
        for url in ["https://h/t", "http://127.0.0.1:1/t", "http://localhost/t", "http://[::1]:5/"] {
            assert!(with(Overrides { token_url: Some(url.into()), ..Overrides::default() }).is_ok(), "{url}");
        }
        for file in ["", "a/b", "..", "."] {
            assert!(with(Overrides { file: Some(file.into()), ..Overrides::default() }).is_err(), "{file}");
        }
        let overrides = Overrides { access_token: Some("a.b\"c".into()), ..Overrides::default() };
        assert!(with(overrides).is_err());
    }
}
