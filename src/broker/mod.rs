//! The broker: an agent's process holds a token that opens only the broker, and the broker puts the key on the wire.
//!
//! A [`Broker`] listens on loopback, on its own threads. A [`Grant`] is one launch's permission to use it: it is for a
//! uid and, if the route allows it, for the one process that was started, and it ends with the launch. The key is in a
//! [`LiveCredential`], which can be rotated and revoked while agents run. `docs/broker.md` says what is promised and
//! what is not.

mod audit;
mod exchange;
mod grant;
mod instance;
mod launch;
mod listener;
mod live_credential;
mod options;
mod peer;
mod pool;
mod race;
mod refusal;
mod registry;
mod request;
mod shared;
mod tap;
mod token;
mod upstreams;

pub use crate::net::address::Addresses;
pub use crate::net::substitution::Substitution;
pub use crate::net::upstream::{Upstream, UpstreamOptions};
pub use audit::{Audit, AuditOutcome, AuditReader, Outcome, Record, Waiting};
pub use exchange::web_socket_frames::Frames;
pub use grant::{GrantRequest, Route};
pub use instance::{Address, Broker, Counts, Grant};
pub use launch::LaunchRequest;
pub use listener::framing::verdicts_on;
pub use live_credential::LiveCredential;
pub use options::{Limits, NUMBERS, OptionNumber, Options, Times};
pub use peer::sock_diag::{Owner, owner_in};
pub use peer::{PeerRule, Process};
pub use refusal::RefusalReason;
pub use request::{Asked, Expected, check, presented_token};
pub use tap::{Exchanged, MakeTap, Tap};
