//! What domains can read about domains and the machine.

use super::{Domain, Kernel};
use crate::capability::{DomainId, Entry, Handle, Object};
use crate::memory::{PAGE_SIZE, PageRun, frames};
use crate::trace;
use atoll_gate::Status;
use atoll_gate::message::{MAX_PAYLOAD, PAYLOAD_OFFSET};
use atoll_gate::record::{
    DOMAIN_HANDLES, DOMAIN_PULSE, DOMAIN_STATUS, DomainStatus, HandleInfo, LogEntry, MachineStatus,
    Record, SYSTEM_DOMAINS, SYSTEM_MACHINE,
};

/// Longest encoded record.
const LONGEST: usize = 256;

/// Writes records one after another into the payload of an area, as long as they fit.
struct Payload<'a> {
    area: &'a PageRun,
    len: usize,
    most: usize,
}

impl<'a> Payload<'a> {
    fn new(area: &'a PageRun, most: u64) -> Self {
        Self { area, len: 0, most: usize::try_from(most).unwrap_or(MAX_PAYLOAD).min(MAX_PAYLOAD) }
    }

    /// Appends bytes; false, and nothing written, if they do not fit.
    fn bytes(&mut self, bytes: &[u8]) -> bool {
        let end = self.len.saturating_add(bytes.len());
        let fits = end <= self.most && self.area.write(PAYLOAD_OFFSET + self.len, bytes).is_ok();
        if fits {
            self.len = end;
        }
        fits
    }

    /// Appends a record; false, and nothing written, if it does not fit.
    fn record<R: Record>(&mut self, record: &R) -> bool {
        let mut bytes = [0; LONGEST];
        let Some(encoded) = bytes.get_mut(..R::LEN) else { return false };
        record.write(encoded).is_some() && self.bytes(encoded)
    }
}

impl Kernel {
    /// Reads from a domain, the system or the log into the receive area of `reader`; gives the
    /// number of bytes.
    pub(crate) fn read_records(
        &mut self,
        reader: DomainId,
        handle: Handle,
        object: Object,
        offset: u64,
        most: u64,
    ) -> Result<u64, Status> {
        let area = self.live(reader)?.1.receive.clone();
        let mut payload = Payload::new(&area, most);
        let noted = match object {
            Object::Domain(id) => self.read_domain(id, offset, &mut payload)?,
            Object::System => self.read_system(offset, &mut payload)?,
            Object::Log => Some(read_log(offset, &mut payload)),
            _ => return Err(Status::WrongKind),
        };
        if let Some(note) = noted {
            self.domain_mut(reader)?.handles.get_mut(handle)?.note = note;
        }
        Ok(payload.len as u64)
    }

    /// Gives what the reader has seen from then on, when it read the status.
    fn read_domain(
        &self,
        id: DomainId,
        offset: u64,
        payload: &mut Payload<'_>,
    ) -> Result<Option<u64>, Status> {
        let domain = self.domains.get(id).ok_or(Status::Closed)?;
        if offset == DOMAIN_STATUS {
            if !payload.record(&self.domain_status(id, domain)) {
                return Err(Status::Invalid);
            }
            match &domain.ending {
                Some(ending) => payload.bytes(&ending.message),
                None => payload.bytes(domain.swap.reason()),
            };
            return Ok(Some(domain.changes));
        }
        if offset == DOMAIN_PULSE {
            if !payload.record(&self.pulse(id)?) {
                return Err(Status::Invalid);
            }
            payload.bytes(domain.health.words());
            return Ok(None);
        }
        let first = offset.checked_sub(DOMAIN_HANDLES).ok_or(Status::Invalid)?;
        let first = usize::try_from(first).map_err(|_| Status::Invalid)?;
        for (handle, entry) in domain.handles.iter_from(first) {
            if !payload.record(&self.handle_info(handle, entry)) {
                break;
            }
        }
        Ok(None)
    }

    fn read_system(&self, offset: u64, payload: &mut Payload<'_>) -> Result<Option<u64>, Status> {
        if offset == SYSTEM_MACHINE {
            return if payload.record(&self.machine_status()) {
                Ok(None)
            } else {
                Err(Status::Invalid)
            };
        }
        let first = offset.checked_sub(SYSTEM_DOMAINS).ok_or(Status::Invalid)?;
        let first = usize::try_from(first).map_err(|_| Status::Invalid)?;
        for (id, domain) in self.domains.iter().skip(first) {
            if !payload.record(&self.domain_status(id, domain)) {
                break;
            }
        }
        Ok(None)
    }

    fn domain_status(&self, id: DomainId, domain: &Domain) -> DomainStatus {
        let ending = domain.ending.as_ref();
        DomainStatus {
            id: domain.number,
            state: domain.state() as u32,
            cause: ending.map_or(0, |ending| ending.cause as u32),
            code: ending.map_or(0, |ending| ending.code),
            address: ending.map_or(0, |ending| ending.address),
            fault_address: ending.map_or(0, |ending| ending.fault_address),
            memory: domain.memory(),
            memory_limit: domain.memory_limit,
            cpu_ns: ending.map_or_else(|| self.scheduler.used_ns(id), |ending| ending.cpu_ns),
            calls_sent: domain.calls_sent,
            calls_served: domain.calls_served,
            handles: domain.handles.len(),
            ring: domain.ring as u32,
            priority: u32::from(domain.share.priority),
            has_snapshot: u32::from(domain.pristine.is_some()),
            is_clone: u32::from(domain.is_clone),
            loaded: domain.loaded,
            phase: domain.swap.phase() as u32,
            saved: domain.swap.saved_bytes(),
            calls_open: domain.calls_open,
            name: domain.name,
        }
    }

    fn machine_status(&self) -> MachineStatus {
        let memory = frames::statistics();
        let screen = self.boot.framebuffer.as_ref();
        MachineStatus {
            memory_total: memory.total.saturating_mul(PAGE_SIZE),
            memory_free: memory.free.saturating_mul(PAGE_SIZE),
            uptime_ns: self.now,
            idle_ns: self.scheduler.idle_ns(),
            gate_calls: self.gate_calls,
            switches: self.scheduler.switches(),
            interrupts: self.interrupts,
            boot_time_s: self.boot.boot_time_s,
            framebuffer: screen.map_or(0, |screen| screen.address.raw()),
            width: screen.map_or(0, |screen| screen.width),
            height: screen.map_or(0, |screen| screen.height),
            pitch: screen.map_or(0, |screen| screen.pitch),
            bits_per_pixel: screen.map_or(0, |screen| screen.bits_per_pixel),
        }
    }

    fn handle_info(&self, handle: Handle, entry: &Entry) -> HandleInfo {
        let (detail, extent) = match entry.object {
            Object::Endpoint(_) => (u64::from(self.endpoint_number(entry.object)), 0),
            Object::Minted(id) => {
                (self.ipc.minted.get(id).map_or(0, |minted| u64::from(minted.object)), 0)
            }
            Object::Interrupt(id) => {
                (self.devices.interrupts.get(id).map_or(0, |held| u64::from(held.line)), 0)
            }
            Object::Ports(id) => self
                .devices
                .ports
                .get(id)
                .map_or((0, 0), |held| (u64::from(held.base), u64::from(held.count))),
            Object::Window(id) => self
                .devices
                .windows
                .get(id)
                .map_or((0, 0), |held| (held.base.raw(), held.pages.saturating_mul(PAGE_SIZE))),
            Object::Blob(id) => {
                (u64::from(id.index()), self.ipc.blobs.get(id).map_or(0, crate::ipc::Blob::size))
            }
            Object::Domain(id) => {
                (self.domains.get(id).map_or(0, |domain| u64::from(domain.number)), 0)
            }
            Object::PipeReader(id) | Object::PipeWriter(id) => {
                (u64::from(id.index()), self.ipc.pipes.get(id).map_or(0, crate::ipc::Pipe::size))
            }
            Object::Event(id) => (u64::from(id.index()), 0),
            Object::Capsule(id) => self
                .ipc
                .capsules
                .get(id)
                .map_or((0, 0), |capsule| (u64::from(capsule.number), capsule.limit())),
            Object::Log | Object::System => (0, 0),
        };
        let (kind, rights) = (entry.object.kind() as u32, entry.rights);
        HandleInfo { handle: handle.0, kind, rights, detail, extent }
    }
}

/// Copies whole log entries; gives the sequence number behind the last one, or behind what was
/// asked for if there is none.
fn read_log(from: u64, payload: &mut Payload<'_>) -> u64 {
    let mut next = from;
    trace::read_from(from, |entry| {
        let text = entry.text();
        let head = LogEntry {
            sequence: entry.sequence,
            time_ns: entry.time_ns,
            domain: entry.domain,
            level: entry.level as u8,
            len: text.len() as u32,
            name: entry.name,
        };
        let start = payload.len;
        let fits = payload.record(&head) && payload.bytes(text);
        if fits {
            next = entry.sequence.saturating_add(1);
        } else {
            payload.len = start;
        }
        fits
    });
    next
}
