//! Network access: the connections to APIs that carry a credential, one request over such a connection, and the threads
//! that wait for such requests.

pub mod address;
mod connect;
pub mod connection;
pub mod failure;
pub mod http;
pub mod jobs;
mod keyed_stream;
mod look_up;
mod outage;
mod redial;
mod socket;
pub mod stall;
pub mod substitution;
mod tls;
pub mod upstream;

pub use socket::Deadline;
