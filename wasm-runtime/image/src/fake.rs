//! A kernel for tests: one domain's view of the gate, in plain data.
//!
//! It has pipes, events, a log, a clock that jumps to the deadline when nothing happens, and an
//! inbox. What other domains do is scripted: when the domain under test would wait for ever, the
//! next step of the script runs. A step that is missing is a failed test. What each call does is in
//! the modules below.

pub(crate) mod capsules;
mod messages;
mod records;
mod streams;
mod swaps;
mod tables;

use crate::gate::{Gate, Width, Window};
use atoll_gate::call::{Call, Status};
use atoll_gate::message::{EventKind, Header, Lengths, MAX_PAYLOAD, MAX_SLOTS, ReceiveSlot, Slot};
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
    Object {
        endpoint: u32,
        tag: u32,
    },
    Blob(&'static [u8]),
    /// A blob that the domain made, of those in `made`.
    Made(usize),
    Domain,
    Interrupt,
    Ports(u32),
    Window(u32),
    Log,
    System,
    Capsule,
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
    /// What the processor's source of random numbers gives, if it has one.
    pub(crate) random: Option<u64>,
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
    /// What it told of its loading, in percent.
    pub(crate) loaded: Vec<u32>,
    /// What it said that clients would miss when it was prepared.
    pub(crate) missing: Vec<String>,
    pub(crate) ports: Vec<(u64, u64)>,
    pub(crate) window: Vec<u8>,
    /// Of each device object: whether it may have been another domain's.
    pub(crate) shared: Vec<bool>,
    /// The saved state that can be read, its own or that of another domain.
    pub(crate) saved: Vec<u8>,
    pub(crate) kept: Vec<(Thing, u32)>,
    /// Memory that it offered, or that another domain did.
    pub(crate) offered: Vec<Vec<u8>>,
    /// What it told the domain that it is to replace.
    pub(crate) note: Vec<u8>,
    /// Bytes that `SaveState` takes, or all; if none, no memory is taken either.
    pub(crate) save_limit: Option<usize>,
    /// How it froze: status and reason.
    pub(crate) frozen: Vec<(u64, String)>,
    /// How it answered probes: number, status and words.
    pub(crate) verdicts: Vec<(u64, u64, String)>,
    /// What it asked of other domains' swaps and health: call, arguments and payload.
    pub(crate) swaps: Vec<(Call, [u64; 2], Vec<u8>)>,
    /// How those are refused, if they are.
    pub(crate) swap_status: Option<Status>,
    /// The records of the one capsule.
    pub(crate) capsule: BTreeMap<u32, Vec<u8>>,
    /// What the first domain before this one had.
    pub(crate) estate: Vec<Thing>,
    /// What the guardian was asked, and how it refuses, if it does.
    pub(crate) guardian: Vec<(Call, [u64; 3])>,
    pub(crate) guardian_status: Option<Status>,
    /// Limits of the capsules that were made.
    pub(crate) capsules: Vec<u64>,
    /// Blobs that were made: name, size and what they have so far.
    pub(crate) made: Vec<(String, u64, Vec<u8>)>,
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
            Call::Adopt => self.adopt(a, b),
            Call::Settle | Call::Succeed | Call::CreateSuccessor => {
                self.ask_guardian(call, a, b, c)
            }
            Call::CreateCapsule => self.create_capsule(a, b),
            Call::ReadCapsule => self.read_capsule(a, b),
            Call::WriteCapsule => self.write_capsule(a, b, c),
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

    fn offer_memory(&mut self, memory: &[u8]) -> Result<u32, Status> {
        self.offer(memory)
    }
    fn take_memory(&mut self, offer: u32, offset: u64, to: &mut [u8]) -> Result<(), Status> {
        self.take_offered(offer, offset, to)
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
        self.state.borrow().random
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

/// A slot as it arrives.
pub(crate) fn arriving(kind: ReceiveSlot, handle: u32, object: u32, detail: u32) -> Slot {
    Slot { kind: kind as u32, handle, object, detail }
}
