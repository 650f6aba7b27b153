//! Endpoints and the objects minted on them.

use crate::capability::{DomainId, EndpointId, Link, Linked, List};
use alloc::vec::Vec;

/// Where calls to one interface go. It outlives the domains that serve it.
#[derive(Debug)]
pub struct Endpoint {
    /// Its id as domains see it, never used twice.
    pub number: u32,
    /// The domain that new calls go to: the one that published last, while it lives and its calls
    /// are not held.
    pub bound: Option<DomainId>,
    /// The same domain while a swap holds its calls: `bound` is none then, so that the way of a
    /// call has nothing more to check.
    pub holding: Option<DomainId>,
    /// Comes with every event, for the server to tell its endpoints apart.
    pub badge: u32,
    /// The interface that was published last. Counts against whoever serves, else against `maker`.
    pub descriptor: Vec<u8>,
    /// The domain that made it.
    pub maker: DomainId,
    /// Changes of server, by death or by swap.
    pub incarnation: u32,
    /// The incarnation since the last death; objects minted before are stale.
    pub oldest: u32,
    /// Whether calls fail while nobody is bound, instead of waiting.
    pub suspended: bool,
    /// Calls that wait for somebody to publish, or for the end of a swap.
    pub held: List,
    /// Its minted objects that somebody holds.
    pub minted: List,
    /// Handles to it, and minted objects.
    pub holders: u32,
    /// Handles with the right to serve.
    pub servers: u32,
    /// Of a twin: the domain that is to serve it and the endpoint that it is one with from the
    /// commit on, which has the interface that the domain staged.
    pub twin_of: Option<(DomainId, EndpointId)>,
}

impl Endpoint {
    /// A new endpoint that nobody holds yet.
    #[must_use]
    pub const fn new(number: u32, maker: DomainId) -> Self {
        Self {
            number,
            maker,
            bound: None,
            holding: None,
            badge: 0,
            descriptor: Vec::new(),
            incarnation: 0,
            oldest: 0,
            suspended: false,
            held: List::new(),
            minted: List::new(),
            holders: 0,
            servers: 0,
            twin_of: None,
        }
    }

    /// The domain that serves it, whether or not new calls are held; its objects come home to it.
    #[must_use]
    pub const fn server(&self) -> Option<DomainId> {
        match self.bound {
            Some(server) => Some(server),
            None => self.holding,
        }
    }

    /// Whether nobody serves it and nobody will, or not soon enough to wait.
    #[must_use]
    pub const fn is_abandoned(&self) -> bool {
        self.server().is_none() && (self.servers == 0 || self.suspended)
    }

    /// Ends the service of whoever serves it: what was minted is stale from now on. The interface
    /// stays.
    pub fn unbind(&mut self) {
        (self.bound, self.holding, self.badge) = (None, None, 0);
        self.incarnation = self.incarnation.wrapping_add(1);
        self.oldest = self.incarnation;
    }

    /// Whether an object that was minted in `incarnation` is known to whoever serves now.
    const fn knows(&self, incarnation: u32) -> bool {
        let age = self.incarnation.wrapping_sub(incarnation);
        age <= self.incarnation.wrapping_sub(self.oldest)
    }
}

/// An object that a server minted, as long as somebody else holds it.
#[derive(Debug)]
pub struct Minted {
    /// The endpoint of the interface that declares it.
    pub endpoint: EndpointId,
    /// Its id, chosen by the server.
    pub object: u32,
    /// The server's name for objects of its type.
    pub tag: u16,
    /// The endpoint's incarnation when it was minted.
    pub incarnation: u32,
    /// Handles to it.
    pub holders: u32,
    /// Whether its holders may still use it.
    pub standing: Standing,
    /// Whether the server only lent it: it hears nothing when the holders are gone.
    pub lent: bool,
    /// Place among the endpoint's objects, or in the server's inbox once nobody holds it.
    pub link: Link,
}

/// Whether a minted object is still at its holders' disposal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It is.
    Held,
    /// It was revoked; the server still hears when the last holder lets go of it.
    Revoked,
    /// Its owner gave it back to the server; whoever still borrows it has lost it.
    Home,
    /// A server minted it that was taken back: whoever serves now does not know it.
    Orphaned,
}

/// Whether an object can still be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Freshness {
    /// It can.
    Fresh,
    /// Its server ended since.
    Stale,
    /// Its server revoked it.
    Revoked,
}

impl Minted {
    /// Judges the object against its endpoint.
    #[must_use]
    pub fn freshness(&self, endpoint: Option<&Endpoint>) -> Freshness {
        match (self.standing, endpoint) {
            (Standing::Revoked | Standing::Home, _) => Freshness::Revoked,
            (Standing::Held, Some(endpoint)) if endpoint.knows(self.incarnation) => {
                Freshness::Fresh
            }
            _ => Freshness::Stale,
        }
    }

    /// Whether the server of `endpoint` wants to hear that nobody holds the object any more.
    #[must_use]
    pub fn is_missed(&self, endpoint: &Endpoint) -> bool {
        let gone = matches!(self.standing, Standing::Home | Standing::Orphaned);
        !self.lent && !gone && endpoint.knows(self.incarnation)
    }
}

impl Linked for Minted {
    fn link(&mut self) -> &mut Link {
        &mut self.link
    }
    fn link_ref(&self) -> &Link {
        &self.link
    }
}
