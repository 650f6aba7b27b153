//! The scheduler and the timer: deadlines, ticks, and when to fire next.

use super::{Alarm, NEVER, Scheduler};
use crate::capability::DomainId;

impl Scheduler {
    /// Wakes nobody before `when`, then reports `domain` by [`Self::expired`].
    pub fn set_deadline(&mut self, domain: DomainId, when: u64) {
        self.deadlines.set(domain.index(), when);
        if let Some(node) = self.node_mut(domain) {
            node.timed = true;
        }
        for cpu in &mut self.cpus {
            cpu.timer_dirty |= when < cpu.programmed;
        }
    }

    /// Has the timer fire at `when`, or sooner, for an alarm that has to be set anew then.
    pub fn set_alarm(&mut self, alarm: Alarm, when: u64) {
        if let Some(own) = self.alarms.get_mut(alarm as usize) {
            *own = when;
        }
        for cpu in &mut self.cpus {
            cpu.timer_dirty |= when < cpu.programmed;
        }
    }

    /// Whether the time of an alarm has come.
    #[must_use]
    pub fn is_alarming(&self, alarm: Alarm, now: u64) -> bool {
        self.alarms.get(alarm as usize).is_some_and(|when| *when <= now)
    }

    /// Takes away the deadline of `domain`.
    #[inline]
    pub fn clear_deadline(&mut self, domain: DomainId) {
        let Some(node) = self.node_mut(domain).filter(|node| node.timed) else { return };
        node.timed = false;
        self.deadlines.clear(domain.index());
    }

    /// Takes the next domain whose deadline has passed.
    pub fn expired(&mut self, now: u64) -> Option<DomainId> {
        loop {
            let index = self.deadlines.expire(now)?;
            let Some(node) = self.nodes.get_mut(index as usize) else { continue };
            node.timed = false;
            if node.domain.is_some() {
                return node.domain;
            }
        }
    }

    /// The timer of `cpu` fired: refills budgets whose period is over and ends a slice that is.
    pub fn tick(&mut self, cpu: usize, now: u64) {
        self.charge(cpu, now);
        while let Some(index) = self.replenish.expire(now) {
            let Some(node) = self.nodes.get_mut(index as usize) else { continue };
            node.refill(now);
            if let Some(domain) = node.domain {
                self.requeue(domain, now);
            }
        }
        if let Some(cpu) = self.cpus.get_mut(cpu) {
            cpu.programmed = NEVER;
            cpu.timer_dirty = true;
        }
    }

    /// When the timer has to fire, if that is before it would.
    pub(super) fn reprogram(&mut self, cpu: usize, now: u64) -> Option<u64> {
        let queues = [self.deadlines.first(), self.replenish.first()];
        let alarms = self.alarms.iter().copied();
        let mut wanted = queues.into_iter().flatten().chain(alarms).min().unwrap_or(NEVER);
        let cpu = self.cpus.get_mut(cpu)?;
        cpu.timer_dirty = false;
        if let Some(node) = cpu.current.and_then(|domain| self.nodes.get(domain.index() as usize)) {
            if self.occupied & (1 << node.level()) != 0 {
                wanted = wanted.min(cpu.slice_end);
            }
            if let Some(left) = node.budget_left() {
                wanted = wanted.min(now.saturating_add(left));
            }
        }
        if wanted >= cpu.programmed {
            return None;
        }
        cpu.programmed = wanted;
        Some(wanted)
    }
}
