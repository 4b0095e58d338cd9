//! The processes of the broker's benchmark and of the soak: an API, a broker of its own, and clients.
#![cfg(target_os = "linux")]
#![allow(clippy::expect_used, clippy::panic, reason = "a benchmark that cannot measure ends with a reason")]

mod agent;
mod api;
mod http;
mod load;
mod served;

use std::io::Write;
use std::process::ExitCode;

const USAGE: &str = "usage: broker api DIRECTORY | serve API CA_FILE | latency COUNT | rate CONNECTIONS SECONDS | \
    streams COUNT INTERVAL_US SECONDS | bytes COUNT | … agent SCENARIO COUNT …";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    if let Some(&[what, count]) = agent::scenario(&words) {
        if let Err(error) = runtime.block_on(agent::run(&words, [what, count])) {
            report(&serde_json::json!({ "failed": what, "why": error.to_string() }));
            return ExitCode::FAILURE;
        }
        return ExitCode::SUCCESS;
    }
    match words[..] {
        ["api", directory] => runtime.block_on(api::serve(directory)),
        ["serve", api, ca_file] => served::serve(api, ca_file),
        ["latency", count] => runtime.block_on(load::latency(number(count))),
        ["rate", connections, seconds] => runtime.block_on(load::rate(number(connections), number(seconds))),
        ["streams", count, interval, seconds] => {
            runtime.block_on(load::streams(number(count), number(interval), number(seconds)));
        }
        ["bytes", count] => runtime.block_on(load::bytes(number(count))),
        _ => panic!("{USAGE}"),
    }
    ExitCode::SUCCESS
}

fn number(text: &str) -> u64 {
    text.parse().expect("a number")
}

/// One line of what was measured, for the program that started this one.
fn report(line: &serde_json::Value) {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{line}").and_then(|()| out.flush()).expect("somebody reads");
}

/// Microseconds of the clock that every process of the machine has in common.
fn now_us() -> f64 {
    let now = rustix::time::clock_gettime(rustix::time::ClockId::Monotonic);
    now.tv_sec as f64 * 1e6 + now.tv_nsec as f64 / 1e3
}
