//! What comes to the domain, what it did, and what it has.

use std::collections::BTreeMap;

use atoll_gate::call::{Call, Status};

use super::Peer;

/// What a handle of the domain names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Thing {
    /// The endpoint on which an export is served.
    Serve,
    /// The log, to write and to read.
    Log,
    /// The endpoint of another server.
    Peer,
    /// An object of that server.
    PeerObject(u32),
}

/// Something that comes to the domain.
#[derive(Clone, Debug)]
pub(crate) enum Step {
    /// A call of an export.
    Call {
        /// Export and function, by the numbers of the binary.
        target: (u32, u32),
        /// The parameters.
        payload: Vec<u8>,
        /// The handles that go with it.
        handles: Vec<Passed>,
    },
    /// The last holder of an object, by the order in which they were handed out, let go of it.
    Drop(usize),
    /// Somebody else writes to the log.
    Log(String),
    /// The supervisor asks whether the server works.
    Probe,
    /// Another version takes over.
    Quiesce,
}

/// A handle that goes with a call.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Passed {
    /// An object of the domain's own, lent or given back.
    Home { object: usize, lent: bool },
    /// A new object of the peer.
    Peer { value: u32, lent: bool },
}

/// Something that the domain did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Note {
    /// It serves.
    Published(u64),
    /// It is ready.
    Ready,
    /// It answered: call, status, payload, and how it passed which objects.
    Reply(u64, u64, Vec<u8>, Vec<(u32, u32)>),
    /// It wrote to the log.
    Log(Vec<u8>),
    /// It called the peer: function, parameters.
    Called(u64, Vec<u8>),
    /// It answered a probe.
    Pulse(u64, u64),
    /// It left a state behind.
    Saved(Vec<u8>),
    /// It froze, with this status.
    Frozen(u64),
}

/// A gate call that fails: the how many-th, counted from 0, and how.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Failing {
    pub(crate) at: u64,
    pub(crate) status: Status,
}

/// What is seen from outside.
#[derive(Default)]
pub(crate) struct State {
    pub(crate) notes: Vec<Note>,
    /// Gate calls so far.
    pub(crate) calls: u64,
    /// The one that failed.
    pub(crate) failed: Option<Call>,
    /// Ids of objects that were handed out.
    pub(super) minted: Vec<u32>,
    pub(super) log: Vec<(u8, Vec<u8>)>,
    pub(super) things: BTreeMap<u32, Thing>,
    /// How many were ever in it.
    pub(super) added: u32,
    /// Entries of it that were there when it was last read.
    pub(super) seen: usize,
    pub(super) watches: BTreeMap<u32, u64>,
    pub(super) peer: Peer,
    pub(super) probes: u64,
    pub(super) asked: u64,
}

impl State {
    /// Puts something into the domain's handle table.
    pub(crate) fn add(&mut self, thing: Thing) -> u32 {
        self.added += 1;
        let handle = self.added | 1 << 16;
        self.things.insert(handle, thing);
        handle
    }

    /// Sets up the server that the domain calls.
    pub(crate) fn set_peer(&mut self, peer: Peer) {
        self.peer = peer;
    }

    pub(super) fn thing(&self, handle: u64) -> Result<Thing, Status> {
        let handle = u32::try_from(handle).map_err(|_| Status::BadHandle)?;
        self.things.get(&handle).copied().ok_or(Status::BadHandle)
    }
}
