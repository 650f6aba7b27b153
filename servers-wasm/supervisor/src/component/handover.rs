//! Tasks and transactions that clients hold, across a swap of the supervisor.

use super::{
    Component,
    bindings::exports::atoll::supervision::{
        servers::{Task, TaskBorrow},
        servers_handover,
        swapping::{Transaction, TransactionBorrow},
        swapping_handover,
    },
    service::TaskHandle,
    swapping::TransactionHandle,
    with,
};

impl servers_handover::Guest for Component {
    fn save_task(object: TaskBorrow<'_>) -> Vec<u8> {
        with(|supervisor| supervisor.save_task(object.get::<TaskHandle>().id))
    }

    fn restore_task(data: Vec<u8>) -> Task {
        Task::new(TaskHandle { id: with(|supervisor| supervisor.restore_task(&data)) })
    }
}

impl swapping_handover::Guest for Component {
    fn save_transaction(object: TransactionBorrow<'_>) -> Vec<u8> {
        object.get::<TransactionHandle>().id.to_le_bytes().to_vec()
    }

    fn restore_transaction(data: Vec<u8>) -> Transaction {
        let id = data.first_chunk().map_or(0, |id| u64::from_le_bytes(*id));
        with(|supervisor| supervisor.succession_share(id));
        Transaction::new(TransactionHandle { id })
    }
}
