//! Capsules: making, reading and writing them.
//!
//! A capsule counts whole, from the moment it is made, against the domain that made it: who writes
//! it may be at the end of its own quota, and ends sooner than what it wrote.

use super::Kernel;
use super::endpoints::read_payload;
use crate::capability::{CapsuleId, DomainId, Handle, Object};
use crate::memory::PageRun;
use atoll_gate::Status;
use atoll_gate::call::rights;
use atoll_gate::capsule::{MAX_LIMIT, MAX_RECORD, NUMBERS, ROOM};
use atoll_gate::message::{MAX_PAYLOAD, PAYLOAD_OFFSET};

impl Kernel {
    /// Makes a capsule that `maker` alone holds, at its expense.
    pub(crate) fn create_capsule(&mut self, maker: DomainId, limit: u64) -> Result<Handle, Status> {
        if limit == 0 || limit > MAX_LIMIT {
            return Err(Status::Invalid);
        }
        let domain = self.domain_mut(maker)?;
        domain.handles.reserve(1)?;
        domain.require_memory(limit)?;
        let id = self.ipc.create_capsule(limit, maker).ok_or(Status::OutOfMemory)?;
        let handle = self.give(maker, Object::Capsule(id), rights::ALL)?;
        self.domain_mut(maker)?.charge(limit)?;
        Ok(handle)
    }

    /// Replaces a record by the first `len` bytes of the send payload of `writer`.
    pub(crate) fn write_capsule(
        &mut self,
        writer: DomainId,
        id: CapsuleId,
        number: u32,
        len: usize,
    ) -> Result<(), Status> {
        let capsule = self.ipc.capsules.get(id).ok_or(Status::Closed)?;
        // Sooner than anything is copied: the kernel's memory is not for what does not fit.
        if len > MAX_RECORD || len as u64 > capsule.limit() {
            return Err(if len > MAX_RECORD { Status::Invalid } else { Status::QuotaExceeded });
        }
        let bytes = read_payload(&self.live(writer)?.1.send, len)?;
        self.ipc.capsules.get_mut(id).ok_or(Status::Closed)?.write(number, bytes)
    }

    /// Copies a record, or what else the number asks for, to the receive payload of `reader`;
    /// gives how many bytes.
    pub(crate) fn read_capsule(
        &self,
        reader: DomainId,
        id: CapsuleId,
        number: u64,
    ) -> Result<u64, Status> {
        let capsule = self.ipc.capsules.get(id).ok_or(Status::Closed)?;
        let area = &self.live(reader)?.1.receive;
        let put = |offset: usize, bytes: &[u8]| {
            area.write(PAYLOAD_OFFSET + offset, bytes).map_err(|_| Status::Invalid)
        };
        if let Ok(number) = u32::try_from(number) {
            let bytes = capsule.record(number).ok_or(Status::NotFound)?;
            put(0, bytes)?;
            return Ok(bytes.len() as u64);
        }
        if number == ROOM {
            put(0, &capsule.used().to_le_bytes())?;
            put(8, &capsule.limit().to_le_bytes())?;
            return Ok(16);
        }
        let first = number.checked_sub(NUMBERS).and_then(|first| u32::try_from(first).ok());
        write_numbers(area, capsule.numbers(first.ok_or(Status::Invalid)? as usize))
    }

    /// Lets `new` pay for the capsules that `old` made, in the place of `old`.
    pub(super) fn pass_capsules(&mut self, old: DomainId, new: DomainId) {
        for index in 0..self.ipc.capsules.extent() {
            let id = self.ipc.capsules.id_at(index);
            let Some(capsule) = id.and_then(|id| self.ipc.capsules.get_mut(id)) else { continue };
            if capsule.maker != old {
                continue;
            }
            capsule.maker = new;
            let limit = capsule.limit();
            self.refund(old, limit);
            if let Some(domain) = self.domains.get_mut(new) {
                // Beyond its quota, if need be: a capsule that is in use cannot be refused.
                domain.charged = domain.charged.saturating_add(limit);
            }
        }
    }

    /// One handle to a capsule less; with the last it is gone.
    pub(super) fn release_capsule(&mut self, id: CapsuleId) {
        let Some(capsule) = self.ipc.capsules.get_mut(id) else { return };
        capsule.holders = capsule.holders.saturating_sub(1);
        if capsule.holders == 0 {
            let (maker, limit) = (capsule.maker, capsule.limit());
            self.ipc.capsules.remove(id);
            self.refund(maker, limit);
        }
    }
}

/// Writes numbers into the payload of an area, as many as fit; gives how many bytes.
fn write_numbers(area: &PageRun, numbers: impl Iterator<Item = u32>) -> Result<u64, Status> {
    let mut len = 0;
    for number in numbers.take(MAX_PAYLOAD / 4) {
        area.write(PAYLOAD_OFFSET + len, &number.to_le_bytes()).map_err(|_| Status::Invalid)?;
        len += 4;
    }
    Ok(len as u64)
}
