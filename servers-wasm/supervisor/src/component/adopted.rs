//! Domains as the supervisor before this one left them.

use super::bindings::atoll::supervision::{
    domains::Domain,
    types::{DomainState, SwapPhase},
};
use crate::kernel::{Adopted, Part};

/// Finds out what a domain is. Nobody watches it yet.
pub(super) fn look_at(domain: Domain) -> Adopted<Domain> {
    let status = domain.status();
    let part = match status.phase {
        // One that never ran would not begin to.
        _ if status.state == DomainState::Created => Part::Standby,
        SwapPhase::Settled | SwapPhase::Thawed | SwapPhase::Inheriting => Part::Serves,
        SwapPhase::Quiescing | SwapPhase::Saving | SwapPhase::Frozen | SwapPhase::Unsaved => {
            Part::Resting
        }
        SwapPhase::Replaced => Part::Replaced,
        SwapPhase::Standby | SwapPhase::Prepared | SwapPhase::TakingOver | SwapPhase::TookOver => {
            Part::Standby
        }
        SwapPhase::Probation => Part::Probation,
        SwapPhase::Reverted => Part::Reverted,
    };
    Adopted {
        id: status.id,
        name: status.name,
        lives: status.state != DomainState::Ended,
        part,
        is_clone: status.is_clone,
        domain,
    }
}
