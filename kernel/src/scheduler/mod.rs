//! The scheduler: which domain runs, for how long, and when to look again.
//!
//! Eight priorities, round robin within one, a time slice, an optional budget a period. A caller
//! donates its priority to the server that it waits for ([`Scheduler::donate`]) and its slice by
//! [`Scheduler::hand_over`]; the slice's end then stays as it was. All times are nanoseconds since
//! boot and are passed in: the room reads no clock and programs no timer. `gate` and `domain`
//! block and wake domains; `main`'s exit path asks [`Scheduler::settle`] who runs.
//!
//! Invariants: a domain is blocked, in exactly one ready queue, or current on exactly one
//! processor; a queue's bit in `occupied` is set if and only if the queue is not empty.
#![forbid(unsafe_code)]

mod deadlines;
mod lending;
mod node;
#[cfg(test)]
mod tests;
mod timing;

pub use deadlines::Deadlines;
use node::{Node, Queue, State};

use crate::capability::DomainId;
use alloc::vec::Vec;

/// Priorities that a domain can have, 0 the lowest.
pub const PRIORITIES: u8 = 8;
/// Nanoseconds that a domain runs before another of its priority does.
pub const SLICE_NS: u64 = 4_000_000;
/// The time that never comes.
pub const NEVER: u64 = u64::MAX;
/// Processors that run domains.
const PROCESSORS: usize = 1;
/// Ready queues: one a priority and below them, at 0, the domains that used up their budgets.
const LEVELS: usize = PRIORITIES as usize + 1;

/// How a domain wants to be scheduled.
#[derive(Clone, Copy, Debug)]
pub struct Share {
    /// 0, the lowest, to 7.
    pub priority: u8,
    /// Nanoseconds in each period, 0 for no budget.
    pub budget_ns: u64,
    /// Length of a period in nanoseconds.
    pub period_ns: u64,
}

/// What one processor does.
#[derive(Debug)]
struct Cpu {
    current: Option<DomainId>,
    /// When the current domain, or idling, began or was last charged.
    since: u64,
    slice_end: u64,
    idle_ns: u64,
    /// When the timer will fire.
    programmed: u64,
    /// Whether the timer may have to fire earlier than programmed.
    timer_dirty: bool,
}

impl Cpu {
    /// Whether a domain may run on, without a look at the timer, while there are ready domains on
    /// the `occupied` levels: none comes first, and if one is its equal, the timer will end the
    /// slice.
    #[inline(never)]
    const fn may_go_on(&self, occupied: u16, node: &Node) -> bool {
        let rivals = occupied >> node.level();
        rivals == 0 || (rivals == 1 && self.programmed <= self.slice_end)
    }

    const IDLE: Self = Self {
        current: None,
        since: 0,
        slice_end: 0,
        idle_ns: 0,
        programmed: NEVER,
        timer_dirty: false,
    };
}

/// What the kernel itself wants the timer for.
#[derive(Clone, Copy, Debug)]
pub enum Alarm {
    /// To tell of ends that heirs were there for.
    Heirs,
    /// To look after the first domain.
    Guardian,
}

impl Alarm {
    /// How many there are.
    const ALL: usize = 2;
}

/// What the exit path must do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Decision {
    /// The domain to run, or none to idle.
    pub run: Option<DomainId>,
    /// Set the timer to this time.
    pub timer: Option<u64>,
}

/// All of the scheduler's state.
#[derive(Debug)]
pub struct Scheduler {
    nodes: Vec<Node>,
    ready: [Queue; LEVELS],
    occupied: u16,
    cpus: [Cpu; PROCESSORS],
    deadlines: Deadlines,
    replenish: Deadlines,
    /// When the timer has to fire for what is no domain's wait.
    alarms: [u64; Alarm::ALL],
    switches: u64,
}

impl Scheduler {
    /// A scheduler for domains with indices below `limit`; `None` if the kernel's heap is full.
    #[must_use]
    pub fn new(limit: usize) -> Option<Self> {
        let mut nodes = Vec::new();
        nodes.try_reserve_exact(limit).ok()?;
        nodes.resize_with(limit, Node::absent);
        Some(Self {
            nodes,
            ready: [Queue::EMPTY; LEVELS],
            occupied: 0,
            cpus: [Cpu::IDLE; PROCESSORS],
            deadlines: Deadlines::new(limit)?,
            replenish: Deadlines::new(limit)?,
            alarms: [NEVER; Alarm::ALL],
            switches: 0,
        })
    }

    /// Takes a new domain into account, blocked.
    pub fn add(&mut self, domain: DomainId, share: Share) {
        if let Some(node) = self.nodes.get_mut(domain.index() as usize) {
            *node = Node::new(domain, share);
        }
    }

    /// Forgets a domain.
    pub fn remove(&mut self, domain: DomainId, now: u64) {
        self.block(domain, now);
        self.deadlines.clear(domain.index());
        self.replenish.clear(domain.index());
        if let Some(node) = self.node_mut(domain) {
            *node = Node::absent();
        }
    }

    #[inline]
    fn node(&self, domain: DomainId) -> Option<&Node> {
        self.nodes.get(domain.index() as usize).filter(|node| node.domain == Some(domain))
    }

    #[inline]
    fn node_mut(&mut self, domain: DomainId) -> Option<&mut Node> {
        self.nodes.get_mut(domain.index() as usize).filter(|node| node.domain == Some(domain))
    }

    /// The domain that runs on `cpu`.
    #[inline]
    #[must_use]
    pub fn current(&self, cpu: usize) -> Option<DomainId> {
        self.cpus.get(cpu)?.current
    }

    /// The priority at which `domain` runs now: its own or the highest donated one.
    #[inline]
    #[must_use]
    pub fn priority(&self, domain: DomainId) -> u8 {
        self.node(domain).map_or(0, Node::priority)
    }

    /// Nanoseconds of processor time that `domain` used.
    #[must_use]
    pub fn used_ns(&self, domain: DomainId) -> u64 {
        self.node(domain).map_or(0, |node| node.cpu_ns)
    }

    /// Nanoseconds that all processors idled.
    #[must_use]
    pub fn idle_ns(&self) -> u64 {
        self.cpus.iter().fold(0, |sum, cpu| sum.saturating_add(cpu.idle_ns))
    }

    /// Switches from one domain to another since boot.
    #[must_use]
    pub const fn switches(&self) -> u64 {
        self.switches
    }

    /// Whether nobody runs on `cpu` and nobody could.
    #[must_use]
    pub fn is_idle(&self, cpu: usize) -> bool {
        self.current(cpu).is_none() && self.occupied == 0
    }

    /// Makes a blocked domain ready, behind the others of its priority.
    pub fn wake(&mut self, domain: DomainId, now: u64) {
        match self.node(domain) {
            Some(node) if node.state == State::Blocked => self.enqueue(domain, now, false),
            _ => {}
        }
    }

    /// Makes a domain not ready and takes it from its processor.
    #[inline]
    pub fn block(&mut self, domain: DomainId, now: u64) {
        let Some(node) = self.node(domain) else { return };
        match node.state {
            State::Blocked => {}
            State::Ready(_) => self.dequeue(domain),
            State::Running(cpu) => {
                self.charge(usize::from(cpu), now);
                if let Some(cpu) = self.cpus.get_mut(usize::from(cpu)) {
                    cpu.current = None;
                }
                if let Some(node) = self.node_mut(domain) {
                    node.state = State::Blocked;
                }
            }
        }
    }

    /// Runs the blocked domain `to` on `cpu` for the rest of the running slice; the domain that
    /// ran there has just blocked. Refused, with `to` made ready instead, when a ready domain
    /// comes first.
    #[inline]
    pub fn hand_over(&mut self, cpu: usize, to: DomainId, now: u64) {
        let top = self.top_level();
        let Some(node) = self.node_mut(to) else { return };
        if node.state != State::Blocked {
            return;
        }
        let (level, budgeted) = (node.level(), node.budget_ns != 0);
        let free = self.cpus.get(cpu).is_some_and(|cpu| cpu.current.is_none());
        if !free || top.is_some_and(|top| top > level) {
            self.enqueue(to, now, false);
            return;
        }
        if let Some(node) = self.node_mut(to) {
            node.state = State::Running(cpu as u8);
        }
        if let Some(cpu) = self.cpus.get_mut(cpu) {
            cpu.current = Some(to);
            cpu.timer_dirty |= budgeted || top == Some(level);
        }
        self.switches += 1;
    }

    /// The highest level at which a domain is ready.
    #[inline]
    fn top_level(&self) -> Option<usize> {
        if self.occupied == 0 { None } else { Some(15 - self.occupied.leading_zeros() as usize) }
    }

    fn enqueue(&mut self, domain: DomainId, now: u64, in_front: bool) {
        let Some(level) = self.node(domain).map(Node::level) else { return };
        let Some(queue) = self.ready.get_mut(level) else { return };
        if in_front {
            queue.push_front(&mut self.nodes, domain.index());
        } else {
            queue.push_back(&mut self.nodes, domain.index());
        }
        self.occupied |= 1 << level;
        if let Some(node) = self.node_mut(domain) {
            node.state = State::Ready(level as u8);
        }
        for index in 0..self.cpus.len() {
            self.note_competitor(index, level, now);
        }
    }

    /// A domain became ready at `level`: the one that runs on `cpu` may have to share now.
    fn note_competitor(&mut self, cpu: usize, level: usize, now: u64) {
        let Some(running) = self.current(cpu) else { return };
        let shares = self.node(running).map(Node::level) == Some(level);
        if let Some(cpu) = self.cpus.get_mut(cpu).filter(|_| shares) {
            if cpu.slice_end <= now {
                cpu.slice_end = now.saturating_add(SLICE_NS);
            }
            cpu.timer_dirty = true;
        }
    }

    fn dequeue(&mut self, domain: DomainId) {
        let Some(State::Ready(level)) = self.node(domain).map(|node| node.state) else { return };
        let Some(queue) = self.ready.get_mut(usize::from(level)) else { return };
        queue.remove(&mut self.nodes, domain.index());
        if queue.is_empty() {
            self.occupied &= !(1 << level);
        }
        if let Some(node) = self.node_mut(domain) {
            node.state = State::Blocked;
        }
    }

    /// Moves a domain to the queue of its new level.
    fn requeue(&mut self, domain: DomainId, now: u64) -> bool {
        match self.node(domain).map(|node| node.state) {
            Some(State::Ready(_)) => {
                self.dequeue(domain);
                self.enqueue(domain, now, false);
            }
            Some(State::Running(cpu)) => {
                if let Some(cpu) = self.cpus.get_mut(usize::from(cpu)) {
                    cpu.timer_dirty = true;
                }
            }
            _ => {}
        }
        true
    }

    /// Charges the time since the last charge to whoever runs on `cpu`.
    #[inline]
    fn charge(&mut self, cpu: usize, now: u64) {
        let Some(cpu) = self.cpus.get_mut(cpu) else { return };
        let spent = now.saturating_sub(cpu.since);
        cpu.since = now;
        let Some(domain) = cpu.current else {
            cpu.idle_ns = cpu.idle_ns.saturating_add(spent);
            return;
        };
        let Some(node) = self.nodes.get_mut(domain.index() as usize) else { return };
        node.cpu_ns = node.cpu_ns.saturating_add(spent);
        if node.budget_ns != 0 {
            cpu.timer_dirty = true;
            if let Some(refill_at) = node.spend(spent, now) {
                self.replenish.set(domain.index(), refill_at);
            }
        }
    }

    /// Whether a domain runs on `cpu` and [`Self::settle`] would change nothing: nobody who is
    /// ready comes first and the timer is as it has to be.
    #[inline]
    #[must_use]
    pub fn is_settled(&self, cpu: usize, now: u64) -> bool {
        match self.cpus.get(cpu) {
            Some(Cpu { current: Some(running), timer_dirty: false, .. }) => {
                self.occupied == 0 || self.stands_its_ground(cpu, *running, now)
            }
            _ => false,
        }
    }

    /// Whether the running domain goes on although others are ready.
    #[inline(never)]
    fn stands_its_ground(&self, cpu: usize, running: DomainId, now: u64) -> bool {
        let (Some(cpu), Some(node)) = (self.cpus.get(cpu), self.node(running)) else {
            return false;
        };
        cpu.slice_end > now && cpu.may_go_on(self.occupied, node)
    }

    /// Decides who runs on `cpu` from here on and whether the timer has to be set.
    #[inline]
    pub fn settle(&mut self, cpu: usize, now: u64) -> Decision {
        let running = self.current(cpu);
        if running.is_none() || self.occupied != 0 {
            self.reconsider(cpu, running, now);
        }
        let run = self.current(cpu);
        let timer = match self.cpus.get(cpu) {
            Some(cpu_state) if cpu_state.timer_dirty => self.reprogram(cpu, now),
            _ => None,
        };
        Decision { run, timer }
    }

    /// Lets a ready domain run now, whoever else wants to: for scenarios that say who acts.
    #[cfg(test)]
    pub(crate) fn run_now(&mut self, cpu: usize, domain: DomainId) {
        let (running, now) = (self.current(cpu), self.cpus[cpu].since);
        if running == Some(domain) {
            return;
        }
        if let Some(running) = running {
            self.block(running, now);
            self.enqueue(running, now, false);
        }
        assert!(
            matches!(self.node(domain).map(|node| node.state), Some(State::Ready(_))),
            "not ready"
        );
        self.dequeue(domain);
        self.node_mut(domain).expect("known").state = State::Running(cpu as u8);
        self.cpus[cpu].current = Some(domain);
    }

    /// Replaces the running domain where a ready one comes first or its slice is over.
    fn reconsider(&mut self, cpu: usize, running: Option<DomainId>, now: u64) {
        let Some(top) = self.top_level() else {
            self.charge(cpu, now);
            return;
        };
        if let Some(domain) = running {
            let level = self.node(domain).map_or(0, Node::level);
            let slice_over = self.cpus.get(cpu).is_some_and(|cpu| cpu.slice_end <= now);
            if level > top || (level == top && !slice_over) {
                return;
            }
            self.block(domain, now);
            // A domain that is displaced before its slice is over goes on first among its equals.
            self.enqueue(domain, now, level != top && !slice_over);
        }
        self.charge(cpu, now);
        self.dispatch(cpu, running, now);
    }

    /// Runs the first domain of the highest occupied level on `cpu`, with a fresh slice.
    fn dispatch(&mut self, cpu: usize, before: Option<DomainId>, now: u64) {
        let Some(next) = self.top_level().and_then(|level| self.ready.get(level)?.first()) else {
            return;
        };
        let Some(domain) = self.nodes.get(next as usize).and_then(|node| node.domain) else {
            return;
        };
        self.dequeue(domain);
        if let Some(node) = self.node_mut(domain) {
            node.state = State::Running(cpu as u8);
        }
        if let Some(cpu) = self.cpus.get_mut(cpu) {
            cpu.current = Some(domain);
            cpu.slice_end = now.saturating_add(SLICE_NS);
            cpu.timer_dirty = true;
        }
        if before != Some(domain) {
            self.switches += 1;
        }
    }
}
