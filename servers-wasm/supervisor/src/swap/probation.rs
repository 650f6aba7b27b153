//! The end of a probation.

use super::{
    event::{Event, Phase},
    transaction::find,
};
use crate::{kernel::Kernel, supervisor::Supervisor};

impl<K: Kernel> Supervisor<K> {
    /// The time is over. Whoever hangs in its first call ends nothing, so a new version that has
    /// calls and has answered none is rolled back, but for one more look: it gets as long as it
    /// may take to finish the calls that it has, however short the probation.
    pub(super) fn probation_ends(&mut self, id: u64) {
        let still = self.stands_still(id);
        self.look_again(id);
        match still {
            Some((_, more_ns)) if more_ns > 0 => self.extend_probation(id, more_ns),
            Some((member, _)) => {
                let why = "it answered none of the calls that it has".to_string();
                self.transaction_hears(id, Event::Unhealthy(member, why));
            }
            None => self.transaction_hears(id, Event::Deadline(Phase::Probation)),
        }
    }

    /// A member whose serving domain has calls and has answered none, and how much longer it may
    /// take.
    fn stands_still(&self, id: u64) -> Option<(usize, u64)> {
        let transaction = self.transactions.iter().find(|other| other.id == id)?;
        let member = transaction.pairs.iter().position(|pair| {
            let watched = self.servers.get(pair.server).and_then(|server| server.watched.as_ref());
            watched.is_some_and(|watched| self.kernel.stands_still(&watched.domain))
        })?;
        let server = transaction.pairs.get(member)?.server;
        let more_ns = self.description.servers.get(server)?.swap.quiesce_ns;
        Some((member, if transaction.extended { 0 } else { more_ns }))
    }

    fn extend_probation(&mut self, id: u64, more_ns: u64) {
        if let Some(transaction) = find(&mut self.transactions, id).filter(|t| !t.swap.is_over()) {
            transaction.extended = true;
            self.arm(id, Phase::Probation, more_ns);
        }
    }
}
