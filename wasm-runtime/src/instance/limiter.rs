//! What the interpreter asks before it makes or grows a memory or a table.
//!
//! A growth is allowed if the bounds of the server allow it and the host has room for it. The
//! second is asked here because a vector asks its allocator for twice what it needs, which is
//! address space and not memory: what grows must fail here, not when it is written to.

use wasmi::{
    ResourceLimiter,
    errors::{ErrorKind, InstantiationError},
};

use wasmi_core::LimiterError;

use super::state::State;
use crate::{
    error::Trap,
    host::Host,
    limits::{Exceeded, Limit},
};

/// Bytes of a table's element.
const ELEMENT: usize = size_of::<wasmi_core::RawRef>();

/// Why a memory or table was not made or did not grow.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Refused {
    /// It would be beyond a bound of the server.
    Limit(Exceeded),
    /// The host has no memory for so many bytes.
    NoRoom(u64),
}

impl From<Refused> for Trap {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::Limit(exceeded) => exceeded.into(),
            Refused::NoRoom(bytes) => Self::new(alloc::format!(
                "no room for {bytes} bytes: the system description can raise `memory`"
            )),
        }
    }
}

impl<H: Host> State<H> {
    /// Whether something may grow to `desired` of what the limit counts.
    fn may_grow(&mut self, limit: Limit, current: usize, desired: usize, unit: usize) -> bool {
        let refused = match Exceeded::check(&self.limits, limit, desired as u64) {
            Err(exceeded) => Refused::Limit(exceeded),
            Ok(()) => {
                let bytes = (desired.saturating_sub(current) as u64).saturating_mul(unit as u64);
                if self.host.room(bytes) {
                    return true;
                }
                Refused::NoRoom(bytes)
            }
        };
        self.refused = Some(refused);
        false
    }

    /// Says why a core module could not be instantiated, in terms of the bounds if they are why.
    pub(super) fn explain(&mut self, error: wasmi::Error) -> Trap {
        let beyond = |limit| {
            let most = self.limits.get(limit);
            Exceeded { limit, found: most.saturating_add(1), most }
        };
        let refused = match error.kind() {
            ErrorKind::Instantiation(InstantiationError::TooManyInstances) => {
                Some(Refused::Limit(beyond(Limit::CoreInstances)))
            }
            ErrorKind::Instantiation(InstantiationError::TooManyMemories) => {
                Some(Refused::Limit(beyond(Limit::Memories)))
            }
            ErrorKind::Instantiation(InstantiationError::TooManyTables) => {
                Some(Refused::Limit(beyond(Limit::Tables)))
            }
            // A start function that ran may have been refused a growth, and have trapped for
            // another reason.
            _ if error.as_trap_code().is_some() || error.downcast_ref::<Trap>().is_some() => None,
            _ => self.refused.take(),
        };
        refused.map_or_else(|| error.into(), Trap::from)
    }
}

impl<H: Host> ResourceLimiter for State<H> {
    fn memory_growing(
        &mut self,
        current: usize,
        desired: usize,
        maximum: Option<usize>,
    ) -> Result<bool, LimiterError> {
        Ok(maximum.is_none_or(|maximum| desired <= maximum)
            && self.may_grow(Limit::LinearMemory, current, desired, 1))
    }

    fn table_growing(
        &mut self,
        current: usize,
        desired: usize,
        maximum: Option<usize>,
    ) -> Result<bool, LimiterError> {
        Ok(maximum.is_none_or(|maximum| desired <= maximum)
            && self.may_grow(Limit::TableElements, current, desired, ELEMENT))
    }

    fn instances(&self) -> usize {
        self.limits.core_instances as usize
    }

    fn tables(&self) -> usize {
        self.limits.tables as usize
    }

    fn memories(&self) -> usize {
        // The trace has one that is not of the guest.
        self.limits.memories as usize + 1
    }
}
