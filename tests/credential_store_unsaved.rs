//! Tokens that cannot be written: what a full disk or a busy file does in the middle of a refresh costs no login.
#![cfg(unix)]
#![allow(clippy::expect_used, clippy::panic, reason = "a test says what it expects")]

mod support;

use std::cell::{Cell, RefCell};
use std::path::{Path, PathBuf};
use std::rc::Rc;

use provider_env::credential::store::{Call, How, Step, Store};
use provider_env::error::ErrorCode;
use support::{endpoint, open, whole, write_login};

type Hook = Box<dyn Fn(Step)>;

thread_local! {
    /// What is done in the steps: a refresh runs on the thread that calls it.
    static HOOK: RefCell<Option<Hook>> = const { RefCell::new(None) };
}

fn in_each_step(act: impl Fn(Step) + 'static) {
    HOOK.set(Some(Box::new(act)));
}

fn observe(step: Step) {
    HOOK.with_borrow(|hook| {
        if let Some(act) = hook {
            act(step);
        }
    });
}

/// What was made ready to take the place of the file.
fn nexts(dir: &Path) -> Vec<PathBuf> {
    let paths = std::fs::read_dir(dir).expect("listed").flatten().map(|entry| entry.path());
    paths.filter(|path| path.extension().is_some_and(|extension| extension == "next")).collect()
}

/// A store whose first refresh was granted and could not be written; and the name that was in the way of nothing yet.
fn unsaved(dir: &Path, url: &str) -> (Store, PathBuf) {
    let store = open(dir, url, observe);
    let (name, watched) = (Rc::new(Cell::new(PathBuf::new())), dir.to_owned());
    let seen = Rc::clone(&name);
    in_each_step(move |step| {
        if step == Step::Answered {
            let next = nexts(&watched).remove(0);
            std::fs::remove_file(&next).expect("removed");
            seen.set(next);
        }
    });
    let refreshed = store.refresh(Call::Fresh, None).expect("tokens");
    assert!(refreshed.how == How::Here && !refreshed.persisted && refreshed.failure.is_some(), "{refreshed:?}");
    HOOK.set(None);
    (store, name.take())
}

#[test]
fn a_second_refresh_goes_on_from_the_tokens_that_were_kept() {
    // Whether the second one can be written.
    for is_written in [true, false] {
        let dir = tempfile::tempdir().expect("a directory");
        let file = write_login(dir.path());
        let (url, state) = endpoint();
        let (store, next) = unsaved(dir.path(), &url);
        // In the way while what was kept is saved, and out of it afterwards or not.
        std::fs::create_dir(&next).expect("made");
        let obstacle = next.clone();
        in_each_step(move |step| {
            if step == Step::Read && is_written {
                std::fs::remove_dir(&obstacle).expect("removed");
            }
        });
        let second = store.refresh(Call::Refresh, None).expect("tokens");
        HOOK.set(None);
        if !is_written {
            std::fs::remove_dir(&next).expect("removed");
        }
        assert_eq!((second.how, second.persisted), (How::Here, is_written));
        let third = store.refresh(Call::Reload, None).expect("tokens");
        assert!(third.how == How::NotNeeded && third.persisted && third.failure.is_none(), "{third:?}");
        let login = &whole(&file, "the third")["claudeAiOauth"];
        assert_eq!((&login["accessToken"], &login["refreshToken"]), (&"sk-ant-oat01-2".into(), &"rt-2".into()));
        assert_eq!(state.lock().expect("no panic").requests, 2);
    }
}

#[test]
fn a_file_that_others_write_all_the_time() {
    let dir = tempfile::tempdir().expect("a directory");
    let file = write_login(dir.path());
    let (url, state) = endpoint();
    let store = open(dir.path(), &url, observe);
    let (tries, written) = (Rc::new(Cell::new(0)), file.clone());
    let counted = Rc::clone(&tries);
    in_each_step(move |step| {
        if step == Step::Written {
            counted.set(counted.get() + 1);
            let mut document = whole(&written, "nobody");
            document["count"] = counted.get().into();
            std::fs::write(&written, document.to_string()).expect("written");
        }
    });
    let refreshed = store.refresh(Call::Fresh, None).expect("tokens");
    HOOK.set(None);
    assert_eq!((refreshed.how, refreshed.persisted, tries.get()), (How::Here, false, 6));
    assert_eq!(refreshed.failure.expect("why").code(), ErrorCode::CredentialFileUnusable);
    let login = &whole(&file, "the others")["claudeAiOauth"];
    assert_eq!(login["refreshToken"], "rt-0");

    assert!(store.refresh(Call::Reload, None).expect("tokens").persisted);
    let document = whole(&file, "we");
    assert_eq!((&document["count"], &document["claudeAiOauth"]["refreshToken"]), (&6.into(), &"rt-1".into()));
    assert_eq!(state.lock().expect("no panic").requests, 1);
}
