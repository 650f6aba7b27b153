//! The message areas of a call that stays within the domain: between two component instances of a
//! composed component, or from the runtime itself to an export.

use alloc::{string::String, vec::Vec};

use crate::{
    host::Passing,
    limits::{LOCAL_AREA, LOCAL_SLOTS},
    types::ResourceId,
};

/// Bytes that a fresh outgoing area has.
const FIRST: usize = 256;

/// A handle in a local message. The number is the representation, whoever implements it.
#[derive(Clone, Copy, Debug)]
struct LocalSlot {
    resource: ResourceId,
    passing: Passing,
    number: u32,
}

/// What goes out and what came in. The buffers are kept for the next call.
#[derive(Debug, Default)]
pub(crate) struct LocalArea {
    outgoing: Vec<u8>,
    outgoing_slots: Vec<LocalSlot>,
    incoming: Vec<u8>,
    incoming_len: usize,
    incoming_slots: Vec<Option<LocalSlot>>,
}

impl LocalArea {
    /// Forgets all messages.
    pub(super) fn clear(&mut self) {
        self.outgoing_slots.clear();
        self.incoming_slots.clear();
        self.incoming_len = 0;
    }

    pub(super) fn outgoing(&mut self) -> &mut [u8] {
        if self.outgoing.is_empty() {
            self.outgoing.resize(FIRST, 0);
        }
        &mut self.outgoing
    }

    /// Makes room for a message of `bytes`, if that is within the limit.
    pub(super) fn grow(&mut self, bytes: usize) -> bool {
        if bytes > LOCAL_AREA {
            return false;
        }
        let target = bytes.max(self.outgoing.len().saturating_mul(2)).min(LOCAL_AREA);
        let more = target.saturating_sub(self.outgoing.len());
        if self.outgoing.try_reserve_exact(more).is_err() {
            return false;
        }
        self.outgoing.resize(target.max(self.outgoing.len()), 0);
        true
    }

    pub(super) fn incoming(&self) -> &[u8] {
        self.incoming.get(..self.incoming_len).unwrap_or_default()
    }

    /// Puts a message in, as if it had come.
    pub(super) fn set_incoming(&mut self, message: &[u8]) {
        self.clear();
        self.incoming.clear();
        self.incoming.extend_from_slice(message);
        self.incoming_len = message.len();
    }

    /// What was sent is what the other side receives.
    pub(super) fn turn(&mut self, payload: usize) {
        core::mem::swap(&mut self.outgoing, &mut self.incoming);
        self.incoming_len = payload;
        self.incoming_slots.clear();
        self.incoming_slots.extend(self.outgoing_slots.drain(..).map(Some));
    }

    /// A copy of the first bytes of what goes out.
    pub(super) fn sent(&self, payload: usize) -> Vec<u8> {
        self.outgoing.get(..payload).unwrap_or_default().to_vec()
    }

    pub(super) fn put_slot(
        &mut self,
        resource: ResourceId,
        passing: Passing,
        number: u32,
    ) -> Result<u32, String> {
        let index = self.outgoing_slots.len();
        if index >= LOCAL_SLOTS {
            return Err(alloc::format!("a message carries at most {LOCAL_SLOTS} handles"));
        }
        self.outgoing_slots.push(LocalSlot { resource, passing, number });
        Ok(index as u32)
    }

    /// The number of the handle, which must be there, of that type and passed that way.
    pub(super) fn check_slot(
        &self,
        index: u32,
        resource: ResourceId,
        passing: Passing,
    ) -> Result<u32, String> {
        match self.incoming_slots.get(index as usize) {
            Some(Some(slot)) if slot.resource == resource && slot.passing == passing => {
                Ok(slot.number)
            }
            Some(Some(_)) => Err("a handle is of another type".into()),
            _ => Err("a handle is not there".into()),
        }
    }

    pub(super) fn take_slot(
        &mut self,
        index: u32,
        resource: ResourceId,
        passing: Passing,
    ) -> Result<u32, String> {
        let number = self.check_slot(index, resource, passing)?;
        if let Some(slot) = self.incoming_slots.get_mut(index as usize) {
            *slot = None;
        }
        Ok(number)
    }
}
