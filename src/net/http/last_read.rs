//! The deadline of a request whose answer must not be lost, with one last short read for that answer when the time is
//! up.
//!
//! For a token that can be used once, an answer that is thrown away is the login. A process that was frozen past its deadline
//! finds the answer in the socket. ureq's own deadline would end the request at any point, also between the last byte of
//! the question and the first of the answer (`Connection` in its pool.rs). So it has none, and this transport keeps the time.

use std::time::{Duration, Instant};

use ureq::Error;
use ureq::typestate::AgentScope;
use ureq::unversioned::resolver::DefaultResolver;
use ureq::unversioned::transport::time::Duration as After;
use ureq::unversioned::transport::{
    Buffers, ConnectProxyConnector, ConnectionDetails, Connector, NextTimeout, RustlsConnector, TcpConnector, Transport,
};

/// The time for all reads after the deadline together.
const LAST_READ: Duration = Duration::from_millis(250);

/// An agent for one request, which keeps the time from now on. Looking up the name and connecting may take that time each:
/// nothing is sent after it.
pub(super) fn agent(config: ureq::config::ConfigBuilder<AgentScope>, timeout: Duration) -> ureq::Agent {
    let config = config.timeout_resolve(Some(timeout)).timeout_connect(Some(timeout)).build();
    let deadline = Instant::now() + timeout;
    let connector =
        ().chain(ConnectProxyConnector::default())
            .chain(TcpConnector::default())
            .chain(LastRead { deadline })
            .chain(RustlsConnector::default());
    ureq::Agent::with_parts(config, connector, DefaultResolver::default())
}

/// Between TCP and TLS: what is read is the kernel's.
#[derive(Debug)]
struct LastRead {
    deadline: Instant,
}

impl<In: Transport> Connector<In> for LastRead {
    type Out = LastReading<In>;

    fn connect(&self, _: &ConnectionDetails<'_>, chained: Option<In>) -> Result<Option<Self::Out>, Error> {
        Ok(chained.map(|inner| LastReading { inner, deadline: self.deadline, until: None }))
    }
}

#[derive(Debug)]
struct LastReading<T> {
    inner: T,
    deadline: Instant,
    /// Set when the time was up first.
    until: Option<Instant>,
}

impl<T: Transport> Transport for LastReading<T> {
    fn buffers(&mut self) -> &mut dyn Buffers {
        self.inner.buffers()
    }

    /// What was not sent by the deadline is not sent.
    fn transmit_output(&mut self, amount: usize, timeout: NextTimeout) -> Result<(), Error> {
        // The library also calls this when all is sent.
        if amount == 0 {
            return Ok(());
        }
        self.inner.transmit_output(amount, until(self.deadline, timeout))
    }

    fn await_input(&mut self, timeout: NextTimeout) -> Result<bool, Error> {
        let result = self.inner.await_input(until(self.deadline, timeout));
        if !matches!(result, Err(Error::Timeout(_))) {
            return result;
        }
        let last = *self.until.get_or_insert_with(|| Instant::now() + LAST_READ);
        self.inner.await_input(until(last, timeout))
    }

    fn is_open(&mut self) -> bool {
        self.inner.is_open()
    }

    fn is_tls(&self) -> bool {
        self.inner.is_tls()
    }
}

/// The timeout, no later than this time; ureq refuses one of zero.
fn until(time: Instant, timeout: NextTimeout) -> NextTimeout {
    let left = After::Exact(time.saturating_duration_since(Instant::now()));
    NextTimeout { after: left.min(timeout.after), ..timeout }
}
