//! The handle table of a component instance.
//!
//! Guests see indices. Index 0 is never given out, indices are reused last-in first-out, and what
//! must outlive an index has to remember more than the index.
//! Specification: "Canonical ABI", section "Table State".

use alloc::vec::Vec;
use core::fmt;

use super::instance::ScopeId;
use crate::types::ResourceId;

/// Whether an entry owns its resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Holding {
    /// `own`: dropping the entry destroys the resource.
    Own,
    /// `borrow`: lent to the call with that scope, which has to drop it before it returns.
    Borrow(ScopeId),
}

/// What a handle stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Type of the resource.
    pub resource: ResourceId,
    /// Representation: of a resource of this component the number that `resource.new` got, of an
    /// imported one the number by which the host knows it.
    pub rep: u32,
    /// Owned or borrowed.
    pub holding: Holding,
    /// How many calls in progress it is lent to.
    pub lends: u32,
}

/// Why a handle cannot be used so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HandleError {
    /// No handle has that index.
    Unknown(u32),
    /// The handle is one to a resource of another type.
    WrongType(u32),
    /// The handle is lent to a call in progress.
    Lent(u32),
    /// The handle is borrowed, and only an owned one can be given away.
    NotOwned(u32),
    /// The table has as many handles as it may have.
    Full(u32),
}

impl fmt::Display for HandleError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown(index) => write!(out, "unknown handle index {index}"),
            Self::WrongType(index) => {
                write!(out, "handle index {index} is used with the wrong type of resource")
            }
            Self::Lent(index) => {
                write!(out, "handle index {index} cannot be given up while it is lent")
            }
            Self::NotOwned(index) => {
                write!(out, "handle index {index} is borrowed and cannot be given away")
            }
            Self::Full(limit) => {
                write!(out, "the handle table is full: `limits.handles` is {limit}")
            }
        }
    }
}

#[derive(Clone, Copy, Debug)]
enum Slot {
    /// Free; the index freed before it, 0 for none.
    Free(u32),
    Used(Entry),
}

/// Handles by index.
#[derive(Clone, Debug)]
pub struct HandleTable {
    /// Slot `n` is index `n + 1`.
    slots: Vec<Slot>,
    /// The index freed last, 0 for none.
    free: u32,
    used: u32,
    limit: u32,
}

impl HandleTable {
    /// Most handles that any table can have, by the specification.
    pub const MAX: u32 = (1 << 28) - 1;

    /// Makes an empty table for at most `limit` handles.
    #[must_use]
    pub const fn new(limit: u32) -> Self {
        let limit = if limit < Self::MAX { limit } else { Self::MAX };
        Self { slots: Vec::new(), free: 0, used: 0, limit }
    }

    /// How many handles there are.
    #[must_use]
    pub const fn len(&self) -> u32 {
        self.used
    }

    /// Whether there are none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.used == 0
    }

    /// How many handles can be added.
    #[must_use]
    pub const fn room(&self) -> u32 {
        self.limit.saturating_sub(self.used)
    }

    /// Adds a handle and returns its index.
    ///
    /// # Errors
    /// [`HandleError::Full`]
    pub fn add(&mut self, entry: Entry) -> Result<u32, HandleError> {
        if self.used >= self.limit {
            return Err(HandleError::Full(self.limit));
        }
        let index = if let Some(slot) = slot_mut(&mut self.slots, self.free) {
            let index = self.free;
            if let Slot::Free(next) = *slot {
                self.free = next;
            }
            *slot = Slot::Used(entry);
            index
        } else {
            self.slots.push(Slot::Used(entry));
            self.slots.len() as u32
        };
        self.used = self.used.saturating_add(1);
        Ok(index)
    }

    /// Finds a handle of a type.
    ///
    /// # Errors
    /// [`HandleError::Unknown`], [`HandleError::WrongType`]
    pub fn get(&self, index: u32, resource: ResourceId) -> Result<&Entry, HandleError> {
        match index.checked_sub(1).and_then(|slot| self.slots.get(slot as usize)) {
            Some(Slot::Used(entry)) if entry.resource == resource => Ok(entry),
            Some(Slot::Used(_)) => Err(HandleError::WrongType(index)),
            _ => Err(HandleError::Unknown(index)),
        }
    }

    /// Removes a handle of a type that is not lent.
    ///
    /// # Errors
    /// [`HandleError::Unknown`], [`HandleError::WrongType`], [`HandleError::Lent`]
    pub fn remove(&mut self, index: u32, resource: ResourceId) -> Result<Entry, HandleError> {
        let entry = *self.get(index, resource)?;
        if entry.lends != 0 {
            return Err(HandleError::Lent(index));
        }
        self.free(index);
        Ok(entry)
    }

    /// Removes an owned handle of a type that is not lent and returns its representation.
    ///
    /// # Errors
    /// As [`remove`](Self::remove), and [`HandleError::NotOwned`]
    pub fn remove_own(&mut self, index: u32, resource: ResourceId) -> Result<u32, HandleError> {
        let entry = *self.get(index, resource)?;
        if entry.lends != 0 {
            return Err(HandleError::Lent(index));
        }
        if entry.holding != Holding::Own {
            return Err(HandleError::NotOwned(index));
        }
        self.free(index);
        Ok(entry.rep)
    }

    /// Counts one more call that a handle is lent to and returns its representation.
    ///
    /// # Errors
    /// [`HandleError::Unknown`], [`HandleError::WrongType`]
    pub fn lend(&mut self, index: u32, resource: ResourceId) -> Result<u32, HandleError> {
        self.get(index, resource)?;
        match slot_mut(&mut self.slots, index) {
            Some(Slot::Used(entry)) => {
                entry.lends = entry.lends.saturating_add(1);
                Ok(entry.rep)
            }
            _ => Err(HandleError::Unknown(index)),
        }
    }

    /// Takes back one lend. A lent handle cannot leave the table, so `index` still means it.
    pub fn end_lend(&mut self, index: u32) {
        if let Some(Slot::Used(entry)) = slot_mut(&mut self.slots, index) {
            entry.lends = entry.lends.saturating_sub(1);
        }
    }

    /// The handles with their indexes, in order.
    pub fn iter(&self) -> impl Iterator<Item = (u32, &Entry)> {
        (1..).zip(&self.slots).filter_map(|(index, slot)| match slot {
            Slot::Used(entry) => Some((index, entry)),
            Slot::Free(_) => None,
        })
    }

    /// Takes handles by ascending index, if there are none yet. The lowest index that is free will
    /// be given out first.
    ///
    /// # Errors
    /// [`HandleError::Full`] for an index beyond the limit, [`HandleError::Unknown`] for one that
    /// is out of order or taken; what was taken before it stays.
    pub fn fill(
        &mut self,
        entries: impl IntoIterator<Item = (u32, Entry)>,
    ) -> Result<(), HandleError> {
        for (index, entry) in entries {
            if index > self.limit {
                return Err(HandleError::Full(self.limit));
            }
            let free = index.checked_sub(1).filter(|before| *before as usize >= self.slots.len());
            let before = free.ok_or(HandleError::Unknown(index))?;
            self.slots.resize(before as usize, Slot::Free(0));
            self.slots.push(Slot::Used(entry));
            self.used = self.used.saturating_add(1);
        }
        self.free = 0;
        for (before, slot) in self.slots.iter_mut().enumerate().rev() {
            if let Slot::Free(next) = slot {
                (*next, self.free) = (self.free, before as u32 + 1);
            }
        }
        Ok(())
    }

    fn free(&mut self, index: u32) {
        if let Some(slot) = slot_mut(&mut self.slots, index) {
            *slot = Slot::Free(self.free);
            self.free = index;
            self.used = self.used.saturating_sub(1);
        }
    }
}

fn slot_mut(slots: &mut [Slot], index: u32) -> Option<&mut Slot> {
    slots.get_mut(index.checked_sub(1)? as usize)
}
