//! Taps: they read the bytes of an exchange as they pass, for example to meter it, and change and delay nothing.

use std::fmt;
use std::sync::Arc;

use hyper::StatusCode;
use hyper::http::HeaderMap;

use super::audit::Outcome;
use crate::provider::Vendor;

/// What a tap learns about its exchange.
#[derive(Debug)]
pub struct Exchanged<'a> {
    pub vendor: &'static Vendor,
    pub workspace: &'a Arc<str>,
    pub grant: u64,
    /// The number of the credential that the request carries.
    pub generation: u64,
    /// The path below the base URL, as in the provider's row.
    pub path: &'static str,
    /// Whether the request is for a WebSocket, so that the bytes are frames.
    pub is_web_socket: bool,
}

/// Reads one exchange. It is called on a thread of the broker between reading bytes and passing them on, so it must not
/// block.
pub trait Tap: Send + fmt::Debug {
    /// The answer has begun.
    fn head(&mut self, status: StatusCode, headers: &HeaderMap);
    /// Bytes of the request's body, or of frames to the API, as they pass.
    fn up(&mut self, bytes: &[u8]);
    /// Bytes of the answer's body, or of frames from the API, as they pass.
    fn down(&mut self, bytes: &[u8]);
    /// The exchange has ended.
    fn end(&mut self, outcome: Outcome);
}

/// Makes the tap of an exchange; none for an exchange that needs no tap.
pub type MakeTap = dyn Fn(&Exchanged<'_>) -> Option<Box<dyn Tap>> + Send + Sync;
