//! What a caller asks for beside the payload.

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

/// Where the tenant lives. Each is a row of [`super::rules`].
#[derive(Debug, Default)]
pub struct Workspace {
    /// The name that people know it by.
    pub key: Option<String>,
    /// Its id.
    pub id: Option<String>,
    /// Its user's id.
    pub user_id: Option<String>,
    /// Its directory.
    pub dir: Option<String>,
    /// Its home.
    pub home: Option<String>,
    /// Its directory for temporary files.
    pub tmp_dir: Option<String>,
    /// The state directories by provider id.
    pub state_dirs: Vec<(String, String)>,
}

/// Everything beside the payload.
#[derive(Debug, Default)]
pub struct EnvRequest {
    /// The tenant's place.
    pub workspace: Workspace,
    /// Those of [`BASE_NAMES`], `HOME` and `TMPDIR` that this process has, with their values.
    pub base: Vec<(String, String)>,
    /// `inherit`: names with their values in this process, if any.
    pub inherit: Vec<(String, Option<String>)>,
    /// `set`.
    pub set: Vec<(String, String)>,
    /// `baseUrl`.
    pub base_url: Option<String>,
}
