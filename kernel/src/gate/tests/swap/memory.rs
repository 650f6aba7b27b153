//! Memory that goes along as it is: what is offered, what can be taken, and what cannot.

use super::{PLAIN, STANDBY, Swap, lengths};
use crate::gate::tests::memory;
use atoll_gate::layout::{HEAP_BASE, HEAP_END, SEND_AREA, STACK_BASE};
use atoll_gate::message::{EventKind, MAX_NOTE, MAX_PAYLOAD};
use atoll_gate::record::Phase;
use atoll_gate::start::DomainConfig;
use atoll_gate::{Call, Status};

const PAGE: u64 = 4096;
const PIECE: u64 = MAX_PAYLOAD as u64;
/// A part that is reserved, far from what is committed.
const PART: u64 = HEAP_BASE + (64 << 30);

impl Swap {
    /// Both domains have four pages of heap; the old one has offered `offers`, the new one is told.
    fn offering(offers: &[(u64, u64)]) -> Self {
        let mut swap = Self::new();
        for server in [swap.old, swap.new] {
            swap.bench.expect(server.domain, Call::Commit, [HEAP_BASE, 4]);
            swap.bench.expect(server.domain, Call::Reserve, [PART, 1 << 10]);
        }
        swap.offer(offers);
        swap
    }

    fn offer(&mut self, offers: &[(u64, u64)]) {
        let Self { old, new, .. } = *self;
        self.bench.expect(self.bench.init, Call::Quiesce, [old.control.into()]);
        assert_eq!(self.bench.hear(old.domain), Some(EventKind::Quiesce));
        for (number, (address, len)) in (0..).zip(offers) {
            let offered = self.bench.expect(old.domain, Call::OfferMemory, [*address, *len]);
            assert_eq!(offered, number);
        }
        self.bench.blocks(old.domain, Call::Freeze, [0, 0]);
        self.bench.tell_to_take_over(old, new);
        assert_eq!(self.bench.hear(new.domain), Some(EventKind::TakeOver));
    }

    fn take(&mut self, arguments: [u64; 4]) -> Status {
        let taken = self.bench.call(self.new.domain, Call::TakeMemory, arguments);
        taken.expect("an answer").0
    }

    fn poke(&self, address: u64, bytes: &[u8]) {
        self.bench.kernel.live(self.old.domain).expect("alive").1.space.poke(address, bytes);
    }

    fn peek(&self, address: u64, len: u64) -> Vec<u8> {
        self.bench.kernel.live(self.new.domain).expect("alive").1.space.peek(address, len)
    }
}

#[test]
fn what_was_offered_can_be_taken_in_pieces() {
    let mut swap = Swap::offering(&[(HEAP_BASE + 100, 2 * PAGE), (HEAP_BASE, 0)]);
    let bytes: Vec<u8> = (0..2 * PAGE).map(|at| (at % 253) as u8).collect();
    swap.poke(HEAP_BASE + 100, &bytes);
    assert_eq!(swap.bench.status(swap.old.control).0.saved, 2 * PAGE);
    assert_eq!(swap.take([0, 0, HEAP_BASE + 5, PAGE + 1]), Status::Ok);
    assert_eq!(swap.take([0, PAGE + 1, HEAP_BASE + 6 + PAGE, PAGE - 1]), Status::Ok);
    assert_eq!(swap.peek(HEAP_BASE + 5, 2 * PAGE), bytes);
    assert_eq!(swap.peek(HEAP_BASE, 5), [0; 5]);
    assert_eq!(swap.take([1, 0, HEAP_BASE, 0]), Status::Ok);
    // The old one has what it had, and goes on with it.
    swap.bench.expect(swap.bench.init, Call::Thaw, [swap.old.control.into()]);
    swap.bench.expect(swap.old.domain, Call::Ready, []);
    assert_eq!(swap.bench.status(swap.old.control).0.saved, 0);
    assert_eq!(swap.take([0, 0, HEAP_BASE, 1]), Status::Closed);
}

#[test]
fn a_taken_page_comes_into_being_as_if_it_was_touched() {
    let mut swap = Swap::offering(&[(PART, 40 * PAGE), (HEAP_BASE, PAGE)]);
    swap.poke(HEAP_BASE, &[7; PAGE as usize]);
    let before = memory(&mut swap.bench, swap.new.control);
    // Nothing of it was touched by the old one, and sixteen pages are backed here.
    assert_eq!(swap.take([0, 3, PART + 17 * PAGE + 9, 100]), Status::Ok);
    assert_eq!(memory(&mut swap.bench, swap.new.control), before + 18 * PAGE);
    assert_eq!(swap.take([1, 0, PART + 17 * PAGE, PAGE]), Status::Ok);
    assert_eq!(swap.peek(PART + 17 * PAGE, PAGE), [7; PAGE as usize]);
    // What the old one never touched is zero, whatever was here.
    assert_eq!(swap.take([0, 0, PART + 17 * PAGE + 8, PAGE - 16]), Status::Ok);
    assert_eq!(swap.peek(PART + 17 * PAGE, 9), [7, 7, 7, 7, 7, 7, 7, 7, 0]);
    assert_eq!(swap.peek(PART + 18 * PAGE - 9, 9), [0, 7, 7, 7, 7, 7, 7, 7, 7]);
}

#[test]
fn a_page_of_a_snapshot_is_copied_before_it_is_written() {
    let mut swap = Swap::new();
    swap.bench.expect(swap.old.domain, Call::Commit, [HEAP_BASE, 1]);
    swap.poke(HEAP_BASE, b"old");
    let (next, control, _) = swap.bench.spawn_with(STANDBY, &[]);
    swap.bench.expect(next, Call::Commit, [HEAP_BASE, 1]);
    swap.bench.expect(next, Call::Snapshot, []);
    swap.bench.expect(next, Call::Ready, []);
    (swap.new.domain, swap.new.control) = (next, control);
    swap.offer(&[(HEAP_BASE, PAGE)]);
    let before = memory(&mut swap.bench, control);
    assert_eq!(swap.take([0, 0, HEAP_BASE, 3]), Status::Ok);
    assert_eq!(memory(&mut swap.bench, control), before + PAGE);
    assert_eq!(swap.peek(HEAP_BASE, 3), b"old");
    // A clone has the page as it was when the snapshot was taken.
    swap.bench.expect(swap.bench.init, Call::CloneDomain, [control.into()]);
    let clone = swap.bench.newest();
    assert_eq!(swap.bench.kernel.live(clone).expect("made").1.space.peek(HEAP_BASE, 3), [0; 3]);
}

#[test]
fn ranges_that_are_not_the_domains_are_refused_and_nothing_is_written() {
    let offers = [
        (HEAP_BASE, 2 * PIECE),
        (HEAP_BASE + 3 * PAGE, 2 * PAGE),
        (HEAP_END - PAGE, PAGE),
        (PART + (1 << 10) * PAGE - 8, 16),
    ];
    let mut swap = Swap::offering(&offers);
    swap.poke(HEAP_BASE, &[9; 4 * PAGE as usize]);
    let room = HEAP_BASE;
    for arguments in [
        // No such offer, and beyond the end of one.
        [4, 0, room, 1],
        [u64::MAX, 0, room, 1],
        [0, 2 * PIECE, room, 1],
        [0, u64::MAX, room, 2],
        [0, 1, room, u64::MAX],
        [0, 0, room, PIECE + 1],
        // What the old one has not: behind its pages, and behind its part.
        [0, 4 * PAGE - 1, room, 2],
        [1, 0, room, PAGE + 1],
        [2, 0, room, 1],
        [3, 0, room, 9],
        // What the new one has not.
        [0, 0, room + 4 * PAGE - 1, 2],
        [0, 0, room - 1, 2],
        [0, 0, HEAP_END - 1, 2],
        [0, 0, u64::MAX - 3, 8],
        [0, 0, PART - 1, 2],
        [0, 0, STACK_BASE, 8],
        [0, 0, SEND_AREA, 8],
        [0, 0, 0, 8],
    ] {
        assert_eq!(swap.take(arguments), Status::Invalid, "{arguments:x?}");
    }
    assert_eq!(swap.peek(HEAP_BASE, 4 * PAGE), [0; 4 * PAGE as usize]);
}

#[test]
fn only_the_heap_is_offered_and_only_while_saving() {
    let mut swap = Swap::new();
    let old = swap.old;
    let offer = |swap: &mut Swap, address, len| {
        swap.bench.call(old.domain, Call::OfferMemory, [address, len]).expect("an answer").0
    };
    assert_eq!(offer(&mut swap, HEAP_BASE, 1), Status::NotReady);
    swap.bench.expect(swap.bench.init, Call::Quiesce, [old.control.into()]);
    assert_eq!(swap.bench.hear(old.domain), Some(EventKind::Quiesce));
    for (address, len) in [
        (HEAP_BASE - 1, 2),
        (HEAP_END, 1),
        (HEAP_END - 1, 2),
        (HEAP_BASE, u64::MAX),
        (u64::MAX, 1),
        (STACK_BASE, 8),
    ] {
        assert_eq!(offer(&mut swap, address, len), Status::Invalid, "{address:x} {len:x}");
    }
    // Each counts.
    let before = memory(&mut swap.bench, old.control);
    assert_eq!(offer(&mut swap, HEAP_BASE, HEAP_END - HEAP_BASE), Status::Ok);
    assert!(memory(&mut swap.bench, old.control) > before);
    while offer(&mut swap, HEAP_BASE, 1) == Status::Ok {}
    assert_eq!(offer(&mut swap, HEAP_BASE, 1), Status::QuotaExceeded);
    swap.bench.expect(swap.bench.init, Call::Thaw, [old.control.into()]);
    swap.bench.expect(old.domain, Call::Ready, []);
    assert_eq!(memory(&mut swap.bench, old.control), before);
}

#[test]
fn memory_is_taken_only_while_taking_over_and_within_the_quota() {
    let mut swap = Swap::new();
    let take = |swap: &mut Swap, domain| {
        swap.bench.call(domain, Call::TakeMemory, [0, 0, HEAP_BASE, 1]).expect("an answer").0
    };
    let domains = [swap.old.domain, swap.new.domain, swap.bench.init];
    for domain in domains {
        assert_eq!(take(&mut swap, domain), Status::NotReady);
    }
    let small = DomainConfig { memory_limit: 1 << 20, ..STANDBY };
    let (next, control, _) = swap.bench.spawn_with(small, &[]);
    swap.bench.expect(next, Call::Reserve, [PART, 1 << 10]);
    swap.bench.expect(next, Call::Ready, []);
    swap.bench.expect(swap.old.domain, Call::Reserve, [PART, 1 << 10]);
    (swap.new.domain, swap.new.control) = (next, control);
    swap.offer(&[(PART, (1 << 10) * PAGE)]);
    let mut taken = 0;
    while swap.take([0, 0, PART + taken * PIECE, PIECE]) == Status::Ok {
        taken += 1;
        assert!(taken < 16, "more than its quota");
    }
    assert_eq!(swap.take([0, 0, PART + taken * PIECE, PIECE]), Status::QuotaExceeded);
    assert!(taken > 0 && memory(&mut swap.bench, control) <= 1 << 20);
    swap.bench.expect(next, Call::Ready, []);
    assert_eq!(take(&mut swap, next), Status::NotReady);
}

#[test]
fn an_old_domain_hears_the_note_of_the_one_that_replaces_it() {
    let mut swap = Swap::new();
    let Swap { old, new, .. } = swap;
    let quiesce = |swap: &mut Swap, next: u32| {
        let arguments = [old.control.into(), next.into()];
        swap.bench.call(swap.bench.init, Call::Quiesce, arguments).expect("an answer").0
    };
    let (next, control, _) = swap.bench.spawn_with(STANDBY, &[]);
    assert_eq!(quiesce(&mut swap, control), Status::NotReady, "it is not prepared");
    assert_eq!(swap.bench.phase(old), Phase::Settled);
    let long = [8; MAX_NOTE + 1];
    swap.bench.put(next, &long, &[]);
    assert_eq!(
        swap.bench.fails(next, Call::Ready, [lengths(MAX_NOTE + 1, 0), MAX_NOTE as u64 + 1]),
        Status::Invalid
    );
    swap.bench.expect(next, Call::Ready, [lengths(MAX_NOTE, 0), MAX_NOTE as u64]);
    assert_eq!(quiesce(&mut swap, old.control), Status::NotReady);
    assert_eq!(quiesce(&mut swap, control), Status::Ok);
    assert_eq!(swap.bench.hear(old.domain), Some(EventKind::Quiesce));
    assert_eq!(swap.bench.message(old.domain).payload, long[..MAX_NOTE]);
    swap.bench.expect(swap.bench.init, Call::Thaw, [old.control.into()]);
    swap.bench.expect(old.domain, Call::Ready, []);
    // One that left none, and nobody.
    for next in [new.control, 0] {
        assert_eq!(quiesce(&mut swap, next), Status::Ok);
        assert_eq!(swap.bench.hear(old.domain), Some(EventKind::Quiesce));
        assert_eq!(swap.bench.message(old.domain).payload, []);
        swap.bench.expect(swap.bench.init, Call::Thaw, [old.control.into()]);
        swap.bench.expect(old.domain, Call::Ready, []);
    }
    // A domain that is no standby has no use for one.
    let (other, _, _) = swap.bench.spawn_with(PLAIN, &[]);
    swap.bench.expect(other, Call::Ready, [lengths(MAX_NOTE, 0), MAX_NOTE as u64]);
}
