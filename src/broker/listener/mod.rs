//! Where clients connect: a TCP port on loopback for each API, and a Unix socket for each launch that can use one.

mod accept;
mod connection;
pub mod framing;
mod socket_directory;
mod tcp;
mod unix;

use std::time::Duration;

pub(super) use accept::{Connections, Threads};
pub(super) use connection::Listening;
pub(super) use socket_directory::{BrokerDirectory, default_socket_directory};
pub(super) use tcp::{Reservation, open_tcp};
pub(super) use unix::open_unix;

/// How long a listener pauses after accept(2) has failed, usually because the process has no descriptor left.
const PAUSE: Duration = Duration::from_millis(50);
