//! Swaps: asks the supervisor for one and follows it to its end, phase by phase.
//!
//! The swap is the supervisor's and goes on if the session ends here. Ctrl-C cancels one in the
//! foreground; of one in the background only the end is told.

use super::bindings::atoll::supervision::swapping::{
    self, Replacement, SwapReport, Transaction, TransactionPhase,
};
use super::bindings::atoll::supervision::types::Error;
use super::bindings::wasi::io::poll::Pollable;
use super::jobs::Jobs;
use super::services::failure;
use super::session::{Gone, Session};
use crate::model::{Change, Swap, SwapResult};
use crate::{command, views};

/// Begins a swap.
pub(super) fn begin(
    replacements: Vec<command::Replacement>,
    dry_run: bool,
) -> Result<Transaction, String> {
    let replacements: Vec<Replacement> = replacements
        .into_iter()
        .map(|command::Replacement { server, component, grants }| Replacement {
            server,
            component,
            grants,
        })
        .collect();
    swapping::swap(&replacements, dry_run).map_err(failure)
}

/// Begins a swap to the version before.
pub(super) fn back(name: &str) -> Result<Transaction, String> {
    swapping::rollback(name).map_err(failure)
}

/// The swaps of a server.
pub(super) fn history(name: &str) -> Result<Vec<Swap>, String> {
    let reports = swapping::history(name).map_err(failure)?;
    Ok(reports.into_iter().map(swap).collect())
}

/// Shows each phase when it is over, and what the swap came to.
pub(super) fn follow(
    session: &mut Session,
    jobs: &mut Jobs,
    transaction: &Transaction,
) -> Result<(), Gone> {
    let mut shown = 0;
    loop {
        let report = match transaction.report() {
            Ok(report) => report,
            Err(error) => return session.print_line(&lost(error)),
        };
        let swap = swap(report);
        for step in swap.steps.iter().skip(shown) {
            session.print(&views::step(*step))?;
        }
        shown = swap.steps.len();
        if swap.result != SwapResult::Running {
            return session.print(&views::swap_end(&swap));
        }
        let waited = match transaction.changed() {
            Ok(changed) => jobs.wait_beside(session, &changed)?,
            Err(error) => return session.print_line(&lost(error)),
        };
        // Who cannot cancel it is told by the next report.
        let _ = waited.then(|| transaction.cancel());
    }
}

/// Why a swap cannot be followed any more.
fn lost(error: Error) -> String {
    match error {
        Error::PeerRestarted => {
            String::from("the supervisor ended; `history` tells what the swap came to")
        }
        other => failure(other),
    }
}

/// A swap in the background. The pollable is dropped before what it is of.
pub(super) struct Background {
    /// Ready when there is more to know.
    pub(super) changed: Pollable,
    transaction: Transaction,
}

impl Background {
    pub(super) fn new(transaction: Transaction) -> Result<Self, String> {
        Ok(Self { changed: transaction.changed().map_err(lost)?, transaction })
    }

    /// What it came to, when it is over.
    pub(super) fn end(&mut self) -> Option<String> {
        if !self.changed.ready() {
            return None;
        }
        match self.transaction.report().and_then(|report| Ok((report, self.transaction.changed()?)))
        {
            Ok((report, changed)) => {
                self.changed = changed;
                let swap = swap(report);
                (swap.result != SwapResult::Running).then(|| views::swap_end(&swap))
            }
            Err(error) => Some(lost(error) + "\n"),
        }
    }
}

fn swap(report: SwapReport) -> Swap {
    let change = |change: swapping::SwapChange| Change {
        server: change.server,
        old: change.old,
        new: change.new,
    };
    Swap {
        began_ns: report.began_ns,
        changes: report.changes.into_iter().map(change).collect(),
        steps: report.steps.iter().map(|step| (phase(step.phase), step.duration_ns)).collect(),
        state_bytes: report.state_bytes,
        calls_held: report.calls_held,
        downtime_ns: report.downtime_ns,
        result: match report.result {
            swapping::SwapResult::Running => SwapResult::Running,
            swapping::SwapResult::Swapped => SwapResult::Swapped,
            swapping::SwapResult::Checked => SwapResult::Checked,
            swapping::SwapResult::RolledBack(why) => SwapResult::RolledBack(why),
        },
    }
}

fn phase(phase: TransactionPhase) -> &'static str {
    match phase {
        TransactionPhase::Prepare => "prepare",
        TransactionPhase::Quiesce => "quiesce",
        TransactionPhase::Transfer => "transfer",
        TransactionPhase::Commit => "commit",
        TransactionPhase::Probation => "probation",
    }
}
