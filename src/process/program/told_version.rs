//! Determines the version of a program from the manifest of its package, the file beside it, the packages around it and
//! its own name, and whether these can be trusted.

use std::path::{Component, Path, PathBuf};

use serde_json::Value;

use super::super::identity::Target;
use super::package::{MANIFEST, launcher_package, read_manifest};
use super::trust::is_trusted;
use crate::provider::{NativePackage, Provider, Standing, Version};

/// What is known of a program's version.
#[derive(Debug, Default)]
pub struct Told {
    /// The version, as it is written; of several, the oldest.
    pub version: Option<String>,
    /// The first file that should state one but does not; none if a version is known.
    pub doubt: Option<Doubt>,
    /// Every file that was looked for, also where there is none.
    pub manifests: Vec<PathBuf>,
}

/// Why a file's word does not count.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Doubt {
    /// There is no version in it, or none that can be compared.
    NotUnderstood(PathBuf),
    /// Others than root and this process can change it.
    NotTrusted(PathBuf),
}

/// The version of the program at this real path, which was found at `found_at`.
pub fn of(provider: &'static Provider, program: &Path, found_at: &Path, target: &Target) -> Told {
    let mut inquiry = Inquiry { provider, target, asked: Vec::new(), believed: Vec::new(), doubted: Vec::new() };
    for package in provider.cli.native_packages_here() {
        inquiry.ask_package(package, program, found_at);
    }
    if let Some((file, key)) = provider.cli.manifest {
        inquiry.ask(beside(program, file), key, |_| true);
    }
    if let Some(directory) = launcher_package(provider, program) {
        inquiry.ask(directory.join(MANIFEST), "version", |_| true);
    }
    inquiry.ask_name(program);
    inquiry.answer()
}

struct Inquiry<'a> {
    provider: &'static Provider,
    target: &'a Target,
    asked: Vec<PathBuf>,
    believed: Vec<(Version, String)>,
    doubted: Vec<(Doubt, Option<(Version, String)>)>,
}

impl Inquiry<'_> {
    /// Asks the package that the program is in, then those that are installed with it.
    fn ask_package(&mut self, package: &NativePackage, program: &Path, found_at: &Path) {
        let Some(directory) = package_directory(package, program) else { return };
        let (sibling, key) = package.version;
        let own = directory.join(MANIFEST);
        let manifest = read_manifest(&own).and_then(Result::ok);
        let named = manifest.as_ref().and_then(|manifest| manifest.get("name")?.as_str());
        let is_its_own = directory.ends_with(package.name)
            || directory.ends_with(sibling)
            || named.is_some_and(|name| name == package.name || name == sibling);
        if !is_its_own {
            return self.asked.push(own);
        }
        // Where the key is another, the package's own version is that of something else, which both have in common.
        let release = manifest.as_ref().and_then(|manifest| Some(manifest.get("version")?.as_str()?.to_owned()));
        let is_own_key = key == "version";
        if is_own_key {
            self.ask(own, key, |_| true);
        } else {
            self.asked.push(own);
        }
        let is_of_this = |manifest: &Value| {
            let version = manifest.get("version").and_then(Value::as_str);
            is_own_key || release.is_none() || version == release.as_deref()
        };
        for modules in [program, found_at].into_iter().filter_map(|file| modules_of(package, file)) {
            if let Some(parent) = modules.parent().filter(|parent| parent.ends_with(sibling)) {
                self.ask(parent.join(MANIFEST), key, is_of_this);
            }
            self.ask(modules.join(sibling).join(MANIFEST), key, is_of_this);
        }
        // In an isolated `node_modules`, no other package is beside it.
        if !is_own_key && release.is_some() && self.believed.is_empty() {
            for above in directory.ancestors().skip(1).filter(|above| !above.ends_with("node_modules")) {
                self.ask(above.join("node_modules").join(sibling).join(MANIFEST), key, is_of_this);
            }
        }
    }

    /// Asks one file, if it is there, and is about this program.
    fn ask(&mut self, file: PathBuf, key: &str, is_about_it: impl Fn(&Value) -> bool) {
        if self.asked.contains(&file) {
            return;
        }
        self.asked.push(file.clone());
        let Some(manifest) = read_manifest(&file) else { return };
        if manifest.as_ref().is_ok_and(|manifest| !is_about_it(manifest)) {
            return;
        }
        let text = manifest.ok().and_then(|manifest| Some(manifest.get(key)?.as_str()?.to_owned()));
        let version = text.and_then(|text| self.understood(&text));
        match version {
            version if !is_trusted(&file, self.target) => self.doubted.push((Doubt::NotTrusted(file), version)),
            None => self.doubted.push((Doubt::NotUnderstood(file), None)),
            Some(version) => self.believed.push(version),
        }
    }

    /// Claude's native installer makes `…/versions/2.1.330`. Who can change the name can change the program.
    fn ask_name(&mut self, program: &Path) {
        let name = program.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        let looks_so = Version::trimmed(name).starts_with(|first: char| first.is_ascii_digit()) && name.contains('.');
        if !looks_so || !program.parent().is_some_and(|parent| parent.ends_with("versions")) {
            return;
        }
        match self.understood(name) {
            Some(version) => self.believed.push(version),
            None => self.doubted.push((Doubt::NotUnderstood(program.into()), None)),
        }
    }

    /// Codex's packages for one platform have its name at the end of their versions, which makes no prerelease of them.
    fn understood(&self, text: &str) -> Option<(Version, String)> {
        let text = Version::trimmed(text);
        let suffixes = self.provider.cli.native_packages.iter().filter_map(|package| {
            let (sibling, _) = package.version;
            package.name.strip_prefix(sibling)
        });
        let text = suffixes.filter_map(|suffix| text.strip_suffix(suffix)).next().unwrap_or(text);
        Some((Version::parse(text)?, text.to_owned()))
    }

    fn answer(self) -> Told {
        let Self { provider, asked: manifests, believed, doubted, .. } = self;
        if let Some((_, version)) = believed.into_iter().min() {
            return Told { version: Some(version), doubt: None, manifests };
        }
        // Nobody gains by a word that keeps the program from being started.
        let told = doubted.iter().filter_map(|(_, version)| version.as_ref()).min();
        let old =
            told.map(|(_, text)| text).filter(|text| provider.cli.versions.standing(Some(text)) == Standing::Older);
        let version = old.cloned();
        let not_understood = doubted.iter().find(|(doubt, _)| matches!(doubt, Doubt::NotUnderstood(_)));
        let doubt = not_understood.or(doubted.first()).map(|(doubt, _)| doubt.clone());
        Told { doubt: doubt.filter(|_| version.is_none()), version, manifests }
    }
}

/// The directory of a package that holds the program, under whatever name it is installed: pnpm knows Codex's for one platform
/// by the launcher's.
fn package_directory(package: &NativePackage, program: &Path) -> Option<PathBuf> {
    let file = package.files.iter().map(Path::new).find(|file| program.ends_with(file))?;
    program.ancestors().nth(file.components().count()).map(Path::to_owned)
}

/// The `node_modules` that holds it under its own name.
fn modules_of(package: &NativePackage, program: &Path) -> Option<PathBuf> {
    let directory = package_directory(package, program)?;
    let name = Path::new(package.name);
    directory.ends_with(name).then(|| directory.ancestors().nth(name.components().count()).map(Path::to_owned))?
}

/// A file by its path from the program's directory, which has no links in it.
fn beside(program: &Path, relative: &str) -> PathBuf {
    let mut path = program.parent().unwrap_or(program).to_owned();
    for component in Path::new(relative).components() {
        if component == Component::ParentDir {
            path.pop();
        } else {
            path.push(component);
        }
    }
    path
}
