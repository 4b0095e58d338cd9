//! Where a refresh is: what a store tells as it goes on, so that a test can end the process at each point.

/// A step of a refresh, in their order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// The lock is ours.
    Locked,
    /// The file was read again.
    Read,
    /// The new file exists and is empty.
    Created,
    /// Before the request.
    Asking,
    /// The endpoint has given new tokens, and the old refresh token is used up.
    Answered,
    /// The new file is on the disk.
    Written,
    /// It has taken the place of the old one.
    Replaced,
    /// What the fleet is to hear is sealed, and it has not heard yet.
    Publishing,
}
