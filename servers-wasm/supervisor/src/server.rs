//! What the supervisor remembers of one server, and of any domain that it watches.

use crate::{
    health::Heartbeat, heir::Heir, kernel::Kernel, ledger::Mark, restart::History, swap::Previous,
};

/// Where a server is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Not running, and not meant to.
    Stopped,
    /// Waiting for those that it imports from, or started and not yet ready.
    Starting,
    /// Ready.
    Running,
    /// Ended; will be started again after a pause.
    BackingOff,
    /// Ended, and restarted too often or not to be restarted.
    Failed,
}

/// A domain with the pollable that tells of its changes.
pub struct Watched<K: Kernel> {
    /// The domain.
    pub domain: K::Domain,
    /// Absent once the domain has ended.
    changes: Option<K::Pollable>,
    token: u64,
    /// Until it is ready or has ended: the timer of its start deadline, with its token.
    deadline: Option<(u64, K::Pollable)>,
    overdue: bool,
}

/// The tokens under which a domain that starts is watched.
#[derive(Clone, Copy, Debug)]
pub struct Tokens {
    /// That of its changes.
    pub changes: u64,
    /// That of its start deadline.
    pub deadline: u64,
}

impl<K: Kernel> Watched<K> {
    /// Starts watching a domain that was started just now and has so many nanoseconds to become
    /// ready.
    pub fn new(kernel: &K, domain: K::Domain, tokens: Tokens, deadline_ns: u64) -> Self {
        let mut watched = Self::standby(kernel, domain, tokens.changes);
        watched.begin_deadline(kernel, tokens.deadline, deadline_ns);
        watched
    }

    /// Gives the domain so many nanoseconds to become ready.
    pub fn begin_deadline(&mut self, kernel: &K, token: u64, deadline_ns: u64) {
        let timer = kernel.timer(deadline_ns);
        kernel.watch(&timer, token);
        self.deadline = Some((token, timer));
    }

    /// Starts watching a standby, whose deadlines are those of its transaction.
    pub fn standby(kernel: &K, domain: K::Domain, token: u64) -> Self {
        let changes = Some(kernel.changes(&domain));
        let watched = Self { changes, domain, token, deadline: None, overdue: false };
        watched.watch_again(kernel);
        watched
    }

    /// Notes that the domain is ready: it has no deadline any more.
    pub fn is_ready(&mut self) {
        self.deadline = None;
    }

    /// Whether it is not ready yet, as far as noticed.
    pub const fn is_starting(&self) -> bool {
        self.deadline.is_some()
    }

    /// Whether this token is that of the start deadline of a domain that is not ready.
    pub fn deadline_is(&self, token: u64) -> bool {
        self.deadline.as_ref().is_some_and(|(deadline, _)| *deadline == token)
    }

    /// Ends a domain that did not become ready in time.
    pub fn expire(&mut self, kernel: &K) {
        self.deadline = None;
        self.overdue = true;
        kernel.kill(&self.domain);
    }

    /// Whether its deadline ended it.
    pub const fn is_overdue(&self) -> bool {
        self.overdue
    }

    /// Asks to be told of the next change; watches are one-shot.
    pub fn watch_again(&self, kernel: &K) {
        if let Some(changes) = &self.changes {
            kernel.watch(changes, self.token);
        }
    }

    /// Notes that the domain has ended: no more notifications, its status stays readable.
    pub fn ended(&mut self) {
        self.changes = None;
        self.deadline = None;
    }

    /// Whether the domain lives, as far as noticed.
    pub const fn is_live(&self) -> bool {
        self.changes.is_some()
    }

    /// The token that it is watched under, which no other domain has had or will have.
    pub const fn token(&self) -> u64 {
        self.token
    }

    /// Whether a notification with that token is about this domain.
    pub const fn answers_to(&self, token: u64) -> bool {
        self.token == token && self.is_live()
    }
}

/// How a server's domain came to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// It was loaded.
    Bytes,
    /// It began as a clone of the one before it.
    Clone,
    /// It was the heir of the one before it.
    Heir,
}

/// One server of the description.
pub struct Server<K: Kernel> {
    /// Where it is.
    pub state: State,
    /// How often it was restarted since boot.
    pub restarts: u32,
    /// What its next end leads to.
    pub history: History,
    /// What it keeps beyond its end; made once, like its endpoints.
    pub capsule: Option<K::Capsule>,
    /// Its domain, the last one if it ended.
    pub watched: Option<Watched<K>>,
    /// How that came to be.
    pub origin: Origin,
    /// Who takes its place if it fails.
    pub heir: Option<Heir<K>>,
    /// Tokens of the domains that it imports from, as they were when it was started.
    pub providers: Vec<u64>,
    /// Whether calls to it wait while it does not run.
    pub holds_calls: bool,
    /// The pause before its next start, with its token.
    pub pause: Option<(u64, K::Pollable)>,
    /// Its probes, while it runs and is probed.
    pub heartbeat: Option<Heartbeat<K>>,
    /// What it was before its last swap.
    pub previous: Option<Previous>,
    /// How often its version changed; 0 is the one of the description.
    pub versions: u32,
    /// What was written down of it last.
    pub mark: Option<Mark>,
}

impl<K: Kernel> Server<K> {
    /// A server that never ran.
    #[must_use]
    pub fn new(state: State) -> Self {
        Self {
            state,
            restarts: 0,
            history: History::default(),
            capsule: None,
            watched: None,
            origin: Origin::Bytes,
            heir: None,
            providers: Vec::new(),
            holds_calls: true,
            pause: None,
            heartbeat: None,
            previous: None,
            versions: 0,
            mark: None,
        }
    }

    /// Whether it is to be started and has no domain yet.
    pub fn is_due(&self) -> bool {
        self.state == State::Starting && !self.is_live()
    }

    /// Whether it has a living domain.
    pub fn is_live(&self) -> bool {
        self.watched.as_ref().is_some_and(Watched::is_live)
    }

    /// Lets go of what was kept of its domain, which has ended, for clones.
    pub fn forget_snapshot(&self, kernel: &K) {
        if let Some(watched) = &self.watched {
            kernel.kill(&watched.domain);
        }
    }
}
