//! An API that keys are for: where it is, how it is reached, and whom its certificate may be from.

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
    /// If its name was not chosen by an operator: how many look-ups of such names there may be together.
    pub look_ups: Option<Arc<Semaphore>>,
}

/// An API that keys are for.
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
    /// `ERR_INVALID_ARG_VALUE` for a base URL or a proxy that is none. It is not repeated.
    pub fn new(base_url: &str, options: UpstreamOptions) -> Result<Self> {
        Self::at(Endpoint::of(base_url)?, options)
    }

    /// # Errors
    /// `ERR_INVALID_ARG_VALUE` for a proxy that is none.
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

    /// The settings of TLS with the system's roots as they are now. It blocks if they must be read.
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
