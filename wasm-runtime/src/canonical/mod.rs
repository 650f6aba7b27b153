//! The canonical ABI: values between a guest and the wire form.
//!
//! A [`FunctionPlan`] is compiled once, before there are instances; it knows the flat signature, the
//! layout of every type in memory and the steps from there to the wire form of
//! `docs/architecture.md`, section "IPC". A call then runs the plan on the guest's linear memory
//! and the message areas, which it reaches through [`Transfer`]: no tree of values is built, and
//! nothing is allocated unless handles are lent or something goes wrong.
//!
//! *Lifting* reads a guest and writes a message; the guest may be wrong ([`AbiError::Guest`]).
//! *Lowering* reads a message and writes a guest; the message may be wrong too
//! ([`AbiError::Message`]). Neither trusts a number: addresses are checked in 64 bits against the
//! memory of that moment, because `realloc` may grow it.
//!
//! Floats pass with all their bits. The specification lets a NaN change in passing and does not
//! ask for it.
//!
//! Files: `layout` and `flat` say how values stand in memory and in registers, `compile` makes the
//! nodes of a `plan` and `function` plans of them, `call` has the entry points, `lift`, `check`,
//! `lower` and `place` run plans, with `quick`, `bulk` and `moves` as short ways, `pass` hands messages on,
//! `strings` transcodes. Specification: component model, "Canonical ABI".

mod bulk;
mod call;
mod check;
mod compile;
mod error;
mod flat;
mod function;
mod layout;
mod lift;
mod lower;
mod moves;
mod pass;
mod place;
mod plan;
mod quick;
mod strings;
mod transfer;
mod wire;

pub use call::{Entered, Sent};
pub use compile::{PlanError, PlanLimits};
pub use error::AbiError;
pub use flat::{CoreSignature, CoreType, MAX_CELLS, MAX_FLAT_PARAMETERS, MAX_FLAT_RESULTS};
pub use function::{FunctionPlan, Requirements};
pub use transfer::{InstanceId, Options, Realloc, StringEncoding, Transfer};
