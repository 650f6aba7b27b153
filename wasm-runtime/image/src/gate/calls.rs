//! The gate calls with the types of their arguments and results, for whatever is a [`Gate`].
//!
//! The meaning of each call is written once, in [`atoll_gate::Call`]; what numbers it takes and gives
//! is here and nowhere else in the image.

use super::{Gate, Width, put_text};
use atoll_gate::call::{Call, DeviceKind, ObjectKind, Power, SHARE, Status};
use atoll_gate::message::Lengths;
use atoll_gate::record::Cause;

/// What a handle is, by `Inspect`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Inspected {
    /// Kind of the object.
    pub kind: ObjectKind,
    /// Rights of the handle.
    pub rights: u32,
    /// Endpoint id, count of ports, pages or bytes, by kind.
    pub extent: u32,
}

/// The gate calls with their types.
pub trait Calls: Gate {
    /// Payload length only, no slots.
    fn plain(payload: usize) -> u64 {
        Lengths { payload: payload as u32, slots: 0 }.pack()
    }

    /// Sends a call and waits for the reply, as long as it takes.
    ///
    /// # Errors
    /// The status of the gate call, or that of the reply.
    fn call(&mut self, endpoint: u32, method: u32, lengths: Lengths) -> Result<(), Status> {
        let arguments = [
            u64::from(endpoint),
            u64::from(method),
            lengths.pack(),
            atoll_gate::call::NO_DEADLINE,
            0,
        ];
        self.enter(Call::Call, arguments)?;
        match Status::from_raw(u64::from(self.header().method)) {
            Some(Status::Ok) => Ok(()),
            Some(status) => Err(status),
            None => Err(Status::Invalid),
        }
    }

    /// Answers a call and, if the answer went out, waits for the next accepted event.
    ///
    /// # Errors
    /// `TimedOut` if nothing came; anything else says that the reply was not sent.
    fn reply_wait(
        &mut self,
        id: u64,
        status: Status,
        lengths: Lengths,
        accept: u64,
        deadline: u64,
    ) -> Result<(), Status> {
        self.enter(Call::ReplyWait, [id, status as u64, lengths.pack(), accept, deadline]).map(drop)
    }

    /// Answers a call.
    ///
    /// # Errors
    /// The status of the gate call.
    fn reply(&mut self, id: u64, status: Status, lengths: Lengths) -> Result<(), Status> {
        self.enter(Call::Reply, [id, status as u64, lengths.pack(), 0, 0]).map(drop)
    }

    /// Takes the next accepted event into the receive area.
    ///
    /// # Errors
    /// `TimedOut` if none came.
    fn wait(&mut self, accept: u64, deadline: u64) -> Result<(), Status> {
        self.enter(Call::Wait, [accept, deadline, 0, 0, 0]).map(drop)
    }

    /// Whether so many pages could be backed now.
    fn room(&mut self, pages: u64) -> bool {
        self.enter(Call::Room, [pages, 0, 0, 0, 0]).is_ok()
    }

    /// Lets go of a handle. That it was gone already does not matter.
    fn close(&mut self, handle: u32) {
        let _ = self.enter(Call::Close, [u64::from(handle), 0, 0, 0, 0]);
    }

    /// A duplicate with at most these rights.
    ///
    /// # Errors
    /// The status of the gate call.
    fn copy(&mut self, handle: u32, rights: u32) -> Result<u32, Status> {
        self.enter(Call::Copy, [u64::from(handle), u64::from(rights), 0, 0, 0])
            .map(|copy| copy as u32)
    }

    /// What a handle is.
    ///
    /// # Errors
    /// The status of the gate call.
    fn inspect(&mut self, handle: u32) -> Result<Inspected, Status> {
        let raw = self.enter(Call::Inspect, [u64::from(handle), 0, 0, 0, 0])?;
        let kind = ObjectKind::from_raw(raw & 0xff).ok_or(Status::Invalid)?;
        Ok(Inspected { kind, rights: (raw >> 8) as u32 & 0x00ff_ffff, extent: (raw >> 32) as u32 })
    }

    /// Makes an endpoint.
    ///
    /// # Errors
    /// The status of the gate call.
    fn create_endpoint(&mut self) -> Result<u32, Status> {
        self.enter(Call::CreateEndpoint, [0; 5]).map(|handle| handle as u32)
    }

    /// A handle to the twin of an endpoint that a domain staged.
    ///
    /// # Errors
    /// The status of the gate call.
    fn create_twin(&mut self, endpoint: u32, control: u32) -> Result<u32, Status> {
        let arguments = [u64::from(endpoint), u64::from(control), 0, 0, 0];
        self.enter(Call::CreateEndpoint, arguments).map(|handle| handle as u32)
    }

    /// Serves an endpoint with the descriptor in the first `payload` bytes of the send area.
    ///
    /// # Errors
    /// The status of the gate call.
    fn publish(&mut self, serve: u32, badge: u32, payload: usize) -> Result<u32, Status> {
        let arguments = [u64::from(serve), u64::from(badge), Self::plain(payload), 0, 0];
        self.enter(Call::Publish, arguments).map(|id| id as u32)
    }

    /// Copies a part of an endpoint's descriptor to the receive payload and tells its whole length.
    ///
    /// # Errors
    /// The status of the gate call.
    fn describe(&mut self, endpoint: u32, offset: usize) -> Result<usize, Status> {
        self.enter(Call::Describe, [u64::from(endpoint), offset as u64, 0, 0, 0])
            .map(|length| length as usize)
    }

    /// Revokes every object of an endpoint; how many there were.
    ///
    /// # Errors
    /// The status of the gate call.
    fn revoke_all(&mut self, serve: u32) -> Result<u64, Status> {
        let all = atoll_gate::call::REVOKE_ALL;
        self.enter(Call::Revoke, [u64::from(serve), all, 0, 0, 0])
    }

    /// Makes a pipe: reader and writer.
    ///
    /// # Errors
    /// The status of the gate call.
    fn create_pipe(&mut self, capacity: u32) -> Result<(u32, u32), Status> {
        let ends = self.enter(Call::CreatePipe, [u64::from(capacity), 0, 0, 0, 0])?;
        Ok((ends as u32, (ends >> 32) as u32))
    }

    /// Makes an event.
    ///
    /// # Errors
    /// The status of the gate call.
    fn create_event(&mut self) -> Result<u32, Status> {
        self.enter(Call::CreateEvent, [0; 5]).map(|handle| handle as u32)
    }

    /// Reads into the receive payload; how many bytes.
    ///
    /// # Errors
    /// The status of the gate call.
    fn read(&mut self, handle: u32, offset: u64, most: usize) -> Result<usize, Status> {
        self.enter(Call::Read, [u64::from(handle), offset, most as u64, 0, 0])
            .map(|count| count as usize)
    }

    /// Writes the first bytes of the send payload; how many were taken.
    ///
    /// # Errors
    /// The status of the gate call.
    fn write(&mut self, handle: u32, payload: usize) -> Result<usize, Status> {
        let arguments = [u64::from(handle), Self::plain(payload), 0, 0, 0];
        self.enter(Call::Write, arguments).map(|count| count as usize)
    }

    /// Asks for a notification.
    ///
    /// # Errors
    /// The status of the gate call.
    fn watch(&mut self, handle: u32, token: u64) -> Result<(), Status> {
        self.enter(Call::Watch, [u64::from(handle), token, 0, 0, 0]).map(drop)
    }

    /// Takes a watch back. That there was none does not matter.
    fn unwatch(&mut self, handle: u32) {
        let _ = self.enter(Call::Unwatch, [u64::from(handle), 0, 0, 0, 0]);
    }

    /// Sets or clears an event, or acknowledges an interrupt.
    ///
    /// # Errors
    /// The status of the gate call.
    fn signal(&mut self, handle: u32, value: bool) -> Result<(), Status> {
        self.enter(Call::Signal, [u64::from(handle), u64::from(value), 0, 0, 0]).map(drop)
    }

    /// Makes a device object, or shares one that exists.
    ///
    /// # Errors
    /// The status of the gate call.
    fn create_device(
        &mut self,
        system: u32,
        kind: DeviceKind,
        share: bool,
        [base, length]: [u64; 2],
    ) -> Result<u32, Status> {
        let kind = kind as u64 | if share { SHARE } else { 0 };
        let arguments = [u64::from(system), kind, base, length, 0];
        self.enter(Call::CreateDevice, arguments).map(|handle| handle as u32)
    }

    /// Reads a port.
    ///
    /// # Errors
    /// The status of the gate call.
    fn port_read(&mut self, ports: u32, offset: u16, width: Width) -> Result<u64, Status> {
        let access = u64::from(offset) | (width as u64) << 16;
        self.enter(Call::PortAccess, [u64::from(ports), access, 0, 0, 0])
    }

    /// Writes a port.
    ///
    /// # Errors
    /// The status of the gate call.
    fn port_write(
        &mut self,
        ports: u32,
        offset: u16,
        width: Width,
        value: u64,
    ) -> Result<(), Status> {
        let access = u64::from(offset) | (width as u64) << 16 | 1 << 24;
        self.enter(Call::PortAccess, [u64::from(ports), access, value, 0, 0]).map(drop)
    }

    /// Nanoseconds since boot.
    fn clock(&mut self) -> u64 {
        self.enter(Call::Clock, [0; 5]).unwrap_or(0)
    }

    /// Makes a domain of the configuration in the send payload.
    ///
    /// # Errors
    /// The status of the gate call.
    fn create_domain(&mut self, system: u32, blob: u32, payload: usize) -> Result<u32, Status> {
        let arguments = [u64::from(system), u64::from(blob), Self::plain(payload), 0, 0];
        self.enter(Call::CreateDomain, arguments).map(|handle| handle as u32)
    }

    /// Has this domain kept for clones as it is now; whether it is one.
    ///
    /// # Errors
    /// The status of the gate call.
    fn snapshot(&mut self) -> Result<bool, Status> {
        self.enter(Call::Snapshot, [0; 5]).map(|life| life != 0)
    }

    /// Makes a domain, be it a standby, that begins with the snapshot of another.
    ///
    /// # Errors
    /// The status of the gate call.
    fn clone_domain(&mut self, control: u32, standby: bool) -> Result<u32, Status> {
        self.enter(Call::CloneDomain, [u64::from(control), u64::from(standby), 0, 0, 0])
            .map(|handle| handle as u32)
    }

    /// Starts a domain with the start record and the slots in the send area.
    ///
    /// # Errors
    /// The status of the gate call.
    fn start_domain(&mut self, control: u32, lengths: Lengths) -> Result<(), Status> {
        self.enter(Call::StartDomain, [u64::from(control), lengths.pack(), 0, 0, 0]).map(drop)
    }

    /// Ends a domain. That it had ended already does not matter.
    fn kill_domain(&mut self, control: u32) {
        let _ = self.enter(Call::KillDomain, [u64::from(control), 0, 0, 0, 0]);
    }

    /// Has a domain asked whether it works.
    ///
    /// # Errors
    /// The status of the gate call.
    fn probe(&mut self, control: u32, number: u64) -> Result<(), Status> {
        self.enter(Call::Probe, [u64::from(control), number, 0, 0, 0]).map(drop)
    }

    /// Makes a capsule for so many bytes.
    ///
    /// # Errors
    /// The status of the gate call.
    fn create_capsule(&mut self, system: u32, limit: u64) -> Result<u32, Status> {
        let arguments = [u64::from(system), limit, 0, 0, 0];
        self.enter(Call::CreateCapsule, arguments).map(|handle| handle as u32)
    }

    /// Reads a record, or what else the number asks for, to the receive payload; how many bytes.
    ///
    /// # Errors
    /// The status of the gate call.
    fn read_capsule(&mut self, capsule: u32, number: u64) -> Result<usize, Status> {
        let arguments = [u64::from(capsule), number, 0, 0, 0];
        self.enter(Call::ReadCapsule, arguments).map(|count| count as usize)
    }

    /// Replaces a record by the first bytes of the send payload.
    ///
    /// # Errors
    /// The status of the gate call.
    fn write_capsule(&mut self, capsule: u32, record: u32, payload: usize) -> Result<(), Status> {
        let arguments = [u64::from(capsule), u64::from(record), Self::plain(payload), 0, 0];
        self.enter(Call::WriteCapsule, arguments).map(drop)
    }

    /// Reports this domain ready.
    fn report_ready(&mut self) {
        let _ = self.enter(Call::Ready, [0; 5]);
    }

    /// Tells how much of the component is loaded. Nothing depends on it.
    fn report_loaded(&mut self, percent: u32) {
        let _ = self.enter(Call::Loaded, [u64::from(percent), 0, 0, 0, 0]);
    }

    /// Makes a blob of so many bytes whose name is in the send payload.
    ///
    /// # Errors
    /// The status of the gate call.
    fn create_blob(&mut self, system: u32, size: u64, payload: usize) -> Result<u32, Status> {
        let arguments = [u64::from(system), size, Self::plain(payload), 0, 0];
        self.enter(Call::CreateBlob, arguments).map(|handle| handle as u32)
    }

    /// Opens the module whose name is in the send payload.
    ///
    /// # Errors
    /// The status of the gate call.
    fn open_blob(&mut self, system: u32, payload: usize) -> Result<u32, Status> {
        let arguments = [u64::from(system), Self::plain(payload), 0, 0, 0];
        self.enter(Call::OpenBlob, arguments).map(|handle| handle as u32)
    }

    /// Switches the machine off or starts it again; comes back if it cannot.
    fn power(&mut self, system: u32, power: Power) {
        let _ = self.enter(Call::Power, [u64::from(system), power as u64, 0, 0, 0]);
    }

    /// Ends this domain with a reason. A fake gate comes back.
    fn exit(&mut self, cause: Cause, code: u64, message: &str) {
        let count = put_text(self.send_payload(), message);
        let _ = self.enter(Call::Exit, [cause as u64, code, Self::plain(count), 0, 0]);
    }
}

impl<G: Gate> Calls for G {}
