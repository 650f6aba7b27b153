//! Probes: when they come, what the answer is, and whom they do not reach.

use super::{Bench, PLAIN, Pair, lengths};
use atoll_gate::call::{NO_DEADLINE, rights};
use atoll_gate::message::{EventKind, accept};
use atoll_gate::record::{DOMAIN_PULSE, Pulse, Record, State};
use atoll_gate::start::DomainConfig;
use atoll_gate::{Call, Status};

impl Bench {
    /// A pair whose server is ready.
    fn ready_pair(&mut self) -> Pair {
        let pair = self.pair();
        self.expect(pair.server, Call::Ready, []);
        pair
    }

    fn probe(&mut self, pair: &Pair, number: u64) {
        self.expect(self.init, Call::Probe, [pair.server_control.into(), number]);
    }

    /// How the server of a pair answers, and its words.
    fn pulse(&mut self, pair: &Pair) -> (Pulse, Vec<u8>) {
        let arguments = [pair.server_control.into(), DOMAIN_PULSE, 4096];
        let len = self.expect(self.init, Call::Read, arguments) as usize;
        let bytes = self.payload(self.init, len);
        (Pulse::read(&bytes).expect("a pulse"), bytes[Pulse::LEN..].to_vec())
    }
}

#[test]
fn a_server_answers_between_two_calls() {
    let mut bench = Bench::new();
    let pair = bench.ready_pair();
    bench.send(pair.client, pair.target, b"first", &[]);
    let first = bench.take(pair.server);
    bench.send(pair.client, pair.target, b"", &[]);
    bench.probe(&pair, 4);
    bench.probe(&pair, 5);
    assert_eq!(bench.pulse(&pair).0.answered, 0, "it is busy");
    // Only who waits for calls is asked; the first probe gave way to the second.
    assert_eq!(bench.fails(pair.server, Call::Wait, [accept::NOTIFICATIONS, 0]), Status::TimedOut);
    assert_eq!(bench.fails(pair.server, Call::AnswerProbe, [5, 0, 0]), Status::Invalid);
    bench.reply(pair.server, first.id, b"", &[]);
    let probe = bench.take(pair.server);
    assert_eq!((probe.event, probe.id), (Some(EventKind::Probe), 5));
    assert_eq!(bench.fails(pair.server, Call::AnswerProbe, [4, 0, 0]), Status::Invalid);
    bench.expect(pair.server, Call::AnswerProbe, [5, 0, 0]);
    assert_eq!(bench.fails(pair.server, Call::AnswerProbe, [5, 0, 0]), Status::Invalid);
    let (pulse, words) = bench.pulse(&pair);
    assert_eq!((pulse.answered, pulse.is_ill, words.len()), (5, 0, 0));
    assert_eq!(bench.take(pair.server).event, Some(EventKind::Call));
    bench.nothing(pair.server);
}

#[test]
fn a_probe_comes_after_a_reply_on_the_short_way() {
    let mut bench = Bench::new();
    let pair = bench.ready_pair();
    bench.wait(pair.server);
    bench.invoke(pair.client, pair.target, b"", &[]);
    let call = bench.message(pair.server);
    bench.probe(&pair, 3);
    let answer = [call.id, 0, 0, accept::ALL, NO_DEADLINE];
    assert_eq!(bench.call(pair.server, Call::ReplyWait, answer), Some((Status::Ok, 0)));
    let probe = bench.message(pair.server);
    assert_eq!((probe.event, probe.id), (Some(EventKind::Probe), 3));
    assert_eq!(bench.result(pair.client), Some((Status::Ok, 0)));
}

#[test]
fn a_probe_and_a_swap_do_not_get_into_each_others_way() {
    let mut bench = Bench::new();
    let pair = bench.ready_pair();
    bench.invoke(pair.client, pair.target, b"", &[]);
    let call = bench.take(pair.server);
    bench.probe(&pair, 1);
    bench.expect(bench.init, Call::Quiesce, [pair.server_control.into()]);
    bench.reply(pair.server, call.id, b"", &[]);
    for event in [EventKind::Probe, EventKind::Quiesce] {
        bench.expect(pair.server, Call::Wait, [accept::ALL, NO_DEADLINE]);
        assert_eq!(bench.message(pair.server).event, Some(event));
    }
}

#[test]
fn an_answer_wakes_whoever_watches_and_a_look_at_it_ends_no_readiness() {
    let mut bench = Bench::new();
    let pair = bench.ready_pair();
    let (init, control) = (bench.init, u64::from(pair.server_control));
    bench.status(pair.server_control);
    bench.expect(init, Call::Watch, [control, 1]);
    bench.wait(pair.server);
    bench.probe(&pair, 9);
    assert_eq!(
        bench.result(pair.server),
        Some((Status::Ok, 0)),
        "a waiting server gets it at once"
    );
    bench.nothing(init);
    bench.put(pair.server, b"out of ink", &[]);
    let answer = [9, Status::Refused as u64, lengths(10, 0)];
    bench.expect(pair.server, Call::AnswerProbe, answer);
    assert_eq!(bench.take(init).id, 1);
    let (pulse, words) = bench.pulse(&pair);
    assert_eq!((pulse.answered, pulse.is_ill, words.as_slice()), (9, 1, b"out of ink".as_slice()));
    bench.expect(init, Call::Watch, [control, 2]);
    assert_eq!(bench.take(init).id, 2, "the change is still to be seen");
    // The next answer takes the place of this one.
    bench.wait(pair.server);
    bench.probe(&pair, 10);
    bench.expect(pair.server, Call::AnswerProbe, [10, 0, 0]);
    assert_eq!(
        bench.pulse(&pair),
        (Pulse { answered: 10, is_ill: 0, state: State::Running as u32 }, vec![])
    );
}

#[test]
fn a_server_that_calls_is_seen_to_and_gets_its_probe_later() {
    let mut bench = Bench::new();
    let pair = bench.pair();
    // The client is the one that is asked.
    bench.expect(pair.client, Call::Ready, []);
    let asked = Pair { server: pair.client, server_control: pair.client_control, ..pair };
    bench.invoke(pair.client, pair.target, b"", &[]);
    bench.probe(&asked, 1);
    let call = bench.take(pair.server);
    assert_eq!(bench.pulse(&asked).0.state, State::Calling as u32);
    bench.reply(pair.server, call.id, b"", &[]);
    assert_eq!(bench.message(pair.client).event, Some(EventKind::Reply), "not in the middle");
    let probe = bench.take(pair.client);
    assert_eq!((probe.event, probe.id), (Some(EventKind::Probe), 1));
}

#[test]
fn who_does_not_serve_is_not_asked() {
    let mut bench = Bench::new();
    let init = bench.init;
    let (_, control, _) = bench.spawn_with(PLAIN, &[]);
    assert_eq!(bench.fails(init, Call::Probe, [control.into(), 1]), Status::NotReady);
    let standby = DomainConfig { standby: true, ..PLAIN };
    let (domain, control, _) = bench.spawn_with(standby, &[]);
    bench.expect(domain, Call::Ready, []);
    assert_eq!(bench.fails(init, Call::Probe, [control.into(), 1]), Status::NotReady);
    bench.kill(control);
    assert_eq!(bench.fails(init, Call::Probe, [control.into(), 1]), Status::Closed);
    let pair = bench.ready_pair();
    let arguments = [u64::from(pair.server_control), u64::from(rights::READ)];
    let weak = bench.expect(init, Call::Copy, arguments);
    assert_eq!(bench.fails(init, Call::Probe, [weak, 1]), Status::Denied);
    bench.blocks(pair.server, Call::Wait, [accept::REPLIES, NO_DEADLINE]);
}
