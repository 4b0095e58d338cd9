//! Reads what an ELF file needs to run, as the kernel does (`load_elf_binary` in fs/binfmt_elf.c; elf(5)).

use std::ffi::OsStr;
use std::fs::File;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use super::fault::Fault;

/// What every ELF file begins with.
pub const MAGIC: &[u8] = b"\x7fELF";

/// This machine's `e_machine`; none where we do not know it, and then any is let pass.
const MACHINE: Option<u16> = if cfg!(target_arch = "x86_64") {
    Some(62)
} else if cfg!(target_arch = "aarch64") {
    Some(183)
} else {
    None
};

/// Those of older 32-bit programs that a kernel for this machine may run too: `EM_386`, `EM_ARM`.
const COMPATIBLE: u16 = if cfg!(target_arch = "x86_64") { 3 } else { 40 };

/// Sizes in the layout of 64 bits.
const HEADER_BYTES: usize = 64;
const SEGMENT_BYTES: u16 = 56;
/// In that of 32 bits, which is not looked into further.
const SEGMENT_BYTES_32: u16 = 32;
/// The kernel takes no larger table (`ELF_MIN_ALIGN` of 64 KiB).
const MAX_TABLE_BYTES: usize = 65_536;
const PT_LOAD: u32 = 1;
const PT_INTERP: u32 = 3;
/// `ET_EXEC` and `ET_DYN`.
const RUNNABLE: [u16; 2] = [2, 3];
const CLASS_32: u8 = 1;
const BIG_ENDIAN: u8 = 2;

/// The dynamic loader that the file names, if any; nothing about 32-bit programs of the same family.
///
/// # Errors
/// What is wrong with it.
pub fn loader(file: &File, head: &[u8]) -> Result<Option<PathBuf>, Fault> {
    if head.len() < HEADER_BYTES {
        return Err(truncated());
    }
    let machine = u16_at(head, 18);
    if machine == COMPATIBLE && may_run_32_bits() {
        return if u16_at(head, 42) == SEGMENT_BYTES_32 { Ok(None) } else { Err(damaged()) };
    }
    // The kernel compares this number alone: neither the class nor the byte order beside it.
    if MACHINE.is_some_and(|own| own != machine) {
        let machine = if head[5] == BIG_ENDIAN { machine.swap_bytes() } else { machine };
        return Err(Fault::not_executable(format!("it is built for another machine ({})", name_of(machine))));
    }
    if !RUNNABLE.contains(&u16_at(head, 16)) {
        return Err(Fault::not_executable("it is an ELF file, but not a program (an object or a core dump)"));
    }
    match (u16_at(head, 54), head[4]) {
        (SEGMENT_BYTES, _) => {}
        (_, CLASS_32) => {
            return Err(Fault::not_executable("it is built for another class of this machine (32 bits)"));
        }
        _ => return Err(damaged()),
    }
    segments(file, u64_at(head, 32), usize::from(u16_at(head, 56)))
}

fn segments(file: &File, at: u64, count: usize) -> Result<Option<PathBuf>, Fault> {
    let bytes = count * usize::from(SEGMENT_BYTES);
    if bytes == 0 || bytes > MAX_TABLE_BYTES {
        return Err(damaged());
    }
    let length = file.metadata().map_err(|_| truncated())?.len();
    let mut table = vec![0; bytes];
    file.read_exact_at(&mut table, at).map_err(|_| truncated())?;
    let mut loader = None;
    let mut has_content = false;
    for segment in table.chunks_exact(usize::from(SEGMENT_BYTES)) {
        let (kind, start, size) = (u32_at(segment, 0), u64_at(segment, 8), u64_at(segment, 32));
        let is_whole = start.checked_add(size).is_some_and(|end| end <= length);
        match kind {
            // It would start, and die of SIGBUS.
            PT_LOAD if !is_whole => return Err(truncated()),
            PT_LOAD => has_content = true,
            PT_INTERP if loader.is_none() => loader = Some(named_loader(file, start, size)?),
            _ => {}
        }
    }
    // Where there is a loader to be missed, that comes first.
    if has_content || loader.is_some() { Ok(loader) } else { Err(damaged()) }
}

fn named_loader(file: &File, start: u64, size: u64) -> Result<PathBuf, Fault> {
    let size = usize::try_from(size).unwrap_or(usize::MAX);
    if !(2..=libc::PATH_MAX as usize).contains(&size) {
        return Err(Fault::not_executable("the name of its dynamic loader is damaged"));
    }
    let mut name = vec![0; size];
    file.read_exact_at(&mut name, start).map_err(|_| truncated())?;
    let end = name.iter().position(|byte| *byte == 0);
    match (name.last(), end) {
        (Some(0), Some(end)) => Ok(PathBuf::from(OsStr::from_bytes(&name[..end]))),
        _ => Err(Fault::not_executable("the name of its dynamic loader is damaged")),
    }
}

/// Whether this kernel may run 32-bit programs of the same family: one for x86-64 that can has a switch for them
/// (`arch/x86/entry/vdso`, `CONFIG_COMPAT`). What cannot be asked is for `execve` to say.
fn may_run_32_bits() -> bool {
    let there = |path: &str| Path::new(path).exists();
    !cfg!(target_arch = "x86_64") || there("/proc/sys/abi/vsyscall32") || !there("/proc/sys/kernel")
}

fn damaged() -> Fault {
    Fault::not_executable("its table of segments is damaged")
}

fn truncated() -> Fault {
    Fault::not_executable("it is truncated")
}

/// The name by which people know a machine, or its number.
fn name_of(machine: u16) -> String {
    let known = match machine {
        3 => "i386",
        8 => "MIPS",
        20 | 21 => "PowerPC",
        22 => "S/390",
        40 => "ARM, 32 bits",
        62 => "x86-64",
        183 => "ARM64",
        243 => "RISC-V",
        258 => "LoongArch",
        other => return format!("ELF machine {other}"),
    };
    known.to_owned()
}

/// Of a header or a segment, which are as long as this needs.
fn u16_at(bytes: &[u8], at: usize) -> u16 {
    u16::from_le_bytes([bytes[at], bytes[at + 1]])
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
}

fn u64_at(bytes: &[u8], at: usize) -> u64 {
    u64::from(u32_at(bytes, at)) | u64::from(u32_at(bytes, at + 4)) << 32
}
