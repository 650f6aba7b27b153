//! Replacing running servers by other versions of them, a set at a time, without losing a call.
//!
//! [`machine`] is the policy: one transaction as a pure state machine over the events and actions
//! of [`event`], which the model in `tests/models` checks, too. [`order`] finds out who calls whom,
//! [`transaction`] drives the machine against the kernel, [`request`] holds the functions of the
//! service, [`record`] what is remembered; `news` tells it. [`resolve`] says what becomes of a swap
//! whose supervisor ended in the middle of it.

pub mod event;
pub mod machine;
mod news;
pub mod order;
mod probation;
pub mod record;
pub mod request;
pub mod resolve;
pub mod transaction;

pub use event::{Action, Event, Failure, Outcome, Phase, Reason, Side};
pub use machine::{Member, Purpose, Swap};
pub use record::{Change, Record, Result};
pub use request::Replacement;
pub use transaction::{Previous, Transaction};
