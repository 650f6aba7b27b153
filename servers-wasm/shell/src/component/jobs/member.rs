//! A running program as the supervisor knows it.

use super::super::bindings::atoll::supervision::servers::{self, Task};
use super::super::bindings::atoll::supervision::types::Error;
use super::super::bindings::wasi::io::poll::Pollable;
use super::super::bindings::wasi::io::streams::{InputStream, OutputStream};
use super::super::services::{failure, programs};
use super::job::Program;
use crate::model::Exit;
use crate::views;

/// A running program of a job. It ends when this is dropped.
pub(super) struct Member {
    program: String,
    name: String,
    finished: Pollable,
    task: Task,
    exit: Option<Exit>,
}

impl Member {
    /// Starts a program; the error says why there is none.
    pub(super) fn start(
        Program { program, arguments }: Program,
        stdin: InputStream,
        stdout: OutputStream,
        stderr: OutputStream,
    ) -> Result<Self, String> {
        let task = servers::run(&program, &arguments, stdin, stdout, stderr);
        let task = task.map_err(|error| match error {
            Error::NotFound(_) => views::no_program(&program, &programs().unwrap_or_default()),
            other => failure(other),
        })?;
        let name = task.name().map_err(failure)?;
        let finished = task.finished().map_err(failure)?;
        Ok(Self { program, name, finished, task, exit: None })
    }

    /// The program's name.
    pub(super) fn program(&self) -> &str {
        &self.program
    }

    /// Its name and number.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// Ready when it is worth asking whether it has ended; none once it has.
    pub(super) fn pollable(&self) -> Option<&Pollable> {
        self.exit.is_none().then_some(&self.finished)
    }

    /// How it ended, if it did.
    pub(super) fn exit(&self) -> Option<&Exit> {
        self.exit.as_ref()
    }

    /// Asks how it ended, if it may have; says whether it has.
    pub(super) fn look(&mut self) -> bool {
        if self.exit.is_none() && self.finished.ready() {
            self.exit = self.ended();
        }
        self.exit.is_some()
    }

    /// Ends it.
    pub(super) fn kill(&mut self) {
        if let Err(Error::PeerRestarted) = self.task.kill()
            && self.attach().is_ok()
        {
            // If that fails too, the operator tries again.
            let _ = self.task.kill();
        }
    }

    /// How the program ended, if it did. When the supervisor ended, the next one is asked.
    fn ended(&mut self) -> Option<Exit> {
        let unknown = |message: String| Some(Exit { completed: false, code: 0, message });
        let exit = match self.task.exit() {
            Err(Error::PeerRestarted) => match self.attach() {
                Ok(()) => self.task.exit(),
                Err(error) => Err(error),
            },
            exit => exit,
        };
        match exit {
            Ok(Some(status)) => Some(Exit {
                completed: status.completed,
                code: status.code,
                message: status.message,
            }),
            Ok(None) => match self.task.finished() {
                Ok(finished) => {
                    self.finished = finished;
                    None
                }
                // Asked again at once.
                Err(_) => None,
            },
            Err(Error::PeerRestarted) => None,
            Err(Error::NotFound(_)) => unknown(String::from("the supervisor lost it")),
            Err(other) => unknown(failure(other)),
        }
    }

    /// Holds the program by the supervisor that goes on in the place of another one.
    fn attach(&mut self) -> Result<(), Error> {
        self.task = servers::attach(&self.name)?;
        Ok(())
    }
}
