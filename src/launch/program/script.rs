//! A script's interpreter: the kernel's `#!` line, and what `env` would look up.

use std::io::Read;
use std::path::{Path, PathBuf};

use super::candidates;
use super::file::open_regular;

/// The kernel reads this much of a file to find the line (`BINPRM_BUF_SIZE`, execve(2) "Interpreter scripts").
const LINE_BYTES: usize = 256;

/// What a file needs to be run.
#[derive(Debug, PartialEq, Eq)]
pub enum Interpreter {
    /// Nothing: the kernel loads it itself.
    None,
    /// A program, and `env` if the line goes through it.
    Found {
        /// The interpreter.
        program: PathBuf,
        /// `env`.
        loader: Option<PathBuf>,
    },
    /// It is not there.
    Missing(String),
}

/// Reads the `#!` line of `file`; names after `env` are looked up on `path`.
pub fn interpreter(file: &Path, path: &str) -> Interpreter {
    let Some(line) = first_line(file) else {
        return Interpreter::None;
    };
    let mut words = line.split_ascii_whitespace();
    let Some(program) = words.next().map(PathBuf::from) else {
        return Interpreter::None;
    };
    if !program.ends_with("env") {
        return found_or_missing(program.exists().then_some(program.clone()), &program.to_string_lossy(), None);
    }
    // `env -S node --flag`, `env NAME=value node`
    let name = words.find(|word| !word.starts_with('-') && !word.contains('='));
    let Some(name) = name else {
        return Interpreter::Missing("env without a command".into());
    };
    found_or_missing(candidates::on_path(name, path).next(), name, Some(program))
}

fn found_or_missing(program: Option<PathBuf>, name: &str, loader: Option<PathBuf>) -> Interpreter {
    match program {
        Some(program) => Interpreter::Found { program, loader },
        None => Interpreter::Missing(name.to_owned()),
    }
}

/// The text after `#!`; none when the file does not begin so.
fn first_line(file: &Path) -> Option<String> {
    let mut head = Vec::with_capacity(LINE_BYTES);
    open_regular(file)?.take(LINE_BYTES as u64).read_to_end(&mut head).ok()?;
    let line = head.strip_prefix(b"#!")?.split(|byte| *byte == b'\n').next()?;
    Some(String::from_utf8_lossy(line).into_owned())
}
