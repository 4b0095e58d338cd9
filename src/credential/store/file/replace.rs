//! Replaces the document of a stored login atomically. The replacement is prepared before a refresh token is used up,
//! and the next process finishes it if this one is killed.

use std::fs::File;
use std::os::unix::fs::FileExt;

use data_encoding::HEXLOWER;
use rustix::fs::{self, AtFlags, Gid, Mode, OFlags, Uid};
use rustix::io::Errno;

use super::journal::{self, Journal};
use super::{Content, Directory, Document, MAX_FILE_BYTES, digest_of, errno_of};
use super::{facts, space};
use crate::error::{Error, Result};

/// How many entries of the directory are looked at for what killed processes left.
const MAX_ENTRIES: usize = 1024;

/// The place that a new document is written to.
#[derive(Debug)]
pub struct Next {
    file: File,
    place: Placement,
}

#[derive(Debug)]
enum Placement {
    /// Beside the old one, by this name, which it changes for the old one's.
    Beside(String),
    /// In the old one, which is a mount point and has this many bytes.
    In(usize),
}

/// Says that the file has the new document.
#[derive(Debug)]
#[must_use = "what a crash of the machine may undo has to be reported and tried again"]
pub struct Replaced {
    /// Why a crash of the machine may undo it.
    pub unsynced: Option<Error>,
}

/// What was found of processes that were killed.
#[derive(Debug)]
pub enum Recovered {
    /// No process left anything that counts.
    Nothing,
    /// What had begun to be written in place of the file's content, which is whole without it.
    Undone,
    /// A whole document, which the file has now.
    Finished(Replaced),
    /// A whole document that cannot take the place of the old one, and stays where it is.
    Stuck(Document, Error),
    /// A whole document for the login that the file has, which was written since by somebody without the lock. Its
    /// tokens belong into what is there now.
    Overtaken(Document, Left),
}

/// What a killed process has left by its own name, which [`Directory::remove`] takes away.
#[derive(Debug)]
pub struct Left(String);

impl Directory {
    /// Opens what the new document will be written to, and takes space for `room` bytes: what can be refused is refused
    /// before a refresh token is used up. With the lock.
    ///
    /// # Errors
    /// `CREDENTIAL_FILE_UNUSABLE`.
    pub fn prepare(&self, based_on: &Content, room: usize) -> Result<Next> {
        let next = if self.check_attributes()?.is_mount {
            // Behind what was begun and cannot be ended, nothing else may be.
            let _ = self.mend()?;
            self.open_in_place()?
        } else {
            self.make_beside(based_on)?
        };
        let reserved = match next.place {
            Placement::Beside(_) => space::reserve(&next.file, room),
            Placement::In(has) => space::reserve_behind(&next.file, journal::room_for(room.max(has))),
        };
        if let Err((errno, syscall)) = reserved {
            self.discard(next);
            let problem = "cannot be replaced, because there is no space for a new file. No token was requested";
            return Err(self.errno(problem, errno, syscall));
        }
        Ok(next)
    }

    /// Opens the login's file to be written in place. It is one that is mounted alone, and has no other name where the
    /// same would be read.
    fn open_in_place(&self) -> Result<Next> {
        let flags = OFlags::RDWR | OFlags::NOFOLLOW | OFlags::CLOEXEC | OFlags::NONBLOCK;
        let descriptor = fs::openat(&self.descriptor, &self.location.name, flags, Mode::empty()).map_err(|errno| {
            let problem = "is a mount point and cannot be written. Mount its directory (or the file) read-write";
            self.errno(problem, errno, "openat")
        })?;
        let file = File::from(descriptor);
        let stat = self.check_file(&file)?;
        if !self.is_mounted(&file)? {
            return Err(self.refused("was a mount point and is no longer one. Try again"));
        }
        if stat.st_nlink > 1 {
            return Err(self.refused(
                "is mounted as a single file and has hard links, which a write would change too. Remove the hard \
                links, or mount its directory instead",
            ));
        }
        // Others can read what is there already, and a mount may not take a mode.
        let _ = fs::fchmod(&file, Mode::RUSR | Mode::WUSR);
        Ok(Next { file, place: Placement::In(usize::try_from(stat.st_size).unwrap_or(usize::MAX)) })
    }

    fn make_beside(&self, based_on: &Content) -> Result<Next> {
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let first = format!(".{}.new.next", self.location.name);
        // What a process that was killed here had begun.
        let _ = fs::unlinkat(&self.descriptor, &first, AtFlags::empty());
        let descriptor = fs::openat(&self.descriptor, &first, flags, Mode::RUSR | Mode::WUSR).map_err(|errno| {
            self.errno("cannot be replaced: no file can be created in its directory", errno, "openat")
        })?;
        let next = Next { file: File::from(descriptor), place: Placement::Beside(first) };
        match self.give(&next.file, based_on).and_then(|()| self.give_name(&next, self.next_name(based_on))) {
            Ok(name) => Ok(Next { place: Placement::Beside(name), ..next }),
            Err(error) => {
                self.discard(next);
                Err(error)
            }
        }
    }

    /// Proves that the directory lets one name be changed for another, as it must be in the end: one that is
    /// append-only does not, and not every file system reports that attribute.
    fn give_name(&self, next: &Next, name: String) -> Result<String> {
        let Placement::Beside(first) = &next.place else { return Ok(name) };
        match fs::renameat(&self.descriptor, first, &self.descriptor, &name) {
            Ok(()) => Ok(name),
            Err(Errno::PERM) => Err(self.refused(facts::DIRECTORY_PROTECTED)),
            Err(errno) => {
                Err(self.errno("cannot be replaced: no file can be renamed in its directory", errno, "renameat"))
            }
        }
    }

    /// Replaces the file, if it is still what `based_on` was read from: all of it or nothing. `None` when it is not,
    /// and then nothing was done. With the lock.
    ///
    /// # Errors
    /// `CREDENTIAL_FILE_UNUSABLE`; the old file is whole. Where all of the new one is on the disk, it stays there, for
    /// the next process.
    pub fn finish(&self, next: Next, based_on: &Content, new: &Document) -> Result<Option<Replaced>> {
        // Nobody could read it again.
        if new.bytes().len() > MAX_FILE_BYTES {
            self.discard(next);
            return Err(self.refused("would become larger than a stored login may be"));
        }
        match &next.place {
            Placement::In(has) => {
                // By the descriptor that is written to: what has the name may have been mounted since.
                if digest_of(&self.read_open(&next.file, &self.check_file(&next.file)?)?) != based_on.digest {
                    self.discard(next);
                    return Ok(None);
                }
                self.overwrite(&next.file, *has, new.bytes())?;
                Ok(Some(Replaced { unsynced: None }))
            }
            Placement::Beside(name) => {
                if let Err(error) = self.write(&next.file, new) {
                    self.discard(next);
                    return Err(error);
                }
                if !self.is_unchanged(based_on)? {
                    self.discard(next);
                    return Ok(None);
                }
                self.rename(name)?;
                let replaced = Replaced { unsynced: self.sync().err() };
                // What space was taken and is not needed goes back.
                let _ = fs::ftruncate(&next.file, new.bytes().len() as u64);
                Ok(Some(replaced))
            }
        }
    }

    /// Prepares and finishes at once.
    ///
    /// # Errors
    /// As [`Directory::finish`].
    pub fn replace(&self, based_on: &Content, new: &Document) -> Result<Option<Replaced>> {
        self.finish(self.prepare(based_on, new.bytes().len())?, based_on, new)
    }

    /// Removes what [`Directory::prepare`] made.
    pub fn discard(&self, next: Next) {
        // In place, nothing was made but room, which nobody sees.
        if let Placement::Beside(name) = next.place {
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
                Err(self.errno("has the new tokens, but they may be lost if this machine crashes", errno, "fsync"))
            }
        }
    }

    /// Finishes what a process had written whole when it was killed, and removes what it had not. With the lock.
    ///
    /// # Errors
    /// `CREDENTIAL_FILE_UNUSABLE`.
    pub fn recover(&self, is_complete: impl Fn(&Document) -> bool) -> Result<Recovered> {
        let Some((bytes, owner)) = self.read_named(&self.location.name)? else { return Ok(Recovered::Nothing) };
        match Journal::find(&bytes) {
            Journal::None => {}
            // If it cannot be repaired, [`Directory::read`] reads it as if it had been.
            Journal::Begun(_) | Journal::Whole(_) => return Ok(self.mend().unwrap_or(Recovered::Nothing)),
        }
        if self.is_mount()? {
            return Ok(Recovered::Nothing);
        }
        drop(bytes);
        let content = self.read()?;
        let (wanted, end) = (self.next_name(&content), Self::end_of_next(&content));
        let (begins, ends) = (format!(".{}.", self.location.name), ".next");
        let mut recovered = Recovered::Nothing;
        let is_ours = |name: &String| name.starts_with(&begins) && name.ends_with(ends) && *name != wanted;
        // The wanted one first and whatever else there is: a tenant may fill the directory.
        for name in std::iter::once(wanted.clone()).chain(self.names()?.into_iter().filter(is_ours)) {
            let is_of_this_login = name.ends_with(&end) && matches!(recovered, Recovered::Nothing);
            let whole = if is_of_this_login { self.next_of(&name, owner, &is_complete)? } else { None };
            match whole {
                None => drop(fs::unlinkat(&self.descriptor, &name, AtFlags::empty())),
                Some(document) if name == wanted => {
                    recovered = match self.rename(&name) {
                        Ok(()) => Recovered::Finished(Replaced { unsynced: self.sync().err() }),
                        // It may be the only copy of the tokens.
                        Err(error) => Recovered::Stuck(document, error),
                    };
                }
                Some(document) => recovered = Recovered::Overtaken(document, Left(name)),
            }
        }
        Ok(recovered)
    }

    /// Removes what [`Recovered::Overtaken`] reported.
    pub fn remove(&self, left: &Left) {
        let _ = fs::unlinkat(&self.descriptor, &left.0, AtFlags::empty());
    }

    /// Ends what a killed process was writing in place.
    fn mend(&self) -> Result<Recovered> {
        if !self.is_mount()? {
            // A tenant may have made it, and linked it to a file of somebody else's: it is replaced, not written.
            let content = self.read()?;
            let replaced = self.replace(&content, &content.document)?;
            return Ok(replaced.map_or(Recovered::Nothing, Recovered::Finished));
        }
        let Next { file, .. } = self.open_in_place()?;
        // What it has now, by the descriptor that is written to: somebody may have written it since it was looked at.
        let bytes = self.read_open(&file, &self.check_file(&file)?)?;
        let failed =
            |(error, syscall): (std::io::Error, _)| self.errno("cannot be repaired", errno_of(&error), syscall);
        match Journal::find(&bytes) {
            Journal::None => Ok(Recovered::Nothing),
            Journal::Begun(at) => {
                cut(&file, at).map_err(failed)?;
                Ok(Recovered::Undone)
            }
            Journal::Whole(new) => {
                take_over(&file, new).map_err(failed)?;
                Ok(Recovered::Finished(Replaced { unsynced: None }))
            }
        }
    }

    /// What was left by this name, if it is whole. What cannot be read now may be so, and the only copy of the tokens.
    fn next_of(
        &self,
        name: &str,
        owner: (Uid, Gid),
        is_complete: impl Fn(&Document) -> bool,
    ) -> Result<Option<Document>> {
        let (bytes, next_owner) = match self.read_named(name) {
            Ok(Some(read)) => read,
            Err(error) if error.details().errno.is_some() => return Err(error),
            // What no process of ours has left.
            Ok(None) | Err(_) => return Ok(None),
        };
        let document = Document::parse(journal::resolve(bytes));
        Ok(document.filter(|document| owner == next_owner && is_complete(document)))
    }

    fn give(&self, file: &File, based_on: &Content) -> Result<()> {
        fs::fchown(file, Some(based_on.owner.0), Some(based_on.owner.1)).map_err(|errno| {
            self.errno("cannot be replaced: this process may not give the new file the same owner", errno, "fchown")
        })?;
        // After fchown, which may take bits away, and whatever the umask is.
        fs::fchmod(file, Mode::RUSR | Mode::WUSR).map_err(|errno| self.errno("cannot be replaced", errno, "fchmod"))
    }

    fn write(&self, file: &File, new: &Document) -> Result<()> {
        let failed = |error: std::io::Error, syscall| self.errno("cannot be replaced", errno_of(&error), syscall);
        // Before all else: from here on a kill loses nothing.
        file.write_all_at(new.bytes(), 0).map_err(|error| failed(error, "pwrite64"))?;
        let length = new.bytes().len() as u64;
        // Where space could not be reserved, it was written. Until it is cut off, NULs end the document.
        if file.metadata().map_err(|error| failed(error, "fstat"))?.len() > length {
            fs::ftruncate(file, length).map_err(|errno| self.errno("cannot be replaced", errno, "ftruncate"))?;
        }
        file.sync_all().map_err(|error| failed(error, "fsync"))
    }

    /// Writes `new` in place of a content of `has` bytes.
    fn overwrite(&self, file: &File, has: usize, new: &[u8]) -> Result<()> {
        let failed = |(error, syscall): (std::io::Error, &'static str)| {
            self.errno("is a mount point and cannot be overwritten", errno_of(&error), syscall)
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
        take_over(file, new).map_err(failed)
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

    /// By what it replaces: what was written for another content must not take the place of this one, and what was
    /// written for another login is worth nothing.
    pub(super) fn next_name(&self, based_on: &Content) -> String {
        let digest = HEXLOWER.encode(&based_on.digest[..8]);
        format!(".{}.{digest}{}", self.location.name, Self::end_of_next(based_on))
    }

    fn end_of_next(based_on: &Content) -> String {
        format!(".{}.next", HEXLOWER.encode(&based_on.login[..8]))
    }
}

/// The journal is on the disk: its content takes the place of what is before it.
fn take_over(file: &File, new: &[u8]) -> std::result::Result<(), (std::io::Error, &'static str)> {
    file.write_all_at(new, 0).map_err(|error| (error, "pwrite64"))?;
    file.sync_data().map_err(|error| (error, "fdatasync"))?;
    cut(file, new.len())
}

fn cut(file: &File, length: usize) -> std::result::Result<(), (std::io::Error, &'static str)> {
    fs::ftruncate(file, length as u64).map_err(|errno| (errno.into(), "ftruncate"))?;
    file.sync_all().map_err(|error| (error, "fsync"))
}
