//! The `#!` line of a script, as the kernel reads it (`load_script` in fs/binfmt_script.c), and how `env` interprets
//! it.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;

use super::fault::Fault;

/// The kernel reads this much of a file to find out what it is (`BINPRM_BUF_SIZE`; execve(2), "Interpreter scripts").
pub const HEAD_BYTES: usize = 256;

#[derive(Debug, PartialEq, Eq)]
pub enum Line {
    Interpreter(PathBuf),
    /// What `env`, at this path, finds under this name.
    Env(PathBuf, String),
}

/// Reads the line of a file that begins with `head`; none when it does not begin with `#!`.
pub fn line(head: &[u8]) -> Option<Result<Line, Fault>> {
    let rest = head.strip_prefix(b"#!")?;
    Some(words(rest, head.len() >= HEAD_BYTES).and_then(|(interpreter, argument)| who(interpreter, argument)))
}

/// The interpreter, and all that is behind it: one argument, in which only `env -S` sees words.
fn words(rest: &[u8], may_go_on: bool) -> Result<(&[u8], &[u8]), Fault> {
    let end = rest.iter().position(|byte| *byte == b'\n');
    let line = trim_start(&rest[..end.unwrap_or(rest.len())]);
    let mut parts = line.splitn(2, |byte| matches!(byte, b' ' | b'\t' | b'\0'));
    let interpreter = parts.next().unwrap_or_default();
    if interpreter.is_empty() {
        return Err(Fault::not_executable("its first line (#!) names no interpreter"));
    }
    let argument = parts.next();
    // Cut within the name, it would be another program's. A cut argument the kernel lets pass.
    if end.is_none() && may_go_on && argument.is_none() {
        let why = format!(
            "its first line (#!) is longer than {HEAD_BYTES} bytes, which is all that the kernel reads \
            of it"
        );
        return Err(Fault::not_executable(why));
    }
    Ok((interpreter, trim(argument.unwrap_or_default())))
}

fn who(interpreter: &[u8], argument: &[u8]) -> Result<Line, Fault> {
    // The kernel looks for a program whose name ends so, and `env` too; an interpreter takes it for part of an option.
    if interpreter.ends_with(b"\r") || argument.ends_with(b"\r") {
        let why = "its first line (#!) ends with a carriage return, as in a file with Windows line endings";
        return Err(Fault::missing(why).remedy("Save it with Unix line endings."));
    }
    let program = PathBuf::from(OsStr::from_bytes(interpreter));
    if !program.is_absolute() {
        return Err(Fault::relative(&program));
    }
    if program.file_name() != Some(OsStr::new("env")) {
        return Ok(Line::Interpreter(program));
    }
    let name = env_name(argument)?;
    Ok(Line::Env(program, name))
}

/// The command of `env NAME`, `env -S NAME=value node --flag` and `env -Snode`.
fn env_name(argument: &[u8]) -> Result<String, Fault> {
    let text = String::from_utf8_lossy(argument);
    let split = ["--split-string=", "--split-string", "-S", "-vS", "-iS"];
    let Some(words) = split.iter().find_map(|option| text.strip_prefix(option)) else {
        let is_option = text.is_empty() || text.starts_with('-') || text.contains('=');
        return if is_option {
            Err(Fault::not_executable("its first line (#!) passes no command to env"))
        } else {
            one_word(&text)
        };
    };
    let mut words = words.split_ascii_whitespace();
    while let Some(word) = words.next() {
        if takes_the_next(word) {
            words.next();
        } else if !word.starts_with('-') && !word.contains('=') {
            return Ok(word.to_owned());
        }
    }
    Err(Fault::not_executable("its first line (#!) passes no command to env"))
}

/// Whether the value of an option of `env` is the word after it: env(1) of GNU coreutils 9.1, and `-P` of the BSDs.
fn takes_the_next(word: &str) -> bool {
    if word.starts_with("--") {
        return matches!(word, "--unset" | "--chdir" | "--argv0");
    }
    let Some(flags) = word.strip_prefix('-') else { return false };
    flags.find(['u', 'C', 'a', 'P']).is_some_and(|at| at + 1 == flags.len())
}

/// Without `-S`, `env` takes all that follows for one name, blanks included.
fn one_word(text: &str) -> Result<String, Fault> {
    if !text.contains([' ', '\t']) {
        return Ok(text.to_owned());
    }
    let why = "its first line (#!) passes more than one word to env, which takes them as the name of one program";
    Err(Fault::missing(why).remedy("Write `env -S` there."))
}

/// Blanks, as the kernel sees them; a short file is followed by zeros.
fn trim(text: &[u8]) -> &[u8] {
    let mut text = trim_start(text);
    while let [rest @ .., b' ' | b'\t' | b'\0'] = text {
        text = rest;
    }
    text
}

fn trim_start(mut text: &[u8]) -> &[u8] {
    while let [b' ' | b'\t', rest @ ..] = text {
        text = rest;
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Line, i32> {
        let head = &text.as_bytes()[..text.len().min(HEAD_BYTES)];
        line(head).expect("a script").map_err(|fault| fault.errno)
    }

    #[test]
    fn lines_as_the_kernel_reads_them() {
        let interpreter = |path: &str| Ok(Line::Interpreter(path.into()));
        let env = |name: &str| Ok(Line::Env("/usr/bin/env".into(), name.into()));
        let long = "x".repeat(HEAD_BYTES);
        for (text, expected) in [
            ("#!/bin/sh\n", interpreter("/bin/sh")),
            ("#!/bin/sh", interpreter("/bin/sh")),
            ("#! \t/bin/sh -e \nrest", interpreter("/bin/sh")),
            ("#!/bin/sh\0more\n", interpreter("/bin/sh")),
            (&*format!("#!/bin/sh {long}"), interpreter("/bin/sh")),
            ("#!/usr/bin/env node\n", env("node")),
            ("#!/usr/bin/env -S node --flag\n", env("node")),
            ("#!/usr/bin/env -SNAME=value node\n", env("node")),
            ("#!/usr/bin/env -S -u NAME node\n", env("node")),
            ("#!/usr/bin/env -S -uNAMEa --unset OTHER --unset=C -iC /tmp node -u x\n", env("node")),
            ("#!/usr/bin/env -S --argv0 -x --chdir / -v node\n", env("node")),
            ("#!/usr/bin/env -S -u node\n", Err(libc::ENOEXEC)),
            ("#!/usr/bin/env --split-string=node -x\n", env("node")),
            (&*format!("#!/bin/sh{}", " ".repeat(HEAD_BYTES)), interpreter("/bin/sh")),
            ("#!", Err(libc::ENOEXEC)),
            ("#!\n/bin/sh", Err(libc::ENOEXEC)),
            ("#! \t \n", Err(libc::ENOEXEC)),
            (&*format!("#!/{long}"), Err(libc::ENOEXEC)),
            ("#!/bin/sh\r\n", Err(libc::ENOENT)),
            ("#!/bin/sh -e\r\n", Err(libc::ENOENT)),
            ("#!/usr/bin/env node\r\n", Err(libc::ENOENT)),
            ("#!bin/sh\n", Err(libc::ENOENT)),
            ("#!/usr/bin/env node --flag\n", Err(libc::ENOENT)),
            ("#!/usr/bin/env\n", Err(libc::ENOEXEC)),
            ("#!/usr/bin/env -S\n", Err(libc::ENOEXEC)),
            ("#!/usr/bin/env -i\n", Err(libc::ENOEXEC)),
        ] {
            assert_eq!(read(text), expected, "{text:?}");
        }
        assert_eq!(line(b"\x7fELF"), None);
        assert_eq!(line(b""), None);
    }
}
