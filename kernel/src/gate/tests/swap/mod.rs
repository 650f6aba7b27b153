//! Swaps: every step of the way and back, and steps in the wrong order.

mod endings;
mod heirs;
mod lending;
mod memory;
mod model;
mod sets;
mod steps;
mod twins;
mod watches;

use super::{Bench, PLAIN, Pair, copy, lengths, slot};
use crate::capability::DomainId;
use atoll_gate::call::{NO_DEADLINE, rights};
use atoll_gate::message::{EventKind, SendSlot, accept};
use atoll_gate::record::Phase;
use atoll_gate::start::DomainConfig;
use atoll_gate::{Call, Status};

/// A configuration for a domain that is to take over.
const STANDBY: DomainConfig<'_> = DomainConfig { name: "next", standby: true, ..PLAIN };

/// A domain with what init and it need to serve an endpoint.
#[derive(Clone, Copy)]
struct Server {
    domain: DomainId,
    control: u32,
    serve: u32,
}

/// A pair whose server is ready, and a second server that is to take over.
struct Swap {
    bench: Bench,
    pair: Pair,
    old: Server,
    new: Server,
}

impl Bench {
    /// A domain that is to serve `endpoint`, which has published and is ready.
    fn server(&mut self, config: DomainConfig<'_>, endpoint: u32) -> Server {
        let grant = copy(endpoint, rights::SERVE | rights::COPY);
        let (domain, control, handles) = self.spawn_with(config, &[grant]);
        let serve = handles[0];
        self.put(domain, b"next descriptor", &[]);
        self.expect(domain, Call::Publish, [serve.into(), 11, lengths(15, 0)]);
        self.expect(domain, Call::Ready, []);
        Server { domain, control, serve }
    }

    fn phase(&mut self, server: Server) -> Phase {
        Phase::from_raw(self.status(server.control).0.phase).expect("a phase")
    }

    /// Lets a domain wait for an event that is there or comes at once.
    #[track_caller]
    fn hear(&mut self, domain: DomainId) -> Option<EventKind> {
        self.expect(domain, Call::Wait, [accept::ALL, NO_DEADLINE]);
        self.message(domain).event
    }

    /// Asks a domain to come to rest, which it does, with this state and these handles.
    #[track_caller]
    fn freeze(&mut self, server: Server, state: &[u8], handles: &[u32]) {
        self.expect(self.init, Call::Quiesce, [server.control.into()]);
        assert_eq!(self.hear(server.domain), Some(EventKind::Quiesce));
        self.save(server, state, handles);
        self.blocks(server.domain, Call::Freeze, [0, 0]);
    }

    #[track_caller]
    fn save(&mut self, server: Server, state: &[u8], handles: &[u32]) -> u64 {
        let slots: Vec<_> = handles.iter().map(|handle| slot(SendSlot::Move, *handle)).collect();
        self.put(server.domain, state, &slots);
        self.expect(server.domain, Call::SaveState, [lengths(state.len(), slots.len())])
    }

    fn tell_to_take_over(&mut self, old: Server, new: Server) {
        let arguments = [old.control.into(), new.control.into()];
        self.expect(self.init, Call::TakeOver, arguments);
    }

    /// Lets a domain that was told take over.
    #[track_caller]
    fn take_over(&mut self, old: Server, new: Server) {
        self.tell_to_take_over(old, new);
        assert_eq!(self.hear(new.domain), Some(EventKind::TakeOver));
        self.expect(new.domain, Call::ReadState, [0, 0]);
        self.expect(new.domain, Call::Ready, []);
    }

    /// Puts pairs of control handles where `CommitSwap` and `RevertSwap` read them.
    fn put_couples(&mut self, couples: &[(Server, Server)]) -> u64 {
        let pairs = couples.iter().flat_map(|(old, new)| [old.control, new.control]);
        let bytes: Vec<u8> = pairs.flat_map(u32::to_le_bytes).collect();
        self.put(self.init, &bytes, &[]);
        lengths(bytes.len(), 0)
    }

    #[track_caller]
    fn commit(&mut self, couples: &[(Server, Server)]) {
        let len = self.put_couples(couples);
        self.expect(self.init, Call::CommitSwap, [len]);
    }

    #[track_caller]
    fn revert(&mut self, couples: &[(Server, Server)]) {
        let len = self.put_couples(couples);
        self.expect(self.init, Call::RevertSwap, [len]);
    }

    fn commit_fails(&mut self, couples: &[(Server, Server)]) -> Status {
        let len = self.put_couples(couples);
        self.fails(self.init, Call::CommitSwap, [len])
    }

    fn revert_fails(&mut self, couples: &[(Server, Server)]) -> Status {
        let len = self.put_couples(couples);
        self.fails(self.init, Call::RevertSwap, [len])
    }

    /// Answers the next call of a server with its own payload.
    #[track_caller]
    fn echo(&mut self, server: DomainId) -> Vec<u8> {
        let call = self.take(server);
        assert_eq!(call.event, Some(EventKind::Call));
        assert_eq!(self.reply(server, call.id, &call.payload, &[]), (Status::Ok, 0));
        call.payload
    }
}

impl Swap {
    /// A server, its client, and a second server that is prepared.
    fn new() -> Self {
        let mut bench = Bench::new();
        let pair = bench.pair();
        bench.expect(pair.server, Call::Ready, []);
        let old = Server { domain: pair.server, control: pair.server_control, serve: pair.serve };
        let new = bench.server(STANDBY, pair.endpoint);
        Self { bench, pair, old, new }
    }

    /// The same after the commit.
    fn committed() -> Self {
        let mut swap = Self::new();
        swap.bench.freeze(swap.old, b"state", &[]);
        swap.bench.take_over(swap.old, swap.new);
        swap.bench.commit(&[(swap.old, swap.new)]);
        swap
    }

    fn phases(&mut self) -> (Phase, Phase) {
        (self.bench.phase(self.old), self.bench.phase(self.new))
    }

    /// The client's call, which waits.
    #[track_caller]
    fn ask(&mut self, payload: &[u8]) {
        assert_eq!(self.bench.invoke(self.pair.client, self.pair.target, payload, &[]), None);
    }

    /// The client got this answer.
    #[track_caller]
    fn answered(&self, payload: &[u8]) {
        assert_eq!(self.bench.result(self.pair.client), Some((Status::Ok, 0)));
        assert_eq!(self.bench.message(self.pair.client).payload, payload);
    }
}
