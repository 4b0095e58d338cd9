//! The npm packages of a provider: the native executable behind a launcher, and the version of a program.

use std::io::Read;
use std::path::{Path, PathBuf};

use crate::provider::{NativePackage, Provider};
use crate::sys::real_path::real_path;
use crate::sys::regular_file::open_regular;

/// The largest launcher or manifest that is looked at, in bytes.
const MAX_TEXT_BYTES: u64 = 256 * 1024;

/// The native executable that `file`, a package manager's shim or a provider's launcher, would start.
pub fn native_behind(provider: &'static Provider, file: &Path) -> Option<PathBuf> {
    if is_native(file) {
        return None;
    }
    let launcher = shim_target(file).unwrap_or_else(|| file.to_owned());
    let package = launcher_package(provider, &launcher)?;
    package.ancestors().find_map(|directory| native_below(provider, &directory.join("node_modules")))
}

/// ELF or Mach-O, by its magic number (elf(5); mach-o/loader.h).
fn is_native(file: &Path) -> bool {
    let mut magic = [0_u8; 4];
    let read = open_regular(file).map(|mut file| file.read_exact(&mut magic));
    let known = [*b"\x7fELF", *b"\xcf\xfa\xed\xfe", *b"\xca\xfe\xba\xbe"];
    // One that we may not read is for the kernel to judge: root-owned 0711 is what docs/hardening.md advises.
    !matches!(read, Some(Ok(()))) || known.contains(&magic)
}

fn native_below(provider: &'static Provider, modules: &Path) -> Option<PathBuf> {
    let files = provider.cli.native_packages_here().flat_map(|package| package.executables(modules));
    files.filter_map(|file| real_path(&file).ok()).find(|file| file.is_file())
}

/// The directory of the launcher package that `file` is in: its path holds the package's name as directories.
fn launcher_package(provider: &'static Provider, file: &Path) -> Option<PathBuf> {
    let is_launcher = |directory: &&Path| provider.cli.launcher_packages.iter().any(|name| directory.ends_with(name));
    file.ancestors().skip(1).find(is_launcher).map(Path::to_owned)
}

/// Where a shim of npm (`cmd-shim`), pnpm or yarn leads: a shell script with `"$basedir/<relative path>"` in it.
fn shim_target(file: &Path) -> Option<PathBuf> {
    let text = read_text(file)?;
    text.starts_with("#!").then_some(())?;
    let (_, rest) = text.rsplit_once("\"$basedir/")?;
    let (relative, _) = rest.split_once('"')?;
    real_path(&file.parent()?.join(relative)).ok()
}

/// The version of a program: of the package it is in, of the file beside it, or of the native installer's directory.
pub fn version_of(provider: &'static Provider, program: &Path) -> Option<String> {
    let packages = provider.cli.native_packages_here();
    let version = packages.filter_map(|package| Some((package, package_root(package, program)?)));
    let mut version = version.filter_map(|(package, root)| version_in(package, &root));
    let beside = || {
        let (manifest, key) = provider.cli.manifest?;
        manifest_value(&program.parent()?.join(manifest), key)
    };
    version.next().or_else(beside).or_else(|| version_in_name(program)).or_else(|| own_manifest(provider, program))
}

/// `…/node_modules` for a program that is a native package's file.
fn package_root(package: &NativePackage, program: &Path) -> Option<PathBuf> {
    let inside = package.executables(Path::new("")).find(|inside| program.ends_with(inside))?;
    program.ancestors().nth(inside.components().count()).map(Path::to_owned)
}

/// From the package beside it, or from a hoisted one further up.
fn version_in(package: &NativePackage, modules: &Path) -> Option<String> {
    let (sibling, key) = package.version;
    let nested = modules.parent().filter(|parent| parent.ends_with(sibling)).map(|parent| parent.join("package.json"));
    let places = nested.into_iter().chain([modules.join(sibling).join("package.json")]);
    places.filter_map(|manifest| manifest_value(&manifest, key)).next()
}

/// Claude's native installer: `…/versions/2.1.330`.
fn version_in_name(program: &Path) -> Option<String> {
    let name = program.file_name()?.to_str()?;
    let in_versions = program.parent()?.ends_with("versions");
    let looks_so = name.starts_with(|first: char| first.is_ascii_digit()) && name.contains('.');
    (in_versions && looks_so).then(|| name.to_owned())
}

/// A launcher that is run as a script belongs to a package of its own.
fn own_manifest(provider: &'static Provider, program: &Path) -> Option<String> {
    manifest_value(&launcher_package(provider, program)?.join("package.json"), "version")
}

/// The version of an npm package as Node would find it first, upwards from each of these directories.
#[must_use]
pub fn installed_version(package: &str, roots: &[PathBuf]) -> Option<String> {
    let directories = roots.iter().flat_map(|root| root.ancestors());
    let mut manifests = directories.map(|directory| directory.join("node_modules").join(package).join("package.json"));
    manifests.find_map(|manifest| manifest_value(&manifest, "version"))
}

fn manifest_value(manifest: &Path, key: &str) -> Option<String> {
    let manifest: serde_json::Value = serde_json::from_str(&read_text(manifest)?).ok()?;
    manifest.get(key)?.as_str().map(str::to_owned)
}

fn read_text(file: &Path) -> Option<String> {
    let mut text = String::new();
    open_regular(file)?.take(MAX_TEXT_BYTES).read_to_string(&mut text).ok()?;
    Some(text)
}
