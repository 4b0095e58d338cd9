//! Tests of the provider table's own rules: what every row must contain so that no other code has to know a provider.

use super::*;
use crate::environment::forbidden;

/// Every option that a rule looks for.
fn names(arguments: &Arguments) -> impl Iterator<Item = &'static str> {
    let modes = arguments.modes.iter().filter_map(|mode| match mode.sign {
        ModeSign::Flag(name) | ModeSign::Setting(name, _) => Some(name),
        _ => None,
    });
    let lists = [arguments.override_options, arguments.directory_options];
    let lists = lists.into_iter().chain(arguments.inline_definitions.iter().map(|row| row.options)).flatten().copied();
    let enforced = arguments.enforced.iter().map(|row| row.name);
    let refused = arguments.refused_options.iter().map(|row| row.name);
    lists.chain(enforced).chain(refused).chain(arguments.feature_options.iter().map(|row| row.name)).chain(modes)
}

#[test]
fn ids_and_credential_names_are_unique() {
    let mut seen = std::collections::HashMap::new();
    for (row, name) in credential_names() {
        let other = seen.insert(name, row.id);
        assert_eq!(other, None, "{name} is listed twice");
    }
}

#[test]
fn a_credential_name_known_to_one_row_is_handled_by_all() {
    for (row, name) in credential_names() {
        assert!(forbidden::reason(name).is_some(), "{name} of {} could be inherited", row.id);
    }
    for vendor in PROVIDERS.iter().flat_map(|row| row.vendors) {
        assert!(
            vendor.api.key_classes.iter().all(|class| class.vendor == Some(vendor.api.vendor)),
            "{}",
            vendor.api.vendor
        );
    }
}

#[test]
fn key_classes_differ_by_their_prefixes_and_what_shares_an_id_is_the_same_thing() {
    let classes: Vec<&KeyClass> = key_classes().collect();
    for (index, class) in classes.iter().enumerate() {
        for other in &classes[index + 1..] {
            // One of a vendor of the table takes the place of one that is nobody's.
            let is_replaced = class.prefix == other.prefix && class.vendor.is_none();
            assert!(class.prefix != other.prefix || is_replaced, "{}", class.prefix);
            let same = (class.name, class.vendor, class.usable_as) == (other.name, other.vendor, other.usable_as);
            assert!(class.id != other.id || same || is_replaced, "{}", class.id);
        }
    }
}

#[test]
fn every_row_is_complete() {
    for row in PROVIDERS {
        assert!(row.vendors.iter().all(|vendor| !vendor.inputs.is_empty()), "{}: no input", row.id);
        assert!(
            row.cli.native_packages.iter().all(|package| package.files.iter().all(|file| !file.starts_with('/'))),
            "{}",
            row.id
        );
        for input in row.credential_inputs() {
            assert!(!input.variables.is_empty(), "{}: an input without a variable", row.id);
            assert!(
                input.server_variables.iter().all(|name| input.variables.contains(name)),
                "{}: a server variable that is not the input's",
                row.id
            );
        }
        let tells = row.vendors.iter().all(|vendor| matches!(vendor.base_url, BaseUrl::Variable(_)));
        let overrides = row.arguments.overrides;
        assert!(
            tells || overrides.iter().any(|(when, _)| *when == When::BaseUrl),
            "{}: no way to give a base URL",
            row.id
        );
        assert!(
            overrides.is_empty() || !row.arguments.override_options.is_empty(),
            "{}: no option for overrides",
            row.id
        );
        // The command line takes an option's name for what is before `=`, or for its letter.
        for name in names(&row.arguments).chain(row.output.requests.iter().map(|request| request.option)) {
            let is_long = name.starts_with("--") && !name.contains('=');
            assert!(is_long || (name.len() == 2 && name.starts_with('-')), "{}: {name}", row.id);
        }
    }
}

#[test]
fn a_variable_that_a_row_sets_cannot_be_given_by_a_caller() {
    for row in PROVIDERS {
        for guard in row.guard_variables {
            assert!(forbidden::reason(guard.name).is_some(), "{} of {} could be replaced", guard.name, row.id);
        }
    }
}

#[test]
fn what_a_row_says_of_files_is_about_its_own_files_and_variables() {
    for row in PROVIDERS {
        let known = |id: &str| row.config_files.iter().find(|file| file.id == id);
        for refused in row.refused_files {
            assert!(known(refused.file).is_some(), "{}", refused.file);
        }
        let Some(shield) = &row.file_shield else { continue };
        assert!(row.fixed_variables.iter().any(|fixed| fixed.name == shield.variable), "{}", shield.variable);
        for id in shield.files {
            assert_eq!(known(id).map(|file| (file.format, file.variables)), Some((Format::Json, Some("env"))), "{id}");
        }
    }
}

#[test]
fn an_unknown_provider_is_not_echoed() {
    let error = find("nobodys-secret").expect_err("unknown");
    let known: Vec<&str> = PROVIDERS.iter().map(|row| row.id).collect();
    assert_eq!(error.to_string(), format!("The provider is unknown. Use one of: {}.", known.join(", ")));
}
