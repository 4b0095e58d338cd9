//! What of a key is in the worker's memory while the broker works, and afterwards. The API is another process.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use provider_env::broker::{Addresses, Limits, LiveCredential, Options, Route, Upstream, UpstreamOptions};
use provider_env::provider::{CredentialKind, find};
use provider_env::secret::Secret;

use crate::api::Api;
use crate::client::Client;
use crate::setting::{Setting, authorized};

const ROLE: &str = "BROKER_TEST_API";

/// No test, but the other process: an API that sees the key, and repeats it in errors.
#[test]
fn an_api_of_its_own() {
    if std::env::var_os(ROLE).is_none() {
        return;
    }
    let api = Api::start(|conversation| {
        let Some(seen) = conversation.request()? else { return Ok(false) };
        if seen.head.line.contains("count_tokens") {
            let body = format!("wrong key: {}", seen.head.get("x-api-key").unwrap_or_default());
            let head = format!("HTTP/1.1 401 No\r\nx-key: {body}\r\ncontent-length: {}\r\n\r\n", body.len());
            conversation.send(format!("{head}{body}").as_bytes())?;
            return Ok(true);
        }
        conversation.send(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n")?;
        for _ in 0..20 {
            conversation.send(b"5\r\nevent\r\n")?;
        }
        conversation.send(b"0\r\n\r\n")?;
        Ok(true)
    });
    let root: String = api.root.iter().map(|byte| format!("{byte:02x}")).collect();
    eprintln!("@@{} {root}", api.address);
    // Until the test ends.
    let _ = std::io::stdin().lines().count();
}

struct OtherApi {
    child: Child,
    url: String,
    root: Vec<u8>,
}

impl OtherApi {
    fn start() -> Self {
        let mut command = Command::new(std::env::current_exe().expect("a program"));
        command.args(["--exact", "memory::an_api_of_its_own", "--nocapture"]).env(ROLE, "1");
        command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("a process");
        let lines = BufReader::new(child.stderr.take().expect("a pipe")).lines();
        let line = lines.map_while(Result::ok).find(|line| line.starts_with("@@")).expect("it starts");
        let (address, root) = line[2..].split_once(' ').expect("two words");
        let port = address.parse::<SocketAddr>().expect("an address").port();
        let byte = |at: usize| u8::from_str_radix(&root[at..at + 2], 16).expect("hex");
        let root = (0..root.len()).step_by(2).map(byte).collect();
        Self { child, url: format!("https://localhost:{port}"), root }
    }
}

impl Drop for OtherApi {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A key that stands nowhere in memory but in its secret.
struct Needle {
    /// With every bit turned.
    turned: [u8; 64],
}

impl Needle {
    fn new() -> Self {
        let mut random = [0; 64];
        getrandom::fill(&mut random).expect("random");
        Self { turned: random.map(|byte| !b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdef"[usize::from(byte % 32)]) }
    }

    fn secret(&self) -> Arc<Secret> {
        let prefix = b"sk-ant-api03-";
        let made = Secret::build(prefix.len() + self.turned.len(), |bytes| {
            bytes[..prefix.len()].copy_from_slice(prefix);
            bytes[prefix.len()..].iter_mut().zip(&self.turned).for_each(|(byte, turned)| *byte = !turned);
            Ok::<(), ()>(())
        });
        Arc::new(made.expect("filled"))
    }

    /// Copies of its first half in this process: in guarded memory, and elsewhere.
    fn copies(&self) -> (usize, usize) {
        let memory = File::open("/proc/self/mem").expect("Linux");
        let maps = std::fs::read_to_string("/proc/self/smaps").expect("Linux");
        let mut buffer = vec![0; 1 << 20];
        let own = buffer.as_ptr().addr()..buffer.as_ptr().addr() + buffer.len();
        let (mut guarded, mut elsewhere) = (0, 0);
        for region in regions(&maps).into_iter().filter(|region| region.is_readable) {
            // All but what is read into, which may lie among other things.
            let before = region.start..region.end.min(own.start);
            let after = region.start.max(own.end)..region.end;
            let found: usize = [before, after].into_iter().map(|part| self.count(&memory, part, &mut buffer)).sum();
            *(if region.is_guarded { &mut guarded } else { &mut elsewhere }) += found;
        }
        buffer.fill(0);
        std::hint::black_box(&buffer);
        (guarded, elsewhere)
    }

    fn count(&self, memory: &File, part: Range<usize>, buffer: &mut [u8]) -> usize {
        let half = self.turned.len() / 2;
        let mut found = 0;
        let mut at = part.start;
        while at < part.end {
            let most = buffer.len().min(part.end - at);
            // What was unmapped meanwhile is gone.
            let Ok(count) = memory.read_at(&mut buffer[..most], at as u64) else { return found };
            let mut rest = &buffer[..count];
            // The standard library's search for one byte is quick, also where tests are not optimized.
            while rest.skip_until(!self.turned[0]).is_ok_and(|skipped| skipped > 0) && rest.len() >= half - 1 {
                let is_it = rest.iter().zip(&self.turned[1..half]).all(|(byte, turned)| *byte == !turned);
                found += usize::from(is_it);
            }
            if count < most || at + count >= part.end {
                return found;
            }
            // One that lies across the border.
            at += count - half + 1;
        }
        found
    }
}

struct Region {
    start: usize,
    end: usize,
    is_readable: bool,
    is_guarded: bool,
}

fn regions(maps: &str) -> Vec<Region> {
    let mut regions: Vec<Region> = Vec::new();
    for line in maps.lines() {
        let mut words = line.split_ascii_whitespace();
        let first = words.next().unwrap_or_default();
        if let Some((start, end)) = first.split_once('-') {
            let address = |text| usize::from_str_radix(text, 16).ok();
            let (Some(start), Some(end)) = (address(start), address(end)) else { continue };
            let is_readable = words.next().is_some_and(|mode| mode.starts_with('r')) && !line.contains("[v");
            regions.push(Region { start, end, is_readable, is_guarded: false });
        } else if first == "VmFlags:" {
            // Left out of core dumps, and wiped in forks: guarded memory is, nothing else.
            let flags: Vec<&str> = words.collect();
            let is_guarded = flags.contains(&"dd") && flags.contains(&"wf");
            regions.last_mut().expect("its region").is_guarded = is_guarded;
        }
    }
    regions
}

/// The number of copies elsewhere that were seen while eight clients asked for these paths.
fn under_load(needle: &Needle, setting: &Setting, paths: &[&str]) -> usize {
    let grant = setting.grant(Route::Tcp);
    let (is_over, mut most) = (AtomicBool::new(false), 0);
    std::thread::scope(|scope| {
        for number in 0..8 {
            let (grant, is_over) = (&grant, &is_over);
            scope.spawn(move || {
                let mut client = Client::connect(grant.address());
                let mut round = number;
                while !is_over.load(Ordering::SeqCst) {
                    round += 1;
                    client.request("POST", paths[round % paths.len()], &authorized(grant), &[b'x'; 5000]);
                    if round % 5 == 0 {
                        // It goes away in the middle.
                        client = Client::connect(grant.address());
                    } else {
                        client.answer();
                    }
                }
            });
        }
        let (mut served, mut scans) = (0, 0);
        while served < 200 || scans < 20 {
            scans += 1;
            most = most.max(needle.copies().1);
            served += setting.broker.audit().take(usize::MAX).len();
        }
        is_over.store(true, Ordering::SeqCst);
    });
    crate::setting::until("all connections have ended", || setting.broker.counts().connections == 0);
    most
}

#[test]
fn the_key_is_in_guarded_memory_alone() {
    if !crate::other_process::runs_alone("memory::the_key_is_in_guarded_memory_alone") {
        return;
    }
    let api = OtherApi::start();
    let options =
        UpstreamOptions { roots: vec![api.root.clone()], addresses: Addresses::Any, ..UpstreamOptions::default() };
    let upstream = Arc::new(Upstream::new(&api.url, options).expect("a URL"));
    let needle = Needle::new();
    let vendor = find("claude").expect("a row").vendor();
    let plain = UpstreamOptions { addresses: Addresses::Any, ..UpstreamOptions::default() };
    let mut setting = Setting::to("claude", Upstream::new(&api.url, plain).expect("a URL"), Options::default());
    setting.credential = LiveCredential::new(vendor, upstream, CredentialKind::ApiKey, needle.secret()).expect("a key");
    setting.limits = Limits { requests_per_second: 1_000_000, burst: 1_000_000, ..Limits::default() };
    assert_eq!(needle.copies(), (1, 0), "before the first request");

    let most = under_load(&needle, &setting, &["/v1/messages"]);
    let after = needle.copies();
    println!("copies of the key outside of guarded memory: at most {most} under load, {} after it", after.1);
    assert_eq!(after, (1, 0), "after the load");

    let next = Needle::new();
    setting.credential.rotate(CredentialKind::ApiKey, next.secret()).expect("a key");
    crate::setting::until("the old key is gone", || needle.copies() == (0, 0));

    // What an API sends is in the buffers of hyper and rustls, for as long as a connection has them: the key too, if the
    // API repeats it.
    under_load(&next, &setting, &["/v1/messages/count_tokens", "/v1/messages"]);
    let after = next.copies();
    println!("where the API repeats it: {} after the load, and {} in guarded memory", after.1, after.0);
    setting.credential.revoke();
    let mut left = (0, 0);
    // Its connections are closed, and the broker's threads wipe what they free.
    crate::setting::until("none is left anywhere", || {
        let before = left;
        left = next.copies();
        if left != before {
            println!("after the revocation: {} elsewhere, and {} in guarded memory", left.1, left.0);
        }
        left == (0, 0)
    });

    // The control: a copy is found.
    let other = Needle::new();
    let leak: Vec<u8> = other.turned.iter().map(|byte| !byte).collect();
    assert_eq!(other.copies(), (0, 1));
    drop(std::hint::black_box(leak));
}
