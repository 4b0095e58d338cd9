//! What ends an exchange from outside, and waiting for whichever comes first.

use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::Poll;

use crate::broker::audit::Outcome;
use crate::broker::grant::GrantState;
use crate::broker::live_credential::KeyGeneration;

/// Resolves when the grant has ended or the key was revoked.
pub type Ending = Pin<Box<dyn Future<Output = Outcome> + Send>>;

pub fn ending_of(grant: Arc<GrantState>, generation: Arc<KeyGeneration>) -> Ending {
    Box::pin(async move {
        let end = async {
            grant.ended.wait().await;
            Outcome::GrantEnded
        };
        let revoked = async {
            generation.revoked.wait().await;
            Outcome::Revoked
        };
        first(end, revoked).await
    })
}

/// The result of whichever is ready first.
pub async fn first<T>(one: impl Future<Output = T>, other: impl Future<Output = T>) -> T {
    let (mut one, mut other) = (pin!(one), pin!(other));
    std::future::poll_fn(|context| match one.as_mut().poll(context) {
        Poll::Pending => other.as_mut().poll(context),
        ready => ready,
    })
    .await
}
