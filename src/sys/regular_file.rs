//! Opens a path that may be anything: opening a FIFO in a tenant's directory could block forever, and opening a device
//! can have side effects.

use std::fs::{File, OpenOptions};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

/// Opens a regular file for reading; none for anything else, which is not opened at all.
#[cfg(target_os = "linux")]
pub fn open_regular(path: &Path) -> Option<File> {
    use std::io::ErrorKind;
    use std::os::fd::AsRawFd;

    let place = OpenOptions::new().read(true).custom_flags(libc::O_PATH).open(path).ok()?;
    let place = regular(place)?;
    match open(Path::new(&format!("/proc/self/fd/{}", place.as_raw_fd()))) {
        Ok(file) => regular(file),
        // Without /proc, and with what a tenant puts there in this moment.
        Err(error) if error.kind() == ErrorKind::NotFound => regular(open(path).ok()?),
        Err(_) => None,
    }
}

/// Opens a regular file for reading; none for anything else, as far as a check before shows it.
#[cfg(not(target_os = "linux"))]
pub fn open_regular(path: &Path) -> Option<File> {
    path.metadata().is_ok_and(|metadata| metadata.is_file()).then_some(())?;
    regular(open(path).ok()?)
}

fn open(path: &Path) -> std::io::Result<File> {
    OpenOptions::new().read(true).custom_flags(libc::O_NONBLOCK | libc::O_NOCTTY).open(path)
}

fn regular(file: File) -> Option<File> {
    file.metadata().is_ok_and(|metadata| metadata.is_file()).then_some(file)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read;
    use std::thread;
    use std::time::Duration;

    #[test]
    fn a_regular_file_is_opened_for_reading() {
        let dir = tempfile::tempdir().expect("a directory");
        std::fs::write(dir.path().join("file"), "text").expect("ours");
        std::os::unix::fs::symlink("file", dir.path().join("link")).expect("ours");
        for name in ["file", "link"] {
            let mut text = String::new();
            open_regular(&dir.path().join(name)).expect("regular").read_to_string(&mut text).expect("read");
            assert_eq!(text, "text");
        }
        for name in ["", "none"] {
            assert!(open_regular(&dir.path().join(name)).is_none(), "{name}");
        }
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn what_is_no_regular_file_is_not_opened() {
        use rustix::fs::{CWD, FileType, Mode, mknodat};

        let dir = tempfile::tempdir().expect("a directory");
        let fifo = dir.path().join("fifo");
        mknodat(CWD, &fifo, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).expect("made");
        // Whoever writes waits for one who opens it for reading.
        let writer = thread::spawn({
            let fifo = fifo.clone();
            move || OpenOptions::new().write(true).open(fifo).map(drop)
        });
        thread::sleep(Duration::from_millis(100));
        assert!(open_regular(&fifo).is_none());
        thread::sleep(Duration::from_millis(100));
        assert!(!writer.is_finished(), "it was opened");
        // Kept open: a writer that comes late would wait forever.
        let _reader = open(&fifo).expect("opened");
        writer.join().expect("ends").expect("opened");
    }
}
