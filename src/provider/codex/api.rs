//! OpenAI's API: how to call it, what its keys look like, and the login that Codex stores.

use crate::provider::api::{Api, Authorization};
use crate::provider::credential::CredentialKind::{ApiKey, OauthToken};
use crate::provider::key_class::KeyUse::{Credential, NotForLaunch};
use crate::provider::key_class::{KeyClass, VendorName};
use crate::provider::login::{BodyFormat, ExpiryField, ExtraToken, OauthRow, Stored};

const VENDOR: VendorName = VendorName("OpenAI");

// platform.openai.com "List models".
pub(super) static OPENAI: Api = Api {
    vendor: VENDOR.0,
    base_url: "https://api.openai.com/v1",
    models_path: "/models",
    requests: super::broker::REQUESTS,
    authorizations: &[Authorization { kind: ApiKey, header: "authorization", prefix: "Bearer ", with: &[] }],
    list_headers: &[],
    key_classes: KEY_CLASSES,
};

/// Bare `sk-` is left out on purpose: OpenAI's legacy keys have it, and so have the keys of Anthropic-compatible gateways, so it
/// proves nothing. Prefixes: platform.openai.com "Projects" and "Admin API keys"; `sk-None-` and the lengths from keys that were
/// published by mistake. Alphabets and `T3BlbkFJ` (base64 of "OpenAI"): rule `openai-api-key` of the secret scanner gitleaks,
/// config/gitleaks.toml, of which the shortest form is taken: 20 characters on either side.
static KEY_CLASSES: &[KeyClass] = &[
    VENDOR.key_class("openai-project-key", "an OpenAI project key", "sk-proj-", Credential(ApiKey), 56),
    VENDOR.key_class(
        "openai-service-account-key",
        "an OpenAI service-account key",
        "sk-svcacct-",
        Credential(ApiKey),
        59,
    ),
    VENDOR.key_class("openai-user-key", "an OpenAI user key", "sk-None-", Credential(ApiKey), 56),
    VENDOR.key_class("openai-admin-key", "an OpenAI admin key", "sk-admin-", NotForLaunch, 0),
    // Gateways that imitate OpenAI issue keys of this form too.
    KeyClass {
        marker: Some("T3BlbkFJ"),
        is_certain: false,
        is_plain: false,
        ..VENDOR.key_class("openai-legacy-key", "a legacy OpenAI key", "sk-", Credential(ApiKey), 51)
    },
    // A JSON Web Token: two objects in base64url. A gateway may take one as a key.
    KeyClass {
        marker: Some(".eyJ"),
        is_certain: false,
        is_plain: false,
        ..VENDOR.key_class(
            "chatgpt-access-token",
            "a JSON Web Token, like those that ChatGPT's login issues",
            "eyJ",
            Credential(OauthToken),
            0,
        )
    },
];

// Measured with CODEX_REFRESH_TOKEN_URL_OVERRIDE on a mock: the CLI POSTs exactly these three fields as JSON, before
// its first request when the access token (a JWT) has expired, and after a 401. The default URL and client id are
// from the executable.
pub(super) const LOGIN: OauthRow = OauthRow {
    file: "auth.json",
    token_url: "https://auth.openai.com/oauth/token",
    client_id: "app_EMoamEEZ73f0CkXaXp7hrann",
    body: BodyFormat::Json,
    scopes: &[],
    access_token: &["tokens", "access_token"],
    refresh_token: &["tokens", "refresh_token"],
    expiry: ExpiryField::Jwt,
    extra_tokens: &[ExtraToken { answer: "id_token", path: &["tokens", "id_token"] }],
    refreshed_at: &["last_refresh"],
    api_key: &["OPENAI_API_KEY"],
    kind_field: &["auth_mode"],
    api_key_kinds: &["apikey"],
    token_kinds: &["chatgpt", "chatgptAuthTokens"],
    // RFC 6749, section 5.2; the codes that Codex 0.163.0 knows.
    login_again: &[
        "invalid_grant",
        "refresh_token_expired",
        "refresh_token_reused",
        "refresh_token_invalidated",
        "token_invalidated",
        "app_session_terminated",
    ],
    log_in: "codex login",
    stored: Stored::CliReadsTheFile,
};
