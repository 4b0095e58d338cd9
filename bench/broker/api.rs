//! The API: TLS on loopback by a certificate of its own. A request says by a header what it wants to be answered.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use rcgen::{CertificateParams, KeyPair};
use rustls::ServerConfig;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio::io::{AsyncWrite, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

use crate::http::read_request;
use crate::{now_us, report};

/// The length of an event's line, about as long as a delta of either API.
const EVENT_BYTES: usize = 240;

/// Serves until it is ended. Writes `ca.pem` and `ca.der` into the directory, and says its address.
pub async fn serve(directory: &str) {
    let acceptor = TlsAcceptor::from(configuration(directory));
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("bound").to_string();
    report(&serde_json::json!({ "address": address }));
    loop {
        let Ok((socket, _)) = listener.accept().await else { continue };
        let acceptor = acceptor.clone();
        tokio::spawn(async move {
            let _ = converse(acceptor, socket).await;
        });
    }
}

fn configuration(directory: &str) -> Arc<ServerConfig> {
    let params = CertificateParams::new(vec!["localhost".to_owned(), "127.0.0.1".to_owned()]).expect("names");
    let key = KeyPair::generate().expect("a key");
    let certificate = params.self_signed(&key).expect("a certificate");
    std::fs::write(format!("{directory}/ca.pem"), certificate.pem()).expect("a directory");
    std::fs::write(format!("{directory}/ca.der"), certificate.der()).expect("a directory");
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let config = builder.expect("versions").with_no_client_auth();
    Arc::new(config.with_single_cert(vec![certificate.der().clone()], key).expect("valid"))
}

async fn converse(acceptor: TlsAcceptor, socket: TcpStream) -> io::Result<()> {
    socket.set_nodelay(true)?;
    let mut stream = BufReader::new(acceptor.accept(socket).await?);
    while let Some(asked) = read_request(&mut stream).await? {
        let words: Vec<&str> = asked.split(' ').collect();
        let out = stream.get_mut();
        match words[..] {
            ["events", interval, count] => events(out, number(interval)?, number(count)?).await?,
            ["bytes", count] => bytes(out, number(count)?).await?,
            ["reset", after] => {
                let _ = tokio::time::timeout(Duration::from_millis(number(after)?), events(out, 1000, u64::MAX)).await;
                // The connection breaks off within the answer.
                return Ok(());
            }
            ["status", status] => {
                let head = format!("HTTP/1.1 {status} Whatever\r\ncontent-type: application/json\r\n");
                out.write_all(format!("{head}content-length: 2\r\n\r\n{{}}").as_bytes()).await?;
            }
            _ => out.write_all(small().as_bytes()).await?,
        }
        out.flush().await?;
    }
    Ok(())
}

fn number(text: &str) -> io::Result<u64> {
    text.parse().map_err(io::Error::other)
}

fn small() -> String {
    let body = format!("{{\"text\":\"{}\"}}", "a".repeat(244));
    let head = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n";
    format!("{head}content-length: {}\r\n\r\n{body}", body.len())
}

/// Server-sent events, each with the moment at which it was written.
async fn events(out: &mut (impl AsyncWrite + Unpin), interval_us: u64, count: u64) -> io::Result<()> {
    let head = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n";
    out.write_all(head.as_bytes()).await?;
    out.flush().await?;
    let mut ticks = tokio::time::interval(Duration::from_micros(interval_us));
    for _ in 0..count {
        ticks.tick().await;
        let mut event = format!("data: {{\"at\":{:020.1},\"text\":\"", now_us());
        event.extend(std::iter::repeat_n('a', EVENT_BYTES.saturating_sub(event.len())));
        event.push_str("\"}\n\n");
        out.write_all(format!("{:x}\r\n{event}\r\n", event.len()).as_bytes()).await?;
        out.flush().await?;
    }
    out.write_all(b"0\r\n\r\n").await
}

async fn bytes(out: &mut (impl AsyncWrite + Unpin), mut count: u64) -> io::Result<()> {
    let head = "HTTP/1.1 200 OK\r\ncontent-type: application/octet-stream\r\n";
    out.write_all(format!("{head}content-length: {count}\r\n\r\n").as_bytes()).await?;
    let piece = [b'a'; 16 * 1024];
    while count > 0 {
        let most = usize::try_from(count).unwrap_or(usize::MAX).min(piece.len());
        out.write_all(&piece[..most]).await?;
        count -= most as u64;
    }
    Ok(())
}
