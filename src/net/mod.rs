//! Network access: one request that carries a credential, and the threads that wait for such requests.

pub mod http;
pub mod jobs;
