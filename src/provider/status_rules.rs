//! What HTTP statuses mean, to either vendor.

use super::failure_kind::FailureKind as Kind;
use super::output::FailureRule;

/// After the texts and words that tell more closely, before those that tell less.
pub const STATUS_RULES: &[FailureRule] = &[
    FailureRule::status(401, 401, Kind::Authentication),
    FailureRule::status(402, 402, Kind::Quota),
    FailureRule::status(403, 403, Kind::Permission),
    FailureRule::status(404, 404, Kind::Model),
    FailureRule::status(405, 405, Kind::Endpoint),
    // The proxy's, and whoever waited in vain for the request.
    FailureRule::status(407, 408, Kind::Network),
    FailureRule::status(413, 413, Kind::TooLarge),
    FailureRule::status(429, 429, Kind::RateLimited),
    FailureRule::status(503, 503, Kind::Overloaded),
    FailureRule::status(529, 529, Kind::Overloaded),
    FailureRule::status(400, 499, Kind::InvalidRequest),
    FailureRule::status(500, 599, Kind::Server),
];
