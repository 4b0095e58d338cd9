//! Waits for the first of two futures, without the macros of tokio.

use std::pin::pin;
use std::task::Poll;

/// The result of the future that is ready first; of `one` if both are.
pub async fn first<T>(one: impl Future<Output = T>, other: impl Future<Output = T>) -> T {
    let (mut one, mut other) = (pin!(one), pin!(other));
    std::future::poll_fn(|context| match one.as_mut().poll(context) {
        Poll::Pending => other.as_mut().poll(context),
        ready => ready,
    })
    .await
}
