//! The reasons why the kernel would not run a file, as text.

use std::path::Path;

/// What is wrong with a file.
#[derive(Debug, PartialEq, Eq)]
pub struct Fault {
    /// As a clause about the file: "it is empty".
    pub why: String,
    /// What would fix it, if that is not to reinstall the CLI.
    pub remedy: Option<&'static str>,
    /// What execve(2) would say.
    pub errno: i32,
    /// The program that it needs and that is not there.
    pub name: Option<String>,
}

impl Fault {
    fn new(why: impl Into<String>, errno: i32) -> Self {
        Self { why: why.into(), remedy: None, errno, name: None }
    }

    /// The fault of a file that is no program for any machine.
    pub fn not_executable(why: impl Into<String>) -> Self {
        Self::new(why, libc::ENOEXEC)
    }

    /// A program that names another one, which is not there.
    pub fn missing(why: impl Into<String>) -> Self {
        Self::new(why, libc::ENOENT)
    }

    /// A script's interpreter that is not there, or not on the `PATH`.
    pub fn no_interpreter(name: &str, where_to_be: &str) -> Self {
        Self::missing(format!("it is a script for {name}, which is not {where_to_be}"))
            .remedy("Install the interpreter system-wide, or install the CLI's native program.")
            .name(name)
    }

    /// An interpreter that would be looked for in the working directory, which is the workspace: never run from there.
    pub fn relative(program: &Path) -> Self {
        let name = program.to_string_lossy();
        Self::missing(format!("{name}, which runs it, is a relative path, which would lead into the workspace"))
            .name(name)
    }

    /// A loader or an interpreter that cannot run itself.
    pub fn of_tool(tool: &Path, fault: Self, errno: i32) -> Self {
        let name = tool.to_string_lossy();
        Self { why: format!("{name}, which runs it, cannot be run: {}", fault.why), errno, ..fault }.name(name)
    }

    /// Scripts that are run by scripts that are run by scripts.
    pub fn too_deep(most: usize) -> Self {
        Self::new(
            format!("its chain of interpreters has more than {most} scripts, which the kernel does not allow"),
            libc::ELOOP,
        )
    }

    /// Scripts whose interpreters are scripts, in many directories.
    pub fn maze(most: usize) -> Self {
        Self::new(
            format!("there are more than {most} scripts and interpreters on the child's PATH that could run it"),
            libc::ELOOP,
        )
        .remedy("Name the program itself in options.command, or pass a PATH with fewer directories.")
    }

    /// Says what would make the file a program.
    pub fn remedy(self, remedy: &'static str) -> Self {
        Self { remedy: Some(remedy), ..self }
    }

    /// Adds the program that is needed.
    pub fn name(self, name: impl Into<String>) -> Self {
        Self { name: Some(name.into()), ..self }
    }
}
