//! One short look for an answer when the time is up: a process that was frozen past its deadline finds it in the socket.
//!
//! The library gives up before it has looked. For a token that can be used once, what it throws away is the login.

use std::time::{Duration, Instant};

use ureq::Error;
use ureq::unversioned::resolver::DefaultResolver;
use ureq::unversioned::transport::{
    Buffers, ConnectProxyConnector, ConnectionDetails, Connector, NextTimeout, RustlsConnector, TcpConnector, Transport,
};

/// The time for all reads after the deadline together.
const LAST_READ: Duration = Duration::from_millis(250);

/// Makes an agent that looks once more for an answer when the time is up.
pub(super) fn agent(config: ureq::config::Config) -> ureq::Agent {
    let connector =
        ().chain(ConnectProxyConnector::default())
            .chain(TcpConnector::default())
            .chain(LastRead)
            .chain(RustlsConnector::default());
    ureq::Agent::with_parts(config, connector, DefaultResolver::default())
}

/// Between TCP and TLS: what is read is the kernel's.
#[derive(Debug)]
struct LastRead;

impl<In: Transport> Connector<In> for LastRead {
    type Out = LastReading<In>;

    fn connect(&self, _: &ConnectionDetails<'_>, chained: Option<In>) -> Result<Option<Self::Out>, Error> {
        Ok(chained.map(|inner| LastReading { inner, until: None }))
    }
}

#[derive(Debug)]
struct LastReading<T> {
    inner: T,
    /// Set when the time was up first.
    until: Option<Instant>,
}

impl<T: Transport> Transport for LastReading<T> {
    fn buffers(&mut self) -> &mut dyn Buffers {
        self.inner.buffers()
    }

    // No second chance: what was not sent by the deadline is not sent.
    fn transmit_output(&mut self, amount: usize, timeout: NextTimeout) -> Result<(), Error> {
        self.inner.transmit_output(amount, timeout)
    }

    fn await_input(&mut self, timeout: NextTimeout) -> Result<bool, Error> {
        let result = self.inner.await_input(timeout);
        if !matches!(result, Err(Error::Timeout(_))) {
            return result;
        }
        let until = *self.until.get_or_insert_with(|| Instant::now() + LAST_READ);
        let left = until.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return result;
        }
        self.inner
            .await_input(NextTimeout { after: ureq::unversioned::transport::time::Duration::Exact(left), ..timeout })
    }

    fn is_open(&mut self) -> bool {
        self.inner.is_open()
    }

    fn is_tls(&self) -> bool {
        self.inner.is_tls()
    }
}
