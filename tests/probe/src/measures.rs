//! The measurements, one after another, and the power switch.

use crate::gate;
use crate::partners::{ANSWERER, CARRIER, DEFERRER, IDLER, RINGER, Starter, give};
use crate::report::{Log, payload_of};
use atoll_gate::call::{Call, NO_DEADLINE, Power};
use atoll_gate::layout::{HEAP_BASE, PAGE_SIZE};
use atoll_gate::message::{Lengths, MAX_PAYLOAD, SendSlot, accept};
use atoll_gate::start::Isolation;

/// Rounds of each measurement.
const ROUNDS: u64 = 1000;
/// Rounds before each measurement that do not count: caches and tables settle.
const WARM_UP: u64 = 20;
/// Rounds of what takes long.
const FEW_ROUNDS: u64 = 50;
/// A number that no gate call has.
const NO_CALL: u64 = 0;
/// Name of the boot module with this program.
const MODULE: &[u8] = b"runtime.elf";

/// Measures everything and switches the machine off.
pub(crate) fn run(system: u64, log: Log) -> ! {
    gate::fill_payload(|out| out.iter_mut().zip(MODULE).for_each(|(to, from)| *to = *from));
    let open = [system, payload_of(MODULE.len()), 0, 0, 0];
    let module = log.expect("open the probe", gate::call(Call::OpenBlob, open));
    let starter = Starter { system, module, log };
    log.write(format_args!(
        "probe-user {} {}",
        gate::REPEAT_INSTRUCTIONS,
        gate::ANSWER_INSTRUCTIONS
    ));
    empty_calls(log);
    calls(starter);
    handles(starter);
    notifications(starter);
    local(log);
    domains(starter);
    log.write(format_args!("probe end"));
    gate::call(Call::Power, [system, Power::Off as u64, 0, 0, 0]);
    log.fail("switch off", 0)
}

/// Times `rounds` rounds, which `work` carries out, and reports them.
fn measure(log: Log, name: &str, rounds: u64, mut work: impl FnMut(u64)) {
    work(WARM_UP.min(rounds));
    let start = gate::counter();
    work(rounds);
    let total = gate::counter().wrapping_sub(start);
    log.write(format_args!("probe {name} {rounds} {total}"));
}

/// Times one gate call over and over.
fn measure_call(log: Log, name: &str, call: Call, arguments: [u64; 5]) {
    measure(log, name, ROUNDS, |times| {
        let statuses = gate::repeat(call as u64, arguments, times);
        log.expect(name, (statuses, 0));
    });
}

/// A measurement whose rounds are written in Rust.
fn measure_rounds(log: Log, name: &str, rounds: u64, mut round: impl FnMut()) {
    measure(log, name, rounds, |times| (0..times).for_each(|_| round()));
}

fn empty_calls(log: Log) {
    measure(log, "no-call", ROUNDS, |times| {
        gate::repeat(NO_CALL, [0; 5], times);
    });
    measure_call(log, "clock", Call::Clock, [0; 5]);
}

fn new_endpoint(log: Log) -> u64 {
    log.expect("make an endpoint", gate::call(Call::CreateEndpoint, [0; 5]))
}

fn calls(starter: Starter) {
    let log = starter.log;
    for (suffix, isolation) in [("", Isolation::Kernel), ("-user", Isolation::User)] {
        let endpoint = new_endpoint(log);
        let control = starter.start(ANSWERER, isolation, endpoint, [endpoint; 2]);
        let sizes: [(&str, usize); 5] = [
            ("call-reply-0", 0),
            ("call-reply-4", 4),
            ("call-reply-64", 64),
            ("call-reply-4096", 4096),
            ("call-reply-65536", MAX_PAYLOAD),
        ];
        for (name, size) in sizes {
            let arguments = [endpoint, 0, payload_of(size), NO_DEADLINE, 0];
            measure(log, Name { name, suffix }.join(&mut [0; 32]), ROUNDS, |times| {
                log.expect(name, (gate::repeat(Call::Call as u64, arguments, times), 0));
            });
        }
        starter.end(control);
    }
    let endpoint = new_endpoint(log);
    let control = starter.start(DEFERRER, Isolation::Kernel, endpoint, [endpoint; 2]);
    measure_rounds(log, "send-reply-pair", ROUNDS, || {
        for _ in 0..2 {
            let send = [endpoint, 0, payload_of(0), 0, 0];
            log.expect("send", gate::call(Call::Send, send));
        }
        for _ in 0..2 {
            let wait = [accept::REPLIES, NO_DEADLINE, 0, 0, 0];
            log.expect("wait for a reply", gate::call(Call::Wait, wait));
        }
    });
    starter.end(control);
}

/// A name and what follows it.
struct Name<'a> {
    name: &'a str,
    suffix: &'a str,
}

impl Name<'_> {
    fn join<'b>(&self, buffer: &'b mut [u8; 32]) -> &'b str {
        let bytes = self.name.bytes().chain(self.suffix.bytes());
        let len = buffer.iter_mut().zip(bytes).map(|(to, from)| *to = from).count();
        str::from_utf8(buffer.get(..len).unwrap_or_default()).unwrap_or_default()
    }
}

fn handles(starter: Starter) {
    let log = starter.log;
    let lengths = Lengths { payload: 0, slots: 1 }.pack();
    let mut event = new_event(log);
    let endpoint = new_endpoint(log);
    let control = starter.start(CARRIER, Isolation::Kernel, endpoint, [endpoint; 2]);
    measure_rounds(log, "handle-move", ROUNDS, || {
        give(0, SendSlot::Move, event, 0);
        let call = [endpoint, 0, lengths, NO_DEADLINE, 0];
        log.expect("move a handle", gate::call(Call::Call, call));
        event = u64::from(gate::slot(0).handle);
    });
    starter.end(control);
    let endpoint = new_endpoint(log);
    let control = starter.start(ANSWERER, Isolation::Kernel, endpoint, [endpoint; 2]);
    give(0, SendSlot::Lend, event, 0);
    measure_call(log, "handle-lend", Call::Call, [endpoint, 0, lengths, NO_DEADLINE, 0]);
    starter.end(control);
}

fn new_event(log: Log) -> u64 {
    log.expect("make an event", gate::call(Call::CreateEvent, [0; 5]))
}

/// Clears `heard`, watches it, signals `rung` and waits: one side of two that ring for each other.
fn ring(log: Log, heard: u64, rung: u64) {
    log.expect("clear", gate::call(Call::Signal, [heard, 0, 0, 0, 0]));
    log.expect("watch", gate::call(Call::Watch, [heard, 0, 0, 0, 0]));
    log.expect("signal", gate::call(Call::Signal, [rung, 1, 0, 0, 0]));
    let wait = [accept::NOTIFICATIONS, NO_DEADLINE, 0, 0, 0];
    log.expect("wait", gate::call(Call::Wait, wait));
}

fn notifications(starter: Starter) {
    let log = starter.log;
    let (mine, theirs) = (new_event(log), new_event(log));
    measure_call(log, "signal", Call::Signal, [mine, 1, 0, 0, 0]);
    measure_rounds(log, "notify-self", ROUNDS, || ring(log, mine, mine));
    let endpoint = new_endpoint(log);
    let control = starter.start(RINGER, Isolation::Kernel, endpoint, [theirs, mine]);
    measure_rounds(log, "notify-pair", ROUNDS, || ring(log, mine, theirs));
    starter.end(control);
}

/// What stays within one domain.
fn local(log: Log) {
    let pipe = log.expect("make a pipe", gate::call(Call::CreatePipe, [PAGE_SIZE, 0, 0, 0, 0]));
    let (reader, writer) = (pipe & u64::from(u32::MAX), pipe >> 32);
    let page = payload_of(PAGE_SIZE as usize);
    measure_rounds(log, "pipe-4096", ROUNDS, || {
        log.expect("write a pipe", gate::call(Call::Write, [writer, page, 0, 0, 0]));
        log.expect("read a pipe", gate::call(Call::Read, [reader, 0, PAGE_SIZE, 0, 0]));
    });
    measure_rounds(log, "commit-release", ROUNDS, || {
        log.expect("commit", gate::call(Call::Commit, [HEAP_BASE, 1, 0, 0, 0]));
        log.expect("release", gate::call(Call::Release, [HEAP_BASE, 1, 0, 0, 0]));
    });
}

fn domains(starter: Starter) {
    let endpoint = new_endpoint(starter.log);
    measure_rounds(starter.log, "domain-life", FEW_ROUNDS, || {
        let control = starter.start(IDLER, Isolation::Kernel, endpoint, [endpoint; 2]);
        starter.end(control);
    });
}
