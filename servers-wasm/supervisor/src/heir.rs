//! Heirs: clones that stand by to take the places of servers that fail (ADR 97).
//!
//! The kernel lets an heir serve before anybody hears of the end; all that is left to do here is
//! what follows any end: its policy, the log, and the next heir. An heir is there only while the
//! policy would restart its server at once, so the two never disagree for long; if they do, the
//! heir is ended. A swap has no heirs: the next one is a clone of the version that stays.

use crate::{
    kernel::{Kernel, Level, Phase},
    launch::{Belongings, Endpoints, Role, launch_clone},
    server::{Origin, State, Watched},
    supervisor::Supervisor,
};

/// Nanoseconds for which a server that became ready is left alone before it gets an heir: clients
/// that waited for it come first.
const PAUSE_NS: u64 = 10_000_000;

/// The heir of a server.
pub enum Heir<K: Kernel> {
    /// It is made when the timer runs out, which has this token.
    Wanted(u64, K::Pollable),
    /// It prepares itself.
    Made(Watched<K>),
    /// It stands by.
    Named(Watched<K>),
}

impl<K: Kernel> Heir<K> {
    /// Its domain.
    pub const fn watched(&self) -> Option<&Watched<K>> {
        match self {
            Self::Wanted(..) => None,
            Self::Made(watched) | Self::Named(watched) => Some(watched),
        }
    }

    fn answers_to(&self, token: u64) -> bool {
        match self {
            Self::Wanted(timer, _) => *timer == token,
            Self::Made(watched) | Self::Named(watched) => watched.answers_to(token),
        }
    }
}

impl<K: Kernel> Supervisor<K> {
    /// Sees to it that a server that runs gets an heir, if it is to have one and has none.
    pub(crate) fn want_heir(&mut self, index: usize) {
        let (now, token) = (self.kernel.now(), self.token());
        let is_swapped = self.transaction_of(index).is_some();
        let Some(entry) = self.description.servers.get(index) else { return };
        let Some(server) = self.servers.get_mut(index) else { return };
        let wanted = entry.restart.heir && entry.snapshot && server.heir.is_none();
        if !wanted || is_swapped || server.state != State::Running {
            return;
        }
        let pause = server.history.immediate_after(&entry.restart, now).max(PAUSE_NS);
        let timer = self.kernel.timer(pause);
        self.kernel.watch(&timer, token);
        server.heir = Some(Heir::Wanted(token, timer));
    }

    /// A timer ran out or an heir changed; whether the token is that of one.
    pub(crate) fn heir_ready(&mut self, token: u64) -> bool {
        let answers =
            |heir: &Option<Heir<K>>| heir.as_ref().is_some_and(|heir| heir.answers_to(token));
        let Some(index) = self.servers.iter().position(|server| answers(&server.heir)) else {
            return false;
        };
        let made = self.servers.get(index).and_then(|server| server.heir.as_ref()?.watched());
        match made.map(|heir| self.kernel.phase(&heir.domain)) {
            None => self.make_heir(index),
            Some(Phase::Prepared(_)) => self.name_heir(index),
            Some(Phase::Ended(_)) => {
                self.say(Level::Warn, index, "has lost its heir");
                self.drop_heir(index);
            }
            // It has taken the server's place, which the server's own end tells of.
            Some(_) => {}
        }
        self.watch_again(token);
        true
    }

    fn make_heir(&mut self, index: usize) {
        let token = self.token();
        let Some(entry) = self.description.servers.get(index) else { return };
        let Some(server) = self.servers.get_mut(index) else { return };
        server.heir = None;
        let Some(watched) = server.watched.as_ref().filter(|_| server.state == State::Running)
        else {
            return;
        };
        let (kernel, name) = (&self.kernel, &entry.name);
        let belongings = Belongings { snapshot: true, capsule: server.capsule.as_ref() };
        let role = Role::Standby { belongings, twins: Endpoints::default() };
        match launch_clone(kernel, name, &entry.domain, &self.endpoints, &watched.domain, role) {
            Ok(domain) => server.heir = Some(Heir::Made(Watched::standby(kernel, domain, token))),
            Err(error) => self.say(Level::Warn, index, &format!("has no heir: {error}")),
        }
    }

    fn name_heir(&mut self, index: usize) {
        let Some(server) = self.servers.get_mut(index) else { return };
        match (server.heir.take(), &server.watched) {
            (Some(Heir::Made(heir)), Some(watched)) => {
                let named = self.kernel.set_heir(&watched.domain, &heir.domain);
                server.heir =
                    Some(if named.is_ok() { Heir::Named(heir) } else { Heir::Made(heir) });
                if let Err(error) = named {
                    self.say(Level::Warn, index, &format!("has no heir: {error}"));
                    self.drop_heir(index);
                }
            }
            (heir, _) => server.heir = heir,
        }
    }

    /// How it stands with the heir of a server, in words.
    pub(crate) fn heir_in_words(&self, index: usize) -> &'static str {
        let entry = self.description.servers.get(index);
        let heir = self.servers.get(index).and_then(|server| server.heir.as_ref());
        match entry.map(|entry| (entry.restart.heir, entry.snapshot)) {
            Some((true, false)) => "none, as it is not kept for clones",
            Some((true, true)) if matches!(heir, Some(Heir::Named(_))) => "a clone stands by",
            Some((true, true)) => "none yet",
            _ => "none",
        }
    }

    /// Ends the heir of a server, if it has one.
    pub(crate) fn drop_heir(&mut self, index: usize) {
        let heir = self.servers.get_mut(index).and_then(|server| server.heir.take());
        if let Some(Heir::Made(watched) | Heir::Named(watched)) = heir {
            self.kernel.kill(&watched.domain);
        }
    }

    /// The heir that has taken the place of a server which ended; any other is ended.
    pub(crate) fn take_heir(&mut self, index: usize) -> Option<Watched<K>> {
        let heir = self.servers.get(index)?.heir.as_ref().and_then(Heir::watched);
        let serves = heir.is_some_and(|heir| {
            matches!(self.kernel.phase(&heir.domain), Phase::Inheriting | Phase::Ready)
        });
        if !serves {
            self.drop_heir(index);
            return None;
        }
        match self.servers.get_mut(index)?.heir.take() {
            Some(Heir::Made(watched) | Heir::Named(watched)) => Some(watched),
            _ => None,
        }
    }

    /// Lets the heir that serves be the server's domain.
    pub(crate) fn install_heir(&mut self, index: usize, mut heir: Watched<K>) {
        let (token, providers) = (self.token(), self.providers(index));
        let Some(entry) = self.description.servers.get(index) else { return };
        let Some(server) = self.servers.get_mut(index) else { return };
        heir.begin_deadline(&self.kernel, token, entry.domain.start_deadline_ns);
        server.watched = Some(heir);
        server.providers = providers;
        server.origin = Origin::Heir;
        self.observe(index);
    }
}
