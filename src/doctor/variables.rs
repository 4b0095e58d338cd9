//! Finds the variables in this process's environment that must not be passed on, and why.

use crate::credential::ServerCredentials;
use crate::environment::forbidden::{self, Reason};
use crate::provider;

#[derive(Debug, PartialEq, Eq)]
#[cfg_attr(feature = "node", napi_derive::napi(object, object_from_js = false, use_nullable = true))]
pub struct FoundVariable {
    pub name: String,
    pub reason: Reason,
    /// The id of the provider whose CLI reads a credential from it.
    pub provider: Option<&'static str>,
    pub taken: bool,
}

/// Returns those of `names` that must not be passed on. `has_value` returns whether a variable is set and not empty.
pub fn variables(names: impl Iterator<Item = String>, has_value: impl Fn(&str) -> bool) -> Vec<FoundVariable> {
    let found = names.filter_map(|name| {
        let reason = forbidden::reason(&name)?;
        let provider = provider::credential_names().find(|(_, known)| *known == name).map(|(row, _)| row.id);
        let taken = ServerCredentials::variables().any(|known| known == name);
        has_value(&name).then_some(FoundVariable { name, reason, provider, taken })
    });
    found.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_told_apart() {
        let names = ["ANTHROPIC_API_KEY", "CODEX_ACCESS_TOKEN", "LD_PRELOAD", "GH_TOKEN", "HOME", "OPENAI_API_KEY"];
        let found = variables(names.into_iter().map(str::to_owned), |name| name != "OPENAI_API_KEY");
        let seen: Vec<_> = found.iter().map(|row| (row.name.as_str(), row.reason, row.provider, row.taken)).collect();
        assert_eq!(
            seen,
            [
                ("ANTHROPIC_API_KEY", Reason::Credential, Some("claude"), true),
                ("CODEX_ACCESS_TOKEN", Reason::Credential, Some("codex"), false),
                ("LD_PRELOAD", Reason::Code, None, false),
                ("GH_TOKEN", Reason::Credential, None, false),
            ]
        );
    }
}
