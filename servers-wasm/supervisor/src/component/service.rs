//! The service `atoll:supervision/servers`, and a client's hold on a task.

use super::{
    Component,
    bindings::{
        atoll::{
            io::events::Event,
            supervision::types::{self, HandleInfo},
        },
        exports::atoll::supervision::servers::{self, Server, Task},
        wasi::io::{
            poll::Pollable,
            streams::{InputStream, OutputStream},
        },
    },
    transaction::TransactionHandle,
    with,
};
use crate::{
    kernel::{self, Streams},
    supervisor::Supervisor,
    swap::Purpose,
};

impl servers::Guest for Component {
    type Task = TaskHandle;
    type Transaction = TransactionHandle;

    fn list() -> Result<Vec<Server>, types::Error> {
        let servers = with(Supervisor::list).into_iter().map(|server| Server {
            name: server.name,
            state: server.state.into(),
            restarts: server.restarts,
            domain: server.domain,
        });
        Ok(servers.collect())
    }

    fn start(name: String) -> Result<(), types::Error> {
        Ok(with(|supervisor| supervisor.start(&name))?)
    }

    fn stop(name: String) -> Result<(), types::Error> {
        Ok(with(|supervisor| supervisor.stop(&name))?)
    }

    fn kill(name: String) -> Result<(), types::Error> {
        Ok(with(|supervisor| supervisor.kill(&name))?)
    }

    fn restart(name: String) -> Result<(), types::Error> {
        Ok(with(|supervisor| supervisor.restart(&name))?)
    }

    fn policy(name: String) -> Result<Vec<String>, types::Error> {
        Ok(with(|supervisor| supervisor.policy(&name))?)
    }

    fn swap(
        replacements: Vec<servers::Replacement>,
        dry_run: bool,
    ) -> Result<servers::Transaction, types::Error> {
        let replacements: Vec<_> = replacements.into_iter().map(Into::into).collect();
        let purpose = if dry_run { Purpose::Check } else { Purpose::Replace };
        let id = with(|supervisor| supervisor.swap(&replacements, purpose))?;
        Ok(servers::Transaction::new(TransactionHandle { id }))
    }

    fn rollback(name: String) -> Result<servers::Transaction, types::Error> {
        let id = with(|supervisor| supervisor.rollback(&name))?;
        Ok(servers::Transaction::new(TransactionHandle { id }))
    }

    fn history(name: String) -> Result<Vec<servers::SwapReport>, types::Error> {
        let records = with(|supervisor| supervisor.history(&name))?;
        Ok(records.into_iter().map(Into::into).collect())
    }

    fn revoke(name: String) -> Result<u64, types::Error> {
        Ok(with(|supervisor| supervisor.revoke(&name))?)
    }

    fn handles(name: String) -> Result<Vec<HandleInfo>, types::Error> {
        Ok(with(|supervisor| supervisor.handles(&name))?)
    }

    fn grants(name: String) -> Result<Vec<String>, types::Error> {
        Ok(with(|supervisor| supervisor.grants(&name))?)
    }

    fn run(
        program: String,
        arguments: Vec<String>,
        stdin: InputStream,
        stdout: OutputStream,
        stderr: OutputStream,
    ) -> Result<Task, types::Error> {
        let streams = Streams { input: stdin, output: stdout, error: stderr };
        let id = with(|supervisor| supervisor.run(&program, arguments, streams))?;
        Ok(Task::new(TaskHandle { id }))
    }

    fn programs() -> Result<Vec<String>, types::Error> {
        Ok(with(|supervisor| supervisor.programs()))
    }

    fn power(action: servers::Action) -> Result<(), types::Error> {
        let action = match action {
            servers::Action::PowerOff => kernel::Action::PowerOff,
            servers::Action::Reboot => kernel::Action::Reboot,
        };
        Ok(with(|supervisor| supervisor.power(action))?)
    }
}

/// A client's hold on a task; dropping it ends the task.
pub(super) struct TaskHandle {
    id: u64,
}

impl servers::GuestTask for TaskHandle {
    fn name(&self) -> String {
        with(|supervisor| supervisor.task_name(self.id))
    }

    fn finished(&self) -> Pollable {
        // The task is there as long as this handle is; were it not, nothing would ever end.
        with(|supervisor| supervisor.task_finished(self.id))
            .unwrap_or_else(|| Event::new().subscribe())
    }

    fn exit(&self) -> Option<servers::ExitStatus> {
        with(|supervisor| supervisor.task_exit(self.id)).map(Into::into)
    }

    fn kill(&self) {
        with(|supervisor| supervisor.task_kill(self.id));
    }
}

impl Drop for TaskHandle {
    fn drop(&mut self) {
        with(|supervisor| supervisor.task_drop(self.id));
    }
}
