//! Tokens that cannot be written: what a full disk or a busy file does in the middle of a refresh costs no login.
#![cfg(target_os = "linux")]
#![allow(clippy::expect_used, clippy::panic, reason = "a test says what it expects")]

mod support;

use std::path::{Path, PathBuf};
use std::sync::mpsc;

use provider_env::credential::store::{Call, How};
use provider_env::error::ErrorCode;
use support::traced;
use support::{endpoint, nexts, open, refresh, whole, write_login};

const DIR: &str = "PROVIDER_ENV_TEST_DIR";
const URL: &str = "PROVIDER_ENV_TEST_URL";

#[test]
fn a_second_refresh_goes_on_from_the_tokens_that_were_kept() {
    // Whether the second one can be written.
    for is_written in [true, false] {
        let dir = tempfile::tempdir().expect("a directory");
        let file = write_login(dir.path());
        let (watched, (removed, next)) = (dir.path().to_owned(), mpsc::channel::<PathBuf>());
        let (url, state) = endpoint(move |number| {
            let made = nexts(&watched);
            if number == 1 {
                // What was made ready goes before there is an answer to write into it.
                std::fs::remove_file(&made[0]).expect("removed");
                removed.send(made[0].clone()).expect("a reader");
            } else if is_written {
                std::fs::remove_dir(&made[0]).expect("removed");
            }
        });
        let store = open(dir.path(), &url);
        let first = refresh(&store, Call::Fresh, None).expect("tokens");
        assert!(first.how == How::Here && !first.persisted && first.failure.is_some(), "{first:?}");
        // In the way while what was kept is saved, and out of it when the endpoint is asked, or not.
        let next = next.recv().expect("a name");
        std::fs::create_dir(&next).expect("made");
        let second = refresh(&store, Call::Refresh, None).expect("tokens");
        if !is_written {
            std::fs::remove_dir(&next).expect("removed");
        }
        assert_eq!((second.how, second.persisted), (How::Here, is_written));
        let third = refresh(&store, Call::Reload, None).expect("tokens");
        assert!(third.how == How::NotNeeded && third.persisted && third.failure.is_none(), "{third:?}");
        let login = &whole(&file, "the third")["claudeAiOauth"];
        assert_eq!((&login["accessToken"], &login["refreshToken"]), (&"sk-ant-oat01-2".into(), &"rt-2".into()));
        assert_eq!(state.lock().expect("no panic").requests, 2);
    }
}

/// Runs in its own process.
#[test]
fn holder() {
    let (Ok(dir), Ok(url)) = (std::env::var(DIR), std::env::var(URL)) else { return };
    traced::begin();
    let store = open(Path::new(&dir), &url);
    let refreshed = refresh(&store, Call::Fresh, None).expect("tokens");
    assert_eq!((refreshed.how, refreshed.persisted), (How::Here, false));
    assert_eq!(refreshed.failure.expect("why").code(), ErrorCode::CredentialFileUnusable);
    let login = &whole(&Path::new(&dir).join(".credentials.json"), "the others")["claudeAiOauth"];
    assert_eq!(login["refreshToken"], "rt-0");
    assert!(refresh(&store, Call::Reload, None).expect("tokens").persisted);
}

#[test]
fn a_file_that_others_write_all_the_time() {
    let dir = tempfile::tempdir().expect("a directory");
    let file = write_login(dir.path());
    let (url, state) = endpoint(|_| ());
    let mut count = 0;
    let variables = [(DIR, dir.path().to_str().expect("text")), (URL, &*url)];
    // As often as the refresh tries to write: each time when its new file is whole, and has not taken the place of this one.
    let passed = traced::run("holder", &variables, |number| {
        if number == libc::SYS_fsync && count < 6 {
            count += 1;
            let mut document = whole(&file, "nobody");
            document["count"] = count.into();
            std::fs::write(&file, document.to_string()).expect("written");
        }
        true
    });
    assert!(passed);
    let document = whole(&file, "the holder");
    assert_eq!((&document["count"], &document["claudeAiOauth"]["refreshToken"]), (&6.into(), &"rt-1".into()));
    assert_eq!(state.lock().expect("no panic").requests, 1);
}
