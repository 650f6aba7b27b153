//! Going on where the supervisor before this one ended, or gives way (ADR 91).
//!
//! One routine for all ends: a crash, a hang, a version that takes over and one that comes back. It
//! reads the ledger and looks at the domains that the kernel has kept, and trusts no memory.
//! [`Supervisor::resume`] only takes over what there is, because the one before may still come
//! back. [`Supervisor::arrives`] acts, when this one serves: it rolls back swaps that were under
//! way, lets go of what nobody knows, and starts what ended meanwhile as its policy says. Servers
//! that live notice nothing of it.

use atoll_system_description::{
    Description, SUPERVISOR, SUPERVISOR_EXPORT, SUPERVISOR_OPERATORS, SUPERVISOR_UPLOADS,
};

use crate::{
    kernel::{Adopted, Kernel, Level, Part, Phase},
    ledger::{
        HEAD, HISTORY, MOST_SWAPS, SERVERS, SWAPS,
        entries::{Head, KeptServer, KeptSwap, Version, read_record},
    },
    restart::{Decision, History},
    server::{Origin, Server, State, Watched},
    supervisor::Supervisor,
    swap::{
        Change, Previous, Record, Result as Outcome,
        record::REMEMBERED,
        resolve::{Remains, Verdict, Way, verdict, way_back},
    },
    task::Task,
};

/// What is to be done when this supervisor serves.
pub(crate) struct Arrival<K: Kernel> {
    /// Comes true then.
    timer: (u64, K::Pollable),
    /// Domains that nobody has claimed yet.
    found: Vec<Adopted<K::Domain>>,
    /// Swaps that were not over, by the numbers of their entries.
    swaps: Vec<(u32, KeptSwap)>,
    /// Servers that were to be started.
    due: Vec<usize>,
    /// The description as it is in the boot archive.
    description: Description,
}

impl<K: Kernel> Arrival<K> {
    /// Takes the domains of a server, the one that lives and is the newest last.
    fn claim(&mut self, name: &str) -> Vec<Adopted<K::Domain>> {
        let all = core::mem::take(&mut self.found);
        let (mut own, others): (Vec<_>, Vec<_>) =
            all.into_iter().partition(|found| found.name == name);
        self.found = others;
        own.sort_by_key(|found| (found.lives, found.id));
        own
    }

    fn find(&self, id: u32) -> Option<&Adopted<K::Domain>> {
        self.found.iter().find(|found| found.id == id)
    }

    /// The domain of a server that is not the new one of its swap, if it lives.
    fn old_of(&self, name: &str, new_domain: u32) -> Option<&Adopted<K::Domain>> {
        let mut others =
            self.found.iter().filter(|found| found.name == name && found.id != new_domain);
        others.find(|found| found.lives)
    }
}

/// The two domains of one server of a swap.
type Two<'a, D> = (Option<&'a Adopted<D>>, Option<&'a Adopted<D>>);

/// Where a domain is that lives.
fn part<D>(found: Option<&Adopted<D>>) -> Option<Part> {
    found.filter(|found| found.lives).map(|found| found.part)
}

impl<K: Kernel> Supervisor<K> {
    /// Whether there was a supervisor before this one.
    pub(crate) fn has_ledger(&self) -> bool {
        self.kernel.read_record(HEAD).is_some()
    }

    /// Takes over what the supervisor before this one had.
    ///
    /// # Errors
    /// Its ledger cannot be read, or its endpoint cannot be served.
    pub(crate) fn resume(&mut self) -> Result<(), String> {
        let head = self.kernel.read_record(HEAD).and_then(|bytes| Head::read(&bytes));
        let head = head.ok_or("the ledger has a layout that this version does not know")?;
        self.tasks_started = head.tasks_started;
        let description = self.description.clone();
        let due = self.resume_servers(&head)?;
        self.resume_records();
        let token = self.token();
        let timer = self.kernel.timer(0);
        self.kernel.watch(&timer, token);
        let swap = |number| Some((number, KeptSwap::read(&self.kernel.read_record(number)?)?));
        let swaps = (SWAPS..SWAPS + MOST_SWAPS).filter_map(swap).collect();
        let found = self.kernel.adopt_domains();
        let mut arrival = Arrival { timer: (token, timer), found, swaps, due, description };
        self.resume_tasks(&mut arrival);
        self.arrival = Some(arrival);
        self.resume_own();
        Ok(())
    }

    /// Everything that a server keeps whatever its domain does; gives those that were to be started.
    fn resume_servers(&mut self, head: &Head) -> Result<Vec<usize>, String> {
        let mut due = Vec::new();
        let mut endpoints = self.kernel.adopt_endpoints();
        let mut capsules = self.kernel.adopt_capsules();
        let own = take(&mut endpoints, head.endpoint);
        let own = own.unwrap_or_else(|| self.kernel.make_endpoint());
        let served = self.kernel.publish(&own, SUPERVISOR_EXPORT, 0);
        served.map_err(|error| format!("{SUPERVISOR_EXPORT} cannot be served: {error}"))?;
        self.endpoints.add(SUPERVISOR, SUPERVISOR_EXPORT, own);
        let served = self.resume_operators(&mut endpoints, &head.operators);
        served.map_err(|error| format!("{SUPERVISOR_OPERATORS} cannot be served: {error}"))?;
        let served = self.resume_uploads(&mut endpoints);
        served.map_err(|error| format!("{SUPERVISOR_UPLOADS} cannot be served: {error}"))?;
        for index in 0..self.description.servers.len() {
            let kept = u32::try_from(index).ok().and_then(|place| {
                KeptServer::read(&self.kernel.read_record(SERVERS.saturating_add(place))?)
            });
            let Some(entry) = self.description.servers.get_mut(index) else { continue };
            let mut ids = kept.iter().flat_map(|kept| kept.endpoints.iter().copied());
            for export in &entry.exports {
                let endpoint = ids.next().and_then(|id| take(&mut endpoints, id));
                let endpoint = endpoint.unwrap_or_else(|| self.kernel.make_endpoint());
                self.endpoints.add(&entry.name, export, endpoint);
            }
            let capsule = kept.as_ref().and_then(|kept| take(&mut capsules, kept.capsule));
            let capsule = match (capsule, entry.capsule) {
                (None, Some(limit)) => self.kernel.make_capsule(limit).ok(),
                (capsule, _) => capsule,
            };
            let server = Server { capsule, ..Server::new(crate::supervisor::at_boot(entry)) };
            self.servers.push(match kept {
                None => server,
                Some(kept) => {
                    due.extend(kept.is_due.then_some(index));
                    let boot = entry.domain.clone();
                    if let Some(version) = &kept.version {
                        entry.domain = version.domain(&boot);
                    }
                    let previous = kept.previous.map(|(version, transaction)| Previous {
                        version: version.domain(&boot),
                        transaction,
                    });
                    Server {
                        state: kept.state,
                        restarts: kept.restarts,
                        history: History::of(kept.history),
                        versions: u32::from(kept.version.is_some()),
                        previous,
                        ..server
                    }
                }
            });
        }
        Ok(due)
    }

    /// The swaps that are over, in their order.
    fn resume_records(&mut self) {
        let most = u32::try_from(REMEMBERED).unwrap_or(u32::MAX);
        let read = |place: u32| {
            let bytes = self.kernel.read_record(HISTORY.saturating_add(place))?;
            Some((place, read_record(&bytes)?))
        };
        let mut records: Vec<(u32, Record)> = (0..most).filter_map(read).collect();
        records.sort_by_key(|(_, record)| record.began_ns);
        if let Some((place, _)) = records.last() {
            self.ledger.go_on_behind(*place);
        }
        self.records = records.into_iter().map(|(_, record)| record).collect();
    }

    /// Programs are known by the names of their domains.
    fn resume_tasks(&mut self, arrival: &mut Arrival<K>) {
        for (program, entry) in self.description.programs.iter().enumerate() {
            let all = core::mem::take(&mut arrival.found);
            let (own, others): (Vec<_>, Vec<_>) = all.into_iter().partition(|found| {
                found.name.rsplit_once('.').is_some_and(|(name, _)| name == entry.name)
            });
            arrival.found = others;
            for found in own {
                let tokens = crate::server::Tokens {
                    changes: next(&mut self.tokens),
                    deadline: next(&mut self.tokens),
                };
                let deadline = entry.domain.start_deadline_ns;
                let watched = Watched::new(&self.kernel, found.domain, tokens, deadline);
                self.tasks.push(Task::resumed(&self.kernel, found.name, program, tokens, watched));
            }
        }
    }

    /// Whether the token says that this supervisor serves; then it acts.
    pub(crate) fn arrives(&mut self, token: u64) -> bool {
        let Some(mut arrival) = self.arrival.take_if(|arrival| arrival.timer.0 == token) else {
            return false;
        };
        for (number, kept) in core::mem::take(&mut arrival.swaps) {
            self.resolve(&arrival, &kept);
            self.put_down_entry(number, &[]);
        }
        let due = core::mem::take(&mut arrival.due);
        for index in 0..self.servers.len() {
            let name = self.name_of(index);
            let own = arrival.claim(&name);
            self.take_up(index, own, due.contains(&index));
        }
        drop(arrival);
        self.kernel.settle();
        for index in 0..self.servers.len() {
            self.go_on(index);
        }
        self.arrive_own();
        true
    }

    /// Brings a swap that was not over to an end.
    fn resolve(&mut self, arrival: &Arrival<K>, kept: &KeptSwap) {
        let members: Vec<(usize, Two<'_, K::Domain>)> = kept
            .members
            .iter()
            .map(|member| {
                let index = usize::try_from(member.server).unwrap_or(usize::MAX);
                let old = arrival.old_of(&self.name_of(index), member.new_domain);
                (index, (old, arrival.find(member.new_domain)))
            })
            .collect();
        let remains: Vec<Remains> = members
            .iter()
            .map(|(_, (old, new))| Remains { old: part(*old), new: part(*new) })
            .collect();
        let mut judged = verdict(&remains);
        if judged == Verdict::Old && self.go_back(&members).is_err() {
            judged = Verdict::New;
        }
        for ((index, (old, new)), member) in members.iter().zip(&kept.members) {
            let ended = if judged == Verdict::New { old } else { new };
            if let Some(found) = ended.filter(|found| found.lives) {
                self.kernel.kill(&found.domain);
            }
            let boot = arrival.description.servers.get(*index).map(|entry| &entry.domain);
            let (Some(boot), Some(server), Some(entry)) =
                (boot, self.servers.get_mut(*index), self.description.servers.get_mut(*index))
            else {
                continue;
            };
            let serving = if judged == Verdict::New { &member.new } else { &member.old };
            entry.domain = serving.domain(boot);
            server.versions = server.versions.saturating_add(1);
            if judged == Verdict::New {
                let version = member.old.domain(boot);
                server.previous = Some(Previous { version, transaction: kept.id });
            }
        }
        self.note_resolved(kept, judged);
    }

    /// Lets the old domains of a swap serve again.
    fn go_back(&self, members: &[(usize, Two<'_, K::Domain>)]) -> Result<(), crate::kernel::Error> {
        let old = members.iter().filter_map(|(_, (old, new))| Some(((*old)?, *new)));
        let reverted: Vec<(&K::Domain, &K::Domain)> = old
            .clone()
            .filter(|(old, _)| way_back(old.part) == Way::Revert)
            .filter_map(|(old, new)| Some((&old.domain, &new?.domain)))
            .collect();
        if !reverted.is_empty() {
            self.kernel.revert(&reverted)?;
        }
        for (old, _) in old.filter(|(old, _)| way_back(old.part) == Way::Thaw) {
            if self.kernel.thaw(&old.domain).is_err() {
                // Its restart is the way back then.
                self.kernel.kill(&old.domain);
            }
        }
        Ok(())
    }

    fn note_resolved(&mut self, kept: &KeptSwap, judged: Verdict) {
        let component = |version: &Version| version.component.clone();
        let changes = kept.members.iter().map(|member| Change {
            server: self.name_of(usize::try_from(member.server).unwrap_or(usize::MAX)),
            old: component(&member.old),
            new: component(&member.new),
        });
        let mut record = Record::new(kept.began_ns, changes.collect());
        record.result = match judged {
            Verdict::New => Outcome::Swapped,
            Verdict::Old => {
                Outcome::RolledBack("the supervisor ended in the middle of it".to_string())
            }
        };
        self.kernel.log(Level::Warn, &format!("{}: {}", record.servers(), record.end()));
        self.remember(record);
    }

    /// Whether a domain that lived is, or was, the one that serves.
    fn is_in_place(&self, found: &Adopted<K::Domain>) -> bool {
        match found.part {
            // An heir may have taken the place since.
            Part::Standby => {
                matches!(self.kernel.phase(&found.domain), Phase::Inheriting | Phase::Ready)
            }
            Part::Reverted => false,
            Part::Serves | Part::Resting | Part::Replaced | Part::Probation => true,
        }
    }

    /// Takes the domain that serves, or ended last, for a server; the others are let go of.
    fn take_up(&mut self, index: usize, mut own: Vec<Adopted<K::Domain>>, is_due: bool) {
        own.retain(|found| !found.lives || self.is_in_place(found));
        let is_over = |found: &Adopted<K::Domain>| {
            matches!(self.kernel.phase(&found.domain), Phase::Ended(_))
        };
        own.sort_by_key(|found| (!is_over(found), found.id));
        let Some(found) = own.pop() else { return };
        let tokens = self.tokens();
        let entry = self.description.servers.get(index);
        let (Some(entry), Some(server)) = (entry, self.servers.get_mut(index)) else { return };
        server.origin = if found.is_clone { Origin::Clone } else { Origin::Bytes };
        server.watched = Some(match self.kernel.phase(&found.domain) {
            Phase::Starting | Phase::Inheriting => {
                server.state = State::Starting;
                let deadline = entry.domain.start_deadline_ns;
                Watched::new(&self.kernel, found.domain, tokens, deadline)
            }
            phase => {
                let is_over = matches!(phase, Phase::Ended(_));
                let mut watched = Watched::standby(&self.kernel, found.domain, tokens.changes);
                match server.state {
                    _ if is_over && is_due => watched.ended(),
                    State::Stopped | State::BackingOff | State::Failed if is_over => {
                        watched.ended()
                    }
                    // If it ended, that is found out like any end.
                    _ => server.state = State::Running,
                }
                watched
            }
        });
    }

    /// Lets a server go on from where it is.
    fn go_on(&mut self, index: usize) {
        let providers = self.providers(index);
        let backoff = self.description.servers.get(index).map(|entry| entry.restart.backoff_ns);
        let Some(server) = self.servers.get_mut(index) else { return };
        server.providers = providers;
        // Whatever it was, it is said anew.
        server.holds_calls = !server.holds_calls;
        match server.state {
            State::Running => {
                self.begin_heartbeat(index);
                self.want_heir(index);
                self.observe(index);
            }
            State::BackingOff => {
                self.follow(index, Decision::After(backoff.unwrap_or(0)), None);
            }
            State::Starting | State::Stopped | State::Failed => {}
        }
    }
}

/// Takes what has that id out of a list.
pub(crate) fn take<T>(adopted: &mut Vec<(u32, T)>, id: u32) -> Option<T> {
    let index = adopted.iter().position(|(other, _)| *other == id)?;
    Some(adopted.swap_remove(index).1)
}

/// The next token.
const fn next(tokens: &mut u64) -> u64 {
    *tokens = tokens.wrapping_add(1);
    *tokens
}
