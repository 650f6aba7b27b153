//! Heirs: who takes the place of a domain that fails, and when anybody hears of it.

use super::super::{Bench, PLAIN, Pair, copy, lengths};
use super::{STANDBY, Server};
use crate::arch::host::{Action, take_actions};
use crate::memory::frames;
use atoll_gate::call::rights;
use atoll_gate::message::{EventKind, accept};
use atoll_gate::record::{Cause, Phase, State};
use atoll_gate::{Call, Status};

/// When an end that an heir was there for is told; the clock of the bench stands at 1,000.
const TOLD: u64 = 1_001_000;
/// Tokens of init's watches.
const ENDED: u64 = 1;
const HEIR: u64 = 2;

/// A pair whose server is ready, its heir, and init, which watches both.
struct Estate {
    bench: Bench,
    pair: Pair,
    server: Server,
    heir: Server,
}

impl Estate {
    fn new() -> Self {
        let mut bench = Bench::new();
        let pair = bench.pair();
        bench.expect(pair.server, Call::Ready, []);
        let server =
            Server { domain: pair.server, control: pair.server_control, serve: pair.serve };
        let heir = bench.server(STANDBY, pair.endpoint);
        let mut estate = Self { bench, pair, server, heir };
        estate.name(heir).expect("an heir");
        for (watched, token) in [(server, ENDED), (heir, HEIR)] {
            estate.bench.status(watched.control);
            estate.bench.expect(estate.bench.init, Call::Watch, [watched.control.into(), token]);
        }
        estate
    }

    fn name(&mut self, heir: Server) -> Result<(), Status> {
        let arguments = [self.server.control.into(), heir.control.into()];
        match self.bench.call(self.bench.init, Call::SetHeir, arguments) {
            Some((Status::Ok, _)) => Ok(()),
            other => Err(other.expect("does not block").0),
        }
    }

    /// The server ends itself.
    fn exit(&mut self, cause: Cause, code: u64) {
        self.bench.blocks(self.server.domain, Call::Exit, [cause as u64, code, lengths(0, 0)]);
    }

    fn ask(&mut self, payload: &[u8]) -> Option<(Status, u64)> {
        self.bench.invoke(self.pair.client, self.pair.target, payload, &[])
    }

    #[track_caller]
    fn answered(&self, payload: &[u8]) {
        assert_eq!(self.bench.result(self.pair.client), Some((Status::Ok, 0)));
        assert_eq!(self.bench.message(self.pair.client).payload, payload);
    }

    /// The heir was woken and is ready.
    #[track_caller]
    fn inherit(&mut self) {
        assert_eq!(self.bench.hear(self.heir.domain), Some(EventKind::Inherit));
        self.bench.expect(self.heir.domain, Call::Ready, []);
    }

    /// Tokens of what init is told.
    fn news(&mut self) -> Vec<u64> {
        let mut news = Vec::new();
        while self.bench.call(self.bench.init, Call::Wait, [accept::ALL, 0])
            == Some((Status::Ok, 0))
        {
            let message = self.bench.message(self.bench.init);
            assert_eq!(message.event, Some(EventKind::Notification));
            news.push(message.id);
        }
        news
    }
}

#[test]
fn an_heir_serves_before_anybody_hears_of_the_end() {
    let mut estate = Estate::new();
    assert_eq!(estate.ask(b"fatal"), None);
    estate.bench.take(estate.server.domain);
    estate.exit(Cause::Trapped, 1);
    assert_eq!(estate.bench.result(estate.pair.client), Some((Status::PeerRestarted, 0)));
    assert_eq!(estate.ask(b"next"), None);
    estate.inherit();
    assert_eq!(estate.bench.echo(estate.heir.domain), b"next");
    estate.answered(b"next");
    assert_eq!(estate.news(), []);
    estate.bench.pass(TOLD - 1);
    assert_eq!(estate.news(), []);
    estate.bench.pass(TOLD);
    assert_eq!(estate.news(), [ENDED, HEIR]);
    let (ended, _) = estate.bench.status(estate.server.control);
    assert_eq!((ended.state, ended.cause), (State::Ended as u32, Cause::Trapped as u32));
    assert_eq!(estate.bench.phase(estate.heir), Phase::Settled);
}

#[test]
fn an_heir_that_takes_its_time_is_heard_of_when_it_is_ready() {
    let mut estate = Estate::new();
    estate.exit(Cause::Trapped, 1);
    assert_eq!(estate.bench.hear(estate.heir.domain), Some(EventKind::Inherit));
    estate.bench.pass(TOLD);
    assert_eq!(estate.news(), [ENDED, HEIR]);
    assert_eq!(estate.bench.phase(estate.heir), Phase::Inheriting);
    let init = estate.bench.init;
    estate.bench.expect(init, Call::Watch, [estate.heir.control.into(), HEIR]);
    estate.bench.expect(estate.heir.domain, Call::Ready, []);
    assert_eq!(estate.news(), [HEIR]);
    assert_eq!(estate.bench.phase(estate.heir), Phase::Settled);
}

#[test]
fn the_timer_fires_for_the_news() {
    let mut estate = Estate::new();
    drop(take_actions());
    estate.exit(Cause::Trapped, 1);
    assert_eq!(take_actions(), [Action::Deadline(Some(TOLD))]);
}

#[test]
fn what_went_as_it_should_leaves_nothing_to_an_heir() {
    let killed: fn(&mut Estate) = |estate| estate.bench.kill(estate.server.control);
    let exited: fn(&mut Estate) = |estate| estate.exit(Cause::Exited, 0);
    for end in [killed, exited] {
        let mut estate = Estate::new();
        end(&mut estate);
        assert_eq!(estate.news(), [ENDED]);
        assert_eq!(estate.bench.phase(estate.heir), Phase::Prepared);
        estate.bench.nothing(estate.heir.domain);
    }
    let mut estate = Estate::new();
    estate.exit(Cause::Exited, 1);
    estate.inherit();
}

#[test]
fn only_who_is_prepared_is_an_heir_and_of_one_that_serves() {
    let mut estate = Estate::new();
    let (server, heir) = (estate.server, estate.heir);
    let plain = estate.bench.server(PLAIN, estate.pair.endpoint);
    assert_eq!(estate.name(plain), Err(Status::NotReady));
    assert_eq!(estate.name(server), Err(Status::NotReady));
    let backwards = [heir.control.into(), server.control.into()];
    assert_eq!(estate.bench.fails(estate.bench.init, Call::SetHeir, backwards), Status::NotReady);
    let weak = estate.bench.expect(
        estate.bench.init,
        Call::Copy,
        [heir.control.into(), rights::READ.into()],
    );
    let arguments = [server.control.into(), weak];
    assert_eq!(estate.bench.fails(estate.bench.init, Call::SetHeir, arguments), Status::Denied);
}

#[test]
fn the_last_heir_counts_and_a_dead_one_is_none() {
    let mut estate = Estate::new();
    let second = estate.bench.server(STANDBY, estate.pair.endpoint);
    estate.name(second).expect("another heir");
    estate.bench.kill(second.control);
    assert_eq!(estate.ask(b"question"), None);
    estate.exit(Cause::Trapped, 1);
    estate.bench.nothing(estate.heir.domain);
    assert_eq!(estate.news(), [ENDED]);
    let next = estate.bench.server(PLAIN, estate.pair.endpoint);
    assert_eq!(estate.bench.echo(next.domain), b"question");
    estate.answered(b"question");
}

#[test]
fn an_heir_that_fails_leaves_the_calls_to_the_next_server() {
    let mut estate = Estate::new();
    assert_eq!(estate.ask(b"question"), None);
    estate.exit(Cause::Trapped, 1);
    assert_eq!(estate.bench.hear(estate.heir.domain), Some(EventKind::Inherit));
    estate.bench.blocks(estate.heir.domain, Call::Exit, [Cause::Trapped as u64, 1, 0]);
    assert_eq!(estate.news(), [HEIR]);
    let next = estate.bench.server(PLAIN, estate.pair.endpoint);
    assert_eq!(estate.bench.echo(next.domain), b"question");
    estate.answered(b"question");
    estate.bench.pass(TOLD);
    assert_eq!(estate.news(), [ENDED]);
}

#[test]
fn who_serves_in_the_meantime_goes_on_serving() {
    let mut estate = Estate::new();
    estate.exit(Cause::Trapped, 1);
    let next = estate.bench.server(PLAIN, estate.pair.endpoint);
    estate.inherit();
    assert_eq!(estate.ask(b"question"), None);
    estate.bench.nothing(estate.heir.domain);
    assert_eq!(estate.bench.echo(next.domain), b"question");
}

#[test]
fn a_swap_has_no_heirs() {
    let mut estate = Estate::new();
    let (server, heir) = (estate.server, estate.heir);
    estate.bench.expect(estate.bench.init, Call::Quiesce, [server.control.into()]);
    assert_eq!(estate.name(heir), Err(Status::NotReady));
    assert_eq!(estate.bench.hear(server.domain), Some(EventKind::Quiesce));
    estate.exit(Cause::Trapped, 1);
    assert_eq!(estate.bench.phase(heir), Phase::Prepared);
    estate.bench.nothing(heir.domain);
}

#[test]
fn nothing_is_left_of_an_inheritance() {
    let mut estate = Estate::new();
    let free = frames::statistics().free;
    estate.exit(Cause::Trapped, 1);
    assert_eq!(frames::statistics().free, free, "taken apart later");
    estate.inherit();
    estate.bench.pass(TOLD);
    estate.bench.expect(estate.bench.init, Call::Close, [estate.server.control.into()]);
    let one = frames::statistics().free;
    assert!(one > free);
    estate.bench.kill(estate.heir.control);
    estate.bench.expect(estate.bench.init, Call::Close, [estate.heir.control.into()]);
    assert_eq!(estate.bench.kernel.ipc.population()[2..6], [0; 4]);
    assert_eq!(frames::statistics().free - one, one - free, "as much for either");
}

#[test]
fn an_end_may_be_forgotten_before_it_is_told() {
    let mut estate = Estate::new();
    estate.exit(Cause::Trapped, 1);
    let init = estate.bench.init;
    estate.bench.expect(init, Call::Close, [estate.server.control.into()]);
    estate.bench.expect(init, Call::Close, [estate.heir.control.into()]);
    estate.bench.pass(TOLD);
    assert_eq!(estate.news(), []);
    let grant = copy(estate.pair.endpoint, rights::SERVE);
    estate.bench.spawn_with(PLAIN, &[grant]);
}
