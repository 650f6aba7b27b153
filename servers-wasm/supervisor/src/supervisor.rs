//! The supervisor's state and how it changes: boot, readiness, ends and restarts.

use atoll_system_description::{
    DESCRIPTION_MODULE, Description, SUPERVISOR, SUPERVISOR_EXPORT, SUPERVISOR_OPERATORS, Start,
};

use crate::{
    kernel::{Cause, End, Error, Kernel, Level, Phase},
    launch::{Belongings, Endpoints, Role, launch, launch_clone},
    ledger::Ledger,
    operator::lines,
    report,
    restart::Decision,
    resume::Arrival,
    server::{Origin, Server, State, Tokens, Watched},
    succession::{Own, Succession},
    swap::{Record, Transaction, record::REMEMBERED},
    task::Task,
};

/// All servers and running programs.
pub struct Supervisor<K: Kernel> {
    pub(crate) kernel: K,
    pub(crate) description: Description,
    /// One for each server of the description, in its order.
    pub(crate) servers: Vec<Server<K>>,
    pub(crate) endpoints: Endpoints<K::Endpoint>,
    pub(crate) tasks: Vec<Task<K>>,
    /// How many programs were started since boot.
    pub(crate) tasks_started: u32,
    /// Swaps that are not over, or that somebody still asks about.
    pub(crate) transactions: Vec<Transaction<K>>,
    /// Swaps that are over, the oldest first.
    pub(crate) records: Vec<Record>,
    /// What is written down for the next supervisor.
    pub(crate) ledger: Ledger,
    /// What is to be done as soon as this supervisor serves in the place of another one.
    pub(crate) arrival: Option<Arrival<K>>,
    /// File name of the supervisor's component.
    pub(crate) component: String,
    /// Its versions, as they are and as they were written down.
    pub(crate) own: Own,
    pub(crate) own_written: Own,
    /// Its last swap, as long as it is not over or somebody asks about it.
    pub(crate) succession: Option<Succession<K>>,
    pub(crate) tokens: u64,
}

/// Where a server is before anything happened.
pub(crate) const fn at_boot(server: &atoll_system_description::Server) -> State {
    match server.start {
        Start::Boot => State::Starting,
        Start::Manual => State::Stopped,
    }
}

/// Whether there was nothing to clone.
fn is_missing<D>(clone: &Result<D, Error>) -> bool {
    matches!(clone, Err(Error::NotFound(_)))
}

impl<K: Kernel> Supervisor<K> {
    /// A supervisor of nothing.
    pub fn new(kernel: K) -> Self {
        Self {
            kernel,
            description: Description::default(),
            servers: Vec::new(),
            endpoints: Endpoints::default(),
            tasks: Vec::new(),
            tasks_started: 0,
            transactions: Vec::new(),
            records: Vec::new(),
            ledger: Ledger::default(),
            arrival: None,
            component: String::new(),
            own: Own::default(),
            own_written: Own::default(),
            succession: None,
            tokens: 0,
        }
    }

    /// Reads the description and starts what starts at boot, or goes on where the supervisor before
    /// this one ended. Without a valid description it says what is wrong and supervises nothing.
    ///
    /// # Errors
    /// It cannot go on where the one before ended.
    pub fn boot(&mut self) -> Result<(), String> {
        self.component = self.kernel.began().component;
        // No supervisor since boot has had these numbers.
        self.tokens = self.kernel.now();
        if let Err(message) = self.read_description() {
            self.kernel.log(Level::Error, &message);
            self.kernel.log(Level::Error, "no server is started: the description was refused");
            return Ok(());
        }
        if self.has_ledger() {
            self.resume()?
        } else {
            self.begin()?
        }
        self.advance();
        Ok(())
    }

    fn read_description(&mut self) -> Result<(), String> {
        let module = self.kernel.read_module(DESCRIPTION_MODULE);
        let bytes = module.map_err(|error| format!("{DESCRIPTION_MODULE}: {error}"))?;
        let text = String::from_utf8(bytes)
            .map_err(|_| format!("{DESCRIPTION_MODULE}:1:1: the text is not UTF-8"))?;
        self.description =
            Description::parse(&text, DESCRIPTION_MODULE).map_err(|error| error.to_string())?;
        Ok(())
    }

    /// Makes what every server has in all its lives.
    fn begin(&mut self) -> Result<(), String> {
        // One that ended before it had written anything down may have begun.
        self.kernel.settle();
        let own = self.kernel.make_endpoint();
        self.kernel
            .publish(&own, SUPERVISOR_EXPORT, 0)
            .map_err(|error| format!("{SUPERVISOR_EXPORT} cannot be served: {error}"))?;
        self.endpoints.add(SUPERVISOR, SUPERVISOR_EXPORT, own);
        self.serve_operators(lines(&self.description))
            .map_err(|error| format!("{SUPERVISOR_OPERATORS} cannot be served: {error}"))?;
        for server in &self.description.servers {
            for export in &server.exports {
                self.endpoints.add(&server.name, export, self.kernel.make_endpoint());
            }
            let capsule = server.capsule.map(|limit| self.kernel.make_capsule(limit)).transpose();
            let capsule = capsule
                .map_err(|error| format!("`{}` cannot have its capsule: {error}", server.name))?;
            self.servers.push(Server { capsule, ..Server::new(at_boot(server)) });
        }
        let (servers, programs) = (self.servers.len(), self.description.programs.len());
        let name = &self.description.name;
        let message = format!("system `{name}`: {servers} servers, {programs} programs");
        self.kernel.log(Level::Info, &message);
        Ok(())
    }

    /// Remembers a swap that is over.
    pub(crate) fn remember(&mut self, record: Record) {
        if self.records.len() == REMEMBERED {
            self.records.remove(0);
        }
        self.records.push(record);
        self.ledger.unwritten = self.ledger.unwritten.saturating_add(1);
    }

    /// Numbers for a domain that is about to start.
    pub(crate) const fn tokens(&mut self) -> Tokens {
        Tokens { changes: self.token(), deadline: self.token() }
    }

    /// A number for a new watch, never used before.
    pub(crate) const fn token(&mut self) -> u64 {
        self.tokens = self.tokens.wrapping_add(1);
        self.tokens
    }

    /// The pollable that was watched under this token is ready.
    pub fn ready(&mut self, token: u64) {
        let watched = |server: &Server<K>| {
            server.watched.as_ref().is_some_and(|watched| watched.answers_to(token))
        };
        let paused =
            |server: &Server<K>| server.pause.as_ref().is_some_and(|(timer, _)| *timer == token);
        if let Some(index) = self.servers.iter().position(watched) {
            self.observe(index);
            self.watch_again(token);
        } else if let Some(index) = self.servers.iter().position(paused) {
            self.begin_again(index);
        } else if let Some(index) = self.servers.iter().position(|server| {
            server.watched.as_ref().is_some_and(|watched| watched.deadline_is(token))
        }) {
            self.overdue(index);
        } else if !self.arrives(token)
            && !self.heartbeat_ready(token)
            && !self.transaction_ready(token)
            && !self.succession_ready(token)
            && !self.heir_ready(token)
        {
            self.task_ready(token);
        }
        self.advance();
    }

    /// Asks to be told of the next change, too, of whatever is watched under that token.
    pub(crate) fn watch_again(&self, token: u64) {
        let serving = self.servers.iter().filter_map(|server| server.watched.as_ref());
        let spares = self.transactions.iter().flat_map(Transaction::spares);
        let heirs = self.servers.iter().filter_map(|server| server.heir.as_ref()?.watched());
        if let Some(watched) =
            serving.chain(spares).chain(heirs).find(|watched| watched.answers_to(token))
        {
            watched.watch_again(&self.kernel);
        }
    }

    /// Looks where a server's domain is and acts on it.
    pub(crate) fn observe(&mut self, index: usize) {
        let watched = self.servers.get(index).and_then(|server| server.watched.as_ref());
        let Some(watched) = watched.filter(|watched| watched.is_live()) else { return };
        let (phase, token) = (self.kernel.phase(&watched.domain), watched.token());
        self.transaction_sees(index, &phase);
        let Some(server) = self.servers.get_mut(index) else { return };
        // A transaction may have gone on with the server's other domain.
        let Some(watched) = server.watched.as_mut().filter(|watched| watched.answers_to(token))
        else {
            return;
        };
        match phase {
            Phase::Ready => {
                watched.is_ready();
                if server.state == State::Starting {
                    server.state = State::Running;
                    let ready = report::ready(server.origin);
                    self.say(Level::Info, index, ready);
                    self.begin_heartbeat(index);
                    self.want_heir(index);
                } else {
                    self.feel_pulse(index);
                }
            }
            Phase::Ended(end) => {
                watched.ended();
                let was_ready = server.state == State::Running;
                if !was_ready {
                    // What failed at its start is not worth a clone.
                    server.forget_snapshot(&self.kernel);
                }
                if server.origin != Origin::Bytes && !was_ready {
                    self.load_instead(index, &end);
                } else {
                    self.ended(index, &end);
                }
            }
            // Steps of a start or of a swap.
            _ => {}
        }
    }

    /// The start deadline of a server passed: it is ended, unless it is ready by now.
    fn overdue(&mut self, index: usize) {
        self.observe(index);
        let server = self.servers.get_mut(index);
        let starting = server.filter(|server| server.state == State::Starting);
        if let Some(watched) = starting.and_then(|server| server.watched.as_mut()) {
            watched.expire(&self.kernel);
        }
        self.observe(index);
    }

    /// Starts every server that is to start and whose providers are ready. Every change of a
    /// server's state is followed by this.
    pub(crate) fn advance(&mut self) {
        if self.arrival.is_some() {
            return;
        }
        while let Some(index) = (0..self.servers.len()).find(|index| self.may_start(*index)) {
            // A failure is logged where it happens; the server is then no longer starting.
            let _ = self.start_now(index);
        }
        self.advance_tasks();
        self.hold_calls();
    }

    fn may_start(&self, index: usize) -> bool {
        self.servers.get(index).is_some_and(|server| {
            server.state == State::Starting && !server.is_live() && self.waits_for(index).is_none()
        })
    }

    /// A provider of the server that is not ready.
    pub(crate) fn waits_for(&self, index: usize) -> Option<usize> {
        let ready =
            |needed: &usize| self.servers.get(*needed).is_some_and(|s| s.state == State::Running);
        self.description.dependencies(index).into_iter().find(|needed| !ready(needed))
    }

    /// Tokens of the domains that a server imports from, as they are now.
    pub(crate) fn providers(&self, index: usize) -> Vec<u64> {
        let token = |needed: usize| {
            let watched = self.servers.get(needed)?.watched.as_ref()?;
            watched.is_live().then(|| watched.token())
        };
        let needed = self.description.dependencies(index).into_iter();
        needed.map(|needed| token(needed).unwrap_or(0)).collect()
    }

    /// Makes and starts the domain of a server.
    pub(crate) fn start_now(&mut self, index: usize) -> Result<(), Error> {
        let tokens = self.tokens();
        let providers = self.providers(index);
        let Some(entry) = self.description.servers.get(index) else { return Ok(()) };
        let Some(server) = self.servers.get_mut(index) else { return Ok(()) };
        server.pause = None;
        server.providers = providers;
        let (kernel, plan) = (&self.kernel, &entry.domain);
        let before = server.watched.take().map(|watched| watched.domain);
        let capsule = server.capsule.as_ref();
        let clone = before.as_ref().map(|original| {
            let role = Role::Server(Belongings { snapshot: true, capsule });
            launch_clone(kernel, &entry.name, plan, &self.endpoints, original, role)
        });
        server.origin = if matches!(clone, Some(Ok(_))) { Origin::Clone } else { Origin::Bytes };
        // The domain before it, kept for its status, goes first: its handle is room.
        drop(before);
        let launched = match clone {
            Some(Ok(domain)) => Ok(domain),
            clone => {
                if let Some(Err(error)) = clone.filter(|clone| !is_missing(clone)) {
                    kernel.log(Level::Warn, &format!("`{}` cannot be cloned: {error}", entry.name));
                }
                let role = Role::Server(Belongings { snapshot: entry.snapshot, capsule });
                launch(kernel, &entry.name, plan, &self.endpoints, role)
            }
        };
        match launched {
            Ok(domain) => {
                let deadline = plan.start_deadline_ns;
                server.watched = Some(Watched::new(kernel, domain, tokens, deadline));
                self.set(index, State::Starting);
                Ok(())
            }
            Err(error) => {
                self.set(index, State::Failed);
                self.say(Level::Error, index, &format!("cannot start: {error}"));
                Err(error)
            }
        }
    }

    /// The pause of a server is over, or it had none.
    pub(crate) fn begin_again(&mut self, index: usize) {
        let Some(server) = self.servers.get_mut(index) else { return };
        server.pause = None;
        server.state = State::Starting;
        server.restarts = server.restarts.saturating_add(1);
    }

    /// A clone ended before it was ready: the server is loaded, which is the same restart still.
    fn load_instead(&mut self, index: usize, end: &End) {
        let entry = self.description.servers.get(index);
        let Some((server, entry)) = self.servers.get(index).zip(entry) else { return };
        let overdue = server.watched.as_ref().is_some_and(Watched::is_overdue);
        let what = report::what(end, overdue, &entry.domain);
        self.say(Level::Warn, index, &format!("{what}, as a clone; it is loaded instead"));
    }

    /// A server's domain ended by itself or by `kill`.
    fn ended(&mut self, index: usize, end: &End) {
        let now = self.kernel.now();
        let heir = self.take_heir(index);
        let refused = end.cause == Cause::Refused;
        let providers = if refused { self.providers(index) } else { Vec::new() };
        let Some(entry) = self.description.servers.get(index) else { return };
        let Some(server) = self.servers.get_mut(index) else { return };
        let overdue = server.watched.as_ref().is_some_and(Watched::is_overdue);
        if overdue {
            server.history.stood_still(entry.domain.start_deadline_ns);
        }
        server.heartbeat = None;
        // What was refused would be refused again, unless it was because a server that it imports
        // from was just then being restarted.
        let decision = if refused && providers == server.providers {
            Decision::GiveUp
        } else {
            server.history.ended(&entry.restart, now, end.went_well())
        };
        let level = if end.went_well() { Level::Info } else { Level::Error };
        let what = report::what(end, overdue, &entry.domain);
        let then = report::then(decision, &entry.restart);
        self.say_parts(level, index, &[&what, "; ", &then]);
        self.follow(index, decision, heir);
    }

    pub(crate) fn follow(&mut self, index: usize, decision: Decision, heir: Option<Watched<K>>) {
        if matches!(decision, Decision::Now | Decision::After(_)) {
            self.escalate(index);
        }
        match (decision, heir) {
            (Decision::Now, Some(heir)) => {
                self.begin_again(index);
                self.install_heir(index, heir);
                return;
            }
            // The policy does not want what the kernel did.
            (_, Some(heir)) => self.kernel.kill(&heir.domain),
            (_, None) => {}
        }
        match decision {
            Decision::Now => self.begin_again(index),
            Decision::After(pause) => {
                let token = self.token();
                let timer = self.kernel.timer(pause);
                self.kernel.watch(&timer, token);
                self.set(index, State::BackingOff);
                if let Some(server) = self.servers.get_mut(index) {
                    server.pause = Some((token, timer));
                }
            }
            Decision::Stop => self.put_down(index, State::Stopped),
            Decision::GiveUp | Decision::TooOften => self.put_down(index, State::Failed),
        }
    }

    /// A server whose domain has ended is not restarted: when it is started, it is loaded.
    pub(crate) fn put_down(&mut self, index: usize, state: State) {
        self.set(index, state);
        if let Some(server) = self.servers.get(index) {
            server.forget_snapshot(&self.kernel);
        }
    }

    pub(crate) fn set(&mut self, index: usize, state: State) {
        if let Some(server) = self.servers.get_mut(index) {
            server.state = state;
        }
    }

    /// Lets calls to servers wait that will soon be back, and makes those to others fail.
    fn hold_calls(&mut self) {
        for index in 0..self.servers.len() {
            let hold = !self.is_down(index);
            let Some(entry) = self.description.servers.get(index) else { return };
            let Some(server) = self.servers.get_mut(index) else { return };
            if server.holds_calls != hold {
                server.holds_calls = hold;
                for (_, endpoint) in self.endpoints.of(&entry.name) {
                    self.kernel.hold_calls(endpoint, hold);
                }
                self.say_what_it_waits_for(index);
            }
        }
    }

    /// Whether a server runs again only if somebody starts it, or one that it imports from.
    pub(crate) fn is_down(&self, index: usize) -> bool {
        let Some(server) = self.servers.get(index) else { return true };
        match server.state {
            State::Stopped | State::Failed => true,
            State::Starting if !server.is_live() => self.down_provider(index).is_some(),
            State::Starting | State::Running | State::BackingOff => false,
        }
    }

    fn down_provider(&self, index: usize) -> Option<usize> {
        self.description.dependencies(index).into_iter().find(|needed| self.is_down(*needed))
    }

    /// A server that cannot start, for no reason of its own, would otherwise do so silently.
    fn say_what_it_waits_for(&self, index: usize) {
        let waits = self.servers.get(index).is_some_and(|server| server.state == State::Starting);
        let provider = self.down_provider(index).filter(|_| waits);
        if let Some(entry) = provider.and_then(|index| self.description.servers.get(index)) {
            self.say(Level::Warn, index, &format!("waits for `{}`, which is down", entry.name));
        }
    }

    /// Logs a sentence about a server.
    pub(crate) fn say(&self, level: Level, index: usize, what: &str) {
        self.say_parts(level, index, &[what]);
    }

    /// Logs a sentence that consists of these parts: clients wait while a restart is logged, and
    /// formatting takes an interpreter long.
    fn say_parts(&self, level: Level, index: usize, parts: &[&str]) {
        let Some(entry) = self.description.servers.get(index) else { return };
        let length: usize = parts.iter().map(|part| part.len()).sum();
        let mut text = String::with_capacity(entry.name.len() + length + 3);
        ["`", &entry.name, "` "].iter().chain(parts).for_each(|part| text.push_str(part));
        self.kernel.log(level, &text);
    }
}
