//! What counts as a program, compared with what the kernel says when it executes the same file: nothing that it refuses is
//! taken, and nothing that it runs is refused. The files are made here, byte by byte.
#![cfg(target_os = "linux")]
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a test fails by panicking")]

use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{Sender, channel};
use std::time::Duration;

use provider_env::error::{Error, ErrorCode};
use provider_env::process::command::Command;
use provider_env::process::identity::IdentityRequest;
use provider_env::process::inquiry::Locate;
use provider_env::process::launch::begin;
use provider_env::process::options::{ChildOptions, ProgramQuery, StopPolicy};
use provider_env::process::program::Program;
use provider_env::process::running::{LifecycleEvent, ProcessListener};
use provider_env::sys::real_path::real_path;
use provider_env::sys::wait::ExitStatus;

/// `_exit(0)` in machine code, and this machine's `e_machine`.
#[cfg(target_arch = "x86_64")]
const EXIT: (&[u8], u16) = (&[0xb8, 60, 0, 0, 0, 0x31, 0xff, 0x0f, 0x05], 62);
#[cfg(target_arch = "aarch64")]
const EXIT: (&[u8], u16) = (&[0xa8, 0x0b, 0x80, 0xd2, 0, 0, 0x80, 0xd2, 1, 0, 0, 0xd4], 183);

/// A made-up ELF program.
struct Elf<'a> {
    machine: u16,
    class: u8,
    kind: u16,
    loader: Option<&'a [u8]>,
}

impl Default for Elf<'_> {
    fn default() -> Self {
        Self { machine: EXIT.1, class: 2, kind: 2, loader: None }
    }
}

impl Elf<'_> {
    /// One segment to load, which is the whole file and begins with what runs; one that names the loader.
    fn bytes(&self) -> Vec<u8> {
        const BASE: u64 = 0x40_0000;
        let loader = self.loader.unwrap_or_default();
        let count: u16 = if self.loader.is_some() { 2 } else { 1 };
        let code_at = 64 + 56 * u64::from(count);
        let loader_at = code_at + EXIT.0.len() as u64;
        let length = loader_at + loader.len() as u64;
        let mut file = b"\x7fELF".to_vec();
        file.extend([self.class, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
        for half in [self.kind, self.machine] {
            file.extend(half.to_le_bytes());
        }
        file.extend(1_u32.to_le_bytes());
        for long in [BASE + code_at, 64, 0] {
            file.extend(long.to_le_bytes());
        }
        file.extend(0_u32.to_le_bytes());
        for half in [64, 56, count, 0, 0, 0] {
            file.extend(half.to_le_bytes());
        }
        let mut segment = |kind: u32, flags: u32, at: u64, size: u64| {
            file.extend(kind.to_le_bytes());
            file.extend(flags.to_le_bytes());
            for long in [at, BASE + at, BASE + at, size, size, 0x1000] {
                file.extend(long.to_le_bytes());
            }
        };
        segment(1, 5, 0, length);
        if self.loader.is_some() {
            segment(3, 4, loader_at, loader.len() as u64);
        }
        file.extend(EXIT.0);
        file.extend(loader);
        file
    }
}

struct Place(tempfile::TempDir);

impl Place {
    fn new() -> Self {
        let dir = tempfile::tempdir().expect("a directory");
        std::fs::set_permissions(dir.path(), std::fs::Permissions::from_mode(0o755)).expect("ours");
        Self(dir)
    }

    fn path(&self, name: &str) -> PathBuf {
        real_path(self.0.path()).expect("there").join(name)
    }

    fn file(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().expect("has one")).expect("ours");
        std::fs::write(&path, content).expect("ours");
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).expect("ours");
        path
    }

    fn name(&self, name: &str) -> String {
        self.path(name).to_string_lossy().into_owned()
    }
}

struct Heard(Sender<LifecycleEvent>);

impl ProcessListener for Heard {
    fn on_event(&self, _: u64, event: LifecycleEvent) {
        let _ = self.0.send(event);
    }
}

fn ids() -> IdentityRequest {
    IdentityRequest { allow_root: Some(true), ..IdentityRequest::default() }
}

/// What the kernel says to `execve`, or how what it began has ended. A child of another test has our descriptors for a moment,
/// so that the file may still count as open for writing.
fn kernel(file: &Path) -> Result<ExitStatus, i32> {
    loop {
        match execute(file) {
            Err(libc::ETXTBSY) => std::thread::yield_now(),
            other => return other,
        }
    }
}

fn execute(file: &Path) -> Result<ExitStatus, i32> {
    let (sender, events) = channel();
    let child = ChildOptions {
        command: Some(file.to_string_lossy().into_owned()),
        ids: ids(),
        stop: StopPolicy { kill_signal: libc::SIGKILL, kill_group_on_exit: true, ..StopPolicy::default() },
        ..ChildOptions::default()
    };
    begin(Command::new(child).expect("a command"), Arc::new(Heard(sender))).expect("begun");
    loop {
        match events.recv_timeout(Duration::from_secs(120)).expect("an event") {
            LifecycleEvent::Exited(status) => return Ok(status),
            LifecycleEvent::Failed(error) => {
                assert_eq!(error.details().step, Some("execute"), "{error}");
                return Err(error.details().errno.expect("a number"));
            }
            LifecycleEvent::Untested(_) | LifecycleEvent::Spawned { .. } | LifecycleEvent::TimedOut => {}
        }
    }
}

fn find(command: Option<&Path>, path: &str) -> Result<Program, Error> {
    let command = command.map(|command| command.to_string_lossy().into_owned());
    let query =
        ProgramQuery { provider: "claude".into(), command, path: path.into(), package_roots: Vec::new(), ids: ids() };
    Locate::new(query).expect("a row").find()
}

/// What a file is called, what is in it, and a part of what is said about it.
fn refused(place: &Place) -> Vec<(PathBuf, &'static str)> {
    let other = if EXIT.1 == 62 { 183 } else { 62 };
    let whole = Elf::default().bytes();
    let long = "x".repeat(300);
    let script = place.file("scripts/plain", "#!/bin/sh\n");
    let mut deep = script;
    for depth in 2..=6 {
        deep = place.file(&format!("scripts/{depth}"), format!("#!{}\n", deep.display()));
    }
    std::fs::create_dir_all(place.path("directory")).expect("ours");
    let bad_loader = place.name("bad-loader");
    place.file("bad-loader", "no ELF file".repeat(10));
    vec![
        (place.file("empty", ""), "it is empty"),
        (place.file("text", "echo hello\n"), "neither an ELF program nor a script"),
        (place.file("fake", "\x7fELF made up"), "it is truncated"),
        (place.file("cut-table", &whole[..80]), "it is truncated"),
        (place.file("machine", Elf { machine: other, ..Elf::default() }.bytes()), "built for another machine ("),
        (place.file("mips", Elf { machine: 8, ..Elf::default() }.bytes()), "built for another machine (MIPS)"),
        (place.file("object", Elf { kind: 1, ..Elf::default() }.bytes()), "not a program (an object or a core dump)"),
        (
            place.file("loader-absent", Elf { loader: Some(b"/lib/ld-absent.so.1\0"), ..Elf::default() }.bytes()),
            "its dynamic loader, /lib/ld-absent.so.1, does not exist: the program is built for another system",
        ),
        (
            place.file(
                "loader-bad",
                Elf { loader: Some(format!("{bad_loader}\0").as_bytes()), ..Elf::default() }.bytes(),
            ),
            "bad-loader, which runs it, cannot be run: it is not an ELF file",
        ),
        (
            place.file("loader-unended", Elf { loader: Some(b"/lib/ld"), ..Elf::default() }.bytes()),
            "the name of its dynamic loader is damaged",
        ),
        (place.file("cr", "#!/bin/sh\r\necho\r\n"), "ends with a carriage return"),
        (place.file("bare", "#!\n"), "names no interpreter"),
        (place.file("blank", "#! \t \n"), "names no interpreter"),
        (place.file("absent", "#!/nowhere/sh\n"), "it is a script for /nowhere/sh, which is not installed"),
        (place.file("long", format!("#!/{long}\n")), "longer than 256 bytes"),
        (place.file("directory-runs", format!("#!{}\n", place.name("directory"))), "it is a directory"),
        (
            place.file("empty-runs", format!("#!{}\n", place.name("empty"))),
            "empty, which runs it, cannot be run: it is empty",
        ),
        (
            place.file("loader-absent-runs", format!("#!{}\n", place.name("loader-absent"))),
            "its dynamic loader, /lib/ld-absent.so.1, does not exist",
        ),
        (deep, "more than 5 scripts"),
    ]
}

#[test]
fn what_the_kernel_refuses_is_refused_before_a_start_with_its_error() {
    let place = Place::new();
    for (file, words) in refused(&place) {
        let shown = file.display();
        let errno = kernel(&file).expect_err(&format!("{shown}: the kernel ran it"));
        let error = find(Some(&file), "").expect_err(&format!("{shown}: taken for a program"));
        assert_eq!(error.code(), ErrorCode::ProgramUnreachable, "{error}");
        assert!(error.to_string().contains(words), "{error}");
        assert!(error.to_string().starts_with(&format!("{shown} cannot be run: ")), "{error}");
        assert_eq!(error.details().path.as_deref(), Some(&*file.to_string_lossy()), "{error}");
        // A table that ends too early is EIO to the kernel, which says it of a failing disk too.
        let expected = if errno == libc::EIO { libc::ENOEXEC } else { errno };
        assert_eq!(error.details().errno, Some(expected), "{error}");
    }
}

#[test]
fn what_the_kernel_begins_and_what_then_fails_is_refused_too() {
    let place = Place::new();
    let mut cut = Elf::default().bytes();
    // A segment that goes on for a page more than the file has.
    cut[64 + 32..64 + 40].copy_from_slice(&0x3000_u64.to_le_bytes());
    cut[64 + 40..64 + 48].copy_from_slice(&0x3000_u64.to_le_bytes());
    for (file, words) in [
        (place.file("cut", &cut), "it is truncated"),
        (place.file("env", "#!/usr/bin/env made-up-interpreter\n"), "which is not on the child's PATH"),
        (place.file("env-cr", "#!/usr/bin/env sh\r\n"), "ends with a carriage return"),
        (place.file("env-words", "#!/usr/bin/env sh -e\n"), "more than one word"),
        (place.file("option-cr", "#!/bin/sh -e\r\n"), "ends with a carriage return"),
    ] {
        if file.ends_with("env") {
            assert_eq!(kernel(&file), Ok(ExitStatus::Code(127)), "what env says");
        }
        let error = find(Some(&file), "/usr/bin:/bin").expect_err("taken for a program");
        assert!(error.to_string().contains(words), "{error}");
    }
    let relative = place.file("relative", "#!bin/sh\n");
    let error = find(Some(&relative), "").expect_err("the workspace's");
    assert!(error.to_string().contains("is a relative path, which would lead into the workspace"), "{error}");
}

#[test]
fn what_the_kernel_runs_is_a_program() {
    let place = Place::new();
    let plain = place.file("scripts/plain", "#!/bin/sh\n");
    let mut deep = plain.clone();
    for depth in 2..=5 {
        deep = place.file(&format!("scripts/{depth}"), format!("#!{}\n", deep.display()));
    }
    let blanks = " ".repeat(300);
    let good = place.file("good", Elf::default().bytes());
    symlink(&good, place.path("link")).expect("ours");
    for file in [
        good,
        plain,
        deep,
        place.file("no-newline", "#!/bin/sh"),
        place.file("blanks", format!("#!/bin/sh{blanks}\n")),
        place.file("argument", "#! /bin/sh -e\n"),
        place.file("by-link", format!("#!{}\n", place.name("link"))),
        place.file("env", "#!/usr/bin/env sh\n"),
        place.file("env-split", "#!/usr/bin/env -S sh -e\n"),
        PathBuf::from("/bin/sh"),
    ] {
        assert_eq!(kernel(&file), Ok(ExitStatus::Code(0)), "{}", file.display());
        if let Err(error) = find(Some(&file), "/usr/bin:/bin") {
            panic!("refused, and the kernel runs it: {error}");
        }
    }
}

/// Each byte of the header with other values: what the kernel refuses for the header's sake is refused, and what it runs to its
/// end is not. What it maps and cannot go on with (EINVAL, ENOMEM, a signal) may be either.
#[test]
fn a_header_with_any_byte_changed_is_judged_as_by_the_kernel() {
    let place = Place::new();
    let whole = Elf::default().bytes();
    let (mut refused, mut ran) = (0, 0);
    for at in 0..64 {
        for value in [0, 1, 3, 0x7f, 0xff, whole[at] ^ 0x80] {
            let mut bytes = whole.clone();
            bytes[at] = value;
            let file = place.file(&format!("{at}-{value}"), &bytes);
            let ours = find(Some(&file), "");
            match kernel(&file) {
                Err(libc::ENOEXEC | libc::EIO | libc::ENOENT | libc::ELIBBAD) => {
                    refused += 1;
                    assert!(ours.is_err(), "byte {at} is {value}: the kernel refuses it");
                }
                Ok(ExitStatus::Code(0)) => {
                    ran += 1;
                    assert!(ours.is_ok(), "byte {at} is {value}: the kernel runs it, and here {:?}", ours.err());
                }
                _ => {}
            }
            std::fs::remove_file(&file).expect("ours");
        }
    }
    assert!(refused > 50 && ran > 50, "{refused} refused, {ran} ran");
}

#[test]
fn scripts_for_env_in_many_directories_are_no_maze() {
    let place = Place::new();
    let directories: Vec<String> = (0..32).map(|at| format!("bin{at}")).collect();
    for directory in &directories {
        place.file(&format!("{directory}/claude"), "#!/usr/bin/env s1\n");
        for at in 1..4 {
            place.file(&format!("{directory}/s{at}"), format!("#!/usr/bin/env s{}\n", at + 1));
        }
        place.file(&format!("{directory}/s4"), "#!/nonexistent\n");
    }
    let path = directories.iter().map(|directory| place.name(directory)).collect::<Vec<_>>().join(":");
    // 32⁵ ways: without a bound it ends in days.
    let error = find(None, &path).expect_err("none of them");
    assert!(error.to_string().contains("more than 256 scripts and interpreters"), "{error}");
}

#[test]
fn a_candidate_that_cannot_run_is_passed_over_and_named_where_none_can() {
    let place = Place::new();
    let absent = Elf { loader: Some(b"/lib/ld-absent.so.1\0"), ..Elf::default() };
    place.file("a/claude", absent.bytes());
    place.file("b/claude", "");
    place.file("c/claude", "#!/bin/sh\r\n");
    let directories = |names: &[&str]| names.iter().map(|name| place.name(name)).collect::<Vec<_>>().join(":");
    let error = find(None, &directories(&["a", "b", "c"])).expect_err("none of them");
    let text = error.to_string();
    assert!(text.starts_with(&format!("{} cannot be run: its dynamic loader", place.name("a/claude"))), "{text}");
    assert!(
        text.contains(&format!(
            "None of the other candidates can be run either: {} (it is empty); ",
            place.name("b/claude")
        )),
        "{text}"
    );
    assert!(text.ends_with("ends with a carriage return, as in a file with Windows line endings)."), "{text}");

    let good = place.file("d/claude", Elf::default().bytes());
    let found = find(None, &directories(&["a", "b", "c", "d"])).expect("the fourth");
    assert_eq!(found.path, good);
    std::fs::write(place.path("b/claude"), "#!/bin/sh\n").expect("ours");
    let found = find(None, &directories(&["a", "b", "c", "d"])).expect("the second");
    assert_eq!(found.path, place.path("b/claude"), "no refusal is remembered");
}

#[test]
fn many_candidates_make_no_long_message() {
    let place = Place::new();
    let names: Vec<String> = (0..200).map(|number| format!("{number:03}")).collect();
    for name in &names {
        place.file(&format!("{name}/claude"), "");
    }
    let path = names.iter().map(|name| place.name(name)).collect::<Vec<_>>().join(":");
    let error = find(None, &path).expect_err("none");
    let text = error.to_string();
    assert!(text.contains("; and 196 more.") && text.len() < 1000, "{} bytes: {text}", text.len());
}

#[test]
fn env_takes_the_first_that_runs_as_execvp_does() {
    let place = Place::new();
    let absent = Elf { loader: Some(b"/lib/ld-absent.so.1\0"), ..Elf::default() };
    place.file("a/node", absent.bytes());
    let good = place.file("b/node", Elf::default().bytes());
    // One for each question: what was proved of a script holds until a file of the proof changes.
    let script = |name: &str| place.file(name, "#!/usr/bin/env node\n");
    let both = format!("{}:{}", place.name("a"), place.name("b"));
    assert_eq!(find(Some(&script("1")), &both).expect("the second").interpreter.as_deref(), Some(&*good));
    let error = find(Some(&script("2")), &place.name("a")).expect_err("none that runs");
    assert!(error.to_string().contains("a/node, which runs it, cannot be run: its dynamic loader"), "{error}");
    // `execvp` does not go on after ENOEXEC.
    place.file("a/node", "");
    let error = find(Some(&script("3")), &both).expect_err("it would be run");
    assert!(error.to_string().contains("a/node, which runs it, cannot be run: it is empty"), "{error}");
    // A script for itself ends.
    place.file("a/node", "#!/usr/bin/env node\n");
    let error = find(Some(&script("4")), &both).expect_err("for ever");
    assert_eq!(error.details().errno, Some(libc::ELOOP), "{error}");
}

#[test]
fn what_is_there_but_not_executable_is_named() {
    let place = Place::new();
    let file = place.file("a/claude", "#!/bin/sh\n");
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o644)).expect("ours");
    let error = find(None, &place.name("a")).expect_err("nobody may execute it");
    assert_eq!(error.code(), ErrorCode::ProgramNotFound);
    assert!(error.to_string().ends_with(&format!(" {} exists, but it is not executable.", file.display())), "{error}");
}
