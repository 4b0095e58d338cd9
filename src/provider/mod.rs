//! The provider table: the types of a row, and a folder for each provider. Facts about a CLI are data here, and nowhere else.
//!
//! A new provider is one folder and its entry in [`PROVIDERS`]. The sources of the facts are named in the rows;
//! `docs/providers.md` explains them.

mod api;
mod arguments;
mod broker;
mod claude;
mod cli;
mod codex;
mod command_line;
mod config_file;
mod credential;
mod failure;
mod key_class;
mod login;
mod output;
mod row;
mod state;
pub(crate) mod toml_names;
mod variables;
mod version;

pub use api::{Api, Authorization, BaseUrl, REFUSAL_REASONS, RefusalReason, Vendor};
pub use arguments::{
    Arguments, ChosenDefinition, ConfigOverride, EnforcedArgument, FeatureOption, InlineDefinitions, InlineSyntax,
    Mode, ModeSign, OverrideFacts, RefusedOption, UsableCredential, When,
};
pub use broker::{
    AllowedRequest, BrokerClient, BrokerValue, BrokerVariable, BrokerWhen, ErrorForm, InsteadOfAnswer, Transport,
    Upgrade,
};
pub use cli::{Cli, Companion, NativePackage, OneQuestion, Sdk};
pub use command_line::{CommandLine, Given, Grammar, Reading, Word};
pub use config_file::{Base, ConfigFile, Effect, FileShield, Format, Hazard, RefusedFile, RefusedWhen};
pub use credential::{CredentialInput, CredentialKind, CredentialName, PayloadField, WhenUnused};
pub use failure::{BROKER_MARK, BROKER_RULES, FailureKind, FailureRule, FailureText};
pub use key_class::{KeyClass, KeyUse};
pub use login::{BodyFormat, ExpiryField, ExtraToken, OauthRow, Stored};
pub use output::{
    CredentialClaim, EventRule, Field, FieldPath, Meaning, ModelsOf, Output, OutputRequest, ReportArguments,
    SessionFiles,
};
pub use row::Provider;
pub use state::{DirectoryNeed, Made, PrivateTemporary, StateDirectory};
pub use variables::{Authority, FixedVariable, FixedWhen, GuardVariable, Reason, VariablePatterns};
pub use version::{Standing, Version, Versions};

use crate::error::{Error, ErrorCode, Result};
use key_class::OTHER_KEY_CLASSES;

/// Every provider. The first is the default of a payload that names none.
pub static PROVIDERS: &[&Provider] = &[&claude::CLAUDE, &codex::CODEX];

/// The row of a provider.
///
/// # Errors
/// `UNKNOWN`; the message lists the names that exist, and does not repeat the one that was requested.
pub fn find(id: &str) -> Result<&'static Provider> {
    PROVIDERS.iter().copied().find(|row| row.id == id).ok_or_else(|| {
        let known: Vec<&str> = PROVIDERS.iter().map(|row| row.id).collect();
        Error::new(ErrorCode::Unknown, format!("The provider is unknown. Use one of: {}.", known.join(", ")))
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

/// What is known of the shapes of keys: those of the vendors of the table last.
pub fn key_classes() -> impl Iterator<Item = &'static KeyClass> {
    let vendors = PROVIDERS.iter().flat_map(|row| row.vendors);
    OTHER_KEY_CLASSES.iter().chain(vendors.flat_map(|vendor| vendor.api.key_classes))
}

/// The class of a key, by its longest known prefix; of two with the same one, that of a vendor of the table.
#[must_use]
pub fn class_of(key: &[u8]) -> Option<&'static KeyClass> {
    key_classes().filter(|class| class.is_of(key)).max_by_key(|class| class.prefix.len())
}

/// The first provider whose CLI speaks to the vendor of these keys.
#[must_use]
pub fn owner_of(class: &KeyClass) -> Option<&'static Provider> {
    PROVIDERS.iter().copied().find(|row| row.takes_keys_of(class))
}

#[cfg(test)]
mod tests;
