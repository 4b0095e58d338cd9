//! Who is calling: what the kernel reports about the other end of a connection, and what a grant requires of it.

mod process;
pub mod sock_diag;

use std::net::SocketAddrV4;
use std::os::fd::OwnedFd;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::net::UnixStream;

use super::refusal::RefusalReason;
pub use process::Process;
use sock_diag::SockDiag;

/// The processes that a grant is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PeerRule {
    /// The uid of the process that made the connection.
    pub uid: u32,
    /// Whether that must be the very process that the launch started.
    pub only_started_process: bool,
}

/// The other end of a connection, as the kernel reports it.
#[derive(Debug)]
pub struct Peer {
    /// None if the kernel did not report it: then nothing is allowed.
    uid: Option<u32>,
    process: PeerProcess,
    /// The last grant whose process this peer was proved to be. A connection does not change its process.
    proved_for: AtomicU64,
}

#[derive(Debug)]
enum PeerProcess {
    /// A Unix socket: the process that called connect(2), with a descriptor of it if the kernel provides one.
    Connected {
        pid: i32,
        start_time: Option<u64>,
        pidfd: Option<OwnedFd>,
    },
    /// A TCP socket: any process that holds it.
    HolderOf {
        inode: u32,
    },
    Unknown,
}

impl Peer {
    fn unknown() -> Self {
        Self { uid: None, process: PeerProcess::Unknown, proved_for: AtomicU64::new(0) }
    }

    /// The peer of a TCP connection on loopback, by sock_diag(7).
    pub(super) fn of_tcp(kernel: &mut SockDiag, peer: SocketAddrV4, own: SocketAddrV4) -> Self {
        let Ok(owner) = kernel.owner(peer, own) else { return Self::unknown() };
        let process = PeerProcess::HolderOf { inode: owner.inode };
        Self { uid: Some(owner.uid), process, proved_for: AtomicU64::new(0) }
    }

    /// Of a Unix socket (`SO_PEERCRED`, and `SO_PEERPIDFD` if there is one).
    pub(super) fn of_unix(stream: &UnixStream) -> Self {
        let Ok(credentials) = stream.peer_cred() else { return Self::unknown() };
        let process = connected(stream, credentials.pid()).unwrap_or(PeerProcess::Unknown);
        Self { uid: Some(credentials.uid()), process, proved_for: AtomicU64::new(0) }
    }

    #[must_use]
    pub fn uid(&self) -> Option<u32> {
        self.uid
    }

    /// The process that connected. The kernel says so for a Unix socket only.
    #[must_use]
    pub fn pid(&self) -> Option<i32> {
        match self.process {
            PeerProcess::Connected { pid, .. } => Some(pid),
            _ => None,
        }
    }

    /// Checks that the grant with this number is for this peer. `started` is the grant's process, if it is bound.
    pub(super) fn check(&self, rule: PeerRule, grant: u64, started: Option<&Process>) -> Result<(), RefusalReason> {
        if self.uid.is_none() {
            return Err(RefusalReason::PeerUnknown);
        }
        if self.uid != Some(rule.uid) {
            return Err(RefusalReason::PeerUid);
        }
        if started.is_some_and(|started| !started.is_alive()) {
            return Err(RefusalReason::ProcessEnded);
        }
        if !rule.only_started_process {
            return Ok(());
        }
        let started = started.ok_or(RefusalReason::PeerProcess)?;
        if self.proved_for.load(Ordering::Relaxed) == grant {
            return Ok(());
        }
        if !self.is(started) {
            return Err(RefusalReason::PeerProcess);
        }
        self.proved_for.store(grant, Ordering::Relaxed);
        Ok(())
    }

    fn is(&self, started: &Process) -> bool {
        match &self.process {
            PeerProcess::Connected { pid, start_time, pidfd } => {
                started.is(*pid, *start_time, pidfd.as_ref().is_some_and(process::is_alive))
            }
            PeerProcess::HolderOf { inode } => started.holds_socket(*inode),
            PeerProcess::Unknown => false,
        }
    }
}

/// The process that connected; none if it has ended already, or its pid is hidden.
fn connected(stream: &UnixStream, pid: Option<i32>) -> Option<PeerProcess> {
    let pid = pid.filter(|pid| *pid > 0)?;
    let pidfd = match crate::sys::peer::peer_pidfd(stream) {
        Ok(pidfd) => Some(pidfd),
        // Linux before 6.5 has only the pid and the start time.
        Err(rustix::io::Errno::NOPROTOOPT) => None,
        Err(_) => return None,
    };
    let start_time = process::start_time(pid);
    // If it is still alive, the pid was its own when the start time was read.
    let is_its_own = pidfd.as_ref().is_none_or(process::is_alive);
    is_its_own.then_some(PeerProcess::Connected { pid, start_time, pidfd })
}
