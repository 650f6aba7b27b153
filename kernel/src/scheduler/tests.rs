//! The scheduler against fairness, priorities, budgets and donation.

use super::{NEVER, SLICE_NS, Scheduler, Share};
use crate::capability::{DomainId, Id};
use core::num::NonZeroU32;
use proptest::prelude::*;

const PLAIN: Share = Share { priority: 3, budget_ns: 0, period_ns: 0 };

fn id(index: u32) -> DomainId {
    Id::new(index, NonZeroU32::MAX)
}

fn scheduler(shares: &[Share]) -> Scheduler {
    let mut scheduler = Scheduler::new(16).expect("memory");
    for (share, index) in shares.iter().zip(0u32..) {
        scheduler.add(id(index), *share);
        scheduler.wake(id(index), 0);
    }
    scheduler
}

/// Runs whoever is chosen until `end`, as the timer says; gives the order of those who ran.
fn simulate(scheduler: &mut Scheduler, end: u64) -> Vec<Option<u32>> {
    let (mut now, mut order, mut timer) = (0, Vec::new(), NEVER);
    while now < end {
        let decision = scheduler.settle(0, now);
        timer = decision.timer.unwrap_or(timer);
        order.push(decision.run.map(DomainId::index));
        now = timer.min(end).max(now + 1);
        if now >= timer {
            scheduler.tick(0, now);
            timer = NEVER;
        }
    }
    scheduler.tick(0, end);
    order
}

#[test]
fn equals_take_turns_and_share_evenly() {
    let mut scheduler = scheduler(&[PLAIN; 3]);
    let order = simulate(&mut scheduler, SLICE_NS * 9);
    assert_eq!(order, [0, 1, 2, 0, 1, 2, 0, 1, 2].map(Some));
    for index in 0..3 {
        assert_eq!(scheduler.used_ns(id(index)), SLICE_NS * 3);
    }
}

#[test]
fn one_alone_needs_no_timer() {
    let mut scheduler = scheduler(&[PLAIN]);
    let decision = scheduler.settle(0, 5);
    assert_eq!((decision.run, decision.timer), (Some(id(0)), None));
}

#[test]
fn a_higher_priority_runs_first_and_displaces() {
    let mut scheduler = scheduler(&[PLAIN, PLAIN]);
    assert_eq!(scheduler.settle(0, 0).run, Some(id(0)));
    scheduler.add(id(2), Share { priority: 5, ..PLAIN });
    scheduler.wake(id(2), 10);
    assert_eq!(scheduler.settle(0, 10).run, Some(id(2)));
    scheduler.block(id(2), 20);
    // The displaced domain goes on before its equal.
    assert_eq!(scheduler.settle(0, 20).run, Some(id(0)));
    assert_eq!(scheduler.used_ns(id(0)), 10);
    assert_eq!(scheduler.used_ns(id(2)), 10);
}

#[test]
fn a_budget_bounds_only_while_others_want_to_run() {
    let share = Share { priority: 6, budget_ns: 1_000_000, period_ns: 10_000_000 };
    let mut contended = scheduler(&[share, PLAIN]);
    simulate(&mut contended, 40_000_000);
    let used = contended.used_ns(id(0));
    assert!((4_000_000..=5_000_000).contains(&used), "{used}");
    assert_eq!(used + contended.used_ns(id(1)), 40_000_000);

    let mut alone = scheduler(&[share]);
    simulate(&mut alone, 40_000_000);
    assert_eq!(alone.used_ns(id(0)), 40_000_000);
}

#[test]
fn a_donated_priority_lasts_until_the_last_donor_is_gone() {
    let mut scheduler = scheduler(&[PLAIN, Share { priority: 5, ..PLAIN }]);
    assert_eq!(scheduler.donate(id(0), 6, 0), (Some(6), true));
    assert_eq!(scheduler.donate(id(0), 6, 0), (Some(6), false));
    // What would not lift it is not lent.
    assert_eq!(scheduler.donate(id(0), 2, 0), (None, false));
    assert_eq!(scheduler.settle(0, 0).run, Some(id(0)));
    assert!(!scheduler.withdraw(id(0), 6, 0));
    assert_eq!(scheduler.priority(id(0)), 6);
    assert!(scheduler.withdraw(id(0), 6, 0));
    assert_eq!(scheduler.priority(id(0)), 3);
    assert_eq!(scheduler.settle(0, 0).run, Some(id(1)));
}

#[test]
fn a_handed_over_slice_does_not_grow() {
    let mut scheduler = scheduler(&[PLAIN, PLAIN]);
    scheduler.add(id(2), PLAIN);
    assert_eq!(scheduler.settle(0, 0).timer, Some(SLICE_NS));
    scheduler.block(id(0), 10);
    scheduler.hand_over(0, id(2), 10);
    let decision = scheduler.settle(0, 10);
    assert_eq!((decision.run, decision.timer), (Some(id(2)), None));
    scheduler.tick(0, SLICE_NS);
    assert_eq!(scheduler.settle(0, SLICE_NS).run, Some(id(1)));
}

#[test]
fn a_slice_is_not_handed_past_a_higher_priority() {
    let mut scheduler = scheduler(&[Share { priority: 5, ..PLAIN }, PLAIN]);
    scheduler.add(id(2), Share { priority: 1, ..PLAIN });
    scheduler.settle(0, 0);
    scheduler.block(id(0), 1);
    scheduler.hand_over(0, id(2), 1);
    assert_eq!(scheduler.settle(0, 1).run, Some(id(1)));
    scheduler.block(id(1), 2);
    assert_eq!(scheduler.settle(0, 2).run, Some(id(2)));
}

#[test]
fn deadlines_expire_once_for_the_domain_that_set_them() {
    let mut scheduler = scheduler(&[PLAIN]);
    scheduler.settle(0, 0);
    scheduler.set_deadline(id(0), 100);
    scheduler.block(id(0), 1);
    let decision = scheduler.settle(0, 1);
    assert_eq!((decision.run, decision.timer), (None, Some(100)));
    scheduler.tick(0, 100);
    assert_eq!(scheduler.expired(99), None);
    assert_eq!(scheduler.expired(100), Some(id(0)));
    assert_eq!(scheduler.expired(100), None);
    assert_eq!(scheduler.idle_ns(), 99);
}

#[test]
fn an_old_id_changes_nothing() {
    let mut scheduler = scheduler(&[PLAIN]);
    scheduler.remove(id(0), 5);
    scheduler.wake(id(0), 5);
    assert_eq!(scheduler.settle(0, 5).run, None);
    scheduler.add(id(0), PLAIN);
    scheduler.wake(Id::new(0, NonZeroU32::MIN), 5);
    assert_eq!(scheduler.settle(0, 5).run, None);
}

proptest! {
    /// Whatever happens, somebody of the highest ready level runs, and nobody is lost.
    #[test]
    fn the_highest_ready_domain_runs(steps in proptest::collection::vec((0u8..6, 0u32..8, 0u8..8), 1..200)) {
        let mut scheduler = Scheduler::new(8).expect("memory");
        for index in 0..8 {
            scheduler.add(id(index), Share { priority: index as u8, budget_ns: 0, period_ns: 0 });
        }
        let mut ready = [false; 8];
        let mut donors: Vec<(u32, u8)> = Vec::new();
        for (now, (kind, index, priority)) in steps.into_iter().enumerate() {
            let now = now as u64;
            match kind {
                0 | 1 => {
                    scheduler.wake(id(index), now);
                    ready[index as usize] = true;
                }
                2 => {
                    scheduler.block(id(index), now);
                    ready[index as usize] = false;
                }
                3 => {
                    let (donated, _) = scheduler.donate(id(index), priority, now);
                    donors.extend(donated.map(|priority| (index, priority)));
                }
                4 => {
                    if let Some((index, priority)) = donors.pop() {
                        scheduler.withdraw(id(index), priority, now);
                    }
                }
                _ => scheduler.tick(0, now),
            }
            let level = |index: u32| {
                donors.iter().filter(|d| d.0 == index).map(|d| d.1).chain([index as u8]).max().expect("own")
            };
            let best = (0..8).filter(|index| ready[*index as usize]).map(level).max();
            let run = scheduler.settle(0, now).run.map(DomainId::index);
            prop_assert_eq!(run.map(level), best);
            prop_assert!(run.is_none_or(|index| ready[index as usize]));
        }
    }
}
