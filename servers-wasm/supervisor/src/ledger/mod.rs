//! What the supervisor writes down, in its capsule, for the life after this one (ADR 91).
//!
//! Which domains there are, whether they live and where they are in a swap, the kernel knows; the
//! ledger has what only the supervisor knows: endpoints and capsules by their ids, what operators
//! decided, how often a server was restarted, versions, swaps. An entry is written when a call of
//! the supervisor is over and it has changed since ([`Supervisor::keep`]): who ends in the middle
//! of a call has not made it. [`crate::resume`] reads.
//!
//! Servers have their places in the description as numbers: that is the same in every life.

pub(crate) mod bytes;
pub mod entries;

use atoll_system_description::SUPERVISOR;

use crate::{
    kernel::{Kernel, Level},
    server::{Server, State},
    supervisor::Supervisor,
    swap::Transaction,
};
use entries::{Head, KeptMember, KeptOperator, KeptServer, KeptSwap, Version, write_record};

/// Numbers of the records.
pub(crate) const HEAD: u32 = 0;
/// Of swaps of the supervisor itself.
pub(crate) const OWN: u32 = 1;
/// Of the components that came at run time.
pub(crate) const UPLOADS: u32 = 2;
/// Of the first server.
pub(crate) const SERVERS: u32 = 1 << 16;
/// Of the first swap that is not over.
pub(crate) const SWAPS: u32 = 2 << 16;
/// Of the first swap that is over.
pub(crate) const HISTORY: u32 = 3 << 16;
/// Most swaps that are not over at one time, and are written down.
pub(crate) const MOST_SWAPS: u32 = 64;

/// What of a server makes its entry a new one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mark {
    state: State,
    is_due: bool,
    restarts: u32,
    versions: u32,
}

/// What was written down last.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    head: Option<Head>,
    /// The swaps that are not over, each in its place.
    swaps: Vec<Option<u64>>,
    /// The place of the next swap that is over.
    next_record: u32,
    /// Swaps that are over and were not written down.
    pub(crate) unwritten: usize,
    /// Whether there was no room at some time.
    full: bool,
}

impl Ledger {
    /// Goes on behind the last of these places of swaps that are over.
    pub(crate) fn go_on_behind(&mut self, place: u32) {
        self.next_record = place.wrapping_add(1);
    }
}

impl<K: Kernel> Supervisor<K> {
    /// Writes down what changed since the last time; the end of every call of the supervisor.
    pub fn keep(&mut self) {
        // Before the first endpoint it has no system yet.
        if self.has_no_time() || self.endpoints.of(SUPERVISOR).next().is_none() {
            return;
        }
        self.keep_head();
        for index in 0..self.servers.len() {
            self.keep_server(index);
        }
        self.keep_swaps();
        self.keep_records();
        self.keep_own();
        self.keep_uploads();
    }

    /// Whether clients wait for a swap, of which nothing changes that is written down.
    fn has_no_time(&self) -> bool {
        let is_kept = |id: u64| self.ledger.swaps.contains(&Some(id));
        self.unfinished().any(|swap| swap.swap.holds_calls())
            && self.unfinished().all(|swap| is_kept(swap.id))
    }

    fn keep_head(&mut self) {
        let is_kept = self.ledger.head.as_ref().is_some_and(|head| {
            head.tasks_started == self.tasks_started
                && head.operators.len() == self.endpoints.of_operators().count()
        });
        if is_kept {
            return;
        }
        let Some((_, own)) = self.endpoints.of(SUPERVISOR).next() else { return };
        let endpoint = self.kernel.endpoint_id(own);
        let kept = |(endpoint, line): (&K::Endpoint, Option<&str>)| KeptOperator {
            endpoint: self.kernel.endpoint_id(endpoint),
            line: line.map(str::to_string),
        };
        let operators = self.endpoints.of_operators().map(kept).collect();
        let head = Head { endpoint, operators, tasks_started: self.tasks_started };
        self.put_down_entry(HEAD, &head.write());
        self.ledger.head = Some(head);
    }

    fn keep_server(&mut self, index: usize) {
        let Some(server) = self.servers.get_mut(index) else { return };
        let state = if server.state == State::Running { State::Starting } else { server.state };
        let Server { restarts, versions, .. } = *server;
        let mark = Mark { state, is_due: server.is_due(), restarts, versions };
        if server.mark.replace(mark) == Some(mark) {
            return;
        }
        if let Some((number, entry)) = place(SERVERS, index).zip(self.server_entry(index)) {
            self.put_down_entry(number, &entry.write());
        }
    }

    fn server_entry(&self, index: usize) -> Option<KeptServer> {
        let (server, entry) = (self.servers.get(index)?, self.description.servers.get(index)?);
        let endpoints = self.endpoints.of(&entry.name);
        let previous = server.previous.as_ref();
        Some(KeptServer {
            endpoints: endpoints.map(|(_, endpoint)| self.kernel.endpoint_id(endpoint)).collect(),
            capsule: server.capsule.as_ref().map_or(0, |capsule| self.kernel.capsule_id(capsule)),
            state: server.state,
            is_due: server.is_due(),
            restarts: server.restarts,
            history: server.history.times().to_vec(),
            version: (server.versions > 0).then(|| Version::of(&entry.domain)),
            previous: previous.map(|last| (Version::of(&last.version), last.transaction)),
        })
    }

    /// Swaps that began, and those that are over.
    fn keep_swaps(&mut self) {
        let running: Vec<u64> = self.unfinished().map(|transaction| transaction.id).collect();
        for index in 0..self.ledger.swaps.len() {
            let over = |id: &u64| !running.contains(id);
            let gone =
                self.ledger.swaps.get_mut(index).and_then(|slot| slot.take_if(|id| over(id)));
            if let Some(number) = place(SWAPS, index).filter(|_| gone.is_some()) {
                self.put_down_entry(number, &[]);
            }
        }
        for id in running {
            if !self.ledger.swaps.contains(&Some(id)) {
                self.keep_swap(id);
            }
        }
    }

    fn unfinished(&self) -> impl Iterator<Item = &Transaction<K>> {
        self.transactions.iter().filter(|transaction| !transaction.swap.is_over())
    }

    fn keep_swap(&mut self, id: u64) {
        let Some(entry) = self.swap_entry(id) else { return };
        let slots = &mut self.ledger.swaps;
        let free = slots.iter().position(Option::is_none).unwrap_or(slots.len());
        let Some(number) = place(SWAPS, free).filter(|number| *number < SWAPS + MOST_SWAPS) else {
            return;
        };
        match slots.get_mut(free) {
            Some(slot) => *slot = Some(id),
            None => slots.push(Some(id)),
        }
        self.put_down_entry(number, &entry.write());
    }

    fn swap_entry(&self, id: u64) -> Option<KeptSwap> {
        let transaction = self.unfinished().find(|transaction| transaction.id == id)?;
        let member = |pair: &crate::swap::transaction::Pair<K>| {
            let serving = Version::of(&self.description.servers.get(pair.server)?.domain);
            let spare = Version::of(&pair.version);
            let (old, new) =
                if transaction.exchanged { (spare, serving) } else { (serving, spare) };
            let server = u32::try_from(pair.server).ok()?;
            Some(KeptMember { server, new_domain: pair.made, old, new })
        };
        let members = transaction.pairs.iter().filter_map(member).collect();
        Some(KeptSwap { id, began_ns: transaction.record.began_ns, members })
    }

    /// The swaps that ended last; each takes the place of the oldest.
    fn keep_records(&mut self) {
        let unwritten = core::mem::take(&mut self.ledger.unwritten);
        let first = self.records.len().saturating_sub(unwritten);
        for index in first..self.records.len() {
            let most = u32::try_from(crate::swap::record::REMEMBERED).unwrap_or(u32::MAX);
            let number = HISTORY.saturating_add(self.ledger.next_record % most);
            self.ledger.next_record = self.ledger.next_record.wrapping_add(1);
            if let Some(bytes) = self.records.get(index).map(write_record) {
                self.put_down_entry(number, &bytes);
            }
        }
    }

    /// Writes an entry, and says once if there is no room.
    pub(crate) fn put_down_entry(&mut self, number: u32, bytes: &[u8]) {
        let written = self.kernel.write_record(number, bytes);
        if let Err(error) = written
            && !core::mem::replace(&mut self.ledger.full, true)
        {
            let message = format!("the supervisor cannot write down what it does: {error}");
            self.kernel.log(Level::Warn, &message);
        }
    }
}

/// The number of the entry in that place of a part.
fn place(part: u32, index: usize) -> Option<u32> {
    u32::try_from(index).ok().filter(|index| *index < 1 << 16).map(|index| part + index)
}
