//! Looks up the owner of the other end of a TCP connection on this machine, by sock_diag(7).

use std::io;
use std::net::SocketAddrV4;
use std::os::fd::OwnedFd;

use rustix::io::Errno;
use rustix::net::netlink::{self, SocketAddrNetlink};
use rustix::net::{
    AddressFamily, RecvFlags, SendFlags, SocketAddrAny, SocketFlags, SocketType, recvfrom, sendto, socket_with,
};

const SOCK_DIAG_BY_FAMILY: u16 = 20;
const NLM_F_REQUEST: u16 = 1;
const NLMSG_ERROR: u16 = 2;
const HEADER_BYTES: usize = 16;
const ID_BYTES: usize = 48;
const AF_INET: u8 = 2;
const IPPROTO_TCP: u8 = 6;
const TCP_ESTABLISHED: u8 = 1;

/// The owner of a socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Owner {
    /// The uid that made the socket.
    pub uid: u32,
    /// Its inode, which `/proc/PID/fd` of every process that holds the socket shows.
    pub inode: u32,
}

/// A netlink socket for such requests. It sees the connections of the network namespace in which it was made.
#[derive(Debug)]
pub struct SockDiag {
    socket: OwnedFd,
    sequence: u32,
}

impl SockDiag {
    /// # Errors
    /// The kernel's, if it has no sock_diag or a sandbox forbids the socket.
    pub fn open() -> io::Result<Self> {
        let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
        let socket = socket_with(AddressFamily::NETLINK, SocketType::RAW, flags, Some(netlink::SOCK_DIAG))?;
        Ok(Self { socket, sequence: 0 })
    }

    /// The owner of the socket that is bound to `local` and connected to `remote`.
    ///
    /// # Errors
    /// `ENOENT` if there is no such socket, or it was closed; otherwise the kernel's.
    pub fn owner(&mut self, local: SocketAddrV4, remote: SocketAddrV4) -> io::Result<Owner> {
        self.sequence = self.sequence.wrapping_add(1);
        let question = question(self.sequence, local, remote);
        let kernel = SocketAddrNetlink::new(0, 0);
        sendto(&self.socket, &question, SendFlags::empty(), &kernel)?;
        let mut answer = [0_u8; 1024];
        loop {
            // The kernel answers during sendto(2), so an answer that is not there now will not come.
            let (_, length, sender) = recvfrom(&self.socket, &mut answer, RecvFlags::empty())?;
            if is_kernel(sender) && sequence_of(&answer[..length.min(answer.len())]) == Some(self.sequence) {
                return owner_in(&answer[..length.min(answer.len())], local, remote);
            }
        }
    }
}

fn is_kernel(sender: Option<SocketAddrAny>) -> bool {
    sender.and_then(|sender| SocketAddrNetlink::try_from(sender).ok()).is_some_and(|sender| sender.pid() == 0)
}

/// `struct nlmsghdr` and `struct inet_diag_req_v2`.
fn question(sequence: u32, local: SocketAddrV4, remote: SocketAddrV4) -> [u8; HEADER_BYTES + 8 + ID_BYTES] {
    let mut bytes = [0; HEADER_BYTES + 8 + ID_BYTES];
    let length = bytes.len() as u32;
    bytes[0..4].copy_from_slice(&length.to_ne_bytes());
    bytes[4..6].copy_from_slice(&SOCK_DIAG_BY_FAMILY.to_ne_bytes());
    bytes[6..8].copy_from_slice(&NLM_F_REQUEST.to_ne_bytes());
    bytes[8..12].copy_from_slice(&sequence.to_ne_bytes());
    bytes[HEADER_BYTES..HEADER_BYTES + 2].copy_from_slice(&[AF_INET, IPPROTO_TCP]);
    // Every state.
    bytes[HEADER_BYTES + 4..HEADER_BYTES + 8].copy_from_slice(&u32::MAX.to_ne_bytes());
    bytes[HEADER_BYTES + 8..].copy_from_slice(&id(local, remote));
    bytes
}

/// `struct inet_diag_sockid`, of any interface and any cookie.
fn id(local: SocketAddrV4, remote: SocketAddrV4) -> [u8; ID_BYTES] {
    let mut bytes = [0; ID_BYTES];
    bytes[0..2].copy_from_slice(&local.port().to_be_bytes());
    bytes[2..4].copy_from_slice(&remote.port().to_be_bytes());
    bytes[4..8].copy_from_slice(&local.ip().octets());
    bytes[20..24].copy_from_slice(&remote.ip().octets());
    bytes[40..48].fill(0xff);
    bytes
}

fn sequence_of(answer: &[u8]) -> Option<u32> {
    number(answer, 8)
}

fn number(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..at + 4)?.try_into().ok().map(u32::from_ne_bytes)
}

/// Reads an answer: a header and `struct inet_diag_msg`, or an error.
///
/// A socket that no process holds any more has uid 0 on some kernels, and inode 0. It counts as having no owner.
///
/// # Errors
/// The kernel's; `ENOENT` if the answer is about another socket or one without an owner; `EPROTO` if it is malformed.
pub fn owner_in(answer: &[u8], local: SocketAddrV4, remote: SocketAddrV4) -> io::Result<Owner> {
    let kind = answer.get(4..6).map(|bytes| u16::from_ne_bytes([bytes[0], bytes[1]]));
    let body = answer.get(HEADER_BYTES..).unwrap_or_default();
    if kind == Some(NLMSG_ERROR) {
        let errno = number(body, 0).map_or(0, u32::cast_signed).checked_neg().filter(|errno| *errno > 0);
        return Err(errno.map_or_else(|| Errno::PROTO.into(), io::Error::from_raw_os_error));
    }
    let at = 4 + ID_BYTES + 3 * 4;
    let (Some(SOCK_DIAG_BY_FAMILY), Some(uid), Some(inode)) = (kind, number(body, at), number(body, at + 4)) else {
        return Err(Errno::PROTO.into());
    };
    // Only the kernel knows the interface and the cookie.
    let is_the_one = body[4..44] == id(local, remote)[..40] && body[0] == AF_INET;
    if is_the_one && body[1] == TCP_ESTABLISHED && inode != 0 {
        return Ok(Owner { uid, inode });
    }
    Err(Errno::NOENT.into())
}

#[cfg(test)]
mod tests {
    use std::net::{SocketAddr, TcpListener, TcpStream};

    use super::*;

    fn v4(address: io::Result<SocketAddr>) -> SocketAddrV4 {
        match address.expect("connected") {
            SocketAddr::V4(address) => address,
            SocketAddr::V6(_) => panic!("127.0.0.1"),
        }
    }

    #[test]
    fn the_other_end_is_ours_until_it_is_closed() {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let client = TcpStream::connect(listener.local_addr().expect("bound")).expect("connected");
        let (server, _) = listener.accept().expect("accepted");
        let mut kernel = SockDiag::open().expect("sock_diag");
        let (local, remote) = (v4(server.peer_addr()), v4(server.local_addr()));
        let owner = kernel.owner(local, remote).expect("found");
        assert_eq!(owner.uid, rustix::process::geteuid().as_raw());
        let link = std::fs::read_link(format!("/proc/self/fd/{}", std::os::fd::AsRawFd::as_raw_fd(&client)));
        assert_eq!(link.expect("open").to_string_lossy(), format!("socket:[{}]", owner.inode));
        drop(client);
        assert_eq!(kernel.owner(local, remote).expect_err("closed").kind(), io::ErrorKind::NotFound);
    }

    #[test]
    fn what_is_no_answer_is_refused() {
        let (local, remote) = ("127.0.0.1:1".parse().expect("valid"), "127.0.0.1:2".parse().expect("valid"));
        let mut answer = vec![0; HEADER_BYTES + 72];
        answer[4..6].copy_from_slice(&SOCK_DIAG_BY_FAMILY.to_ne_bytes());
        answer[HEADER_BYTES] = AF_INET;
        answer[HEADER_BYTES + 1] = TCP_ESTABLISHED;
        answer[HEADER_BYTES + 4..HEADER_BYTES + 4 + ID_BYTES].copy_from_slice(&id(local, remote));
        answer[HEADER_BYTES + 64..HEADER_BYTES + 68].copy_from_slice(&1000_u32.to_ne_bytes());
        answer[HEADER_BYTES + 68..].copy_from_slice(&77_u32.to_ne_bytes());
        assert_eq!(owner_in(&answer, local, remote).expect("whole"), Owner { uid: 1000, inode: 77 });
        assert!(owner_in(&answer, remote, local).is_err(), "another socket");
        for end in 0..answer.len() {
            assert!(owner_in(&answer[..end], local, remote).is_err(), "{end}");
        }
        answer[HEADER_BYTES + 68..].fill(0);
        assert!(owner_in(&answer, local, remote).is_err(), "nobody holds it");
    }
}
