//! Why an endpoint could not be reached or did not answer, as a word and as sentences for a person.

use std::borrow::Cow;
use std::error::Error as _;
use std::io;

use rustix::io::Errno;

/// Why a request has no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RequestFailure {
    /// The name of the host has no address.
    Dns,
    /// The host has no address that may be connected to.
    Address,
    /// Nothing listens at the address.
    Refused,
    /// The host cannot be reached, or it closed the connection.
    Network,
    /// This process has no descriptor or memory for a connection, so it sent nothing.
    Exhausted,
    /// TLS failed, for this reason.
    Tls(&'static str),
    /// The request took longer than it may.
    Timeout,
    /// The proxy cannot be reached, refused the connection or is not an HTTP proxy.
    Proxy,
    /// The answer is not HTTP, or ended in the middle.
    Protocol,
}

/// What to do if a server other than the vendor's answers at the vendor's own address.
pub const BETWEEN: &str = "Check what is between this server and the vendor: DNS, proxies, firewalls.";

pub(super) const NO_ROOTS: &str = "this server has no trusted root certificate";

pub(super) static EXHAUSTED: &[Errno] = &[Errno::MFILE, Errno::NFILE, Errno::NOMEM, Errno::NOBUFS];

impl RequestFailure {
    /// The word for it in the results of checks.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Dns | Self::Address => "dns",
            Self::Refused => "refused",
            Self::Network | Self::Exhausted => "network",
            Self::Tls(_) => "tls",
            Self::Timeout => "timeout",
            Self::Proxy => "proxy",
            Self::Protocol => "protocol",
        }
    }

    /// What is wrong and what to do, as sentences. `address` is the caller's name for the URL; none if it is the
    /// vendor's own.
    #[must_use]
    pub fn message(self, address: Option<&str>) -> String {
        let look_at = match (self, address) {
            (Self::Dns | Self::Address, Some(address)) => format!("Check {address} and this server's DNS."),
            (Self::Dns | Self::Address, None) => "Check this server's DNS.".into(),
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
            Self::Address => "The endpoint's host name has no address that may be connected to.",
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

    pub(super) fn of_io(error: &io::Error) -> Self {
        if let Some(error) = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>()) {
            return Self::Tls(tls_reason(error));
        }
        if is_exhausted(error) {
            return Self::Exhausted;
        }
        match error.kind() {
            io::ErrorKind::ConnectionRefused => Self::Refused,
            io::ErrorKind::TimedOut | io::ErrorKind::WouldBlock => Self::Timeout,
            // hyper reports a malformed chunk as invalid input.
            io::ErrorKind::InvalidData | io::ErrorKind::InvalidInput | io::ErrorKind::UnexpectedEof => Self::Protocol,
            _ => Self::Network,
        }
    }

    /// Why a name could not be resolved: it has no address, unless this process could not ask.
    pub(super) fn of_lookup(error: &io::Error) -> Self {
        if is_exhausted(error) { Self::Exhausted } else { Self::Dns }
    }

    /// Why hyper has no answer, or only a part of it.
    #[must_use]
    pub fn of_hyper(error: &hyper::Error) -> Self {
        let mut source = error.source();
        while let Some(cause) = source {
            if let Some(error) = cause.downcast_ref() {
                return Self::of_io(error);
            }
            source = cause.source();
        }
        if error.is_timeout() { Self::Timeout } else { Self::Protocol }
    }
}

fn is_exhausted(error: &io::Error) -> bool {
    error.raw_os_error().is_some_and(|errno| EXHAUSTED.contains(&Errno::from_raw_os_error(errno)))
}

/// In our own words, because the library's messages contain names of hosts and certificates.
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
