//! Resource handles of component instances.
//!
//! An [`InstanceState`] holds the [`HandleTable`] of one component instance, the handles that are
//! lent to calls in progress and the borrows that calls in progress must drop. `canonical` moves
//! handles between it and messages; `link` makes the built-ins `resource.new`, `resource.rep` and
//! `resource.drop` from its methods.
//! Specification: "Canonical ABI", sections "Table State", "Resource State" and the built-ins.

mod instance;
mod table;

pub use instance::{Dropped, InstanceState, LendMark, ScopeId};
pub use table::{Entry, HandleError, HandleTable, Holding};
