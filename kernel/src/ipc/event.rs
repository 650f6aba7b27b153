//! Events: a bit that one side sets and the other waits for.

use crate::capability::List;

/// An event.
#[derive(Debug, Default)]
pub struct Event {
    /// Whether it is set.
    pub set: bool,
    /// Handles to it.
    pub holders: u32,
    /// Handles by which it can be set.
    pub signallers: u32,
    /// Armed watches on it.
    pub watchers: List,
}

impl Event {
    /// Whether it is set, or nobody is left who could set it: who waits has waited long enough.
    #[must_use]
    pub const fn is_ready(&self) -> bool {
        self.set || self.signallers == 0
    }
}
