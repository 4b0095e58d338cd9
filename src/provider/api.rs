//! The vendors behind a CLI: how to call their HTTP APIs, what their keys look like, and how the CLI gets both.

use super::broker::{AllowedRequest, BrokerClient};
use super::credential::{CredentialInput, CredentialKind};
use super::key_class::KeyClass;

/// A vendor whose API a CLI speaks to, and how the CLI receives a credential for it and the address of another endpoint.
#[derive(Debug)]
pub struct Vendor {
    pub api: &'static Api,
    /// The ways the CLI takes a credential for it, in the order of precedence within one source.
    pub inputs: &'static [CredentialInput],
    /// How the CLI learns of another endpoint.
    pub base_url: BaseUrl,
    /// How the CLI speaks to the broker instead.
    pub broker: BrokerClient,
}

/// How a CLI learns of another endpoint.
#[derive(Debug)]
pub enum BaseUrl {
    Variable(&'static str),
    /// By an override among those of the row's arguments.
    Override,
}

/// A vendor's API, as far as this package asks it.
#[derive(Debug)]
pub struct Api {
    /// The vendor's name, for people and for the classes of its keys.
    pub vendor: &'static str,
    /// The vendor's own base URL, as `options.baseUrl` would give another one.
    pub base_url: &'static str,
    /// Below the base URL: lists models, for nothing, with any key.
    pub models_path: &'static str,
    /// The requests that inference needs: the broker forwards these alone.
    pub requests: &'static [AllowedRequest],
    /// How a credential of each kind is sent.
    pub authorizations: &'static [Authorization],
    /// The headers among those that go with a credential whose values are lists.
    pub list_headers: &'static [&'static str],
    /// What the vendor's keys look like.
    pub key_classes: &'static [KeyClass],
}

/// How a credential of one kind is sent.
#[derive(Debug)]
pub struct Authorization {
    pub kind: CredentialKind,
    /// The header that carries it, in lower case.
    pub header: &'static str,
    /// What is in it before the credential.
    pub prefix: &'static str,
    /// Further headers that the API requires in addition to this one.
    pub with: &'static [(&'static str, &'static str)],
}

/// What an API's own error says of a refusal beside its status, and what that means.
#[derive(Debug)]
pub struct RefusalReason {
    /// What `error.type` or `error.code` is, exactly, at any status that refuses.
    pub codes: &'static [&'static str],
    /// What `error.message` of a 403 has in it, in lower case. Of a 403 alone: a 429 names the organization whose limit
    /// it is, and links to the billing page, when only the rate is too high.
    pub phrases: &'static [&'static str],
    pub reason: &'static str,
    /// For whoever reads the settings page.
    pub message: &'static str,
}

/// Sources: platform.openai.com "Error codes"; platform.claude.com "Errors". The first that is found counts.
pub static REFUSAL_REASONS: &[RefusalReason] = &[
    RefusalReason {
        codes: &["insufficient_permissions", "missing_scope"],
        phrases: &["missing scope", "insufficient permissions"],
        reason: "missing-scope",
        message: "The key is valid, but its permissions do not allow this request. Grant it the permission to read models, or let the first run test the key.",
    },
    RefusalReason {
        codes: &["unsupported_country_region_territory"],
        phrases: &["not supported in your", "country, region, or territory"],
        reason: "region",
        message: "The vendor does not serve the region of this server. Use a server in another region, or another endpoint.",
    },
    RefusalReason {
        codes: &["ip_not_authorized"],
        phrases: &["ip address", "ip not authorized"],
        reason: "ip-address",
        message: "The key may not be used from this server's address. Add the address to the key's allow-list.",
    },
    RefusalReason {
        codes: &["insufficient_quota", "billing_not_active", "billing_hard_limit_reached", "billing_error"],
        phrases: &["credit balance", "billing"],
        reason: "quota",
        message: "The account has no credit left, or its billing is not active. Check the vendor's billing page.",
    },
    RefusalReason {
        codes: &["account_deactivated", "organization_deactivated"],
        phrases: &["deactivated", "disabled"],
        reason: "account",
        message: "The account is deactivated. Contact the vendor.",
    },
    RefusalReason {
        codes: &["invalid_organization", "mismatched_organization", "no_organization"],
        phrases: &["organization"],
        reason: "organization",
        message: "The key's organization does not allow the request. Ask an administrator of the organization.",
    },
];

impl Api {
    /// How a credential of this kind is sent.
    #[must_use]
    pub fn authorization(&self, kind: CredentialKind) -> Option<&'static Authorization> {
        self.authorizations.iter().find(|row| row.kind == kind)
    }
}
