//! What a caller asks for beside the payload.

use crate::credential::CredentialOwner;

/// The names that are copied from this process's environment when it has them. `LC_*` is spelled out (`locale(7)`):
/// listing the whole environment would cost more than all the rest.
pub static BASE_NAMES: &[&str] = &[
    "PATH",
    "LANG",
    "LANGUAGE",
    "LC_ALL",
    "LC_ADDRESS",
    "LC_COLLATE",
    "LC_CTYPE",
    "LC_IDENTIFICATION",
    "LC_MEASUREMENT",
    "LC_MESSAGES",
    "LC_MONETARY",
    "LC_NAME",
    "LC_NUMERIC",
    "LC_PAPER",
    "LC_TELEPHONE",
    "LC_TIME",
    "TERM",
    "TZ",
    "NODE_ENV",
];

/// Where the tenant lives. Each is a row of the table in `rules.rs`.
#[derive(Debug, Default)]
pub struct Workspace<'a> {
    /// The name that people know it by.
    pub key: Option<&'a str>,
    /// Its id.
    pub id: Option<&'a str>,
    /// Its user's id.
    pub user_id: Option<&'a str>,
    /// Its directory.
    pub dir: Option<&'a str>,
    /// Its home.
    pub home: Option<&'a str>,
    /// Its directory for temporary files.
    pub tmp_dir: Option<&'a str>,
    /// The state directories by provider id.
    pub state_dirs: Vec<(&'a str, &'a str)>,
}

/// Everything beside the payload. It borrows: the plan copies each value once, to where it stays.
#[derive(Debug, Default)]
pub struct EnvRequest<'a> {
    /// The tenant's place.
    pub workspace: Workspace<'a>,
    /// Those of [`BASE_NAMES`], `HOME` and `TMPDIR` that this process has, with their values.
    pub base: Vec<(&'a str, &'a str)>,
    /// `inherit`: names with their values in this process, if any.
    pub inherit: Vec<(&'a str, Option<&'a str>)>,
    /// `set`.
    pub set: Vec<(&'a str, &'a str)>,
    /// `baseUrl`.
    pub base_url: Option<&'a str>,
    /// `requestId`: what sealed secrets of this request are bound to.
    pub request_id: Option<&'a str>,
    /// `credentialOwner`: whose the payload's credential, or the store's, is.
    pub credential_owner: CredentialOwner,
    /// `requireCredential`: whether the payload must have one.
    pub require_credential: bool,
    /// `caFile`: further roots of trust of the CLI's.
    pub ca_file: Option<&'a str>,
    /// The members that lead to the payload in a message of JSON.
    pub payload_path: Vec<&'a str>,
}
