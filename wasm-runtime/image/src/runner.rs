//! The two domains of the runner of test suites: the one that starts and the one that executes.

use alloc::format;
use alloc::string::{String, ToString};
use atoll_conformance::{Report, run};
use atoll_gate::call::{NO_DEADLINE, Power, Status, rights};
use atoll_gate::message::{Lengths, SendSlot, Slot, accept};
use atoll_gate::record::{Cause, Level};
use atoll_gate::start::{
    DomainConfig, Grant, GrantKind, Isolation, Options, RuntimeLimits, StartRecord, Writer,
};
use atoll_image::gate::{Calls, Gate, words};
use atoll_image::serve::End;
use atoll_image::start::Start;

/// Name of the boot module with the archive.
const MODULE: &str = "conformance.script";
/// Name of the domain that executes.
const NAME: &str = "conformance";
/// What it is granted.
const LOG: &str = "atoll:log/log";
/// What tells the first domain from it.
const SYSTEM: &str = "atoll:supervision/domains";
/// Said last.
const LAST: &str = "conformance end";

const CONFIG: DomainConfig<'_> = DomainConfig {
    name: NAME,
    memory_limit: 512 << 20,
    handle_limit: 16,
    call_limit: 1,
    priority: 3,
    isolation: Isolation::Kernel,
    budget_ns: 0,
    period_ns: 0,
    standby: false,
};

/// Lives the life of either domain and tells its end.
pub(crate) fn live<G: Gate, T>(gate: G, archive: &[u8], tell: impl FnOnce(End) -> T) -> T {
    tell(outcome(gate, archive))
}

fn outcome<G: Gate>(mut gate: G, archive: &[u8]) -> End {
    let Some(start) = Start::take(&gate) else {
        return refused("the start record is malformed");
    };
    let Some(log) = start.labelled(LOG, "") else { return refused("there is no log") };
    match start.labelled(SYSTEM, "") {
        Some(system) => supervise(&mut gate, system, log),
        None => match run(archive, &mut Log { gate: &mut gate, log }) {
            Ok(_) => End { cause: Cause::Exited, code: 0, message: String::new(), trap: None },
            Err(damaged) => refused(damaged),
        },
    }
}

fn refused(message: impl ToString) -> End {
    End { cause: Cause::Refused, code: 1, message: message.to_string(), trap: None }
}

/// The report, as entries of the kernel's log.
struct Log<'g, G> {
    gate: &'g mut G,
    log: u32,
}

impl<G: Gate> Report for Log<'_, G> {
    fn line(&mut self, text: &str) {
        let len = payload(self.gate, |out| {
            out.u8(Level::Info as u8);
            out.bytes(text.as_bytes());
        });
        // A log that takes no entry has nobody to tell; the run is then seen not to end.
        let _ = len.map(|len| self.gate.write(self.log, len));
    }
}

/// Fills the payload of the next message; `None` if it is too small.
fn payload<G: Gate>(gate: &mut G, fill: impl FnOnce(&mut Writer<'_>)) -> Option<usize> {
    let mut writer = Writer::new(gate.send_payload());
    fill(&mut writer);
    writer.finish()
}

/// Starts the domain that executes, waits for its end and switches off.
fn supervise<G: Gate>(gate: &mut G, system: u32, log: u32) -> End {
    let outcome = execute(gate, system, log);
    let mut report = Log { gate: &mut *gate, log };
    if let Err(status) = outcome {
        report.line(&format!("{NAME} could not be started: {}", words(status)));
    }
    report.line(LAST);
    gate.power(system, Power::Off);
    refused("the machine cannot be switched off")
}

fn execute<G: Gate>(gate: &mut G, system: u32, log: u32) -> Result<(), Status> {
    let len = payload(gate, |out| out.bytes(MODULE.as_bytes())).ok_or(Status::Invalid)?;
    let archive = gate.open_blob(system, len)?;
    let len = payload(gate, |out| CONFIG.write(out)).ok_or(Status::Invalid)?;
    let control = gate.create_domain(system, archive, len)?;
    let grants = [Grant { kind: GrantKind::Kernel, interface: LOG, label: "", slot: 0 }];
    let record = StartRecord {
        name: NAME,
        limits: RuntimeLimits::DEFAULT,
        options: Options::default(),
        signers: &[],
        arguments: &[],
        environment: &[],
        grants: &grants,
    };
    let len = payload(gate, |out| record.write(out)).ok_or(Status::Invalid)?;
    let slot = Slot { kind: SendSlot::Copy as u32, handle: log, object: 0, detail: rights::WRITE };
    gate.put_slot(0, slot);
    gate.watch(control, 0)?;
    gate.start_domain(control, Lengths { payload: len as u32, slots: 1 })?;
    // It never reports ready, so what comes is its end.
    gate.wait(accept::NOTIFICATIONS, NO_DEADLINE)
}
