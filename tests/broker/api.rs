//! An API on loopback, by TLS: what it answers is a function of the test, what it was asked is written down.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;

use rcgen::{CertificateParams, KeyPair};
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};

use crate::client::{Head, read_body, read_head};

pub type Stream = StreamOwned<ServerConnection, TcpStream>;

/// A request as it came.
#[derive(Clone, Debug)]
pub struct Seen {
    pub head: Head,
    pub body: Vec<u8>,
}

pub struct Api {
    pub address: SocketAddr,
    /// Its certificate, as DER: the root of trust of those who connect.
    pub root: Vec<u8>,
    pub seen: Arc<Mutex<Vec<Seen>>>,
    pub connections: Arc<AtomicUsize>,
}

impl Api {
    /// Serves each connection by this function, on a thread of its own, until it returns false.
    pub fn start(serve: impl Fn(&mut Conversation) -> io::Result<bool> + Send + Sync + 'static) -> Self {
        Self::with_certificate(&CertificateParams::new(vec!["localhost".to_owned()]).expect("a name"), serve)
    }

    pub fn with_certificate(
        params: &CertificateParams,
        serve: impl Fn(&mut Conversation) -> io::Result<bool> + Send + Sync + 'static,
    ) -> Self {
        let key = KeyPair::generate().expect("a key");
        let certificate = params.self_signed(&key).expect("a certificate").der().clone();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let config = builder.expect("versions").with_no_client_auth();
        let config = Arc::new(config.with_single_cert(vec![certificate.clone()], key).expect("valid"));
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("bound");
        let (seen, connections) = (Arc::<Mutex<Vec<Seen>>>::default(), Arc::<AtomicUsize>::default());
        let (log, count) = (Arc::clone(&seen), Arc::clone(&connections));
        let serve = Arc::new(serve);
        thread::spawn(move || {
            for socket in listener.incoming() {
                let Ok(socket) = socket else { return };
                let _ = socket.set_nodelay(true);
                count.fetch_add(1, Ordering::SeqCst);
                let (config, log, serve) = (Arc::clone(&config), Arc::clone(&log), Arc::clone(&serve));
                thread::spawn(move || {
                    let session = ServerConnection::new(config).expect("a configuration");
                    let mut conversation = Conversation { stream: StreamOwned::new(session, socket), log };
                    while serve(&mut conversation).unwrap_or(false) {}
                });
            }
        });
        Self { address, root: certificate.to_vec(), seen, connections }
    }

    /// Answers everything with this.
    pub fn answering(answer: &'static str) -> Self {
        Self::start(move |conversation| {
            let Some(_) = conversation.request()? else { return Ok(false) };
            conversation.send(answer.as_bytes())?;
            Ok(true)
        })
    }

    /// Its certificate, as a file has it.
    pub fn pem(&self) -> String {
        let body = data_encoding::BASE64.encode(&self.root);
        format!("-----BEGIN CERTIFICATE-----\n{body}\n-----END CERTIFICATE-----\n")
    }

    pub fn url(&self) -> String {
        format!("https://localhost:{}", self.address.port())
    }

    pub fn seen(&self) -> Vec<Seen> {
        self.seen.lock().expect("no panic").clone()
    }

    pub fn last(&self) -> Seen {
        self.seen().pop().expect("it was asked")
    }
}

pub struct Conversation {
    pub stream: Stream,
    log: Arc<Mutex<Vec<Seen>>>,
}

impl Conversation {
    /// The next request, whole; none at the end.
    pub fn request(&mut self) -> io::Result<Option<Seen>> {
        let Some(head) = read_head(&mut self.stream)? else { return Ok(None) };
        let body = read_body(&mut self.stream, &head, false)?;
        let seen = Seen { head, body };
        self.log.lock().expect("no panic").push(seen.clone());
        Ok(Some(seen))
    }

    /// The next request's head.
    pub fn head(&mut self) -> io::Result<Option<Head>> {
        let head = read_head(&mut self.stream)?;
        if let Some(head) = &head {
            self.log.lock().expect("no panic").push(Seen { head: head.clone(), body: Vec::new() });
        }
        Ok(head)
    }

    pub fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.stream.write_all(bytes)?;
        self.stream.flush()
    }

    /// Whether the other side has gone away: nothing else comes any more.
    pub fn has_ended(&mut self) -> bool {
        !matches!(self.stream.read(&mut [0; 1]), Ok(1..))
    }
}

pub const OK: &str = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}";
