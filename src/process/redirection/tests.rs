//! Tests of which starts are allowed with which files.

use super::*;
use crate::credential::Fallbacks;
use crate::credential::payload::Payload;
use crate::environment::{EnvRequest, ExecLimits};

const UNTRUSTED: Beside<'_> = Beside { trusted: false, version: Some("2.1.330"), delivery: Delivery::Fd };

fn plan(home: &Path, payload: &str, base_url: Option<&str>) -> EnvPlan {
    let home = home.to_str().expect("UTF-8");
    let request = EnvRequest { base: vec![("HOME", home)], base_url, ..EnvRequest::default() };
    let payload = Payload::from_message(payload.as_bytes(), &[]).expect("valid");
    EnvPlan::new(payload, request, Fallbacks::default(), ExecLimits::for_stack(None)).expect("a plan")
}

fn key(home: &Path) -> EnvPlan {
    plan(home, r#"{"apiKey":"made-up-key"}"#, Some("http://127.0.0.1:9"))
}

#[test]
fn variables_in_its_own_files_stop_a_version_that_obeys_them() {
    let home = tempfile::tempdir().expect("a directory");
    let plan = key(home.path());
    let beside = |version| check(&plan, Beside { version, ..UNTRUSTED });
    for place in [".claude.json", ".claude/.claude.json", ".claude/.config.json"] {
        let file = home.path().join(place);
        std::fs::create_dir_all(file.parent().expect("has one")).expect("ours");
        for (text, harmless) in [
            (r#"{"numStartups": 1}"#, true),
            (r#"{"env": {"FOO": "x"}}"#, true),
            (r#"{"env": null}"#, true),
            (r#"{"env": {"https_proxy": ""}}"#, false),
            (r#"{"env": {"ANTHROPIC_BASE_URL": 1}}"#, false),
            (r#"{"env": {"CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": ""}}"#, false),
            (r#"{"env": {}, "env": {"HTTP_PROXY": "x"}}"#, false),
            (r#"{"\u0065nv": {"HTTP_PROXY": "x"}}"#, false),
            ("\u{feff}{}", false),
            ("", false),
        ] {
            std::fs::write(&file, text).expect("ours");
            assert!(beside(Some("2.1.330")).is_ok() && beside(Some("3.0.0")).is_ok(), "{text}");
            for version in [None, Some("2.1.199"), Some("1.9.999"), Some("nonsense")] {
                let outcome = beside(version);
                assert_eq!(outcome.is_ok(), harmless, "{place} {text} {version:?}");
                if let Err(error) = outcome {
                    assert_eq!(error.code(), ErrorCode::StateDirUnusable);
                    assert!(error.to_string().contains(&*file.to_string_lossy()), "{error}");
                }
            }
        }
        std::fs::remove_file(&file).expect("ours");
    }
    assert!(beside(None).is_ok(), "nothing is left");
}

#[test]
fn settings_of_an_organization_stop_what_is_untrusted_and_has_no_base_url() {
    let home = tempfile::tempdir().expect("a directory");
    let file = home.path().join(".claude/remote-settings.json");
    std::fs::create_dir_all(file.parent().expect("has one")).expect("ours");
    let without = plan(home.path(), r#"{"apiKey":"made-up-key"}"#, None);
    assert!(check(&without, UNTRUSTED).is_ok());
    for make in [
        (|file: &Path| std::fs::write(file, "{}")) as fn(&Path) -> std::io::Result<()>,
        |file| std::fs::create_dir(file),
        |file| std::os::unix::fs::symlink("/proc/self/environ", file),
        |file| std::os::unix::fs::symlink("nowhere", file),
    ] {
        make(&file).expect("ours");
        assert!(check(&without, UNTRUSTED).is_err());
        assert!(check(&without, Beside { trusted: true, ..UNTRUSTED }).is_ok());
        assert!(check(&key(home.path()), UNTRUSTED).is_ok());
        let removed = std::fs::remove_file(&file).or_else(|_| std::fs::remove_dir(&file));
        removed.expect("ours");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_way_that_is_another_for_the_cli_is_refused() {
    let home = tempfile::tempdir().expect("a directory");
    std::os::unix::fs::symlink("/proc/self/cwd", home.path().join(".claude")).expect("ours");
    let without = plan(home.path(), r#"{"apiKey":"made-up-key"}"#, None);
    assert!(check(&without, UNTRUSTED).is_err());
    assert!(check(&key(home.path()), Beside { version: None, ..UNTRUSTED }).is_err());
}
