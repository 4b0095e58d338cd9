//! The file of a stored login on real directories: replaced, recovered, refused, locked.

use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};

use super::*;

fn location() -> (tempfile::TempDir, Location) {
    let dir = tempfile::tempdir().expect("a directory");
    let location = Location {
        directory: dir.path().to_owned(),
        name: "auth.json".into(),
        refresh_token: vec!["rt".into()],
        owner: None,
    };
    (dir, location)
}

fn put(location: &Location, text: &str) {
    std::fs::write(location.path(), text).expect("written");
    put_mode(location);
}

fn put_mode(location: &Location) {
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
    let content = directory.read().expect("read");
    let next = location.directory.join(directory.next_name(&content));
    let stale = location.directory.join(directory.next_name(&Content { login: [0; 32], ..content }));
    for (text, whole) in [("", false), (r#"{"a":"#, false), (r#"{"b":1}"#, false), (r#"{"a":9}"#, true)] {
        std::fs::write(&next, text).expect("written");
        std::fs::write(&stale, r#"{"a":0}"#).expect("written");
        let recovered = directory.recover(|document| document.number(&["a".into()]).is_some()).expect("no error");
        assert_eq!(matches!(recovered, Recovered::Finished(Replaced { unsynced: None })), whole, "{text}");
        assert!(!next.exists() && !stale.exists());
        let expected = if whole { r#"{"a":9}"# } else { r#"{"a":1}"# };
        assert_eq!(std::fs::read_to_string(location.path()).expect("there"), expected);
    }
}

#[test]
fn what_was_left_for_a_content_that_others_have_changed_is_of_use_to_the_same_login() {
    let (_dir, location) = location();
    put(&location, r#"{"rt":"old"}"#);
    let directory = location.open().expect("open");
    let next = location.directory.join(directory.next_name(&directory.read().expect("read")));
    std::fs::write(&next, r#"{"rt":"new"}"#).expect("written");
    // Somebody wrote the file without the lock: the login is the same, and what was left is of use.
    put(&location, r#"{"rt":"old","more":1}"#);
    let recovered = directory.recover(|_| true).expect("no error");
    assert!(next.exists());
    let Recovered::Overtaken(document, left) = recovered else { panic!("{recovered:?}") };
    assert_eq!(document.bytes(), br#"{"rt":"new"}"#);
    directory.remove(&left);
    assert!(!next.exists());
    // Another login: what was left is not.
    std::fs::write(&next, r#"{"rt":"new"}"#).expect("written");
    put(&location, r#"{"rt":"another"}"#);
    assert!(matches!(directory.recover(|_| true), Ok(Recovered::Nothing)));
    assert!(!next.exists());
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
    // A journal behind it may be as large again; what is before it may not.
    let journal = journal::behind(MAX_FILE_BYTES, b"{}");
    let small = |length: usize| text(length).into_bytes();
    for (bytes, is_read) in [
        (small(MAX_FILE_BYTES), true),
        (small(MAX_FILE_BYTES + 1), false),
        ([&small(MAX_FILE_BYTES)[..], &journal].concat(), true),
        ([&small(MAX_FILE_BYTES + 1)[..], &journal[..9]].concat(), false),
        (small(journal::MAX_BYTES + 1), false),
    ] {
        std::fs::write(location.path(), &bytes).expect("written");
        put_mode(&location);
        let error = directory.read().err();
        assert_eq!(error.as_ref().map(Error::code), (!is_read).then_some(ErrorCode::CredentialFileUnusable));
        assert!(error.is_none_or(|error| error.to_string().contains("is larger than 4194304 bytes. Remove")));
    }
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
        // It is no mount point here, and is replaced: what else has its content keeps it.
        let other = location.directory.join("linked");
        std::fs::hard_link(location.path(), &other).expect("linked");
        assert!(matches!(directory.recover(|_| true), Ok(Recovered::Finished(Replaced { unsynced: None }))));
        assert_eq!(std::fs::read(&other).expect("there"), bytes);
        std::fs::remove_file(other).expect("removed");
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
    let replaced = two.replace(&content, &document(r#"{"a":2}"#)).expect("replaced").expect("unchanged");
    assert!(replaced.unsynced.is_none());
    assert!(one.try_lock().expect("a lock file").is_none());
    drop(lock);
    assert!(one.try_lock().expect("a lock file").is_some());
}
