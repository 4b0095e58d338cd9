//! The npm packages of a provider: the native executable behind a launcher, and what their manifests say.

use std::io::Read;
use std::path::{Path, PathBuf};

use crate::provider::{NativePackage, Provider};
use crate::sys::real_path::real_path;
use crate::sys::regular_file::open_regular;

/// The largest launcher or manifest that is looked at, in bytes.
const MAX_TEXT_BYTES: u64 = 1024 * 1024;

/// What an npm package says of itself.
pub const MANIFEST: &str = "package.json";

/// The native executable that `file`, a package manager's shim or a provider's launcher, would start.
pub fn native_behind(provider: &'static Provider, file: &Path) -> Option<PathBuf> {
    if is_native(file) {
        return None;
    }
    let launcher = shim_target(file).unwrap_or_else(|| file.to_owned());
    let directory = launcher_package(provider, &launcher)?;
    directory.ancestors().find_map(|above| native_below(provider, &above.join("node_modules")))
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

/// The native executables that a `node_modules` leads to: those in it, and those that its launchers and its SDK would find from
/// where they really are. pnpm has the latter alone.
pub fn natives_of(provider: &'static Provider, modules: &Path) -> Vec<PathBuf> {
    let door = |name: &str| real_path(&modules.join(name)).ok();
    let mut all = Vec::new();
    for package in provider.cli.native_packages_here() {
        let (launcher, _) = package.version;
        all.extend(door(launcher).and_then(|directory| behind(package, &directory, false)));
        all.extend(package.executables(modules).find(|file| file.is_file()));
    }
    if let Some(directory) = door(provider.cli.sdk.package) {
        all.extend(provider.cli.native_packages_here().filter_map(|package| behind(package, &directory, true)));
    }
    let mut seen = Vec::new();
    all.retain(|file| {
        let real = real_path(file).unwrap_or_else(|_| file.clone());
        let is_new = !seen.contains(&real);
        seen.push(real);
        is_new
    });
    all
}

/// The executable that a module in this directory finds, upwards as Node looks; an SDK finds it through the launcher.
fn behind(package: &NativePackage, directory: &Path, through_launcher: bool) -> Option<PathBuf> {
    directory.ancestors().map(|above| above.join("node_modules")).find_map(|modules| {
        let own = package.executables(&modules).find(|file| file.is_file());
        let launcher = || {
            let directory = real_path(&modules.join(package.version.0)).ok().filter(|_| through_launcher)?;
            behind(package, &directory, false)
        };
        own.or_else(launcher)
    })
}

/// The directory of the launcher package that `file` is in: its path holds the package's name as directories.
pub fn launcher_package(provider: &'static Provider, file: &Path) -> Option<PathBuf> {
    let is_launcher = |directory: &&Path| provider.cli.launcher_packages.iter().any(|name| directory.ends_with(name));
    file.ancestors().skip(1).find(is_launcher).map(Path::to_owned)
}

/// Where a shim of npm (`cmd-shim`), pnpm or yarn leads: a shell script, whose last line says it in pnpm's, and which has
/// `"$basedir/<relative path>"` in it in the others', beside `"$basedir/node"`.
fn shim_target(file: &Path) -> Option<PathBuf> {
    let text = read_text(file)?;
    text.starts_with("#!").then_some(())?;
    let told = text.lines().rev().find_map(|line| line.strip_prefix("# cmd-shim-target="));
    let in_commands = || {
        let quoted = text.rsplit("\"$basedir/").filter_map(|rest| rest.split_once('"'));
        let mut paths = quoted.map(|(relative, _)| relative);
        paths.find(|relative| !matches!(*relative, "node" | "node.exe"))
    };
    real_path(&file.parent()?.join(told.or_else(in_commands)?)).ok()
}

/// The version of an npm package as Node would find it first, upwards from each of these directories; empty if it exists
/// and states none.
#[must_use]
pub fn installed_version(package: &str, roots: &[PathBuf]) -> Option<String> {
    let directories = roots.iter().flat_map(|root| root.ancestors());
    let mut manifests = directories.map(|directory| directory.join("node_modules").join(package).join(MANIFEST));
    let manifest = manifests.find_map(|manifest| read_manifest(&manifest))?;
    let version = manifest.ok().and_then(|manifest| Some(manifest.get("version")?.as_str()?.to_owned()));
    Some(version.unwrap_or_default())
}

/// What a manifest says; none where there is no such file, an error where it is no JSON text of a reasonable length.
pub fn read_manifest(manifest: &Path) -> Option<Result<serde_json::Value, ()>> {
    std::fs::symlink_metadata(manifest).ok()?;
    let text = read_text(manifest);
    let value = text.and_then(|text| serde_json::from_str(text.trim_start_matches('\u{feff}')).ok());
    Some(value.ok_or(()))
}

/// None for what is no text, or too long.
fn read_text(file: &Path) -> Option<String> {
    let mut text = String::new();
    open_regular(file)?.take(MAX_TEXT_BYTES + 1).read_to_string(&mut text).ok()?;
    (text.len() as u64 <= MAX_TEXT_BYTES).then_some(text)
}
