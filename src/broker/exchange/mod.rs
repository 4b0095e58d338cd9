//! An exchange: one request that is forwarded to the API, and its answer.

mod account;
mod ending;
mod forward;
mod request_body;
mod response_body;
mod upward;
mod web_socket;
pub mod web_socket_frames;

pub(super) use account::{Account, Caller};
pub(super) use forward::{Admitted, forward};
pub(super) use request_body::RequestBody;
pub(super) use response_body::ResponseBody;
