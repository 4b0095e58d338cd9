//! The upstreams of a broker: which addresses each may have, and one upstream for all launches with the same base URL.

use std::collections::HashMap;
use std::io::Read;
use std::net::IpAddr;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use sha2::{Digest, Sha256};
use tokio::sync::Semaphore;

use super::options::Options;
use crate::error::{Error, ErrorCode, Result};
use crate::net::address::{Addresses, Endpoint};
use crate::net::http::roots_of_pem;
use crate::net::upstream::{Upstream, UpstreamOptions};
use crate::provider::Vendor;
use crate::sys::regular_file::open_regular;

/// A file of roots has a few hundred KiB at most.
const MAX_CA_BYTES: u64 = 4 << 20;

/// If there are more upstreams, those that no launch uses are dropped: each holds the system's roots of trust.
const MAX_UNUSED: usize = 16;

/// Names of callers' choice that are looked up at a time. Each takes a thread, for half a minute at worst.
pub(super) const CALLERS_LOOK_UPS: usize = 12;

/// The base URL, and the SHA-256 of the launch's own roots of trust.
type Key = (Box<str>, [u8; 32]);

/// The upstreams of one broker.
#[derive(Debug)]
pub struct Upstreams {
    /// Base URLs whose hosts may have any address.
    trusted: Vec<Endpoint>,
    proxy: Option<String>,
    /// The certificates in the broker's `ca_file`.
    roots: Vec<Vec<u8>>,
    known: Mutex<HashMap<Key, Arc<Upstream>>>,
    /// Of the names in base URLs of launches.
    look_ups: Arc<Semaphore>,
}

impl Upstreams {
    /// `options` were [checked](Options::check).
    ///
    /// # Errors
    /// `CA_FILE_UNUSABLE`.
    pub fn new(options: &Options) -> Result<Self> {
        let ca_file = options.ca_file.as_deref();
        Ok(Self {
            trusted: options.upstreams.iter().map(|url| Endpoint::of(url)).collect::<Result<_>>()?,
            proxy: options.proxy.clone(),
            roots: ca_file.map(roots_in).transpose()?.unwrap_or_default(),
            known: Mutex::default(),
            look_ups: Arc::new(Semaphore::new(CALLERS_LOOK_UPS)),
        })
    }

    /// The upstream of a launch; the vendor's if `base_url` is none.
    ///
    /// # Errors
    /// `ERR_INVALID_ARG_VALUE` for a base URL that the broker may not connect to, `CA_FILE_UNUSABLE`.
    pub fn of(&self, vendor: &Vendor, base_url: Option<&str>, ca_file: Option<&str>) -> Result<Arc<Upstream>> {
        let base_url = base_url.unwrap_or(vendor.api.base_url);
        let further = ca_file.map(roots_in).transpose()?.unwrap_or_default();
        let key = (base_url.into(), digest(&further));
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(upstream) = known.get(&key) {
            return Ok(Arc::clone(upstream));
        }
        let endpoint = Endpoint::of(base_url)?;
        let addresses = self.addresses(&endpoint, base_url == vendor.api.base_url);
        let literal = endpoint.host.parse::<IpAddr>();
        if literal.is_ok_and(|address| !addresses.allow(&(address, endpoint.port).into())) {
            let message = "The base URL has a link-local address. The broker does not connect to it, because clouds \
                keep credentials there. Correct options.baseUrl, or list it in the upstreams of startBroker().";
            return Err(Error::new(ErrorCode::InvalidArgValue, message).name("baseUrl"));
        }
        let roots = self.roots.iter().cloned().chain(further).collect();
        // The proxy's loopback is another machine.
        let proxy = self.proxy.clone().filter(|_| !is_loopback(&endpoint.host));
        let is_operators = addresses == Addresses::Any || base_url == vendor.api.base_url;
        let look_ups = (!is_operators).then(|| Arc::clone(&self.look_ups));
        let upstream = Arc::new(Upstream::new(base_url, UpstreamOptions { roots, proxy, addresses, look_ups })?);
        if known.len() >= MAX_UNUSED {
            known.retain(|_, upstream| Arc::strong_count(upstream) > 1);
        }
        known.insert(key, Arc::clone(&upstream));
        Ok(upstream)
    }

    fn addresses(&self, endpoint: &Endpoint, is_vendors: bool) -> Addresses {
        if self.trusted.iter().any(|trusted| trusted.is_same_origin(endpoint)) {
            return Addresses::Any;
        }
        let is_literal = endpoint.host.eq_ignore_ascii_case("localhost") || endpoint.host.parse::<IpAddr>().is_ok();
        if is_literal && !is_vendors { Addresses::ExceptMetadata } else { Addresses::Public }
    }
}

fn is_loopback(host: &str) -> bool {
    host.eq_ignore_ascii_case("localhost")
        || host.parse::<IpAddr>().is_ok_and(|address| address.to_canonical().is_loopback())
}

fn digest(roots: &[Vec<u8>]) -> [u8; 32] {
    let mut digest = Sha256::new();
    for root in roots {
        digest.update((root.len() as u64).to_ne_bytes());
        digest.update(root);
    }
    digest.finalize().into()
}

/// The certificates in a file.
fn roots_in(file: &str) -> Result<Vec<Vec<u8>>> {
    let unusable = |why: &str| {
        let message = format!("options.caFile cannot be used: {why}. Pass the path of a file of certificates in PEM.");
        Error::new(ErrorCode::CaFileUnusable, message).name("caFile").path(file)
    };
    let opened = open_regular(Path::new(file))
        .ok_or_else(|| unusable("it must be a regular file that this process can read"))?;
    let mut pem = Vec::new();
    opened.take(MAX_CA_BYTES + 1).read_to_end(&mut pem).map_err(|error| unusable(&error.to_string()))?;
    if pem.len() as u64 > MAX_CA_BYTES {
        return Err(unusable("it is larger than 4 MiB"));
    }
    roots_of_pem("options.caFile", &pem).map_err(|_| unusable("it has no certificate, or one that is malformed"))
}
