//! Finding programs among fixtures of every kind of install, and refusals that name what is in the way.

use super::*;
use crate::error::ErrorCode;
use crate::process::reach::{ModeReach, Obstacle, OwnReach};
use crate::provider;
use std::os::unix::fs::{PermissionsExt, symlink};

/// As much of a program as is looked at: a header, and one segment, which is of no use here. Those that run are in
/// `tests/programs.rs`.
const ELF: &[u8] = &{
    let mut file = [0_u8; 64 + 56];
    let start = *b"\x7fELF\x02\x01\x01";
    let mut at = 0;
    while at < start.len() {
        file[at] = start[at];
        at += 1;
    }
    // ET_EXEC; the machine; where the table is; the size of its entries, and their number.
    file[16] = 2;
    file[18] = if cfg!(target_arch = "aarch64") { 183 } else { 62 };
    (file[32], file[54], file[56]) = (64, 56, 1);
    // PT_LOAD.
    file[64] = 1;
    file
};

struct Fixture(tempfile::TempDir);

impl Fixture {
    fn new() -> Self {
        Self(tempfile::tempdir().expect("a directory"))
    }

    fn path(&self, relative: &str) -> PathBuf {
        real_path(self.0.path()).expect("there").join(relative)
    }

    fn file(&self, relative: &str, content: &[u8], mode: u32) -> PathBuf {
        let path = self.path(relative);
        std::fs::create_dir_all(path.parent().expect("has one")).expect("ours");
        std::fs::write(&path, content).expect("ours");
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).expect("ours");
        path
    }

    fn link(&self, relative: &str, target: &Path) -> PathBuf {
        let path = self.path(relative);
        std::fs::create_dir_all(path.parent().expect("has one")).expect("ours");
        symlink(target, &path).expect("ours");
        path
    }
}

fn codex_native() -> &'static provider::NativePackage {
    provider::find("codex").expect("a row").cli.native_packages_here().next().expect("built for a listed platform")
}

fn run(provider: &str, command: Option<&str>, path: &str, roots: &[PathBuf]) -> Result<Program> {
    let search = Search { command, path, package_roots: roots };
    let target = Target::Same { uid: 1, gid: 1 };
    resolve(provider::find(provider).expect("a row"), &search, &target, &OwnReach, &Proofs::default())
}

#[test]
fn a_native_program_on_the_path() {
    let fixture = Fixture::new();
    let file = fixture.file("bin/codex", ELF, 0o755);
    let path = format!(".:{}", fixture.path("bin").display());
    let program = run("codex", None, &path, &[]).expect("found");
    assert_eq!((&program.path, program.found_by), (&file, FoundBy::Path));
    assert_eq!((program.interpreter, program.version), (None, None));
}

#[test]
fn the_native_program_behind_an_npm_launcher() {
    let fixture = Fixture::new();
    let native = codex_native();
    let modules = "lib/node_modules";
    let launcher = fixture.file(&format!("{modules}/@openai/codex/bin/codex.js"), b"#!/usr/bin/env node\n", 0o755);
    fixture.file(&format!("{modules}/@openai/codex/package.json"), br#"{"version":"1.2.3"}"#, 0o644);
    let nested = format!("{modules}/@openai/codex/node_modules/{}/{}", native.name, native.files[0]);
    let file = fixture.file(&nested, ELF, 0o755);
    let link = fixture.link("bin/codex", &launcher);
    let program = run("codex", None, &fixture.path("bin").to_string_lossy(), &[]).expect("found");
    assert_eq!((&program.path, &program.found_at), (&file, &link));
    assert_eq!(program.version.as_deref(), Some("1.2.3"));
}

/// Codex up to 0.132 has its program elsewhere in the package; another install above must not take its place.
#[test]
fn every_layout_of_a_package_is_known() {
    let native = codex_native();
    for layout in native.files {
        let fixture = Fixture::new();
        let nested = "app/node_modules/@openai/codex";
        let launcher = fixture.file(&format!("{nested}/bin/codex.js"), b"#!/usr/bin/env node\n", 0o755);
        fixture.file(&format!("{nested}/package.json"), br#"{"version":"0.130.0"}"#, 0o644);
        let file = fixture.file(&format!("app/node_modules/{}/{layout}", native.name), ELF, 0o755);
        fixture.file("node_modules/@openai/codex/package.json", br#"{"version":"0.169.0"}"#, 0o644);
        fixture.file(&format!("node_modules/{}/{}", native.name, native.files[0]), ELF, 0o755);
        fixture.link("app/node_modules/.bin/codex", &launcher);
        let program = run("codex", None, &fixture.path("app/node_modules/.bin").to_string_lossy(), &[]).expect("found");
        assert_eq!((program.path, program.version.as_deref()), (file.clone(), Some("0.130.0")), "{layout}");
        let program = run("codex", None, "", &[fixture.path("app/src")]).expect("found");
        assert_eq!(program.path, file, "{layout}");
    }
}

#[test]
fn a_copy_tells_its_version_by_the_manifest_beside_it() {
    let fixture = Fixture::new();
    fixture.file("opt/codex-package.json", br#"{"version":"0.150.1"}"#, 0o644);
    let file = fixture.file("opt/bin/codex", ELF, 0o755);
    let program = run("codex", Some(&file.to_string_lossy()), "", &[]).expect("found");
    assert_eq!(program.version.as_deref(), Some("0.150.1"));
    fixture.file("opt/codex-package.json", br#"{"version":"0.124.0"}"#, 0o644);
    let error = run("codex", Some(&file.to_string_lossy()), "", &[]).expect_err("too old");
    assert_eq!(error.code(), ErrorCode::ProgramOutdated);
    for damaged in [&b"{"[..], b"{}", b"[]", br#"{"version":1}"#] {
        fixture.file("opt/codex-package.json", damaged, 0o644);
        let program = run("codex", Some(&file.to_string_lossy()), "", &[]).expect("found");
        assert_eq!(program.version, None);
    }
}

#[test]
fn the_native_program_behind_a_shell_shim() {
    let fixture = Fixture::new();
    let native = codex_native();
    fixture.file("node_modules/@openai/codex/bin/codex.js", b"#!/usr/bin/env node\n", 0o755);
    let file = fixture.file(&format!("node_modules/{}/{}", native.name, native.files[0]), ELF, 0o755);
    let shim = b"#!/bin/sh\nbasedir=$(dirname \"$0\")\nexec node \"$basedir/../@openai/codex/bin/codex.js\" \"$@\"\n";
    fixture.file("node_modules/.bin/codex", shim, 0o755);
    let path = fixture.path("node_modules/.bin");
    let program = run("codex", None, &path.to_string_lossy(), &[]).expect("found");
    assert_eq!(program.path, file);
}

#[test]
fn a_package_found_upwards_from_a_root() {
    let fixture = Fixture::new();
    let native = codex_native();
    let file = fixture.file(&format!("node_modules/{}/{}", native.name, native.files[0]), ELF, 0o755);
    let root = fixture.path("apps/worker");
    let program = run("codex", None, "", &[root]).expect("found");
    assert_eq!((&program.path, program.found_by), (&file, FoundBy::NpmPackage));
}

#[test]
fn a_script_and_its_interpreter() {
    let fixture = Fixture::new();
    let node = fixture.file("tools/node", ELF, 0o755);
    let script = fixture.file("bin/claude", b"#!/usr/bin/env -S node --flag\n", 0o755);
    let bin = fixture.path("bin").to_string_lossy().into_owned();
    let both = format!("{bin}:{}", fixture.path("tools").display());
    let program = run("claude", None, &both, &[]).expect("found");
    assert_eq!((program.path, program.interpreter), (script.clone(), Some(node)));

    let error = run("claude", None, &bin, &[]).expect_err("no node");
    assert_eq!(error.code(), ErrorCode::ProgramUnreachable);
    assert_eq!(error.details().names, ["node"]);

    std::fs::write(&script, b"#!/nowhere/sh\n").expect("ours");
    let error = run("claude", None, &bin, &[]).expect_err("no interpreter");
    assert_eq!(error.details().names, ["/nowhere/sh"]);
}

#[test]
fn what_is_not_found() {
    let fixture = Fixture::new();
    for command in [None, Some("no-such-program"), Some("/nowhere/claude")] {
        let error = run("claude", command, &fixture.path("bin").to_string_lossy(), &[]).expect_err("nothing there");
        assert_eq!(error.code(), ErrorCode::ProgramNotFound, "{command:?}");
    }
    let dangling = fixture.link("bin/claude", Path::new("/nowhere"));
    let error = run("claude", Some(&dangling.to_string_lossy()), "", &[]).expect_err("dangling");
    assert_eq!(error.code(), ErrorCode::ProgramNotFound);
}

#[test]
fn the_first_closed_directory_is_named_and_the_next_candidate_is_tried() {
    let fixture = Fixture::new();
    fixture.file("home/bin/codex", ELF, 0o755);
    let open = fixture.file("usr/codex", ELF, 0o755);
    let home = fixture.path("home");
    std::fs::set_permissions(fixture.0.path(), std::fs::Permissions::from_mode(0o755)).expect("ours");
    std::fs::set_permissions(&home, std::fs::Permissions::from_mode(0o700)).expect("ours");
    let target = Target::Other { uid: 12345, gid: 12345, groups: vec![] };
    let provider = provider::find("codex").expect("a row");
    let closed = home.join("bin").to_string_lossy().into_owned();

    let search = Search { command: None, path: &closed, package_roots: &[] };
    let error = resolve(provider, &search, &target, &ModeReach, &Proofs::default()).expect_err("closed");
    assert_eq!(error.code(), ErrorCode::ProgramUnreachable);
    assert_eq!(error.details().path.as_deref(), Some(&*home.to_string_lossy()));
    assert!(error.to_string().contains("mode 0700") && error.to_string().contains("system-wide"), "{error}");

    let both = format!("{closed}:{}", fixture.path("usr").display());
    let search = Search { command: None, path: &both, package_roots: &[] };
    let program = resolve(provider, &search, &target, &ModeReach, &Proofs::default()).expect("the second");
    assert_eq!(program.path, open);
}

/// Counts how often the kernel would have been asked.
struct Counting(Cell<usize>);

impl Reach for Counting {
    fn first_obstacle(&self, _: &Target, _: &[Check]) -> Result<Option<Obstacle>> {
        self.0.set(self.0.get() + 1);
        Ok(None)
    }
}

#[test]
fn a_proof_holds_until_something_changes() {
    let fixture = Fixture::new();
    let file = fixture.file("bin/codex", ELF, 0o755);
    let path = fixture.path("bin").to_string_lossy().into_owned();
    let search = Search { command: None, path: &path, package_roots: &[] };
    let provider = provider::find("codex").expect("a row");
    let target = Target::Same { uid: 1, gid: 1 };
    let (reach, proofs) = (Counting(Cell::new(0)), Proofs::default());
    let ask = || resolve(provider, &search, &target, &reach, &proofs).expect("found");
    ask();
    ask();
    assert_eq!(reach.0.get(), 1);
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o700)).expect("ours");
    ask();
    assert_eq!(reach.0.get(), 2);
}
