//! Finding servers that hang: probes and their deadlines (ADR 86), and who is restarted with whom.
//!
//! A probe is an event that a domain answers between two calls; nothing here waits for it. A
//! server that is probed has a [`Heartbeat`] with one timer: while a probe is out it is the
//! deadline, else the pause before the next one.

use crate::{
    kernel::{Kernel, Level},
    report,
    server::{Server, State, Watched},
    supervisor::Supervisor,
    swap::{Event, order},
};

/// The probes of one domain of a server.
pub struct Heartbeat<K: Kernel> {
    /// The number of the last probe.
    number: u64,
    /// Whether it was not answered yet.
    is_out: bool,
    /// The timer, with its token.
    timer: (u64, K::Pollable),
}

impl<K: Kernel> Supervisor<K> {
    /// Begins to probe a server that became ready, if it is to be probed.
    pub(crate) fn begin_heartbeat(&mut self, index: usize) {
        let entry = self.description.servers.get(index);
        if let Some(health) = entry.and_then(|entry| entry.health) {
            self.set_heartbeat(index, 0, false, health.every_ns);
        }
    }

    fn set_heartbeat(&mut self, index: usize, number: u64, is_out: bool, after_ns: u64) {
        let token = self.token();
        let timer = self.kernel.timer(after_ns);
        self.kernel.watch(&timer, token);
        if let Some(server) = self.servers.get_mut(index) {
            server.heartbeat = Some(Heartbeat { number, is_out, timer: (token, timer) });
        }
    }

    /// The timer of a heartbeat ran out; whether the token is that of one.
    pub(crate) fn heartbeat_ready(&mut self, token: u64) -> bool {
        let mut servers = self.servers.iter().enumerate();
        let beat = servers.find_map(|(index, server)| {
            let heartbeat = server.heartbeat.as_ref().filter(|beat| beat.timer.0 == token)?;
            Some((index, heartbeat.number, heartbeat.is_out))
        });
        let Some((index, number, is_out)) = beat else { return false };
        if is_out {
            self.miss(index, number);
        } else {
            self.probe(index, number.wrapping_add(1));
        }
        true
    }

    fn probe(&mut self, index: usize, number: u64) {
        let Some(health) = self.description.servers.get(index).and_then(|entry| entry.health)
        else {
            return;
        };
        let Some(watched) = self.servers.get(index).and_then(|server| server.watched.as_ref())
        else {
            return;
        };
        // Who is asked for its state has no time for other questions; the swap has deadlines.
        if self.is_giving_up_state(index) {
            return self.set_heartbeat(index, number, false, health.every_ns);
        }
        match self.kernel.probe(&watched.domain, number) {
            Ok(()) => self.set_heartbeat(index, number, true, health.deadline_ns),
            Err(error) => {
                self.say(Level::Warn, index, &format!("cannot be probed: {error}"));
                if let Some(server) = self.servers.get_mut(index) {
                    server.heartbeat = None;
                }
            }
        }
    }

    /// Whether a server is asked for its state, or has given it up.
    fn is_giving_up_state(&self, index: usize) -> bool {
        self.transaction_of(index).is_some_and(|(_, transaction, _)| transaction.swap.holds_calls())
    }

    /// Looks whether a server has answered its probe, and what.
    pub(crate) fn feel_pulse(&mut self, index: usize) {
        let Some(server) = self.servers.get(index) else { return };
        let Some(heartbeat) = server.heartbeat.as_ref().filter(|beat| beat.is_out) else { return };
        let Some(watched) = &server.watched else { return };
        let (number, pulse) = (heartbeat.number, self.kernel.pulse(&watched.domain));
        if pulse.answered != number {
            return;
        }
        let health = self.description.servers.get(index).and_then(|entry| entry.health);
        match (pulse.verdict, health) {
            (Ok(()), Some(health)) => self.set_heartbeat(index, number, false, health.every_ns),
            (Err(why), _) => self.unhealthy(index, format!("is not well: {why}")),
            (Ok(()), None) => {}
        }
    }

    /// The deadline of a probe passed.
    fn miss(&mut self, index: usize, number: u64) {
        self.observe(index);
        // The answer came, or the domain is gone.
        let out = |server: &Server<K>| {
            server.heartbeat.as_ref().is_some_and(|beat| beat.is_out && beat.number == number)
        };
        let Some(server) = self.servers.get(index).filter(|server| out(server)) else { return };
        let Some(watched) = &server.watched else { return };
        let Some(health) = self.description.servers.get(index).and_then(|entry| entry.health)
        else {
            return;
        };
        // Whoever it waits for is to blame, or is being restarted and will answer.
        if self.is_giving_up_state(index) || self.kernel.pulse(&watched.domain).is_calling {
            return self.set_heartbeat(index, number, true, health.deadline_ns);
        }
        let deadline = report::duration(health.deadline_ns);
        self.unhealthy(index, format!("did not answer a probe within {deadline}"));
    }

    /// A server does not work: on probation it is rolled back, else ended, and its policy applies.
    fn unhealthy(&mut self, index: usize, why: String) {
        if let Some(server) = self.servers.get_mut(index) {
            server.heartbeat = None;
        }
        let token = |supervisor: &Self| {
            let watched = supervisor.servers.get(index).and_then(|server| server.watched.as_ref());
            watched.map(Watched::token)
        };
        let sick = token(self);
        if let Some((id, transaction, member)) = self.transaction_of(index)
            && transaction.exchanged
        {
            self.transaction_hears(id, Event::Unhealthy(member, why.clone()));
        }
        // Unless another domain serves now.
        if token(self) != sick {
            return;
        }
        self.say(Level::Error, index, &format!("{why}; it is killed"));
        if let Some(watched) = self.servers.get(index).and_then(|server| server.watched.as_ref()) {
            self.kernel.kill(&watched.domain);
        }
        self.observe(index);
    }

    /// The servers that import from one, directly or through others.
    pub(crate) fn dependants(&self, index: usize) -> Vec<usize> {
        let imports = |other: &usize| order::providers(&self.description, *other).contains(&index);
        (0..self.servers.len()).filter(imports).collect()
    }

    /// Restarts those that import from a server that is being restarted, if its policy says so.
    /// They start when it is ready.
    pub(crate) fn escalate(&mut self, index: usize) {
        let entry = self.description.servers.get(index);
        if !entry.is_some_and(|entry| entry.restart.escalate) {
            return;
        }
        let name = self.name_of(index);
        for dependant in self.dependants(index) {
            self.cancel_swap_of(dependant);
            let Some(server) = self.servers.get_mut(dependant) else { continue };
            if !matches!(server.state, State::Starting | State::Running) || !server.is_live() {
                continue;
            }
            if let Some(watched) = server.watched.as_mut() {
                self.kernel.kill(&watched.domain);
                watched.ended();
            }
            server.heartbeat = None;
            self.drop_heir(dependant);
            self.say(Level::Warn, dependant, &format!("is restarted because `{name}` is"));
            self.begin_again(dependant);
        }
    }
}
