//! Priority in a swap: who asks a domain for a step lends it its own until the step is done.
//!
//! Calls wait meanwhile and lend nothing to anybody, so that without this a domain of the same
//! priority that computes would go first, a slice at each step. What is lent is the priority that
//! the asking domain has by itself and not what others lend it: nobody can keep more than it has.

use super::super::Kernel;
use crate::capability::DomainId;
use atoll_gate::record::Phase;

/// Whether somebody waits for a domain in this phase.
pub(super) const fn is_asked(phase: Phase) -> bool {
    matches!(phase, Phase::Quiescing | Phase::Saving | Phase::TakingOver)
}

impl Kernel {
    /// Lends `to`, which was just asked for a step, the own priority of `from`.
    pub(crate) fn lend_for_step(&mut self, from: DomainId, to: DomainId) {
        let Some(priority) = self.domains.get(from).map(|from| from.share.priority) else { return };
        let Some(domain) = self.domains.get_mut(to) else { return };
        if !is_asked(domain.swap.phase) || domain.swap.lent.is_some() {
            return;
        }
        let (lent, changed) = self.scheduler.donate(to, priority, self.now);
        domain.swap.lent = lent;
        if changed {
            self.pass_on_priority(to);
        }
    }

    /// Takes back what was lent to a domain for a step.
    pub(super) fn take_back_priority(&mut self, id: DomainId) {
        let lent = self.domains.get_mut(id).and_then(|domain| domain.swap.lent.take());
        if lent.is_some_and(|lent| self.scheduler.withdraw(id, lent, self.now)) {
            self.pass_on_priority(id);
        }
    }
}
