//! What the canonical ABI keeps for one component instance.
//!
//! Synchronous calls nest, so what is lent to outgoing calls is one stack with a [`LendMark`] per
//! call. Borrows that came with an incoming call are counted in a scope, named by a [`ScopeId`],
//! because a later call's borrows may be dropped before an earlier call's.

use alloc::vec::Vec;

use super::table::{Entry, HandleError, HandleTable, Holding};
use crate::{canonical::AbiError, types::ResourceId};

/// The borrows of one incoming call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ScopeId(u32);

/// The handles lent to one outgoing call: all that were lent since.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LendMark(usize);

/// What is left to do after a handle was dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dropped {
    /// Nothing: it was borrowed.
    Borrow,
    /// Destroy the resource with this representation: it was owned.
    Own(u32),
}

#[derive(Clone, Copy, Debug)]
enum Scope {
    Free,
    /// Borrows not yet dropped.
    Open(u32),
}

/// One component instance, as the canonical ABI sees it.
#[derive(Clone, Debug)]
pub struct InstanceState {
    /// Whether the guest may call out: not while it runs `realloc` or post-return.
    pub may_leave: bool,
    /// Whether it may be called: not while a call into it is in progress.
    pub may_enter: bool,
    handles: HandleTable,
    lent: Vec<u32>,
    scopes: Vec<Scope>,
}

impl InstanceState {
    /// Makes an instance that holds at most `max_handles` handles.
    #[must_use]
    pub const fn new(max_handles: u32) -> Self {
        Self {
            may_leave: true,
            may_enter: true,
            handles: HandleTable::new(max_handles),
            lent: Vec::new(),
            scopes: Vec::new(),
        }
    }

    /// Its handles.
    #[must_use]
    pub const fn handles(&self) -> &HandleTable {
        &self.handles
    }

    /// Whether no call into it and none of its own is in progress.
    #[must_use]
    pub const fn is_at_rest(&self) -> bool {
        self.may_leave && self.may_enter && self.lent.is_empty()
    }

    /// Gives it these handles, by ascending index, if it has none.
    ///
    /// # Errors
    /// See [`HandleTable::fill`].
    pub fn fill(
        &mut self,
        entries: impl IntoIterator<Item = (u32, Entry)>,
    ) -> Result<(), HandleError> {
        self.handles.fill(entries)
    }

    /// Refuses calls out of `realloc` and post-return.
    ///
    /// # Errors
    /// [`AbiError::Guest`]
    pub fn check_may_leave(&self) -> Result<(), AbiError> {
        if self.may_leave { Ok(()) } else { Err(AbiError::cannot_leave()) }
    }

    /// `resource.new`: adds an owned handle to a resource that the guest implements.
    ///
    /// # Errors
    /// [`AbiError::Guest`] when the guest may not call out or the table is full.
    pub fn resource_new(&mut self, resource: ResourceId, rep: u32) -> Result<u32, AbiError> {
        self.check_may_leave()?;
        Ok(self.add_own(resource, rep)?)
    }

    /// `resource.rep`: the representation behind a handle.
    ///
    /// # Errors
    /// [`AbiError::Guest`] when the index is unknown or of another type.
    pub fn resource_rep(&self, resource: ResourceId, index: u32) -> Result<u32, AbiError> {
        Ok(self.handles.get(index, resource)?.rep)
    }

    /// `resource.drop`: removes a handle and says what is left to do.
    ///
    /// # Errors
    /// [`AbiError::Guest`] when the guest may not call out, the index is unknown or of another
    /// type, or the handle is lent.
    pub fn resource_drop(&mut self, resource: ResourceId, index: u32) -> Result<Dropped, AbiError> {
        self.check_may_leave()?;
        let entry = self.handles.remove(index, resource)?;
        Ok(match entry.holding {
            Holding::Own => Dropped::Own(entry.rep),
            Holding::Borrow(scope) => {
                if let Some(Scope::Open(borrows)) = self.scopes.get_mut(scope.0 as usize) {
                    *borrows = borrows.saturating_sub(1);
                }
                Dropped::Borrow
            }
        })
    }

    /// Adds an owned handle that came to the instance.
    ///
    /// # Errors
    /// [`HandleError::Full`]
    pub fn add_own(&mut self, resource: ResourceId, rep: u32) -> Result<u32, HandleError> {
        self.handles.add(Entry { resource, rep, holding: Holding::Own, lends: 0 })
    }

    /// Adds a borrowed handle that came with the call of a scope.
    ///
    /// # Errors
    /// [`HandleError::Full`]
    pub fn add_borrow(
        &mut self,
        resource: ResourceId,
        rep: u32,
        scope: ScopeId,
    ) -> Result<u32, HandleError> {
        let holding = Holding::Borrow(scope);
        let index = self.handles.add(Entry { resource, rep, holding, lends: 0 })?;
        if let Some(Scope::Open(borrows)) = self.scopes.get_mut(scope.0 as usize) {
            *borrows = borrows.saturating_add(1);
        }
        Ok(index)
    }

    /// Removes an owned handle that leaves the instance and returns the representation.
    ///
    /// # Errors
    /// See [`HandleTable::remove_own`].
    pub fn remove_own(&mut self, resource: ResourceId, index: u32) -> Result<u32, HandleError> {
        self.handles.remove_own(index, resource)
    }

    /// Lends a handle to the call whose [`LendMark`] was taken last; returns the representation.
    ///
    /// # Errors
    /// See [`HandleTable::lend`].
    pub fn lend(&mut self, resource: ResourceId, index: u32) -> Result<u32, HandleError> {
        let rep = self.handles.lend(index, resource)?;
        self.lent.push(index);
        Ok(rep)
    }

    /// Starts an outgoing call.
    #[must_use]
    pub fn mark_lends(&self) -> LendMark {
        LendMark(self.lent.len())
    }

    /// Ends an outgoing call: what was lent to it can be given up again.
    pub fn end_lends(&mut self, mark: LendMark) {
        while self.lent.len() > mark.0 {
            if let Some(index) = self.lent.pop() {
                self.handles.end_lend(index);
            }
        }
    }

    /// Starts an incoming call that may bring borrows.
    pub fn open_scope(&mut self) -> ScopeId {
        let free = self.scopes.iter().position(|scope| matches!(scope, Scope::Free));
        let index = free.unwrap_or(self.scopes.len());
        match self.scopes.get_mut(index) {
            Some(scope) => *scope = Scope::Open(0),
            None => self.scopes.push(Scope::Open(0)),
        }
        ScopeId(index as u32)
    }

    /// Ends an incoming call; gives back how many borrows were not dropped. Must be 0 for the call
    /// to be answered.
    #[must_use]
    pub fn close_scope(&mut self, scope: ScopeId) -> u32 {
        match self.scopes.get_mut(scope.0 as usize) {
            Some(slot) => match core::mem::replace(slot, Scope::Free) {
                Scope::Open(borrows) => borrows,
                Scope::Free => 0,
            },
            None => 0,
        }
    }
}
