//! The seam for metering: whoever reads the bytes of an exchange as they pass, and changes and delays nothing.

use std::fmt;
use std::sync::Arc;

use hyper::StatusCode;
use hyper::http::HeaderMap;

use super::audit::Outcome;
use crate::provider::Vendor;

/// What a tap gets to know about its exchange.
#[derive(Debug)]
pub struct Exchanged<'a> {
    pub vendor: &'static Vendor,
    pub workspace: &'a Arc<str>,
    pub grant: u64,
    /// Which credential it carries.
    pub generation: u64,
    /// Below the base URL, as the provider's row has it.
    pub path: &'static str,
    /// Whether it becomes a WebSocket: the bytes are frames then.
    pub is_web_socket: bool,
}

/// Reads one exchange. Called on a thread of the broker's, between reading bytes and passing them on: it must not block.
pub trait Tap: Send + fmt::Debug {
    /// The answer has begun.
    fn head(&mut self, status: StatusCode, headers: &HeaderMap);
    /// Bytes of the request's body, or of frames to the API, as they pass.
    fn up(&mut self, bytes: &[u8]);
    /// Bytes of the answer's body, or of frames from the API, as they pass.
    fn down(&mut self, bytes: &[u8]);
    /// Nothing follows.
    fn end(&mut self, outcome: Outcome);
}

/// Makes the tap of an exchange. None for an exchange that nobody reads.
pub type MakeTap = dyn Fn(&Exchanged<'_>) -> Option<Box<dyn Tap>> + Send + Sync;
