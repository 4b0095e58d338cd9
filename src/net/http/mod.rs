//! Sends one HTTP request that carries a credential: to exactly the given URL, only through a proxy that was named,
//! with the system's trusted roots, and without following redirects.
//!
//! To be called on a thread of [`crate::net::jobs`]: it blocks, and there alone the library's buffers are in guarded memory
//! and wiped.

mod last_read;

use std::borrow::Cow;
use std::io::{self, Read};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use rustix::io::Errno;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use ureq::http::HeaderMap;
use ureq::tls::{Certificate, RootCerts, TlsConfig};

use crate::error::{Error, ErrorCode, Result};
use crate::sys::guarded::GuardedBytes;
use crate::sys::wiping_allocator::with_plain_memory;

/// The most of an answer that is read, in bytes: token answers and errors are a few KiB.
pub const MAX_BODY_BYTES: usize = 64 * 1024;

/// The most of a request's own request line and headers, the credential among them, in bytes.
pub const MAX_REQUEST_HEAD_BYTES: usize = 32 * 1024;

/// The most of an answer's status line and headers, in bytes.
const MAX_HEAD_BYTES: usize = 64 * 1024;

/// The longest wait that an endpoint can ask for: a caller hands it to a timer, and Node's hold no more than 24.8 days.
const LONGEST_RETRY_AFTER: Duration = Duration::from_millis(i32::MAX as u64);

/// What a caller may decide about every request.
#[derive(Debug, Default)]
pub struct RequestSettings {
    /// The time limit of a whole request.
    pub timeout: Duration,
    /// The URL of a proxy, `http://host:port`. The environment names none.
    pub proxy: Option<String>,
    /// Roots of trust beside the system's, as DER.
    pub roots: Vec<Vec<u8>>,
}

#[derive(Debug)]
pub struct Request<'a> {
    pub url: &'a str,
    /// Its headers; a value may be a secret.
    pub headers: &'a [(&'a str, &'a [u8])],
    /// The body of a POST; none for a GET.
    pub body: Option<&'a [u8]>,
    /// Whether the answer is the only copy of something: it is then looked for once more when the time is up.
    pub is_precious: bool,
}

#[derive(Debug)]
pub struct Response {
    pub status: u16,
    /// What the header `retry-after` requests, at most 2³¹ − 1 milliseconds.
    pub retry_after: Option<Duration>,
    /// The first [`MAX_BODY_BYTES`] of the body.
    pub body: GuardedBytes,
}

/// Why a request has no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RequestFailure {
    /// The name of the host has no address.
    Dns,
    /// Nothing listens at the address.
    Refused,
    /// The host cannot be reached, or it closed the connection.
    Network,
    /// This process has no descriptor or memory for a connection: nobody was asked.
    Exhausted,
    /// TLS failed, for this reason.
    Tls(&'static str),
    /// The time of [`RequestSettings::timeout`] is over.
    Timeout,
    /// The proxy cannot be reached, refused the connection or is none.
    Proxy,
    /// What came is no HTTP, or ended in the middle.
    Protocol,
}

impl RequestFailure {
    /// The word for it in the results of checks.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Dns => "dns",
            Self::Refused => "refused",
            Self::Network | Self::Exhausted => "network",
            Self::Tls(_) => "tls",
            Self::Timeout => "timeout",
            Self::Proxy => "proxy",
            Self::Protocol => "protocol",
        }
    }

    /// What is wrong and what to do, as sentences; `address` is what the caller calls the URL that was asked, none where it
    /// is the vendor's own.
    #[must_use]
    pub fn message(self, address: Option<&str>) -> String {
        let look_at = match (self, address) {
            (Self::Dns, Some(address)) => format!("Check {address} and this server's DNS."),
            (Self::Dns, None) => "Check this server's DNS.".into(),
            (Self::Refused, Some(address)) => format!("Check the host and port of {address}."),
            (Self::Protocol, Some(address)) => format!("Check {address}."),
            (Self::Refused | Self::Protocol, None) => BETWEEN.into(),
            (Self::Tls(NO_ROOTS), _) => {
                "Install the system's CA certificates (Debian: ca-certificates), or pass the CA.".into()
            }
            (Self::Tls(_), Some(address)) => {
                format!("Check the host of {address} and this server's clock and trusted roots, or pass the CA.")
            }
            (Self::Tls(_), None) => {
                "Check this server's clock and trusted roots, and whether a proxy intercepts its connections, or pass the CA."
                    .into()
            }
            (Self::Network, _) => "Check routes and firewalls.".into(),
            (Self::Exhausted, _) => {
                "Raise the limit of open files (RLIMIT_NOFILE), or check which files this process keeps open.".into()
            }
            (Self::Timeout, _) => "Try again, or allow more time.".into(),
            (Self::Proxy, _) => "Check the proxy's URL and its rules.".into(),
        };
        format!("{} {look_at}", self.what())
    }

    fn what(self) -> Cow<'static, str> {
        Cow::Borrowed(match self {
            Self::Dns => "The endpoint's host name has no address.",
            Self::Refused => "Nothing listens on the endpoint's address.",
            Self::Exhausted => {
                "This process has no file descriptor or memory left for a connection, so it sent no \
                request."
            }
            Self::Network => "The endpoint cannot be reached from this server, or it closed the connection.",
            Self::Tls(why) => return Cow::Owned(format!("TLS failed: {why}.")),
            Self::Timeout => "The endpoint did not answer in time.",
            Self::Proxy => "The proxy cannot be reached, refused the connection or is not an HTTP proxy.",
            Self::Protocol => "The server that answered does not speak HTTP, or closed the connection.",
        })
    }
}

/// What to do if a server other than the vendor's answers at the vendor's own address.
pub const BETWEEN: &str = "Check what is between this server and the vendor: DNS, proxies, firewalls.";

const NO_ROOTS: &str = "this server has no trusted root certificate";

/// Sends one request on its own connection and reads the answer.
///
/// # Errors
/// Why there is none.
pub fn send(request: &Request<'_>, settings: &RequestSettings) -> std::result::Result<Response, RequestFailure> {
    let agent = agent(request, settings)?;
    let mut head = ureq::http::Request::builder().uri(request.url);
    for (name, value) in request.headers {
        let mut value = ureq::http::HeaderValue::from_bytes(value).map_err(|_| RequestFailure::Protocol)?;
        value.set_sensitive(true);
        head = head.header(*name, value);
    }
    let answer = match request.body {
        None => agent.run(head.method("GET").body(()).map_err(|_| RequestFailure::Protocol)?),
        Some(body) => agent.run(head.method("POST").body(body).map_err(|_| RequestFailure::Protocol)?),
    };
    read(answer.map_err(|error| at_the_proxy(failure(&error), settings))?)
}

/// With a proxy it is the proxy that is looked up and connected to, whoever is asked through it.
fn at_the_proxy(failure: RequestFailure, settings: &RequestSettings) -> RequestFailure {
    match failure {
        RequestFailure::Dns | RequestFailure::Refused if settings.proxy.is_some() => RequestFailure::Proxy,
        other => other,
    }
}

fn agent(request: &Request<'_>, settings: &RequestSettings) -> std::result::Result<ureq::Agent, RequestFailure> {
    let proxy = settings.proxy.as_deref().map(ureq::Proxy::new).transpose().map_err(|_| RequestFailure::Proxy)?;
    let roots = if request.url.starts_with("http:") { Vec::new() } else { roots(settings) };
    if roots.is_empty() && request.url.starts_with("https:") {
        return Err(RequestFailure::Tls(NO_ROOTS));
    }
    let config = ureq::Agent::config_builder()
        .http_status_as_error(false)
        // The key goes to the given endpoint only. A redirect is an answer.
        .max_redirects(0)
        .max_redirects_will_error(false)
        .max_idle_connections(0)
        .proxy(proxy)
        .user_agent(concat!("provider-env/", env!("CARGO_PKG_VERSION")))
        .accept_encoding("identity")
        .input_buffer_size(MAX_HEAD_BYTES)
        .output_buffer_size(MAX_REQUEST_HEAD_BYTES)
        .tls_config(tls(roots));
    if request.is_precious {
        return Ok(last_read::agent(config, settings.timeout));
    }
    Ok(config.timeout_global(Some(settings.timeout)).build().new_agent())
}

/// A base URL: `http` or `https`, a host, no user, query, fragment, white space or control character.
///
/// # Errors
/// `ERR_INVALID_ARG_VALUE`. The URL is not repeated: it could have a password in it.
pub fn check_base_url(url: &str) -> Result<()> {
    let rest = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"));
    let authority = rest.map(|rest| rest.split('/').next().unwrap_or_default());
    let plain = url.bytes().all(|byte| byte.is_ascii_graphic() && !br#"@?#"'\<>{}|^`"#.contains(&byte));
    if plain && authority.is_some_and(|authority| !authority.is_empty()) {
        return Ok(());
    }
    let message = "options.baseUrl must be http(s)://host[:port][/path] without a user name, query or fragment.";
    Err(Error::new(ErrorCode::InvalidArgValue, message).name("baseUrl"))
}

/// Who decides how long a request takes, and whom it waits for: the domain that a host is in (its last two labels, or the
/// address), and the host with its port, each with the proxy that leads there.
#[must_use]
pub fn parties(url: &str, proxy: Option<&str>) -> (String, String) {
    let uri = url.parse::<ureq::http::Uri>().ok();
    let authority = uri.as_ref().and_then(|uri| uri.authority());
    let host = authority.map_or(url, |authority| authority.host()).to_ascii_lowercase();
    let is_address = host.starts_with('[') || host.parse::<std::net::Ipv4Addr>().is_ok();
    let name = host.trim_end_matches('.');
    let domain = match name.rmatch_indices('.').nth(1) {
        Some((dot, _)) if !is_address => &name[dot + 1..],
        _ => name,
    };
    let port = authority.and_then(|authority| authority.port_u16());
    let port =
        port.map_or_else(|| url.split(':').next().unwrap_or_default().to_ascii_lowercase(), |port| port.to_string());
    let proxy = proxy.unwrap_or_default();
    (format!("{domain} {proxy}"), format!("{name}:{port} {proxy}"))
}

/// Read again for each request, so that a root that an operator has removed is not trusted until a restart.
fn roots(settings: &RequestSettings) -> Vec<Certificate<'static>> {
    // No secret, and a hundred times as much as all that is one.
    with_plain_memory(|| {
        let system = rustls_native_certs::load_native_certs().certs;
        let system = system.iter().map(|certificate| Certificate::from_der(certificate).to_owned());
        system.chain(settings.roots.iter().map(|der| Certificate::from_der(der).to_owned())).collect()
    })
}

fn tls(roots: Vec<Certificate<'static>>) -> TlsConfig {
    TlsConfig::builder()
        .root_certs(RootCerts::Specific(Arc::new(roots)))
        .unversioned_rustls_crypto_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .build()
}

fn read(response: ureq::http::Response<ureq::Body>) -> std::result::Result<Response, RequestFailure> {
    let status = response.status().as_u16();
    let retry_after = retry_after(response.headers());
    let mut buffer = GuardedBytes::zeroed(MAX_BODY_BYTES);
    let mut body = response.into_body();
    let mut reader = body.as_reader();
    let mut length = 0;
    while length < buffer.len() {
        match reader.read(&mut buffer[length..]) {
            Ok(0) => break,
            Ok(count) => length += count,
            Err(error) => return Err(io_failure(&error)),
        }
    }
    let body = GuardedBytes::copy_of(&buffer[..length]);
    Ok(Response { status, retry_after, body })
}

/// The header is a number of seconds or a date, which is measured from the answer's own: the server's clock may differ from
/// ours. A date that has passed is no wait.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let header = |name| headers.get(name)?.to_str().ok().map(str::trim);
    let date = |text| httpdate::parse_http_date(text).ok();
    let text = header("retry-after")?;
    let wait = match text.parse() {
        Ok(seconds) => Duration::from_secs(seconds),
        Err(_) => {
            let now = header("date").and_then(date).unwrap_or_else(SystemTime::now);
            date(text)?.duration_since(now).unwrap_or_default()
        }
    };
    Some(wait.min(LONGEST_RETRY_AFTER))
}

fn failure(error: &ureq::Error) -> RequestFailure {
    match error {
        ureq::Error::HostNotFound | ureq::Error::BadUri(_) => RequestFailure::Dns,
        ureq::Error::Timeout(_) => RequestFailure::Timeout,
        ureq::Error::ConnectionFailed => RequestFailure::Network,
        ureq::Error::ConnectProxyFailed(_) | ureq::Error::InvalidProxyUrl => RequestFailure::Proxy,
        ureq::Error::Tls(_) => RequestFailure::Tls("the host is not a name that a certificate can have"),
        ureq::Error::Rustls(error) => RequestFailure::Tls(tls_reason(error)),
        ureq::Error::Io(error) => io_failure(error),
        _ => RequestFailure::Protocol,
    }
}

fn io_failure(error: &io::Error) -> RequestFailure {
    if let Some(inner) = error.get_ref() {
        if let Some(error) = inner.downcast_ref::<rustls::Error>() {
            return RequestFailure::Tls(tls_reason(error));
        }
        if let Some(error) = inner.downcast_ref::<ureq::Error>() {
            return failure(error);
        }
    }
    // `std` has no kind and no errno for it: this is its text for a failure of getaddrinfo(3), which a test checks.
    if error.raw_os_error().is_none() && error.to_string().starts_with("failed to lookup address") {
        return RequestFailure::Dns;
    }
    if error.raw_os_error().is_some_and(|errno| EXHAUSTED.contains(&Errno::from_raw_os_error(errno))) {
        return RequestFailure::Exhausted;
    }
    match error.kind() {
        io::ErrorKind::ConnectionRefused => RequestFailure::Refused,
        io::ErrorKind::TimedOut | io::ErrorKind::WouldBlock => RequestFailure::Timeout,
        io::ErrorKind::InvalidData | io::ErrorKind::UnexpectedEof => RequestFailure::Protocol,
        _ => RequestFailure::Network,
    }
}

static EXHAUSTED: &[Errno] = &[Errno::MFILE, Errno::NFILE, Errno::NOMEM, Errno::NOBUFS];

/// In our words: the library's have names of hosts and certificates in them.
fn tls_reason(error: &rustls::Error) -> &'static str {
    use rustls::{CertificateError, Error};
    match error {
        Error::InvalidCertificate(CertificateError::UnknownIssuer) => {
            "this server does not trust the issuer of its certificate"
        }
        Error::InvalidCertificate(CertificateError::Expired | CertificateError::ExpiredContext { .. }) => {
            "its certificate has expired"
        }
        Error::InvalidCertificate(CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. }) => {
            "its certificate is not valid yet"
        }
        Error::InvalidCertificate(
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
        ) => "its certificate is for another name",
        Error::InvalidCertificate(_) => "its certificate is not valid",
        Error::InvalidMessage(_) => "the server that answered does not speak TLS",
        _ => "the handshake failed",
    }
}

/// Reads the certificates of a PEM text, as DER.
///
/// # Errors
/// `ERR_INVALID_ARG_VALUE` for a text without any, or a broken one.
pub fn roots_of_pem(option: &str, pem: &[u8]) -> Result<Vec<Vec<u8>>> {
    let roots: std::result::Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    let roots = roots.unwrap_or_default();
    if roots.is_empty() || roots.iter().any(|root| !is_root(root)) {
        let message = format!("{option} must contain PEM certificates that can each be a trusted root.");
        return Err(Error::new(ErrorCode::InvalidArgValue, message).name(option));
    }
    Ok(roots.into_iter().map(|root| root.to_vec()).collect())
}

/// Whether a PEM text has a certificate that can be a root of trust.
#[must_use]
pub fn holds_root(pem: &[u8]) -> bool {
    CertificateDer::pem_slice_iter(pem).any(|certificate| certificate.is_ok_and(|certificate| is_root(&certificate)))
}

fn is_root(certificate: &CertificateDer<'_>) -> bool {
    rustls::RootCertStore::empty().add(certificate.clone()).is_ok()
}

/// Refuses a proxy that is not `http://host[:port]`, without a user name.
///
/// # Errors
/// `ERR_INVALID_ARG_VALUE`. The URL is not repeated: it could have a password in it.
pub fn check_proxy(option: &str, url: &str) -> Result<()> {
    let authority = url.strip_prefix("http://").map(|rest| rest.trim_end_matches('/'));
    let plain = |authority: &str| {
        !authority.is_empty() && authority.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-:[]_".contains(&byte))
    };
    if authority.is_some_and(plain) && ureq::Proxy::new(url).is_ok() {
        return Ok(());
    }
    let message = format!("{option} must be http://host[:port] without a user name or path.");
    Err(Error::new(ErrorCode::InvalidArgValue, message).name(option))
}

#[cfg(test)]
mod tests;
