//! What a key's prefix says about it. Data: an unknown prefix says nothing, and is accepted.

use super::CredentialKind;

/// What the keys with one prefix are.
#[derive(Debug)]
pub struct KeyClass {
    /// How they begin.
    pub prefix: &'static str,
    /// Whose they are: a provider's id.
    pub provider: &'static str,
    /// What they open.
    pub usable_as: KeyUse,
    /// What people call them.
    pub name: &'static str,
}

/// What a key can be used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyUse {
    /// A launch's credential of this kind.
    Credential(CredentialKind),
    /// Nothing that a launch does.
    NotForLaunch,
}

/// Prefixes, longest match first. Bare `sk-` is left out on purpose: OpenAI's legacy keys have it, and so have the
/// keys of Anthropic-compatible gateways, so it tells nothing.
///
/// Sources: platform.claude.com "API keys" and "Admin API keys"; platform.openai.com "Projects" and "Admin API keys";
/// token prefixes in Claude Code 2.1.330's `.credentials.json`.
pub static KEY_CLASSES: &[KeyClass] = &[
    anthropic("sk-ant-api", KeyUse::Credential(CredentialKind::ApiKey), "an Anthropic API key"),
    anthropic("sk-ant-oat", KeyUse::Credential(CredentialKind::OauthToken), "a Claude OAuth access token"),
    anthropic("sk-ant-ort", KeyUse::NotForLaunch, "a Claude OAuth refresh token"),
    anthropic("sk-ant-admin", KeyUse::NotForLaunch, "an Anthropic admin key"),
    anthropic("sk-ant-", KeyUse::Credential(CredentialKind::ApiKey), "an Anthropic key"),
    openai("sk-proj-", KeyUse::Credential(CredentialKind::ApiKey), "an OpenAI project key"),
    openai("sk-svcacct-", KeyUse::Credential(CredentialKind::ApiKey), "an OpenAI service-account key"),
    openai("sk-admin-", KeyUse::NotForLaunch, "an OpenAI admin key"),
];

const fn anthropic(prefix: &'static str, usable_as: KeyUse, name: &'static str) -> KeyClass {
    KeyClass { prefix, provider: "claude", usable_as, name }
}

const fn openai(prefix: &'static str, usable_as: KeyUse, name: &'static str) -> KeyClass {
    KeyClass { prefix, provider: "codex", usable_as, name }
}

/// The class of a key, by its longest known prefix.
#[must_use]
pub fn class_of(key: &[u8]) -> Option<&'static KeyClass> {
    KEY_CLASSES.iter().filter(|class| key.starts_with(class.prefix.as_bytes())).max_by_key(|class| class.prefix.len())
}
