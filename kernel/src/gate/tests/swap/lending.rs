//! Who works for a swap does so with the priority of who waits for it, and no longer.

use super::{PLAIN, Swap, copy};
use crate::capability::DomainId;
use crate::domain::CPU;
use atoll_gate::Call;
use atoll_gate::call::rights;
use atoll_gate::message::EventKind;
use atoll_gate::record::Phase;
use atoll_gate::start::DomainConfig;

/// What init has by itself, and the two domains of a swap.
const INIT: u8 = 5;
const OWN: u8 = PLAIN.priority;

impl Swap {
    fn priority(&self, domain: DomainId) -> u8 {
        self.bench.kernel.scheduler.priority(domain)
    }

    fn running(&self) -> Option<DomainId> {
        self.bench.kernel.scheduler.current(CPU)
    }

    fn quiesce(&mut self) {
        let arguments = [self.old.control.into(), self.new.control.into()];
        self.bench.expect(self.bench.init, Call::Quiesce, arguments);
    }
}

#[test]
fn a_step_is_done_before_a_peer_goes_on_that_computes() {
    let mut swap = Swap::new();
    let Swap { old, new, .. } = swap;
    swap.bench.wait(old.domain);
    swap.bench.wait(new.domain);
    // It computes: it is ready, and in front of everybody of its priority.
    let peer = swap.bench.spawn();
    swap.bench.expect(peer, Call::Clock, []);
    for (call, server, event) in
        [(Call::Quiesce, old, EventKind::Quiesce), (Call::TakeOver, new, EventKind::TakeOver)]
    {
        let Swap { bench, .. } = &mut swap;
        bench.expect(bench.init, call, [old.control.into(), new.control.into()]);
        bench.phase(server);
        bench.expect(bench.init, Call::Watch, [server.control.into(), 1]);
        bench.wait(bench.init);
        let domain = server.domain;
        assert_eq!(swap.running(), Some(domain), "{call:?}");
        assert_eq!(swap.bench.message(domain).event, Some(event));
        assert_eq!((swap.priority(domain), swap.priority(peer)), (INIT, OWN));
        if domain == old.domain {
            swap.bench.blocks(old.domain, Call::Freeze, [0, 0]);
        } else {
            swap.bench.expect(new.domain, Call::Ready, []);
        }
        assert_eq!((swap.running(), swap.priority(domain)), (Some(swap.bench.init), OWN));
        let told = swap.bench.message(swap.bench.init).event;
        assert_eq!(told, Some(EventKind::Notification));
    }
}

#[test]
fn a_domain_keeps_nothing_however_a_step_ends() {
    // It never comes to rest, and the supervisor has enough of that.
    let mut swap = Swap::new();
    swap.quiesce();
    assert_eq!(swap.priority(swap.old.domain), INIT);
    swap.bench.expect(swap.bench.init, Call::Thaw, [swap.old.control.into()]);
    assert_eq!(swap.priority(swap.old.domain), OWN);
    // It was told and does not stop, or stops without its state.
    for freezes in [false, true] {
        swap.quiesce();
        assert_eq!(swap.bench.hear(swap.old.domain), Some(EventKind::Quiesce));
        assert_eq!(swap.priority(swap.old.domain), INIT);
        if freezes {
            swap.bench.blocks(swap.old.domain, Call::Freeze, [14, 0]);
            assert_eq!(swap.bench.phase(swap.old), Phase::Unsaved);
            assert_eq!(swap.priority(swap.old.domain), OWN);
        }
        swap.bench.expect(swap.bench.init, Call::Thaw, [swap.old.control.into()]);
        assert_eq!(swap.priority(swap.old.domain), OWN);
        swap.bench.expect(swap.old.domain, Call::Ready, []);
    }
    // One that takes over for ever, and the next in its place.
    swap.bench.freeze(swap.old, b"", &[]);
    swap.bench.tell_to_take_over(swap.old, swap.new);
    assert_eq!(swap.priority(swap.new.domain), INIT);
    swap.bench.kill(swap.new.control);
    swap.bench.expect(swap.bench.init, Call::Thaw, [swap.old.control.into()]);
    let fresh = swap.bench.spawn();
    assert_eq!((swap.priority(fresh), swap.priority(swap.old.domain)), (OWN, OWN));
}

#[test]
fn a_chain_of_calls_gets_what_its_first_server_was_lent() {
    // The old one is in the middle of a call of its own when it is asked.
    let mut swap = Swap::new();
    let endpoint = swap.bench.expect(swap.bench.init, Call::CreateEndpoint, []) as u32;
    let provider = swap.bench.server(PLAIN, endpoint);
    let grant = copy(endpoint, rights::CALL);
    swap.bench.put(swap.bench.init, b"", &[]);
    let (caller, control, handles) = swap.bench.spawn_with(PLAIN, &[grant]);
    swap.bench.expect(caller, Call::Ready, []);
    assert_eq!(swap.bench.invoke(caller, handles[0], b"", &[]), None);
    let call = swap.bench.take(provider.domain);
    swap.bench.expect(swap.bench.init, Call::Quiesce, [control.into()]);
    assert_eq!((swap.priority(caller), swap.priority(provider.domain)), (INIT, INIT));
    swap.bench.reply(provider.domain, call.id, b"", &[]);
    assert_eq!((swap.priority(caller), swap.priority(provider.domain)), (INIT, OWN));
    swap.bench.expect(swap.bench.init, Call::Thaw, [control.into()]);
    assert_eq!(swap.priority(caller), OWN);
}

#[test]
fn what_others_lend_the_asking_domain_is_not_lent_on() {
    let mut swap = Swap::new();
    let endpoint = swap.bench.expect(swap.bench.init, Call::CreateEndpoint, []) as u32;
    let grants = [
        copy(endpoint, rights::SERVE | rights::COPY),
        copy(swap.old.control, rights::CONTROL | rights::COPY),
    ];
    let config = DomainConfig { priority: 4, ..PLAIN };
    let (asker, _, handles) = swap.bench.spawn_with(config, &grants);
    swap.bench.publish(asker, handles[0]);
    let high = DomainConfig { priority: 7, ..PLAIN };
    let (caller, _, target) = swap.bench.spawn_with(high, &[copy(endpoint, rights::CALL)]);
    assert_eq!(swap.bench.invoke(caller, target[0], b"", &[]), None);
    swap.bench.take(asker);
    assert_eq!(swap.priority(asker), 7);
    swap.bench.expect(asker, Call::Quiesce, [handles[1].into()]);
    assert_eq!(swap.priority(swap.old.domain), 4);
    swap.bench.expect(asker, Call::Thaw, [handles[1].into()]);
    assert_eq!(swap.priority(swap.old.domain), OWN);
}
