//! What a caller lends the server that it waits for: its priority, and the rest of its slice.

use super::Scheduler;
use super::node::{Node, State};
use crate::capability::DomainId;

impl Scheduler {
    /// A caller of `priority` waits for `server`: lends it the priority if that is more than its
    /// own. Gives what was lent and whether the server's priority changed.
    #[inline]
    pub fn donate(&mut self, server: DomainId, priority: u8, now: u64) -> (Option<u8>, bool) {
        let Some(node) = self.node_mut(server) else { return (None, false) };
        let before = node.priority();
        let donated = node.receive(priority);
        (donated, node.priority() != before && self.requeue(server, now))
    }

    /// Takes a lent priority back; whether the server's priority changed.
    #[inline]
    pub fn withdraw(&mut self, server: DomainId, donated: u8, now: u64) -> bool {
        let Some(node) = self.node_mut(server) else { return false };
        let before = node.priority();
        node.remove_donor(donated);
        node.priority() != before && self.requeue(server, now)
    }

    /// The running domain `from` waits from now on for the blocked domain `to`, which goes on in
    /// its place with its priority at least: [`Self::donate`], [`Self::block`] and
    /// [`Self::hand_over`] in one. Gives what was donated; none, and nothing changed, if that is
    /// not how the two are.
    #[inline(always)]
    pub fn lend(
        &mut self,
        cpu: usize,
        from: DomainId,
        to: DomainId,
        now: u64,
    ) -> Option<Option<u8>> {
        let mut donated = None;
        self.change_sides(cpu, from, to, now, |caller, server| {
            donated = server.receive(caller.priority())
        })?;
        Some(donated)
    }

    /// The reverse of [`Self::lend`]: the running server waits, its caller goes on and takes back
    /// the `donated` priority. None, and nothing changed, if that is not how the two are.
    #[inline(always)]
    pub fn give_back(
        &mut self,
        cpu: usize,
        server: DomainId,
        caller: DomainId,
        donated: Option<u8>,
        now: u64,
    ) -> Option<()> {
        self.change_sides(cpu, server, caller, now, |server, _| {
            if let Some(priority) = donated {
                server.remove_donor(priority);
            }
        })
    }

    /// Blocks the running domain `from` and runs the blocked domain `to` for the rest of its
    /// slice, unless a ready one comes first.
    #[inline(always)]
    fn change_sides(
        &mut self,
        cpu_index: usize,
        from: DomainId,
        to: DomainId,
        now: u64,
        adjust: impl FnOnce(&mut Node, &mut Node),
    ) -> Option<()> {
        let cpu = self.cpus.get_mut(cpu_index)?;
        let nodes = self.nodes.get_disjoint_mut([from.index() as usize, to.index() as usize]);
        let [leaving, entering] = nodes.ok()?;
        if cpu.current != Some(from) || entering.state != State::Blocked {
            return None;
        }
        adjust(leaving, entering);
        let spent = now.wrapping_sub(cpu.since);
        cpu.since = now;
        leaving.state = State::Blocked;
        leaving.cpu_ns = leaving.cpu_ns.wrapping_add(spent);
        self.switches = self.switches.wrapping_add(1);
        if entering.timed {
            entering.timed = false;
            self.deadlines.clear(to.index());
        }
        let undisputed = self.occupied == 0 || cpu.may_go_on(self.occupied, entering);
        if undisputed && leaving.budget_ns | entering.budget_ns == 0 {
            entering.state = State::Running(cpu_index as u8);
            cpu.current = Some(to);
        } else {
            self.change_contended(cpu_index, from, to, spent, now);
        }
        Some(())
    }

    /// The rest of [`Self::change_sides`] where another domain may come first, the timer may have to
    /// be set or a budget is counted.
    #[inline(never)]
    fn change_contended(
        &mut self,
        cpu_index: usize,
        from: DomainId,
        to: DomainId,
        spent: u64,
        now: u64,
    ) {
        if let Some(leaving) = self.node_mut(from)
            && leaving.budget_ns != 0
            && let Some(refill_at) = leaving.spend(spent, now)
        {
            self.replenish.set(from.index(), refill_at);
        }
        let top = self.top_level();
        let Some(level) = self.node(to).map(Node::level) else { return };
        let gives_way = top.is_some_and(|top| top > level);
        if let Some(cpu) = self.cpus.get_mut(cpu_index) {
            cpu.timer_dirty = true;
            cpu.current = if gives_way { None } else { Some(to) };
        }
        if gives_way {
            self.enqueue(to, now, false);
        } else if let Some(entering) = self.node_mut(to) {
            entering.state = State::Running(cpu_index as u8);
        }
    }
}
