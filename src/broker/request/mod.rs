//! The checks of a request's head, and the headers that go to the API instead of the client's.

mod head;
mod headers;

pub use head::{Asked, Expected, check, presented_token};
pub(super) use headers::{clean_answer, for_upstream, is_identity, switches_protocols};
