//! Running programs.
//!
//! A task is a program's domain and the event that tells its starter of the end. It lives until
//! its starter drops it, which ends the program if it still runs.

use crate::{
    kernel::{Cause, Error, Kernel, Level, Phase, Streams},
    launch::{Role, launch},
    report,
    server::Watched,
    supervisor::Supervisor,
};

/// How a program ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExitStatus {
    /// Whether it came to its end by itself.
    pub completed: bool,
    /// Its exit code; 0 is success.
    pub code: u32,
    /// Why it did not complete; empty if it did.
    pub message: String,
}

/// One run of a program.
pub struct Task<K: Kernel> {
    /// Identifies it; never used twice.
    pub id: u64,
    /// The program's name and a number.
    pub name: String,
    /// Its entry in the description.
    pub program: usize,
    /// Its domain while it runs.
    pub watched: Option<Watched<K>>,
    finished: K::Event,
    exit: Option<ExitStatus>,
}

impl<K: Kernel> Supervisor<K> {
    /// Runs a program of the description with arguments (without its name) and streams.
    ///
    /// # Errors
    /// No such program, a server that it imports from is not running, or no room.
    pub fn run(
        &mut self,
        program: &str,
        arguments: Vec<String>,
        streams: Streams<K::Input, K::Output>,
    ) -> Result<u64, Error> {
        let id = self.token();
        let mut entries = self.description.programs.iter().enumerate();
        let Some((index, entry)) = entries.find(|(_, entry)| entry.name == program) else {
            return Err(Error::NotFound(program.to_string()));
        };
        self.all_running(&self.description.providers_of(&entry.domain))?;
        let number = self.tasks_started.wrapping_add(1);
        let name = format!("{program}.{number}");
        let role = Role::Program(arguments, streams);
        let domain = launch(&self.kernel, &name, &entry.domain, &self.endpoints, role)?;
        self.tasks_started = number;
        self.tasks.push(Task {
            id,
            name,
            program: index,
            watched: Some(Watched::new(&self.kernel, domain, id)),
            finished: self.kernel.make_event(),
            exit: None,
        });
        Ok(id)
    }

    /// The name of a task.
    pub fn task_name(&self, id: u64) -> String {
        self.task(id).map_or_else(String::new, |task| task.name.clone())
    }

    /// A pollable that is ready when the task has ended.
    pub fn task_finished(&self, id: u64) -> Option<K::Pollable> {
        self.task(id).map(|task| self.kernel.subscribe(&task.finished))
    }

    /// How a task ended; absent while it runs.
    pub fn task_exit(&mut self, id: u64) -> Option<ExitStatus> {
        self.task_observe(id);
        self.task(id).and_then(|task| task.exit.clone())
    }

    /// Ends a task.
    pub fn task_kill(&mut self, id: u64) {
        if let Some(watched) = self.task(id).and_then(|task| task.watched.as_ref()) {
            self.kernel.kill(&watched.domain);
        }
        self.task_observe(id);
    }

    /// Forgets a task, and ends it if it still runs.
    pub fn task_drop(&mut self, id: u64) {
        self.task_kill(id);
        self.tasks.retain(|task| task.id != id);
    }

    /// A watched program changed.
    pub(crate) fn task_ready(&mut self, id: u64) {
        self.task_observe(id);
        if let Some(watched) = self.task(id).and_then(|task| task.watched.as_ref()) {
            watched.watch_again(&self.kernel);
        }
    }

    fn task(&self, id: u64) -> Option<&Task<K>> {
        self.tasks.iter().find(|task| task.id == id)
    }

    /// Looks whether a task has ended, and tells whoever waits for that.
    fn task_observe(&mut self, id: u64) {
        let Some(task) = self.tasks.iter_mut().find(|task| task.id == id) else { return };
        let Some(watched) = &task.watched else { return };
        let Phase::Ended(end) = self.kernel.phase(&watched.domain) else { return };
        let completed = end.cause == Cause::Exited;
        let message = if completed { String::new() } else { report::end(&end) };
        if !completed {
            self.kernel.log(Level::Warn, &format!("`{}` {message}", task.name));
        }
        // An exception's number is no exit code.
        let code = if completed { u32::try_from(end.code).unwrap_or(u32::MAX) } else { 0 };
        task.exit = Some(ExitStatus { completed, code, message });
        task.watched = None;
        self.kernel.set_event(&task.finished);
    }
}
