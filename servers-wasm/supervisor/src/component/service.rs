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
    with,
};
use crate::{
    kernel::{self, Streams},
    supervisor::Supervisor,
};

impl servers::Guest for Component {
    type Task = TaskHandle;

    fn list() -> Result<Vec<Server>, types::Error> {
        let servers = with(Supervisor::list).into_iter().map(|server| Server {
            name: server.name,
            state: server.state.into(),
            restarts: server.restarts,
            domain: server.domain,
        });
        Ok(servers.collect())
    }

    fn policy(name: String) -> Result<Vec<String>, types::Error> {
        Ok(with(|supervisor| supervisor.policy(&name))?)
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

    fn attach(name: String) -> Result<Task, types::Error> {
        let id = with(|supervisor| supervisor.task_named(&name))?;
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

/// A client's hold on a task; dropping the last one ends the task.
pub(super) struct TaskHandle {
    pub(super) id: u64,
}

impl servers::GuestTask for TaskHandle {
    fn name(&self) -> Result<String, types::Error> {
        Ok(with(|supervisor| supervisor.task_name(self.id)))
    }

    fn finished(&self) -> Result<Pollable, types::Error> {
        // The task is there as long as this handle is; were it not, nothing would ever end.
        Ok(with(|supervisor| supervisor.task_finished(self.id))
            .unwrap_or_else(|| Event::new().subscribe()))
    }

    fn exit(&self) -> Result<Option<servers::ExitStatus>, types::Error> {
        Ok(with(|supervisor| supervisor.task_exit(self.id)).map(Into::into))
    }

    fn kill(&self) -> Result<(), types::Error> {
        with(|supervisor| supervisor.task_kill(self.id));
        Ok(())
    }
}

impl Drop for TaskHandle {
    fn drop(&mut self) {
        with(|supervisor| supervisor.task_drop(self.id));
    }
}
