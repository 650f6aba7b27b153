//! What the host asks, as calls to the supervisor.

use super::{
    SWAP,
    bindings::{
        atoll::{
            io::watch,
            supervision::{
                swapping::{self, Replacement, SwapResult, Transaction, TransactionPhase},
                types::Error,
                uploads::{self, Upload},
            },
        },
        wasi::io::poll::Pollable,
    },
};
use crate::{MOST, Report, System};
use atoll_channel::{Phase, message::Answer};

/// The supervisor, and what is under way there.
#[derive(Default)]
pub(super) struct World {
    upload: Option<Upload>,
    swap: Option<(Transaction, Pollable)>,
}

impl World {
    /// Watches for news of a swap.
    fn follow(&mut self, transaction: Transaction) -> Result<(), String> {
        let news = transaction.changed().map_err(reason)?;
        watch::watch(&news, SWAP);
        self.swap = Some((transaction, news));
        Ok(())
    }

    fn upload(&self) -> Result<&Upload, String> {
        self.upload.as_ref().ok_or_else(|| "no component is being handed over".to_owned())
    }
}

impl System for World {
    fn begin(&mut self, file: &str, size: u32) -> Result<(), String> {
        self.upload = None;
        self.upload = Some(Upload::begin(file, size.into()).map_err(reason)?);
        Ok(())
    }

    fn append(&mut self, data: &[u8]) -> Result<(), String> {
        let upload = self.upload()?;
        data.chunks(MOST as usize).try_for_each(|data| upload.append(data)).map_err(reason)
    }

    fn read(&mut self, component: &str, at: u32, length: u32) -> Result<Vec<u8>, String> {
        uploads::read(component, at.into(), length).map_err(reason)
    }

    fn finish(&mut self) -> Result<String, String> {
        let component = self.upload()?.finish().map_err(reason)?;
        self.upload = None;
        Ok(component)
    }

    fn give_up(&mut self) {
        self.upload = None;
        self.swap = None;
    }

    fn swap(&mut self, server: &str, component: &str) -> Result<(), String> {
        self.swap = None;
        let replacement = Replacement {
            server: server.to_owned(),
            component: component.to_owned(),
            grants: Vec::new(),
        };
        let transaction = swapping::swap(&[replacement], false).map_err(reason)?;
        self.follow(transaction)
    }

    fn report(&mut self) -> Result<Report, String> {
        let (transaction, _) = self.swap.take().ok_or("no swap is under way")?;
        let report = transaction.report().map_err(reason)?;
        let phase = |step: &swapping::SwapStep| (phase(step.phase), step.duration_ns);
        let passed = report.steps.iter().map(phase).collect();
        let end = match report.result {
            SwapResult::Running => {
                self.follow(transaction)?;
                None
            }
            // A dry run, which is not asked for, changes nothing.
            SwapResult::Swapped | SwapResult::Checked => Some(Answer::Swapped {
                state_bytes: report.state_bytes,
                calls_held: report.calls_held,
                downtime_ns: report.downtime_ns,
            }),
            SwapResult::RolledBack(why) => Some(Answer::RolledBack(why)),
        };
        Ok(Report { passed, end })
    }
}

const fn phase(phase: TransactionPhase) -> Phase {
    match phase {
        TransactionPhase::Prepare => Phase::Prepare,
        TransactionPhase::Quiesce => Phase::Quiesce,
        TransactionPhase::Transfer => Phase::Transfer,
        TransactionPhase::Commit => Phase::Commit,
        TransactionPhase::Probation => Phase::Probation,
    }
}

/// An error of the supervisor in words.
fn reason(error: Error) -> String {
    match error {
        Error::NotFound(what) => what + " not found",
        Error::AlreadyRunning(name) => name + " is running already",
        Error::NotRunning(name) => name + " is not running",
        Error::OutOfResources(what) => "no room: ".to_owned() + &what,
        Error::PeerRestarted => {
            "the supervisor restarted; what was under way there is given up".to_owned()
        }
        Error::Denied(why) => "denied: ".to_owned() + &why,
        Error::Invalid(why) | Error::Other(why) => why,
    }
}
