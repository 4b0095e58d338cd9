//! The classes of keys by their prefixes. A key with an unknown prefix has no class and is accepted.

use super::credential::CredentialKind;

/// What the keys with one prefix are.
#[derive(Debug)]
pub struct KeyClass {
    /// What programs call them; several prefixes can share one.
    pub id: &'static str,
    /// What people call one of them, with its article.
    pub name: &'static str,
    pub prefix: &'static str,
    /// What is somewhere behind the prefix, where the prefix alone says too little.
    pub marker: Option<&'static str>,
    /// Whose they are, as [`super::Api::vendor`] has it; none for those of vendors that no CLI of the table speaks to: gateways
    /// take them.
    pub vendor: Option<&'static str>,
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
    /// The prefix does not show it.
    Unknown,
}

/// Classes of vendors that no CLI of the table speaks to. Their prefixes: gitleaks, config/gitleaks.toml, and openrouter.ai
/// "Authentication".
pub static OTHER_KEY_CLASSES: &[KeyClass] = &[
    other("openrouter-key", "an OpenRouter key", "sk-or-"),
    other("github-token", "a GitHub token", "ghp_"),
    other("github-token", "a GitHub token", "gho_"),
    other("github-token", "a GitHub token", "github_pat_"),
    other("google-api-key", "a Google API key", "AIza"),
    other("groq-key", "a Groq key", "gsk_"),
    other("xai-key", "an xAI key", "xai-"),
    other("aws-access-key-id", "the id of an AWS access key", "AKIA"),
];

const fn other(id: &'static str, name: &'static str, prefix: &'static str) -> KeyClass {
    let usable_as = KeyUse::Unknown;
    let (is_certain, is_plain) = (false, false);
    KeyClass { id, name, prefix, marker: None, vendor: None, usable_as, is_certain, is_plain, shortest: 0 }
}

/// A vendor of the table by its name, as [`super::Api::vendor`] has it.
#[derive(Clone, Copy)]
pub(super) struct VendorName(pub &'static str);

impl VendorName {
    /// A class of its keys that the prefix alone proves. The keys are plain.
    pub(super) const fn key_class(
        self,
        id: &'static str,
        name: &'static str,
        prefix: &'static str,
        usable_as: KeyUse,
        shortest: usize,
    ) -> KeyClass {
        let vendor = Some(self.0);
        KeyClass { id, name, prefix, marker: None, vendor, usable_as, is_certain: true, is_plain: true, shortest }
    }
}

impl KeyClass {
    /// Whether a key has this shape.
    #[must_use]
    pub fn is_of(&self, key: &[u8]) -> bool {
        let Some(rest) = key.strip_prefix(self.prefix.as_bytes()) else { return false };
        self.marker.is_none_or(|marker| rest.windows(marker.len()).any(|part| part == marker.as_bytes()))
    }
}
