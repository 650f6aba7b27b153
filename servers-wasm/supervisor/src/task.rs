//! Running programs.
//!
//! A task is one run of a program and the event that tells its starter of the end. While a server
//! that the program imports from is being restarted, the task waits. It lives until its starter
//! drops it, which ends the program if it still runs.

use crate::{
    kernel::{Cause, Error, Kernel, Level, Phase, Streams},
    launch::{Role, launch},
    ledger::bytes::{Reader, Writer},
    report,
    server::{State, Tokens, Watched},
    supervisor::Supervisor,
};

/// How many tasks are remembered that are over and that nobody has asked for since the supervisor
/// before this one ended.
const UNASKED: usize = 16;

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

impl ExitStatus {
    const fn cut_short(message: String) -> Self {
        Self { completed: false, code: 0, message }
    }
}

/// Where a task is.
enum Stage<K: Kernel> {
    /// A server that it imports from is not ready yet; what to start it with.
    Waiting(Vec<String>, Streams<K::Input, K::Output>),
    /// It has a domain.
    Running(Watched<K>),
    /// It is over.
    Ended(ExitStatus),
}

/// One run of a program.
pub struct Task<K: Kernel> {
    /// Identifies it; never used twice.
    pub id: u64,
    /// The program's name and a number.
    pub name: String,
    /// Its entry in the description.
    pub program: usize,
    tokens: Tokens,
    stage: Stage<K>,
    finished: K::Event,
    /// Holds of clients on it. One that the supervisor before this one started has none until
    /// somebody asks for it by its name.
    clients: u32,
}

impl<K: Kernel> Task<K> {
    /// Its domain while it runs.
    pub const fn watched(&self) -> Option<&Watched<K>> {
        match &self.stage {
            Stage::Running(watched) => Some(watched),
            Stage::Waiting(..) | Stage::Ended(_) => None,
        }
    }

    /// Where it is, in the words for servers; absent when it is over.
    pub const fn state(&self) -> Option<State> {
        match &self.stage {
            Stage::Waiting(..) => Some(State::Starting),
            Stage::Running(_) => Some(State::Running),
            Stage::Ended(_) => None,
        }
    }

    /// A task that the supervisor before this one started.
    pub(crate) fn resumed(
        kernel: &K,
        name: String,
        program: usize,
        tokens: Tokens,
        watched: Watched<K>,
    ) -> Self {
        let stage = Stage::Running(watched);
        let finished = kernel.make_event();
        Self { id: tokens.changes, name, program, tokens, stage, finished, clients: 0 }
    }

    /// Whether it waits for a server that is not ready.
    pub(crate) const fn is_waiting(&self) -> bool {
        matches!(self.stage, Stage::Waiting(..))
    }

    /// Ends it, and tells whoever waits for that.
    fn finish(&mut self, kernel: &K, exit: ExitStatus) {
        self.stage = Stage::Ended(exit);
        kernel.set_event(&self.finished);
    }
}

impl<K: Kernel> Supervisor<K> {
    /// Runs a program of the description with arguments (without its name) and streams.
    ///
    /// # Errors
    /// No such program, a server that it imports from is down, or no room.
    pub fn run(
        &mut self,
        program: &str,
        arguments: Vec<String>,
        streams: Streams<K::Input, K::Output>,
    ) -> Result<u64, Error> {
        let tokens = self.tokens();
        let id = tokens.changes;
        let mut entries = self.description.programs.iter().enumerate();
        let Some((index, entry)) = entries.find(|(_, entry)| entry.name == program) else {
            return Err(Error::NotFound(program.to_string()));
        };
        let providers = self.description.providers_of(&entry.domain);
        if let Some(down) = providers.iter().find(|provider| self.is_down(**provider)) {
            return Err(Error::NotRunning(self.name_of(*down)));
        }
        let number = self.tasks_started.wrapping_add(1);
        let name = format!("{program}.{number}");
        let stage = if self.all_running(&providers).is_ok() {
            let role = Role::Program(arguments, streams);
            let domain = launch(&self.kernel, &name, &entry.domain, &self.endpoints, role)?;
            Stage::Running(Watched::new(
                &self.kernel,
                domain,
                tokens,
                entry.domain.start_deadline_ns,
            ))
        } else {
            Stage::Waiting(arguments, streams)
        };
        self.tasks_started = number;
        let finished = self.kernel.make_event();
        self.tasks.push(Task { id, tokens, name, program: index, stage, finished, clients: 1 });
        Ok(id)
    }

    /// What the next version of the supervisor needs to know of a task that a client holds: its
    /// name, and how it ended if it did.
    pub fn save_task(&mut self, id: u64) -> Vec<u8> {
        let (name, exit) = (self.task_name(id), self.task_exit(id));
        let mut out = Writer::default();
        out.text(&name);
        out.option(exit.as_ref(), |out, exit| {
            out.u8(u8::from(exit.completed));
            out.u32(exit.code);
            out.text(&exit.message);
        });
        out.finish()
    }

    /// The id of that task, which a client holds.
    pub fn restore_task(&mut self, data: &[u8]) -> u64 {
        let mut input = Reader::new(data);
        let name = input.text().unwrap_or_default();
        let exit = input.option(|input| {
            let (completed, code) = (input.u8()? == 1, input.u32()?);
            Some(ExitStatus { completed, code, message: input.text()? })
        });
        if let Ok(id) = self.task_named(&name) {
            return id;
        }
        let lost = || ExitStatus::cut_short("it is not known any more".to_string());
        let tokens = self.tokens();
        let stage = Stage::Ended(exit.flatten().unwrap_or_else(lost));
        let finished = self.kernel.make_event();
        self.kernel.set_event(&finished);
        let id = tokens.changes;
        self.tasks.push(Task {
            id,
            tokens,
            name,
            program: usize::MAX,
            stage,
            finished,
            clients: 1,
        });
        id
    }

    /// Starts the tasks whose providers have become ready, and ends those whose never will.
    pub(crate) fn advance_tasks(&mut self) {
        for index in 0..self.tasks.len() {
            let Some(task) = self.tasks.get(index).filter(|task| task.is_waiting()) else {
                continue;
            };
            let Some(entry) = self.description.programs.get(task.program) else { continue };
            let providers = self.description.providers_of(&entry.domain);
            let down = providers.iter().find(|provider| self.is_down(**provider));
            let down = down.map(|provider| self.name_of(*provider));
            let ready = self.all_running(&providers).is_ok();
            let Some(task) = self.tasks.get_mut(index) else { continue };
            if let Some(down) = down {
                task.finish(&self.kernel, ExitStatus::cut_short(format!("{down} is not running")));
            } else if ready {
                let over = Stage::Ended(ExitStatus::cut_short(String::new()));
                let Stage::Waiting(arguments, streams) = core::mem::replace(&mut task.stage, over)
                else {
                    continue;
                };
                let role = Role::Program(arguments, streams);
                let plan = &entry.domain;
                match launch(&self.kernel, &task.name, plan, &self.endpoints, role) {
                    Ok(domain) => {
                        let deadline = plan.start_deadline_ns;
                        let watched = Watched::new(&self.kernel, domain, task.tokens, deadline);
                        task.stage = Stage::Running(watched);
                    }
                    Err(error) => {
                        task.finish(&self.kernel, ExitStatus::cut_short(error.to_string()));
                    }
                }
            }
        }
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
        match &self.task(id)?.stage {
            Stage::Ended(exit) => Some(exit.clone()),
            Stage::Waiting(..) | Stage::Running(_) => None,
        }
    }

    /// Ends a task.
    pub fn task_kill(&mut self, id: u64) {
        let Some(task) = self.tasks.iter_mut().find(|task| task.id == id) else { return };
        match &task.stage {
            Stage::Waiting(..) => {
                task.finish(&self.kernel, ExitStatus::cut_short("was killed".to_string()));
            }
            Stage::Running(watched) => self.kernel.kill(&watched.domain),
            Stage::Ended(_) => {}
        }
        self.task_observe(id);
    }

    /// A client's hold on a task that nobody holds, since the supervisor before this one started
    /// it, by its name.
    ///
    /// # Errors
    /// There is no such task.
    pub fn task_named(&mut self, name: &str) -> Result<u64, Error> {
        let unheld = |task: &&mut Task<K>| task.name == name && task.clients == 0;
        let task = self.tasks.iter_mut().find(unheld);
        let task = task.ok_or_else(|| Error::NotFound(name.to_string()))?;
        task.clients = 1;
        Ok(task.id)
    }

    /// One hold on a task less; with the last it is forgotten, and ended if it still runs.
    pub fn task_drop(&mut self, id: u64) {
        let Some(task) = self.tasks.iter_mut().find(|task| task.id == id) else { return };
        task.clients = task.clients.saturating_sub(1);
        if task.clients == 0 {
            self.task_kill(id);
            self.tasks.retain(|task| task.id != id);
        }
    }

    /// A watched program changed, or its start deadline passed.
    pub(crate) fn task_ready(&mut self, token: u64) {
        let expired = |task: &&Task<K>| task.watched().is_some_and(|w| w.deadline_is(token));
        if let Some(id) = self.tasks.iter().find(expired).map(|task| task.id) {
            self.task_overdue(id);
            return;
        }
        let id = token;
        self.task_observe(id);
        if let Some(watched) = self.task(id).and_then(Task::watched) {
            watched.watch_again(&self.kernel);
        }
    }

    /// The start deadline of a task passed: it is ended, unless it is ready by now.
    fn task_overdue(&mut self, id: u64) {
        self.task_observe(id);
        let task = self.tasks.iter_mut().find(|task| task.id == id);
        if let Some(Task { stage: Stage::Running(watched), .. }) = task
            && watched.is_starting()
        {
            watched.expire(&self.kernel);
        }
        self.task_observe(id);
    }

    fn task(&self, id: u64) -> Option<&Task<K>> {
        self.tasks.iter().find(|task| task.id == id)
    }

    /// Looks whether a task has ended.
    fn task_observe(&mut self, id: u64) {
        let Some(task) = self.tasks.iter_mut().find(|task| task.id == id) else { return };
        let Stage::Running(watched) = &mut task.stage else { return };
        let end = match self.kernel.phase(&watched.domain) {
            Phase::Ended(end) => end,
            Phase::Ready => return watched.is_ready(),
            _ => return,
        };
        let exit = if end.cause == Cause::Exited {
            let code = u32::try_from(end.code).unwrap_or(u32::MAX);
            ExitStatus { completed: true, code, message: String::new() }
        } else {
            let overdue = watched.is_overdue();
            let entry = self.description.programs.get(task.program);
            let message = entry.map_or_else(
                || report::end(&end),
                |entry| report::what(&end, overdue, &entry.domain),
            );
            self.kernel.log(Level::Warn, &format!("`{}` {message}", task.name));
            ExitStatus::cut_short(message)
        };
        task.finish(&self.kernel, exit);
        self.forget_tasks();
    }

    /// Forgets the oldest of many tasks that are over and that nobody has asked for.
    fn forget_tasks(&mut self) {
        let unasked = |task: &Task<K>| task.clients == 0 && task.state().is_none();
        if self.tasks.iter().filter(|task| unasked(task)).count() > UNASKED
            && let Some(oldest) = self.tasks.iter().position(unasked)
        {
            self.tasks.remove(oldest);
        }
    }
}
