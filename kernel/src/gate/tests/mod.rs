//! Scenarios: fake domains that make gate calls, on the whole kernel over a fake machine.
//!
//! [`Bench`] drives a [`Kernel`]: it lets a domain run, puts a call's numbers into its registers
//! and its message into its send area, and reads what came back.

mod blobs;
mod capsules;
mod death;
mod devices;
mod guardian;
mod handles;
mod inject;
mod messages;
mod model;
mod probes;
mod reserved;
mod snapshot;
mod streams;
mod supervision;
mod swap;

use super::{CPU, Kernel};
use crate::arch::host;
use crate::boot::{BootInfo, CommandLine, Module};
use crate::capability::DomainId;
use crate::domain::Activity;
use crate::interrupts::{Events, Fault};
use crate::memory::elf::tests::image;
use crate::memory::{PageRun, frames};
use atoll_gate::call::{NO_DEADLINE, ObjectKind, rights};
use atoll_gate::layout::IMAGE_BASE;
use atoll_gate::message::{
    EventKind, Lengths, PAYLOAD_OFFSET, ReceiveSlot, SLOTS_OFFSET, SendSlot, Slot, accept,
};
use atoll_gate::record::{DOMAIN_STATUS, DomainStatus, Record};
use atoll_gate::start::{DomainConfig, Isolation, Writer};
use atoll_gate::{Call, Status};
use std::sync::Arc;

/// What arrived in a receive area.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Message {
    event: Option<EventKind>,
    method: u32,
    id: u64,
    badge: u32,
    sender: u32,
    payload: Vec<u8>,
    slots: Vec<Slot>,
}

/// A configuration that lets a domain do whatever a test needs.
const PLAIN: DomainConfig<'_> = DomainConfig {
    name: "plain",
    memory_limit: 4 << 20,
    handle_limit: 64,
    call_limit: 16,
    priority: 3,
    isolation: Isolation::Kernel,
    budget_ns: 0,
    period_ns: 0,
    standby: false,
};

struct Bench {
    kernel: Kernel,
    init: DomainId,
    system: u32,
    log: u32,
    blob: u32,
}

fn module(name: &str, bytes: &[u8]) -> Module {
    let run = PageRun::allocate(bytes.len().div_ceil(4096)).expect("memory");
    run.write(0, bytes).expect("in range");
    Module { name: name.into(), bytes: run }
}

impl Bench {
    fn new() -> Self {
        Self::with_command_line("init=init.wasm")
    }

    fn with_command_line(text: &str) -> Self {
        host::set_clock(1_000);
        let file = image(
            IMAGE_BASE,
            &[(IMAGE_BASE, 5, 3, b"abc"), (IMAGE_BASE + 0x1000, 6, 0x2001, b"data")],
        );
        let boot = BootInfo {
            modules: vec![
                module("runtime.elf", &file),
                module("init.wasm", b"component"),
                module("next.wasm", b"another"),
            ],
            command_line: CommandLine::parse(text),
            ..BootInfo::default()
        };
        let kernel = Kernel::new(boot).expect("boots");
        let (init, _) = kernel.domains.iter().next().expect("init runs");
        let mut bench = Self { kernel, init, system: 0, log: 0, blob: 0 };
        bench.kernel.next();
        let start = bench.message(init);
        assert_eq!(start.event, None);
        [bench.system, bench.log] = [start.slots[0].handle, start.slots[1].handle];
        bench.put(init, b"init.wasm", &[]);
        bench.blob =
            bench.expect(init, Call::OpenBlob, [bench.system.into(), lengths(9, 0)]) as u32;
        bench
    }

    /// Lets `domain` make a call; gives its result, or none if it is blocked or gone.
    fn call<const N: usize>(
        &mut self,
        domain: DomainId,
        call: Call,
        arguments: [u64; N],
    ) -> Option<(Status, u64)> {
        self.raw(domain, call as u64, arguments)
    }

    fn raw<const N: usize>(
        &mut self,
        domain: DomainId,
        number: u64,
        arguments: [u64; N],
    ) -> Option<(Status, u64)> {
        let mut registers = [0; 5];
        registers[..N].copy_from_slice(&arguments);
        self.kernel.scheduler.run_now(CPU, domain);
        let (_, body) = self.kernel.live(domain).expect("alive");
        body.space.context().fake_gate_call(number, registers);
        self.kernel.gate_call();
        self.kernel.next();
        self.result(domain)
    }

    /// The result of the last call of `domain`, unless it is blocked in it or gone.
    fn result(&self, domain: DomainId) -> Option<(Status, u64)> {
        let (record, body) = self.kernel.live(domain).ok()?;
        if record.activity != Activity::Runnable {
            return None;
        }
        let (status, value) = body.space.context().result();
        Some((Status::from_raw(status).expect("a status"), value))
    }

    /// Makes a call that must succeed; gives its value.
    #[track_caller]
    fn expect<const N: usize>(&mut self, domain: DomainId, call: Call, arguments: [u64; N]) -> u64 {
        let result = self.call(domain, call, arguments);
        let Some((Status::Ok, value)) = result else { panic!("{call:?}: {result:?}") };
        value
    }

    /// Makes a call that must fail; gives its status.
    #[track_caller]
    fn fails<const N: usize>(
        &mut self,
        domain: DomainId,
        call: Call,
        arguments: [u64; N],
    ) -> Status {
        let (status, value) = self.call(domain, call, arguments).expect("an answer");
        assert_ne!(status, Status::Ok);
        assert_eq!(value, 0);
        status
    }

    /// Makes a call that must block.
    #[track_caller]
    fn blocks<const N: usize>(&mut self, domain: DomainId, call: Call, arguments: [u64; N]) {
        assert_eq!(self.call(domain, call, arguments), None, "{call:?} did not block");
    }

    /// Fills the send area.
    fn put(&self, domain: DomainId, payload: &[u8], slots: &[Slot]) {
        let send = self.kernel.live(domain).expect("alive").1.send.clone();
        send.write(PAYLOAD_OFFSET, payload).expect("in range");
        for (index, slot) in slots.iter().enumerate() {
            let words = [slot.kind, slot.handle, slot.object, slot.detail];
            for (field, word) in words.into_iter().enumerate() {
                send.set_u32(SLOTS_OFFSET + index * 16 + field * 4, word).expect("in range");
            }
        }
    }

    fn area(&self, domain: DomainId) -> Arc<PageRun> {
        self.kernel.live(domain).expect("alive").1.receive.clone()
    }

    /// The first bytes of the receive payload.
    fn payload(&self, domain: DomainId, len: usize) -> Vec<u8> {
        let mut bytes = vec![0; len];
        self.area(domain).read(PAYLOAD_OFFSET, &mut bytes).expect("in range");
        bytes
    }

    /// What stands in the receive area.
    fn message(&self, domain: DomainId) -> Message {
        let area = self.area(domain);
        let word = |offset| area.u32_at(offset).expect("in range");
        let slots = (0..word(24) as usize).map(|index| {
            let at = SLOTS_OFFSET + index * 16;
            Slot {
                kind: word(at),
                handle: word(at + 4),
                object: word(at + 8),
                detail: word(at + 12),
            }
        });
        Message {
            event: EventKind::from_raw(word(0)),
            method: word(4),
            id: area.u64_at(8).expect("in range"),
            badge: word(16),
            sender: word(28),
            payload: self.payload(domain, word(20) as usize),
            slots: slots.collect(),
        }
    }

    /// Makes a domain; gives it and init's control handle.
    fn create(&mut self, config: DomainConfig<'_>) -> (DomainId, u32) {
        let mut bytes = [0; 200];
        let mut writer = Writer::new(&mut bytes);
        config.write(&mut writer);
        let len = writer.finish().expect("fits");
        self.put(self.init, &bytes[..len], &[]);
        let arguments = [self.system.into(), self.blob.into(), lengths(len, 0)];
        let control = self.expect(self.init, Call::CreateDomain, arguments) as u32;
        (self.newest(), control)
    }

    fn newest(&self) -> DomainId {
        let newest = self.kernel.domains.iter().max_by_key(|(_, domain)| domain.number);
        newest.expect("at least init").0
    }

    /// Makes and starts a domain that gets `slots` from init; gives it, init's control handle and
    /// its handles.
    fn spawn_with(
        &mut self,
        config: DomainConfig<'_>,
        slots: &[Slot],
    ) -> (DomainId, u32, Vec<u32>) {
        let (domain, control) = self.create(config);
        self.put(self.init, b"start", slots);
        self.expect(self.init, Call::StartDomain, [control.into(), lengths(5, slots.len())]);
        let start = self.message(domain);
        assert_eq!((start.event, start.payload.as_slice()), (None, b"start".as_slice()));
        (domain, control, start.slots.iter().map(|slot| slot.handle).collect())
    }

    fn spawn(&mut self) -> DomainId {
        self.spawn_with(PLAIN, &[]).0
    }

    /// An endpoint of init, a server that published on it under badge 9, and a client.
    fn pair(&mut self) -> Pair {
        let endpoint = self.expect(self.init, Call::CreateEndpoint, []) as u32;
        let (server, server_control, handles) =
            self.spawn_with(PLAIN, &[copy(endpoint, rights::SERVE | rights::COPY)]);
        let serve = handles[0];
        let (client, client_control, handles) =
            self.spawn_with(PLAIN, &[copy(endpoint, rights::CALL | rights::COPY)]);
        self.publish(server, serve);
        Pair { server, serve, server_control, client, target: handles[0], client_control, endpoint }
    }

    fn publish(&mut self, server: DomainId, serve: u32) {
        self.put(server, b"descriptor", &[]);
        self.expect(server, Call::Publish, [serve.into(), 9, lengths(10, 0)]);
    }

    /// Sends a call that waits; the caller blocks or the call fails.
    fn invoke(
        &mut self,
        client: DomainId,
        target: u32,
        payload: &[u8],
        slots: &[Slot],
    ) -> Option<(Status, u64)> {
        self.put(client, payload, slots);
        let sizes = lengths(payload.len(), slots.len());
        self.call(client, Call::Call, [target.into(), 7, sizes, NO_DEADLINE])
    }

    fn send(
        &mut self,
        client: DomainId,
        target: u32,
        payload: &[u8],
        slots: &[Slot],
    ) -> (Status, u64) {
        self.put(client, payload, slots);
        let sizes = lengths(payload.len(), slots.len());
        self.call(client, Call::Send, [target.into(), 7, sizes]).expect("does not block")
    }

    fn reply(
        &mut self,
        server: DomainId,
        id: u64,
        payload: &[u8],
        slots: &[Slot],
    ) -> (Status, u64) {
        self.put(server, payload, slots);
        let sizes = lengths(payload.len(), slots.len());
        self.call(server, Call::Reply, [id, 0, sizes]).expect("does not block")
    }

    /// Blocks in `Wait` for everything.
    #[track_caller]
    fn wait(&mut self, domain: DomainId) {
        self.blocks(domain, Call::Wait, [accept::ALL, NO_DEADLINE]);
    }

    /// Takes an event that must be there.
    #[track_caller]
    fn take(&mut self, domain: DomainId) -> Message {
        self.expect(domain, Call::Wait, [accept::ALL, 0]);
        self.message(domain)
    }

    /// Asserts that the inbox is empty.
    #[track_caller]
    fn nothing(&mut self, domain: DomainId) {
        assert_eq!(self.fails(domain, Call::Wait, [accept::ALL, 0]), Status::TimedOut);
    }

    fn kill(&mut self, control: u32) {
        self.expect(self.init, Call::KillDomain, [control.into()]);
    }

    /// What init reads about a domain, and the exit message.
    fn status(&mut self, control: u32) -> (DomainStatus, Vec<u8>) {
        let len =
            self.expect(self.init, Call::Read, [control.into(), DOMAIN_STATUS, 4096]) as usize;
        let bytes = self.payload(self.init, len);
        let status = DomainStatus::read(&bytes).expect("a status");
        (status, bytes[DomainStatus::LEN..].to_vec())
    }

    fn kind(&mut self, domain: DomainId, handle: u32) -> Option<ObjectKind> {
        match self.call(domain, Call::Inspect, [handle.into()]) {
            Some((Status::Ok, value)) => ObjectKind::from_raw(value & 0xff),
            _ => None,
        }
    }

    /// Moves the clock and lets the timer fire.
    fn pass(&mut self, now: u64) {
        host::set_clock(now);
        self.kernel.timer();
        self.kernel.next();
    }

    /// Everything that could leak: frames, tables, handles.
    fn footprint(&self) -> (u64, u32, [u32; 9], u32) {
        let handles = self.kernel.domains.iter().map(|(_, domain)| domain.handles.len()).sum();
        (
            frames::statistics().free,
            self.kernel.domains.len(),
            self.kernel.ipc.population(),
            handles,
        )
    }
}

struct Pair {
    server: DomainId,
    serve: u32,
    server_control: u32,
    client: DomainId,
    target: u32,
    client_control: u32,
    /// Init's own handle to the endpoint.
    endpoint: u32,
}

/// Raises the page fault of a touch in the domain.
fn touch(bench: &mut Bench, domain: DomainId, address: u64, error: u64) {
    bench.kernel.scheduler.run_now(CPU, domain);
    bench.kernel.fault(Fault { vector: 14, error, instruction: 0x40_0000, address });
    bench.kernel.next();
}

/// Bytes of memory that a domain has.
fn memory(bench: &mut Bench, control: u32) -> u64 {
    bench.status(control).0.memory
}

fn lengths(payload: usize, slots: usize) -> u64 {
    Lengths { payload: payload as u32, slots: slots as u32 }.pack()
}

fn slot(kind: SendSlot, handle: u32) -> Slot {
    Slot { kind: kind as u32, handle, object: 0, detail: 0 }
}

fn copy(handle: u32, keep: u32) -> Slot {
    Slot { detail: keep, ..slot(SendSlot::Copy, handle) }
}

fn mint(serve: u32, object: u32) -> Slot {
    Slot { object, ..slot(SendSlot::Mint, serve) }
}

fn lend_own(serve: u32, object: u32) -> Slot {
    Slot { object, ..slot(SendSlot::LendOwn, serve) }
}

fn arrived(slot: Slot) -> Option<ReceiveSlot> {
    ReceiveSlot::from_raw(slot.kind)
}
