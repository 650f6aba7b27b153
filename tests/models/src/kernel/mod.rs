//! The kernel as far as a swap is concerned: domains, endpoints, and where each call is.
//!
//! What it does on a request is what `atoll:supervision/domains` promises; a request that does not
//! fit is refused and changes nothing. Server 0 is the one that clients call. Of two servers, it
//! answers after it has called the other one, and calls that also while it takes over.

mod parts;

pub use parts::{Bug, Call, Caller, Client, Domain, Endpoint, Mode, Version, Work};

/// A request that did not fit.
#[derive(Debug)]
pub struct Refused;

/// All of it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Kernel {
    /// Domains, by when they were made.
    pub domains: Vec<Domain>,
    /// One for each server.
    pub endpoints: Vec<Endpoint>,
    /// Clients.
    pub clients: Vec<Client>,
    /// Calls that may fail, because the domain that had taken them crashed.
    pub excused: u8,
    /// Whether a client got an answer that it did not wait for.
    pub answered_twice: bool,
    /// Whether a call failed because a domain was killed.
    pub failed_by_kill: bool,
    /// Whether a domain took a call that one of another version had made, for another interface
    /// perhaps.
    pub mixed: bool,
}

impl Kernel {
    /// So many servers of the old version that serve, and clients that have not called.
    #[must_use]
    pub fn new(servers: usize, clients: usize) -> Self {
        let mut kernel = Self {
            domains: Vec::new(),
            endpoints: vec![Endpoint::default(); servers],
            clients: vec![Client::default(); clients],
            excused: 0,
            answered_twice: false,
            failed_by_kill: false,
            mixed: false,
        };
        for server in 0..servers {
            let domain = kernel.create(server, Version::Old, Mode::Starting);
            kernel.serve(domain);
            kernel.domains[domain].news = false;
        }
        kernel
    }

    /// Makes a domain.
    pub fn create(&mut self, server: usize, version: Version, mode: Mode) -> usize {
        self.domains.push(Domain {
            server,
            version,
            mode,
            replaces: None,
            is_reverted: false,
            work: Work::Idle,
            inbox: Vec::new(),
            news: false,
        });
        self.domains.len() - 1
    }

    /// A domain got further by itself.
    pub fn becomes(&mut self, domain: usize, mode: Mode) {
        self.domains[domain].mode = mode;
        self.domains[domain].news = true;
    }

    /// A started domain is ready: it is bound and gets what waits.
    pub fn serve(&mut self, domain: usize) {
        self.becomes(domain, Mode::Serving);
        self.bind(domain);
    }

    fn bind(&mut self, domain: usize) {
        let endpoint = &mut self.endpoints[self.domains[domain].server];
        endpoint.bound = Some(domain);
        endpoint.hold = false;
        self.domains[domain].inbox.append(&mut endpoint.held);
    }

    /// Sends a call to a server.
    pub fn send(&mut self, server: usize, call: Call) {
        let endpoint = &mut self.endpoints[server];
        match endpoint.bound {
            Some(domain) if !endpoint.hold => self.domains[domain].inbox.push(call),
            _ => endpoint.held.push(call),
        }
    }

    /// Sends a call to the twin of a server's endpoint: the new version has it if it took over, else
    /// it fails.
    pub fn send_to_twin(&mut self, server: usize, call: Call, bug: Option<Bug>) {
        let took_over =
            |domain: &&mut Domain| domain.server == server && domain.mode == Mode::TookOver;
        match self.domains.iter_mut().find(took_over) {
            _ if bug == Some(Bug::NoTwin) => self.send(server, call),
            Some(domain) => domain.inbox.push(call),
            None => self.reply(call, false),
        }
    }

    /// A domain takes the first of its calls.
    pub fn take(&mut self, domain: usize) {
        let call = self.domains[domain].inbox.remove(0);
        if let Caller::Domain(caller) = call.caller {
            self.mixed |= self.domains[caller].version != self.domains[domain].version;
        }
        self.domains[domain].work = Work::Took(call);
    }

    /// A domain answers the call that it has taken, well or not.
    pub fn answer(&mut self, domain: usize, well: bool) {
        let (Work::Took(call) | Work::Told(call, _)) = self.domains[domain].work else { return };
        self.domains[domain].work = Work::Idle;
        self.reply(call, well);
    }

    fn reply(&mut self, call: Call, well: bool) {
        match call.caller {
            Caller::Client => {
                let client = &mut self.clients[call.client];
                let waits_for_it =
                    client.waits && client.outcomes.len() == usize::from(call.number);
                if waits_for_it {
                    client.waits = false;
                    client.outcomes.push(well);
                } else {
                    self.answered_twice = true;
                }
            }
            Caller::Domain(caller) => {
                if let Work::Asked(asked) = self.domains[caller].work {
                    self.domains[caller].work = Work::Told(asked, well);
                }
            }
            Caller::Nobody => {}
        }
    }

    /// A domain ends, by a crash of its own or because it is killed.
    pub fn end(&mut self, domain: usize, crash: bool, bug: Option<Bug>) {
        let ended = &mut self.domains[domain];
        if ended.mode == Mode::Ended {
            return;
        }
        let (server, replaces, work) = (ended.server, ended.replaces, ended.work);
        let (is_reverted, had_twin) = (ended.is_reverted, ended.mode == Mode::TookOver);
        let inbox = core::mem::take(&mut ended.inbox);
        ended.work = Work::Idle;
        self.becomes(domain, Mode::Ended);
        let endpoint = &mut self.endpoints[server];
        if endpoint.bound == Some(domain) {
            endpoint.bound = None;
            endpoint.hold = false;
        }
        if had_twin {
            inbox.into_iter().for_each(|call| self.reply(call, false));
        } else {
            self.repeat(server, inbox);
        }
        if let Work::Took(call) | Work::Asked(call) | Work::Told(call, _) = work
            && self.is_awaited(call)
        {
            let on_probation = replaces.is_some_and(|old| self.domains[old].mode != Mode::Ended);
            if (on_probation || is_reverted) && bug != Some(Bug::NoProbation) {
                self.repeat(server, vec![call]);
            } else {
                let clients = self.is_clients(call);
                self.excused += u8::from(crash && clients);
                self.failed_by_kill |= !crash && clients;
                self.reply(call, false);
            }
        }
        // Nobody waits for what it asked.
        let asked = |call: &Call| call.caller == Caller::Domain(domain);
        for endpoint in &mut self.endpoints {
            endpoint.held.retain(|call| !asked(call));
        }
        for other in &mut self.domains {
            other.inbox.retain(|call| !asked(call));
        }
    }

    /// Whether somebody waits for what comes of a call.
    fn is_awaited(&self, call: Call) -> bool {
        match call.caller {
            Caller::Client => true,
            Caller::Domain(caller) => self.domains[caller].mode != Mode::Ended,
            Caller::Nobody => false,
        }
    }

    /// Whether a client waits for what comes of a call.
    fn is_clients(&self, call: Call) -> bool {
        match call.caller {
            Caller::Client => true,
            Caller::Domain(caller) => {
                matches!(self.domains[caller].work, Work::Asked(asked) if asked.caller != Caller::Nobody)
            }
            Caller::Nobody => false,
        }
    }

    /// Calls that were sent before go to the server before all others.
    fn repeat(&mut self, server: usize, mut calls: Vec<Call>) {
        let endpoint = &mut self.endpoints[server];
        let queue = match endpoint.bound {
            Some(domain) if !endpoint.hold => &mut self.domains[domain].inbox,
            _ => &mut endpoint.held,
        };
        calls.append(queue);
        *queue = calls;
    }

    /// Asks a domain for its state.
    pub fn quiesce(&mut self, domain: usize) -> Result<(), Refused> {
        if self.domains[domain].mode != Mode::Serving {
            return Err(Refused);
        }
        self.domains[domain].mode = Mode::Quiescing;
        let server = self.domains[domain].server;
        self.endpoints[server].hold = true;
        let inbox = core::mem::take(&mut self.domains[domain].inbox);
        self.repeat(server, inbox);
        Ok(())
    }

    /// Lets it go on.
    pub fn thaw(&mut self, domain: usize) -> Result<(), Refused> {
        let asked = [Mode::Quiescing, Mode::Frozen, Mode::Unsaved];
        if !asked.contains(&self.domains[domain].mode) {
            return Err(Refused);
        }
        self.domains[domain].mode = Mode::Serving;
        self.bind(domain);
        Ok(())
    }

    /// Lets a standby take over.
    pub fn take_over(&mut self, (old, new): (usize, usize)) -> Result<(), Refused> {
        let modes = (self.domains[old].mode, self.domains[new].mode);
        if modes != (Mode::Frozen, Mode::Prepared) {
            return Err(Refused);
        }
        self.domains[new].mode = Mode::TakingOver;
        Ok(())
    }

    /// Gives the endpoints to the new domains.
    pub fn commit(&mut self, pairs: &[(usize, usize)], bug: Option<Bug>) -> Result<(), Refused> {
        let there = |(old, new): &(usize, usize)| {
            (self.domains[*old].mode, self.domains[*new].mode) == (Mode::Frozen, Mode::TookOver)
        };
        if !pairs.iter().all(there) && bug != Some(Bug::UncheckedCommit) {
            return Err(Refused);
        }
        for (old, new) in pairs {
            // Only without the check above there are ended ones.
            for (domain, mode) in [(*old, Mode::Replaced), (*new, Mode::Serving)] {
                if self.domains[domain].mode != Mode::Ended {
                    self.domains[domain].mode = mode;
                }
            }
            self.domains[*new].replaces = Some(*old);
            if bug == Some(Bug::LosesHeld) {
                self.endpoints[self.domains[*old].server].held.clear();
            }
            self.bind(*new);
        }
        Ok(())
    }

    /// Gives them back, and ends the new domains.
    pub fn revert(&mut self, pairs: &[(usize, usize)], bug: Option<Bug>) -> Result<(), Refused> {
        if !pairs.iter().all(|(old, _)| self.domains[*old].mode == Mode::Replaced) {
            return Err(Refused);
        }
        for (old, new) in pairs {
            self.domains[*old].mode = Mode::Serving;
            self.domains[*new].is_reverted = true;
            let server = self.domains[*old].server;
            let inbox = core::mem::take(&mut self.domains[*new].inbox);
            self.endpoints[server].hold = true;
            self.repeat(server, inbox);
            if bug == Some(Bug::EagerRevert)
                && let Work::Took(call) | Work::Told(call, _) = self.domains[*new].work
            {
                self.repeat(server, vec![call]);
            }
            self.bind(*old);
        }
        let goes_on = matches!(bug, Some(Bug::EagerRevert | Bug::MixingRevert));
        for (_, new) in pairs.iter().filter(|_| !goes_on) {
            self.end(*new, false, bug);
        }
        Ok(())
    }
}
