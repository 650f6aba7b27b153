//! The end of a server, seen by its clients.
//!
//! `echo` is told to trap. The call in the middle of which it ends fails with `peer-restarted`, a
//! counter that another server keeps is stale, and later calls are answered by the next
//! incarnation.

use super::bindings::atoll::testing::echo::{self, Counter, ErrorCode};
use super::bindings::atoll::testing::relay;
use atoll_sdk::report::Checks;

pub(super) fn check(checks: &mut Checks<'_>) {
    checks.check("relay keeps a counter", relay::keep(Counter::new(5)).is_ok());
    let ended = echo::die();
    checks.check(
        "a call to a server that ends says so",
        matches!(ended, Err(ErrorCode::PeerRestarted)),
    );
    checks.check("the next incarnation answers", echo::increment(1) == 2);
    checks.check("it has no counters", echo::living() == 0);
    // `counter.add` has no error to return, so relay traps on the stale handle, and its own caller
    // sees that.
    let stale = relay::add_kept(1);
    checks.check("a stale handle is noticed", matches!(stale, Err(ErrorCode::PeerRestarted)));
    let kept = relay::add_kept(1);
    checks.check("relay starts without it", matches!(kept, Err(ErrorCode::Refused)));
    checks.check("a new counter works", Counter::new(6).get() == 6);
}
