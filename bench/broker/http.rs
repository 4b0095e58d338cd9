//! HTTP/1.1 by hand on any connection: what the benchmark measures must not be the client's library.

use std::io;
use std::sync::Arc;

use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::net::{TcpStream, UnixStream};
use tokio_rustls::TlsConnector;

pub trait Duplex: AsyncRead + AsyncWrite + Unpin + Send {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send> Duplex for T {}

/// Whom to ask, and with which token.
pub struct Target {
    place: Place,
    host: String,
    token: Option<String>,
}

enum Place {
    Tls(String, Arc<ClientConfig>),
    Tcp(String),
    Unix(String),
}

pub struct Connection {
    stream: BufReader<Box<dyn Duplex>>,
    head: String,
}

/// How long a body is.
enum Length {
    Known(usize),
    Chunked,
}

impl Target {
    /// Of a line: `tls HOST:PORT CA_FILE`, `tcp HOST:PORT TOKEN` or `unix PATH -`.
    pub fn of(line: &str) -> Self {
        let words: Vec<&str> = line.split_whitespace().collect();
        match words[..] {
            ["tls", address, ca_file] => {
                Self { place: Place::Tls(address.into(), trusting(ca_file)), host: address.into(), token: None }
            }
            ["tcp", address, token] => Self::plain(Place::Tcp(address.into()), address, token),
            ["unix", path, token] => Self::plain(Place::Unix(path.into()), "provider-env.invalid", token),
            _ => panic!("no target: {line}"),
        }
    }

    fn plain(place: Place, host: &str, token: &str) -> Self {
        Self { place, host: host.into(), token: Some(token.to_owned()).filter(|token| token != "-") }
    }

    pub async fn connect(&self) -> io::Result<Connection> {
        let stream: Box<dyn Duplex> = match &self.place {
            Place::Tls(address, config) => {
                let socket = TcpStream::connect(address).await?;
                socket.set_nodelay(true)?;
                let name = ServerName::try_from("localhost").expect("a name");
                Box::new(TlsConnector::from(Arc::clone(config)).connect(name, socket).await?)
            }
            Place::Tcp(address) => {
                let socket = TcpStream::connect(address).await?;
                socket.set_nodelay(true)?;
                Box::new(socket)
            }
            Place::Unix(path) => Box::new(UnixStream::connect(path).await?),
        };
        Ok(Connection { stream: BufReader::with_capacity(64 * 1024, stream), head: String::new() })
    }

    /// The bytes of a request for the answer that the API knows by these words.
    pub fn request(&self, path: &str, answer: &str, body_bytes: usize) -> Vec<u8> {
        let mut head = format!("POST {path} HTTP/1.1\r\nhost: {}\r\ncontent-type: application/json\r\n", self.host);
        head.push_str("accept: text/event-stream\r\nuser-agent: provider-env-benchmark\r\n");
        if let Some(token) = &self.token {
            head.push_str(&format!("authorization: Bearer {token}\r\n"));
        }
        head.push_str(&format!("x-answer: {answer}\r\ncontent-length: {body_bytes}\r\n\r\n"));
        let mut bytes = head.into_bytes();
        bytes.resize(bytes.len() + body_bytes, b' ');
        bytes
    }
}

fn trusting(ca_file: &str) -> Arc<ClientConfig> {
    let der = std::fs::read(ca_file).expect("a certificate");
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from(der)).expect("a certificate");
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    Arc::new(builder.expect("versions").with_root_certificates(roots).with_no_client_auth())
}

impl Connection {
    pub async fn send(&mut self, request: &[u8]) -> io::Result<()> {
        self.stream.get_mut().write_all(request).await?;
        self.stream.get_mut().flush().await
    }

    /// The status of the next answer, and how its body comes.
    async fn answer(&mut self) -> io::Result<(u16, Length)> {
        let (mut status, mut length) = (0, Length::Known(0));
        loop {
            self.head.clear();
            if self.stream.read_line(&mut self.head).await? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            let line = self.head.trim_end();
            if line.is_empty() {
                return Ok((status, length));
            }
            let Some((name, value)) = line.split_once(':') else {
                status = line.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0);
                continue;
            };
            if name.eq_ignore_ascii_case("content-length") {
                length = Length::Known(value.trim().parse().map_err(io::Error::other)?);
            } else if name.eq_ignore_ascii_case("transfer-encoding") {
                length = Length::Chunked;
            }
        }
    }

    /// Reads an answer; `piece` is given its body as it comes, and says whether to go on.
    ///
    /// # Errors
    /// Where the answer breaks off, or has another status than 200.
    pub async fn read(&mut self, mut piece: impl FnMut(&[u8]) -> bool) -> io::Result<()> {
        let (status, length) = self.answer().await?;
        if status != 200 {
            return Err(io::Error::other(format!("status {status}")));
        }
        match length {
            Length::Known(count) => self.pass(count, &mut piece).await.map(drop),
            Length::Chunked => loop {
                self.head.clear();
                if self.stream.read_line(&mut self.head).await? == 0 {
                    return Err(io::ErrorKind::UnexpectedEof.into());
                }
                let size = usize::from_str_radix(self.head.trim_end(), 16).map_err(io::Error::other)?;
                let goes_on = self.pass(size, &mut piece).await?;
                self.head.clear();
                self.stream.read_line(&mut self.head).await?;
                if size == 0 || !goes_on {
                    return Ok(());
                }
            },
        }
    }

    async fn pass(&mut self, mut left: usize, piece: &mut impl FnMut(&[u8]) -> bool) -> io::Result<bool> {
        while left > 0 {
            let bytes = self.stream.fill_buf().await?;
            if bytes.is_empty() {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            let taken = bytes.len().min(left);
            let goes_on = piece(&bytes[..taken]);
            self.stream.consume(taken);
            left -= taken;
            if !goes_on {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

/// The head of a request, as the API reads it: None at the end of the connection.
pub async fn read_request(stream: &mut BufReader<impl AsyncRead + Unpin>) -> io::Result<Option<String>> {
    let (mut answer, mut length, mut line) = (None, 0_usize, String::new());
    loop {
        line.clear();
        if stream.read_line(&mut line).await? == 0 {
            return Ok(None);
        }
        let text = line.trim_end();
        if text.is_empty() {
            break;
        }
        let Some((name, value)) = text.split_once(':') else { continue };
        if name.eq_ignore_ascii_case("content-length") {
            length = value.trim().parse().map_err(io::Error::other)?;
        } else if name.eq_ignore_ascii_case("x-answer") {
            answer = Some(value.trim().to_owned());
        }
    }
    let mut rest = [0; 16 * 1024];
    while length > 0 {
        let most = length.min(rest.len());
        length -= stream.read_exact(&mut rest[..most]).await?;
    }
    Ok(Some(answer.unwrap_or_default()))
}
