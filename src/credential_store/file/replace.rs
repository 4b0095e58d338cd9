//! Putting a new document in the place of the old one: prepared before a refresh token is used up, all of it or nothing,
//! and finished by the next process where this one is killed.

use std::fs::File;
use std::io::{Seek, Write};
use std::os::unix::fs::FileExt;

use data_encoding::HEXLOWER;
use rustix::fs::{self, AtFlags, Gid, Mode, OFlags, Uid};
use rustix::io::Errno;

use super::journal::{self, Journal};
use super::room;
use super::{Content, Digest, Directory, Document, MAX_FILE_BYTES, digest_of, errno_of};
use crate::error::{Error, Result};

/// How many entries of the directory are looked at for what killed processes left.
const MAX_ENTRIES: usize = 1024;

/// Where a new document is written.
#[derive(Debug)]
pub struct Next {
    file: File,
    place: Place,
}

#[derive(Debug)]
enum Place {
    /// Beside the old one, by this name, which it changes for the old one's.
    Beside(String),
    /// In the old one, which is a mount point and has this many bytes.
    In(usize),
}

/// A moment of a replacement, for tests that end the process there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    /// All of it is on the disk.
    Written,
    /// It has taken the place of the old one.
    Replaced,
}

/// The file has the new document.
#[derive(Debug)]
pub struct Replaced {
    /// Its digest.
    pub digest: Digest,
    /// Why a crash of the machine may undo it.
    pub unsynced: Option<Error>,
}

/// What was found of processes that were killed.
#[derive(Debug)]
pub enum Recovered {
    /// Nothing that counts.
    Nothing,
    /// A whole document, which the file has now.
    Whole,
    /// A whole document that cannot take the place of the old one, and stays where it is.
    Stuck(Document, Error),
}

impl Directory {
    /// Opens what the new document will be written to, and takes space for `room` bytes: what can be refused is refused
    /// before a refresh token is used up. With the lock.
    ///
    /// # Errors
    /// `CREDENTIAL_FILE_UNUSABLE`.
    pub fn prepare(&self, based_on: &Content, room: usize) -> Result<Next> {
        let next = if self.check_attributes()?.is_mount { self.open_in_place()? } else { self.make_beside(based_on)? };
        let reserved = match next.place {
            Place::Beside(_) => room::reserve(&next.file, room),
            Place::In(has) => room::reserve_behind(&next.file, journal::room_for(room.max(has))),
        };
        if let Err((errno, syscall)) = reserved {
            self.discard(next);
            let problem = "cannot be replaced, as there is no room for a new one. Nothing was asked for";
            return Err(self.errno(problem, errno, syscall));
        }
        Ok(next)
    }

    fn open_in_place(&self) -> Result<Next> {
        let flags = OFlags::RDWR | OFlags::NOFOLLOW | OFlags::CLOEXEC | OFlags::NONBLOCK;
        let descriptor = fs::openat(&self.descriptor, &self.location.name, flags, Mode::empty()).map_err(|errno| {
            let problem =
                "is a mount point of its own and cannot be written. Mount it, or better its directory, for writing";
            self.errno(problem, errno, "openat")
        })?;
        // Others can read what is there already, and a mount may not take a mode.
        let _ = fs::fchmod(&descriptor, Mode::RUSR | Mode::WUSR);
        let file = File::from(descriptor);
        let has = file.metadata().map_err(|error| self.errno("cannot be read", errno_of(&error), "fstat"))?.len();
        Ok(Next { file, place: Place::In(usize::try_from(has).unwrap_or(usize::MAX)) })
    }

    fn make_beside(&self, based_on: &Content) -> Result<Next> {
        let name = self.next_name(&based_on.digest);
        // What a process that was killed here had begun.
        let _ = fs::unlinkat(&self.descriptor, &name, AtFlags::empty());
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let descriptor = fs::openat(&self.descriptor, &name, flags, Mode::RUSR | Mode::WUSR)
            .map_err(|errno| self.errno("cannot be replaced: its directory takes no new file", errno, "openat"))?;
        let next = Next { file: File::from(descriptor), place: Place::Beside(name) };
        if let Err(error) = self.give(&next.file, based_on) {
            self.discard(next);
            return Err(error);
        }
        Ok(next)
    }

    /// Replaces the file, if it is still what `based_on` was read from: all of it or nothing. `None` when it is not, and
    /// then nothing was done. With the lock.
    ///
    /// # Errors
    /// `CREDENTIAL_FILE_UNUSABLE`; the old file is whole. Where all of the new one is on the disk, it stays there, for the
    /// next process.
    pub fn finish(
        &self,
        next: Next,
        based_on: &Content,
        new: &Document,
        seen: impl Fn(Moment),
    ) -> Result<Option<Replaced>> {
        // Nobody could read it again.
        if new.bytes().len() > MAX_FILE_BYTES {
            self.discard(next);
            return Err(self.refused("would become larger than a login can be"));
        }
        match &next.place {
            Place::In(has) => {
                if !self.is_unchanged(based_on)? {
                    self.discard(next);
                    return Ok(None);
                }
                self.overwrite(&next.file, *has, new.bytes(), &seen)?;
                Ok(Some(Replaced { digest: digest_of(new.bytes()), unsynced: None }))
            }
            Place::Beside(name) => {
                if let Err(error) = self.write(&next.file, new) {
                    self.discard(next);
                    return Err(error);
                }
                seen(Moment::Written);
                if !self.is_unchanged(based_on)? {
                    self.discard(next);
                    return Ok(None);
                }
                self.rename(name)?;
                seen(Moment::Replaced);
                Ok(Some(Replaced { digest: digest_of(new.bytes()), unsynced: self.sync().err() }))
            }
        }
    }

    /// Both at once.
    ///
    /// # Errors
    /// As [`Directory::finish`].
    pub fn replace(&self, based_on: &Content, new: &Document) -> Result<Option<Replaced>> {
        self.finish(self.prepare(based_on, new.bytes().len())?, based_on, new, |_| ())
    }

    /// Removes what was prepared.
    pub fn discard(&self, next: Next) {
        // In place, nothing was made but room, which nobody sees.
        if let Place::Beside(name) = next.place {
            let _ = fs::unlinkat(&self.descriptor, &name, AtFlags::empty());
        }
    }

    /// Has the disk keep what took the place of the file.
    ///
    /// # Errors
    /// `CREDENTIAL_FILE_UNUSABLE`.
    pub fn sync(&self) -> Result<()> {
        match fs::fsync(&self.descriptor) {
            // Some file systems have nothing to sync in a directory, and say so (fsync(2)).
            Ok(()) | Err(Errno::INVAL | Errno::OPNOTSUPP | Errno::ROFS) => Ok(()),
            Err(errno) => {
                Err(self.errno("has the new tokens, and may lose them with a crash of this machine", errno, "fsync"))
            }
        }
    }

    /// Finishes what a process had written whole when it was killed, and removes what it had not. With the lock.
    ///
    /// # Errors
    /// `CREDENTIAL_FILE_UNUSABLE`.
    pub fn recover(&self, is_complete: impl Fn(&Document) -> bool) -> Result<Recovered> {
        let Some((bytes, owner)) = self.read_named(&self.location.name)? else { return Ok(Recovered::Nothing) };
        if self.mend(&bytes) {
            return Ok(Recovered::Whole);
        }
        if self.is_mount() {
            return Ok(Recovered::Nothing);
        }
        let wanted = self.next_name(&digest_of(&bytes));
        let (begins, ends) = (format!(".{}.", self.location.name), ".next");
        let mut recovered = Recovered::Nothing;
        let is_ours = |name: &String| name.starts_with(&begins) && name.ends_with(ends) && *name != wanted;
        // The wanted one first and whatever else there is: a tenant may fill the directory.
        for name in std::iter::once(wanted.clone()).chain(self.names()?.into_iter().filter(is_ours)) {
            let whole = if name == wanted { self.next_of(&name, owner, &is_complete) } else { None };
            match whole.map(|document| (self.rename(&name), document)) {
                Some((Ok(()), _)) => recovered = Recovered::Whole,
                // It may be the only copy of the tokens.
                Some((Err(error), document)) => recovered = Recovered::Stuck(document, error),
                None => drop(fs::unlinkat(&self.descriptor, &name, AtFlags::empty())),
            }
        }
        Ok(recovered)
    }

    /// Ends what was being written in place. Where that cannot be, [`Directory::read`] reads it as if it had.
    fn mend(&self, bytes: &[u8]) -> bool {
        let journal = Journal::find(bytes);
        let flags = OFlags::RDWR | OFlags::NOFOLLOW | OFlags::CLOEXEC | OFlags::NONBLOCK;
        let open = || fs::openat(&self.descriptor, &self.location.name, flags, Mode::empty()).map(File::from).ok();
        match journal {
            Journal::None => false,
            Journal::Begun(at) => open().is_some_and(|file| fs::ftruncate(file, at as u64).is_ok()),
            Journal::Whole(new) => open().is_some_and(|file| take_over(&file, new).is_ok()),
        }
    }

    fn next_of(&self, name: &str, owner: (Uid, Gid), is_complete: impl Fn(&Document) -> bool) -> Option<Document> {
        let (bytes, next_owner) = self.read_named(name).ok()??;
        let document = Document::parse(bytes)?;
        (owner == next_owner && is_complete(&document)).then_some(document)
    }

    fn give(&self, file: &File, based_on: &Content) -> Result<()> {
        fs::fchown(file, Some(based_on.owner.0), Some(based_on.owner.1))
            .map_err(|errno| self.errno("would lose its owner, as this process may not keep it", errno, "fchown"))?;
        // After fchown, which may take bits away, and whatever the umask is.
        fs::fchmod(file, Mode::RUSR | Mode::WUSR).map_err(|errno| self.errno("cannot be replaced", errno, "fchmod"))
    }

    fn write(&self, mut file: &File, new: &Document) -> Result<()> {
        let failed = |error: std::io::Error, syscall| self.errno("cannot be replaced", errno_of(&error), syscall);
        // What was taken and is not needed goes back; what is needed stays taken.
        fs::ftruncate(file, new.bytes().len() as u64)
            .map_err(|errno| self.errno("cannot be replaced", errno, "ftruncate"))?;
        file.rewind().and_then(|()| file.write_all(new.bytes())).map_err(|error| failed(error, "write"))?;
        file.sync_all().map_err(|error| failed(error, "fsync"))
    }

    /// In place of a content of `has` bytes.
    fn overwrite(&self, file: &File, has: usize, new: &[u8], seen: impl Fn(Moment)) -> Result<()> {
        let failed = |(error, syscall): (std::io::Error, &'static str)| {
            self.errno("cannot be written in place, where it is a mount point", errno_of(&error), syscall)
        };
        let journal = journal::behind(has, new);
        let write = || {
            file.write_all_at(&journal, has as u64).map_err(|error| (error, "pwrite64"))?;
            file.sync_all().map_err(|error| (error, "fsync"))
        };
        if let Err(error) = write() {
            let _ = fs::ftruncate(file, has as u64);
            return Err(failed(error));
        }
        seen(Moment::Written);
        take_over(file, new).map_err(failed)?;
        seen(Moment::Replaced);
        Ok(())
    }

    /// Somebody without the lock (the CLI itself, a person) may have written meanwhile: theirs stays.
    fn is_unchanged(&self, based_on: &Content) -> Result<bool> {
        Ok(self.read_named(&self.location.name)?.is_some_and(|(bytes, _)| digest_of(&bytes) == based_on.digest))
    }

    fn rename(&self, next: &str) -> Result<()> {
        fs::renameat(&self.descriptor, next, &self.descriptor, &self.location.name)
            .map_err(|errno| self.errno("cannot be replaced", errno, "renameat"))
    }

    fn names(&self) -> Result<Vec<String>> {
        let entries =
            fs::Dir::read_from(&self.descriptor).map_err(|errno| self.errno("cannot be listed", errno, "getdents"))?;
        let entries = entries.take(MAX_ENTRIES).flatten();
        Ok(entries.filter_map(|entry| entry.file_name().to_str().ok().map(str::to_owned)).collect())
    }

    /// By what it replaces: what was written for another content must not take the place of this one.
    pub(super) fn next_name(&self, digest: &Digest) -> String {
        format!(".{}.{}.next", self.location.name, HEXLOWER.encode(&digest[..8]))
    }
}

/// The journal is on the disk: its content takes the place of what stands before it.
fn take_over(file: &File, new: &[u8]) -> std::result::Result<(), (std::io::Error, &'static str)> {
    file.write_all_at(new, 0).map_err(|error| (error, "pwrite64"))?;
    file.sync_data().map_err(|error| (error, "fdatasync"))?;
    fs::ftruncate(file, new.len() as u64).map_err(|errno| (errno.into(), "ftruncate"))?;
    file.sync_all().map_err(|error| (error, "fsync"))
}
