//! What the first domain is made with: the one that the kernel itself starts (`guardian`).

use super::transfer::Slots;
use super::{Ending, Kernel};
use crate::capability::{BlobId, CapsuleId, DomainId, Entry, Object};
use alloc::vec::Vec;
use atoll_gate::Status;
use atoll_gate::call::rights;
use atoll_gate::message::{Lengths, MAX_PAYLOAD, PAYLOAD_OFFSET, ReceiveSlot, Slot};
use atoll_gate::record::Cause;
use atoll_gate::start::{
    DomainConfig, Grant, GrantKind, Isolation, NO_SLOT, Options, RuntimeLimits, StartRecord, Writer,
};

/// Name of the boot module with the program that every domain runs.
pub(super) const IMAGE_MODULE: &str = "runtime.elf";
/// Name of the first domain.
const NAME: &str = "supervisor";
/// Slot of the system handle in the start message.
const SYSTEM_SLOT: u32 = 0;
/// Slot of the log handle.
const LOG_SLOT: u32 = 1;
/// Slot of the capsule.
const CAPSULE_SLOT: u32 = 2;
/// Bytes that supervisors keep from one to the next.
const CAPSULE: u64 = 256 << 10;

const CONFIG: DomainConfig<'_> = DomainConfig {
    name: NAME,
    memory_limit: 64 << 20,
    handle_limit: 4096,
    call_limit: 256,
    priority: 5,
    isolation: Isolation::Kernel,
    budget_ns: 0,
    period_ns: 0,
    standby: false,
};

const LIMITS: RuntimeLimits = RuntimeLimits {
    linear_memory: 16 << 20,
    table_elements: 100_000,
    component_bytes: 8 << 20,
    handles: 4096,
    ..RuntimeLimits::DEFAULT
};

const OPTIONS: Options = Options { backtrace: true, snapshot: true };

/// Interfaces of the first domain and the slot that each needs.
const GRANTS: [(&str, u32); 13] = [
    ("atoll:supervision/domains", SYSTEM_SLOT),
    ("atoll:supervision/guardian", SYSTEM_SLOT),
    ("atoll:supervision/machine", SYSTEM_SLOT),
    ("atoll:supervision/modules", SYSTEM_SLOT),
    ("atoll:introspection/system", SYSTEM_SLOT),
    ("atoll:log/log", LOG_SLOT),
    ("atoll:log/source", LOG_SLOT),
    ("atoll:lifecycle/capsule", CAPSULE_SLOT),
    ("atoll:io/watch", NO_SLOT),
    ("atoll:io/pipes", NO_SLOT),
    ("atoll:io/events", NO_SLOT),
    ("atoll:clocks/monotonic", NO_SLOT),
    ("wasi:clocks/monotonic-clock", NO_SLOT),
];

/// Why a domain ended, as the next one reads it.
const fn word(cause: Cause) -> &'static str {
    match cause {
        Cause::Exited => "exited",
        Cause::Trapped => "trapped",
        Cause::Refused => "was refused",
        Cause::Panicked => "panicked",
        Cause::OutOfMemory => "ran out of memory",
        Cause::Faulted => "faulted",
        Cause::Killed => "was killed",
    }
}

impl Kernel {
    /// Makes a domain that is the first one, or is to be; it has one holder, who makes it.
    pub(super) fn create_first(
        &mut self,
        module: BlobId,
        standby: bool,
    ) -> Result<DomainId, Status> {
        let id = self.create_domain(&DomainConfig { standby, ..CONFIG }, module)?;
        self.domain_mut(id)?.holders = 1;
        Ok(id)
    }

    /// Makes the capsule, at the expense of `id`; the kernel is its one holder.
    pub(super) fn create_first_capsule(&mut self, id: DomainId) -> Result<CapsuleId, Status> {
        self.domain_mut(id)?.require_memory(CAPSULE)?;
        let capsule = self.ipc.create_capsule(CAPSULE, id).ok_or(Status::OutOfMemory)?;
        self.domain_mut(id)?.charge(CAPSULE)?;
        self.hold(Object::Capsule(capsule), 0);
        Ok(capsule)
    }

    /// Gives a first domain all authority and lets it run. Its arguments are the name of its
    /// component and, if it goes on after another one, how that ended and its last words.
    pub(super) fn equip_first(
        &mut self,
        id: DomainId,
        before: Option<&Ending>,
    ) -> Result<(), Status> {
        let slots = self.first_handles(id)?;
        let module = self.live(id)?.0.module;
        let name = self.ipc.blobs.get(module).map_or("", |blob| blob.name.as_str());
        let mut words = before.map_or("", |ending| ending.words()).lines();
        let arguments =
            [name, before.map_or("", |ending| word(ending.cause)), words.next().unwrap_or("")];
        let grants = GRANTS.map(|(interface, slot)| Grant {
            kind: GrantKind::Kernel,
            interface,
            label: "",
            slot,
        });
        let record = StartRecord {
            name: NAME,
            limits: LIMITS,
            options: OPTIONS,
            signers: &[],
            arguments: &arguments,
            environment: &[],
            grants: &grants,
        };
        let mut bytes = Vec::new();
        bytes.try_reserve_exact(MAX_PAYLOAD).map_err(|_| Status::OutOfMemory)?;
        bytes.resize(MAX_PAYLOAD, 0);
        let mut writer = Writer::new(&mut bytes);
        record.write(&mut writer);
        let len = writer.finish().ok_or(Status::Invalid)?;
        let payload = bytes.get(..len).ok_or(Status::Invalid)?;
        self.live(id)?.1.receive.write(PAYLOAD_OFFSET, payload).map_err(|_| Status::Invalid)?;
        self.launch(id, Lengths { payload: len as u32, slots }, 0)
    }

    /// Puts the handles of a first domain into its table and the slots of its start message, in the
    /// same order for each of them; gives how many there are.
    fn first_handles(&mut self, id: DomainId) -> Result<u32, Status> {
        let log = rights::READ | rights::WRITE | rights::WATCH | rights::COPY;
        let capsule = self.first_capsule().ok_or(Status::NotReady)?;
        let authority = [
            Entry::owned(Object::System, rights::ALL),
            Entry::owned(Object::Log, log),
            Entry::owned(Object::Capsule(capsule), rights::READ | rights::WRITE),
        ];
        let mut slots = [Slot { kind: ReceiveSlot::Handle as u32, ..Slot::default() }; 3];
        for (slot, entry) in slots.iter_mut().zip(authority) {
            slot.handle = self.give(id, entry.object, entry.rights)?.0;
            slot.detail = entry.object.kind() as u32;
        }
        Slots::from_kept(&slots)?.write(&self.live(id)?.1.receive)?;
        Ok(slots.len() as u32)
    }
}
