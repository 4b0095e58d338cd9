//! Anthropic's API: how to call it, what its keys look like, and the login that Claude Code stores.

use crate::provider::api::{Api, Authorization};
use crate::provider::credential::CredentialKind::{ApiKey, OauthToken};
use crate::provider::key_class::KeyUse::{Credential, NotForLaunch, Unknown};
use crate::provider::key_class::{KeyClass, VendorName};
use crate::provider::login::{BodyFormat, ExpiryField, OauthRow, Stored};

const VENDOR: VendorName = VendorName("Anthropic");

// platform.claude.com "List Models"; the OAuth header's beta is the CLI's own.
pub(super) static ANTHROPIC: Api = Api {
    vendor: VENDOR.0,
    base_url: "https://api.anthropic.com",
    models_path: "/v1/models?limit=1",
    requests: super::broker::REQUESTS,
    authorizations: &[
        Authorization { kind: ApiKey, header: "x-api-key", prefix: "", with: &[("anthropic-version", "2023-06-01")] },
        Authorization {
            kind: OauthToken,
            header: "authorization",
            prefix: "Bearer ",
            with: &[("anthropic-version", "2023-06-01"), ("anthropic-beta", "oauth-2025-04-20")],
        },
    ],
    list_headers: &["anthropic-beta"],
    key_classes: KEY_CLASSES,
};

/// Prefixes: platform.claude.com "API keys" and "Admin API keys"; `claude setup-token` and Claude Code 2.1.330's
/// `.credentials.json` (`oat`, `ort`); claude.ai's cookie `sessionKey` (`sid`). Length and alphabet: rules `anthropic-api-key` and
/// `anthropic-admin-api-key` of the secret scanner gitleaks, config/gitleaks.toml.
static KEY_CLASSES: &[KeyClass] = &[
    VENDOR.key_class("anthropic-api-key", "an Anthropic API key", "sk-ant-api03-", Credential(ApiKey), 108),
    VENDOR.key_class("anthropic-api-key", "an Anthropic API key", "sk-ant-api", Credential(ApiKey), 0),
    VENDOR.key_class(
        "anthropic-oauth-access-token",
        "a Claude OAuth access token",
        "sk-ant-oat",
        Credential(OauthToken),
        0,
    ),
    VENDOR.key_class("anthropic-oauth-refresh-token", "a Claude OAuth refresh token", "sk-ant-ort", NotForLaunch, 0),
    VENDOR.key_class("anthropic-admin-key", "an Anthropic admin key", "sk-ant-admin", NotForLaunch, 0),
    VENDOR.key_class("anthropic-session-cookie", "a session cookie of claude.ai", "sk-ant-sid", NotForLaunch, 0),
    KeyClass {
        is_plain: false,
        ..VENDOR.key_class("anthropic-key", "an Anthropic key of an unknown kind", "sk-ant-", Unknown, 0)
    },
];

// From the executable: its token endpoint, its client id, and the body of its own refresh. It keeps the refresh token
// where the answer has none, and it writes an empty one over a refresh token that was refused.
pub(super) const LOGIN: OauthRow = OauthRow {
    file: ".credentials.json",
    token_url: "https://platform.claude.com/v1/oauth/token",
    client_id: "9d1c250a-e61b-44d9-88ed-5944d1962f5e",
    body: BodyFormat::Json,
    scopes: &["claudeAiOauth", "scopes"],
    access_token: &["claudeAiOauth", "accessToken"],
    refresh_token: &["claudeAiOauth", "refreshToken"],
    expiry: ExpiryField::Milliseconds(&["claudeAiOauth", "expiresAt"]),
    extra_tokens: &[],
    refreshed_at: &[],
    api_key: &[],
    kind_field: &[],
    api_key_kinds: &[],
    token_kinds: &[],
    // RFC 6749, section 5.2.
    login_again: &["invalid_grant"],
    log_in: "claude /login",
    stored: Stored::AccessTokenIsHandedOver,
};
