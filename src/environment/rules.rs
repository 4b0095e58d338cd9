//! The options beside the payload and their rules, as tables: which workspace option sets which variable, and which
//! values are allowed.

use crate::credential::CredentialOwner;
use crate::error::{Error, ErrorCode, Result, bounded_name};
use crate::provider::PROVIDERS;

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

/// Where the tenant lives. Each but the state directories is a row of `WORKSPACE_RULES`.
#[derive(Debug, Default)]
pub struct Workspace<'a> {
    pub key: Option<&'a str>,
    pub id: Option<&'a str>,
    pub user_id: Option<&'a str>,
    pub dir: Option<&'a str>,
    pub home: Option<&'a str>,
    pub tmp_dir: Option<&'a str>,
    /// The state directories by provider id.
    pub state_dirs: Vec<(&'a str, &'a str)>,
}

/// Everything beside the payload. It borrows: the plan copies each value once, to where it stays.
#[derive(Debug, Default)]
pub struct EnvRequest<'a> {
    pub workspace: Workspace<'a>,
    /// Those of [`BASE_NAMES`], `HOME` and `TMPDIR` that this process has, with their values.
    pub base: Vec<(&'a str, &'a str)>,
    /// `inherit`: names with their values in this process, if any.
    pub inherit: Vec<(&'a str, Option<&'a str>)>,
    pub set: Vec<(&'a str, &'a str)>,
    pub base_url: Option<&'a str>,
    /// `requestId`: what sealed secrets of this request are bound to.
    pub request_id: Option<&'a str>,
    /// `credentialOwner`: whose the payload's credential, or the store's, is.
    pub credential_owner: CredentialOwner,
    /// `requireCredential`: whether the payload must have one.
    pub require_credential: bool,
    /// `requireLocked`: whether a refused protection of memory is fatal.
    pub require_protection: bool,
    /// `caFile`: further roots of trust of the CLI's.
    pub ca_file: Option<&'a str>,
    /// The members that lead to the payload in a message of JSON.
    pub payload_path: Vec<&'a str>,
}

/// The session cookie's variable; always there.
pub const SESSION_COOKIE: &str = "ALIVE_SESSION_COOKIE";

/// What every tenant's own variable begins with.
pub const USER_PREFIX: &str = "USER_";

/// The `PATH` of a command, and of a CLI if this process has none: what `login.defs` gives root, so that system-wide
/// installs are found.
pub const DEFAULT_PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// A workspace option and the variables that it sets.
pub struct WorkspaceRule {
    /// As the caller spells it.
    pub option: &'static str,
    pub variables: &'static [&'static str],
    /// Whether it is a path, which must be absolute.
    pub is_path: bool,
    pub value: for<'a> fn(&Workspace<'a>) -> Option<&'a str>,
}

/// The variable of the workspace's id.
pub const WORKSPACE_ID: &str = "ALIVE_WORKSPACE_ID";

/// Every workspace option but the state directories, which the provider's row names.
pub static WORKSPACE_RULES: &[WorkspaceRule] = &[
    text("workspace.key", &["ALIVE_WORKSPACE_KEY"], |workspace| workspace.key),
    text("workspace.id", &[WORKSPACE_ID], |workspace| workspace.id),
    text("workspace.userId", &["ALIVE_USER_ID"], |workspace| workspace.user_id),
    path("workspace.dir", &["ALIVE_WORKSPACE_PATH"], |workspace| workspace.dir),
    path("workspace.home", &["HOME"], |workspace| workspace.home),
    path("workspace.tmpDir", &["TMPDIR", "TMP", "TEMP"], |workspace| workspace.tmp_dir),
];

const fn text(
    option: &'static str,
    variables: &'static [&'static str],
    value: for<'a> fn(&Workspace<'a>) -> Option<&'a str>,
) -> WorkspaceRule {
    WorkspaceRule { option, variables, is_path: false, value }
}

const fn path(
    option: &'static str,
    variables: &'static [&'static str],
    value: for<'a> fn(&Workspace<'a>) -> Option<&'a str>,
) -> WorkspaceRule {
    WorkspaceRule { option, variables, is_path: true, value }
}

/// Fills `HOME` and the temporary directory from this process where the workspace has none.
pub fn apply_defaults(request: &mut EnvRequest<'_>) {
    let own = |name: &str| request.base.iter().find(|(known, _)| *known == name).map(|(_, value)| *value);
    let (home, tmp_dir) = (own("HOME"), own("TMPDIR"));
    request.base.retain(|(name, _)| BASE_NAMES.contains(name));
    if own_is_missing(request, "PATH") {
        request.base.push(("PATH", DEFAULT_PATH));
    }
    let workspace = &mut request.workspace;
    workspace.home = workspace.home.or(home);
    workspace.tmp_dir = workspace.tmp_dir.or(tmp_dir);
}

fn own_is_missing(request: &EnvRequest<'_>, name: &str) -> bool {
    !request.base.iter().any(|(known, _)| *known == name)
}

/// Refuses a path that would mean another place for the child.
///
/// # Errors
/// `ERR_INVALID_ARG_VALUE` unless it is absolute and has no NUL.
pub fn check_path(option: &str, value: &str) -> Result<()> {
    check_no_nul(option, value)?;
    if value.starts_with('/') {
        return Ok(());
    }
    let message = format!("options.{option} must be an absolute path.");
    Err(Error::new(ErrorCode::InvalidArgValue, message).name(option))
}

/// A value that ends up in a C string.
///
/// # Errors
/// `ERR_INVALID_ARG_VALUE` for a NUL.
pub fn check_no_nul(option: &str, value: &str) -> Result<()> {
    if !value.contains('\0') {
        return Ok(());
    }
    let message = format!(
        "options.{option} contains a NUL byte, which an environment or argument cannot hold. Pass \
        text without it."
    );
    Err(Error::new(ErrorCode::InvalidArgValue, message).name(option))
}

/// A name from `inherit` or `set`.
///
/// # Errors
/// `ENV_FORBIDDEN` for one that is no name, is forbidden, or belongs to this crate.
pub fn check_extra_name(option: &str, name: &str) -> Result<()> {
    let refuse = |why: String| {
        let message = format!("options.{option} names {:?}, which {why}. Omit it{}", bounded_name(name), hint(name));
        Err(Error::new(ErrorCode::EnvForbidden, message).name(name))
    };
    if name.is_empty() || name.contains(['=', '\0']) {
        return refuse("is not a valid name of a variable".into());
    }
    if let Some(reason) = super::forbidden::reason(name) {
        return refuse(reason.describe().into());
    }
    if name.starts_with(USER_PREFIX) {
        return refuse("can only come from payload.userEnvKeys".into());
    }
    if is_ours(name) {
        return refuse("is set by this package's own options".into());
    }
    Ok(())
}

/// Where what was meant belongs, as the end of a sentence.
fn hint(name: &str) -> &'static str {
    match super::forbidden::reason(name) {
        Some(super::forbidden::Reason::Credential) => {
            ", or pass a secret of the tenant in payload.userEnvKeys, which sets it as USER_<NAME>."
        }
        Some(super::forbidden::Reason::Redirect) if names_authority(name) => {
            ", or pass the certificate authority in options.caFile."
        }
        Some(super::forbidden::Reason::Redirect) => ", or pass an endpoint in options.baseUrl.",
        _ => ".",
    }
}

/// Whether some CLI reads from it whom TLS trusts.
fn names_authority(name: &str) -> bool {
    let mut rows = PROVIDERS.iter().map(|provider| &provider.authority);
    rows.any(|row| name.eq_ignore_ascii_case(row.variable) || row.also.contains(&&*name.to_ascii_uppercase()))
}

/// Whether a name belongs to an option, given or not: a state directory by another door would not be checked.
fn is_ours(name: &str) -> bool {
    let workspace = WORKSPACE_RULES.iter().flat_map(|rule| rule.variables);
    let state = PROVIDERS.iter().map(|provider| &provider.state_directory.variable);
    name == SESSION_COOKIE || workspace.chain(state).any(|known| *known == name)
}

/// The absolute entries of a `PATH`: a relative or empty one means the working directory, which is the workspace, and
/// what a script's `env` finds there would run with the key.
#[must_use]
pub fn absolute_path_entries(path: &str) -> String {
    path.split(':').filter(|entry| entry.starts_with('/')).collect::<Vec<_>>().join(":")
}

/// The `PATH` that a child gets for this one.
pub fn child_path(path: &str) -> String {
    let entries = absolute_path_entries(path);
    if entries.is_empty() { DEFAULT_PATH.into() } else { entries }
}

/// A value from this process, `inherit` or `set`.
///
/// # Errors
/// `ENV_FORBIDDEN` for a NUL.
pub fn check_extra_value(option: &str, name: &str, value: &str) -> Result<()> {
    if !value.contains('\0') {
        return Ok(());
    }
    let message = format!(
        "The value of {} in options.{option} contains a NUL byte, which an environment cannot hold. Pass text without it.",
        bounded_name(name)
    );
    Err(Error::new(ErrorCode::EnvForbidden, message).name(name))
}
