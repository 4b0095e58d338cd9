//! The login that Claude Code stores, and how its tokens are refreshed.

use crate::provider::login::{BodyFormat, Expiry, OauthRow, Stored};

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
    expiry: Expiry::Milliseconds(&["claudeAiOauth", "expiresAt"]),
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
