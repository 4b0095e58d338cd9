//! The API's side: where it is, how it is connected to, and how the key gets into what is written to it.

mod address;
mod connect;
mod keyed_stream;
mod outage;
mod pool;
mod redial;
mod stall;
pub mod substitution;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use rustls::{ClientConfig, RootCertStore};

pub use address::{Addresses, Endpoint};
pub(super) use pool::{Dial, Pool, PooledConnection};
pub(super) use stall::{Alarm, StallGuard};

use super::refusal::Reason;
use crate::error::Result;
use crate::net::http;

/// A root that an operator took away is trusted no longer than that.
const ROOTS_ARE_GOOD_FOR: Duration = Duration::from_secs(10 * 60);

/// What is asked of an upstream beside its URL.
#[derive(Debug, Default)]
pub struct UpstreamOptions {
    /// Roots of trust beside the system's, as DER.
    pub roots: Vec<Vec<u8>>,
    /// The URL of a proxy, `http://host:port`. The environment names none.
    pub proxy: Option<String>,
    pub addresses: Addresses,
}

/// An API that keys are for.
#[derive(Debug)]
pub struct Upstream {
    pub(super) endpoint: Endpoint,
    proxy: Option<Endpoint>,
    addresses: Addresses,
    roots: Vec<Vec<u8>>,
    outage: outage::Outage,
    tls: Mutex<Option<(Instant, Arc<ClientConfig>)>>,
}

impl Upstream {
    /// # Errors
    /// `ERR_INVALID_ARG_VALUE` for a base URL or a proxy that is none. It is not repeated.
    pub fn new(base_url: &str, options: UpstreamOptions) -> Result<Self> {
        let proxy = options.proxy.as_deref().map(|proxy| {
            http::check_proxy("proxy", proxy)?;
            Endpoint::of(proxy.trim_end_matches('/'))
        });
        Ok(Self {
            endpoint: Endpoint::of(base_url)?,
            proxy: proxy.transpose()?,
            addresses: options.addresses,
            roots: options.roots,
            outage: outage::Outage::default(),
            tls: Mutex::new(None),
        })
    }

    /// The settings of TLS, with the system's roots as they are now. Blocks where they are read anew.
    fn tls(&self) -> std::result::Result<Arc<ClientConfig>, Reason> {
        let mut tls = self.tls.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, config)) = tls.as_ref().filter(|(since, _)| since.elapsed() < ROOTS_ARE_GOOD_FOR) {
            return Ok(Arc::clone(config));
        }
        let config = Arc::new(client_config(&self.roots).ok_or(Reason::UpstreamTls)?);
        *tls = Some((Instant::now(), Arc::clone(&config)));
        Ok(config)
    }
}

fn client_config(further: &[Vec<u8>]) -> Option<ClientConfig> {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    roots.add_parsable_certificates(further.iter().map(|der| der.clone().into()));
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().ok()?;
    let mut config = builder.with_root_certificates(roots).with_no_client_auth();
    // What HTTP/2 does with headers would copy the key.
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Some(config)
}
