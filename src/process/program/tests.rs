//! Tests of finding programs in fixtures of every kind of installation, and of errors that name the obstacle.

use super::*;
use crate::error::ErrorCode;
use crate::process::access::{ModeBits, Obstacle, OwnAccess};
use crate::provider;
use crate::sys::identity::Identity;
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
    let roots: Vec<String> = roots.iter().map(|root| root.to_string_lossy().into_owned()).collect();
    let search = Search { command, path, package_roots: &roots };
    let target = Target::Same { uid: 1, gid: 1 };
    resolve(provider::find(provider).expect("a row"), &search, &target, &OwnAccess, &Proofs::default())
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
        fixture.file(&format!("{nested}/package.json"), br#"{"version":"0.150.0"}"#, 0o644);
        let file = fixture.file(&format!("app/node_modules/{}/{layout}", native.name), ELF, 0o755);
        fixture.file("node_modules/@openai/codex/package.json", br#"{"version":"0.169.0"}"#, 0o644);
        fixture.file(&format!("node_modules/{}/{}", native.name, native.files[0]), ELF, 0o755);
        fixture.link("app/node_modules/.bin/codex", &launcher);
        let program = run("codex", None, &fixture.path("app/node_modules/.bin").to_string_lossy(), &[]).expect("found");
        assert_eq!((program.path, program.version.as_deref()), (file.clone(), Some("0.150.0")), "{layout}");
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
    for damaged in [&b"{"[..], b"{}", b"[]", br#"{"version":1}"#, br#"{"version":"latest"}"#, b"", &[b' '; 3 << 20]] {
        let manifest = fixture.file("opt/codex-package.json", damaged, 0o644);
        let error = run("codex", Some(&file.to_string_lossy()), "", &[]).expect_err("not understood");
        assert_eq!(error.code(), ErrorCode::ProgramOutdated);
        assert!(error.to_string().contains(&*manifest.to_string_lossy()), "{error}");
    }
    let padded = [br#"{"version":"0.169.0","#.to_vec(), vec![b' '; 300 << 10], br#""x":1}"#.to_vec()].concat();
    for (written, version) in [
        (&b"\xef\xbb\xbf{\"version\":\"v0.169.0 \"}"[..], "0.169.0"),
        (br#"{"version":"0.150"}"#, "0.150"),
        (&padded, "0.169.0"),
    ] {
        fixture.file("opt/codex-package.json", written, 0o644);
        let program = run("codex", Some(&file.to_string_lossy()), "", &[]).expect("found");
        assert_eq!(program.version.as_deref(), Some(version));
    }
    for old in ["v0.124.0", " 0.124.0", "0.124.0\\n", "0.124", "0", "0.124.0.9"] {
        fixture.file("opt/codex-package.json", format!(r#"{{"version":"{old}"}}"#).as_bytes(), 0o644);
        let error = run("codex", Some(&file.to_string_lossy()), "", &[]).expect_err("too old");
        assert!(error.to_string().contains("is OpenAI Codex 0"), "{error}");
    }
}

/// As the package managers wrote them, each beside the `@openai/codex` that it leads to.
#[test]
fn the_native_program_behind_a_shell_shim() {
    let native = codex_native();
    for (shim, launcher) in [
        (&include_bytes!("../../../tests/shims/npm-11.19.1")[..], "node_modules/@openai/codex"),
        (include_bytes!("../../../tests/shims/yarn-1.22.22"), "node_modules/@openai/codex"),
        (
            include_bytes!("../../../tests/shims/pnpm-12.21.0"),
            "node_modules/.pnpm/@openai+codex@0.169.0/node_modules/@openai/codex",
        ),
    ] {
        let fixture = Fixture::new();
        fixture.file(&format!("{launcher}/bin/codex.js"), b"#!/usr/bin/env node\n", 0o755);
        let file = fixture.file(&format!("{launcher}-x/../{}/{}", &native.name[8..], native.files[0]), ELF, 0o755);
        fixture.file("node_modules/.bin/codex", shim, 0o755);
        // It begins like the shim's words for node, which is no program of Codex's.
        fixture.file("node_modules/.bin/node", ELF, 0o755);
        let path = fixture.path("node_modules/.bin");
        let program = run("codex", None, &path.to_string_lossy(), &[]).expect("found");
        assert_eq!(program.path, real_path(&file).expect("there"), "{launcher}");
    }
}

/// pnpm's `node_modules`: a link to each package where it is a dependency, and each package beside links to what it needs.
struct Isolated(Fixture);

impl Isolated {
    fn store(name: &str, version: &str) -> String {
        format!("node_modules/.pnpm/{}@{version}/node_modules", name.replace('/', "+"))
    }

    /// A package with what it needs, each a name, and the package and version of that name.
    fn package(&self, name: &str, version: &str, manifest: &str, needs: &[(&str, &str, &str)]) -> String {
        let modules = Self::store(name, version);
        let text = format!(r#"{{"name":"{name}","version":"{version}"{manifest}}}"#);
        self.0.file(&format!("{modules}/{name}/package.json"), text.as_bytes(), 0o644);
        for (called, needed, version) in needs {
            let target = self.0.path(&format!("{}/{needed}", Self::store(needed, version)));
            self.0.link(&format!("{modules}/{called}"), &target);
        }
        format!("{modules}/{name}")
    }

    fn asked_for(&self, name: &str, version: &str) {
        self.0.link(&format!("node_modules/{name}"), &self.0.path(&format!("{}/{name}", Self::store(name, version))));
    }

    fn codex(&self, version: &str) -> PathBuf {
        let native = codex_native();
        let built = format!("{version}{}", native.name.trim_start_matches("@openai/codex"));
        self.package("@openai/codex", version, "", &[(native.name, "@openai/codex", &built)]);
        let launcher = Self::store("@openai/codex", version);
        self.0.file(&format!("{launcher}/@openai/codex/bin/codex.js"), b"#!/usr/bin/env node\n", 0o755);
        let package = self.package("@openai/codex", &built, "", &[]);
        self.0.file(&format!("{package}/{}", native.files[0]), ELF, 0o755)
    }
}

#[test]
fn an_isolated_package_is_found_by_every_way_with_its_version() {
    let fixture = Isolated(Fixture::new());
    let file = fixture.codex("0.169.0");
    fixture.asked_for("@openai/codex", "0.169.0");
    let shim = fixture.0.file("node_modules/.bin/codex", include_bytes!("../../../tests/shims/pnpm-12.21.0"), 0o755);
    let root = [fixture.0.path("src")];
    for (command, path, roots) in [
        (None, "".into(), &root[..]),
        (None, shim.parent().expect("has one").to_string_lossy(), &[]),
        (Some(file.to_string_lossy()), "".into(), &[]),
    ] {
        let program = run("codex", command.as_deref(), &path, roots).expect("found");
        assert_eq!((program.path, program.version.as_deref()), (file.clone(), Some("0.169.0")));
    }
}

#[test]
fn an_isolated_package_that_is_too_old_is_refused_and_one_that_is_not_is_no_prerelease() {
    let fixture = Isolated(Fixture::new());
    let old = fixture.codex("0.120.0");
    let oldest = fixture.codex("0.140.0");
    let error = run("codex", Some(&old.to_string_lossy()), "", &[]).expect_err("too old");
    assert!(error.to_string().contains("is OpenAI Codex 0.120.0, which is not supported"), "{error}");
    let program = run("codex", Some(&oldest.to_string_lossy()), "", &[]).expect("in the range");
    assert_eq!(program.version.as_deref(), Some("0.140.0"));
}

#[test]
fn the_program_of_an_isolated_sdk_is_found_with_its_own_version() {
    let fixture = Isolated(Fixture::new());
    fixture.package("@openai/codex-sdk", "0.163.0", "", &[("@openai/codex", "@openai/codex", "0.163.0")]);
    let codex = fixture.codex("0.163.0");
    fixture.asked_for("@openai/codex-sdk", "0.163.0");
    let program = run("codex", None, "", &[fixture.0.path("src")]).expect("found");
    assert_eq!((program.path, program.version.as_deref()), (codex, Some("0.163.0")));

    let sdk = "@anthropic-ai/claude-agent-sdk";
    let row = provider::find("claude").expect("a row");
    let native = row.cli.native_packages_here().find(|package| package.name.starts_with(sdk)).expect("listed").name;
    let mut files = vec![];
    for (version, cli) in [("0.3.332", "2.1.332"), ("0.3.330", "2.1.330")] {
        let told = format!(r#","claudeCodeVersion":"{cli}""#);
        fixture.package(sdk, version, &told, &[(native, native, version)]);
        let package = fixture.package(native, version, "", &[]);
        files.push(fixture.0.file(&format!("{package}/claude"), ELF, 0o755));
    }
    fixture.asked_for(sdk, "0.3.332");
    let program = run("claude", None, "", &[fixture.0.path("src")]).expect("found");
    assert_eq!((&program.path, program.version.as_deref()), (&files[0], Some("2.1.332")));
    // The SDK's own path differs; what both have in common, its version, identifies it.
    for (file, version) in [(&files[0], Some("2.1.332")), (&files[1], None)] {
        let program = run("claude", Some(&file.to_string_lossy()), "", &[]).expect("found");
        assert_eq!(program.version.as_deref(), version);
    }
}

/// A package for one platform with its own version, and the launcher beside it.
fn versions(fixture: &Fixture, own: &str, sibling: &str) -> (PathBuf, PathBuf, PathBuf) {
    let native = codex_native();
    let manifest = |package: &str, text: &str| fixture.file(&format!("{package}/package.json"), text.as_bytes(), 0o644);
    let own = manifest(&format!("node_modules/{}", native.name), own);
    let sibling = manifest("node_modules/@openai/codex", sibling);
    (fixture.file(&format!("node_modules/{}/{}", native.name, native.files[0]), ELF, 0o755), own, sibling)
}

#[test]
fn of_versions_that_disagree_the_older_one_counts() {
    for (own, sibling, version) in [
        (r#"{"version":"0.120.0"}"#, r#"{"version":"0.169.0"}"#, Err("0.120.0")),
        (r#"{"version":"0.169.0"}"#, r#"{"version":"0.120.0"}"#, Err("0.120.0")),
        (r#"{"version":"0.150.0"}"#, r#"{"version":"0.169.0"}"#, Ok("0.150.0")),
        (r#"{"version":"0.150.0"}"#, r#"{"version":"latest"}"#, Ok("0.150.0")),
        (r#"{"version":"latest"}"#, r#"{"version":"0.150.0"}"#, Ok("0.150.0")),
        (r#"{"version":"latest"}"#, r"{}", Err("does not state a valid")),
    ] {
        let fixture = Fixture::new();
        let (file, ..) = versions(&fixture, own, sibling);
        match (run("codex", Some(&file.to_string_lossy()), "", &[]), version) {
            (Ok(program), Ok(version)) => assert_eq!(program.version.as_deref(), Some(version), "{own} {sibling}"),
            (Err(error), Err(said)) => {
                assert_eq!(error.code(), ErrorCode::ProgramOutdated);
                assert!(error.to_string().contains(said) || said.starts_with("cannot"), "{error}");
            }
            (found, _) => panic!("{own} {sibling}: {found:?}"),
        }
    }
}

#[test]
fn a_manifest_that_others_can_write_makes_no_version_known_and_none_new_enough() {
    let fixture = Fixture::new();
    let (file, own, sibling) = versions(&fixture, r#"{"version":"0.169.0"}"#, r#"{"version":"0.168.0"}"#);
    let found = || run("codex", Some(&file.to_string_lossy()), "", &[]);
    let open = |path: &Path| std::fs::set_permissions(path, PermissionsExt::from_mode(0o666)).expect("ours");
    open(&sibling);
    assert_eq!(found().expect("found").version.as_deref(), Some("0.169.0"), "the other one's word does not count");
    open(&own);
    let program = found().expect("found");
    assert_eq!((program.version, program.doubt), (None, Some(Doubt::NotTrusted(own))));
    std::fs::write(&sibling, r#"{"version":"0.120.0"}"#).expect("ours");
    assert_eq!(found().expect_err("too old").code(), ErrorCode::ProgramOutdated);
}

#[test]
fn a_known_version_comes_before_an_unknown_one_and_a_script_stays_where_it_is() {
    let fixture = Fixture::new();
    let unknown = fixture.file("bin/claude", ELF, 0o755);
    let known = fixture.file("opt/versions/2.1.332", ELF, 0o755);
    let link = fixture.link("usr/claude", &known);
    let path = |names: &[&str]| {
        names.iter().map(|name| fixture.path(name).to_string_lossy().into_owned()).collect::<Vec<_>>().join(":")
    };
    let program = run("claude", None, &path(&["bin", "usr"]), &[]).expect("found");
    assert_eq!((program.path, program.found_at), (known, link));
    assert_eq!(run("claude", None, &path(&["bin"]), &[]).expect("found").path, unknown);
    let native = provider::find("claude").expect("a row").cli.native_packages_here().next().expect("listed");
    fixture.file(&format!("node_modules/{}/package.json", native.name), br#"{"version":"2.1.332"}"#, 0o644);
    fixture.file(&format!("node_modules/{}/claude", native.name), ELF, 0o755);
    let program = run("claude", None, &path(&["bin"]), &[fixture.path("src")]).expect("found");
    assert_eq!(program.path, unknown, "no package takes its place");
    let script = fixture.file("own/claude", b"#!/bin/sh\n", 0o755);
    assert_eq!(run("claude", None, &path(&["own", "usr"]), &[]).expect("found").path, script);
}

#[test]
fn a_package_found_upwards_from_a_root() {
    let fixture = Fixture::new();
    let native = codex_native();
    let file = fixture.file(&format!("node_modules/{}/{}", native.name, native.files[0]), ELF, 0o755);
    let root = fixture.path("apps/worker");
    let program = run("codex", None, "", std::slice::from_ref(&root)).expect("found");
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
    let target = Target::Other(Identity { uid: 12345, gid: 12345, groups: vec![] });
    let provider = provider::find("codex").expect("a row");
    let closed = home.join("bin").to_string_lossy().into_owned();

    let search = Search { command: None, path: &closed, package_roots: &[] };
    let error = resolve(provider, &search, &target, &ModeBits, &Proofs::default()).expect_err("closed");
    assert_eq!(error.code(), ErrorCode::ProgramUnreachable);
    assert_eq!(error.details().path.as_deref(), Some(&*home.to_string_lossy()));
    assert!(error.to_string().contains("mode 0700") && error.to_string().contains("system-wide"), "{error}");

    let both = format!("{closed}:{}", fixture.path("usr").display());
    let search = Search { command: None, path: &both, package_roots: &[] };
    let program = resolve(provider, &search, &target, &ModeBits, &Proofs::default()).expect("the second");
    assert_eq!(program.path, open);
}

/// Counts how often the kernel would have been asked.
struct Counting(Cell<usize>);

impl AccessCheck for Counting {
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
    let (counting, proofs) = (Counting(Cell::new(0)), Proofs::default());
    let ask = || resolve(provider, &search, &target, &counting, &proofs).expect("found");
    ask();
    ask();
    assert_eq!(counting.0.get(), 1);
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o700)).expect("ours");
    ask();
    assert_eq!(counting.0.get(), 2);
}

#[test]
fn a_proof_ends_when_what_told_the_version_changes() {
    let fixture = Fixture::new();
    let (file, own, sibling) = versions(&fixture, r#"{"version":"0.169.0"}"#, r#"{"version":"0.169.0"}"#);
    let command = file.to_string_lossy().into_owned();
    let search = Search { command: Some(&command), path: "", package_roots: &[] };
    let proofs = Proofs::default();
    let target = Target::Same { uid: 1, gid: 1 };
    let ask = || resolve(provider::find("codex").expect("a row"), &search, &target, &OwnAccess, &proofs);
    for manifest in [own, sibling, fixture.path("node_modules/codex-package.json")] {
        let manifest = if manifest.exists() { manifest } else { file.with_file_name("../codex-package.json") };
        let before = std::fs::read(&manifest).ok();
        assert_eq!(ask().expect("in the range").version.as_deref(), Some("0.169.0"));
        std::fs::write(&manifest, r#"{"version":"0.120.0"}"#).expect("ours");
        assert_eq!(ask().expect_err("too old").code(), ErrorCode::ProgramOutdated, "{}", manifest.display());
        match before {
            Some(text) => std::fs::write(&manifest, text).expect("ours"),
            None => std::fs::remove_file(&manifest).expect("ours"),
        }
    }
}
