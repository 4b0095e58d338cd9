//! How a provider's HTTP API is asked: where it is, and the headers that carry a credential.

use super::CredentialKind;

/// A vendor's API, as far as this package asks it.
#[derive(Debug)]
pub struct Api {
    /// Whose it is.
    pub vendor: &'static str,
    /// The vendor's own base URL, as `options.baseUrl` would give another one.
    pub base_url: &'static str,
    /// Below the base URL: lists models, for nothing, with any key.
    pub models_path: &'static str,
    /// How a credential of each kind is sent.
    pub authorizations: &'static [Authorization],
}

/// How a credential of one kind is sent.
#[derive(Debug)]
pub struct Authorization {
    /// What it is.
    pub kind: CredentialKind,
    /// The header.
    pub header: &'static str,
    /// What stands in it before the credential.
    pub prefix: &'static str,
    /// The headers beside it.
    pub with: &'static [(&'static str, &'static str)],
}

/// What a refusal says beside its status: a word in the body of a 403 or 429 and what it means.
#[derive(Debug)]
pub struct RefusalReason {
    /// Looked for in the body's `error.type`, `error.code` and `error.message`, in lower case.
    pub word: &'static str,
    /// As results spell it.
    pub reason: &'static str,
    /// For whoever reads the settings page.
    pub message: &'static str,
}

/// Sources: platform.openai.com "Error codes"; platform.claude.com "Errors". The first that is found counts.
pub static REFUSAL_REASONS: &[RefusalReason] = &[
    reason(
        "missing scope",
        "missing-scope",
        "The key is genuine, but its permissions do not allow this request. Give it the permission to read models, or rely on the first run.",
    ),
    reason(
        "insufficient permissions",
        "missing-scope",
        "The key is genuine, but its permissions do not allow this request. Give it the permission to read models, or rely on the first run.",
    ),
    reason(
        "unsupported_country",
        "region",
        "The vendor does not serve the region that this server is in. Use a server elsewhere, or another endpoint.",
    ),
    reason(
        "not supported in your",
        "region",
        "The vendor does not serve the region that this server is in. Use a server elsewhere, or another endpoint.",
    ),
    reason(
        "ip_not_authorized",
        "ip-address",
        "The key may not be used from this server's address. Add the address to the key's allow-list.",
    ),
    reason(
        "ip address",
        "ip-address",
        "The key may not be used from this server's address. Add the address to the key's allow-list.",
    ),
    reason(
        "insufficient_quota",
        "quota",
        "The account has no credit left. Add credit or raise the limit with the vendor.",
    ),
    reason("billing", "quota", "The account has a billing problem. Look at the vendor's billing page."),
    reason("credit balance", "quota", "The account has no credit left. Add credit or raise the limit with the vendor."),
    reason("deactivated", "account", "The account is deactivated. Ask the vendor."),
    reason(
        "organization",
        "organization",
        "The key's organization does not allow it. Ask whoever administers the organization.",
    ),
];

const fn reason(word: &'static str, reason: &'static str, message: &'static str) -> RefusalReason {
    RefusalReason { word, reason, message }
}

impl Api {
    /// How a credential of this kind is sent.
    #[must_use]
    pub fn authorization(&self, kind: CredentialKind) -> Option<&'static Authorization> {
        self.authorizations.iter().find(|row| row.kind == kind)
    }
}
