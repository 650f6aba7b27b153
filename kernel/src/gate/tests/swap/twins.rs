//! New domains of a set that reach each other before the commit, and whose calls never reach the
//! old ones.

use super::super::{Bench, PLAIN, copy, lengths, mint, slot};
use super::{STANDBY, Server};
use crate::capability::DomainId;
use atoll_gate::call::rights;
use atoll_gate::message::SendSlot;
use atoll_gate::start::DomainConfig;
use atoll_gate::{Call, Status};

/// A provider and its caller, each with the version that is to take over.
struct Set {
    bench: Bench,
    /// Init's handles to the endpoints of both.
    ends: [u32; 2],
    old: [Server; 2],
    new: [Server; 2],
    /// The caller's handle to the provider.
    target: u32,
    /// The new caller's.
    next_target: u32,
    /// A client of the caller.
    client: (DomainId, u32),
}

const PROVIDER: usize = 0;
const CALLER: usize = 1;

impl Set {
    fn new() -> Self {
        let mut bench = Bench::new();
        let ends = [(); 2].map(|()| bench.expect(bench.init, Call::CreateEndpoint, []) as u32);
        let (old, _) = caller(&mut bench, PLAIN, ends[PROVIDER], ends[CALLER]);
        let (user, target) = caller(&mut bench, PLAIN, ends[CALLER], ends[PROVIDER]);
        let new = bench.server(STANDBY, ends[PROVIDER]);
        let twin = twin(&mut bench, ends[PROVIDER], new);
        let (next, next_target) = caller(&mut bench, STANDBY, ends[CALLER], twin);
        bench.expect(bench.init, Call::Close, [twin.into()]);
        let (client, _, handles) = bench.spawn_with(PLAIN, &[copy(ends[CALLER], rights::CALL)]);
        Self {
            bench,
            ends,
            old: [old, user],
            new: [new, next],
            target,
            next_target,
            client: (client, handles[0]),
        }
    }

    fn couples(&self) -> [(Server, Server); 2] {
        [(self.old[0], self.new[0]), (self.old[1], self.new[1])]
    }

    /// Lets both old ones freeze and the new provider take over.
    fn freeze(&mut self) {
        self.bench.freeze(self.old[CALLER], b"", &[]);
        self.bench.freeze(self.old[PROVIDER], b"", &[]);
        self.bench.take_over(self.old[PROVIDER], self.new[PROVIDER]);
    }

    /// The new caller asks the provider, which gives it an object.
    fn open(&mut self) -> u32 {
        let (provider, caller) = (self.new[PROVIDER], self.new[CALLER].domain);
        self.bench.wait(provider.domain);
        assert_eq!(self.bench.invoke(caller, self.next_target, b"open", &[]), None);
        let call = self.bench.message(provider.domain);
        assert_eq!((call.payload.as_slice(), call.badge), (b"open".as_slice(), 11));
        let minted = [mint(provider.serve, 6)];
        assert_eq!(self.bench.reply(provider.domain, call.id, b"", &minted), (Status::Ok, 0));
        self.bench.message(caller).slots[0].handle
    }

    /// The new caller uses the object; its number there.
    fn use_object(&mut self, object: u32) -> u32 {
        let (provider, caller) = (self.new[PROVIDER].domain, self.new[CALLER].domain);
        let lent = [slot(SendSlot::Lend, object)];
        assert_eq!(self.bench.invoke(caller, self.next_target, b"use", &lent), None);
        let call = self.bench.take(provider);
        assert_eq!(self.bench.reply(provider, call.id, b"", &[]), (Status::Ok, 0));
        call.slots[0].object
    }

    fn commit(&mut self) {
        self.bench.take_over(self.old[CALLER], self.new[CALLER]);
        self.bench.commit(&self.couples());
    }
}

/// A server of `own` that may call `other`, which has published and is ready, and its handle for
/// that.
fn caller(bench: &mut Bench, config: DomainConfig<'_>, own: u32, other: u32) -> (Server, u32) {
    let grants = [copy(own, rights::SERVE), copy(other, rights::CALL)];
    let (domain, control, handles) = bench.spawn_with(config, &grants);
    bench.publish(domain, handles[0]);
    bench.expect(domain, Call::Ready, []);
    (Server { domain, control, serve: handles[0] }, handles[1])
}

/// Init's handle to the twin of an endpoint that a server stages.
fn twin(bench: &mut Bench, end: u32, server: Server) -> u32 {
    let arguments = [end.into(), server.control.into()];
    bench.expect(bench.init, Call::CreateEndpoint, arguments) as u32
}

/// What a handle's endpoint publishes.
fn described(bench: &mut Bench, domain: DomainId, handle: u32) -> Vec<u8> {
    let len = bench.expect(domain, Call::Describe, [handle.into(), 0]) as usize;
    bench.payload(domain, len)
}

#[test]
fn a_new_caller_reaches_the_new_provider_before_the_commit() {
    let mut set = Set::new();
    let [provider, caller] = set.new;
    let (client, client_target) = set.client;
    // It links against the new interface, others against the old one.
    assert_eq!(described(&mut set.bench, caller.domain, set.next_target), b"next descriptor");
    let (old, target, next) = (set.old[CALLER].domain, set.target, set.next_target);
    assert_eq!(described(&mut set.bench, old, target), b"descriptor");
    let id = |set: &mut Set, domain, handle: u32| {
        set.bench.expect(domain, Call::Inspect, [handle.into()]) >> 32
    };
    assert_eq!(id(&mut set, old, target), id(&mut set, caller.domain, next));
    // Until the provider has the state, it cannot answer.
    let early = set.bench.invoke(caller.domain, set.next_target, b"early", &[]);
    assert_eq!(early, Some((Status::Closed, 0)));
    set.freeze();
    assert_eq!(set.bench.invoke(client, client_target, b"held", &[]), None);
    let object = set.open();
    assert_eq!(set.use_object(object), 6);
    set.commit();
    // There is one endpoint again, and the object is of it.
    assert_eq!(set.bench.kernel.ipc.endpoints.len(), 2);
    assert_eq!(set.use_object(object), 6);
    for server in set.old {
        set.bench.kill(server.control);
    }
    assert_eq!(set.use_object(object), 6);
    set.bench.expect(caller.domain, Call::Close, [object.into()]);
    assert_eq!(set.bench.take(provider.domain).id, 6);
    assert_eq!(set.bench.echo(caller.domain), b"held");
    assert_eq!(set.bench.result(client), Some((Status::Ok, 0)));
    // The next provider is that of the one endpoint.
    set.bench.kill(provider.control);
    let next = set.bench.server(PLAIN, set.ends[PROVIDER]);
    assert_eq!(set.bench.invoke(caller.domain, set.next_target, b"next", &[]), None);
    assert_eq!(set.bench.echo(next.domain), b"next");
}

#[test]
fn what_the_new_ones_asked_of_each_other_never_reaches_the_old_ones() {
    for taken in [false, true] {
        let mut set = Set::new();
        let (client, client_target) = set.client;
        set.freeze();
        let object = set.open();
        set.commit();
        assert_eq!(set.bench.invoke(client, client_target, b"asked", &[]), None);
        set.bench.take(set.new[CALLER].domain);
        let (caller, target) = (set.new[CALLER].domain, set.next_target);
        assert_eq!(set.bench.invoke(caller, target, b"in new numbers", &[]), None);
        if taken {
            set.bench.take(set.new[PROVIDER].domain);
        }
        assert!(set.bench.result(caller).is_none(), "{object} is in use");
        set.bench.revert(&set.couples());
        // The client's call is repeated, and leads to one in the numbers of the old ones.
        let old = set.old[CALLER].domain;
        let call = set.bench.take(old);
        assert_eq!(call.payload, b"asked");
        set.bench.nothing(set.old[PROVIDER].domain);
        assert_eq!(set.bench.invoke(old, set.target, b"in old numbers", &[]), None);
        assert_eq!(set.bench.echo(set.old[PROVIDER].domain), b"in old numbers");
        set.bench.reply(old, call.id, b"", &[]);
        assert_eq!(set.bench.result(client), Some((Status::Ok, 0)));
        assert!(set.bench.kernel.ipc.minted.is_empty());
    }
}

#[test]
fn a_provider_that_ends_on_probation_leaves_no_call_of_the_new_caller() {
    let mut set = Set::new();
    set.freeze();
    set.commit();
    let caller = set.new[CALLER].domain;
    assert_eq!(set.bench.invoke(caller, set.next_target, b"taken", &[]), None);
    set.bench.take(set.new[PROVIDER].domain);
    set.bench.kill(set.new[PROVIDER].control);
    // It waits for what becomes of the set.
    assert_eq!(set.bench.result(caller), None);
    set.bench.revert(&set.couples());
    set.bench.nothing(set.old[PROVIDER].domain);
    assert!(set.bench.kernel.ipc.calls.is_empty());
}

#[test]
fn a_twin_ends_with_its_provider() {
    let mut set = Set::new();
    set.freeze();
    let object = set.open();
    let caller = set.new[CALLER].domain;
    assert_eq!(set.bench.invoke(caller, set.next_target, b"lost", &[]), None);
    set.bench.take(set.new[PROVIDER].domain);
    set.bench.kill(set.new[PROVIDER].control);
    assert_eq!(set.bench.result(caller), Some((Status::PeerRestarted, 0)));
    let late = set.bench.invoke(caller, set.next_target, b"late", &[]);
    assert_eq!(late, Some((Status::Closed, 0)));
    let stale = [slot(SendSlot::Lend, object)];
    let stale = set.bench.invoke(caller, set.next_target, b"", &stale);
    assert!(matches!(stale, Some((Status::PeerRestarted | Status::Closed, 0))), "{stale:?}");
    let handle = set.next_target.into();
    assert_eq!(set.bench.fails(caller, Call::Describe, [handle, 0]), Status::Closed);
    set.bench.kill(set.new[CALLER].control);
    assert_eq!(set.bench.kernel.ipc.endpoints.len(), 2);
    for server in set.old.into_iter().rev() {
        set.bench.expect(set.bench.init, Call::Thaw, [server.control.into()]);
    }
    assert_eq!(set.bench.invoke(set.old[CALLER].domain, set.target, b"on", &[]), None);
    assert_eq!(set.bench.echo(set.old[PROVIDER].domain), b"on");
}

#[test]
fn twins_are_made_by_who_may_serve_of_what_is_staged() {
    let mut bench = Bench::new();
    let ends = [(); 2].map(|()| bench.expect(bench.init, Call::CreateEndpoint, []) as u32);
    let running = bench.server(PLAIN, ends[0]);
    let staged = bench.server(STANDBY, ends[0]);
    let weak = bench.expect(bench.init, Call::Copy, [ends[0].into(), rights::CALL.into()]) as u32;
    let cases = [
        (ends[0], running.control, Status::NotReady),
        (ends[1], staged.control, Status::NotFound),
        (weak, staged.control, Status::Denied),
        (ends[0], ends[1], Status::WrongKind),
    ];
    for (end, control, status) in cases {
        let arguments = [end.into(), control.into()];
        assert_eq!(bench.fails(bench.init, Call::CreateEndpoint, arguments), status);
    }
    // Twice it is the same one, and nobody can serve it.
    let twins = [(); 2].map(|()| twin(&mut bench, ends[0], staged));
    assert_eq!(bench.kernel.ipc.endpoints.len(), 3);
    bench.put(bench.init, b"mine", &[]);
    let publish = [twins[0].into(), 1, lengths(4, 0)];
    assert_eq!(bench.fails(bench.init, Call::Publish, publish), Status::Denied);
    for twin in twins {
        bench.expect(bench.init, Call::Close, [twin.into()]);
    }
    assert_eq!(bench.kernel.ipc.endpoints.len(), 2);
    let arguments = [ends[0].into(), staged.control.into()];
    bench.expect(bench.init, Call::CreateEndpoint, arguments);
}

#[test]
fn swaps_of_sets_leave_nothing_behind() {
    let mut footprints = Vec::new();
    for round in 0..12 {
        let mut set = Set::new();
        set.freeze();
        let object = set.open();
        match round % 3 {
            0 => set.commit(),
            1 => {
                set.commit();
                set.bench.revert(&set.couples());
            }
            _ => {}
        }
        if round % 3 == 0 {
            assert_eq!(set.use_object(object), 6);
        }
        for server in set.old.into_iter().chain(set.new) {
            set.bench.kill(server.control);
            set.bench.expect(set.bench.init, Call::Close, [server.control.into()]);
        }
        let (_, domains, population, handles) = set.bench.footprint();
        footprints.push((domains, population, handles));
    }
    footprints.dedup();
    assert_eq!(footprints.len(), 1, "{footprints:?}");
}
