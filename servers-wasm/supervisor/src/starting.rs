//! Which servers may start, and how their domains are made.
//!
//! A server starts when those that it imports from are ready. While it is to come back, calls to it
//! wait; while it is down, they fail.

use crate::{
    kernel::{Error, Kernel, Level},
    launch::{Belongings, Role, launch, launch_clone},
    server::{Origin, State, Watched},
    supervisor::Supervisor,
};

/// Whether there was nothing to clone.
fn is_missing<D>(clone: &Result<D, Error>) -> bool {
    matches!(clone, Err(Error::NotFound(_)))
}

impl<K: Kernel> Supervisor<K> {
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
}
