//! The events that end an exchange from outside.

use std::pin::Pin;
use std::sync::Arc;

use crate::broker::audit::Outcome;
use crate::broker::grant::GrantState;
use crate::broker::live_credential::KeyGeneration;
use crate::broker::race::first;

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
