//! The provider table: the types of a row. Facts about a CLI are data here, and nowhere else.
//!
//! A new provider is one row, one entry in [`PROVIDERS`] and its fixtures. The sources of the facts are named in the
//! rows; `docs/providers.md` explains them.

mod added;
mod api;
mod claude;
mod codex;
pub mod command_line;
mod config_file;
mod credential_kind;
mod failure_kind;
mod guard;
mod key_class;
mod mode;
mod oauth;
mod output;
mod row;
mod status_rules;
pub(crate) mod toml_names;
mod version;

pub use api::{Api, Authorization, REFUSAL_REASONS, RefusalReason};
pub use config_file::{Base, ConfigFile, Effect, Format, Hazard};
pub use failure_kind::{FailureKind, FailureText};
pub use guard::{FeatureOption, GuardVariable, InlineDefinitions, InlineSyntax, RefusedOption};
pub use key_class::{KEY_CLASSES, KeyClass, KeyUse, class_of};
pub use mode::{ChosenDefinition, Mode, ModeSign, Usable};
pub use oauth::{BodyFormat, Expiry, ExtraToken, OauthRow, Stored};
pub use output::{
    CommandLine, CredentialClaim, EventRule, FailureRule, Field, FieldPath, Meaning, ModelsOf, Output, OutputRequest,
    SessionFiles,
};
pub use row::{
    Authority, BaseUrl, Companion, ConfigOverride, CredentialKind, CredentialName, CredentialSlot, DirectoryNeed,
    FileShield, FirmArgument, FixedVariable, FixedWhen, Made, NativePackage, OneQuestion, OverrideValue, PayloadField,
    PrivateTemporary, Provider, RefusedFile, RefusedWhen, Sdk, StateDirectory, When, WhenUnused,
};
pub use version::{Standing, Version, Versions};

use crate::error::{Error, ErrorCode, Result};

/// Every provider. The first is the default of a payload that names none.
pub static PROVIDERS: &[&Provider] = &[&claude::CLAUDE, &codex::CODEX];

/// The row of a provider.
///
/// # Errors
/// `UNKNOWN`; the message lists the names that exist, and does not repeat the one that was asked for.
pub fn find(id: &str) -> Result<&'static Provider> {
    PROVIDERS.iter().copied().find(|row| row.id == id).ok_or_else(|| {
        let known: Vec<&str> = PROVIDERS.iter().map(|row| row.id).collect();
        Error::new(ErrorCode::Unknown, format!("There is no such provider. Use one of: {}.", known.join(", ")))
            .name("provider")
    })
}

/// The provider of a payload that names none.
#[must_use]
pub fn default_provider() -> &'static Provider {
    PROVIDERS[0]
}

/// Every variable name that carries a credential for some provider.
pub fn credential_names() -> impl Iterator<Item = (&'static Provider, &'static str)> {
    PROVIDERS.iter().copied().flat_map(|row| row.own_credential_names().map(move |name| (row, name)))
}

#[cfg(test)]
mod tests;
