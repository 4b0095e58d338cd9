//! Checks whether the kernel has a handler for a foreign format (`binfmt_misc`; Documentation/admin-guide/binfmt-misc),
//! for example an emulator for programs of another machine.

use std::fs;
use std::path::Path;

const DIRECTORY: &str = "/proc/sys/fs/binfmt_misc";

/// Whether a handler is registered for a file of this name that begins with `head`. False where the file system of the
/// handlers is not mounted, as in most containers, though the host may have some.
pub fn handles(file: &Path, head: &[u8]) -> bool {
    let handlers = fs::read_dir(DIRECTORY).into_iter().flatten().flatten();
    let mut texts = handlers.filter_map(|entry| fs::read_to_string(entry.path()).ok());
    texts.any(|text| takes(&text, file, head))
}

/// Whether the handler that describes itself by `text` takes the file.
fn takes(text: &str, file: &Path, head: &[u8]) -> bool {
    let value = |name: &str| text.lines().find_map(|line| line.strip_prefix(name)).map(str::trim);
    if text.lines().next() != Some("enabled") || value("interpreter").is_none() {
        return false;
    }
    if let Some(extension) = value("extension .") {
        return file.extension().is_some_and(|own| own == extension);
    }
    let Some(magic) = value("magic").and_then(bytes) else { return false };
    let mask = value("mask").and_then(bytes).unwrap_or_else(|| vec![0xff; magic.len()]);
    let offset = value("offset").and_then(|text| text.parse::<usize>().ok()).unwrap_or_default();
    let Some(there) = head.get(offset..).filter(|rest| rest.len() >= magic.len()) else { return false };
    magic.iter().zip(&mask).zip(there).all(|((magic, mask), byte)| byte & mask == magic & mask)
}

/// Reads pairs of hexadecimal digits, as binfmt_misc shows bytes.
fn bytes(text: &str) -> Option<Vec<u8>> {
    let digits = text.as_bytes();
    let pair = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok();
    digits.len().is_multiple_of(2).then(|| digits.chunks_exact(2).map(pair).collect())?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn handlers_take_what_they_say() {
        let arm = "enabled\ninterpreter /usr/bin/qemu-aarch64\nflags: OCF\noffset 0\nmagic 7f454c46020101\nmask ffffffffffff00\n";
        let jar = "enabled\ninterpreter /usr/bin/jexec\nflags: \nextension .jar\n";
        for (text, file, head, expected) in [
            (arm, "/x", &b"\x7fELF\x02\x01\x09rest"[..], true),
            (arm, "/x", b"\x7fELF\x01\x01\x01rest", false),
            (arm, "/x", b"\x7fELF", false),
            (&*arm.replace("enabled", "disabled"), "/x", b"\x7fELF\x02\x01\x01", false),
            (jar, "/x.jar", b"", true),
            (jar, "/x", b"", false),
            ("enabled\n", "/x", b"", false),
        ] {
            assert_eq!(takes(text, Path::new(file), head), expected, "{text} {file}");
        }
    }
}
