//! HTTP/1.1 by hand, as a client speaks it: what is sent is sent byte for byte.

use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::os::unix::net::UnixStream;
use std::time::Duration;

use provider_env::broker::Address;

/// The first line and the headers of a message, names in lower case.
#[derive(Clone, Debug)]
pub struct Head {
    pub line: String,
    pub headers: Vec<(String, String)>,
}

impl Head {
    pub fn get(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(own, _)| own == name).map(|(_, value)| value.as_str())
    }

    pub fn count(&self, name: &str) -> usize {
        self.headers.iter().filter(|(own, _)| own == name).count()
    }

    pub fn status(&self) -> u16 {
        self.line.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("a status")
    }
}

#[derive(Clone, Debug)]
pub struct Answer {
    pub head: Head,
    pub body: Vec<u8>,
}

impl Answer {
    pub fn status(&self) -> u16 {
        self.head.status()
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

pub trait Duplex: Read + Write + Send {
    fn time_out(&self, limit: Duration) -> io::Result<()>;
    fn close(&self);
    fn end_of_sending(&self);
}

impl Duplex for TcpStream {
    fn time_out(&self, limit: Duration) -> io::Result<()> {
        self.set_read_timeout(Some(limit))?;
        self.set_write_timeout(Some(limit))
    }

    fn close(&self) {
        let _ = self.shutdown(std::net::Shutdown::Both);
    }

    fn end_of_sending(&self) {
        let _ = self.shutdown(std::net::Shutdown::Write);
    }
}

impl Duplex for UnixStream {
    fn time_out(&self, limit: Duration) -> io::Result<()> {
        self.set_read_timeout(Some(limit))?;
        self.set_write_timeout(Some(limit))
    }

    fn close(&self) {
        let _ = self.shutdown(std::net::Shutdown::Both);
    }

    fn end_of_sending(&self) {
        let _ = self.shutdown(std::net::Shutdown::Write);
    }
}

/// A connection to the broker.
pub struct Client {
    pub stream: Box<dyn Duplex>,
    /// What `Host` is.
    pub host: String,
}

/// No answer takes that long where nothing is wrong.
const LIMIT: Duration = Duration::from_secs(60);

impl Client {
    pub fn connect(address: &Address) -> Self {
        Self::try_connect(address).expect("the broker listens")
    }

    pub fn try_connect(address: &Address) -> io::Result<Self> {
        let (stream, host): (Box<dyn Duplex>, String) = match address {
            Address::Tcp(url) => {
                let authority = url.trim_start_matches("http://").split('/').next().expect("a host").to_owned();
                (Box::new(TcpStream::connect(&authority)?), authority)
            }
            Address::Unix(path) => (Box::new(UnixStream::connect(path)?), "anything".into()),
        };
        stream.time_out(LIMIT)?;
        Ok(Self { stream, host })
    }

    /// Sends these bytes, whatever they are.
    pub fn send(&mut self, bytes: &[u8]) {
        // The broker may have refused already, and closed.
        let _ = self.stream.write_all(bytes);
    }

    /// A request with `Host` and a length; `headers` are whole lines.
    pub fn request(&mut self, method: &str, path: &str, headers: &[String], body: &[u8]) {
        let mut head = format!("{method} {path} HTTP/1.1\r\nhost: {}\r\n", self.host);
        for line in headers {
            head.push_str(line);
            head.push_str("\r\n");
        }
        if !body.is_empty() || method == "POST" {
            head.push_str(&format!("content-length: {}\r\n", body.len()));
        }
        head.push_str("\r\n");
        self.send(&[head.as_bytes(), body].concat());
    }

    pub fn head(&mut self) -> Head {
        read_head(&mut self.stream).expect("an answer").expect("an answer")
    }

    pub fn answer(&mut self) -> Answer {
        self.try_answer().expect("an answer")
    }

    pub fn try_answer(&mut self) -> io::Result<Answer> {
        let head = read_head(&mut self.stream)?.ok_or(io::ErrorKind::UnexpectedEof)?;
        let body = read_body(&mut self.stream, &head, true)?;
        Ok(Answer { head, body })
    }

    pub fn ask(&mut self, method: &str, path: &str, headers: &[String], body: &[u8]) -> Answer {
        self.request(method, path, headers, body);
        self.answer()
    }

    /// Whether the broker has closed the connection.
    pub fn is_closed(&mut self) -> bool {
        !matches!(self.stream.read(&mut [0; 1]), Ok(1..))
    }
}

/// None at the end of the stream.
pub fn read_head(stream: &mut impl Read) -> io::Result<Option<Head>> {
    let mut bytes = Vec::new();
    while !bytes.ends_with(b"\r\n\r\n") {
        let mut byte = [0; 1];
        if stream.read(&mut byte)? == 0 {
            return if bytes.is_empty() { Ok(None) } else { Err(io::ErrorKind::UnexpectedEof.into()) };
        }
        bytes.push(byte[0]);
    }
    let text = String::from_utf8_lossy(&bytes);
    let mut lines = text.trim_end().split("\r\n");
    let line = lines.next().unwrap_or_default().to_owned();
    let headers = lines.filter_map(|line| line.split_once(':'));
    let headers = headers.map(|(name, value)| (name.to_lowercase(), value.trim().to_owned())).collect();
    Ok(Some(Head { line, headers }))
}

/// The body behind a head: by its length, in chunks, or none; of an answer without either, up to the end.
pub fn read_body(stream: &mut impl Read, head: &Head, is_answer: bool) -> io::Result<Vec<u8>> {
    let mut body = Vec::new();
    if head.get("transfer-encoding").is_some() {
        while let Some(chunk) = read_chunk(stream)? {
            body.extend(chunk);
        }
    } else if let Some(length) = head.get("content-length") {
        body.resize(length.parse().map_err(|_| io::ErrorKind::InvalidData)?, 0);
        stream.read_exact(&mut body)?;
    } else if is_answer && head.status() != 101 {
        stream.read_to_end(&mut body)?;
    }
    Ok(body)
}

/// None for the last one.
pub fn read_chunk(stream: &mut impl Read) -> io::Result<Option<Vec<u8>>> {
    let mut line = Vec::new();
    while !line.ends_with(b"\r\n") {
        let mut byte = [0; 1];
        stream.read_exact(&mut byte)?;
        line.push(byte[0]);
    }
    let size = String::from_utf8_lossy(&line);
    let size = usize::from_str_radix(size.trim(), 16).map_err(|_| io::ErrorKind::InvalidData)?;
    let mut chunk = vec![0; size + 2];
    stream.read_exact(&mut chunk)?;
    chunk.truncate(size);
    Ok(Some(chunk).filter(|chunk| !chunk.is_empty()))
}
