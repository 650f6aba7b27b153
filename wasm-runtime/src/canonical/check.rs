//! Checking a whole message before the guest sees any of it.
//!
//! Whoever sends a malformed call must not be able to trap the server or make it allocate memory
//! or handles that nobody frees. Lowering checks everything again on its own.

use alloc::{format, vec::Vec};

use super::{
    Transfer,
    error::{Outcome, broken, message},
    lift::present,
    lower::{at_end, fits, list_bytes},
    moves::Moves,
    place::{bool_cell, case, char_cell, flags},
    plan::{Node, NodeId, Nodes, Planned, Scalar},
    wire::{bytes_at, check_utf8},
};
use crate::{host::Passing, types::ResourceId};

/// A message being checked.
pub(super) struct Check<'a, D> {
    nodes: &'a Nodes,
    data: &'a D,
    incoming: &'a [u8],
    at: usize,
    /// Which slots the message has named.
    slots: u64,
    handles: u32,
    /// The handles, when they are wanted.
    found: Option<Vec<Found>>,
}

/// A handle that a message has named.
#[derive(Clone, Copy, Debug)]
pub(super) struct Found {
    /// Where in the message.
    pub(super) at: usize,
    pub(super) slot: u32,
    pub(super) resource: ResourceId,
    pub(super) passing: Passing,
}

impl<'a, D: Transfer> Check<'a, D> {
    pub(super) fn new(nodes: &'a Nodes, data: &'a D) -> Self {
        Self { nodes, data, incoming: data.incoming(), at: 0, slots: 0, handles: 0, found: None }
    }

    /// A check that remembers the handles.
    pub(super) fn recording(nodes: &'a Nodes, data: &'a D) -> Self {
        Self { found: Some(Vec::new()), ..Self::new(nodes, data) }
    }

    /// Checks one value.
    pub(super) fn value(&mut self, id: NodeId) -> Outcome<()> {
        let planned = self.node(id)?;
        if planned.plain {
            return self.skip(planned.wire_min as usize);
        }
        if let Some(moves) = &planned.moves {
            return self.moves(moves, 1);
        }
        match &planned.node {
            Node::Scalar(Scalar::Bool) => bool_cell(self.take::<1>()?[0]).map(|_| ()),
            Node::Scalar(Scalar::Char) => char_cell(self.take_u32()?).map(|_| ()),
            Node::Scalar(kind) => self.skip(kind.size() as usize),
            Node::Flags { words, last_mask } => {
                for left in (0..*words).rev() {
                    flags(self.take_u32()?, if left == 0 { *last_mask } else { u32::MAX })?;
                }
                Ok(())
            }
            Node::Enum { cases, .. } => case(self.take_u32()?, *cases).map(|_| ()),
            Node::String => self.text(),
            Node::List(element) => self.list(*element),
            Node::FixedList { element, count } => self.fixed_list(planned, *element, *count),
            Node::Record { fields, .. } => fields.iter().try_for_each(|field| self.value(*field)),
            Node::Variant { cases, .. } => {
                let number = case(self.take_u32()?, cases.len() as u32)?;
                match cases.get(number as usize) {
                    Some(Some(payload)) => self.value(*payload),
                    _ => Ok(()),
                }
            }
            Node::Own(resource) => self.slot(*resource, Passing::Own),
            Node::Borrow(resource) => self.slot(*resource, Passing::Borrow),
        }
    }

    /// Makes sure that the message ends here, and returns how many handles it carries.
    pub(super) fn finish(self) -> Outcome<u32> {
        at_end(self.incoming.len(), self.at)?;
        Ok(self.handles)
    }

    /// Makes sure that the message ends here, and returns the handles that it carries.
    pub(super) fn finish_recording(mut self) -> Outcome<Vec<Found>> {
        let found = self.found.take().unwrap_or_default();
        self.finish().map(|_| found)
    }

    fn node(&self, id: NodeId) -> Outcome<&'a Planned> {
        match self.nodes.get(id) {
            Some(planned) => Ok(planned),
            None => broken(),
        }
    }

    #[inline]
    fn take<const N: usize>(&mut self) -> Outcome<[u8; N]> {
        match bytes_at(self.incoming, self.at) {
            Some(bytes) => {
                self.at += N;
                Ok(bytes)
            }
            None => message("ends in the middle of a value"),
        }
    }

    fn take_u32(&mut self) -> Outcome<u32> {
        Ok(u32::from_le_bytes(self.take()?))
    }

    fn skip(&mut self, len: usize) -> Outcome<()> {
        match self.at.checked_add(len) {
            Some(end) if end <= self.incoming.len() => {
                self.at = end;
                Ok(())
            }
            _ => message("ends in the middle of a value"),
        }
    }

    fn text(&mut self) -> Outcome<()> {
        let len = self.take_u32()?;
        let start = self.at;
        let end = start.checked_add(len as usize);
        let Some(bytes) = end.and_then(|end| self.incoming.get(start..end)) else {
            return message(format!("says {len} bytes of text where fewer follow"));
        };
        if let Err(error) = check_utf8(bytes) {
            return message(format!("has text that is not UTF-8: {error}"));
        }
        self.skip(bytes.len())
    }

    fn list(&mut self, element: NodeId) -> Outcome<()> {
        let planned = self.node(element)?;
        let count = self.take_u32()?;
        let left = self.incoming.len().saturating_sub(self.at);
        let bytes = list_bytes(planned, count, left)?;
        if planned.plain {
            return self.skip(bytes as usize);
        }
        if let Some(moves) = &planned.moves {
            return self.moves(moves, count);
        }
        (0..count).try_for_each(|_| self.value(element))
    }

    /// Checks values of fixed width.
    fn moves(&mut self, moves: &Moves, count: u32) -> Outcome<()> {
        let start = self.at;
        self.skip((count as usize).saturating_mul(moves.width as usize))?;
        moves.check(present(self.incoming.get(start..self.at))?)
    }

    fn fixed_list(&mut self, whole: &Planned, element: NodeId, count: u32) -> Outcome<()> {
        let left = self.incoming.len().saturating_sub(self.at);
        fits(whole, left)?;
        for _ in 0..count {
            self.value(element)?;
        }
        Ok(())
    }

    fn slot(&mut self, resource: ResourceId, passing: Passing) -> Outcome<()> {
        let at = self.at;
        let slot = self.take_u32()?;
        // More slots than bits are more than a message has.
        let bit = 1_u64.checked_shl(slot).unwrap_or(0);
        if bit == 0 || self.slots & bit != 0 {
            return message(format!("names handle slot {slot} twice, or there is none"));
        }
        self.slots |= bit;
        self.handles = self.handles.saturating_add(1);
        if let Some(found) = &mut self.found {
            found.push(Found { at, slot, resource, passing });
        }
        match self.data.check_slot(slot, resource, passing) {
            Ok(()) => Ok(()),
            Err(reason) => message(reason),
        }
    }
}
