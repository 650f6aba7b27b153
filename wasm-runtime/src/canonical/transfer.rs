//! What the canonical ABI needs of its surroundings: the options of one `canon lift` or
//! `canon lower`, and the store data with message areas and handle tables.

use alloc::string::String;

use wasmi::{Memory, TypedFunc};

use crate::{host::Passing, resources::InstanceState, types::ResourceId};

/// A component instance of the store; nested components have their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct InstanceId(pub u32);

/// A guest's allocator: old address, old size, alignment, new size; returns the new address.
pub type Realloc = TypedFunc<(u32, u32, u32, u32), u32>;

/// How a guest encodes its strings.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum StringEncoding {
    /// `utf8`
    #[default]
    Utf8,
    /// `utf16`
    Utf16,
    /// `latin1+utf16`: the top bit of the length says which.
    Latin1OrUtf16,
}

/// Options of one `canon lift` or `canon lower`.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// Linear memory of the guest.
    pub memory: Option<Memory>,
    /// Allocator in that memory.
    pub realloc: Option<Realloc>,
    /// Encoding of strings in that memory.
    pub encoding: StringEncoding,
    /// The instance whose handle table is meant.
    pub instance: InstanceId,
}

/// The store's data, as marshalling sees it.
///
/// The message areas are those of the call in progress: the host's for a call that leaves the
/// domain or enters it, a buffer for one between two component instances of a domain. While a
/// message is read or written only `realloc` runs, which may not call out, so the areas stay.
pub trait Transfer: 'static {
    /// Where a message is written.
    fn outgoing(&mut self) -> &mut [u8];
    /// Asks for an outgoing area of at least `bytes`; `false` when it has its full size.
    fn grow_outgoing(&mut self, bytes: usize) -> bool {
        let _ = bytes;
        false
    }
    /// The message that came, its bytes and no more.
    fn incoming(&self) -> &[u8];

    /// Appends a handle to the outgoing message and returns its index there. `number` is the
    /// representation in the handle table's entry.
    ///
    /// # Errors
    /// A text that says why the handle cannot be passed.
    fn put_slot(
        &mut self,
        resource: ResourceId,
        passing: Passing,
        number: u32,
    ) -> Result<u32, String>;
    /// Makes the checks of [`take_slot`](Self::take_slot) and takes nothing.
    ///
    /// # Errors
    /// Those of `take_slot`.
    fn check_slot(&self, index: u32, resource: ResourceId, passing: Passing) -> Result<(), String>;
    /// Takes a handle out of the incoming message and returns its representation.
    ///
    /// # Errors
    /// A text when it is not there or was taken, or is of another type or passing.
    fn take_slot(
        &mut self,
        index: u32,
        resource: ResourceId,
        passing: Passing,
    ) -> Result<u32, String>;

    /// The handles of a component instance.
    fn instance(&mut self, instance: InstanceId) -> &mut InstanceState;
    /// The instance that implements a resource type, `None` if it is imported. A borrow that is
    /// lowered into its implementer is the representation itself.
    fn resource_implementer(&self, resource: ResourceId) -> Option<InstanceId>;
}
