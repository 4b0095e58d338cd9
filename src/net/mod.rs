//! What goes over the network: one request that carries a credential, and the threads that wait for such work.

pub mod http;
pub mod jobs;
