//! Calls that are not over: waiting, taken by a server, or answered and not yet fetched.

use crate::capability::{DomainId, EndpointId, Handle, Link, Linked, MailId};
use alloc::vec::Vec;
use atoll_gate::Status;
use atoll_gate::message::{Lengths, Slot};

/// Where a call is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CallState {
    /// At its endpoint, which nobody is bound to, or where calls are held.
    Held,
    /// In the server's inbox.
    Queued,
    /// With the server, until it answers.
    Taken,
    /// In the caller's inbox, answered with this status.
    Answered(Status),
}

/// A message that the kernel keeps because its sender goes on or its receiver is not there.
#[derive(Debug, Default)]
pub struct Buffer {
    /// The payload.
    pub payload: Vec<u8>,
    /// The handle slots: of a call as the sender wrote them, of a reply as the caller reads them.
    pub slots: Vec<Slot>,
}

impl Buffer {
    /// An empty buffer with room for a message; `None` if the kernel's heap is full.
    #[must_use]
    pub fn with_room(lengths: Lengths) -> Option<Self> {
        let mut buffer = Self::default();
        buffer.payload.try_reserve_exact(lengths.payload as usize).ok()?;
        buffer.slots.try_reserve_exact(lengths.slots as usize).ok()?;
        Some(buffer)
    }

    /// What a message of these lengths counts against a memory quota.
    #[must_use]
    pub const fn cost(lengths: Lengths) -> u64 {
        Mail::COST + lengths.payload as u64 + lengths.slots as u64 * size_of::<Slot>() as u64
    }
}

/// What the kernel keeps for a call that was sent without waiting.
#[derive(Debug)]
pub struct Mail {
    /// Handles that the caller has lent until the reply.
    pub loans: Vec<Handle>,
    /// The message until it is delivered; later the reply.
    pub kept: Option<Buffer>,
    /// Bytes counted against the caller's quota.
    pub charged: u64,
}

/// One call. Small and without anything to drop: the way to and from a waiting server makes one.
#[derive(Debug)]
pub struct PendingCall {
    /// Who made it; none once it was cancelled.
    pub caller: Option<DomainId>,
    /// Whose inbox it is in or who took it.
    pub server: Option<DomainId>,
    /// Where it went.
    pub endpoint: EndpointId,
    /// Function index.
    pub method: u32,
    /// Length of the message.
    pub lengths: Lengths,
    /// Where it is.
    pub state: CallState,
    /// Whether the caller is blocked until the reply comes.
    pub sync: bool,
    /// The priority that the caller donated to `server`.
    pub donated: Option<u8>,
    /// First of the entries in the server's table that end with this call.
    pub borrowed: Handle,
    /// What is kept for a caller who goes on.
    pub mail: Option<MailId>,
    /// Place in the queue it is in.
    pub link: Link,
}

impl Mail {
    /// What each call sent without waiting counts against its sender's memory quota, besides its
    /// message.
    pub const COST: u64 = (size_of::<Self>() + size_of::<PendingCall>()) as u64;
}

impl Linked for PendingCall {
    fn link(&mut self) -> &mut Link {
        &mut self.link
    }
    fn link_ref(&self) -> &Link {
        &self.link
    }
}
