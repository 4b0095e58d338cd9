//! OpenAI's API: how it is asked, and what its keys look like.

use crate::provider::api::{Api, Authorization};
use crate::provider::credential::CredentialKind::{ApiKey, OauthToken};
use crate::provider::key_class::KeyClass;
use crate::provider::key_class::KeyUse::{self, Credential, NotForLaunch};

const VENDOR: &str = "OpenAI";

// platform.openai.com "List models".
pub(super) static OPENAI: Api = Api {
    vendor: VENDOR,
    base_url: "https://api.openai.com/v1",
    models_path: "/models",
    authorizations: &[Authorization { kind: ApiKey, header: "authorization", prefix: "Bearer ", with: &[] }],
    key_classes: KEY_CLASSES,
};

/// Bare `sk-` is left out on purpose: OpenAI's legacy keys have it, and so have the keys of Anthropic-compatible gateways, so it
/// tells nothing. Prefixes: platform.openai.com "Projects" and "Admin API keys"; `sk-None-` and the lengths from keys that were
/// published by mistake. Alphabets and `T3BlbkFJ` (base64 of "OpenAI"): rule `openai-api-key` of the secret scanner gitleaks,
/// config/gitleaks.toml, of which the shortest form is taken: 20 characters on either side.
static KEY_CLASSES: &[KeyClass] = &[
    class("openai-project-key", "an OpenAI project key", "sk-proj-", Credential(ApiKey), 56),
    class("openai-service-account-key", "an OpenAI service-account key", "sk-svcacct-", Credential(ApiKey), 59),
    class("openai-user-key", "an OpenAI user key", "sk-None-", Credential(ApiKey), 56),
    class("openai-admin-key", "an OpenAI admin key", "sk-admin-", NotForLaunch, 0),
    // Gateways that imitate OpenAI issue keys of this form too.
    KeyClass {
        marker: Some("T3BlbkFJ"),
        is_certain: false,
        is_plain: false,
        ..class("openai-legacy-key", "a legacy OpenAI key", "sk-", Credential(ApiKey), 51)
    },
    // A JSON Web Token: two objects in base64url. A gateway may take one as a key.
    KeyClass {
        marker: Some(".eyJ"),
        is_certain: false,
        is_plain: false,
        ..class("chatgpt-access-token", "a JSON Web Token, as ChatGPT's login gives", "eyJ", Credential(OauthToken), 0)
    },
];

const fn class(
    id: &'static str,
    name: &'static str,
    prefix: &'static str,
    usable_as: KeyUse,
    shortest: usize,
) -> KeyClass {
    KeyClass::certain(VENDOR, (id, name), prefix, usable_as, shortest)
}
