//! Real starts through the core alone: no napi, no Node. Linux only, as the native start is.
#![cfg(target_os = "linux")]
#![allow(missing_docs, reason = "a test has no users")]
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
use provider_env::process::identity::{IdentityRequest, Target, decide};
use provider_env::process::options::{Limits, WorkspaceTrust};
use provider_env::process::running::{Event, Listener, Process, StopPolicy};
use provider_env::process::start::Start;
use provider_env::sys::wait::{Ending, real_time_name};
use provider_env::sys::{identity, stdio};

const KEY: &str = "sk-ant-api03-made-up-for-a-test";

struct Heard(Sender<Event>);

impl Listener for Heard {
    fn attach(&self, _: u64) {}

    fn on_event(&self, event: Event) {
        let _ = self.0.send(event);
    }
}

fn plan() -> EnvPlan {
    let json = format!(r#"{{"apiKey":"{KEY}","userEnvKeys":{{"MARK":"yes"}}}}"#);
    let payload = Payload::from_json(json.as_bytes()).expect("valid");
    let request = EnvRequest {
        base: vec![("PATH", "/usr/bin:/bin")],
        workspace: Workspace { home: Some("/tmp"), tmp_dir: Some("/tmp"), ..Workspace::default() },
        ..EnvRequest::default()
    };
    EnvPlan::new(payload, request, Fallbacks::default(), ExecLimits::for_stack(None)).expect("a plan")
}

fn own_target() -> Target {
    decide(&IdentityRequest { allow_root: true, ..IdentityRequest::default() }, identity::own()).expect("ourselves")
}

/// `/bin/sh -c script`: `--setting-sources=` would come first, so the workspace counts as trusted.
fn shell(script: &str) -> (Start, OwnedFd) {
    let ends = stdio::stream().expect("a stream");
    let start = Start {
        env: Arc::new(plan()),
        delivery: provider_env::environment::Delivery::Fd,
        extra: Vec::new(),
        command: Some("/bin/sh".into()),
        package_roots: Vec::new(),
        arguments: vec!["-c".into(), script.into()],
        trust: WorkspaceTrust::Trusted,
        directory: Some("/".into()),
        target: own_target(),
        priority: None,
        oom_score_adj: None,
        umask: None,
        limits: Limits::default(),
        stdio: [None, Some(ends.theirs), None],
        on_terminal: false,
    };
    (start, ends.ours)
}

const POLICY: StopPolicy =
    StopPolicy { signal: libc::SIGTERM, grace: Duration::from_millis(200), timeout: None, kill_group_on_exit: true };

fn run(start: Start, policy: StopPolicy) -> (Arc<Process>, Receiver<Event>) {
    let (sender, receiver) = channel();
    let process = Process::new(policy, Box::new(Heard(sender)));
    start.queue(&process);
    (process, receiver)
}

/// Not that a shell has no version of a CLI's, which is told first.
fn next(events: &Receiver<Event>) -> Event {
    loop {
        // A bound for what never comes: a machine that is busy is not that slow.
        match events.recv_timeout(Duration::from_secs(120)).expect("an event") {
            Event::Untested(text) => assert!(text.contains("is unknown"), "{text}"),
            event => return event,
        }
    }
}

fn ending(events: &Receiver<Event>) -> Ending {
    loop {
        match next(events) {
            Event::Exited(ending) => return ending,
            Event::Failed(error) => panic!("{error:?}"),
            Event::Untested(_) | Event::Spawned { .. } | Event::TimedOut => {}
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
    let (start, ours) = shell("env; echo; cat <&3; ls /proc/self/fd | wc -l");
    let (_process, events) = run(start, POLICY);
    let text = read_all(ours);
    assert_eq!(ending(&events), Ending::Code(0));
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
        ("working-directory", ErrorCode::SpawnFailed, |start| start.directory = Some("/nowhere".into())),
        ("limits", ErrorCode::SpawnFailed, |start| {
            // No process may raise this above `fs.nr_open`, root included.
            start.limits.open_files = Some(u64::MAX - 1);
        }),
        ("state-directory", ErrorCode::StateDirUnusable, |start| {
            let json = format!(r#"{{"apiKey":"{KEY}"}}"#);
            let request = EnvRequest {
                workspace: Workspace { home: Some("/tmp"), tmp_dir: Some("/nowhere"), ..Workspace::default() },
                ..EnvRequest::default()
            };
            let payload = Payload::from_json(json.as_bytes()).expect("valid");
            start.env = Arc::new(
                EnvPlan::new(payload, request, Fallbacks::default(), ExecLimits::for_stack(None)).expect("a plan"),
            );
        }),
        ("execute", ErrorCode::SpawnFailed, |start| start.command = Some("/etc/passwd".into())),
    ];
    for (step, code, spoil) in cases {
        let (mut start, _ours) = shell("echo should not run");
        spoil(&mut start);
        let (_process, events) = run(start, POLICY);
        let Event::Failed(error) = next(&events) else { panic!("{step}: it ran") };
        // A file that is not executable is already found unreachable.
        let expected = if step == "execute" { (ErrorCode::ProgramUnreachable, None) } else { (code, Some(step)) };
        assert_eq!((error.code(), error.details().step), expected, "{error}");
        assert!(!format!("{error:?}").contains(KEY));
    }
}

#[test]
fn stop_reaches_who_ignores_it_and_who_left_the_group() {
    let (start, ours) = shell("trap '' TERM; setsid sleep 1000 & echo $!; while :; do sleep 1; done");
    let (process, events) = run(start, POLICY);
    assert!(matches!(next(&events), Event::Spawned { .. }));
    let mut stream = std::os::unix::net::UnixStream::from(ours);
    stream.set_nonblocking(false).expect("a socket");
    let mut line = [0_u8; 16];
    let length = stream.read(&mut line).expect("a pid");
    let grandchild: i32 = String::from_utf8_lossy(&line[..length]).trim().parse().expect("a pid");
    let begun = Instant::now();
    process.stop();
    assert_eq!(ending(&events), Ending::Signal(libc::SIGKILL));
    assert!(begun.elapsed() >= POLICY.grace, "the grace was not kept");
    let gone = || !std::path::Path::new(&format!("/proc/{grandchild}/cwd")).exists();
    let deadline = Instant::now() + Duration::from_secs(120);
    while !gone() && Instant::now() < deadline {
        std::thread::sleep(Duration::from_millis(10));
    }
    assert!(gone(), "the grandchild in a session of its own survived");
}

#[test]
fn a_start_tells_what_the_program_was_given() {
    let (start, _ours) = shell("exit 0");
    let (_process, events) = run(start, POLICY);
    let Event::Spawned { argv, .. } = next(&events) else { panic!("it did not start") };
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
    let (start, _ours) = shell("exec sleep 1000");
    let (_process, events) = run(start, StopPolicy { timeout: Some(Duration::from_millis(100)), ..POLICY });
    assert!(matches!(next(&events), Event::Spawned { .. }));
    assert!(matches!(next(&events), Event::TimedOut));
    assert_eq!(ending(&events), Ending::Signal(libc::SIGTERM));
}

#[test]
fn signals_before_the_start_are_kept_and_an_aborted_start_does_not_happen() {
    let (sender, events) = channel();
    let process = Process::new(POLICY, Box::new(Heard(sender)));
    process.signal(libc::SIGTERM).expect("kept");
    let (start, _ours) = shell("exec sleep 1000");
    start.queue(&process);
    assert_eq!(ending(&events), Ending::Signal(libc::SIGTERM));

    let (sender, events) = channel();
    let process = Process::new(POLICY, Box::new(Heard(sender)));
    process.stop();
    let (start, ours) = shell("echo should not run");
    start.queue(&process);
    let Event::Failed(error) = next(&events) else { panic!("it ran") };
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
        let (mut start, ours) = shell("id -u; id -g; id -G");
        start.target = Target::Other { uid: 12345, gid: 12346, groups: vec![12347] };
        let (_process, events) = run(start, POLICY);
        assert_eq!(read_all(ours), "12345\n12346\n12346 12347\n");
        assert_eq!(ending(&events), Ending::Code(0));
    }
    assert_eq!(dumpable_behavior(), Ok(before));
    assert_eq!(before, DumpableBehavior::Dumpable);
    assert_eq!(identity::own().0, 0);
}
