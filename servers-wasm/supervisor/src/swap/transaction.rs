//! A transaction with its domains, driven against the kernel.
//!
//! The supervisor's entry of a server always shows the domain that has the endpoints; the other
//! one of the two is the member's *spare*. Commit and revert exchange them, and the versions in
//! the description with them.

use core::mem;

use atoll_system_description::{Domain, Provider};

use super::{
    event::{Action, Event, Phase, Side},
    machine::Swap,
    record::Record,
};
use crate::{
    kernel::{self, Error, Kernel},
    launch::{Belongings, Endpoints, Role, launch},
    server::Watched,
    supervisor::Supervisor,
};

/// One server of a transaction.
pub struct Pair<K: Kernel> {
    /// The server, by its place in the description.
    pub server: usize,
    /// The version of the spare.
    pub version: Domain,
    /// Id of the new domain; 0 before it was made.
    pub made: u32,
    /// The domain that does not have the endpoints: the new one until commit, then the old one.
    pub spare: Option<Watched<K>>,
}

/// What a server was before its last swap.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Previous {
    /// Its version then.
    pub version: Domain,
    /// Id of the transaction in which it was swapped.
    pub transaction: u64,
}

/// One transaction.
pub struct Transaction<K: Kernel> {
    /// Identifies it; never used twice.
    pub id: u64,
    /// Where it is.
    pub swap: Swap,
    /// Its servers, in the order of the machine's members.
    pub pairs: Vec<Pair<K>>,
    /// Whether the new versions have the endpoints.
    pub exchanged: bool,
    /// The timer of a phase, with its token.
    pub timer: Option<(u64, Phase, K::Pollable)>,
    /// Whether a new version got more time than the probation to answer its first call.
    pub extended: bool,
    /// What is known of it.
    pub record: Record,
    /// How many of its phases were told.
    pub told: usize,
    /// When there is time to tell the others, or was for the first, with the timer's token.
    pub news: Option<(u64, K::Pollable)>,
    /// Set when there is more in the record than was read.
    pub changed: K::Event,
    /// Whether somebody waits for that.
    pub is_watched: bool,
    /// How many still ask about it.
    pub clients: u32,
}

impl<K: Kernel> Transaction<K> {
    fn spare(&self, token: u64) -> Option<(usize, &Watched<K>)> {
        let mut members = self.pairs.iter().enumerate();
        members.find_map(|(member, pair)| {
            let spare = pair.spare.as_ref().filter(|spare| spare.answers_to(token))?;
            Some((member, spare))
        })
    }

    /// The versions that do not have the endpoints.
    pub(crate) fn versions(&self) -> impl Iterator<Item = &Domain> {
        self.pairs.iter().map(|pair| &pair.version)
    }

    /// The domains that do not have the endpoints.
    pub(crate) fn spares(&self) -> impl Iterator<Item = &Watched<K>> {
        self.pairs.iter().filter_map(|pair| pair.spare.as_ref())
    }

    const fn spare_side(&self) -> Side {
        if self.exchanged { Side::Old } else { Side::New }
    }

    const fn serving_side(&self) -> Side {
        if self.exchanged { Side::New } else { Side::Old }
    }
}

/// The transaction of that id.
pub(super) fn find<K: Kernel>(
    transactions: &mut [Transaction<K>],
    id: u64,
) -> Option<&mut Transaction<K>> {
    transactions.iter_mut().find(|transaction| transaction.id == id)
}

impl<K: Kernel> Supervisor<K> {
    /// The unfinished transaction that a server is in, and as which member.
    pub(crate) fn transaction_of(&self, server: usize) -> Option<(u64, &Transaction<K>, usize)> {
        self.transactions.iter().filter(|transaction| !transaction.swap.is_over()).find_map(
            |transaction| {
                let member = transaction.pairs.iter().position(|pair| pair.server == server)?;
                Some((transaction.id, transaction, member))
            },
        )
    }

    /// Tells the transaction of a server, if it is in one, where the server's domain is.
    pub(crate) fn transaction_sees(&mut self, server: usize, phase: &kernel::Phase) {
        let Some((id, transaction, member)) = self.transaction_of(server) else { return };
        if let Some(event) = Event::of(member, transaction.serving_side(), phase) {
            self.transaction_hears(id, event);
        }
    }

    /// A spare changed, or a timer ran out; whether the token is that of one.
    pub(crate) fn transaction_ready(&mut self, token: u64) -> bool {
        if self.news_are_due(token) {
            return true;
        }
        let timer = self.transactions.iter().find_map(|transaction| {
            let (_, phase, _) = transaction.timer.as_ref().filter(|timer| timer.0 == token)?;
            Some((transaction.id, *phase))
        });
        if let Some((id, phase)) = timer {
            match phase {
                Phase::Probation => self.probation_ends(id),
                phase => {
                    self.look_again(id);
                    self.transaction_hears(id, Event::Deadline(phase));
                }
            }
            return true;
        }
        let owner = self.transactions.iter().find(|transaction| transaction.spare(token).is_some());
        let Some(id) = owner.map(|transaction| transaction.id) else { return false };
        self.look_at_spare(id, token);
        self.watch_again(token);
        true
    }

    /// What has happened in time counts, even if the deadline is heard of first.
    pub(super) fn look_again(&mut self, id: u64) {
        let Some(transaction) = find(&mut self.transactions, id) else { return };
        let servers: Vec<usize> = transaction.pairs.iter().map(|pair| pair.server).collect();
        let spares: Vec<u64> = transaction.spares().map(Watched::token).collect();
        for token in spares {
            self.look_at_spare(id, token);
        }
        for server in servers {
            self.observe(server);
        }
    }

    fn look_at_spare(&mut self, id: u64, token: u64) {
        let Some(transaction) = find(&mut self.transactions, id) else { return };
        let side = transaction.spare_side();
        let Some((member, spare)) = transaction.spare(token) else { return };
        let phase = self.kernel.phase(&spare.domain);
        if let kernel::Phase::Ended(_) = phase
            && let Some(Pair { spare: Some(spare), .. }) = transaction.pairs.get_mut(member)
        {
            spare.ended();
        }
        if let Some(event) = Event::of(member, side, &phase) {
            self.transaction_hears(id, event);
        }
    }

    /// Takes the transaction further, and the servers, too, when it is over.
    pub(crate) fn transaction_hears(&mut self, id: u64, event: Event) {
        let now = self.kernel.now();
        let Some(transaction) = find(&mut self.transactions, id) else { return };
        if transaction.swap.is_over() {
            return;
        }
        transaction.swap.happened(event, now);
        transaction.record.state_bytes = transaction.swap.saved_bytes();
        self.drive(id);
    }

    /// Does what the machine asks for until it asks for nothing, or a pause is due.
    pub(crate) fn drive(&mut self, id: u64) {
        let mut committed = false;
        self.end_pause(id);
        while let Some(action) = find(&mut self.transactions, id).and_then(|t| t.swap.next_action())
        {
            let answer = match self.act(id, &action) {
                Ok(()) if action == Action::Commit => {
                    committed = true;
                    Event::Committed
                }
                Ok(()) if self.pauses(id) => return,
                Ok(()) => continue,
                Err(error) => Event::Refused(action, error.to_string()),
            };
            let now = self.kernel.now();
            if let Some(transaction) = find(&mut self.transactions, id) {
                transaction.swap.happened(answer, now);
            }
        }
        if committed {
            // Counting the calls ended the readiness of the new versions.
            self.look_again(id);
        }
        self.let_go(id);
    }

    fn act(&mut self, id: u64, action: &Action) -> Result<(), Error> {
        match action {
            Action::Prepare(member) => self.make_standby(id, *member),
            Action::Quiesce(member) => {
                self.with_pair(id, *member, |kernel, old, new| kernel.quiesce(old, new))
            }
            Action::Thaw(member) => self.with_pair(id, *member, |kernel, old, _| kernel.thaw(old)),
            Action::TakeOver(member) => self.with_pair(id, *member, K::take_over),
            Action::KillOld(member) => self.end(id, *member, Side::Old),
            Action::KillNew(member) => self.end(id, *member, Side::New),
            Action::Commit => {
                self.with_pairs(id, K::commit)?;
                self.exchange(id);
                self.count_held(id);
                Ok(())
            }
            Action::Revert => {
                self.with_pairs(id, K::revert)?;
                self.exchange(id);
                Ok(())
            }
            Action::Arm(phase, after_ns) => {
                self.arm(id, *phase, *after_ns);
                Ok(())
            }
            Action::Passed(phase, took_ns) => {
                self.note_phase(id, *phase, *took_ns);
                Ok(())
            }
            Action::Finish(outcome) => {
                self.finish(id, outcome);
                Ok(())
            }
        }
    }

    fn make_standby(&mut self, id: u64, member: usize) -> Result<(), Error> {
        let token = self.token();
        let twins = self.twins(id, member)?;
        let transaction = find(&mut self.transactions, id);
        let pair = transaction.and_then(|transaction| transaction.pairs.get_mut(member));
        let Some(pair) = pair else { return Ok(()) };
        let server = pair.server;
        let Some(entry) = self.description.servers.get(server) else { return Ok(()) };
        let (kernel, name) = (&self.kernel, &entry.name);
        let capsule = self.servers.get(server).and_then(|server| server.capsule.as_ref());
        let belongings = Belongings { snapshot: entry.snapshot, capsule };
        let role = Role::Standby { belongings, twins };
        let domain = launch(kernel, name, &pair.version, &self.endpoints, role)?;
        pair.made = kernel.domain_id(&domain);
        pair.spare = Some(Watched::standby(kernel, domain, token));
        self.drop_heir(server);
        Ok(())
    }

    /// What the new version of a member reaches in place of the endpoints of other members, the new
    /// versions of which are prepared.
    fn twins(&self, id: u64, member: usize) -> Result<Endpoints<K::Endpoint>, Error> {
        let mut twins = Endpoints::default();
        let transaction = self.transactions.iter().find(|other| other.id == id);
        let Some(transaction) = transaction else { return Ok(twins) };
        let imports = transaction.pairs.get(member).map(|pair| &pair.version.imports);
        for import in imports.into_iter().flatten() {
            let Provider::Server { name, .. } = &import.provider else { continue };
            let mut others = transaction.pairs.iter();
            let other = others.find(|pair| self.name_of(pair.server) == *name);
            let Some(spare) = other.and_then(|pair| pair.spare.as_ref()) else { continue };
            if let Some(endpoint) = self.endpoints.find(name, &import.interface) {
                let twin = self.kernel.twin(endpoint, &spare.domain)?;
                twins.add(name, &import.interface, twin);
            }
        }
        Ok(twins)
    }

    /// The domains of a member, the old one first.
    fn domains(&self, id: u64, member: usize) -> Option<(&Watched<K>, &Watched<K>)> {
        let transaction = self.transactions.iter().find(|other| other.id == id)?;
        let pair = transaction.pairs.get(member)?;
        let serving = self.servers.get(pair.server)?.watched.as_ref()?;
        let spare = pair.spare.as_ref();
        Some(match transaction.exchanged {
            true => (spare?, serving),
            // Of a member that has no standby only the old domain is ever asked for.
            false => (serving, spare.unwrap_or(serving)),
        })
    }

    fn with_pair(
        &self,
        id: u64,
        member: usize,
        ask: impl Fn(&K, &K::Domain, &K::Domain) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let gone = || Error::NotRunning("the server".to_string());
        let (old, new) = self.domains(id, member).ok_or_else(gone)?;
        ask(&self.kernel, &old.domain, &new.domain)
    }

    fn with_pairs(
        &self,
        id: u64,
        ask: impl Fn(&K, &[(&K::Domain, &K::Domain)]) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let transaction = self.transactions.iter().find(|other| other.id == id);
        let pairs: Vec<_> = (0..transaction.map_or(0, |transaction| transaction.pairs.len()))
            .filter_map(|member| self.domains(id, member))
            .map(|(old, new)| (&old.domain, &new.domain))
            .collect();
        ask(&self.kernel, &pairs)
    }

    fn end(&self, id: u64, member: usize, side: Side) -> Result<(), Error> {
        if let Some((old, new)) = self.domains(id, member) {
            self.kernel.kill(match side {
                Side::Old => &old.domain,
                Side::New => &new.domain,
            });
        }
        Ok(())
    }

    /// Lets the entries of the servers show the other domains and versions.
    fn exchange(&mut self, id: u64) {
        let Some(transaction) = find(&mut self.transactions, id) else { return };
        transaction.exchanged = !transaction.exchanged;
        for pair in &mut transaction.pairs {
            if let Some(server) = self.servers.get_mut(pair.server) {
                mem::swap(&mut server.watched, &mut pair.spare);
                server.versions = server.versions.saturating_add(1);
                server.heartbeat = None;
            }
            if let Some(entry) = self.description.servers.get_mut(pair.server) {
                mem::swap(&mut entry.domain, &mut pair.version);
            }
        }
        let servers: Vec<usize> = transaction.pairs.iter().map(|pair| pair.server).collect();
        for server in servers {
            self.begin_heartbeat(server);
        }
    }

    /// The calls that flowed to the new versions at commit.
    fn count_held(&mut self, id: u64) {
        let Some(transaction) = find(&mut self.transactions, id) else { return };
        for pair in &transaction.pairs {
            let watched = self.servers.get(pair.server).and_then(|server| server.watched.as_ref());
            let held = watched.map_or(0, |watched| self.kernel.calls_open(&watched.domain));
            transaction.record.calls_held = transaction.record.calls_held.saturating_add(held);
        }
    }

    pub(super) fn arm(&mut self, id: u64, phase: Phase, after_ns: u64) {
        let token = self.token();
        let timer = self.kernel.timer(after_ns);
        self.kernel.watch(&timer, token);
        if let Some(transaction) = find(&mut self.transactions, id) {
            transaction.timer = Some((token, phase, timer));
        }
    }

    /// Lets go of a transaction that is over, and looks what became of its servers meanwhile.
    fn let_go(&mut self, id: u64) {
        let Some(transaction) = find(&mut self.transactions, id) else { return };
        if !transaction.swap.is_over() {
            return;
        }
        let pairs = mem::take(&mut transaction.pairs);
        self.transactions.retain(|other| other.id != id || other.clients > 0);
        for pair in pairs {
            self.observe(pair.server);
            self.want_heir(pair.server);
        }
    }
}
