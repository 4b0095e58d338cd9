//! Against sockets of our own on loopback. TLS, DNS and proxies are tested from JavaScript, with real servers.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::thread;

use rustix::io::Errno;

use super::*;
use crate::net::failure::EXHAUSTED;
use crate::secret::Secret;

/// Answers one request with `answer` and returns what was asked.
fn server(answer: &'static [u8]) -> (String, thread::JoinHandle<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}/v1/models", listener.local_addr().expect("an address"));
    let asked = thread::spawn(move || {
        let (mut stream, _) = listener.accept().expect("a client");
        let mut reader = BufReader::new(stream.try_clone().expect("a copy"));
        let mut asked = String::new();
        while !asked.ends_with("\r\n\r\n") {
            assert_ne!(reader.read_line(&mut asked).expect("a line"), 0);
        }
        stream.write_all(answer).expect("written");
        asked
    });
    (url, asked)
}

fn get(url: &str) -> Result<Response, RequestFailure> {
    let settings = RequestSettings { timeout: Duration::from_secs(60), ..RequestSettings::default() };
    let key = Arc::new(Secret::copy_of(b"sk-made-up"));
    let key = Some(KeyHeader { name: "x-api-key", prefix: "", key: &key });
    send(Request { url, key, headers: &[], body: None, is_precious: false }, &settings)
}

#[test]
fn asks_and_reads() {
    let answer = b"HTTP/1.1 429 Too Many\r\nretry-after: 7\r\ncontent-length: 4\r\n\r\nbody";
    let (url, asked) = server(answer);
    let response = get(&url).expect("an answer");
    let asked = asked.join().expect("no panic");
    assert!(asked.starts_with("GET /v1/models HTTP/1.1\r\n"), "{asked}");
    assert!(asked.to_lowercase().contains("\r\nx-api-key: sk-made-up\r\n"), "{asked}");
    assert_eq!(
        (response.status, response.retry_after, &*response.body),
        (429, Some(Duration::from_secs(7)), &b"body"[..])
    );
}

#[test]
fn retry_after_is_read_as_seconds_and_as_a_date() {
    const SECOND: Duration = Duration::from_secs(1);
    let headers = |fields: &[(&'static str, &'static str)]| {
        fields.iter().fold(hyper::Response::builder(), |builder, (name, value)| builder.header(*name, *value))
    };
    let read = |fields: &[(&'static str, &'static str)]| {
        let response = headers(fields).body(()).expect("a response");
        retry_after(response.headers())
    };
    let now = ("date", "Sun, 06 Nov 1994 08:49:37 GMT");
    for (value, wait) in [
        ("7", Some(7 * SECOND)),
        (" 0 ", Some(Duration::ZERO)),
        ("Sun, 06 Nov 1994 08:50:07 GMT", Some(30 * SECOND)),
        ("Sunday, 06-Nov-94 08:50:07 GMT", Some(30 * SECOND)),
        ("Sun Nov  6 08:50:07 1994", Some(30 * SECOND)),
        ("Sun, 06 Nov 1994 08:00:00 GMT", Some(Duration::ZERO)),
        ("Fri, 31 Dec 9999 23:59:59 GMT", Some(LONGEST_RETRY_AFTER)),
        ("18446744073709551615", Some(LONGEST_RETRY_AFTER)),
        ("18446744073709551616", None),
        ("-1", None),
        ("1.5", None),
        ("Sun, 31 Feb 1994 08:50:07 GMT", None),
        ("soon", None),
        ("", None),
    ] {
        assert_eq!(read(&[now, ("retry-after", value)]), wait, "{value}");
    }
    assert_eq!(read(&[now]), None);
    // Without its `date`, or with one that is none, by our clock.
    for date in [("server", "made up"), ("date", "today")] {
        let past = read(&[date, ("retry-after", "Sun, 06 Nov 1994 08:49:37 GMT")]);
        let future = read(&[date, ("retry-after", "Fri, 31 Dec 9999 23:59:59 GMT")]);
        assert_eq!((past, future), (Some(Duration::ZERO), Some(LONGEST_RETRY_AFTER)), "{date:?}");
    }
}

#[test]
fn an_answer_is_read_however_it_is_framed() {
    for (answer, status, body) in [
        (&b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2;x=y\r\nab\r\n1\r\nc\r\n0\r\nx: y\r\n\r\n"[..], 200, &b"abc"[..]),
        (b"HTTP/1.0 200 OK\r\n\r\nuntil the end", 200, b"until the end"),
        (b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early\r\nlink: x\r\n\r\nHTTP/1.1 401 No\r\ncontent-length: 2\r\n\r\nno", 401, b"no"),
        (b"HTTP/1.1 204 No Content\r\n\r\n", 204, b""),
    ] {
        let (url, asked) = server(answer);
        let response = get(&url).expect("an answer");
        assert_eq!((response.status, &*response.body), (status, body));
        asked.join().expect("no panic");
    }
}

#[test]
fn no_more_of_an_answer_is_read_than_is_kept() {
    let body = "x".repeat(3 * MAX_BODY_BYTES);
    let answer = format!("HTTP/1.1 200 OK\r\ncontent-length: 999999999\r\n\r\n{body}");
    let (url, asked) = server(answer.leak().as_bytes());
    assert_eq!(get(&url).expect("an answer").body.len(), MAX_BODY_BYTES);
    // The rest may not be taken any more.
    let _ = asked.join();
    let endless = format!("HTTP/1.1 200 OK\r\n{}", format!("x: {}\r\n", "y".repeat(1000)).repeat(80));
    let (url, asked) = server(endless.leak().as_bytes());
    assert_eq!(get(&url).map(|response| response.status), Err(RequestFailure::Protocol), "a head without an end");
    let _ = asked.join();
}

#[test]
fn a_body_is_sent_as_it_is_and_the_target_has_its_query() {
    let listener = TcpListener::bind("[::1]:0").expect("a port");
    let address = listener.local_addr().expect("bound");
    let asked = thread::spawn(move || {
        let (mut stream, _) = listener.accept().expect("a client");
        let mut reader = BufReader::new(stream.try_clone().expect("a copy"));
        let mut asked = String::new();
        while !asked.ends_with("token=secret\n") {
            assert_ne!(reader.read_line(&mut asked).expect("a line"), 0, "{asked}");
        }
        stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").expect("sent");
        asked
    });
    let url = format!("http://{address}/token?limit=1");
    let body = Some(GuardedBytes::copy_of(b"grant\ntoken=secret\n"));
    let headers = &[("content-type", "text/plain"), ("accept", "application/json")];
    let request = Request { url: &url, key: None, headers, body, is_precious: true };
    let settings = RequestSettings { timeout: Duration::from_secs(60), ..RequestSettings::default() };
    let answer = send(request, &settings);
    let asked = asked.join().expect("no panic").to_lowercase();
    assert_eq!(answer.map(|response| response.status), Ok(200));
    assert!(asked.starts_with("post /token?limit=1 http/1.1\r\n"), "{asked}");
    for line in [
        &format!("host: {address}"),
        "content-length: 19",
        "content-type: text/plain",
        "accept: application/json",
        "accept-encoding: identity",
    ] {
        assert_eq!(asked.matches(&format!("\r\n{line}\r\n")).count(), 1, "{line} in {asked}");
    }
    assert!(asked.ends_with("\r\n\r\ngrant\ntoken=secret\n"), "{asked}");
}

#[test]
fn follows_no_redirect() {
    let (url, asked) = server(b"HTTP/1.1 302 Found\r\nlocation: http://127.0.0.1:1/\r\ncontent-length: 0\r\n\r\n");
    assert_eq!(get(&url).expect("an answer").status, 302);
    asked.join().expect("no panic");
}

#[test]
fn failures_have_their_names() {
    let (url, asked) = server(b"this is no HTTP\r\n\r\n");
    assert_eq!(get(&url).map(|response| response.status), Err(RequestFailure::Protocol));
    asked.join().expect("no panic");
    let (url, asked) = server(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nonly this");
    assert!(get(&url).is_err());
    asked.join().expect("no panic");
    let closed = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a port");
    assert_eq!(get(&format!("http://{closed}/")).map(|response| response.status), Err(RequestFailure::Refused));
}

#[test]
fn a_silent_endpoint_times_out() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}/", listener.local_addr().expect("an address"));
    let settings = RequestSettings { timeout: Duration::from_millis(200), ..RequestSettings::default() };
    let result = send(Request { url: &url, key: None, headers: &[], body: None, is_precious: false }, &settings);
    assert_eq!(result.map(|response| response.status), Err(RequestFailure::Timeout));
}

#[test]
fn proxies_and_roots_that_are_none() {
    for url in ["", "host:1", "socks5://h:1", "https://h:1", "http://user:pw@h:1", "http://h:1/x", "http://"] {
        assert!(check_proxy("proxy", url).is_err(), "{url}");
    }
    assert!(check_proxy("proxy", "http://127.0.0.1:3128").is_ok());
    let broken = b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    for pem in [&b""[..], b"x", broken] {
        assert!(roots_of_pem("ca", pem).is_err());
    }
}

#[test]
fn whose_time_a_request_takes() {
    for (url, domain, endpoint) in [
        ("https://API.a1.evil.example/v1/models", "evil.example", "api.a1.evil.example:https"),
        ("https://a2.evil.example.:8443", "evil.example", "a2.evil.example:8443"),
        ("http://127.0.0.1:80/x", "127.0.0.1", "127.0.0.1:80"),
        ("http://[::1]:5/", "[::1]", "[::1]:5"),
        ("http://localhost/", "localhost", "localhost:http"),
    ] {
        assert_eq!(parties(url, None), (format!("{domain} "), format!("{endpoint} ")));
        let by_proxy = (format!("{domain} http://p:1"), format!("{endpoint} http://p:1"));
        assert_eq!(parties(url, Some("http://p:1")), by_proxy);
    }
}

#[test]
fn what_this_process_has_no_means_for_is_no_failure_of_the_endpoint() {
    for errno in EXHAUSTED {
        let failure = RequestFailure::of_io(&io::Error::from_raw_os_error(errno.raw_os_error()));
        assert_eq!(failure, RequestFailure::Exhausted, "{errno}");
        assert!(failure.message(None).contains("sent no request"));
    }
    let failure = RequestFailure::of_io(&io::Error::from_raw_os_error(Errno::NETUNREACH.raw_os_error()));
    assert_eq!(failure, RequestFailure::Network);
}
