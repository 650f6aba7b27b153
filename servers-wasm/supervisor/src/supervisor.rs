//! The supervisor's state, its boot, and whom it tells of what becomes ready.
//!
//! Neighbours: `starting` makes the domains of servers, `ends` decides what follows their ends.

use atoll_system_description::{
    DESCRIPTION_MODULE, Description, SUPERVISOR, SUPERVISOR_EXPORT, SUPERVISOR_OPERATORS,
    SUPERVISOR_UPLOADS, Start,
};

use crate::{
    kernel::{Kernel, Level, Phase},
    launch::Endpoints,
    ledger::Ledger,
    operator::lines,
    report,
    resume::Arrival,
    server::{Origin, Server, State, Tokens},
    succession::{Own, Succession},
    swap::{Record, Transaction, record::REMEMBERED},
    task::Task,
    uploads::Uploads,
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
    /// Components that came at run time.
    pub(crate) uploads: Uploads<K::Module>,
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
            uploads: Uploads::default(),
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
        self.uploads = Uploads::of(&self.description);
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
        self.serve_uploads()
            .map_err(|error| format!("{SUPERVISOR_UPLOADS} cannot be served: {error}"))?;
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

    pub(crate) fn set(&mut self, index: usize, state: State) {
        if let Some(server) = self.servers.get_mut(index) {
            server.state = state;
        }
    }

    /// Logs a sentence about a server.
    pub(crate) fn say(&self, level: Level, index: usize, what: &str) {
        self.say_parts(level, index, &[what]);
    }

    /// Logs a sentence that consists of these parts: clients wait while a restart is logged, and
    /// formatting takes an interpreter long.
    pub(crate) fn say_parts(&self, level: Level, index: usize, parts: &[&str]) {
        let Some(entry) = self.description.servers.get(index) else { return };
        let length: usize = parts.iter().map(|part| part.len()).sum();
        let mut text = String::with_capacity(entry.name.len() + length + 3);
        ["`", &entry.name, "` "].iter().chain(parts).for_each(|part| text.push_str(part));
        self.kernel.log(level, &text);
    }
}
