//! A kernel for tests: one domain's view of the gate, in plain data.
//!
//! It has pipes, events, a log, a clock that jumps to the deadline when nothing happens, and an
//! inbox. What other domains do is scripted: when the domain under test would wait for ever, the
//! next step of the script runs. A step that is missing is a failed test.

mod swaps;

use crate::gate::{Gate, Width, Window};
use atoll_gate::call::{Call, NO_DEADLINE, ObjectKind, SHARE, Status, rights};
use atoll_gate::message::{
    EventKind, Header, Lengths, MAX_PAYLOAD, MAX_SLOTS, ReceiveSlot, SendSlot, Slot, accept,
};
use atoll_gate::record::{
    DOMAIN_PULSE, DomainStatus, LogEntry, MachineStatus, Pulse, Record, name_field,
};
use std::cell::RefCell;
use std::collections::{BTreeMap, VecDeque};
use std::rc::Rc;

/// What a handle names.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Thing {
    Reader(usize),
    Writer(usize),
    Event(usize),
    Endpoint(u32),
    Object { endpoint: u32, tag: u32 },
    Blob(&'static [u8]),
    Domain,
    Interrupt,
    Ports(u32),
    Window(u32),
    Log,
    System,
}

#[derive(Clone, Debug)]
pub(crate) struct Pipe {
    pub(crate) bytes: VecDeque<u8>,
    pub(crate) capacity: usize,
}

/// A message on its way in.
#[derive(Clone, Debug, Default)]
pub(crate) struct Message {
    pub(crate) header: Header,
    pub(crate) payload: Vec<u8>,
    pub(crate) slots: Vec<Slot>,
}

/// What happens when a domain becomes a clone: its start record.
pub(crate) type Life = Box<dyn FnOnce(&mut State) -> Message>;

type Step = Box<dyn FnOnce(&mut State)>;
type Server = Box<dyn FnMut(&mut State, u32, &[u8], &[Slot]) -> (Status, Vec<u8>, Vec<Slot>)>;

/// The kernel's side.
#[derive(Default)]
pub(crate) struct State {
    pub(crate) things: BTreeMap<u32, (Thing, u32)>,
    pub(crate) pipes: Vec<Pipe>,
    pub(crate) events: Vec<bool>,
    pub(crate) log: Vec<(u8, String)>,
    pub(crate) now: u64,
    /// Whether the quota is used up.
    pub(crate) is_full: bool,
    /// Pages that were asked for while it was not.
    pub(crate) asked_room: Vec<u64>,
    pub(crate) inbox: VecDeque<Message>,
    pub(crate) watches: BTreeMap<u32, u64>,
    pub(crate) script: VecDeque<Step>,
    pub(crate) server: Option<Server>,
    pub(crate) descriptors: BTreeMap<u32, Vec<u8>>,
    pub(crate) published: Vec<(u32, u64, Vec<u8>)>,
    pub(crate) replies: Vec<(u64, u64, Vec<u8>, Vec<Slot>)>,
    pub(crate) reply_status: Option<Status>,
    pub(crate) started: Vec<(Vec<u8>, Vec<Slot>)>,
    /// Rights of the handles that went with the last start record.
    pub(crate) granted: Vec<u32>,
    pub(crate) exits: Vec<(u64, u64, String)>,
    /// How often a snapshot was asked for.
    pub(crate) snapshots: u32,
    /// What the next request for one is answered with.
    pub(crate) refusal: Option<Status>,
    /// Makes the domain a clone at the next snapshot, with this start record.
    pub(crate) clone: Option<Life>,
    /// How often it said so.
    pub(crate) ready: u32,
    pub(crate) ports: Vec<(u64, u64)>,
    pub(crate) window: Vec<u8>,
    /// Of each device object: whether it may have been another domain's.
    pub(crate) shared: Vec<bool>,
    /// The saved state that can be read, its own or that of another domain.
    pub(crate) saved: Vec<u8>,
    pub(crate) kept: Vec<(Thing, u32)>,
    /// Bytes that `SaveState` takes, or all.
    pub(crate) save_limit: Option<usize>,
    /// How it froze: status and reason.
    pub(crate) frozen: Vec<(u64, String)>,
    /// How it answered probes: number, status and words.
    pub(crate) verdicts: Vec<(u64, u64, String)>,
    /// What it asked of other domains' swaps and health: call, arguments and payload.
    pub(crate) swaps: Vec<(Call, [u64; 2], Vec<u8>)>,
    /// How those are refused, if they are.
    pub(crate) swap_status: Option<Status>,
    next: u32,
}

impl State {
    /// Adds an object to the domain's handle table.
    pub(crate) fn add(&mut self, thing: Thing, rights: u32) -> u32 {
        self.next += 1;
        let handle = self.next | 1 << 16;
        self.things.insert(handle, (thing, rights));
        handle
    }

    /// Makes a pipe and puts an end or both into the domain's table.
    pub(crate) fn pipe(&mut self, capacity: usize) -> usize {
        self.pipes.push(Pipe { bytes: VecDeque::new(), capacity });
        self.pipes.len() - 1
    }

    pub(crate) fn holds(&self, thing: &Thing) -> bool {
        self.things.values().any(|(held, _)| held == thing)
    }

    fn thing(&self, handle: u64, needed: u32) -> Result<Thing, Status> {
        let (thing, held) = self.things.get(&(handle as u32)).ok_or(Status::BadHandle)?;
        if held & needed == needed { Ok(thing.clone()) } else { Err(Status::Denied) }
    }

    fn is_ready(&self, thing: &Thing) -> bool {
        match thing {
            Thing::Reader(pipe) => {
                !self.pipes[*pipe].bytes.is_empty() || !self.other_end(&Thing::Writer(*pipe))
            }
            Thing::Writer(pipe) => {
                self.pipes[*pipe].bytes.len() < self.pipes[*pipe].capacity
                    || !self.other_end(&Thing::Reader(*pipe))
            }
            Thing::Event(event) => self.events[*event],
            Thing::Domain | Thing::Log => true,
            _ => false,
        }
    }

    /// Ends that the domain does not hold are held by somebody else, until a test says otherwise
    /// by taking the capacity away.
    fn other_end(&self, end: &Thing) -> bool {
        let (Thing::Reader(pipe) | Thing::Writer(pipe)) = end else { return true };
        self.holds(end) || self.pipes[*pipe].capacity != usize::MAX
    }

    fn notify(&mut self) {
        let watches = self.watches.clone();
        for (handle, token) in watches {
            let ready = self.things.get(&handle).is_some_and(|(thing, _)| self.is_ready(thing));
            if ready {
                self.watches.remove(&handle);
                self.event(EventKind::Notification, token, 0, 0, &[], &[]);
            }
        }
    }

    /// Puts an event into the inbox.
    pub(crate) fn event(
        &mut self,
        kind: EventKind,
        id: u64,
        badge: u32,
        method: u32,
        payload: &[u8],
        slots: &[Slot],
    ) {
        let header = Header {
            event: kind as u32,
            method,
            id,
            badge,
            payload_len: payload.len() as u32,
            slot_count: slots.len() as u32,
            sender: 9,
        };
        self.inbox.push_back(Message { header, payload: payload.into(), slots: slots.into() });
    }
}

/// The gate over a [`State`].
pub(crate) struct Fake {
    pub(crate) state: Rc<RefCell<State>>,
    send: Vec<u8>,
    send_slots: Vec<Slot>,
    receive: Vec<u8>,
    received: Message,
}

impl Fake {
    pub(crate) fn new() -> (Self, Rc<RefCell<State>>) {
        let state = Rc::new(RefCell::new(State::default()));
        let fake = Self {
            state: state.clone(),
            send: vec![0xee; MAX_PAYLOAD],
            send_slots: vec![Slot::default(); MAX_SLOTS],
            receive: vec![0xdd; MAX_PAYLOAD],
            received: Message::default(),
        };
        (fake, state)
    }

    /// Delivers a message into the receive area.
    pub(crate) fn deliver(&mut self, message: Message) {
        self.receive[..message.payload.len()].copy_from_slice(&message.payload);
        self.received = message;
    }

    fn sent(&self, lengths: u64) -> Result<(Vec<u8>, Vec<Slot>), Status> {
        let lengths = Lengths::unpack(lengths).ok_or(Status::Invalid)?;
        let payload = self.send[..lengths.payload as usize].to_vec();
        Ok((payload, self.send_slots[..lengths.slots as usize].to_vec()))
    }

    /// Takes what moves out of the domain's table.
    fn hand_over(&self, slots: &[Slot]) -> Result<(), Status> {
        let mut state = self.state.borrow_mut();
        for slot in slots {
            let kind = SendSlot::from_raw(slot.kind).ok_or(Status::Invalid)?;
            state.thing(u64::from(slot.handle), 0)?;
            if kind == SendSlot::Move {
                state.things.remove(&slot.handle);
            }
        }
        Ok(())
    }

    fn wait(&mut self, mask: u64, deadline: u64) -> Result<u64, Status> {
        loop {
            self.state.borrow_mut().notify();
            let accepted = |message: &Message| {
                let wanted = match EventKind::from_raw(message.header.event) {
                    Some(
                        EventKind::Call
                        | EventKind::Drop
                        | EventKind::Quiesce
                        | EventKind::TakeOver
                        | EventKind::Inherit
                        | EventKind::Probe,
                    ) => accept::CALLS,
                    Some(EventKind::Reply) => accept::REPLIES,
                    _ => accept::NOTIFICATIONS,
                };
                mask & wanted != 0
            };
            let at = self.state.borrow().inbox.iter().position(accepted);
            if let Some(message) = at.and_then(|at| self.state.borrow_mut().inbox.remove(at)) {
                self.deliver(message);
                return Ok(0);
            }
            if deadline != NO_DEADLINE {
                let mut state = self.state.borrow_mut();
                state.now = state.now.max(deadline);
                return Err(Status::TimedOut);
            }
            let step = self.state.borrow_mut().script.pop_front();
            let step = step.expect("the domain waits and nobody does anything");
            step(&mut self.state.borrow_mut());
        }
    }

    fn read(&mut self, handle: u64, offset: u64, most: u64) -> Result<u64, Status> {
        let thing = self.state.borrow().thing(handle, rights::READ)?;
        let bytes = match thing {
            Thing::Reader(pipe) => {
                let mut state = self.state.borrow_mut();
                let open = state.other_end(&Thing::Writer(pipe));
                let bytes = &mut state.pipes[pipe].bytes;
                if bytes.is_empty() {
                    return Err(if open { Status::WouldBlock } else { Status::Closed });
                }
                let count = bytes.len().min(most as usize);
                bytes.drain(..count).collect()
            }
            Thing::Blob(bytes) => bytes[(offset as usize).min(bytes.len())..].to_vec(),
            Thing::Log => log_records(&self.state.borrow().log, offset),
            Thing::System => {
                let status = MachineStatus {
                    memory_total: 100,
                    memory_free: 50,
                    uptime_ns: self.state.borrow().now,
                    idle_ns: 1,
                    gate_calls: 2,
                    switches: 3,
                    interrupts: 4,
                    boot_time_s: 1_000,
                    framebuffer: 0xfd00_0000,
                    width: 640,
                    height: 480,
                    pitch: 2560,
                    bits_per_pixel: 32,
                };
                let mut bytes = vec![0; MachineStatus::LEN];
                status.write(&mut bytes).expect("fits");
                bytes
            }
            Thing::Domain if offset == DOMAIN_PULSE => {
                let mut bytes = vec![0; Pulse::LEN];
                let pulse = Pulse { answered: 7, is_ill: 1, state: 5 };
                pulse.write(&mut bytes).expect("fits");
                bytes.extend_from_slice(b"out of ink");
                bytes
            }
            Thing::Domain => {
                let mut bytes = vec![0; DomainStatus::LEN];
                domain_record().write(&mut bytes).expect("fits");
                bytes.extend_from_slice(b"last words");
                bytes
            }
            _ => return Err(Status::WrongKind),
        };
        let count = bytes.len().min(most as usize);
        self.receive[..count].copy_from_slice(&bytes[..count]);
        Ok(count as u64)
    }

    fn write(&mut self, handle: u64, lengths: u64) -> Result<u64, Status> {
        let (bytes, _) = self.sent(lengths)?;
        let mut state = self.state.borrow_mut();
        match state.thing(handle, rights::WRITE)? {
            Thing::Writer(pipe) => {
                if !state.other_end(&Thing::Reader(pipe)) {
                    return Err(Status::Closed);
                }
                let Pipe { bytes: held, capacity } = &mut state.pipes[pipe];
                let room = *capacity - held.len();
                if room == 0 {
                    return Err(Status::WouldBlock);
                }
                let count = bytes.len().min(room);
                held.extend(&bytes[..count]);
                Ok(count as u64)
            }
            Thing::Log => {
                state.log.push((bytes[0], String::from_utf8(bytes[1..].to_vec()).expect("text")));
                Ok(bytes.len() as u64)
            }
            _ => Err(Status::WrongKind),
        }
    }

    fn call(&mut self, handle: u64, method: u64, lengths: u64) -> Result<u64, Status> {
        self.state.borrow().thing(handle, rights::CALL)?;
        let (payload, slots) = self.sent(lengths)?;
        self.hand_over(&slots)?;
        let mut server = self.state.borrow_mut().server.take().expect("a server is scripted");
        let answer = server(&mut self.state.borrow_mut(), method as u32, &payload, &slots);
        self.state.borrow_mut().server = Some(server);
        let (status, payload, slots) = answer;
        if status == Status::PeerRestarted {
            return Err(status);
        }
        let header = Header {
            event: EventKind::Reply as u32,
            method: status as u32,
            payload_len: payload.len() as u32,
            slot_count: slots.len() as u32,
            ..Header::default()
        };
        self.deliver(Message { header, payload, slots });
        Ok(0)
    }

    fn reply(&mut self, id: u64, status: u64, lengths: u64) -> Result<u64, Status> {
        if let Some(refusal) = self.state.borrow_mut().reply_status.take() {
            return Err(refusal);
        }
        let (payload, slots) = self.sent(lengths)?;
        self.hand_over(&slots)?;
        self.state.borrow_mut().replies.push((id, status, payload, slots));
        Ok(0)
    }

    fn inspect(&self, handle: u64) -> Result<u64, Status> {
        let state = self.state.borrow();
        let (thing, rights) = state.things.get(&(handle as u32)).ok_or(Status::BadHandle)?;
        let (kind, extent) = match thing {
            Thing::Reader(_) => (ObjectKind::PipeReader, 0),
            Thing::Writer(_) => (ObjectKind::PipeWriter, 0),
            Thing::Event(_) => (ObjectKind::Event, 0),
            Thing::Endpoint(id) => (ObjectKind::Endpoint, *id),
            Thing::Object { endpoint, .. } => (ObjectKind::Object, *endpoint),
            Thing::Blob(bytes) => (ObjectKind::Blob, bytes.len() as u32),
            Thing::Domain => (ObjectKind::Domain, 0),
            Thing::Interrupt => (ObjectKind::Interrupt, 0),
            Thing::Ports(count) => (ObjectKind::Ports, *count),
            Thing::Window(pages) => (ObjectKind::Window, *pages),
            Thing::Log => (ObjectKind::Log, 0),
            Thing::System => (ObjectKind::System, 0),
        };
        Ok(kind as u64 | u64::from(*rights) << 8 | u64::from(extent) << 32)
    }
}

fn log_records(log: &[(u8, String)], from: u64) -> Vec<u8> {
    let mut out = Vec::new();
    for (sequence, (level, text)) in log.iter().enumerate().skip(from as usize) {
        let record = LogEntry {
            sequence: sequence as u64,
            time_ns: 5,
            domain: 3,
            level: *level,
            len: text.len() as u32,
            name: name_field("tester"),
        };
        let at = out.len();
        out.resize(at + LogEntry::LEN, 0);
        record.write(&mut out[at..]).expect("fits");
        out.extend_from_slice(text.as_bytes());
    }
    out
}

fn domain_record() -> DomainStatus {
    DomainStatus {
        id: 4,
        state: 6,
        cause: 2,
        code: 7,
        address: 0,
        fault_address: 0,
        memory: 10,
        memory_limit: 20,
        cpu_ns: 30,
        calls_sent: 40,
        calls_served: 50,
        handles: 60,
        ring: 0,
        priority: 3,
        has_snapshot: 1,
        is_clone: 0,
        phase: 0,
        saved: 0,
        calls_open: 0,
        name: name_field("child"),
    }
}

impl Gate for Fake {
    fn enter(&mut self, call: Call, arguments: [u64; 5]) -> Result<u64, Status> {
        let [a, b, c, d, e] = arguments;
        match call {
            Call::Call => self.call(a, b, c),
            Call::Reply => self.reply(a, b, c),
            Call::ReplyWait => self.reply(a, b, c).and_then(|_| self.wait(d, e)),
            Call::Wait => self.wait(a, b),
            Call::Read => self.read(a, b, c),
            Call::Write => self.write(a, b),
            Call::Inspect => self.inspect(a),
            Call::Exit => {
                let (message, _) = self.sent(c)?;
                let message = String::from_utf8(message).expect("text");
                self.state.borrow_mut().exits.push((a, b, message));
                Ok(0)
            }
            Call::AnswerProbe => {
                let (words, _) = self.sent(c)?;
                let words = String::from_utf8(words).expect("text");
                self.state.borrow_mut().verdicts.push((a, b, words));
                Ok(0)
            }
            Call::Snapshot => self.snapshot(),
            Call::SaveState => self.save_state(a),
            Call::Freeze => self.freeze(a, b),
            Call::ReadState => self.read_state(a as usize, b as usize),
            Call::Quiesce
            | Call::Thaw
            | Call::TakeOver
            | Call::SetHeir
            | Call::CommitSwap
            | Call::RevertSwap
            | Call::Probe => self.swap_others(call, a, b),
            _ => self.small_call(call, arguments),
        }
    }

    fn sent_payload(&self) -> &[u8] {
        &self.send
    }
    fn send_payload(&mut self) -> &mut [u8] {
        &mut self.send
    }
    fn forward(&mut self, count: usize) {
        self.send[..count].copy_from_slice(&self.receive[..count]);
    }
    fn put_slot(&mut self, index: usize, slot: Slot) {
        self.send_slots[index] = slot;
    }
    fn header(&self) -> Header {
        self.received.header
    }
    fn receive_payload(&self) -> &[u8] {
        &self.receive
    }
    fn slot(&self, index: usize) -> Slot {
        self.received.slots.get(index).copied().unwrap_or_default()
    }

    fn map_window(&mut self, handle: u32) -> Result<Window, Status> {
        match self.state.borrow().thing(u64::from(handle), 0)? {
            Thing::Window(_) => Ok(Window(0)),
            _ => Err(Status::WrongKind),
        }
    }
    fn window_length(&self, _: Window) -> u64 {
        self.state.borrow().window.len() as u64
    }
    fn load(&mut self, _: Window, offset: u64, width: Width) -> Option<u64> {
        let state = self.state.borrow();
        let bytes = state.window.get(offset as usize..offset as usize + width as usize)?;
        Some(bytes.iter().rev().fold(0, |value, byte| value << 8 | u64::from(*byte)))
    }
    fn store(&mut self, _: Window, offset: u64, width: Width, value: u64) -> Option<()> {
        let mut state = self.state.borrow_mut();
        let bytes = state.window.get_mut(offset as usize..offset as usize + width as usize)?;
        bytes.copy_from_slice(&value.to_le_bytes()[..width as usize]);
        Some(())
    }
    fn load_block(&mut self, _: Window, offset: u64, out: &mut [u8]) -> Option<()> {
        let state = self.state.borrow();
        out.copy_from_slice(state.window.get(offset as usize..offset as usize + out.len())?);
        Some(())
    }
    fn store_block(&mut self, _: Window, offset: u64, from: usize, count: usize) -> Option<()> {
        let mut state = self.state.borrow_mut();
        let bytes = state.window.get_mut(offset as usize..offset as usize + count)?;
        bytes.copy_from_slice(&self.send[from..from + count]);
        Some(())
    }
    fn move_block(&mut self, _: Window, source: u64, target: u64, count: u64) -> Option<()> {
        let (source, target, count) = (source as usize, target as usize, count as usize);
        let mut state = self.state.borrow_mut();
        let len = state.window.len();
        if source + count > len || target + count > len {
            return None;
        }
        state.window.copy_within(source..source + count, target);
        Some(())
    }
    fn random(&mut self) -> Option<u64> {
        None
    }
    #[cfg(feature = "testing")]
    fn peek(&mut self, _: u64) -> u8 {
        0x5a
    }
    #[cfg(feature = "testing")]
    fn heap_sum(&mut self) -> u64 {
        0
    }
    #[cfg(feature = "testing")]
    fn enter_raw(&mut self, number: u64, _: [u64; 5]) -> (u64, u64) {
        (number, 0)
    }
}

impl Fake {
    fn snapshot(&mut self) -> Result<u64, Status> {
        let mut state = self.state.borrow_mut();
        state.snapshots += 1;
        if let Some(refusal) = state.refusal.take() {
            return Err(refusal);
        }
        let Some(clone) = state.clone.take() else { return Ok(0) };
        let start = clone(&mut state);
        drop(state);
        self.deliver(start);
        Ok(1)
    }

    /// Calls that only touch the kernel's tables.
    fn small_call(&mut self, call: Call, [a, b, c, d, _]: [u64; 5]) -> Result<u64, Status> {
        let (payload, slots) = match call {
            Call::Publish | Call::CreateDomain => self.sent(c)?,
            Call::StartDomain | Call::OpenBlob => self.sent(b)?,
            _ => (Vec::new(), Vec::new()),
        };
        if call == Call::Describe {
            let descriptor = self.state.borrow().descriptors.get(&(a as u32)).cloned();
            let descriptor = descriptor.ok_or(Status::NotReady)?;
            let rest = &descriptor[b as usize..];
            let count = rest.len().min(MAX_PAYLOAD);
            self.receive[..count].copy_from_slice(&rest[..count]);
            return Ok(descriptor.len() as u64);
        }
        if call == Call::StartDomain {
            let rights = |slot: &Slot| Some(self.state.borrow().things.get(&slot.handle)?.1);
            let granted = slots.iter().filter_map(rights).collect();
            self.state.borrow_mut().granted = granted;
            self.hand_over(&slots)?;
        }
        let mut state = self.state.borrow_mut();
        let handle = match call {
            Call::Close => {
                state.watches.remove(&(a as u32));
                return state.things.remove(&(a as u32)).map(|_| 0).ok_or(Status::BadHandle);
            }
            Call::Copy => {
                let thing = state.thing(a, rights::COPY)?;
                let held = state.things[&(a as u32)].1;
                state.add(thing, held & b as u32)
            }
            Call::CreateEndpoint => state.add(Thing::Endpoint(77), rights::ALL),
            Call::Publish => {
                state.thing(a, rights::SERVE)?;
                state.published.push((a as u32, b, payload));
                return Ok(77);
            }
            Call::CreatePipe => {
                let pipe = state.pipe(a as usize);
                let reader = state.add(Thing::Reader(pipe), rights::ALL);
                let writer = state.add(Thing::Writer(pipe), rights::ALL);
                return Ok(u64::from(reader) | u64::from(writer) << 32);
            }
            Call::CreateEvent => {
                state.events.push(false);
                let event = state.events.len() - 1;
                state.add(Thing::Event(event), rights::ALL)
            }
            Call::Watch => {
                state.thing(a, rights::WATCH)?;
                state.watches.insert(a as u32, b);
                return Ok(0);
            }
            Call::Unwatch => {
                state.watches.remove(&(a as u32));
                let note = EventKind::Notification as u32;
                state.inbox.retain(|event| {
                    event.header.event != note || event.header.id as u32 != a as u32
                });
                return Ok(0);
            }
            Call::Signal => {
                if let Thing::Event(event) = state.thing(a, rights::SIGNAL)? {
                    state.events[event] = b == 1;
                }
                return Ok(0);
            }
            Call::CreateDevice => {
                state.thing(a, rights::DEVICES)?;
                state.shared.push(b & SHARE != 0);
                let thing = match b & !SHARE {
                    1 => Thing::Interrupt,
                    2 => Thing::Ports(d as u32),
                    _ => Thing::Window((d / 4096) as u32),
                };
                state.add(thing, rights::ALL)
            }
            Call::PortAccess => {
                state.thing(a, 0)?;
                state.ports.push((b, c));
                return Ok(0xab);
            }
            Call::Clock => return Ok(state.now),
            Call::Room if state.is_full => return Err(Status::QuotaExceeded),
            Call::Room => {
                state.asked_room.push(a);
                return Ok(0);
            }
            Call::CreateDomain => {
                state.thing(a, rights::CONTROL)?;
                state.add(Thing::Domain, rights::ALL)
            }
            Call::CloneDomain => {
                state.thing(a, rights::CONTROL)?;
                if let Some(refusal) = state.refusal.take() {
                    return Err(refusal);
                }
                state.add(Thing::Domain, rights::ALL)
            }
            Call::StartDomain => {
                state.started.push((payload, slots));
                return Ok(0);
            }
            Call::Ready => {
                state.ready += 1;
                return Ok(0);
            }
            Call::OpenBlob if payload == b"there" => {
                state.add(Thing::Blob(b"contents"), rights::ALL)
            }
            Call::OpenBlob => return Err(Status::NotFound),
            _ => return Err(Status::UnknownCall),
        };
        Ok(u64::from(handle))
    }
}

/// A slot as it arrives.
pub(crate) fn arriving(kind: ReceiveSlot, handle: u32, object: u32, detail: u32) -> Slot {
    Slot { kind: kind as u32, handle, object, detail }
}
