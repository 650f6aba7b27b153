//! Bounds on what a component may ask of its runtime.
//!
//! [`RuntimeLimits`] come with the start record and differ from server to server; the constants
//! here hold for all, because what they bound is fixed: the native stack, the message areas, the
//! recursion of the code that walks types. Each is checked before anything of a guest's choosing
//! is allocated or repeated, so that a hostile component costs its domain a bounded amount of time
//! and memory. The operator's table of them is in `docs/limits.md`.

use core::fmt;

pub use atoll_gate::limits::{Limit, RuntimeLimits};

/// Most parts of one type when it is written out in full, whatever the system description says:
/// plans and descriptors have a node for each.
pub const MAX_TYPE_PARTS: u32 = Limit::TypeParts.range().1 as u32;
/// Deepest nesting of one type: marshalling recurses over it on the native stack.
pub const MAX_TYPE_DEPTH: u32 = Limit::TypeDepth.range().1 as u32;
/// Most parameters and most results of a core function.
pub const MAX_CORE_ARITY: usize = 64;
/// Deepest nesting of instantiations of components: each costs native stack.
pub const MAX_INSTANTIATION_DEPTH: u32 = 32;
/// Most bytes of a descriptor: it is published in one message.
pub const MAX_DESCRIPTOR: usize = atoll_gate::message::MAX_PAYLOAD;
/// Most bytes of one name in a descriptor.
pub const MAX_NAME: usize = 512;
/// Bytes of the message areas of a call that stays within a domain.
pub const LOCAL_AREA: usize = 1 << 20;
/// Most handles in the message of a call that stays within a domain.
pub const LOCAL_SLOTS: usize = atoll_gate::message::MAX_SLOTS;
/// Most Wasm calls that are nested through the runtime within a domain: export calls import calls
/// export of a nested component, destructors included. Each level costs native stack.
pub const MAX_NESTED_CALLS: u32 = 24;

/// A bound of [`RuntimeLimits`] that a component does not keep.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Exceeded {
    /// Which.
    pub limit: Limit,
    /// What the component asks for; where counting stops at the bound, one more than that.
    pub found: u64,
    /// The bound.
    pub most: u64,
}

impl Exceeded {
    /// Refuses a number above a bound.
    ///
    /// # Errors
    /// It is.
    pub fn check(limits: &RuntimeLimits, limit: Limit, found: u64) -> Result<(), Self> {
        match limits.get(limit) {
            most if found > most => Err(Self { limit, found, most }),
            _ => Ok(()),
        }
    }
}

impl fmt::Display for Exceeded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { limit, found, most } = self;
        let (what, (_, highest)) = (limit.what(), limit.range());
        write!(f, "{found} {what}, more than the limit of {most}")?;
        if *most < highest {
            write!(f, ": the system description can raise `limits.{limit}` to {highest}")?;
        }
        Ok(())
    }
}

impl core::error::Error for Exceeded {}
