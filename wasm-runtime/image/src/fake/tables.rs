//! Calls that only touch the kernel's tables: making objects, copying and closing handles, watches,
//! devices, other domains.

use super::{Fake, Thing};
use atoll_gate::call::{Call, ObjectKind, SHARE, Status, rights};
use atoll_gate::message::{EventKind, MAX_PAYLOAD, Slot};

impl Fake {
    pub(super) fn inspect(&self, handle: u64) -> Result<u64, Status> {
        let state = self.state.borrow();
        let (thing, rights) = state.things.get(&(handle as u32)).ok_or(Status::BadHandle)?;
        let (kind, extent) = match thing {
            Thing::Reader(_) => (ObjectKind::PipeReader, 0),
            Thing::Writer(_) => (ObjectKind::PipeWriter, 0),
            Thing::Event(_) => (ObjectKind::Event, 0),
            Thing::Endpoint(id) => (ObjectKind::Endpoint, *id),
            Thing::Object { endpoint, .. } => (ObjectKind::Object, *endpoint),
            Thing::Blob(bytes) => (ObjectKind::Blob, bytes.len() as u32),
            Thing::Made(number) => (ObjectKind::Blob, state.made[*number].1 as u32),
            Thing::Domain => (ObjectKind::Domain, 5),
            Thing::Interrupt => (ObjectKind::Interrupt, 0),
            Thing::Ports(count) => (ObjectKind::Ports, *count),
            Thing::Window(pages) => (ObjectKind::Window, *pages),
            Thing::Log => (ObjectKind::Log, 0),
            Thing::System => (ObjectKind::System, 0),
            Thing::Capsule => (ObjectKind::Capsule, 3),
        };
        Ok(kind as u64 | u64::from(*rights) << 8 | u64::from(extent) << 32)
    }

    pub(super) fn snapshot(&mut self) -> Result<u64, Status> {
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
    pub(super) fn small_call(
        &mut self,
        call: Call,
        [a, b, c, d, _]: [u64; 5],
    ) -> Result<u64, Status> {
        let (payload, slots) = match call {
            Call::Publish | Call::CreateDomain | Call::CreateBlob => self.sent(c)?,
            Call::StartDomain | Call::OpenBlob => self.sent(b)?,
            Call::Ready => self.sent(a)?,
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
            Call::CreateEndpoint if a == 0 => state.add(Thing::Endpoint(77), rights::ALL),
            Call::CreateEndpoint => {
                state.thing(a, rights::SERVE)?;
                state.swaps.push((call, [a, b], Vec::new()));
                match state.swap_status {
                    None => state.add(Thing::Endpoint(77), rights::ALL & !rights::SERVE),
                    Some(status) => return Err(status),
                }
            }
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
            Call::Loaded => {
                state.loaded.push(a as u32);
                return Ok(0);
            }
            Call::Ready => {
                state.ready += 1;
                let (note, missing) = payload.split_at(b as usize);
                if !note.is_empty() {
                    state.note = note.to_vec();
                }
                state.missing.push(String::from_utf8(missing.to_vec()).expect("text"));
                return Ok(0);
            }
            Call::OpenBlob if payload == b"there" => {
                state.add(Thing::Blob(b"contents"), rights::ALL)
            }
            Call::OpenBlob if payload == b"half" => return Err(Status::NotReady),
            Call::OpenBlob => return Err(Status::NotFound),
            Call::CreateBlob if state.is_full => return Err(Status::QuotaExceeded),
            Call::CreateBlob => {
                let name = String::from_utf8(payload).expect("text");
                state.made.push((name, b, Vec::new()));
                let number = state.made.len() - 1;
                state.add(Thing::Made(number), rights::ALL)
            }
            _ => return Err(Status::UnknownCall),
        };
        Ok(u64::from(handle))
    }
}
