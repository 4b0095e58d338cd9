//! Checks what a file needs to run: the loader that an ELF file names, and the interpreters of a script, each of which
//! is again such a file. The rules are those of the kernel at `execve`, applied before there is a process.

use std::cell::Cell;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use rustix::fs::Access;

use super::super::access::{Check, checks_along};
use super::binfmt_misc;
use super::candidates;
use super::elf;
use super::fault::Fault;
use super::shebang::{self, HEAD_BYTES, Line};
use crate::sys::real_path::real_path;
use crate::sys::regular_file::open_regular;

/// So many scripts may be run by each other (`exec_binprm` in fs/exec.c), the first among them.
const MAX_SCRIPTS: usize = 5;

/// So many interpreters are looked at for one start. Scripts for `env` of scripts for `env` in each directory of a tenant's on
/// the `PATH` make a maze, whose ways grow with the fifth power of the directories.
pub const MAX_LOOKS: usize = 256;

/// "Accessing a corrupted shared library", by its number: libc has no name for it elsewhere than on Linux.
const ELIBBAD: i32 = 80;

#[derive(Debug, Default)]
pub struct Needs {
    /// A script's interpreter; of one for `env`, what that finds.
    pub interpreter: Option<PathBuf>,
    /// All that the target must be able to use: every step to the program, the program, and the same of what runs it.
    pub checks: Vec<Check>,
}

/// Looks into a file as the kernel would at `execve`, and into what runs it.
pub struct Look<'a> {
    /// The `PATH` of the child, on which `env` looks for an interpreter.
    pub path: &'a str,
    /// Whether the target can use all of these.
    pub can_use: &'a dyn Fn(&[Check]) -> bool,
    /// The looks at interpreters that are left.
    pub looks: &'a Cell<usize>,
}

impl std::fmt::Debug for Look<'_> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(self.path)
    }
}

impl Look<'_> {
    /// What the file at this real path needs.
    ///
    /// # Errors
    /// Why it cannot be run by anybody.
    pub fn at(&self, file: &Path) -> Result<Needs, Fault> {
        let mut needs = Needs::default();
        let tools = self.tools(file, 1, &mut needs)?;
        // The kernel reads a program for us; a script is read by its interpreter, as the target.
        let access = if needs.interpreter.is_some() { Access::READ_OK | Access::EXEC_OK } else { Access::EXEC_OK };
        add(&mut needs.checks, checks_along(file, access));
        add(&mut needs.checks, tools.into_iter());
        Ok(needs)
    }

    /// The checks of what runs `file`, which is the `depth`th script if it is one.
    fn tools(&self, file: &Path, depth: usize, needs: &mut Needs) -> Result<Vec<Check>, Fault> {
        // What we may not read is for the kernel to judge: root-owned 0711 is what docs/hardening.md advises.
        let Some((opened, head)) = open(file) else { return Ok(Vec::new()) };
        if let Some(line) = shebang::line(&head) {
            if depth > MAX_SCRIPTS {
                return Err(Fault::too_deep(MAX_SCRIPTS));
            }
            return self.of_script(line?, depth, needs);
        }
        match loader(&opened, &head) {
            Ok(None) => Ok(Vec::new()),
            Ok(Some(loader)) => of_loader(&loader),
            Err(fault) if fault.errno == libc::ENOEXEC && binfmt_misc::handles(file, &head) => Ok(Vec::new()),
            Err(fault) => Err(fault),
        }
    }

    fn of_script(&self, line: Line, depth: usize, needs: &mut Needs) -> Result<Vec<Check>, Fault> {
        match line {
            Line::Interpreter(program) => {
                let checks = self.of_tool(&program, depth + 1)?;
                needs.interpreter.get_or_insert(program);
                Ok(checks)
            }
            Line::Env(env, name) => {
                let mut checks = self.of_tool(&env, depth + 1)?;
                let (program, more) = self.named(&name, depth + 1)?;
                needs.interpreter.get_or_insert(program);
                checks.extend(more);
                Ok(checks)
            }
        }
    }

    /// What `env` finds: as `execvp`, the first that exists with all that it needs and that the target can run.
    fn named(&self, name: &str, depth: usize) -> Result<(PathBuf, Vec<Check>), Fault> {
        if name.contains('/') {
            let program = PathBuf::from(name);
            if !program.is_absolute() {
                return Err(Fault::relative(&program));
            }
            return self.of_tool(&program, depth).map(|checks| (program, checks));
        }
        let programs: Vec<PathBuf> = candidates::on_path(name, self.path).collect();
        // To ask as the target costs a process.
        let is_only = programs.len() == 1;
        let mut first = None;
        for program in programs {
            let found = self.of_tool(&program, depth).map(|checks| (program, checks));
            match found {
                Ok((program, checks)) if is_only || (self.can_use)(&checks) => return Ok((program, checks)),
                // It would be run, and fail.
                Err(fault) if !matches!(fault.errno, libc::ENOENT | libc::EACCES) => return Err(fault),
                found => first = first.or(Some(found)),
            }
        }
        first.unwrap_or_else(|| Err(Fault::no_interpreter(name, "on the child's PATH")))
    }

    /// What the target must be able to do with an interpreter or a loader.
    fn of_tool(&self, program: &Path, depth: usize) -> Result<Vec<Check>, Fault> {
        let Some(left) = self.looks.get().checked_sub(1) else { return Err(Fault::maze(MAX_LOOKS)) };
        self.looks.set(left);
        let real = match real_path(program) {
            Ok(real) => real,
            Err(error) if is_absent(&error) => {
                return Err(Fault::no_interpreter(&program.to_string_lossy(), "installed"));
            }
            // A closed directory is found, and named, when the target is asked.
            Err(_) => return Ok(checks_along(program, Access::EXEC_OK).collect()),
        };
        if real.is_dir() {
            return Err(Fault::of_tool(program, Fault::not_executable("it is a directory"), libc::EACCES));
        }
        let mut inner = Needs::default();
        let tools = self.tools(&real, depth, &mut inner).map_err(|fault| match fault.errno {
            libc::ELOOP => fault,
            errno => Fault::of_tool(program, fault, errno),
        })?;
        let access = if inner.interpreter.is_some() { Access::READ_OK | Access::EXEC_OK } else { Access::EXEC_OK };
        Ok(along(program, &real, access).chain(tools).collect())
    }
}

/// The dynamic loader that an ELF file names, if any; none for what is no ELF file only where Linux does not judge.
fn loader(file: &File, head: &[u8]) -> Result<Option<PathBuf>, Fault> {
    if head.is_empty() {
        return Err(Fault::not_executable("it is empty"));
    }
    if !cfg!(target_os = "linux") {
        return Ok(None);
    }
    if !head.starts_with(elf::MAGIC) {
        let why = "it is neither an ELF program nor a script, whose first line would name its interpreter (#!)";
        return Err(Fault::not_executable(why));
    }
    elf::loader(file, head)
}

/// A loader is run by nothing else: it must be an ELF file of this machine.
fn of_loader(loader: &Path) -> Result<Vec<Check>, Fault> {
    let name = loader.to_string_lossy();
    if !loader.is_absolute() {
        return Err(Fault::relative(loader));
    }
    let real = match real_path(loader) {
        Ok(real) => real,
        Err(error) if is_absent(&error) => {
            let why = format!(
                "its dynamic loader, {name}, does not exist: the program is built for another system (glibc or \
                    musl)"
            );
            return Err(Fault::missing(why).name(name));
        }
        Err(_) => return Ok(checks_along(loader, Access::EXEC_OK).collect()),
    };
    if let Some((file, head)) = open(&real) {
        let is_elf = head.starts_with(elf::MAGIC);
        let fault =
            if is_elf { elf::loader(&file, &head).err() } else { Some(Fault::not_executable("it is not an ELF file")) };
        if let Some(fault) = fault {
            return Err(Fault::of_tool(loader, fault, ELIBBAD));
        }
    } else if real.is_dir() {
        return Err(Fault::of_tool(loader, Fault::not_executable("it is a directory"), libc::EACCES));
    }
    // Not each step to it: a proof looks at all of its paths with every start, and this one is the system's.
    Ok(vec![Check { path: loader.into(), access: Access::EXEC_OK }])
}

/// Nothing of that name, and no directory that keeps us from seeing.
fn is_absent(error: &std::io::Error) -> bool {
    matches!(error.raw_os_error(), Some(libc::ENOENT | libc::ENOTDIR))
}

/// Every step to a file by its real path, and the file by the name that leads there: a proof ends when a link changes.
fn along(named: &Path, real: &Path, access: Access) -> impl Iterator<Item = Check> {
    let by_name = (named != real).then(|| Check { path: named.into(), access });
    checks_along(real, access).chain(by_name)
}

/// Adds what is not among them yet: most paths begin alike.
fn add(checks: &mut Vec<Check>, more: impl Iterator<Item = Check>) {
    for check in more {
        if !checks.contains(&check) {
            checks.push(check);
        }
    }
}

/// A file with what it begins with; none for what we cannot read.
fn open(file: &Path) -> Option<(File, Vec<u8>)> {
    let file = open_regular(file)?;
    let mut head = Vec::with_capacity(HEAD_BYTES);
    (&file).take(HEAD_BYTES as u64).read_to_end(&mut head).ok()?;
    Some((file, head))
}
