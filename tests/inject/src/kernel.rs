//! The kernel's side of one domain on the host: what the domain image needs to load, start and
//! serve, in plain data.
//!
//! The image under test is the real one, [`atoll_image::serve::live`] over this [`Gate`]. What
//! comes in is a list of [`Step`]s; what goes out becomes a transcript of [`Note`]s. When nothing
//! more comes the domain is killed, as the kernel would do it: its stack is unwound with [`Killed`].
//! One gate call can be made to fail ([`Failing`]).

mod peer;
mod state;

use std::{
    cell::RefCell,
    collections::{BTreeMap, VecDeque},
    panic::resume_unwind,
    rc::Rc,
};

use atoll_gate::{
    call::{Call, NO_DEADLINE, ObjectKind, Status, rights},
    message::{EventKind, Header, Lengths, MAX_PAYLOAD, MAX_SLOTS, ReceiveSlot, SendSlot, Slot},
    record::{LogEntry, Record, name_field},
};
use atoll_image::gate::{Gate, Width, Window};

pub(crate) use self::peer::{PEER_ENDPOINT, Peer};
pub(crate) use self::state::{Failing, Note, Passed, State, Step, Thing};

/// What a stack is unwound with when its domain is killed.
pub(crate) struct Killed;

/// A message on its way in.
#[derive(Clone, Debug, Default)]
pub(crate) struct Message {
    pub(crate) header: Header,
    pub(crate) payload: Vec<u8>,
    pub(crate) slots: Vec<Slot>,
}

/// Where steps come from.
pub(crate) type Script = Box<dyn FnMut(&mut State) -> Option<Step>>;

/// See the module.
pub(crate) struct Kernel {
    state: Rc<RefCell<State>>,
    script: Script,
    inbox: VecDeque<Message>,
    failing: Option<Failing>,
    fuel: u64,
    send: Vec<u8>,
    send_slots: Vec<Slot>,
    receive: Vec<u8>,
    received: Message,
}

impl Kernel {
    /// A domain that may spend so much and is about to read its start record.
    pub(crate) fn new(
        state: Rc<RefCell<State>>,
        start: Message,
        script: Script,
        fuel: u64,
        failing: Option<Failing>,
    ) -> Self {
        let mut kernel = Self {
            state,
            script,
            inbox: VecDeque::new(),
            failing,
            fuel,
            send: vec![0; MAX_PAYLOAD],
            send_slots: vec![Slot::default(); MAX_SLOTS],
            receive: vec![0; MAX_PAYLOAD],
            received: Message::default(),
        };
        kernel.deliver(start);
        kernel
    }

    fn deliver(&mut self, message: Message) {
        if let Some(area) = self.receive.get_mut(..message.payload.len()) {
            area.copy_from_slice(&message.payload);
        }
        self.received = message;
    }

    fn sent(&self, lengths: u64) -> Result<(&[u8], &[Slot]), Status> {
        let Lengths { payload, slots } = Lengths::unpack(lengths).ok_or(Status::Invalid)?;
        let payload = self.send.get(..payload as usize).ok_or(Status::Invalid)?;
        let slots = self.send_slots.get(..slots as usize).ok_or(Status::Invalid)?;
        Ok((payload, slots))
    }

    fn note(&self, note: Note) {
        self.state.borrow_mut().notes.push(note);
    }

    /// The next event; the domain's end if there is none.
    fn wait(&mut self, deadline: u64) -> Result<u64, Status> {
        loop {
            self.notify();
            if let Some(message) = self.inbox.pop_front() {
                self.deliver(message);
                return Ok(0);
            }
            if deadline != NO_DEADLINE {
                return Err(Status::TimedOut);
            }
            let step = (self.script)(&mut self.state.borrow_mut());
            match step {
                Some(step) => self.take(step),
                None => resume_unwind(Box::new(Killed)),
            }
        }
    }

    /// Tells whoever watches the log that it is longer than what was read.
    fn notify(&mut self) {
        let due = {
            let mut state = self.state.borrow_mut();
            let has_grown = state.log.len() > state.seen;
            if has_grown { std::mem::take(&mut state.watches) } else { BTreeMap::new() }
        };
        for (_, token) in due {
            self.event(EventKind::Notification, token, (0, 0), &[], &[]);
        }
    }

    fn event(
        &mut self,
        kind: EventKind,
        id: u64,
        (badge, method): (u32, u32),
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

    fn take(&mut self, step: Step) {
        match step {
            Step::Call { target, payload, handles } => {
                let slots: Option<Vec<_>> =
                    handles.iter().map(|passed| self.arriving(*passed)).collect();
                // A client cannot pass what it was never given.
                let Some(slots) = slots else { return };
                let id = {
                    let mut state = self.state.borrow_mut();
                    state.asked += 1;
                    state.asked
                };
                self.event(EventKind::Call, id, target, &payload, &slots);
            }
            Step::Drop(object) => {
                let id = self.state.borrow().minted.get(object).copied();
                if let Some(id) = id {
                    self.event(EventKind::Drop, u64::from(id), (0, 0), &[], &[]);
                }
            }
            Step::Log(text) => self.state.borrow_mut().log.push((3, text.into_bytes())),
            Step::Probe => {
                self.state.borrow_mut().probes += 1;
                let number = self.state.borrow().probes;
                self.event(EventKind::Probe, number, (0, 0), &[], &[]);
            }
            Step::Quiesce => self.event(EventKind::Quiesce, 0, (0, 0), &[], &[]),
        }
    }

    fn arriving(&mut self, passed: Passed) -> Option<Slot> {
        let mut state = self.state.borrow_mut();
        Some(match passed {
            Passed::Home { object, lent } => {
                let object = *state.minted.get(object)?;
                let kind = if lent { ReceiveSlot::HomeBorrow } else { ReceiveSlot::Home };
                Slot { kind: kind as u32, handle: 0, object, detail: 0 }
            }
            Passed::Peer { value, lent } => {
                let handle = state.peer.hand_out(value);
                let handle = state.add(handle);
                let kind = if lent { ReceiveSlot::Borrowed } else { ReceiveSlot::Handle };
                let detail = ObjectKind::Object as u32;
                Slot { kind: kind as u32, handle, object: PEER_ENDPOINT, detail }
            }
        })
    }

    fn reply(&mut self, id: u64, status: u64, lengths: u64) -> Result<u64, Status> {
        let (payload, slots) = self.sent(lengths)?;
        let passed = slots.iter().map(|slot| (slot.kind, slot.detail)).collect();
        let note = Note::Reply(id, status, payload.into(), passed);
        let minted = slots.iter().filter(|slot| slot.kind == SendSlot::Mint as u32);
        let mut state = self.state.borrow_mut();
        state.minted.extend(minted.map(|slot| slot.object));
        state.notes.push(note);
        Ok(0)
    }

    fn call_peer(&mut self, handle: u64, method: u64, lengths: u64) -> Result<u64, Status> {
        let (payload, slots) = self.sent(lengths)?;
        let mut state = self.state.borrow_mut();
        if state.thing(handle)? != Thing::Peer {
            return Err(Status::WrongKind);
        }
        let objects: Result<Vec<_>, _> =
            slots.iter().map(|slot| state.thing(u64::from(slot.handle))).collect();
        let objects = objects?;
        state.notes.push(Note::Called(method, payload.into()));
        let (status, answer) = state.peer.answer(method, payload, &objects);
        drop(state);
        let header = Header {
            event: EventKind::Reply as u32,
            method: status as u32,
            payload_len: answer.len() as u32,
            ..Header::default()
        };
        self.deliver(Message { header, payload: answer, slots: Vec::new() });
        Ok(0)
    }

    fn read(&mut self, handle: u64, offset: u64, most: u64) -> Result<u64, Status> {
        let mut state = self.state.borrow_mut();
        if state.thing(handle)? != Thing::Log {
            return Err(Status::WrongKind);
        }
        let bytes = log_records(&state.log, offset, most as usize);
        state.seen = state.log.len();
        drop(state);
        let area = self.receive.get_mut(..bytes.len()).ok_or(Status::Invalid)?;
        area.copy_from_slice(&bytes);
        Ok(bytes.len() as u64)
    }

    fn write(&mut self, handle: u64, lengths: u64) -> Result<u64, Status> {
        let (bytes, _) = self.sent(lengths)?;
        let mut state = self.state.borrow_mut();
        if state.thing(handle)? != Thing::Log {
            return Err(Status::WrongKind);
        }
        state.notes.push(Note::Log(bytes.into()));
        let (level, text) = bytes.split_first().ok_or(Status::Invalid)?;
        state.log.push((*level, text.into()));
        Ok(bytes.len() as u64)
    }

    fn describe(&mut self, handle: u64, offset: u64) -> Result<u64, Status> {
        let state = self.state.borrow();
        if state.thing(handle)? != Thing::Peer {
            return Err(Status::NotReady);
        }
        let descriptor = state.peer.descriptor();
        let rest = descriptor.get(offset as usize..).unwrap_or_default();
        let part = rest.get(..rest.len().min(MAX_PAYLOAD)).unwrap_or_default();
        let area = self.receive.get_mut(..part.len()).ok_or(Status::Invalid)?;
        area.copy_from_slice(part);
        Ok(descriptor.len() as u64)
    }

    fn inspect(&self, handle: u64) -> Result<u64, Status> {
        let kind = match self.state.borrow().thing(handle)? {
            Thing::Serve | Thing::Peer => ObjectKind::Endpoint,
            Thing::PeerObject(_) => ObjectKind::Object,
            Thing::Log => ObjectKind::Log,
        };
        Ok(kind as u64 | u64::from(rights::ALL) << 8 | u64::from(PEER_ENDPOINT) << 32)
    }

    fn obey(&mut self, call: Call, [a, b, c, d, e]: [u64; 5]) -> Result<u64, Status> {
        match call {
            Call::Reply => self.reply(a, b, c),
            Call::ReplyWait => self.reply(a, b, c).and_then(|_| self.wait(e)),
            Call::Wait => self.wait(b),
            Call::Call => self.call_peer(a, b, c),
            Call::Read => self.read(a, b, c),
            Call::Write => self.write(a, b),
            Call::Describe => self.describe(a, b),
            Call::Inspect => self.inspect(a),
            Call::Publish => {
                self.note(Note::Published(b));
                Ok(77)
            }
            Call::Ready => {
                self.note(Note::Ready);
                Ok(0)
            }
            Call::Watch => {
                self.state.borrow_mut().watches.insert(a as u32, b);
                Ok(0)
            }
            Call::Unwatch => {
                self.state.borrow_mut().watches.remove(&(a as u32));
                Ok(0)
            }
            Call::Close => {
                let removed = self.state.borrow_mut().things.remove(&(a as u32));
                removed.map(|_| 0).ok_or(Status::BadHandle)
            }
            Call::Clock => Ok(1_000 * self.state.borrow().calls),
            Call::Room => Ok(0),
            Call::AnswerProbe => {
                self.note(Note::Pulse(a, b));
                Ok(0)
            }
            Call::SaveState => {
                let saved = self.sent(a)?.0.to_vec();
                self.note(Note::Saved(saved));
                Ok(0)
            }
            Call::Freeze => {
                self.note(Note::Frozen(a));
                // It stays frozen until it is killed.
                let _ = d;
                resume_unwind(Box::new(Killed))
            }
            _ => Err(Status::UnknownCall),
        }
    }
}

/// Records of the log from an entry on, as many as fit.
fn log_records(log: &[(u8, Vec<u8>)], from: u64, most: usize) -> Vec<u8> {
    let mut out = Vec::new();
    for (sequence, (level, text)) in log.iter().enumerate().skip(from as usize) {
        let at = out.len();
        if at + LogEntry::LEN + text.len() > most.min(MAX_PAYLOAD) {
            break;
        }
        let record = LogEntry {
            sequence: sequence as u64,
            time_ns: 5,
            domain: 3,
            level: *level,
            len: text.len() as u32,
            name: name_field("tester"),
        };
        out.resize(at + LogEntry::LEN, 0);
        if let Some(place) = out.get_mut(at..) {
            record.write(place);
        }
        out.extend_from_slice(text);
    }
    out
}

impl Gate for Kernel {
    fn enter(&mut self, call: Call, arguments: [u64; 5]) -> Result<u64, Status> {
        let number = self.state.borrow().calls;
        self.state.borrow_mut().calls += 1;
        match self.failing {
            Some(Failing { at, status }) if at == number => {
                self.state.borrow_mut().failed = Some(call);
                Err(status)
            }
            _ => self.obey(call, arguments),
        }
    }

    fn sent_payload(&self) -> &[u8] {
        &self.send
    }

    fn send_payload(&mut self) -> &mut [u8] {
        &mut self.send
    }

    fn forward(&mut self, count: usize) {
        for (to, from) in self.send.iter_mut().zip(&self.receive).take(count) {
            *to = *from;
        }
    }

    fn put_slot(&mut self, index: usize, slot: Slot) {
        if let Some(place) = self.send_slots.get_mut(index) {
            *place = slot;
        }
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

    // What a domain offers is for one that takes over in its address space; no such life is lived here.
    fn offer_memory(&mut self, _: &[u8]) -> Result<u32, Status> {
        Err(Status::Unsupported)
    }

    fn take_memory(&mut self, _: u32, _: u64, _: &mut [u8]) -> Result<(), Status> {
        Err(Status::Unsupported)
    }

    // No server of the campaign has a device.
    fn map_window(&mut self, _: u32) -> Result<Window, Status> {
        Err(Status::WrongKind)
    }

    fn window_length(&self, _: Window) -> u64 {
        0
    }

    fn load(&mut self, _: Window, _: u64, _: Width) -> Option<u64> {
        None
    }

    fn store(&mut self, _: Window, _: u64, _: Width, _: u64) -> Option<()> {
        None
    }

    fn load_block(&mut self, _: Window, _: u64, _: &mut [u8]) -> Option<()> {
        None
    }

    fn store_block(&mut self, _: Window, _: u64, _: usize, _: usize) -> Option<()> {
        None
    }

    fn move_block(&mut self, _: Window, _: u64, _: u64, _: u64) -> Option<()> {
        None
    }

    fn fuel(&self) -> Option<u64> {
        Some(self.fuel)
    }

    fn random(&mut self) -> Option<u64> {
        None
    }
}
