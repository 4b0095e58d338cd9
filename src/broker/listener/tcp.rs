//! The TCP port on loopback that all launches for one API share.

use std::io;
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4};
use std::os::fd::OwnedFd;
use std::sync::Arc;

use rustix::net::sockopt::set_socket_reuseaddr;
use rustix::net::{AddressFamily, SocketFlags, SocketType, bind, getsockname, socket_with};
use tokio::net::{TcpListener, TcpStream};

use super::PAUSE;
use super::accept::{Connections, Threads};
use super::connection::{Listening, serve};
use crate::broker::peer::Peer;
use crate::broker::peer::sock_diag::SockDiag;
use crate::error::{Error, ErrorCode, Result};

/// Connections that wait to be accepted, as many as the standard library allows.
const BACKLOG: i32 = 128;

/// A bound port, and the netlink socket for questions about its connections.
#[derive(Debug)]
pub struct TcpPort {
    listener: std::net::TcpListener,
    kernel: SockDiag,
    pub address: SocketAddrV4,
    pub reservation: Arc<Reservation>,
}

/// Keeps a port from everybody else, also when nobody listens on it any more. An agent can outlive its broker, and would
/// hand its prompts to whoever took the port, and do what that one answers.
#[derive(Debug)]
pub struct Reservation(#[expect(dead_code, reason = "it is held, not used")] OwnedFd);

/// Binds a port that the kernel chooses, and checks that the kernel reports the owners of connections.
///
/// # Errors
/// `UNSUPPORTED` if it does not, because the broker would not know who is calling.
pub fn open_tcp() -> Result<TcpPort> {
    let failed = |error: io::Error, syscall: &'static str| {
        let message =
            format!("The broker cannot listen on 127.0.0.1: {syscall}: {error}. Allow it, or use another delivery.");
        Error::new(ErrorCode::Unsupported, message).errno(error.raw_os_error().unwrap_or_default(), syscall)
    };
    let (listener, reservation) = listen().map_err(|errno| failed(errno.into(), "bind"))?;
    listener.set_nonblocking(true).map_err(|error| failed(error, "fcntl"))?;
    let address = match listener.local_addr().map_err(|error| failed(error, "getsockname"))? {
        SocketAddr::V4(address) => address,
        SocketAddr::V6(_) => return Err(failed(io::ErrorKind::InvalidData.into(), "getsockname")),
    };
    let mut kernel = SockDiag::open().map_err(|error| no_sock_diag(&error))?;
    try_out(&listener, address, &mut kernel).map_err(|error| no_sock_diag(&error))?;
    Ok(TcpPort { listener, kernel, address, reservation })
}

/// A listener, and a second socket that is bound to its port.
fn listen() -> rustix::io::Result<(std::net::TcpListener, Arc<Reservation>)> {
    let [first, second] = [reusable_socket()?, reusable_socket()?];
    bind(&first, &SocketAddrV4::new(Ipv4Addr::LOCALHOST, 0))?;
    // Before the first one listens: socket(7), SO_REUSEADDR.
    bind(&second, &getsockname(&first)?)?;
    rustix::net::listen(&first, BACKLOG)?;
    // Another one that binds needs it on every socket of the port.
    set_socket_reuseaddr(&second, false)?;
    Ok((first.into(), Arc::new(Reservation(second))))
}

fn reusable_socket() -> rustix::io::Result<OwnedFd> {
    let socket = socket_with(AddressFamily::INET, SocketType::STREAM, SocketFlags::CLOEXEC, None)?;
    set_socket_reuseaddr(&socket, true)?;
    Ok(socket)
}

/// Asks for the owner of a connection that this thread makes.
fn try_out(listener: &std::net::TcpListener, address: SocketAddrV4, kernel: &mut SockDiag) -> io::Result<()> {
    let own = std::net::TcpStream::connect(address)?;
    let SocketAddr::V4(local) = own.local_addr()? else { return Err(io::ErrorKind::InvalidData.into()) };
    kernel.owner(local, address)?;
    // Takes the connection out of the queue, so that it is not served.
    let _ = listener.accept();
    Ok(())
}

#[cold]
fn no_sock_diag(error: &io::Error) -> Error {
    let message = format!(
        "The kernel does not report the owner of a TCP connection (sock_diag: {error}), so the broker would not know \
         who is calling. Allow NETLINK_SOCK_DIAG and load the module tcp_diag, or use another delivery."
    );
    Error::new(ErrorCode::Unsupported, message).errno(error.raw_os_error().unwrap_or_default(), "socket")
}

impl TcpPort {
    /// Accepts connections until the broker stops, and spreads them over its threads.
    pub async fn accept(self, listening: Arc<Listening>, connections: Arc<Connections>, threads: Arc<Threads>) {
        let Self { listener, mut kernel, address, .. } = self;
        let Ok(listener) = TcpListener::from_std(listener) else { return };
        loop {
            let Ok((stream, from)) = listener.accept().await else {
                tokio::time::sleep(PAUSE).await;
                continue;
            };
            let SocketAddr::V4(from) = from else { continue };
            let peer = Peer::of_tcp(&mut kernel, from, address);
            let Some(place) = connections.enter(peer.uid()) else { continue };
            let _ = stream.set_nodelay(true);
            let Ok(stream) = stream.into_std() else { continue };
            let listening = Arc::clone(&listening);
            threads.next().spawn(async move {
                // Registered with the runtime of the thread that serves it.
                if let Ok(stream) = TcpStream::from_std(stream) {
                    serve(stream, peer, place, listening).await;
                }
            });
        }
    }
}
