//! What a CLI's own login looks like on disk.

/// A stored login. Paths are the names of members, from the document's root.
#[derive(Debug)]
pub struct StoredLogin {
    /// The file, below the state directory.
    pub file: &'static str,
    /// The access token.
    pub access_token: &'static [&'static str],
    /// The refresh token.
    pub refresh_token: &'static [&'static str],
    /// When the access token expires.
    pub expiry: Expiry,
    /// An API key that may stand there instead of tokens; empty: none may.
    pub api_key: &'static [&'static str],
    /// The command that makes a new one.
    pub log_in: &'static str,
}

/// Where the time stands at which an access token expires.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expiry {
    /// In the document, in milliseconds since 1970.
    Milliseconds(&'static [&'static str]),
    /// In the access token itself, which is a JWT: its claim `exp` (RFC 7519).
    Jwt,
}
