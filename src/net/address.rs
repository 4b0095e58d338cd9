//! Base URLs and proxy URLs, and the addresses that an API's host may have.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use hyper::http::HeaderValue;
use hyper::http::uri::{PathAndQuery, Scheme, Uri};

use crate::error::{Error, ErrorCode, Result};

/// Which addresses a host may have.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Addresses {
    /// Addresses of the public Internet: for a base URL that a tenant chose. The worker may reach what the tenant's own
    /// process does not: loopback, the private network, a cloud's metadata.
    #[default]
    Public,
    /// Any but those at which clouds keep credentials: for a literal address that the caller wrote.
    ExceptMetadata,
    /// Any: for a base URL that the operator chose.
    Any,
}

impl Addresses {
    #[must_use]
    pub fn allow(self, address: &SocketAddr) -> bool {
        match self {
            Self::Public => is_public(address.ip()) && !is_metadata(address.ip()),
            Self::ExceptMetadata => !is_metadata(address.ip()),
            Self::Any => true,
        }
    }
}

/// The parts of a base URL.
#[derive(Debug)]
pub struct Endpoint {
    pub is_tls: bool,
    /// The host, without the brackets of an IPv6 address.
    pub host: String,
    pub port: u16,
    /// The value of the header `Host`.
    pub authority: HeaderValue,
    /// The path, without a trailing slash.
    pub base_path: String,
}

impl Endpoint {
    /// # Errors
    /// Those of [`check_base_url`], and `ERR_INVALID_ARG_VALUE` for a host or port that cannot be connected to.
    pub fn of(base_url: &str) -> Result<Self> {
        check_base_url(base_url)?;
        base_url.parse().ok().and_then(|uri| Self::of_uri(&uri)).ok_or_else(|| {
            let message = "The base URL has no host or port that can be connected to. Correct options.baseUrl.";
            Error::new(ErrorCode::InvalidArgValue, message).name("baseUrl")
        })
    }

    /// None for a URI that has no host or port that can be connected to.
    pub(super) fn of_uri(uri: &Uri) -> Option<Self> {
        let is_tls = uri.scheme() == Some(&Scheme::HTTPS);
        let authority = uri.authority()?;
        let host = authority.host().trim_start_matches('[').trim_end_matches(']');
        let port = authority.port_u16().unwrap_or(if is_tls { 443 } else { 80 });
        // The crate `http` accepts a port that is not a number or is missing after the colon, and then reports no port.
        let is_whole = !authority.as_str().ends_with(':')
            && (authority.port().is_some() || !authority.as_str().trim_start_matches(authority.host()).contains(':'));
        let is_usable = is_whole && !host.is_empty() && port != 0;
        is_usable.then_some(())?;
        Some(Self {
            is_tls,
            host: host.to_owned(),
            port,
            authority: HeaderValue::from_str(authority.as_str()).ok()?,
            base_path: uri.path().trim_end_matches('/').to_owned(),
        })
    }

    /// Whether both are the same API: other roots of trust for it do not matter.
    pub fn is_same_target(&self, other: &Self) -> bool {
        self.is_same_origin(other) && self.base_path == other.base_path
    }

    pub fn is_same_origin(&self, other: &Self) -> bool {
        self.is_tls == other.is_tls && self.port == other.port && self.host.eq_ignore_ascii_case(&other.host)
    }

    /// The target of a request: the base URL's path, `path` below it, and the query unchanged.
    pub fn target(&self, path: &str, query: Option<&str>) -> Option<Uri> {
        let target = match query {
            Some(query) => format!("{}{path}?{query}", self.base_path),
            None => format!("{}{path}", self.base_path),
        };
        PathAndQuery::from_maybe_shared(bytes::Bytes::from(target)).ok().map(Uri::from)
    }
}

/// The metadata services of EC2 and Google Cloud.
const METADATA_V6: &[Ipv6Addr] =
    &[Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254), Ipv6Addr::new(0xfd20, 0xce, 0, 0, 0, 0, 0, 0x254)];

/// The metadata services of Alibaba Cloud, Oracle Cloud and Azure. Azure's has a public address.
const METADATA_V4: &[Ipv4Addr] =
    &[Ipv4Addr::new(100, 100, 100, 200), Ipv4Addr::new(192, 0, 0, 192), Ipv4Addr::new(168, 63, 129, 16)];

/// Whether clouds may serve a machine's credentials at this address: link-local addresses, and a few others.
fn is_metadata(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(address) => address.is_link_local() || METADATA_V4.contains(&address),
        IpAddr::V6(address) => address.is_unicast_link_local() || METADATA_V6.contains(&address),
    }
}

/// Checks a base URL: `http` or `https`, a host, no user, query, fragment, white space or control character.
///
/// # Errors
/// `ERR_INVALID_ARG_VALUE`. The error does not repeat the URL, which could contain a password.
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

/// Checks the URL of a proxy: `http://host[:port]`, no user name.
///
/// # Errors
/// `ERR_INVALID_ARG_VALUE`. The error does not repeat the URL, which could contain a password.
pub fn check_proxy(option: &str, url: &str) -> Result<()> {
    let authority = url.strip_prefix("http://").map(|rest| rest.trim_end_matches('/'));
    let plain = |authority: &str| {
        !authority.is_empty() && authority.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-:[]_".contains(&byte))
    };
    if authority.is_some_and(plain) && Endpoint::of(url.trim_end_matches('/')).is_ok() {
        return Ok(());
    }
    let message = format!("{option} must be http://host[:port] without a user name or path.");
    Err(Error::new(ErrorCode::InvalidArgValue, message).name(option))
}

/// Whether an address belongs to the public Internet, by the IANA special-purpose registries.
fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => is_public_v6(address),
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    let is_special = address.is_private()
        || address.is_loopback()
        || address.is_link_local()
        || address.is_documentation()
        || a == 0
        || a >= 224
        || (a == 100 && (64..128).contains(&b))
        || (a == 192 && b == 0 && c == 0)
        || (a == 198 && (18..20).contains(&b));
    !is_special
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    let segments = address.segments();
    // Only 2000::/3 has been allocated. In it, 6to4 and Teredo carry IPv4 addresses, and 2001:db8::/32 is for
    // documentation.
    let is_global = segments[0] & 0xe000 == 0x2000;
    let is_special = segments[0] == 0x2002 || (segments[0] == 0x2001 && (segments[1] < 0x200 || segments[1] == 0xdb8));
    is_global && !is_special
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_base_url_is_taken_apart() {
        let endpoint = Endpoint::of("https://api.openai.com/v1").expect("valid");
        assert!(endpoint.is_tls && endpoint.port == 443 && endpoint.base_path == "/v1");
        let target = endpoint.target("/responses", Some("a=%2F&b")).expect("valid");
        assert_eq!(target.to_string(), "/v1/responses?a=%2F&b");
        let endpoint = Endpoint::of("http://[::1]:8080/").expect("valid");
        assert!(!endpoint.is_tls && endpoint.port == 8080 && endpoint.host == "::1" && endpoint.base_path.is_empty());
        assert_eq!(endpoint.authority, "[::1]:8080");
        for wrong in
            ["ftp://a", "https://", "https://a:b", "https://a:", "https://a:0", "https://a:70000", "https://u@a"]
        {
            assert!(Endpoint::of(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_clouds_metadata_is_known_however_it_is_written() {
        let allows = |address: &str| {
            let address = (address.parse::<IpAddr>().expect("an address"), 80).into();
            [Addresses::ExceptMetadata, Addresses::Public].map(|addresses| addresses.allow(&address))
        };
        for address in [
            "169.254.169.254",
            "::ffff:169.254.169.254",
            "fe80::1",
            "fd00:ec2::254",
            "fd20:ce::254",
            "100.100.100.200",
            "192.0.0.192",
            "168.63.129.16",
        ] {
            assert_eq!(allows(address), [false; 2], "{address}");
        }
        assert!(
            ["127.0.0.1", "10.0.0.1", "::1", "fd00:ec2::253", "1.1.1.1"].into_iter().all(|address| allows(address)[0])
        );
    }

    #[test]
    fn only_the_public_internet_is_public() {
        for address in [
            "127.0.0.1",
            "10.1.2.3",
            "172.16.0.1",
            "192.168.1.1",
            "169.254.169.254",
            "100.64.0.1",
            "0.0.0.0",
            "224.0.0.1",
            "255.255.255.255",
            "192.0.0.8",
            "198.18.0.1",
            "::1",
            "::",
            "fe80::1",
            "fd00:ec2::254",
            "::ffff:127.0.0.1",
            "64:ff9b::7f00:1",
            "2002:7f00:1::",
            "2001:0:7f00:1::",
            "2001:db8::1",
            "ff02::1",
        ] {
            assert!(!is_public(address.parse().expect("an address")), "{address}");
        }
        for address in ["1.1.1.1", "160.79.104.10", "2606:4700::1111", "2a00:1450::1"] {
            assert!(is_public(address.parse().expect("an address")), "{address}");
        }
    }
}
