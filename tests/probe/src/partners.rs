//! What each domain of the probe does, by its name, and how the first one starts another.

use crate::report::{Log, payload_of};
use crate::{gate, measures};
use atoll_gate::call::{Call, NO_DEADLINE, Status, rights};
use atoll_gate::message::{Lengths, SendSlot, Slot, accept};
use atoll_gate::start::{
    DomainConfig, Isolation, Options, RuntimeLimits, StartReader, StartRecord, Writer,
};

/// Answers each call with as many bytes as it had.
pub(crate) const ANSWERER: &str = "answerer";
/// Answers calls in pairs, the second one first.
pub(crate) const DEFERRER: &str = "deferrer";
/// Gives the handle in each call back in the reply.
pub(crate) const CARRIER: &str = "carrier";
/// Waits for an event and signals another.
pub(crate) const RINGER: &str = "ringer";
/// Says that it is ready and waits for ever.
pub(crate) const IDLER: &str = "idler";

/// Slot of the serve handle, or of the system handle in the first domain.
const SERVE_SLOT: usize = 0;
/// Slot of the log handle.
const LOG_SLOT: usize = 1;
/// Slots of the ringer's events: the one that it waits for and the one that it signals.
const EVENT_SLOTS: [usize; 2] = [2, 3];
/// Token of the ringer's watch.
const TOKEN: u64 = 1;

/// Entered once in every domain.
pub(crate) extern "C" fn run() -> ! {
    let first = u64::from(gate::slot(SERVE_SLOT).handle);
    let log = Log(u64::from(gate::slot(LOG_SLOT).handle));
    let events = EVENT_SLOTS.map(|slot| u64::from(gate::slot(slot).handle));
    let name = StartReader::read(gate::received()).map_or("", |record| record.name);
    let part = match name {
        ANSWERER => answer,
        DEFERRER => defer,
        CARRIER => carry,
        RINGER => ring(log, events),
        IDLER => idle,
        _ => measures::run(first, log),
    };
    log.expect("publish", gate::call(Call::Publish, [first, 0, 0, 0, 0]));
    log.expect("ready", gate::call(Call::Ready, [0; 5]));
    part(log)
}

fn wait(log: Log, mask: u64) {
    log.expect("wait", gate::call(Call::Wait, [mask, NO_DEADLINE, 0, 0, 0]));
}

fn answer(log: Log) -> ! {
    wait(log, accept::ALL);
    let status = gate::answer_all(accept::ALL, NO_DEADLINE);
    log.fail("answer", status)
}

fn defer(log: Log) -> ! {
    loop {
        wait(log, accept::CALLS);
        let first = gate::header().id;
        wait(log, accept::CALLS);
        for id in [gate::header().id, first] {
            let reply = [id, Status::Ok as u64, payload_of(0), 0, 0];
            log.expect("reply", gate::call(Call::Reply, reply));
        }
    }
}

fn carry(log: Log) -> ! {
    wait(log, accept::ALL);
    loop {
        give(0, SendSlot::Move, u64::from(gate::slot(0).handle), 0);
        let lengths = Lengths { payload: 0, slots: 1 }.pack();
        let id = gate::header().id;
        let reply = [id, Status::Ok as u64, lengths, accept::ALL, NO_DEADLINE];
        log.expect("reply and wait", gate::call(Call::ReplyWait, reply));
    }
}

fn ring(log: Log, [heard, rung]: [u64; 2]) -> ! {
    log.expect("watch", gate::call(Call::Watch, [heard, TOKEN, 0, 0, 0]));
    log.expect("ready", gate::call(Call::Ready, [0; 5]));
    loop {
        wait(log, accept::NOTIFICATIONS);
        log.expect("clear", gate::call(Call::Signal, [heard, 0, 0, 0, 0]));
        log.expect("watch", gate::call(Call::Watch, [heard, TOKEN, 0, 0, 0]));
        log.expect("signal", gate::call(Call::Signal, [rung, 1, 0, 0, 0]));
    }
}

fn idle(log: Log) -> ! {
    loop {
        wait(log, accept::ALL);
    }
}

/// Fills a slot of the next message.
pub(crate) fn give(index: usize, kind: SendSlot, handle: u64, detail: u32) {
    gate::put_slot(index, Slot { kind: kind as u32, handle: handle as u32, object: 0, detail });
}

/// What the first domain needs to start another.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Starter {
    /// The system handle.
    pub(crate) system: u64,
    /// The boot module that has the probe.
    pub(crate) module: u64,
    /// The log, which every partner gets.
    pub(crate) log: Log,
}

impl Starter {
    /// Starts a partner that serves the endpoint, waits until it is ready and gives its control
    /// handle.
    pub(crate) fn start(
        self,
        part: &str,
        isolation: Isolation,
        serve: u64,
        events: [u64; 2],
    ) -> u64 {
        let log = self.log;
        let config = gate::fill_payload(|out| {
            let mut writer = Writer::new(out);
            config(part, isolation).write(&mut writer);
            writer.finish()
        });
        let create = [self.system, self.module, payload_of(config.unwrap_or(0)), 0, 0];
        let control = log.expect("create a domain", gate::call(Call::CreateDomain, create));
        let record = gate::fill_payload(|out| {
            let mut writer = Writer::new(out);
            record(part).write(&mut writer);
            writer.finish()
        });
        for (index, handle) in [serve, log.0, events[0], events[1]].into_iter().enumerate() {
            give(index, SendSlot::Copy, handle, rights::ALL);
        }
        let lengths = Lengths { payload: record.unwrap_or(0) as u32, slots: 4 };
        let start = [control, lengths.pack(), 0, 0, 0];
        log.expect("start a domain", gate::call(Call::StartDomain, start));
        log.expect("watch a domain", gate::call(Call::Watch, [control, TOKEN, 0, 0, 0]));
        wait(log, accept::NOTIFICATIONS);
        control
    }

    /// Ends a partner.
    pub(crate) fn end(self, control: u64) {
        self.log.expect("kill a domain", gate::call(Call::KillDomain, [control, 0, 0, 0, 0]));
        self.log.expect("close", gate::call(Call::Close, [control, 0, 0, 0, 0]));
    }
}

fn config(name: &str, isolation: Isolation) -> DomainConfig<'_> {
    DomainConfig {
        name,
        memory_limit: 8 << 20,
        handle_limit: 64,
        call_limit: 16,
        priority: 5,
        isolation,
        budget_ns: 0,
        period_ns: 0,
        standby: false,
    }
}

/// A record as a runtime gets it. The limits are those of a component, which the probe has not.
fn record(name: &str) -> StartRecord<'_> {
    let (limits, options) = (RuntimeLimits::DEFAULT, Options::default());
    StartRecord {
        name,
        limits,
        options,
        signers: &[],
        arguments: &[],
        environment: &[],
        grants: &[],
    }
}
