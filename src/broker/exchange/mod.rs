//! An exchange: one request that is forwarded to the API, and its answer.

mod account;
mod forward;
mod request_body;
mod response_body;
mod upward;
mod web_socket;
pub mod web_socket_frames;

use std::pin::Pin;
use std::sync::Arc;

use super::audit::Outcome;
use super::grant::GrantState;
use super::live_credential::KeyGeneration;
use super::race::first;

pub(super) use account::{Account, Caller};
pub(super) use forward::{Admitted, forward};
pub(super) use request_body::RequestBody;
pub(super) use response_body::ResponseBody;

/// Resolves when the grant has ended or the key was revoked.
type Ending = Pin<Box<dyn Future<Output = Outcome> + Send>>;

fn ending_of(grant: Arc<GrantState>, generation: Arc<KeyGeneration>) -> Ending {
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
