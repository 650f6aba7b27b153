//! A client's hold on a swap.

use super::{
    bindings::{
        atoll::io::events::Event,
        exports::atoll::supervision::servers::{
            GuestTransaction, Replacement, SwapChange, SwapReport, SwapResult, SwapStep,
            TransactionPhase,
        },
        wasi::io::poll::Pollable,
    },
    with,
};
use crate::swap;

/// Dropping it lets the swap go on by itself.
pub(super) struct TransactionHandle {
    pub(super) id: u64,
}

impl GuestTransaction for TransactionHandle {
    fn report(&self) -> SwapReport {
        // The transaction is there as long as this handle is; were it not, it would be over.
        let record = with(|supervisor| supervisor.swap_record(self.id));
        record.unwrap_or_else(|| swap::Record::new(0, Vec::new())).into()
    }

    fn changed(&self) -> Pollable {
        with(|supervisor| supervisor.swap_changed(self.id))
            .unwrap_or_else(|| Event::new().subscribe())
    }

    fn cancel(&self) {
        with(|supervisor| supervisor.swap_cancel(self.id));
    }
}

impl Drop for TransactionHandle {
    fn drop(&mut self) {
        with(|supervisor| supervisor.swap_drop(self.id));
    }
}

impl From<Replacement> for swap::Replacement {
    fn from(replacement: Replacement) -> Self {
        let Replacement { server, component, grants } = replacement;
        Self { server, component, grants }
    }
}

impl From<swap::Record> for SwapReport {
    fn from(record: swap::Record) -> Self {
        Self {
            downtime_ns: record.downtime_ns(),
            began_ns: record.began_ns,
            changes: record
                .changes
                .into_iter()
                .map(|swap::Change { server, old, new }| SwapChange { server, old, new })
                .collect(),
            steps: record.phases.into_iter().filter_map(step).collect(),
            state_bytes: record.state_bytes,
            calls_held: record.calls_held,
            result: match record.result {
                swap::Result::Running => SwapResult::Running,
                swap::Result::Swapped => SwapResult::Swapped,
                swap::Result::Checked => SwapResult::Checked,
                swap::Result::RolledBack(why) => SwapResult::RolledBack(why),
            },
        }
    }
}

fn step((phase, duration_ns): (swap::Phase, u64)) -> Option<SwapStep> {
    let phase = match phase {
        swap::Phase::Prepare => TransactionPhase::Prepare,
        swap::Phase::Quiesce => TransactionPhase::Quiesce,
        swap::Phase::Transfer => TransactionPhase::Transfer,
        swap::Phase::Commit => TransactionPhase::Commit,
        swap::Phase::Probation => TransactionPhase::Probation,
        // Nothing comes after these.
        swap::Phase::Done | swap::Phase::RolledBack => return None,
    };
    Some(SwapStep { phase, duration_ns })
}
