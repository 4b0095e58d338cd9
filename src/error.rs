//! What this package refuses or fails at: one error type, one list of codes, from which `ProviderErrorCode` is made.
//!
//! A message says what is wrong and what to do. It carries names, paths and numbers, never a value, an argument or a
//! parser's text, because each of those can hold a secret.

use crate::words::words;

pub type Result<T> = std::result::Result<T, Error>;

words! {
/// The stable codes of [`Error`]; `docs/errors.md` has a row for each.
pub enum ErrorCode {
    /// The payload is not JSON, or a field has the wrong type or an impossible value.
    PayloadInvalid = "ERR_PROVIDER_PAYLOAD_INVALID",
    /// The payload's JSON is larger than the worker's line limit.
    PayloadTooLarge = "ERR_PROVIDER_PAYLOAD_TOO_LARGE",
    /// No provider has that name.
    Unknown = "ERR_PROVIDER_UNKNOWN",
    /// None of the sources that the caller allowed has a credential.
    CredentialMissing = "ERR_PROVIDER_CREDENTIAL_MISSING",
    /// No vendor can have issued a key of this shape.
    KeyMalformed = "ERR_PROVIDER_KEY_MALFORMED",
    /// The key belongs to another provider, or is not of the kind that its field requires.
    KeyWrongProvider = "ERR_PROVIDER_KEY_WRONG_PROVIDER",
    /// The credential was revoked in this process.
    CredentialRevoked = "ERR_PROVIDER_CREDENTIAL_REVOKED",
    /// The variable must not be set, copied or read by a caller.
    EnvForbidden = "ERR_PROVIDER_ENV_FORBIDDEN",
    /// The environment or an argument is too large for the kernel.
    EnvTooLarge = "ERR_PROVIDER_ENV_TOO_LARGE",
    /// The CLI was not found.
    ProgramNotFound = "ERR_PROVIDER_PROGRAM_NOT_FOUND",
    /// The CLI exists, but the target user cannot run it.
    ProgramUnreachable = "ERR_PROVIDER_PROGRAM_UNREACHABLE",
    /// The version of the CLI lacks a protection.
    ProgramOutdated = "ERR_PROVIDER_PROGRAM_OUTDATED",
    /// A directory that the CLI needs is missing or not writable by the target ids.
    StateDirUnusable = "ERR_PROVIDER_STATE_DIR_UNUSABLE",
    /// The file of additional trusted roots is missing or invalid, or others can change it.
    CaFileUnusable = "ERR_PROVIDER_CA_FILE_UNUSABLE",
    /// This package does not start a CLI with these ids.
    PrivilegeRefused = "ERR_PROVIDER_PRIVILEGE_REFUSED",
    /// The kernel did not let the child become the target, or did not keep it there.
    PrivilegeFailed = "ERR_PROVIDER_PRIVILEGE_FAILED",
    /// The process could not be started.
    SpawnFailed = "ERR_PROVIDER_SPAWN_FAILED",
    /// This provider, system or runtime does not support what was requested.
    Unsupported = "ERR_PROVIDER_UNSUPPORTED",
    /// The caller's `AbortSignal` fired.
    Aborted = "ERR_PROVIDER_ABORTED",
    /// The CLI claims another credential than it was given. Only the facade raises it.
    CredentialMismatch = "ERR_PROVIDER_CREDENTIAL_MISMATCH",
    /// The process ran for longer than `timeoutMs`. Only the facade raises it.
    Timeout = "ERR_PROVIDER_TIMEOUT",
    /// A lockbox row or a sealed secret does not open here.
    UnsealFailed = "ERR_PROVIDER_UNSEAL_FAILED",
    /// There is no valid master key in the place that the caller named.
    LockboxKeyInvalid = "ERR_PROVIDER_LOCKBOX_KEY_INVALID",
    /// The store has a newer credential than the launch's.
    CredentialSuperseded = "ERR_PROVIDER_CREDENTIAL_SUPERSEDED",
    /// The stored access token has expired and was not refreshed.
    CredentialExpired = "ERR_PROVIDER_CREDENTIAL_EXPIRED",
    /// The file of a stored login cannot be read, locked or replaced.
    CredentialFileUnusable = "ERR_PROVIDER_CREDENTIAL_FILE_UNUSABLE",
    /// Only a person can fix the stored login, by logging in again.
    LoginRequired = "ERR_PROVIDER_LOGIN_REQUIRED",
    /// The tokens of a stored login could not be refreshed now.
    RefreshFailed = "ERR_PROVIDER_REFRESH_FAILED",
    /// Too many jobs of this kind are waiting, or the system cannot create a thread for it.
    Busy = "ERR_PROVIDER_BUSY",
    /// The kernel refused a protection of memory, and the caller passed `requireLocked`.
    MemoryUnprotected = "ERR_PROVIDER_MEMORY_UNPROTECTED",
    /// The object was used after `dispose()`.
    Disposed = "ERR_PROVIDER_DISPOSED",
    /// This package has a defect.
    Internal = "ERR_PROVIDER_INTERNAL",
    /// A JavaScript value is invalid. The code is Node's own.
    InvalidArgValue = "ERR_INVALID_ARG_VALUE",
}
}

/// An error with its code and the fields that Node's system errors have.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{}", .0.message)]
pub struct Error(Box<ErrorDetails>);

/// The parts of an [`Error`], as they cross to JavaScript. A part that is not known is null, and never absent: it would be
/// read from `Object.prototype`.
#[derive(Clone, Debug)]
#[cfg_attr(feature = "node", napi_derive::napi(object, object_from_js = false, use_nullable = true))]
pub struct ErrorDetails {
    pub code: ErrorCode,
    /// What is wrong, then what to do, in at most 4,096 bytes.
    pub message: String,
    /// Positive, as the kernel returns it; negative in Node's errors.
    pub errno: Option<i32>,
    pub syscall: Option<&'static str>,
    pub path: Option<String>,
    /// The step of a start that failed, by its name in `docs/errors.md`.
    pub step: Option<&'static str>,
    /// The id of the provider whose CLI or credential it is about.
    pub provider: Option<&'static str>,
    /// The variables, options or payload fields that it is about: at most 64.
    pub names: Vec<String>,
}

/// How much an error repeats of what a caller or a tenant chose: it goes into a log.
#[derive(Clone, Copy, Debug)]
#[cfg_attr(feature = "node", napi_derive::napi(object, object_from_js = false))]
pub struct ErrorLimits {
    /// In bytes of UTF-8, as all but the last.
    pub message: u32,
    pub path: u32,
    pub name: u32,
    /// A count: further names are left out.
    pub names: u32,
}

/// The kernel takes no path longer than this one.
pub const LIMITS: ErrorLimits = ErrorLimits { message: 4096, path: 4096, name: 256, names: 64 };

/// Cuts the middle out of a text of more than `most` bytes: the end is kept, because the advice is there.
fn bounded(text: String, most: u32) -> String {
    let most = most as usize;
    if text.len() <= most {
        return text;
    }
    let room = most - " … ".len();
    // `floor_char_boundary` is newer than this crate's Rust.
    let boundary = |mut at: usize, step: fn(usize) -> usize| {
        while !text.is_char_boundary(at) {
            at = step(at);
        }
        at
    };
    let start = boundary(room / 4 * 3, |at| at - 1);
    let end = boundary(text.len() - room / 4, |at| at + 1);
    format!("{} … {}", &text[..start], &text[end..])
}

/// A name that the worker's own code chose, as a message quotes it.
#[must_use]
pub fn bounded_name(name: &str) -> String {
    bounded(name.to_owned(), LIMITS.name)
}

/// The name of a variable from a file that a tenant can write, where it may be anything: shown only if it is an ordinary one.
#[must_use]
pub fn ordinary_name(name: &str) -> &str {
    let is_ordinary = name.len() <= 64 && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    if is_ordinary { name } else { "…" }
}

impl Error {
    /// Makes an error with only a code and a message, which is cut to 4,096 bytes.
    #[cold]
    pub fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        Self(Box::new(ErrorDetails {
            code,
            message: bounded(message.into(), LIMITS.message),
            errno: None,
            syscall: None,
            path: None,
            step: None,
            provider: None,
            names: Vec::new(),
        }))
    }

    #[must_use]
    pub fn provider(mut self, id: &'static str) -> Self {
        self.0.provider = Some(id);
        self
    }

    /// Adds the name of a variable, an option or a payload field; beyond 64 they are left out.
    #[must_use]
    pub fn name(mut self, name: impl Into<String>) -> Self {
        if self.0.names.len() < LIMITS.names as usize {
            self.0.names.push(bounded(name.into(), LIMITS.name));
        }
        self
    }

    #[must_use]
    pub fn path(mut self, path: impl Into<String>) -> Self {
        self.0.path = Some(bounded(path.into(), LIMITS.path));
        self
    }

    /// Appends a sentence to the message.
    #[must_use]
    pub fn and_also(mut self, sentence: &str) -> Self {
        self.0.message = bounded(format!("{} {sentence}", self.0.message), LIMITS.message);
        self
    }

    /// Adds the kernel's error number, positive, and the system call that gave it.
    #[must_use]
    pub fn errno(mut self, errno: i32, syscall: &'static str) -> Self {
        self.0.errno = Some(errno);
        self.0.syscall = Some(syscall);
        self
    }

    #[must_use]
    pub fn step(mut self, step: &'static str) -> Self {
        self.0.step = Some(step);
        self
    }

    #[must_use]
    pub fn code(&self) -> ErrorCode {
        self.0.code
    }

    #[must_use]
    pub fn details(&self) -> &ErrorDetails {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_an_error_repeats_is_bounded() {
        let long = "ä".repeat(300_000);
        let mut error = Error::new(ErrorCode::Internal, format!("{long} is wrong. Leave it out.")).path(&*long);
        for _ in 0..1000 {
            error = error.name(&*long);
        }
        let error = error.and_also(&long);
        let details = error.details();
        assert!(
            details.message.len() <= LIMITS.message as usize && details.message.starts_with("ää"),
            "{}",
            details.message
        );
        assert!(details.path.as_ref().is_some_and(|path| path.len() <= LIMITS.path as usize));
        assert_eq!(details.names.len(), LIMITS.names as usize);
        assert!(details.names.iter().all(|name| name.len() <= LIMITS.name as usize));
        let error = Error::new(ErrorCode::Internal, format!("{long} is wrong. Leave it out."));
        assert!(error.to_string().ends_with(" is wrong. Leave it out."), "the advice stays");
        assert_eq!(Error::new(ErrorCode::Internal, "short").to_string(), "short");
    }

    #[test]
    fn codes_are_unique_and_prefixed() {
        let mut seen = std::collections::HashSet::new();
        for code in ErrorCode::ALL {
            assert!(seen.insert(code.as_str()), "{code:?} twice");
            assert!(code.as_str().starts_with("ERR_"), "{code:?}");
        }
    }
}
