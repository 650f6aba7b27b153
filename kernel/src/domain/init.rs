//! The first domain: the one that the kernel itself starts and watches over.

use super::transfer::Slots;
use super::{BootError, Kernel};
use crate::arch::power;
use crate::boot::OnPanic;
use crate::capability::{DomainId, Entry, Object};
use crate::trace;
use alloc::vec::Vec;
use atoll_gate::Status;
use atoll_gate::call::rights;
use atoll_gate::message::{Lengths, MAX_PAYLOAD, PAYLOAD_OFFSET, ReceiveSlot, Slot};
use atoll_gate::record::Level;
use atoll_gate::start::{
    DomainConfig, Grant, GrantKind, Isolation, NO_SLOT, Options, RuntimeLimits, StartRecord, Writer,
};

/// Name of the boot module with the program that every domain runs.
pub(super) const IMAGE_MODULE: &str = "runtime.elf";
/// Name of the first domain.
const NAME: &str = "supervisor";
/// Times that the first domain is started again after its end.
const RESTARTS: u32 = 3;
/// Slot of the system handle in the start message.
const SYSTEM_SLOT: u32 = 0;
/// Slot of the log handle.
const LOG_SLOT: u32 = 1;

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

const OPTIONS: Options = Options { backtrace: true, snapshot: false };

/// Interfaces of the first domain and the slot that each needs.
const GRANTS: [(&str, u32); 11] = [
    ("atoll:supervision/domains", SYSTEM_SLOT),
    ("atoll:supervision/machine", SYSTEM_SLOT),
    ("atoll:supervision/modules", SYSTEM_SLOT),
    ("atoll:introspection/system", SYSTEM_SLOT),
    ("atoll:log/log", LOG_SLOT),
    ("atoll:log/source", LOG_SLOT),
    ("atoll:io/watch", NO_SLOT),
    ("atoll:io/pipes", NO_SLOT),
    ("atoll:io/events", NO_SLOT),
    ("atoll:clocks/monotonic", NO_SLOT),
    ("wasi:clocks/monotonic-clock", NO_SLOT),
];

/// The first domain and how often it was started.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Init {
    domain: Option<DomainId>,
    module: u32,
    restarts: u32,
}

impl Kernel {
    /// Starts the first domain from the module that the command line names.
    pub(super) fn start_init(&mut self) -> Result<(), BootError> {
        let name = self.boot.command_line.init().ok_or(BootError::NoInit)?;
        let module = self.boot.modules.iter().position(|module| module.name == name);
        let module = module.and_then(|index| u32::try_from(index).ok()).ok_or(BootError::NoInit)?;
        let domain = self.run_init(module).map_err(BootError::InitFailed)?;
        self.init = Init { domain: Some(domain), module, restarts: 0 };
        Ok(())
    }

    /// Whether `id` is the first domain.
    pub(super) fn is_init(&self, id: DomainId) -> bool {
        self.init.domain == Some(id)
    }

    fn run_init(&mut self, module: u32) -> Result<DomainId, Status> {
        let id = self.create_domain(&CONFIG, module)?;
        self.domain_mut(id)?.holders = 1;
        let started = self.hand_over_machine(id);
        if started.is_err() {
            self.release_domain(id);
            self.reap();
        }
        started.map(|()| id)
    }

    /// Gives the first domain all authority and lets it run.
    fn hand_over_machine(&mut self, id: DomainId) -> Result<(), Status> {
        let log = rights::READ | rights::WRITE | rights::WATCH | rights::COPY;
        let domain = self.domain_mut(id)?;
        let mut slots = [Slot { kind: ReceiveSlot::Handle as u32, ..Slot::default() }; 2];
        let authority = [Entry::owned(Object::System, rights::ALL), Entry::owned(Object::Log, log)];
        for (slot, entry) in slots.iter_mut().zip(authority) {
            slot.handle = domain.handles.insert(entry)?.0;
            slot.detail = entry.object.kind() as u32;
        }
        Slots::from_kept(&slots)?.write(&self.live(id)?.1.receive)?;
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
            arguments: &[],
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
        self.launch(id, Lengths { payload: len as u32, slots: 2 }, 0)
    }

    /// Starts the first domain again if it ended, a few times; then the machine stops.
    pub(crate) fn settle_init(&mut self) {
        let Some(id) = self.init.domain else { return };
        if self.live(id).is_ok() {
            return;
        }
        self.release_domain(id);
        self.init.domain = None;
        while self.init.restarts < RESTARTS {
            self.init.restarts += 1;
            let restarts = self.init.restarts;
            trace::kernel(
                Level::Warn,
                format_args!("starting {NAME} again, time {restarts} of {RESTARTS}"),
            );
            match self.run_init(self.init.module) {
                Ok(domain) => {
                    self.init.domain = Some(domain);
                    return;
                }
                Err(status) => trace::kernel(
                    Level::Error,
                    format_args!("cannot start {NAME} again: {status:?}"),
                ),
            }
        }
        self.give_up();
    }

    /// Nobody is left who could start anything.
    fn give_up(&self) {
        trace::kernel(Level::Error, format_args!("no supervisor is left"));
        match self.boot.command_line.on_panic() {
            OnPanic::Reboot => power::reboot(),
            OnPanic::Halt if self.boot.command_line.exit_by_debug_port() => power::off(),
            OnPanic::Halt => {}
        }
    }
}
