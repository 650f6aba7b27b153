//! Events: a bit that one side sets and the other waits for.

use crate::capability::List;

/// An event.
#[derive(Debug, Default)]
pub struct Event {
    /// Whether it is set.
    pub set: bool,
    /// Handles to it.
    pub holders: u32,
    /// Armed watches on it.
    pub watchers: List,
}
