//! Capabilities: which domain may do what to which object.
//!
//! [`HandleTable`] maps a domain's handles to [`Object`]s and rights; [`Slab`] holds the objects
//! themselves under ids with generations; [`List`] queues them. The room knows no object's inside:
//! `ipc` and `domain` define those and count who holds them.
//!
//! Invariants: a handle of another generation, of an empty slot or of a slot out of range is
//! `BadHandle`; rights only ever shrink; a borrowed or lent entry neither moves nor closes.
#![forbid(unsafe_code)]

pub mod list;
pub mod object;
pub mod slab;
pub mod table;

pub use list::{Link, Linked, List};
pub use object::{
    BlobId, CallId, CapsuleId, DomainId, EndpointId, EventId, InterruptId, MailId, MintedId,
    Object, PipeId, PortsId, WatchId, WindowId, tag,
};
pub use slab::{Full, Id, Slab};
pub use table::{Entry, Handle, HandleTable, Hold};

#[cfg(test)]
mod table_tests;
