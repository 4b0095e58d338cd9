//! The login that Codex stores, and how its tokens are refreshed.

use crate::provider::login::{BodyFormat, Expiry, ExtraToken, OauthRow, Stored};

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
    expiry: Expiry::Jwt,
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
