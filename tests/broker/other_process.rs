//! Another process, of another uid where that is asked for: this test program once more, which does what it is told.

use std::io::{BufRead, BufReader, IoSlice, IoSliceMut, Read, Write};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, Command, Stdio};
use std::time::Duration;

use provider_env::broker::{Address, Grant, Process};
use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer, SendAncillaryMessage, SendFlags,
    recvmsg, sendmsg,
};
use tempfile::TempDir;

use crate::client::{Answer, read_body, read_head};
use crate::setting::authorized;

const ROLE: &str = "BROKER_TEST_ROLE";

/// Nobody's on any machine.
pub const TENANT: u32 = 61_001;
pub const NEIGHBOUR: u32 = 61_002;

/// Says so where a test cannot have other uids.
pub fn is_root() -> bool {
    let is_root = rustix::process::geteuid().is_root();
    if !is_root {
        println!("skipped: only root can start processes of other uids");
    }
    is_root
}

pub struct Other {
    pub child: Child,
    lines: BufReader<ChildStderr>,
    _program: TempDir,
}

impl Drop for Other {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Other {
    pub fn start(uid: Option<u32>) -> Self {
        let (directory, program) = program();
        let mut command = Command::new(program);
        command.args(["--exact", "other_process::does_what_it_is_told", "--nocapture"]).env(ROLE, "told");
        command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped());
        if let Some(uid) = uid {
            command.uid(uid).gid(uid);
        }
        let mut child = command.spawn().expect("a process");
        let lines = BufReader::new(child.stderr.take().expect("a pipe"));
        Self { child, lines, _program: directory }
    }

    pub fn process(&self) -> Process {
        Process::open(i32::try_from(self.child.id()).expect("a pid")).expect("alive")
    }

    fn tell(&mut self, words: &[&str]) {
        let stdin = self.child.stdin.as_mut().expect("a pipe");
        writeln!(stdin, "{}", words.join(" ")).expect("it listens");
    }

    /// What it says next, without the mark; what else is written to its stderr is passed over.
    pub fn hear(&mut self) -> String {
        loop {
            let mut line = String::new();
            assert_ne!(self.lines.read_line(&mut line).expect("text"), 0, "it has ended");
            if let Some(said) = line.trim_end().strip_prefix("@@") {
                return said.to_owned();
            }
        }
    }

    /// Has it send this to the broker on a connection of its own. Or why it could not.
    pub fn send(&mut self, address: &Address, bytes: &[u8]) -> Result<Answer, String> {
        self.tell(&["ask", &place(address), &hex(bytes)]);
        answer_of(&self.hear())
    }

    pub fn ask(&mut self, grant: &Grant, with_token_of: &Grant, path: &str) -> Result<Answer, String> {
        self.send(grant.address(), &request(grant.address(), with_token_of, path))
    }

    /// Has it open so many connections, and keep those that it gets. Returns how many those were.
    pub fn connect_idly(&mut self, address: &Address, count: usize) -> usize {
        self.tell(&["idle", &place(address), &format!("{count:08x}")]);
        self.hear().parse().expect("a number")
    }

    /// Has it connect and pass the connection on by a socket, without keeping it.
    pub fn pass_on(&mut self, grant: &Grant) -> OwnedFd {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("s");
        let listener = std::os::unix::net::UnixListener::bind(&path).expect("a socket");
        self.tell(&["pass", &place(grant.address()), &hex(path.to_str().expect("text").as_bytes())]);
        let (stream, _) = listener.accept().expect("it connects");
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
        let mut ancillary = RecvAncillaryBuffer::new(&mut space);
        let mut byte = [0; 1];
        recvmsg(&stream, &mut [IoSliceMut::new(&mut byte)], &mut ancillary, RecvFlags::empty()).expect("a message");
        let passed = ancillary.drain().find_map(|message| match message {
            RecvAncillaryMessage::ScmRights(mut descriptors) => descriptors.next(),
            _ => None,
        });
        assert_eq!(self.hear(), "passed");
        passed.expect("a descriptor")
    }

    /// Has it connect, and start a child with that connection, which uses it when its parent has ended.
    pub fn leave_behind(&mut self, grant: &Grant, path: &str) {
        self.tell(&["leave", &place(grant.address()), &hex(&request(grant.address(), grant, path))]);
        assert_eq!(self.hear(), "left");
    }
}

/// A whole request, after which the connection is closed.
pub fn request(address: &Address, with_token_of: &Grant, path: &str) -> Vec<u8> {
    let host = match address {
        Address::Tcp(url) => url.trim_start_matches("http://").split('/').next().unwrap_or_default(),
        Address::Unix(_) => "anything",
    };
    let token = authorized(with_token_of).pop().unwrap_or("x-nothing: 1".into());
    format!("POST {path} HTTP/1.1\r\nhost: {host}\r\n{token}\r\nconnection: close\r\ncontent-length: 2\r\n\r\n{{}}")
        .into()
}

pub fn answer_of(said: &str) -> Result<Answer, String> {
    let bytes = said.strip_prefix("answer ").ok_or_else(|| said.to_owned())?;
    let bytes = unhex(bytes);
    let mut rest = &bytes[..];
    let head = read_head(&mut rest).expect("an answer").ok_or("nothing was answered")?;
    let body = read_body(&mut rest, &head, true).expect("a body");
    Ok(Answer { head, body })
}

fn place(address: &Address) -> String {
    match address {
        Address::Tcp(url) => format!("tcp:{}", url.trim_start_matches("http://").split('/').next().unwrap_or_default()),
        Address::Unix(path) => format!("unix:{}", path.display()),
    }
}

/// Where every uid may run it.
fn program() -> (TempDir, PathBuf) {
    let directory = tempfile::tempdir().expect("a directory");
    let open = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    std::fs::set_permissions(directory.path(), open).expect("ours");
    let own = std::env::current_exe().expect("a program");
    let program = directory.path().join("program");
    if std::fs::hard_link(&own, &program).is_err() {
        std::fs::copy(&own, &program).expect("room");
    }
    (directory, program)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn unhex(text: &str) -> Vec<u8> {
    let digits = |at: usize| u8::from_str_radix(&text[at..at + 2], 16).expect("hex");
    (0..text.len()).step_by(2).map(digits).collect()
}

trait Both: Read + Write {}
impl<T: Read + Write> Both for T {}

fn connect(place: &str) -> std::io::Result<(Box<dyn Both>, OwnedFd)> {
    if let Some(path) = place.strip_prefix("unix:") {
        let stream = UnixStream::connect(path)?;
        let copy = stream.try_clone()?;
        return Ok((Box::new(stream), copy.into()));
    }
    let stream = std::net::TcpStream::connect(place.trim_start_matches("tcp:"))?;
    let copy = stream.try_clone()?;
    Ok((Box::new(stream), copy.into()))
}

pub fn exchange(mut stream: impl Read + Write, bytes: &[u8]) -> std::io::Result<Vec<u8>> {
    stream.write_all(bytes)?;
    let mut answer = Vec::new();
    // Reset behind the answer, where the broker did not want to read everything.
    let _ = stream.read_to_end(&mut answer);
    Ok(answer)
}

fn say_answer(answer: std::io::Result<Vec<u8>>) {
    match answer {
        Ok(answer) => eprintln!("@@answer {}", hex(&answer)),
        Err(error) => eprintln!("@@{:?}", error.kind()),
    }
}

/// No test, but what the other process runs.
#[test]
fn does_what_it_is_told() {
    match std::env::var(ROLE).ok().as_deref() {
        Some("told") => listen(),
        Some("left") => use_what_was_left(),
        _ => {}
    }
}

fn listen() {
    for line in std::io::stdin().lines() {
        let line = line.expect("text");
        let words: Vec<&str> = line.split(' ').collect();
        let (what, place, bytes) = (words[0], words[1], unhex(words[2]));
        if what == "idle" {
            let count = usize::from_str_radix(words[2], 16).expect("a number");
            let connections: Vec<_> = (0..count).map_while(|_| connect(place).ok().map(|(stream, _)| stream)).collect();
            eprintln!("@@{}", connections.len());
            Box::leak(Box::new(connections));
            continue;
        }
        let connected = connect(place);
        let (stream, copy) = match connected {
            Ok(connected) => connected,
            Err(error) => {
                eprintln!("@@{:?}", error.kind());
                continue;
            }
        };
        if what == "ask" {
            say_answer(exchange(stream, &bytes));
        } else if what == "pass" {
            drop(stream);
            pass(&copy, &String::from_utf8_lossy(&bytes));
            drop(copy);
            eprintln!("@@passed");
        } else {
            leave(copy, words[2]);
            eprintln!("@@left");
            // Held by this process too.
            Box::leak(Box::new(stream));
        }
    }
}

fn pass(connection: &OwnedFd, path: &str) {
    let stream = UnixStream::connect(path).expect("it listens");
    let descriptors = [connection.as_fd()];
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut ancillary = SendAncillaryBuffer::new(&mut space);
    assert!(ancillary.push(SendAncillaryMessage::ScmRights(&descriptors)));
    sendmsg(&stream, &[IoSlice::new(b"x")], &mut ancillary, SendFlags::empty()).expect("sent");
}

#[allow(clippy::zombie_processes, reason = "it outlives this process")]
fn leave(connection: OwnedFd, bytes: &str) {
    let own = std::env::current_exe().expect("a program");
    let mut command = Command::new(own);
    command.args(["--exact", "other_process::does_what_it_is_told", "--nocapture"]);
    command.env(ROLE, "left").env("BROKER_TEST_BYTES", bytes).env("BROKER_TEST_PARENT", std::process::id().to_string());
    command.stdin(connection).stdout(Stdio::null()).spawn().expect("a process");
}

fn use_what_was_left() {
    let variable = |name: &str| std::env::var(name).expect("set");
    let parent: u32 = variable("BROKER_TEST_PARENT").parse().expect("a number");
    while std::os::unix::process::parent_id() == parent {
        std::thread::sleep(Duration::from_millis(5));
    }
    let connection: OwnedFd = rustix::io::dup(std::io::stdin()).expect("the connection");
    say_answer(exchange(UnixStream::from(connection), &unhex(&variable("BROKER_TEST_BYTES"))));
}

/// Runs a test in a process of its own, where it measures what others would disturb. True in that process.
pub fn runs_alone(name: &str) -> bool {
    const ALONE: &str = "BROKER_TEST_ALONE";
    if std::env::var(ALONE).is_ok_and(|alone| alone == name) {
        return true;
    }
    let mut command = Command::new(std::env::current_exe().expect("a program"));
    let output = command.args(["--exact", name, "--nocapture"]).env(ALONE, name).output().expect("a process");
    let said = [String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr)].concat();
    println!("{said}");
    assert!(output.status.success() && said.contains("1 passed"), "{said}");
    false
}

/// What others may read of a directory.
pub fn mode(path: &Path) -> u32 {
    std::os::unix::fs::MetadataExt::mode(&std::fs::metadata(path).expect("there")) & 0o777
}
