//! What the domains of a swap hear of what they watch.

use super::Swap;
use atoll_gate::message::EventKind;
use atoll_gate::record::Phase;
use atoll_gate::{Call, Status};

#[test]
fn nothing_that_a_domain_watches_reaches_it_unless_it_serves() {
    let mut swap = Swap::new();
    let Swap { old, new, .. } = swap;
    swap.bench.freeze(old, b"", &[]);
    swap.bench.tell_to_take_over(old, new);
    swap.bench.hear(new.domain);
    let event = swap.bench.expect(new.domain, Call::CreateEvent, []);
    let signal = |swap: &mut Swap| {
        swap.bench.expect(new.domain, Call::Watch, [event, 77]);
        swap.bench.expect(new.domain, Call::Signal, [event, 1]);
    };
    // While it takes over it may wait for something.
    signal(&mut swap);
    assert_eq!(swap.bench.take(new.domain).id, 77);
    signal(&mut swap);
    swap.bench.expect(new.domain, Call::Ready, []);
    assert_eq!(swap.phases(), (Phase::Frozen, Phase::TookOver));
    swap.bench.nothing(new.domain);
    swap.bench.wait(new.domain);
    swap.bench.commit(&[(old, new)]);
    assert_eq!(swap.bench.result(new.domain), Some((Status::Ok, 0)));
    assert_eq!(swap.bench.message(new.domain).event, Some(EventKind::Notification));
}
