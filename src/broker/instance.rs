//! The broker: its threads, the grants that it gives, and the one instance of the process.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::runtime::Runtime;
use tokio::sync::SetOnce;

use super::audit::Audit;
use super::grant::{GrantRequest, GrantState, Route};
use super::listener::{BrokerDirectory, Connections, Listening, Reservation, Threads, open_tcp, open_unix};
use super::options::{Limits, Options};
use super::peer::Process;
use super::peer::sock_diag::SockDiag;
use super::registry::{Lease, Registry};
use super::request::Expected;
use super::shared::Shared;
use super::upstreams::{CALLERS_LOOK_UPS, Upstreams};
use crate::error::{Error, ErrorCode, Result};
use crate::net::address::Endpoint;
use crate::provider::{Transport, Vendor};
use crate::secret::Secret;
use crate::sys::wiping_allocator::with_wiped_memory;

/// A request needs a few KiB of stack in hyper and rustls, and several times that without optimization.
const STACK_BYTES: usize = 1024 * 1024;

/// Threads that resolve names and read the roots of trust, which blocks. Names from base URLs of callers leave some of
/// them to the others.
const BLOCKING_THREADS: usize = CALLERS_LOOK_UPS + 4;

/// The port of each provider and vendor.
type Ports = HashMap<(&'static str, &'static str), (u16, Arc<Reservation>)>;

/// A proxy on loopback that puts the key on the wire, for every launch of this process.
#[derive(Debug)]
pub struct Broker {
    shared: Arc<Shared>,
    pub(super) registry: Arc<Registry>,
    pub(super) upstreams: Upstreams,
    connections: Arc<Connections>,
    threads: Arc<Threads>,
    ports: Mutex<Ports>,
    sockets: Mutex<Option<Arc<BrokerDirectory>>>,
    /// Whether `startBroker` returned it, so that not only launches use it.
    is_callers: AtomicBool,
    stop: Arc<SetOnce<()>>,
    running: Mutex<Vec<JoinHandle<()>>>,
}

/// One launch's permission to use the broker, until it is dropped.
#[derive(Debug)]
pub struct Grant {
    shared: Arc<Shared>,
    state: Arc<GrantState>,
    token: Option<Secret>,
    address: Address,
    /// Of a port: a launch that outlives its broker still knows it.
    _reservation: Option<Arc<Reservation>>,
    _lease: Option<Lease>,
}

/// Where a CLI finds the broker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Address {
    /// The base URL.
    Tcp(String),
    /// The path of the socket. The host of the base URL does not matter there.
    Unix(PathBuf),
}

/// The figures that show how busy a broker is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Counts {
    /// Launches that may use the broker.
    pub grants: usize,
    /// Those of them that have a token.
    pub tokens: usize,
    /// Credentials that launches share.
    pub credentials: usize,
    pub connections: usize,
    /// Connections that were closed at once, because there were too many.
    pub refused_connections: u64,
    /// Records that were dropped because the audit was full.
    pub lost_records: u64,
}

static OF_PROCESS: Mutex<Option<Arc<Broker>>> = Mutex::new(None);

impl Broker {
    /// Starts a broker on its own threads.
    ///
    /// # Errors
    /// `BUSY` if the system has no thread or descriptor to spare; those of [`Options::check`]; `CA_FILE_UNUSABLE`.
    pub fn start(options: Options) -> Result<Self> {
        options.check()?;
        let upstreams = Upstreams::new(&options)?;
        let stop: Arc<SetOnce<()>> = Arc::default();
        let mut running = Vec::new();
        let mut handles = Vec::new();
        for number in 0..options.threads.max(1) {
            let runtime = runtime().map_err(|error| no_thread(&error))?;
            handles.push(runtime.handle().clone());
            let stop = Arc::clone(&stop);
            let name = format!("pe-broker-{number}");
            let thread = std::thread::Builder::new().name(name).stack_size(STACK_BYTES);
            let thread = thread.spawn(move || {
                // An API may repeat a key, and hyper and rustls do not wipe the buffers that they free.
                with_wiped_memory(|| {
                    runtime.block_on(stop.wait());
                    // Does not wait for a name that is still being resolved.
                    runtime.shutdown_background();
                });
            });
            running.push(thread.map_err(|error| no_thread(&error))?);
        }
        let connections = Connections::new(options.connections, options.connections_per_uid);
        Ok(Self {
            shared: Arc::new(Shared::new(options)),
            registry: Arc::default(),
            upstreams,
            connections,
            threads: Arc::new(Threads::new(handles)),
            ports: Mutex::default(),
            sockets: Mutex::default(),
            is_callers: AtomicBool::new(false),
            stop,
            running: Mutex::new(running),
        })
    }

    /// Checks that this system can report who is calling over this transport.
    ///
    /// # Errors
    /// `UNSUPPORTED` if a sandbox refuses `NETLINK_SOCK_DIAG`.
    pub fn check_support(transport: Transport) -> Result<()> {
        static HAS_SOCK_DIAG: OnceLock<bool> = OnceLock::new();
        let is_known = || *HAS_SOCK_DIAG.get_or_init(|| SockDiag::open().is_ok());
        if transport == Transport::Socket || is_known() {
            return Ok(());
        }
        let message = "The broker needs NETLINK_SOCK_DIAG, which a sandbox refuses here, to know who is calling. Allow \
            it, or use delivery \"auto\".";
        Err(Error::new(ErrorCode::Unsupported, message))
    }

    /// Checks that launches as this uid can have a socket, by creating one and removing it.
    ///
    /// # Errors
    /// Those of [`Broker::grant`] for [`Route::Unix`].
    pub fn check_sockets(uid: u32) -> Result<()> {
        let directory = match Self::running_in_process() {
            Some(broker) => broker.socket_directory()?,
            None => BrokerDirectory::make(&Options::default().socket_directory)?,
        };
        open_unix(directory, uid).map(drop)
    }

    /// The broker of this process, which the first call starts.
    ///
    /// # Errors
    /// Those of [`Broker::start`].
    pub fn of_process() -> Result<Arc<Self>> {
        let mut of_process = OF_PROCESS.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(broker) = of_process.as_ref() {
            return Ok(Arc::clone(broker));
        }
        let broker = Arc::new(Self::start(Options::default())?);
        *of_process = Some(Arc::clone(&broker));
        Ok(broker)
    }

    /// Starts the broker of this process with the caller's options. It replaces a broker that a launch has started if
    /// no launch uses it any more and `startBroker` never returned it.
    ///
    /// # Errors
    /// `BUSY` if this process has another broker; those of [`Broker::start`].
    pub fn install(options: Options) -> Result<Arc<Self>> {
        let mut of_process = OF_PROCESS.lock().unwrap_or_else(PoisonError::into_inner);
        if of_process.as_ref().is_some_and(Self::is_in_use) {
            let message = "The broker of this process already runs, so its options cannot be chosen. Call \
                startBroker() before the first launch, or stop the running broker first.";
            return Err(Error::new(ErrorCode::Busy, message));
        }
        let broker = Arc::new(Self::start(options)?);
        let unused = of_process.replace(Arc::clone(&broker));
        drop(of_process);
        drop(unused);
        Ok(broker)
    }

    /// The caller holds the lock of `OF_PROCESS`, through which everybody gets the broker: so nobody can begin to use
    /// it after this has returned false.
    fn is_in_use(self: &Arc<Self>) -> bool {
        let is_held = Arc::strong_count(self) > 1 || self.is_callers.load(Ordering::Relaxed);
        is_held || !self.registry.is_empty()
    }

    /// Notes that `startBroker` has returned it, so that no other broker replaces it before it is stopped.
    pub fn give_to_caller(&self) {
        self.is_callers.store(true, Ordering::Relaxed);
    }

    /// The broker of this process, if it runs.
    #[must_use]
    pub fn running_in_process() -> Option<Arc<Self>> {
        OF_PROCESS.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// What each launch may use.
    #[must_use]
    pub fn limits(&self) -> Limits {
        self.shared.options.limits
    }

    /// Stops the broker of this process, if there is one. A later call of [`Broker::of_process`] starts another.
    pub fn stop_of_process() {
        let stopped = OF_PROCESS.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(broker) = stopped {
            broker.stop();
        }
    }

    /// Removes it as the broker of this process, so that a later call of [`Broker::of_process`] starts another. Returns
    /// false if it was not that broker any more. It does not stop it.
    #[must_use]
    pub fn withdraw(self: &Arc<Self>) -> bool {
        let mut of_process = OF_PROCESS.lock().unwrap_or_else(PoisonError::into_inner);
        let is_it = of_process.as_ref().is_some_and(|broker| Arc::ptr_eq(broker, self));
        if is_it {
            *of_process = None;
        }
        is_it
    }

    #[must_use]
    pub fn audit(&self) -> &Arc<Audit> {
        &self.shared.audit
    }

    #[must_use]
    pub fn counts(&self) -> Counts {
        Counts {
            grants: self.shared.grants(),
            tokens: self.shared.tokens(),
            credentials: self.registry.count(),
            connections: self.connections.open(),
            refused_connections: self.connections.refused(),
            lost_records: self.shared.audit.lost(),
        }
    }

    /// Gives a launch what it needs to reach the API: an address, and a token unless the route needs none. The launch
    /// then calls [`Grant::bind`] with its process.
    ///
    /// # Errors
    /// `ERR_INVALID_ARG_VALUE` for a grant without a token that is not for one process; `UNSUPPORTED` or
    /// `STATE_DIR_UNUSABLE` if the broker cannot listen; `BUSY` after the broker was stopped.
    pub fn grant(&self, request: GrantRequest) -> Result<Grant> {
        if self.stop.get().is_some() {
            return Err(Error::new(
                ErrorCode::Busy,
                "The broker was stopped. Start the launch again, which starts another broker.",
            ));
        }
        let shared = Arc::clone(&self.shared);
        match request.route {
            Route::Tcp => {
                let (address, reservation) = self.tcp_address(&request)?;
                let (state, token) = shared.issue(request)?;
                let _reservation = Some(reservation);
                Ok(Grant { shared, state, token: Some(token), address, _reservation, _lease: None })
            }
            Route::Unix => self.unix_grant(request, true),
            Route::UnixWithoutToken if request.peer.only_started_process => self.unix_grant(request, false),
            Route::UnixWithoutToken => {
                let message =
                    "A grant without a token must be for one process. Set only_started_process, or use another route.";
                Err(Error::new(ErrorCode::InvalidArgValue, message).name("route"))
            }
        }
    }

    fn unix_grant(&self, request: GrantRequest, has_token: bool) -> Result<Grant> {
        let socket = open_unix(self.socket_directory()?, request.peer.uid)?;
        let (provider, vendor) = (request.provider, request.credential.vendor());
        let (state, token) = if has_token {
            let (state, token) = self.shared.issue(request)?;
            (state, Some(token))
        } else {
            (self.shared.issue_without_token(request), None)
        };
        let address = Address::Unix(socket.path());
        let listening = self.listening(provider, vendor, None, Some(Arc::clone(&state)))?;
        let accept = socket.accept(listening, Arc::clone(&self.connections), Arc::clone(&self.threads));
        self.threads.next().spawn(accept);
        let shared = Arc::clone(&self.shared);
        Ok(Grant { shared, state, token, address, _reservation: None, _lease: None })
    }

    /// The directory of the launches' sockets, which the first of them makes.
    fn socket_directory(&self) -> Result<Arc<BrokerDirectory>> {
        let mut sockets = self.sockets.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(made) = sockets.as_ref() {
            return Ok(Arc::clone(made));
        }
        let made = BrokerDirectory::make(&self.shared.options.socket_directory)?;
        *sockets = Some(Arc::clone(&made));
        Ok(made)
    }

    /// The base URL for clients of an API. The first grant for the API opens its port.
    fn tcp_address(&self, request: &GrantRequest) -> Result<(Address, Arc<Reservation>)> {
        let vendor = request.credential.vendor();
        let base_path = Endpoint::of(vendor.api.base_url)?.base_path;
        let mut ports = self.ports.lock().unwrap_or_else(PoisonError::into_inner);
        let whose = (request.provider, vendor.api.vendor);
        let (port, reservation) = match ports.get(&whose) {
            Some((port, reservation)) => (*port, Arc::clone(reservation)),
            None => {
                let port = open_tcp()?;
                let (number, reservation) = (port.address.port(), Arc::clone(&port.reservation));
                let hosts = vec![format!("127.0.0.1:{number}"), format!("localhost:{number}")];
                let listening = self.listening(request.provider, vendor, Some(hosts), None)?;
                let accept = port.accept(listening, Arc::clone(&self.connections), Arc::clone(&self.threads));
                self.threads.next().spawn(accept);
                ports.insert(whose, (number, Arc::clone(&reservation)));
                (number, reservation)
            }
        };
        Ok((Address::Tcp(format!("http://127.0.0.1:{port}{base_path}")), reservation))
    }

    fn listening(
        &self,
        provider: &'static str,
        vendor: &'static Vendor,
        hosts: Option<Vec<String>>,
        only: Option<Arc<GrantState>>,
    ) -> Result<Arc<Listening>> {
        let base_path = Endpoint::of(vendor.api.base_url)?.base_path;
        let expected = Expected { api: vendor.api, base_path, hosts };
        Ok(Arc::new(Listening { shared: Arc::clone(&self.shared), provider, client: &vendor.broker, expected, only }))
    }

    fn running(&self) -> MutexGuard<'_, Vec<JoinHandle<()>>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Ends every connection and every thread. Returns when they have ended.
    pub fn stop(&self) {
        let _ = self.stop.set(());
        let running = std::mem::take(&mut *self.running());
        for thread in running {
            let _ = thread.join();
        }
        self.shared.audit.close();
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        self.stop();
    }
}

impl Grant {
    /// Keeps a share in a credential until the grant is dropped.
    pub(super) fn with_lease(mut self, lease: Lease) -> Self {
        self._lease = Some(lease);
        self
    }

    /// What the CLI sends instead of a key; none if the route needs no token.
    #[must_use]
    pub fn token(&self) -> Option<&Secret> {
        self.token.as_ref()
    }

    /// Drops the token once the process has it, because guarded memory is scarce and a grant can last long.
    pub fn forget_token(&mut self) {
        self.token = None;
    }

    #[must_use]
    pub fn address(&self) -> &Address {
        &self.address
    }

    /// The grant's number in the audit.
    #[must_use]
    pub fn id(&self) -> u64 {
        self.state.id
    }

    /// Binds the grant to the process that was started. Returns false if it was bound before; it then stays bound to
    /// the first process.
    pub fn bind(&self, process: Process) -> bool {
        self.state.bind(process)
    }

    /// Ends the grant: its token is worthless from now on, its requests in flight end, and its socket is removed.
    pub fn end(&self) {
        self.shared.end(&self.state);
    }
}

impl Drop for Grant {
    fn drop(&mut self) {
        self.end();
    }
}

fn runtime() -> std::io::Result<Runtime> {
    tokio::runtime::Builder::new_current_thread()
        .enable_io()
        .enable_time()
        .max_blocking_threads(BLOCKING_THREADS)
        .thread_keep_alive(Duration::from_secs(10))
        .thread_name("pe-broker-look")
        .build()
}

#[cold]
fn no_thread(error: &std::io::Error) -> Error {
    let message = format!(
        "The system has no thread or descriptor for the broker: {error}. Raise its limits, or try again later."
    );
    Error::new(ErrorCode::Busy, message).errno(error.raw_os_error().unwrap_or_default(), "pthread_create")
}
