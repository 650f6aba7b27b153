//! The service `atoll:supervision/swapping`, and a client's hold on a swap.

use super::{
    Component, World,
    bindings::{
        atoll::supervision::{domains, types},
        exports::atoll::supervision::swapping::{
            self, GuestTransaction, Replacement, SwapChange, SwapReport, SwapResult, SwapStep,
            Transaction, TransactionPhase,
        },
        wasi::io::poll::Pollable,
    },
    with,
};
use crate::{
    kernel,
    operator::Operator,
    swap::{self, Purpose},
};

/// Acts for the client whose call this is, as far as its grant goes.
fn for_client<T>(
    act: impl FnOnce(&mut Operator<'_, World>) -> Result<T, kernel::Error>,
) -> Result<T, types::Error> {
    Ok(with(|supervisor| act(&mut supervisor.operator(domains::caller())))?)
}

impl swapping::Guest for Component {
    type Transaction = TransactionHandle;

    fn start(name: String) -> Result<(), types::Error> {
        for_client(|operator| operator.start(&name))
    }

    fn stop(name: String) -> Result<(), types::Error> {
        for_client(|operator| operator.stop(&name))
    }

    fn kill(name: String) -> Result<(), types::Error> {
        for_client(|operator| operator.kill(&name))
    }

    fn restart(name: String) -> Result<(), types::Error> {
        for_client(|operator| operator.restart(&name))
    }

    fn swap(replacements: Vec<Replacement>, dry_run: bool) -> Result<Transaction, types::Error> {
        let replacements: Vec<_> = replacements.into_iter().map(Into::into).collect();
        let purpose = if dry_run { Purpose::Check } else { Purpose::Replace };
        let id = for_client(|operator| operator.swap(&replacements, purpose))?;
        Ok(Transaction::new(TransactionHandle { id }))
    }

    fn rollback(name: String) -> Result<Transaction, types::Error> {
        let id = for_client(|operator| operator.rollback(&name))?;
        Ok(Transaction::new(TransactionHandle { id }))
    }

    fn history(name: String) -> Result<Vec<SwapReport>, types::Error> {
        let records = for_client(|operator| operator.history(&name))?;
        Ok(records.into_iter().map(Into::into).collect())
    }

    fn revoke(name: String) -> Result<u64, types::Error> {
        for_client(|operator| operator.revoke(&name))
    }
}

/// Dropping it lets the swap go on by itself.
pub(super) struct TransactionHandle {
    pub(super) id: u64,
}

impl GuestTransaction for TransactionHandle {
    fn report(&self) -> Result<SwapReport, types::Error> {
        let record = with(|supervisor| supervisor.swap_record(self.id));
        Ok(record.ok_or(types::Error::PeerRestarted)?.into())
    }

    fn changed(&self) -> Result<Pollable, types::Error> {
        with(|supervisor| supervisor.swap_changed(self.id)).ok_or(types::Error::PeerRestarted)
    }

    fn cancel(&self) -> Result<(), types::Error> {
        with(|supervisor| supervisor.swap_cancel(self.id));
        Ok(())
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
