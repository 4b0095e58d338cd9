//! The Unix socket of one launch.

use std::path::PathBuf;
use std::sync::Arc;

use tokio::net::{UnixListener, UnixStream};

use super::PAUSE;
use super::accept::{Connections, Threads};
use super::connection::{Listening, serve};
use super::socket_directory::{BrokerDirectory, SocketDirectory};
use crate::broker::peer::Peer;
use crate::error::{Error, ErrorCode, Result};

/// A bound socket, in its own directory.
#[derive(Debug)]
pub struct UnixSocket {
    listener: std::os::unix::net::UnixListener,
    directory: SocketDirectory,
}

/// Binds a socket that only this uid, and root, can connect to.
///
/// # Errors
/// Those of [`SocketDirectory`]; `STATE_DIR_UNUSABLE` if the socket cannot be bound.
pub fn open_unix(parent: Arc<BrokerDirectory>, uid: u32) -> Result<UnixSocket> {
    let directory = SocketDirectory::make(parent)?;
    let failed = |error: std::io::Error| {
        let message = format!(
            "The broker cannot listen on a socket: bind: {error}. Pass another directory in \
             startBroker({{ socketDirectory }})."
        );
        Error::new(ErrorCode::StateDirUnusable, message).errno(error.raw_os_error().unwrap_or_default(), "bind")
    };
    let listener = std::os::unix::net::UnixListener::bind(directory.socket()).map_err(failed)?;
    listener.set_nonblocking(true).map_err(failed)?;
    directory.give_to(uid)?;
    Ok(UnixSocket { listener, directory })
}

impl UnixSocket {
    pub fn path(&self) -> PathBuf {
        self.directory.socket()
    }

    /// Accepts connections until the grant of `listening` has ended, and then removes the socket.
    pub async fn accept(self, listening: Arc<Listening>, connections: Arc<Connections>, threads: Arc<Threads>) {
        let Self { listener, directory } = self;
        let (Ok(listener), Some(grant)) = (UnixListener::from_std(listener), listening.only.clone()) else { return };
        while let Some(accepted) = next(&listener, grant.ended.wait()).await {
            let Ok(stream) = accepted else {
                tokio::time::sleep(PAUSE).await;
                continue;
            };
            let peer = Peer::of_unix(&stream);
            let Some(place) = connections.enter(peer.uid()) else { continue };
            let Ok(stream) = stream.into_std() else { continue };
            let listening = Arc::clone(&listening);
            threads.next().spawn(async move {
                // Registered with the runtime of the thread that serves it.
                if let Ok(stream) = UnixStream::from_std(stream) {
                    serve(stream, peer, place, listening).await;
                }
            });
        }
        drop(directory);
    }
}

/// The next connection; none when `ended` is ready.
async fn next<T>(listener: &UnixListener, ended: impl Future<Output = T>) -> Option<std::io::Result<UnixStream>> {
    let mut ended = std::pin::pin!(ended);
    std::future::poll_fn(|context| match listener.poll_accept(context) {
        std::task::Poll::Ready(accepted) => std::task::Poll::Ready(Some(accepted.map(|(stream, _)| stream))),
        std::task::Poll::Pending => ended.as_mut().poll(context).map(|_| None),
    })
    .await
}
