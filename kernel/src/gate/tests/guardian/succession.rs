//! The first domain is succeeded by another version.

use super::*;
use crate::arch::host;
use crate::gate::tests::{mint, slot};
use atoll_gate::message::{EventKind, ReceiveSlot, SendSlot};
use atoll_gate::record::Phase;

const SECOND: u64 = 1_000_000_000;

/// A first domain that serves an endpoint and controls a pair, with its successor prepared.
struct Office {
    bench: Bench,
    pair: Pair,
    old: DomainId,
    new: DomainId,
    /// The old one's handle to the new one.
    control: u32,
    /// The old one's endpoint, its number, and a client's handle to it.
    serve: u32,
    number: u64,
    client: DomainId,
    target: u32,
}

impl Office {
    fn new() -> Self {
        let mut bench = Bench::new();
        let (pair, old) = (bench.pair(), bench.init);
        let serve = bench.expect(old, Call::CreateEndpoint, []) as u32;
        let number = bench.expect(old, Call::Inspect, [serve.into()]) >> 32;
        bench.publish(old, serve);
        bench.expect(old, Call::Ready, []);
        let (client, _, handles) = bench.spawn_with(PLAIN, &[copy(serve, rights::CALL)]);
        bench.put(old, b"next.wasm", &[]);
        let system = u64::from(bench.system);
        let blob = bench.expect(old, Call::OpenBlob, [system, lengths(9, 0)]);
        let control = bench.expect(old, Call::CreateSuccessor, [system, blob]) as u32;
        let new = bench.newest();
        bench.init = new;
        assert_eq!(bench.first_arguments(), ["next.wasm", "", ""]);
        bench.init = old;
        Self { bench, pair, old, new, control, serve, number, client, target: handles[0] }
    }

    /// The same, when the succession has begun.
    fn begun() -> Self {
        let mut office = Self::new();
        office.bench.expect(office.new, Call::Ready, []);
        assert_eq!(office.succeed(), Status::Ok);
        office
    }

    fn succeed(&mut self) -> Status {
        let deadline = host::clock() + SECOND;
        let arguments = [self.control.into(), deadline, 5 * SECOND];
        self.bench.call(self.old, Call::Succeed, arguments).expect("an answer").0
    }

    fn ask(&mut self, payload: &[u8]) {
        assert_eq!(self.bench.invoke(self.client, self.target, payload, &[]), None);
    }

    /// A domain answers the call that the client waits in.
    fn answer(&mut self, domain: DomainId) {
        let call = self.bench.take(domain);
        assert_eq!(call.event, Some(EventKind::Call));
        self.bench.reply(domain, call.id, &call.payload, &[]);
        assert_eq!(self.bench.message(self.client).payload, call.payload);
    }

    /// The old one is told to give its state up.
    fn hear(&mut self) {
        self.bench.expect(self.old, Call::Wait, [accept::ALL, NO_DEADLINE]);
        assert_eq!(self.bench.message(self.old).event, Some(EventKind::Quiesce));
    }

    /// It does.
    fn rest(&mut self) {
        self.hear();
        self.bench.put(self.old, b"state", &[]);
        self.bench.expect(self.old, Call::SaveState, [lengths(5, 0)]);
        self.bench.blocks(self.old, Call::Freeze, [0, 0]);
    }

    /// The new one hears that it is to take over, and adopts; its handle of the endpoint.
    fn adopt(&mut self) -> u32 {
        let new = self.new;
        self.bench.expect(new, Call::Wait, [accept::ALL, NO_DEADLINE]);
        assert_eq!(self.bench.message(new).event, Some(EventKind::TakeOver));
        self.bench.expect(new, Call::ReadState, [0, 0]);
        assert_eq!(self.bench.payload(new, 5), b"state");
        self.bench.init = new;
        for domain in [self.pair.server, self.pair.client, self.client] {
            self.bench.adopt_domain(domain);
        }
        let endpoints = self.bench.adopt_all(ObjectKind::Endpoint);
        let mut endpoints = endpoints.into_iter();
        let found = endpoints.find(|handle| {
            self.bench.expect(new, Call::Inspect, [(*handle).into()]) >> 32 == self.number
        });
        self.bench.init = self.old;
        found.expect("the endpoint")
    }

    /// The whole way.
    fn succeeded() -> Self {
        let mut office = Self::begun();
        office.rest();
        let serve = office.adopt();
        office.bench.publish(office.new, serve);
        office.bench.expect(office.new, Call::Ready, []);
        office.bench.meet_first();
        office.serve = serve;
        office
    }

    fn module(&self) -> String {
        let module = self.bench.kernel.live(self.bench.init).expect("alive").0.module;
        self.bench.kernel.ipc.blobs.get(module).expect("held").name.clone()
    }

    /// Everybody but the two versions is there.
    fn all_live(&self) {
        for domain in [self.pair.server, self.pair.client, self.client] {
            assert!(self.bench.lives(domain));
        }
    }
}

#[test]
fn another_version_takes_over_everything_and_no_call_waits_for_ever() {
    let mut office = Office::begun();
    office.ask(b"question");
    office.rest();
    let serve = office.adopt();
    office.bench.publish(office.new, serve);
    assert_eq!(office.bench.result(office.client), None);
    office.bench.expect(office.new, Call::Ready, []);
    assert!(!office.bench.lives(office.old));
    office.bench.meet_first();
    assert_eq!(office.bench.init, office.new);
    office.all_live();
    office.answer(office.new);
    office.bench.expect(office.new, Call::Settle, []);
    office.all_live();
    // It is watched over like the one before.
    office.bench.wait(office.new);
    office.bench.pass(host::clock() + 10 * SECOND);
    assert_eq!(office.bench.kernel.domains.len(), 4);
}

#[test]
fn objects_that_clients_hold_stay_as_they_are() {
    let mut office = Office::new();
    office.ask(b"open");
    let call = office.bench.take(office.old);
    let (serve, old) = (office.serve, office.old);
    office.bench.reply(old, call.id, b"", &[mint(serve, 7)]);
    let object = office.bench.message(office.client).slots[0].handle;
    office.bench.expect(office.new, Call::Ready, []);
    assert_eq!(office.succeed(), Status::Ok);
    office.rest();
    let serve = office.adopt();
    office.bench.publish(office.new, serve);
    office.bench.expect(office.new, Call::Ready, []);
    let lend = slot(SendSlot::Lend, object);
    assert_eq!(office.bench.invoke(office.client, office.target, b"use", &[lend]), None);
    let call = office.bench.take(office.new);
    assert_eq!(call.slots[0].kind, ReceiveSlot::HomeBorrow as u32);
    assert_eq!(call.slots[0].object, 7);
}

#[test]
fn whatever_goes_wrong_before_the_commit_lets_the_old_one_go_on() {
    type Wrong = fn(&mut Office);
    let ways: [(&str, Wrong); 6] = [
        ("the new one ends at once", |office| {
            let exit = [Cause::Trapped as u64, 0, 0];
            assert_eq!(office.bench.call(office.new, Call::Exit, exit), None);
        }),
        ("the new one ends while it takes over", |office| {
            office.rest();
            office.adopt();
            let exit = [Cause::Trapped as u64, 0, 0];
            assert_eq!(office.bench.call(office.new, Call::Exit, exit), None);
        }),
        ("the new one serves nothing", |office| {
            office.rest();
            office.adopt();
            assert_eq!(office.bench.call(office.new, Call::Ready, []), None);
        }),
        ("the old one cannot be saved", |office| {
            office.hear();
            assert_eq!(office.bench.call(office.old, Call::Freeze, [14, 0]), Some((Status::Ok, 0)));
        }),
        ("the old one is busy at the deadline", |office| {
            office.bench.pass(host::clock() + SECOND);
        }),
        ("the new one is busy at the deadline", |office| {
            office.rest();
            office.adopt();
            office.bench.pass(host::clock() + SECOND);
        }),
    ];
    for (what, wrong) in ways {
        let mut office = Office::begun();
        office.ask(b"question");
        wrong(&mut office);
        assert!(!office.bench.lives(office.new) && office.bench.lives(office.old), "{what}");
        office.answer(office.old);
        office.all_live();
        office.bench.meet_first();
        assert_eq!(office.bench.init, office.old, "{what}");
        office.bench.expect(office.old, Call::Ready, []);
        let status = office.bench.status(office.control).0;
        assert_ne!(status.cause, 0, "{what}: the old one learns how it ended");
        // It can be tried again.
        office.bench.put(office.old, b"next.wasm", &[]);
        let system = u64::from(office.bench.system);
        let blob = office.bench.expect(office.old, Call::OpenBlob, [system, lengths(9, 0)]);
        office.bench.expect(office.old, Call::CreateSuccessor, [system, blob]);
    }
}

#[test]
fn the_old_one_may_end_on_the_way() {
    for rests in [false, true] {
        let mut office = Office::begun();
        office.ask(b"question");
        if rests {
            office.rest();
            office.adopt();
            let old = office.old;
            let killed = crate::domain::Ending::new(Cause::Killed, 0);
            office.bench.kernel.end(old, killed);
            office.bench.kernel.settle();
        } else {
            office.hear();
            let exit = [Cause::Trapped as u64, 0, 0];
            assert_eq!(office.bench.call(office.old, Call::Exit, exit), None);
        }
        office.bench.meet_first();
        assert!(![office.old, office.new].contains(&office.bench.init));
        assert_eq!(office.module(), "init.wasm");
        assert!(!office.bench.lives(office.new));
        office.all_live();
        assert_eq!(office.bench.result(office.client), None, "its call waits");
    }
}

#[test]
fn a_version_that_ends_on_probation_is_followed_by_the_one_before() {
    for settles in [false, true] {
        let mut office = Office::succeeded();
        assert_eq!(office.module(), "next.wasm");
        if settles {
            office.bench.expect(office.new, Call::Settle, []);
        }
        office.bench.crash();
        assert_eq!(office.module(), "init.wasm");
        assert_eq!(office.bench.first_arguments(), ["init.wasm", "trapped", "by mistake"]);
        office.all_live();
        for domain in [office.pair.server, office.pair.client, office.client] {
            office.bench.adopt_domain(domain);
        }
        office.bench.expect(office.bench.init, Call::Settle, []);
        office.all_live();
        // There is no way back from that.
        office.bench.crash();
        assert_eq!(office.module(), "init.wasm");
    }
}

#[test]
fn after_its_probation_a_version_is_followed_by_itself() {
    let mut office = Office::succeeded();
    office.bench.expect(office.new, Call::Settle, []);
    office.bench.wait(office.new);
    let domains = office.bench.kernel.domains.len();
    office.bench.pass(host::clock() + 5 * SECOND);
    assert_eq!(office.bench.kernel.domains.len(), domains - 1, "the one before is forgotten");
    let new = office.new;
    office.bench.kernel.end(new, crate::domain::Ending::new(Cause::Killed, 0));
    office.bench.kernel.settle();
    office.bench.meet_first();
    assert_eq!(office.module(), "next.wasm");
    office.all_live();
}

#[test]
fn only_the_first_domain_is_succeeded_and_by_its_own_successor() {
    let mut office = Office::new();
    let (old, system) = (office.old, u64::from(office.bench.system));
    assert_eq!(office.succeed(), Status::NotReady, "it is not prepared");
    let arguments = [office.pair.server_control.into(), host::clock() + SECOND, SECOND];
    assert_eq!(office.bench.fails(old, Call::Succeed, arguments), Status::Denied);
    let blob = u64::from(office.bench.blob);
    let server = office.pair.server;
    assert_eq!(
        office.bench.fails(server, Call::CreateSuccessor, [system, blob]),
        Status::WrongKind
    );
    assert_eq!(office.bench.fails(old, Call::CreateSuccessor, [blob, system]), Status::WrongKind);
    // Another one takes the first one's place.
    office.bench.expect(old, Call::CreateSuccessor, [system, blob]);
    assert!(!office.bench.lives(office.new));
    let other = office.bench.newest();
    office.bench.expect(other, Call::Ready, []);
    assert_eq!(office.succeed(), Status::Denied);
    // Nobody can adopt who does not succeed.
    let kind = ObjectKind::Domain as u64;
    assert_eq!(office.bench.fails(other, Call::Adopt, [kind, 0]), Status::Denied);
    let phase = office.bench.kernel.live(old).expect("alive").0.swap.phase();
    assert_eq!(phase, Phase::Settled);
}
