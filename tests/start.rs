//! Real starts through the core alone: no napi, no Node. Linux only, as the native start is.
#![cfg(target_os = "linux")]
#![allow(clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

use std::io::Read;
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::{Duration, Instant};

use provider_env::credential::Fallbacks;
use provider_env::credential::payload::Payload;
use provider_env::environment::{EnvPlan, EnvRequest, ExecLimits, Workspace};
use provider_env::error::ErrorCode;
use provider_env::process::identity::IdentityRequest;
use provider_env::process::launch::{begin, queue};
use provider_env::process::options::{ChildOptions, CliOptions, DeliveryRequest, Stdio, StopPolicy};
use provider_env::process::running::{LifecycleEvent, Process, ProcessListener};
use provider_env::process::start::Start;
use provider_env::sys::attributes::Limits;
use provider_env::sys::identity;
use provider_env::sys::wait::{ExitStatus, real_time_name};

const KEY: &str = "sk-ant-api03-made-up-for-a-test";

struct Heard(Sender<LifecycleEvent>);

impl ProcessListener for Heard {
    fn on_event(&self, _: u64, event: LifecycleEvent) {
        let _ = self.0.send(event);
    }
}

fn plan() -> EnvPlan {
    let json = format!(r#"{{"apiKey":"{KEY}","userEnvKeys":{{"MARK":"yes"}}}}"#);
    let payload = Payload::from_message(json.as_bytes(), &[]).expect("valid");
    let request = EnvRequest {
        base: vec![("PATH", "/usr/bin:/bin")],
        workspace: Workspace { home: Some("/tmp"), tmp_dir: Some("/tmp"), ..Workspace::default() },
        ..EnvRequest::default()
    };
    EnvPlan::new(payload, request, Fallbacks::default(), ExecLimits::for_stack(None)).expect("a plan")
}

/// `/bin/sh -c script`: `--setting-sources=` would come first, so the workspace counts as trusted.
fn shell(script: &str) -> Start {
    shell_as(script, IdentityRequest { allow_root: Some(true), ..IdentityRequest::default() })
}

fn shell_as(script: &str, ids: IdentityRequest) -> Start {
    let child = ChildOptions {
        command: Some("/bin/sh".into()),
        args: vec!["-c".into(), script.into()],
        cwd: Some("/".into()),
        ids,
        stop: POLICY,
        stdio: vec![Stdio::Ignore, Stdio::Pipe, Stdio::Ignore],
        ..ChildOptions::default()
    };
    let cli = CliOptions { delivery: Some(DeliveryRequest::Fd), trusted: true, ..CliOptions::default() };
    Start::new(Arc::new(plan()), child, cli).expect("a start")
}

const POLICY: StopPolicy =
    StopPolicy { kill_signal: libc::SIGTERM, kill_grace_ms: 200.0, timeout_ms: None, kill_group_on_exit: true };

fn run(start: Start) -> (Arc<Process>, Receiver<LifecycleEvent>, OwnedFd) {
    let (sender, receiver) = channel();
    let (process, [_, stdout, _]) = begin(start, Arc::new(Heard(sender))).expect("begun");
    (process, receiver, stdout.expect("a stream"))
}

/// Not that a shell has no version of a CLI, which is reported first.
fn next(events: &Receiver<LifecycleEvent>) -> LifecycleEvent {
    loop {
        // A bound for what never comes: a machine that is busy is not that slow.
        match events.recv_timeout(Duration::from_secs(120)).expect("an event") {
            LifecycleEvent::Untested(text) => assert!(text.contains("is unknown"), "{text}"),
            event => return event,
        }
    }
}

fn exit_status(events: &Receiver<LifecycleEvent>) -> ExitStatus {
    loop {
        match next(events) {
            LifecycleEvent::Exited(status) => return status,
            LifecycleEvent::Failed(error) => panic!("{error:?}"),
            LifecycleEvent::Untested(_) | LifecycleEvent::Spawned { .. } | LifecycleEvent::TimedOut => {}
        }
    }
}

fn read_all(ours: OwnedFd) -> String {
    let mut text = String::new();
    let mut stream = std::os::unix::net::UnixStream::from(ours);
    stream.set_nonblocking(false).expect("a socket");
    stream.read_to_string(&mut text).expect("UTF-8");
    text
}

#[test]
fn the_child_gets_its_environment_and_its_key_on_the_pipe() {
    let (_process, events, ours) = run(shell("env; echo; cat <&3; ls /proc/self/fd | wc -l"));
    let text = read_all(ours);
    assert_eq!(exit_status(&events), ExitStatus::Code(0));
    let (env, rest) = text.split_once("\n\n").expect("two parts");
    assert!(env.contains("USER_MARK=yes") && env.contains("CLAUDE_CODE_API_KEY_FILE_DESCRIPTOR=3"), "{env}");
    assert!(!env.contains(KEY), "{env}");
    // 0, 1, 2, the credential's, and the directory that `ls` reads.
    assert_eq!(rest, format!("{KEY}5\n"));
}

#[test]
fn each_step_that_can_fail_here_is_named() {
    type Spoil = fn(&mut Start);
    let cases: [(&str, ErrorCode, Spoil); 4] = [
        ("working-directory", ErrorCode::SpawnFailed, |start| start.child.cwd = Some("/nowhere".into())),
        ("limits", ErrorCode::SpawnFailed, |start| {
            // No process may raise this above `fs.nr_open`, root included.
            start.child.attributes.limits = Some(Limits { open_files: Some(i64::MAX), ..Limits::default() });
        }),
        ("state-directory", ErrorCode::StateDirUnusable, |start| {
            let json = format!(r#"{{"apiKey":"{KEY}"}}"#);
            let request = EnvRequest {
                workspace: Workspace { home: Some("/tmp"), tmp_dir: Some("/nowhere"), ..Workspace::default() },
                ..EnvRequest::default()
            };
            let payload = Payload::from_message(json.as_bytes(), &[]).expect("valid");
            start.env = Arc::new(
                EnvPlan::new(payload, request, Fallbacks::default(), ExecLimits::for_stack(None)).expect("a plan"),
            );
        }),
        ("execute", ErrorCode::SpawnFailed, |start| start.child.command = Some("/etc/passwd".into())),
    ];
    for (step, code, spoil) in cases {
        let mut start = shell("echo should not run");
        spoil(&mut start);
        let (_process, events, _ours) = run(start);
        let LifecycleEvent::Failed(error) = next(&events) else { panic!("{step}: it ran") };
        // A file that is not executable is already found unreachable.
        let expected = if step == "execute" { (ErrorCode::ProgramUnreachable, None) } else { (code, Some(step)) };
        assert_eq!((error.code(), error.details().step), expected, "{error}");
        assert!(!format!("{error:?}").contains(KEY));
    }
}

#[test]
fn stop_reaches_who_ignores_it_and_who_left_the_group() {
    let script = "trap '' TERM; setsid sleep 1000 & echo $!; while :; do sleep 1; done";
    let (process, events, ours) = run(shell(script));
    assert!(matches!(next(&events), LifecycleEvent::Spawned { .. }));
    let mut stream = std::os::unix::net::UnixStream::from(ours);
    stream.set_nonblocking(false).expect("a socket");
    let mut line = [0_u8; 16];
    let length = stream.read(&mut line).expect("a pid");
    let grandchild: i32 = String::from_utf8_lossy(&line[..length]).trim().parse().expect("a pid");
    let begun = Instant::now();
    process.stop();
    assert_eq!(exit_status(&events), ExitStatus::Signal(libc::SIGKILL));
    assert!(begun.elapsed().as_secs_f64() * 1000.0 >= POLICY.kill_grace_ms, "the grace was not kept");
    let gone = || !std::path::Path::new(&format!("/proc/{grandchild}/cwd")).exists();
    let deadline = Instant::now() + Duration::from_secs(120);
    while !gone() && Instant::now() < deadline {
        std::thread::sleep(Duration::from_millis(10));
    }
    assert!(gone(), "the grandchild in its own session survived");
}

#[test]
fn a_start_tells_what_the_program_was_given() {
    let (_process, events, _ours) = run(shell("exit 0"));
    let LifecycleEvent::Spawned { argv, .. } = next(&events) else { panic!("it did not start") };
    assert!(argv[0].starts_with('/'), "{argv:?}");
    assert_eq!(argv[1..], ["-c", "exit 0"]);
}

#[test]
fn a_real_time_signal_has_the_name_that_kill_shows() {
    assert_eq!(real_time_name(libc::SIGRTMIN()).as_deref(), Some("SIGRTMIN"));
    assert_eq!(real_time_name(libc::SIGRTMIN() + 3).as_deref(), Some("SIGRTMIN+3"));
    assert_eq!(real_time_name(32).as_deref(), Some("SIG32"));
    assert_eq!(real_time_name(libc::SIGKILL), None);
}

#[test]
fn a_timeout_is_told_and_kept() {
    let mut start = shell("exec sleep 1000");
    start.child.stop.timeout_ms = Some(100.0);
    let (_process, events, _ours) = run(start);
    assert!(matches!(next(&events), LifecycleEvent::Spawned { .. }));
    assert!(matches!(next(&events), LifecycleEvent::TimedOut));
    assert_eq!(exit_status(&events), ExitStatus::Signal(libc::SIGTERM));
}

#[test]
fn signals_before_the_start_are_kept_and_an_aborted_start_does_not_happen() {
    let (sender, events) = channel();
    let process = Process::new(POLICY, Arc::new(Heard(sender)));
    process.signal(libc::SIGTERM).expect("kept");
    queue(shell("exec sleep 1000"), [None, None, None], &process);
    assert_eq!(exit_status(&events), ExitStatus::Signal(libc::SIGTERM));

    let mut start = shell("echo should not run");
    start.child.aborted = true;
    let (_process, events, ours) = run(start);
    let LifecycleEvent::Failed(error) = next(&events) else { panic!("it ran") };
    assert_eq!(error.code(), ErrorCode::Aborted);
    assert_eq!(read_all(ours), "");
}

#[test]
fn the_process_stays_dumpable_and_becomes_nobody_itself() {
    use rustix::process::{DumpableBehavior, dumpable_behavior};
    if identity::own().0 != 0 {
        println!("skipped: becoming somebody else needs root");
        return;
    }
    let before = dumpable_behavior().expect("readable");
    for _ in 0..20 {
        let (uid, gid, groups) = (Some(12345.0), Some(12346.0), Some(vec![12347.0]));
        let start = shell_as("id -u; id -g; id -G", IdentityRequest { uid, gid, groups, allow_root: None });
        let (_process, events, ours) = run(start);
        assert_eq!(read_all(ours), "12345\n12346\n12346 12347\n");
        assert_eq!(exit_status(&events), ExitStatus::Code(0));
    }
    assert_eq!(dumpable_behavior(), Ok(before));
    assert_eq!(before, DumpableBehavior::Dumpable);
    assert_eq!(identity::own().0, 0);
}
