//! What the kernel keeps of one domain.

use super::swap::Swap;
use super::{Health, death::Ending, reserved::Reserved, snapshot::Pristine};
use crate::capability::{BlobId, CallId, HandleTable, Link, Linked, List};
use crate::ipc::Inbox;
use crate::memory::{AddressSpace, PageRun};
use crate::scheduler::Share;
use alloc::sync::Arc;
use atoll_gate::record::{NAME_LEN, State, name_str};
use atoll_gate::start::Isolation;

/// Where a domain is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Life {
    /// Made, not started.
    Created,
    /// Running, but not ready to serve.
    Starting,
    /// Ready to serve.
    Ready,
    /// Over.
    Ended,
}

/// What a domain that lives does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Activity {
    /// It runs or could, or was not started.
    Runnable,
    /// It waits for an event of a kind in the mask.
    Waiting(u64),
    /// It waits for the reply to its call.
    Calling(CallId),
    /// It gave its state up and waits to be thawed.
    Frozen,
}

/// What a domain runs in; dropped at its end.
#[derive(Debug)]
pub struct Body {
    /// Its page tables and its registers.
    pub space: AddressSpace,
    /// The area that it fills.
    pub send: Arc<PageRun>,
    /// The area that the kernel fills.
    pub receive: Arc<PageRun>,
    /// Where the next window is mapped.
    pub next_region: u64,
    /// Parts of the heap that are backed when they are touched.
    pub reserved: Reserved,
}

/// One domain.
#[derive(Debug)]
pub struct Domain {
    /// Its id as domains see it, never used twice.
    pub number: u32,
    /// Has its component; held by the domain.
    pub module: BlobId,
    /// Its name, as in records.
    pub name: [u8; NAME_LEN],
    /// Where it is in its life.
    pub life: Life,
    /// What it does.
    pub activity: Activity,
    /// What it runs in, until it ends.
    pub body: Option<Body>,
    /// What clones of it begin with, also after its end.
    pub pristine: Option<Arc<Pristine>>,
    /// Whether it began as a clone.
    pub is_clone: bool,
    /// How much of its component is loaded, in percent, as far as it told.
    pub loaded: u32,
    /// Its handles.
    pub handles: HandleTable,
    /// Most of them.
    pub handle_limit: u32,
    /// What waits for it.
    pub inbox: Inbox,
    /// Bytes counted against its quota besides those of `body`: pipes, kept messages, published
    /// interfaces.
    pub charged: u64,
    /// Most bytes in all.
    pub memory_limit: u64,
    /// Calls in its inbox and calls that it took and has not answered.
    pub calls_open: u32,
    /// Most of them.
    pub call_limit: u32,
    /// Its ring.
    pub ring: Isolation,
    /// Its own priority and budget.
    pub share: Share,
    /// Calls that it made.
    pub calls_sent: u64,
    /// Calls that it answered.
    pub calls_served: u64,
    /// Control handles to it, and one of the kernel's own to the first domain.
    pub holders: u32,
    /// Times that it became ready, ended or came further in a swap.
    pub changes: u64,
    /// Armed watches on it.
    pub watchers: List,
    /// How it ended.
    pub ending: Option<Ending>,
    /// Its part in a swap.
    pub swap: Swap,
    /// What it was asked about its health, and said.
    pub health: Health,
    /// Place in the queue of domains that have to end.
    pub link: Link,
}

impl Domain {
    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        name_str(&self.name)
    }

    /// What introspection says it does.
    #[must_use]
    pub const fn state(&self) -> State {
        match (self.life, self.activity) {
            (Life::Created, _) => State::Created,
            (Life::Starting, _) => State::Starting,
            (Life::Ended, _) => State::Ended,
            (Life::Ready, Activity::Runnable) => State::Running,
            (Life::Ready, Activity::Waiting(_)) => State::Waiting,
            (Life::Ready, Activity::Calling(_)) => State::Calling,
            (Life::Ready, Activity::Frozen) => State::Frozen,
        }
    }
}

impl Linked for Domain {
    fn link(&mut self) -> &mut Link {
        &mut self.link
    }
    fn link_ref(&self) -> &Link {
        &self.link
    }
}
