//! The file of a stored login on real directories: replaced, recovered, refused, locked.

use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};

use super::*;

fn location() -> (tempfile::TempDir, Location) {
    let dir = tempfile::tempdir().expect("a directory");
    let location = Location { directory: dir.path().to_owned(), name: "auth.json".into(), owner: None };
    (dir, location)
}

fn put(location: &Location, text: &str) {
    std::fs::write(location.path(), text).expect("written");
    std::fs::set_permissions(location.path(), std::fs::Permissions::from_mode(0o644)).expect("a mode");
}

fn document(text: &str) -> Document {
    Document::parse(GuardedBytes::copy_of(text.as_bytes())).expect("an object")
}

#[test]
fn replaces_what_it_read_and_nothing_else() {
    let (_dir, location) = location();
    put(&location, r#"{"a":1}"#);
    let directory = location.open().expect("open");
    let content = directory.read().expect("read");
    let replaced = directory.replace(&content, &document(r#"{"a":2}"#)).expect("replaced").expect("unchanged");
    assert!(replaced.unsynced.is_none());
    assert_eq!(std::fs::read_to_string(location.path()).expect("there"), r#"{"a":2}"#);
    assert_eq!(replaced.digest, directory.read().expect("read").digest);
    assert_eq!(std::fs::metadata(location.path()).expect("there").mode() & 0o777, 0o600);
    // What was read before is not what is there now.
    assert!(directory.replace(&content, &document(r#"{"a":3}"#)).expect("no error").is_none());
    assert_eq!(std::fs::read_to_string(location.path()).expect("there"), r#"{"a":2}"#);
    assert_eq!(std::fs::read_dir(&location.directory).expect("listed").count(), 1, "nothing is left behind");
}

#[test]
fn recovers_what_was_whole_and_removes_what_was_not() {
    let (_dir, location) = location();
    put(&location, r#"{"a":1}"#);
    let directory = location.open().expect("open");
    let next = location.directory.join(directory.next_name(&digest_of(br#"{"a":1}"#)));
    let stale = location.directory.join(directory.next_name(&[0; 32]));
    for (text, whole) in [("", false), (r#"{"a":"#, false), (r#"{"b":1}"#, false), (r#"{"a":9}"#, true)] {
        std::fs::write(&next, text).expect("written");
        std::fs::write(&stale, r#"{"a":0}"#).expect("written");
        let recovered = directory.recover(|document| document.has(&["a".into()])).expect("no error");
        assert_eq!(matches!(recovered, Recovered::Whole), whole, "{text}");
        assert!(!next.exists() && !stale.exists());
        let expected = if whole { r#"{"a":9}"# } else { r#"{"a":1}"# };
        assert_eq!(std::fs::read_to_string(location.path()).expect("there"), expected);
    }
}

#[test]
fn refuses_what_is_no_login_of_the_owner() {
    let (_dir, location) = location();
    let directory = location.open().expect("open");
    let code = |directory: &Directory| directory.read().expect_err("refused").code();
    assert_eq!(code(&directory), ErrorCode::LoginRequired);
    std::fs::write(location.directory.join("other"), r#"{"a":1}"#).expect("written");
    symlink("other", location.path()).expect("linked");
    assert_eq!(code(&directory), ErrorCode::CredentialFileUnusable);
    std::fs::remove_file(location.path()).expect("removed");
    std::fs::create_dir(location.path()).expect("made");
    assert_eq!(code(&directory), ErrorCode::CredentialFileUnusable);
    std::fs::remove_dir(location.path()).expect("removed");
    put(&location, "not JSON");
    assert_eq!(code(&directory), ErrorCode::CredentialFileUnusable);
    put(&location, "{}");
    std::fs::set_permissions(location.path(), std::fs::Permissions::from_mode(0o666)).expect("a mode");
    assert_eq!(code(&directory), ErrorCode::CredentialFileUnusable);
    put(&location, "{}");
    let others = Location { owner: Some(rustix::process::geteuid().as_raw() + 1), ..location };
    assert_eq!(code(&others.open().expect("open")), ErrorCode::CredentialFileUnusable);
}

#[test]
fn nothing_is_read_or_written_that_is_too_large() {
    let (_dir, location) = location();
    let text = |length: usize| format!(r#"{{"a":"{}"}}"#, "x".repeat(length - 8));
    let directory = location.open().expect("open");
    put(&location, &text(journal::MAX_BYTES + 1));
    assert_eq!(directory.read().expect_err("too large").code(), ErrorCode::CredentialFileUnusable);
    put(&location, &text(MAX_FILE_BYTES));
    let content = directory.read().expect("just not");
    let error = directory.replace(&content, &document(&text(MAX_FILE_BYTES + 1))).expect_err("too large");
    assert_eq!(error.code(), ErrorCode::CredentialFileUnusable);
    assert_eq!(directory.read().expect("there").digest, content.digest);
    assert_eq!(std::fs::read_dir(&location.directory).expect("listed").count(), 1, "nothing is left behind");
    assert!(directory.replace(&content, &document(&text(MAX_FILE_BYTES))).expect("just not").is_some());
}

#[test]
fn a_directory_in_which_others_can_replace_the_file_is_refused() {
    let (_dir, location) = location();
    for (mode, is_good) in [(0o777, false), (0o770, false), (0o702, false), (0o755, true), (0o1777, true)] {
        std::fs::set_permissions(&location.directory, std::fs::Permissions::from_mode(mode)).expect("a mode");
        let refused = location.open().err().map(|error| error.code());
        assert_eq!(refused, (!is_good).then_some(ErrorCode::CredentialFileUnusable), "{mode:o}");
    }
}

#[test]
fn what_was_begun_in_place_is_read_as_if_it_had_ended_and_ended_by_the_next_process() {
    let (_dir, location) = location();
    let directory = location.open().expect("open");
    let (old, new) = (r#"{"a":1}"#, r#"{"a":"longer"}"#);
    let journal = journal::behind(old.len(), new.as_bytes());
    for (cut, expected) in [(journal.len() - 1, old), (journal.len(), new)] {
        let bytes = [old.as_bytes(), &journal[..cut]].concat();
        std::fs::write(location.path(), &bytes).expect("written");
        std::fs::set_permissions(location.path(), std::fs::Permissions::from_mode(0o600)).expect("a mode");
        let read = |directory: &Directory| {
            let content = directory.read().expect("whole");
            std::str::from_utf8(content.document.bytes()).expect("text").trim_end().to_owned()
        };
        assert_eq!(read(&directory), expected);
        assert_eq!(std::fs::read(location.path()).expect("there"), bytes, "a look changes nothing");
        assert!(matches!(directory.recover(|_| true), Ok(Recovered::Whole)));
        assert_eq!(std::fs::read_to_string(location.path()).expect("there").trim_end(), expected);
        assert_eq!(read(&directory), expected);
    }
}

#[test]
fn one_has_the_lock_also_where_its_file_is_deleted() {
    let (_dir, location) = location();
    put(&location, "{}");
    let (one, two) = (location.open().expect("open"), location.open().expect("open"));
    let lock = one.try_lock().expect("a lock file").expect("free");
    assert!(two.try_lock().expect("a lock file").is_none());
    std::fs::remove_file(location.directory.join(".auth.json.lock")).expect("removed");
    assert!(two.try_lock().expect("a lock file").is_none());
    drop(lock);
    let lock = two.try_lock().expect("a lock file").expect("free");
    // The login's file may be replaced under it.
    let content = two.read().expect("read");
    two.replace(&content, &document(r#"{"a":2}"#)).expect("replaced").expect("unchanged");
    assert!(one.try_lock().expect("a lock file").is_none());
    drop(lock);
    assert!(one.try_lock().expect("a lock file").is_some());
}
