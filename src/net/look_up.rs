//! Looks names up, a bounded number at a time.
//!
//! The system's resolver blocks a thread until it gives up, also when nobody waits for its answer any more: half a minute
//! for a name whose servers say nothing. Whoever chooses a name can choose such a one, and must not use up the threads.

use std::io;
use std::net::{IpAddr, SocketAddr, ToSocketAddrs};
use std::sync::Arc;

use tokio::sync::Semaphore;

use super::failure::RequestFailure;

/// Of one API. What waits for a connection to it can mostly share the answer of a cache.
const OF_ONE_API: usize = 4;

/// How many look-ups of one API's name there may be, and of its name and others' together.
#[derive(Debug)]
pub(super) struct LookUps {
    own: Arc<Semaphore>,
    shared: Option<Arc<Semaphore>>,
}

impl LookUps {
    /// `shared`: of all the names that callers chose. One of them has one look-up at a time.
    pub fn new(shared: Option<Arc<Semaphore>>) -> Self {
        let own = if shared.is_some() { 1 } else { OF_ONE_API };
        Self { own: Arc::new(Semaphore::new(own)), shared }
    }

    /// The addresses of a host, which may be one itself.
    ///
    /// # Errors
    /// Why there are none.
    pub async fn addresses_of(&self, host: &str, port: u16) -> Result<Vec<SocketAddr>, RequestFailure> {
        if let Ok(address) = host.parse::<IpAddr>() {
            return Ok(vec![(address, port).into()]);
        }
        let host = host.to_owned();
        let found = self.blocking(move || (host.as_str(), port).to_socket_addrs().map(Iterator::collect)).await?;
        found.map_err(|error: io::Error| RequestFailure::of_lookup(&error))
    }

    /// Its place is free when `look_up` has returned, and not when nobody waits for it any more.
    async fn blocking<T: Send + 'static>(
        &self,
        look_up: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, RequestFailure> {
        let place = |of: &Arc<Semaphore>| Arc::clone(of).acquire_owned();
        // Neither is ever closed.
        let own = place(&self.own).await.map_err(|_| RequestFailure::Exhausted)?;
        let shared = match &self.shared {
            Some(shared) => Some(place(shared).await.map_err(|_| RequestFailure::Exhausted)?),
            None => None,
        };
        let done = tokio::task::spawn_blocking(move || {
            let _places = (own, shared);
            look_up()
        });
        done.await.map_err(|_| RequestFailure::Exhausted)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::{Receiver, channel};
    use std::time::Duration;

    use tokio::time::timeout;

    use super::*;

    /// Begins a look-up that goes on until the channel's other end is dropped, and waits for it no longer than a moment.
    async fn hang(look_ups: &LookUps, until: Receiver<()>) {
        let hangs = look_ups.blocking(move || until.recv().is_ok());
        assert!(timeout(Duration::from_millis(20), hangs).await.is_err(), "nobody waits for it any more");
    }

    #[test]
    fn names_that_callers_chose_leave_threads_to_the_others() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().max_blocking_threads(3).build();
        let runtime = runtime.expect("a runtime");
        let mut ends = Vec::new();
        let mut receiver = || {
            let (end, receiver) = channel();
            ends.push(end);
            receiver
        };
        let shared = Arc::new(Semaphore::new(2));
        let [first, second, third] = [(); 3].map(|()| LookUps::new(Some(Arc::clone(&shared))));
        let vendors = LookUps::new(None);
        runtime.block_on(async {
            for _ in 0..3 {
                hang(&first, receiver()).await;
            }
            assert_eq!(shared.available_permits(), 1, "one name has one thread");
            assert_eq!(second.blocking(|| 1).await, Ok(1));
            hang(&second, receiver()).await;
            hang(&third, receiver()).await;
            assert_eq!(shared.available_permits(), 0);
            assert_eq!(vendors.blocking(|| 2).await, Ok(2));
            assert!(vendors.addresses_of("localhost", 1).await.is_ok());
        });
        drop(ends);
        assert_eq!(runtime.block_on(third.blocking(|| 3)), Ok(3));
    }
}
