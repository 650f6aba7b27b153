//! Byte streams, events and blobs: making, reading, writing and signalling them.

use super::Kernel;
use super::endpoints::read_payload;
use crate::capability::{DomainId, EventId, Handle, InterruptId, Object, PipeId};
use crate::interrupts;
use crate::ipc::{Event, Pipe};
use crate::memory::{PAGE_SIZE, PageRun};
use crate::trace;
use atoll_gate::Status;
use atoll_gate::call::rights;
use atoll_gate::message::{MAX_PAYLOAD, PAYLOAD_OFFSET};
use atoll_gate::record::Level;

/// Most bytes that a pipe can hold.
const MOST_CAPACITY: u64 = 16 << 20;

impl Kernel {
    /// Makes a pipe at the expense of `owner`; gives its reader and its writer.
    pub(crate) fn create_pipe(
        &mut self,
        owner: DomainId,
        capacity: u64,
    ) -> Result<(Handle, Handle), Status> {
        if capacity == 0 || capacity > MOST_CAPACITY {
            return Err(Status::Invalid);
        }
        let size = capacity.next_multiple_of(PAGE_SIZE);
        let domain = self.domain_mut(owner)?;
        domain.handles.reserve(2)?;
        domain.require_memory(size)?;
        let frames = PageRun::allocate((size / PAGE_SIZE) as usize).ok_or(Status::OutOfMemory)?;
        let id =
            self.ipc.pipes.insert(Pipe::new(frames, owner)).map_err(|_| Status::OutOfMemory)?;
        let common = rights::WATCH | rights::COPY;
        let reader = self.give(owner, Object::PipeReader(id), rights::READ | common)?;
        let writer = self.give(owner, Object::PipeWriter(id), rights::WRITE | common)?;
        self.domain_mut(owner)?.charge(size)?;
        Ok((reader, writer))
    }

    /// Makes an event that `owner` alone holds.
    pub(crate) fn create_event(&mut self, owner: DomainId) -> Result<Handle, Status> {
        self.domain_mut(owner)?.handles.reserve(1)?;
        let id = self.ipc.events.insert(Event::default()).map_err(|_| Status::OutOfMemory)?;
        self.give(owner, Object::Event(id), rights::SIGNAL | rights::WATCH | rights::COPY)
    }

    /// Moves bytes from a pipe into the receive area of `reader`.
    pub(crate) fn read_pipe(
        &mut self,
        reader: DomainId,
        id: PipeId,
        most: u64,
    ) -> Result<u64, Status> {
        let domain = self.domains.get(reader).ok_or(Status::Closed)?;
        let area = &domain.body.as_ref().ok_or(Status::Closed)?.receive;
        let pipe = self.ipc.pipes.get_mut(id).ok_or(Status::Closed)?;
        if pipe.is_empty() {
            return Err(if pipe.writers == 0 { Status::Closed } else { Status::WouldBlock });
        }
        let was_writable = pipe.is_writable();
        let most = usize::try_from(most).unwrap_or(MAX_PAYLOAD).min(MAX_PAYLOAD);
        let moved = pipe.drain(area, PAYLOAD_OFFSET, most);
        if !was_writable && pipe.is_writable() {
            self.fire_watches(Object::PipeWriter(id));
        }
        Ok(moved as u64)
    }

    /// Moves bytes from the send area of `writer` into a pipe.
    pub(crate) fn write_pipe(
        &mut self,
        writer: DomainId,
        id: PipeId,
        len: usize,
    ) -> Result<u64, Status> {
        let domain = self.domains.get(writer).ok_or(Status::Closed)?;
        let area = &domain.body.as_ref().ok_or(Status::Closed)?.send;
        let pipe = self.ipc.pipes.get_mut(id).ok_or(Status::Closed)?;
        if pipe.readers == 0 {
            return Err(Status::Closed);
        }
        if !pipe.is_writable() {
            return Err(Status::WouldBlock);
        }
        let was_readable = pipe.is_readable();
        let moved = pipe.fill(area, PAYLOAD_OFFSET, len);
        if !was_readable && pipe.is_readable() {
            self.fire_watches(Object::PipeReader(id));
        }
        Ok(moved as u64)
    }

    /// Appends a level byte and text from the send area of `writer` to the log.
    pub(crate) fn write_log(&self, writer: DomainId, len: usize) -> Result<u64, Status> {
        let (domain, body) = self.live(writer)?;
        let bytes = read_payload(&body.send, len)?;
        let (level, text) = bytes.split_first().ok_or(Status::Invalid)?;
        let level = Level::from_raw(*level).ok_or(Status::Invalid)?;
        let text = str::from_utf8(text).map_err(|_| Status::Invalid)?;
        trace::log(level, domain.number, domain.name(), format_args!("{text}"));
        Ok(len as u64)
    }

    /// Sets or clears an event; gives what it was.
    pub(crate) fn signal_event(&mut self, id: EventId, set: bool) -> Result<u64, Status> {
        let event = self.ipc.events.get_mut(id).ok_or(Status::Closed)?;
        let before = core::mem::replace(&mut event.set, set);
        if set && !before {
            self.fire_watches(Object::Event(id));
        }
        Ok(u64::from(before))
    }

    /// Acknowledges an interrupt; gives whether it was raised.
    pub(crate) fn acknowledge(&mut self, id: InterruptId) -> Result<u64, Status> {
        let interrupt = self.devices.interrupts.get_mut(id).ok_or(Status::Closed)?;
        let before = core::mem::replace(&mut interrupt.raised, false);
        interrupts::acknowledge(interrupt.line).map_err(|_| Status::NotFound)?;
        Ok(u64::from(before))
    }
}
