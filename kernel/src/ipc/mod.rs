//! What domains talk through: endpoints and calls, minted objects, pipes, events, watches; and what
//! one leaves to the next, capsules and blobs.
//!
//! [`Ipc`] holds the tables. The room keeps queues and states and moves no bytes between domains:
//! `domain` delivers, wakes and charges. Each domain has an [`Inbox`], which merges what waits for
//! it in the order in which it came.
//!
//! Invariants: an object lives as long as somebody holds it, counted in `holders`; a call is in at
//! most one queue; a watch is either armed in its object's list or queued in its owner's inbox.
#![forbid(unsafe_code)]

pub mod blob;
pub mod call;
pub mod capsule;
pub mod endpoint;
pub mod event;
pub mod inbox;
pub mod pipe;
mod ring;
pub mod watch;

pub use blob::Blob;
pub use call::{Buffer, CallState, Mail, PendingCall};
pub use capsule::Capsule;
pub use endpoint::{Endpoint, Freshness, Minted, Standing};
pub use event::Event;
pub use inbox::{Inbox, Item};
pub use pipe::Pipe;
pub use watch::Watch;

use crate::capability::{BlobId, CallId, CapsuleId, DomainId, EndpointId, Slab, tag};

/// Most entries in each of the tables below.
const LIMIT: u32 = 1 << 20;

/// All objects of this room.
#[derive(Debug)]
pub struct Ipc {
    /// Endpoints.
    pub endpoints: Slab<Endpoint, tag::Endpoint>,
    /// Objects that servers minted.
    pub minted: Slab<Minted, tag::Minted>,
    /// Calls that are not over.
    pub calls: Slab<PendingCall, tag::Call>,
    /// What is kept for calls whose callers go on.
    pub mail: Slab<Mail, tag::Mail>,
    /// Pipes.
    pub pipes: Slab<Pipe, tag::Pipe>,
    /// Events.
    pub events: Slab<Event, tag::Event>,
    /// Watches, armed or queued.
    pub watches: Slab<Watch, tag::Watch>,
    /// Capsules.
    pub capsules: Slab<Capsule, tag::Capsule>,
    /// Blobs.
    pub blobs: Slab<Blob, tag::Blob>,
    /// Id of the newest endpoint.
    newest_endpoint: u32,
    /// Id of the newest capsule.
    newest_capsule: u32,
}

impl Ipc {
    /// Empty tables.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            endpoints: Slab::new(LIMIT),
            minted: Slab::new(LIMIT),
            calls: Slab::new(LIMIT),
            mail: Slab::new(LIMIT),
            pipes: Slab::new(LIMIT),
            events: Slab::new(LIMIT),
            watches: Slab::new(LIMIT),
            capsules: Slab::new(LIMIT),
            blobs: Slab::new(LIMIT),
            newest_endpoint: 0,
            newest_capsule: 0,
        }
    }

    /// Makes an endpoint; `None` when the table is full or the ids are used up.
    pub fn create_endpoint(&mut self, maker: DomainId) -> Option<EndpointId> {
        let number = self.newest_endpoint.checked_add(1)?;
        let id = self.endpoints.insert(Endpoint::new(number, maker)).ok()?;
        self.newest_endpoint = number;
        Some(id)
    }

    /// Makes a twin of an endpoint, which domains see as the same; `None` when the table is full.
    pub fn create_twin(
        &mut self,
        maker: DomainId,
        server: DomainId,
        of: EndpointId,
    ) -> Option<EndpointId> {
        let twin = Endpoint::new(self.endpoints.get(of)?.number, maker);
        self.endpoints.insert(Endpoint { twin_of: Some((server, of)), ..twin }).ok()
    }

    /// Makes a capsule; `None` when the table is full or the ids are used up.
    pub fn create_capsule(&mut self, limit: u64, maker: DomainId) -> Option<CapsuleId> {
        let number = self.newest_capsule.checked_add(1)?;
        let id = self.capsules.insert(Capsule::new(number, limit, maker)).ok()?;
        self.newest_capsule = number;
        Some(id)
    }

    /// The blob of that name, sealed or not; none has the name of another.
    #[must_use]
    pub fn blob_named(&self, name: &[u8]) -> Option<BlobId> {
        self.blobs.iter().find(|(_, blob)| blob.name.as_bytes() == name).map(|(id, _)| id)
    }

    /// What is kept for a call.
    #[must_use]
    pub fn mail_of(&self, call: CallId) -> Option<&Mail> {
        self.mail.get(self.calls.get(call)?.mail?)
    }

    /// What is kept for a call, to change.
    pub fn mail_of_mut(&mut self, call: CallId) -> Option<&mut Mail> {
        self.mail.get_mut(self.calls.get(call)?.mail?)
    }

    /// Takes away what is kept for a call.
    pub fn take_mail(&mut self, call: CallId) -> Option<Mail> {
        let mail = self.calls.get_mut(call)?.mail.take()?;
        self.mail.remove(mail)
    }

    /// Entries in all tables, to see that nothing leaks.
    #[must_use]
    pub const fn population(&self) -> [u32; 9] {
        [
            self.endpoints.len(),
            self.minted.len(),
            self.calls.len(),
            self.mail.len(),
            self.pipes.len(),
            self.events.len(),
            self.watches.len(),
            self.capsules.len(),
            self.blobs.len(),
        ]
    }
}

impl Default for Ipc {
    fn default() -> Self {
        Self::new()
    }
}
