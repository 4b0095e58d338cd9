//! Clients of a proxy, or of the API itself: the target comes as a line on stdin, what was measured goes out as JSON.

use std::io::BufRead;
use std::time::{Duration, Instant};

use serde_json::json;
use tokio::task::JoinSet;

use crate::http::Target;
use crate::{now_us, report};

/// The one path that every proxy here passes on.
const PATH: &str = "/v1/responses";

/// Of a request. A CLI's first is some 70 KB; what grows with it is the same for every proxy.
const BODY_BYTES: usize = 2048;

/// Requests before those that count: connections are opened and buffers have their size.
const WARM_UP: u64 = 200;

/// Streams are opened so many at once, less than any queue of connections holds.
const OPENED_AT_ONCE: usize = 50;

fn target() -> &'static Target {
    let mut line = String::new();
    std::io::stdin().lock().read_line(&mut line).expect("a target");
    Box::leak(Box::new(Target::of(&line)))
}

/// One request after the other on one connection: microseconds of each.
pub async fn latency(count: u64) {
    let target = target();
    let request = target.request(PATH, "small", BODY_BYTES);
    let mut connection = target.connect().await.expect("it listens");
    let mut samples = Vec::new();
    for number in 0..WARM_UP + count {
        let before = now_us();
        connection.send(&request).await.expect("it takes a request");
        connection.read(|_| true).await.expect("an answer");
        if number >= WARM_UP {
            samples.push(rounded(now_us() - before));
        }
    }
    report(&json!({ "microseconds": samples }));
}

/// As many requests as possible on so many connections. Says when it begins and when it ends, so that the proxy's time
/// of the processor can be read.
pub async fn rate(connections: u64, seconds: u64) {
    let target = target();
    let (mut tasks, ready) = (JoinSet::new(), std::sync::Arc::new(tokio::sync::Barrier::new(connections as usize + 1)));
    for _ in 0..connections {
        let ready = std::sync::Arc::clone(&ready);
        tasks.spawn(async move {
            let request = target.request(PATH, "small", BODY_BYTES);
            let mut connection = target.connect().await.expect("it listens");
            for _ in 0..WARM_UP / 10 {
                connection.send(&request).await.expect("it takes a request");
                connection.read(|_| true).await.expect("an answer");
            }
            ready.wait().await;
            ready.wait().await;
            let (mut count, end) = (0_u64, Instant::now() + Duration::from_secs(seconds));
            while Instant::now() < end {
                connection.send(&request).await.expect("it takes a request");
                connection.read(|_| true).await.expect("an answer");
                count += 1;
            }
            count
        });
    }
    ready.wait().await;
    report(&json!({ "state": "ready" }));
    wait_for_line().await;
    let begun = Instant::now();
    ready.wait().await;
    let count: u64 = tasks.join_all().await.into_iter().sum();
    report(&json!({ "requests": count, "seconds": begun.elapsed().as_secs_f64() }));
    wait_for_line().await;
}

/// Streams that are open at once: how long each event is on its way.
pub async fn streams(count: u64, interval_us: u64, seconds: u64) {
    let target = target();
    let (opened, mut is_open) = tokio::sync::mpsc::unbounded_channel();
    let (samples, mut sampled) = tokio::sync::mpsc::unbounded_channel();
    let answer = format!("events {interval_us} 1000000");
    let mut streams = JoinSet::new();
    let mut open = 0;
    for number in 0..count {
        let (opened, samples, answer) = (opened.clone(), samples.clone(), answer.clone());
        streams.spawn(async move {
            let mut connection = target.connect().await.expect("it listens");
            connection.send(&target.request(PATH, &answer, BODY_BYTES)).await.expect("it takes a request");
            let mut event = Vec::new();
            let mut is_first = true;
            let read = connection.read(|piece| {
                event.extend_from_slice(piece);
                while let Some(end) = event.windows(2).position(|pair| pair == b"\n\n") {
                    let _ = samples.send((moment(&event[..end]), now_us()));
                    event.drain(..end + 2);
                    if std::mem::take(&mut is_first) {
                        let _ = opened.send(());
                    }
                }
                true
            });
            panic!("stream {number} ended: {:?}", read.await);
        });
        open += 1;
        if open - is_open.len() >= OPENED_AT_ONCE {
            is_open.recv().await;
            open -= 1;
        }
    }
    while open > 0 {
        is_open.recv().await.expect("every stream opens");
        open -= 1;
    }
    while sampled.try_recv().is_ok() {}
    let begun = now_us();
    tokio::time::sleep(Duration::from_secs(seconds)).await;
    let mut microseconds = Vec::new();
    while let Ok((sent, came)) = sampled.try_recv() {
        if sent > begun {
            microseconds.push(rounded(came - sent));
        }
    }
    report(&json!({ "microseconds": microseconds }));
    // They stay open until whoever started this has looked at the proxy's memory.
    wait_for_line().await;
}

/// When an event was written.
fn moment(event: &[u8]) -> f64 {
    let text = std::str::from_utf8(event).expect("text");
    text.split(&[':', ','][..]).nth(2).and_then(|number| number.parse().ok()).expect("a moment")
}

/// One large answer.
pub async fn bytes(count: u64) {
    let target = target();
    let mut connection = target.connect().await.expect("it listens");
    connection.send(&target.request(PATH, "small", BODY_BYTES)).await.expect("it takes a request");
    connection.read(|_| true).await.expect("an answer");
    let begun = Instant::now();
    connection.send(&target.request(PATH, &format!("bytes {count}"), BODY_BYTES)).await.expect("it takes a request");
    let mut received = 0;
    let read = connection.read(|piece| {
        received += piece.len();
        true
    });
    read.await.expect("an answer");
    report(&json!({ "bytes": received, "seconds": begun.elapsed().as_secs_f64() }));
}

fn rounded(microseconds: f64) -> f64 {
    (microseconds * 10.0).round() / 10.0
}

/// Until whoever started this sends a line, or has ended.
async fn wait_for_line() {
    let wait = || {
        let _ = std::io::stdin().lock().read_line(&mut String::new());
    };
    let _ = tokio::task::spawn_blocking(wait).await;
}
