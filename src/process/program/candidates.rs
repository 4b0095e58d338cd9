//! The places where a program may be, in the order in which they are searched.

use std::path::{Path, PathBuf};

use super::package;
use crate::environment::absolute_path_entries;
use crate::provider::Provider;
use crate::words::words;

/// What to look for, and where.
#[derive(Clone, Copy, Debug)]
pub struct Search<'a> {
    /// The caller's program: an absolute path or a name.
    pub command: Option<&'a str>,
    /// The `PATH` of the child, which this process need not share.
    pub path: &'a str,
    /// Directories from which `node_modules` are looked for, upwards.
    pub package_roots: &'a [String],
}

words! {
    /// Where a program was found: what the caller named, on `PATH`, or in a package.
    pub enum FoundBy {
        Command = "command",
        Path = "path",
        NpmPackage = "npm-package",
    }
}

/// Every candidate that exists, in a start's order; the next one is searched for when it is needed.
pub fn all<'a>(
    provider: &'static Provider,
    search: &'a Search<'a>,
) -> Box<dyn Iterator<Item = (PathBuf, FoundBy)> + 'a> {
    match search.command {
        Some(command) if command.starts_with('/') => {
            let file = Path::new(command);
            let there = std::fs::metadata(file).is_ok_and(|metadata| metadata.is_file());
            Box::new(there.then(|| (file.to_owned(), FoundBy::Command)).into_iter())
        }
        // Relative to what? Not to the workspace; and `which` would take the root.
        Some(command) if command.contains('/') => Box::new(std::iter::empty()),
        Some(command) => Box::new(on_path(command, search.path).map(|file| (file, FoundBy::Command))),
        None => {
            let on_path = on_path(provider.cli.command, search.path).map(|file| (file, FoundBy::Path));
            Box::new(on_path.chain(in_packages(provider, search.package_roots).map(|file| (file, FoundBy::NpmPackage))))
        }
    }
}

/// Every file of that name on the absolute entries of a `PATH`.
pub fn on_path<'a>(name: &'a str, path: &str) -> impl Iterator<Item = PathBuf> + use<'a> {
    let found = which::which_in_all(name, Some(absolute_path_entries(path)), "/");
    found.into_iter().flatten()
}

/// The native executables in `node_modules`, upwards from each root, as Node looks for packages.
fn in_packages<'a>(provider: &'static Provider, roots: &'a [String]) -> impl Iterator<Item = PathBuf> + 'a {
    let directories = roots.iter().flat_map(|root| Path::new(root).ancestors());
    directories.flat_map(move |directory| package::natives_of(provider, &directory.join("node_modules")))
}
