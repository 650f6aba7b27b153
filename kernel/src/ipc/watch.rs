//! Watches: a holder's wish to be told once that an object is ready.

use crate::capability::{DomainId, Handle, Link, Linked, Object};

/// One watch. It belongs to a handle entry, so there are never more than handles, and what it
/// queues is itself, so a notification never needs memory.
#[derive(Debug)]
pub struct Watch {
    /// Who is told.
    pub owner: DomainId,
    /// The owner's entry to which it belongs.
    pub handle: Handle,
    /// What it watches.
    pub object: Object,
    /// What the owner called it.
    pub token: u64,
    /// Whether it is in the owner's inbox; otherwise it is in the object's list.
    pub queued: bool,
    /// Its place there.
    pub link: Link,
}

impl Linked for Watch {
    fn link(&mut self) -> &mut Link {
        &mut self.link
    }
    fn link_ref(&self) -> &Link {
        &self.link
    }
}
