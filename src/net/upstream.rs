//! An upstream: an API that keys may go to, how it is reached, and the roots that its certificate may have.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use rustls::ClientConfig;
use tokio::sync::Semaphore;

use super::address::{Addresses, Endpoint, check_proxy};
use super::failure::RequestFailure;
use super::look_up::LookUps;
use super::outage::Outage;
use super::tls::client_config;
use crate::error::Result;

/// How long the system's roots are kept. A root that an operator removes is trusted no longer than this.
const ROOTS_ARE_GOOD_FOR: Duration = Duration::from_secs(10 * 60);

/// The options of an upstream, in addition to its URL.
#[derive(Debug, Default)]
pub struct UpstreamOptions {
    /// Roots of trust in addition to the system's, in DER.
    pub roots: Vec<Vec<u8>>,
    /// The URL of a proxy, `http://host:port`. Variables such as `HTTPS_PROXY` are not read.
    pub proxy: Option<String>,
    pub addresses: Addresses,
    /// If its name was not chosen by an operator: how many look-ups of such names there may be together.
    pub look_ups: Option<Arc<Semaphore>>,
}

/// An API that keys may go to.
#[derive(Debug)]
pub struct Upstream {
    pub endpoint: Endpoint,
    pub(super) proxy: Option<Endpoint>,
    pub(super) addresses: Addresses,
    pub(super) look_ups: LookUps,
    roots: Vec<Vec<u8>>,
    pub(super) outage: Outage,
    tls: Mutex<Option<(Instant, Arc<ClientConfig>)>>,
    /// Held while the system's roots are read, so that connections which begin together read them once.
    reading: Mutex<()>,
}

impl Upstream {
    /// # Errors
    /// Those of [`Endpoint::of`] and [`check_proxy`].
    pub fn new(base_url: &str, options: UpstreamOptions) -> Result<Self> {
        Self::at(Endpoint::of(base_url)?, options)
    }

    /// # Errors
    /// Those of [`check_proxy`].
    pub(super) fn at(endpoint: Endpoint, options: UpstreamOptions) -> Result<Self> {
        let proxy = options.proxy.as_deref().map(|proxy| {
            check_proxy("proxy", proxy)?;
            Endpoint::of(proxy.trim_end_matches('/'))
        });
        Ok(Self {
            endpoint,
            proxy: proxy.transpose()?,
            addresses: options.addresses,
            look_ups: LookUps::new(options.look_ups),
            roots: options.roots,
            outage: Outage::default(),
            tls: Mutex::new(None),
            reading: Mutex::new(()),
        })
    }

    /// The settings of TLS. It blocks if the system's roots must be read again.
    pub(super) fn tls(&self) -> std::result::Result<Arc<ClientConfig>, RequestFailure> {
        let _one = self.reading.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(config) = self.known_tls() {
            return Ok(config);
        }
        let config = Arc::new(client_config(&self.roots)?);
        *self.lock() = Some((Instant::now(), Arc::clone(&config)));
        Ok(config)
    }

    /// The settings of TLS, unless the roots must be read again.
    pub(super) fn known_tls(&self) -> Option<Arc<ClientConfig>> {
        let tls = self.lock();
        let (_, config) = tls.as_ref().filter(|(since, _)| since.elapsed() < ROOTS_ARE_GOOD_FOR)?;
        Some(Arc::clone(config))
    }

    fn lock(&self) -> MutexGuard<'_, Option<(Instant, Arc<ClientConfig>)>> {
        self.tls.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
