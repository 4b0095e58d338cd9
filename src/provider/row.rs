//! One row of the provider table: what this crate knows about a CLI, by topic.

use super::api::Vendor;
use super::arguments::Arguments;
use super::cli::Cli;
use super::config_file::{ConfigFile, FileShield, RefusedFile};
use super::credential::{CredentialInput, CredentialName};
use super::key_class::KeyClass;
use super::login::OauthRow;
use super::output::Output;
use super::state::{DirectoryNeed, PrivateTemporary, StateDirectory};
use super::variables::{Authority, FixedVariable, GuardVariable, VariablePatterns};
use super::version::Version;

/// One provider: everything this crate knows about its CLI.
#[derive(Debug)]
pub struct Provider {
    /// What payloads and logs call it.
    pub id: &'static str,
    pub name: &'static str,
    /// The program, its packages and its versions.
    pub cli: Cli,
    /// How its command line is read, and what a start adds to it or refuses in it.
    pub arguments: Arguments,
    pub output: &'static Output,
    /// The vendors whose APIs the CLI speaks to. The first is meant where nothing says another.
    pub vendors: &'static [Vendor],
    /// Its stored login, and how that is refreshed; none where this package does not know how.
    pub login: Option<OauthRow>,
    /// The variables beside those of its `CredentialInput`s that the CLI reads a credential from, and what to do with them.
    pub credential_names: &'static [CredentialName],
    /// The names that only this CLI reads and that nobody may add to any child's environment.
    pub forbidden_variables: VariablePatterns,
    /// The names that one of the patterns of any row catches and that do no harm.
    pub harmless_variables: &'static [&'static str],
    /// Variables that a start has by itself, with these values.
    pub fixed_variables: &'static [FixedVariable],
    /// Variables that keep files from configuring the CLI, or its own child processes from running what files name.
    pub guard_variables: &'static [GuardVariable],
    /// Variables without which its CLI crashes.
    pub required_variables: &'static [&'static str],
    /// How it learns of further roots of trust.
    pub authority: Authority,
    /// The first version that reads a credential's descriptor where it may not open it by its name below /proc. Older ones
    /// have no credential there.
    pub reads_descriptor_since: Option<Version>,
    /// The directory that holds its state, and its own login if it has one.
    pub state_directory: StateDirectory,
    /// Directories that must be usable before it is started.
    pub directory_needs: &'static [DirectoryNeed],
    /// Where it makes its own directory in a shared temporary one, and the variable that moves it.
    pub private_temporary: Option<PrivateTemporary>,
    /// Files that configure the CLI, or instruct the agent.
    pub config_files: &'static [ConfigFile],
    /// What keeps the variables in its own files out.
    pub file_shield: Option<FileShield>,
    /// Files beside which a start is refused.
    pub refused_files: &'static [RefusedFile],
}

impl Provider {
    /// The vendor that is meant where nothing says another.
    #[must_use]
    pub const fn vendor(&self) -> &'static Vendor {
        &self.vendors[0]
    }

    /// The ways the CLI takes a credential, in the order of precedence within one source.
    pub fn credential_inputs(&self) -> impl Iterator<Item = &'static CredentialInput> + use<> {
        self.vendors.iter().flat_map(|vendor| vendor.inputs)
    }

    /// Whether its CLI speaks to the vendor of these keys.
    #[must_use]
    pub fn takes_keys_of(&self, class: &KeyClass) -> bool {
        class.vendor.is_some_and(|name| self.vendors.iter().any(|vendor| vendor.api.vendor == name))
    }

    /// Every variable that its CLI reads a credential from.
    pub fn own_credential_names(&self) -> impl Iterator<Item = &'static str> + use<> {
        let inputs =
            self.credential_inputs().flat_map(|input| input.variables.iter().copied().chain(input.descriptor_variable));
        inputs.chain(self.credential_names.iter().map(|row| row.name))
    }
}
