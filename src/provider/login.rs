//! What a provider's stored login looks like, and how its tokens are refreshed.

/// A stored login. Paths are the names of members, from the document's root.
#[derive(Debug)]
pub struct OauthRow {
    /// The file, below the state directory.
    pub file: &'static str,
    /// Where tokens are refreshed (RFC 6749, section 6).
    pub token_url: &'static str,
    /// Who asks: a public client, which has no secret.
    pub client_id: &'static str,
    /// How the request is written.
    pub body: BodyFormat,
    /// A list of scopes that the request repeats; empty: none are sent.
    pub scopes: &'static [&'static str],
    pub access_token: &'static [&'static str],
    pub refresh_token: &'static [&'static str],
    /// When the access token expires.
    pub expiry: ExpiryField,
    /// Further tokens of the answer that are stored.
    pub extra_tokens: &'static [ExtraToken],
    /// Where the time of the last refresh is, in RFC 3339; empty: nowhere.
    pub refreshed_at: &'static [&'static str],
    /// An API key that may be there instead of tokens; empty: none may.
    pub api_key: &'static [&'static str],
    /// What kind of login it is, in the CLI's own words; empty: it does not say.
    pub kind_field: &'static [&'static str],
    /// Those of its words that mean an API key.
    pub api_key_kinds: &'static [&'static str],
    /// Those that mean tokens. All others are of no use outside of the CLI: agent identities, cloud logins.
    pub token_kinds: &'static [&'static str],
    /// The endpoint's errors after which only a person can help.
    pub login_again: &'static [&'static str],
    /// The CLI's own command that makes a new one.
    pub log_in: &'static str,
    /// How a launch gets the tokens.
    pub stored: Stored,
}

/// The encoding of a token request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "node", napi_derive::napi(string_enum = "lowercase"))]
pub enum BodyFormat {
    /// `application/json`, as both vendors' own clients do.
    Json,
    /// `application/x-www-form-urlencoded`, as RFC 6749 has it.
    Form,
}

/// Where the time is at which an access token expires.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExpiryField {
    /// In the document, in milliseconds since 1970.
    Milliseconds(&'static [&'static str]),
    /// In the document, in seconds since 1970.
    Seconds(&'static [&'static str]),
    /// In the access token itself, which is a JWT: its claim `exp` (RFC 7519).
    Jwt,
}

/// A further token of an answer.
#[derive(Debug)]
pub struct ExtraToken {
    pub answer: &'static str,
    pub path: &'static [&'static str],
}

/// How a launch gets the tokens of a stored login.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stored {
    /// The access token alone is passed, as the provider's `CredentialInput` for it says. The refresh token stays here.
    AccessTokenIsHandedOver,
    /// The CLI takes tokens from its own file only: its state directory must be the file's.
    CliReadsTheFile,
}
