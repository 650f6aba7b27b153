//! What operators ask for: swap, rollback, history, and how a swap gets on.

use atoll_system_description::{Description, Domain, Import, SUPERVISOR};

use super::{
    event::{Event, Phase},
    machine::{Member, Purpose, Swap},
    order,
    record::{Change, Record},
    transaction::{Pair, Previous, Transaction, find},
};
use crate::{
    kernel::{Error, Kernel, Level},
    operator::lines,
    server::{Server, State},
    supervisor::Supervisor,
};

/// One server that is to be replaced.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Replacement {
    /// Its name.
    pub server: String,
    /// File name of the new version's component.
    pub component: String,
    /// What it may use beyond the grants that it has: lines `INTERFACE=GRANT`.
    pub grants: Vec<String>,
}

impl<K: Kernel> Supervisor<K> {
    /// Begins to replace servers by other versions, all or none of them; the id of the
    /// transaction. What a new version imports beyond its grants makes it fail in the first
    /// phase.
    ///
    /// # Errors
    /// A server that is unknown, not running, named twice or being swapped already, a grant that
    /// is none, or one that no system may have.
    pub fn swap(&mut self, replacements: &[Replacement], purpose: Purpose) -> Result<u64, Error> {
        if let Some(own) = replacements.iter().find(|other| other.server == SUPERVISOR) {
            if replacements.len() > 1 || !own.grants.is_empty() {
                let why = "the supervisor is swapped alone, and granted nothing";
                return Err(Error::Invalid(why.to_string()));
            }
            return self.begin_succession(&self.component_named(&own.component), purpose);
        }
        let mut versions: Vec<(usize, Domain)> = Vec::with_capacity(replacements.len());
        for replacement in replacements {
            let index = self.server_named(&replacement.server)?;
            if versions.iter().any(|(other, _)| *other == index) {
                return Err(Error::Invalid(format!("{} is named twice", replacement.server)));
            }
            let grants: Vec<Import> = replacement
                .grants
                .iter()
                .map(|line| Import::parse(line).map_err(Error::Invalid))
                .collect::<Result<_, _>>()?;
            let Some(entry) = self.description.servers.get(index) else { continue };
            let component = self.component_named(&replacement.component);
            versions.push((index, entry.domain.version(&component, &grants)));
        }
        self.begin_swap(versions, purpose)
    }

    /// The servers that [`Self::rollback`] of this one would change.
    ///
    /// # Errors
    /// Not found.
    pub(crate) fn rolled_back_with(&self, name: &str) -> Result<Vec<String>, Error> {
        if name == SUPERVISOR {
            return Ok(vec![SUPERVISOR.to_string()]);
        }
        let index = self.server_named(name)?;
        let indices: Vec<usize> = match self.transaction_of(index) {
            Some((_, transaction, _)) => transaction.pairs.iter().map(|pair| pair.server).collect(),
            None => self.swapped_with(index).map(|(index, _)| index).collect(),
        };
        Ok(indices.into_iter().map(|index| self.name_of(index)).collect())
    }

    /// The servers whose last swap was that of this one, with what they were before.
    fn swapped_with(&self, index: usize) -> impl Iterator<Item = (usize, &Previous)> {
        let previous = |server: &Server<K>| server.previous.as_ref().map(|last| last.transaction);
        let last = self.servers.get(index).and_then(previous);
        let before = self.servers.iter().enumerate();
        let before = before.filter_map(|(index, server)| Some((index, server.previous.as_ref()?)));
        before.filter(move |(_, previous)| Some(previous.transaction) == last)
    }

    /// Begins to replace a server, and those whose last swap was the same, by what they were
    /// before; if that swap is not over, it is cancelled. The id of the transaction.
    ///
    /// # Errors
    /// A server that is unknown, or was never swapped; then as for [`Self::swap`].
    pub fn rollback(&mut self, name: &str) -> Result<u64, Error> {
        if name == SUPERVISOR {
            return self.succession_back();
        }
        let index = self.server_named(name)?;
        if let Some((id, _, _)) = self.transaction_of(index) {
            if let Some(transaction) = find(&mut self.transactions, id) {
                transaction.clients = transaction.clients.saturating_add(1);
            }
            self.swap_cancel(id);
            return Ok(id);
        }
        let before = self.swapped_with(index);
        let versions: Vec<(usize, Domain)> =
            before.map(|(index, previous)| (index, previous.version.clone())).collect();
        if versions.is_empty() {
            return Err(Error::NotFound(format!("an earlier version of {name}")));
        }
        self.begin_swap(versions, Purpose::Replace)
    }

    /// The transactions of a server, the oldest first.
    ///
    /// # Errors
    /// Not found.
    pub fn history(&self, name: &str) -> Result<Vec<Record>, Error> {
        if name != SUPERVISOR {
            self.server_named(name)?;
        }
        let running = self.transactions.iter().filter(|transaction| !transaction.swap.is_over());
        let records = self.records.iter().chain(running.map(|transaction| &transaction.record));
        let records = records.chain(self.running_succession());
        let concerns = |record: &&Record| record.changes.iter().any(|c| c.server == name);
        Ok(records.filter(concerns).cloned().collect())
    }

    fn begin_swap(
        &mut self,
        versions: Vec<(usize, Domain)>,
        purpose: Purpose,
    ) -> Result<u64, Error> {
        let servers: Vec<usize> = versions.iter().map(|(index, _)| *index).collect();
        self.may_swap(&servers)?;
        self.may_import(&versions)?;
        let system = self.description.with_versions(&versions).map_err(Error::Invalid)?;
        self.serve_operators(lines(&system))?;
        let old = order::calls(&self.description, &servers);
        let calls = old.into_iter().zip(order::calls(&system, &servers));
        let members = calls.zip(&servers).filter_map(|((old_calls, new_calls), index)| {
            let deadlines = self.description.servers.get(*index)?.swap;
            let outsider = self.outsider(&system, &servers, *index);
            Some(Member { old_calls, new_calls, outsider, deadlines })
        });
        let now = self.kernel.now();
        let swap = Swap::new(members.collect(), purpose, now);
        let change = |(index, version): &(usize, Domain)| {
            let entry = self.description.servers.get(*index)?;
            let (old, new) = (entry.domain.component.clone(), version.component.clone());
            Some(Change { server: entry.name.clone(), old, new })
        };
        let record = Record::new(now, versions.iter().filter_map(change).collect());
        self.kernel.log(Level::Info, &format!("{}: {}", record.servers(), record.end()));
        let pair = |(server, version)| Pair { server, version, made: 0, spare: None };
        let id = self.token();
        self.transactions.push(Transaction {
            id,
            swap,
            pairs: versions.into_iter().map(pair).collect(),
            exchanged: false,
            extended: false,
            timer: None,
            record,
            told: 0,
            news: None,
            changed: self.kernel.make_event(),
            is_watched: false,
            clients: 1,
        });
        self.drive(id);
        self.advance();
        Ok(id)
    }

    /// Refuses servers that cannot be swapped now.
    fn may_swap(&mut self, servers: &[usize]) -> Result<(), Error> {
        if self.running_succession().is_some() {
            let why = "the supervisor is being swapped; wait until that is over";
            return Err(Error::Invalid(why.to_string()));
        }
        if servers.is_empty() {
            return Err(Error::Invalid("a swap needs a server".to_string()));
        }
        for index in servers {
            self.observe(*index);
            if self.transaction_of(*index).is_some() {
                let name = self.name_of(*index);
                return Err(Error::Invalid(format!("{name} is being swapped already")));
            }
            if self.servers.get(*index).map(|server| server.state) != Some(State::Running) {
                return Err(Error::NotRunning(self.name_of(*index)));
            }
        }
        // Two that hold calls at a time could wait for each other, until a deadline ends it.
        let busy = self.transactions.iter().find(|transaction| {
            !transaction.swap.is_over() && transaction.swap.phase() != Phase::Probation
        });
        match busy {
            None => Ok(()),
            Some(other) => {
                let servers = other.record.servers();
                Err(Error::Invalid(format!("{servers} are being swapped; wait until they serve")))
            }
        }
    }

    /// Somebody who imports from a server and is not swapped with it, now or, if another swap is
    /// taken back, then.
    fn outsider(&self, system: &Description, servers: &[usize], provider: usize) -> Option<String> {
        let on_probation = self.transactions.iter().filter(|other| !other.swap.is_over());
        let mut spares = on_probation.flat_map(|other| &other.pairs);
        let imports = |version: &Domain| system.providers_of(version).contains(&provider);
        order::importer(system, servers, provider).or_else(|| {
            let spare =
                spares.find(|pair| !servers.contains(&pair.server) && imports(&pair.version));
            spare.map(|pair| self.name_of(pair.server))
        })
    }

    /// Refuses versions that would be linked to an interface that may be taken back.
    fn may_import(&self, versions: &[(usize, Domain)]) -> Result<(), Error> {
        for (index, version) in versions {
            for provider in self.description.providers_of(version) {
                let another = self.transaction_of(provider);
                if another.is_some_and(|(_, other, member)| other.swap.is_another(member)) {
                    let (name, provider) = (self.name_of(*index), self.name_of(provider));
                    return Err(Error::Invalid(format!(
                        "{name} imports from {provider}, which is on probation with another \
                         interface; wait until that is over"
                    )));
                }
            }
        }
        Ok(())
    }

    /// Takes a server out of the transaction that it is in.
    pub(crate) fn cancel_swap_of(&mut self, index: usize) {
        if let Some((id, _, _)) = self.transaction_of(index) {
            self.transaction_hears(id, Event::Cancelled);
        }
    }

    /// How a transaction gets on; makes the pollable of [`Self::swap_changed`] wait again.
    pub fn swap_record(&mut self, id: u64) -> Option<Record> {
        let Some(transaction) = find(&mut self.transactions, id) else {
            return self.succession_record(id);
        };
        if !transaction.swap.is_over() {
            transaction.changed = self.kernel.make_event();
        }
        Some(transaction.record.clone())
    }

    /// A pollable that is ready when there is more to know than [`Self::swap_record`] told, or
    /// when the transaction is over.
    pub fn swap_changed(&mut self, id: u64) -> Option<K::Pollable> {
        let Some(transaction) = find(&mut self.transactions, id) else {
            return self.succession_changed(id);
        };
        transaction.is_watched = true;
        Some(self.kernel.subscribe(&transaction.changed))
    }

    /// Cancels a transaction: if it is not over, the old versions go on.
    pub fn swap_cancel(&mut self, id: u64) {
        self.transaction_hears(id, Event::Cancelled);
        self.succession_cancel(id);
        self.advance();
    }

    /// One less asks about a transaction, which goes on by itself.
    pub fn swap_drop(&mut self, id: u64) {
        let Some(transaction) = find(&mut self.transactions, id) else {
            return self.succession_drop(id);
        };
        transaction.clients = transaction.clients.saturating_sub(1);
        if transaction.clients == 0 && transaction.swap.is_over() {
            self.transactions.retain(|other| other.id != id);
        }
    }
}
