//! The inbox of a domain: everything that waits for it, in order of arrival.

use super::Ipc;
use crate::capability::{CallId, List, MintedId, WatchId};
use atoll_gate::message::accept;

/// Something that waits in an inbox.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Item {
    /// A call on an endpoint that the domain is bound to.
    Call(CallId),
    /// Nobody holds this object any more.
    Drop(MintedId),
    /// The reply to a call that it sent without waiting.
    Reply(CallId),
    /// A watched object became ready.
    Notification(WatchId),
}

/// Four queues and a counter that orders their entries among each other.
#[derive(Clone, Copy, Debug, Default)]
pub struct Inbox {
    /// Calls.
    pub calls: List,
    /// Objects that were let go of.
    pub drops: List,
    /// Answered calls.
    pub replies: List,
    /// Watches that fired.
    pub notifications: List,
    arrivals: u64,
}

impl Inbox {
    /// The order number of whatever arrives now.
    #[inline]
    pub fn arrival(&mut self) -> u64 {
        self.arrivals = self.arrivals.wrapping_add(1);
        self.arrivals
    }

    /// Whether nothing waits.
    #[inline]
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.calls.is_empty()
            && self.drops.is_empty()
            && self.replies.is_empty()
            && self.notifications.is_empty()
    }

    /// The oldest entry of a kind in the mask; it stays queued.
    #[inline]
    #[must_use]
    pub fn oldest(&self, ipc: &Ipc, mask: u64) -> Option<Item> {
        let mut oldest = None;
        if mask & accept::CALLS != 0 {
            older(&mut oldest, self.calls.first_in_order(&ipc.calls), Item::Call);
            older(&mut oldest, self.drops.first_in_order(&ipc.minted), Item::Drop);
        }
        if mask & accept::REPLIES != 0 {
            older(&mut oldest, self.replies.first_in_order(&ipc.calls), Item::Reply);
        }
        if mask & accept::NOTIFICATIONS != 0 {
            older(&mut oldest, self.notifications.first_in_order(&ipc.watches), Item::Notification);
        }
        oldest.map(|(_, item)| item)
    }
}

/// Keeps the older of the two.
#[inline]
fn older<T>(
    oldest: &mut Option<(u64, Item)>,
    first: Option<(T, u64)>,
    item: impl FnOnce(T) -> Item,
) {
    if let Some((id, order)) = first
        && oldest.is_none_or(|(best, _)| order < best)
    {
        *oldest = Some((order, item(id)));
    }
}
