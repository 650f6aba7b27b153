//! Blobs: making, filling, finding and reading them.
//!
//! A blob that is made at run time counts whole, from the moment it is made, against the domain
//! that made it. It lives while somebody has a handle to it or a domain runs it, so neither the
//! end of its maker nor that of whoever filled it takes the component of a server away.

use super::Kernel;
use super::endpoints::read_payload;
use crate::capability::{BlobId, DomainId, Handle, Object};
use crate::ipc::Blob;
use crate::memory::PageRun;
use alloc::string::String;
use alloc::vec::Vec;
use atoll_gate::Status;
use atoll_gate::blob::{MAX_NAME, MAX_SIZE};
use atoll_gate::call::rights;
use atoll_gate::message::{MAX_PAYLOAD, PAYLOAD_OFFSET};

impl Kernel {
    /// Makes a blob for `size` bytes that `maker` alone holds, at its expense. The first `name`
    /// bytes of its send payload are the name.
    pub(crate) fn create_blob(
        &mut self,
        maker: DomainId,
        size: u64,
        name: usize,
    ) -> Result<Handle, Status> {
        if size == 0 || size > MAX_SIZE || name == 0 || name > MAX_NAME {
            return Err(Status::Invalid);
        }
        let name: Vec<u8> = read_payload(&self.live(maker)?.1.send, name)?;
        let name = String::from_utf8(name).map_err(|_| Status::Invalid)?;
        if self.ipc.blob_named(name.as_bytes()).is_some() {
            return Err(Status::Exists);
        }
        let footprint = size.next_multiple_of(crate::memory::PAGE_SIZE);
        let domain = self.domain_mut(maker)?;
        domain.handles.reserve(1)?;
        domain.require_memory(footprint)?;
        let bytes = PageRun::allocate_bytes(size as usize).ok_or(Status::OutOfMemory)?;
        let blob = Blob::new(name, bytes, maker);
        let id = self.ipc.blobs.insert(blob).map_err(|_| Status::OutOfMemory)?;
        let given = rights::READ | rights::WRITE | rights::COPY;
        let handle = self.give(maker, Object::Blob(id), given)?;
        self.domain_mut(maker)?.charge(footprint)?;
        Ok(handle)
    }

    /// Appends the first `len` bytes of the send payload of `writer` to a blob.
    pub(crate) fn fill_blob(
        &mut self,
        writer: DomainId,
        id: BlobId,
        len: usize,
    ) -> Result<u64, Status> {
        let area = self.live(writer)?.1.send.clone();
        let blob = self.ipc.blobs.get_mut(id).ok_or(Status::Closed)?;
        blob.append(&area, PAYLOAD_OFFSET, len)?;
        Ok(len as u64)
    }

    /// Copies a part of a blob into the receive area of `reader`.
    pub(crate) fn read_blob(
        &self,
        reader: DomainId,
        id: BlobId,
        offset: u64,
        most: u64,
    ) -> Result<u64, Status> {
        let bytes = self.ipc.blobs.get(id).ok_or(Status::NotFound)?.sealed()?;
        let offset = usize::try_from(offset).unwrap_or(usize::MAX).min(bytes.len());
        let most = usize::try_from(most).unwrap_or(MAX_PAYLOAD).min(MAX_PAYLOAD);
        let len = most.min(bytes.len() - offset);
        let area = &self.live(reader)?.1.receive;
        bytes.copy_to(offset, area, PAYLOAD_OFFSET, len).map_err(|_| Status::Invalid)?;
        Ok(len as u64)
    }

    /// The sealed blob whose name is the first `len` bytes of the send payload of `domain`.
    pub(crate) fn find_blob(&self, domain: DomainId, len: usize) -> Result<BlobId, Status> {
        let name: Vec<u8> = read_payload(&self.live(domain)?.1.send, len)?;
        let id = self.ipc.blob_named(&name).ok_or(Status::NotFound)?;
        self.ipc.blobs.get(id).ok_or(Status::NotFound)?.sealed()?;
        Ok(id)
    }

    /// Lets `new` pay for the blobs that `old` made, in the place of `old`.
    pub(super) fn pass_blobs(&mut self, old: DomainId, new: DomainId) {
        for index in 0..self.ipc.blobs.extent() {
            let id = self.ipc.blobs.id_at(index);
            let Some(blob) = id.and_then(|id| self.ipc.blobs.get_mut(id)) else { continue };
            if blob.maker != Some(old) {
                continue;
            }
            blob.maker = Some(new);
            let footprint = blob.footprint();
            self.refund(old, footprint);
            if let Some(domain) = self.domains.get_mut(new) {
                // Beyond its quota, if need be: a blob that is in use cannot be refused.
                domain.charged = domain.charged.saturating_add(footprint);
            }
        }
    }

    /// One holder of a blob less; with the last it is gone.
    pub(super) fn release_blob(&mut self, id: BlobId) {
        let Some(blob) = self.ipc.blobs.get_mut(id) else { return };
        blob.holders = blob.holders.saturating_sub(1);
        if blob.holders == 0 {
            let (maker, footprint) = (blob.maker, blob.footprint());
            self.ipc.blobs.remove(id);
            if let Some(maker) = maker {
                self.refund(maker, footprint);
            }
        }
    }
}
