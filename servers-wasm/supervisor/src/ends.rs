//! What the end of a server leads to: its policy decides, and is followed.

use crate::{
    kernel::{Cause, End, Kernel, Level},
    report,
    restart::Decision,
    server::{State, Watched},
    supervisor::Supervisor,
};

impl<K: Kernel> Supervisor<K> {
    /// The pause of a server is over, or it had none.
    pub(crate) fn begin_again(&mut self, index: usize) {
        let Some(server) = self.servers.get_mut(index) else { return };
        server.pause = None;
        server.state = State::Starting;
        server.restarts = server.restarts.saturating_add(1);
    }

    /// A clone ended before it was ready: the server is loaded, which is the same restart still.
    pub(crate) fn load_instead(&mut self, index: usize, end: &End) {
        let entry = self.description.servers.get(index);
        let Some((server, entry)) = self.servers.get(index).zip(entry) else { return };
        let overdue = server.watched.as_ref().is_some_and(Watched::is_overdue);
        let what = report::what(end, overdue, &entry.domain);
        self.say(Level::Warn, index, &format!("{what}, as a clone; it is loaded instead"));
    }

    /// A server's domain ended by itself or by `kill`.
    pub(crate) fn ended(&mut self, index: usize, end: &End) {
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
}
