//! What a key's prefix says about it. Data: an unknown prefix says nothing, and is accepted.

use super::CredentialKind;

/// What the keys with one prefix are.
#[derive(Debug)]
pub struct KeyClass {
    /// What programs call them; several prefixes can share one.
    pub id: &'static str,
    /// What people call one of them, with its article.
    pub name: &'static str,
    /// How they begin.
    pub prefix: &'static str,
    /// What stands somewhere behind the prefix, where the prefix alone says too little.
    pub marker: Option<&'static str>,
    /// Whose they are: a provider's id; none for those of other vendors, which gateways take.
    pub provider: Option<&'static str>,
    /// What they open.
    pub usable_as: KeyUse,
    /// Whether the shape proves it. What is likely only is never a reason to refuse a key.
    pub is_certain: bool,
    /// Whether such keys are ASCII letters, digits, `-` and `_`, and nothing else.
    pub is_plain: bool,
    /// The fewest bytes that such a key was seen to have; 0 where there is no source for it.
    pub shortest: usize,
}

/// What a key can be used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyUse {
    /// A launch's credential of this kind.
    Credential(CredentialKind),
    /// Nothing that a launch does.
    NotForLaunch,
    /// The prefix does not tell.
    Unknown,
}

use CredentialKind::{ApiKey, OauthToken};
use KeyUse::{Credential, NotForLaunch, Unknown};

/// Prefixes; the longest that matches counts. Bare `sk-` is left out on purpose: OpenAI's legacy keys have it, and so
/// have the keys of Anthropic-compatible gateways, so it tells nothing.
///
/// Sources. Anthropic: platform.claude.com "API keys" and "Admin API keys"; `claude setup-token` and Claude Code
/// 2.1.330's `.credentials.json` (`oat`, `ort`); claude.ai's cookie `sessionKey` (`sid`). OpenAI: platform.openai.com
/// "Projects" and "Admin API keys"; `sk-None-` and the lengths from keys that were published by mistake. Lengths,
/// alphabets and `T3BlbkFJ` (base64 of "OpenAI"): rules `anthropic-api-key`, `anthropic-admin-api-key` and `openai-api-key` of the
/// secret scanner gitleaks, config/gitleaks.toml, of which the shortest form is taken: 20 characters on either side.
/// The other vendors' prefixes: the same file, and openrouter.ai "Authentication".
pub static KEY_CLASSES: &[KeyClass] = &[
    anthropic("anthropic-api-key", "an Anthropic API key", "sk-ant-api03-", Credential(ApiKey), 108),
    anthropic("anthropic-api-key", "an Anthropic API key", "sk-ant-api", Credential(ApiKey), 0),
    anthropic("anthropic-oauth-access-token", "a Claude OAuth access token", "sk-ant-oat", Credential(OauthToken), 0),
    anthropic("anthropic-oauth-refresh-token", "a Claude OAuth refresh token", "sk-ant-ort", NotForLaunch, 0),
    anthropic("anthropic-admin-key", "an Anthropic admin key", "sk-ant-admin", NotForLaunch, 0),
    anthropic("anthropic-session-cookie", "a session cookie of claude.ai", "sk-ant-sid", NotForLaunch, 0),
    KeyClass {
        is_plain: false,
        ..anthropic("anthropic-key", "an Anthropic key of a kind that is not known here", "sk-ant-", Unknown, 0)
    },
    openai("openai-project-key", "an OpenAI project key", "sk-proj-", Credential(ApiKey), 56),
    openai("openai-service-account-key", "an OpenAI service-account key", "sk-svcacct-", Credential(ApiKey), 59),
    openai("openai-user-key", "an OpenAI user key", "sk-None-", Credential(ApiKey), 56),
    openai("openai-admin-key", "an OpenAI admin key", "sk-admin-", NotForLaunch, 0),
    // Gateways that imitate OpenAI issue keys of this form too.
    KeyClass {
        marker: Some("T3BlbkFJ"),
        is_certain: false,
        is_plain: false,
        ..openai("openai-legacy-key", "a legacy OpenAI key", "sk-", Credential(ApiKey), 51)
    },
    // A JSON Web Token: two objects in base64url. A gateway may take one as a key.
    KeyClass {
        marker: Some(".eyJ"),
        is_certain: false,
        is_plain: false,
        ..openai("chatgpt-access-token", "a JSON Web Token, as ChatGPT's login gives", "eyJ", Credential(OauthToken), 0)
    },
    other("openrouter-key", "an OpenRouter key", "sk-or-"),
    other("github-token", "a GitHub token", "ghp_"),
    other("github-token", "a GitHub token", "gho_"),
    other("github-token", "a GitHub token", "github_pat_"),
    other("google-api-key", "a Google API key", "AIza"),
    other("groq-key", "a Groq key", "gsk_"),
    other("xai-key", "an xAI key", "xai-"),
    other("aws-access-key-id", "the id of an AWS access key", "AKIA"),
];

const fn anthropic(
    id: &'static str,
    name: &'static str,
    prefix: &'static str,
    usable_as: KeyUse,
    shortest: usize,
) -> KeyClass {
    KeyClass {
        id,
        name,
        prefix,
        marker: None,
        provider: Some("claude"),
        usable_as,
        is_certain: true,
        is_plain: true,
        shortest,
    }
}

const fn openai(
    id: &'static str,
    name: &'static str,
    prefix: &'static str,
    usable_as: KeyUse,
    shortest: usize,
) -> KeyClass {
    KeyClass {
        id,
        name,
        prefix,
        marker: None,
        provider: Some("codex"),
        usable_as,
        is_certain: true,
        is_plain: true,
        shortest,
    }
}

const fn other(id: &'static str, name: &'static str, prefix: &'static str) -> KeyClass {
    let (is_certain, is_plain) = (false, false);
    KeyClass { id, name, prefix, marker: None, provider: None, usable_as: Unknown, is_certain, is_plain, shortest: 0 }
}

impl KeyClass {
    /// Whether a key has this shape.
    fn is_of(&self, key: &[u8]) -> bool {
        let Some(rest) = key.strip_prefix(self.prefix.as_bytes()) else { return false };
        self.marker.is_none_or(|marker| rest.windows(marker.len()).any(|part| part == marker.as_bytes()))
    }
}

/// The class of a key, by its longest known prefix.
#[must_use]
pub fn class_of(key: &[u8]) -> Option<&'static KeyClass> {
    KEY_CLASSES.iter().filter(|class| class.is_of(key)).max_by_key(|class| class.prefix.len())
}
