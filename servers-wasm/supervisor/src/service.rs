//! The functions of `atoll:supervision/servers`.

use atoll_system_description::SUPERVISOR;

use crate::{
    kernel::{Action, Error, Kernel, Level},
    report,
    server::{State, Watched},
    supervisor::Supervisor,
    task::Task,
};

/// One server or running program, as clients see it.
#[derive(Debug)]
pub struct Listed<S> {
    /// Its name.
    pub name: String,
    /// Where it is.
    pub state: State,
    /// How often it was restarted since boot.
    pub restarts: u32,
    /// What the kernel tells of its domain, the last one if it ended; absent if it never ran.
    pub domain: Option<S>,
}

/// What a name means.
#[derive(Clone, Copy, Debug)]
enum Named {
    /// Index of a server.
    Server(usize),
    /// Index of a running program.
    Task(usize),
}

impl<K: Kernel> Supervisor<K> {
    /// All servers of the description, in its order, then the running programs.
    pub fn list(&mut self) -> Vec<Listed<K::Status>> {
        // Reading a status ends the readiness of what is watched, so act on it first.
        for index in 0..self.servers.len() {
            self.observe(index);
        }
        self.advance();
        let kernel = &self.kernel;
        let status = |watched: &Watched<K>| kernel.status(&watched.domain);
        let servers =
            self.servers.iter().zip(&self.description.servers).map(|(server, entry)| Listed {
                name: entry.name.clone(),
                state: server.state,
                restarts: server.restarts,
                domain: server.watched.as_ref().map(status),
            });
        let running = self.tasks.iter().filter_map(|task| {
            let (state, domain) = (task.state()?, task.watched().map(status));
            Some(Listed { name: task.name.clone(), state, restarts: 0, domain })
        });
        servers.chain(running).collect()
    }

    /// Starts a stopped or failed server, or one that waits for its restart.
    ///
    /// # Errors
    /// Not found, running already, a provider not running, or no room.
    pub fn start(&mut self, name: &str) -> Result<(), Error> {
        let index = self.server_named(name)?;
        self.observe(index);
        let Some(server) = self.servers.get_mut(index) else { return Ok(()) };
        if matches!(server.state, State::Starting | State::Running) {
            return Err(Error::AlreadyRunning(name.to_string()));
        }
        let providers = self.description.dependencies(index);
        self.all_running(&providers)?;
        if let Some(server) = self.servers.get_mut(index) {
            server.history.clear();
        }
        self.say(Level::Info, index, "is started on request");
        let started = self.start_now(index);
        self.advance();
        started
    }

    /// Stops a server; it is not restarted.
    ///
    /// # Errors
    /// Not found or not running.
    pub fn stop(&mut self, name: &str) -> Result<(), Error> {
        let index = self.server_named(name)?;
        self.observe(index);
        let Some(server) = self.servers.get_mut(index) else { return Ok(()) };
        if matches!(server.state, State::Stopped | State::Failed) {
            return Err(Error::NotRunning(name.to_string()));
        }
        self.end_on_request(index);
        self.put_down(index, State::Stopped);
        self.say(Level::Info, index, "is stopped on request");
        self.advance();
        Ok(())
    }

    /// Ends a server and starts it again, whatever its policy says.
    ///
    /// # Errors
    /// Not found or not running.
    pub fn restart(&mut self, name: &str) -> Result<(), Error> {
        let index = self.server_named(name)?;
        self.observe(index);
        let state = self.servers.get(index).map(|server| server.state);
        if matches!(state, None | Some(State::Stopped | State::Failed)) {
            return Err(Error::NotRunning(name.to_string()));
        }
        self.end_on_request(index);
        self.say(Level::Info, index, "is restarted on request");
        self.begin_again(index);
        self.escalate(index);
        self.advance();
        Ok(())
    }

    /// Ends the domain of a server, if it has one, and forgets how it did until now.
    fn end_on_request(&mut self, index: usize) {
        self.cancel_swap_of(index);
        let Some(server) = self.servers.get_mut(index) else { return };
        if let Some(watched) = server.watched.as_mut().filter(|watched| watched.is_live()) {
            self.kernel.kill(&watched.domain);
            watched.ended();
        }
        server.pause = None;
        server.heartbeat = None;
        server.history.clear();
        self.drop_heir(index);
    }

    /// How a server is supervised, a line each.
    ///
    /// # Errors
    /// Not found.
    pub fn policy(&self, name: &str) -> Result<Vec<String>, Error> {
        let index = self.server_named(name)?;
        let Some(entry) = self.description.servers.get(index) else { return Ok(Vec::new()) };
        let dependants = self.dependants(index).into_iter().map(|other| self.name_of(other));
        Ok(report::policy(entry, &dependants.collect::<Vec<_>>(), self.heir_in_words(index)))
    }

    /// Revokes every object that a server has handed out; how many there were.
    ///
    /// # Errors
    /// Not found.
    pub fn revoke(&mut self, name: &str) -> Result<u64, Error> {
        let index = self.server_named(name)?;
        let endpoints = self.endpoints.of(name);
        let revoked = endpoints.map(|(_, endpoint)| self.kernel.revoke_objects(endpoint)).sum();
        self.say(Level::Info, index, &format!("had {revoked} objects revoked on request"));
        Ok(revoked)
    }

    /// Ends a server or program as a crash would: the restart policy applies. The supervisor ends
    /// itself so, and another domain goes on in its place.
    ///
    /// # Errors
    /// Not found or not running.
    pub fn kill(&mut self, name: &str) -> Result<(), Error> {
        if name == SUPERVISOR {
            self.kernel.log(Level::Error, "the supervisor ends on request; another one goes on");
            self.kernel.crash();
            return Ok(());
        }
        match self.named(name)? {
            Named::Server(index) => {
                let watched = self.servers.get(index).and_then(|server| server.watched.as_ref());
                match watched.filter(|watched| watched.is_live()) {
                    Some(watched) => self.kernel.kill(&watched.domain),
                    None => return Err(Error::NotRunning(name.to_string())),
                }
                self.observe(index);
                self.advance();
            }
            Named::Task(index) => {
                if let Some(id) = self.tasks.get(index).map(|task| task.id) {
                    self.task_kill(id);
                }
            }
        }
        Ok(())
    }

    /// The handles of a server or program.
    ///
    /// # Errors
    /// Not found or not running.
    pub fn handles(&self, name: &str) -> Result<Vec<K::Handle>, Error> {
        let watched = match self.named(name)? {
            Named::Server(index) => self.servers.get(index).and_then(|s| s.watched.as_ref()),
            Named::Task(index) => self.tasks.get(index).and_then(Task::watched),
        };
        match watched.filter(|watched| watched.is_live()) {
            Some(watched) => Ok(self.kernel.handles(&watched.domain)),
            None => Err(Error::NotRunning(name.to_string())),
        }
    }

    /// The grants of a server, a running program or a program that can be run.
    ///
    /// # Errors
    /// Not found.
    pub fn grants(&self, name: &str) -> Result<Vec<String>, Error> {
        let servers = &self.description.servers;
        let programs = &self.description.programs;
        let domain = match self.named(name) {
            Ok(Named::Server(index)) => {
                return Ok(servers.get(index).map_or_else(Vec::new, report::server_grants));
            }
            Ok(Named::Task(index)) => {
                let program = self.tasks.get(index).and_then(|task| programs.get(task.program));
                program.map(|entry| &entry.domain)
            }
            Err(_) => self.description.program(name).map(|entry| &entry.domain),
        };
        domain.map(report::grants).ok_or_else(|| Error::NotFound(name.to_string()))
    }

    /// Names of the programs that can be run.
    pub fn programs(&self) -> Vec<String> {
        self.description.programs.iter().map(|program| program.name.clone()).collect()
    }

    /// Switches off or reboots.
    ///
    /// # Errors
    /// When the machine cannot.
    pub fn power(&self, action: Action) -> Result<(), Error> {
        let word = match action {
            Action::PowerOff => "switched off",
            Action::Reboot => "rebooted",
        };
        self.kernel.log(Level::Info, &format!("the machine is {word} on request"));
        self.kernel.power(action);
        Err(Error::Other(format!("the machine cannot be {word}")))
    }

    /// Refuses if one of these servers is not running.
    pub(crate) fn all_running(&self, providers: &[usize]) -> Result<(), Error> {
        for index in providers {
            let state = self.servers.get(*index).map(|server| server.state);
            if state != Some(State::Running) {
                return Err(Error::NotRunning(self.name_of(*index)));
            }
        }
        Ok(())
    }

    /// The name of a server.
    pub(crate) fn name_of(&self, index: usize) -> String {
        let entry = self.description.servers.get(index);
        entry.map_or_else(String::new, |entry| entry.name.clone())
    }

    pub(crate) fn server_named(&self, name: &str) -> Result<usize, Error> {
        match self.named(name)? {
            Named::Server(index) => Ok(index),
            Named::Task(_) => Err(Error::Invalid(format!("{name} is a program, not a server"))),
        }
    }

    fn named(&self, name: &str) -> Result<Named, Error> {
        if let Some(index) = self.description.servers.iter().position(|entry| entry.name == name) {
            return Ok(Named::Server(index));
        }
        let running =
            self.tasks.iter().position(|task| task.name == name && task.state().is_some());
        match running {
            Some(index) => Ok(Named::Task(index)),
            None if name == SUPERVISOR => {
                Err(Error::Invalid("the supervisor does not supervise itself".to_string()))
            }
            None => Err(Error::NotFound(name.to_string())),
        }
    }
}
