//! Swaps and traffic at random, against a toy model: every call ends exactly once, with its own
//! answer, or with an error where its server died with it; queues, counts and lent priorities are
//! what the calls say, after every step.

use super::super::{Bench, PLAIN, copy};
use super::{STANDBY, Server};
use crate::capability::DomainId;
use crate::ipc::CallState;
use atoll_gate::call::rights;
use atoll_gate::message::{EventKind, accept};
use atoll_gate::record::Phase;
use atoll_gate::start::DomainConfig;
use atoll_gate::{Call, Status};
use proptest::prelude::*;
use std::collections::{HashMap, HashSet};

const CLIENTS: usize = 3;

#[derive(Clone, Copy, Debug)]
enum Step {
    /// A client calls and waits.
    Ask(usize),
    /// A client calls and goes on.
    Send(usize),
    /// Whoever serves takes a call.
    Take,
    /// A call that was taken is answered.
    Answer(usize),
    /// The swap goes on.
    Advance,
    /// The swap is given up.
    Back,
    /// The new domain ends.
    KillNew,
    /// The old domain ends.
    KillOld,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (0..CLIENTS).prop_map(Step::Ask),
        3 => (0..CLIENTS).prop_map(Step::Send),
        5 => Just(Step::Take),
        4 => any::<usize>().prop_map(Step::Answer),
        6 => Just(Step::Advance),
        1 => Just(Step::Back),
        1 => Just(Step::KillNew),
        1 => Just(Step::KillOld),
    ]
}

struct Client {
    domain: DomainId,
    target: u32,
    /// The number of the call that it waits for.
    waits: Option<u32>,
    /// Calls that it sent: id and number.
    sent: Vec<(u64, u32)>,
}

struct Taken {
    by: DomainId,
    id: u64,
    number: u32,
    sync: bool,
}

struct World {
    bench: Bench,
    endpoint: u32,
    clients: Vec<Client>,
    old: Server,
    new: Option<Server>,
    taken: Vec<Taken>,
    next: u32,
    /// Calls that may fail: their server died with them.
    fragile: HashSet<u32>,
    outcomes: HashMap<u32, u32>,
}

impl World {
    fn new() -> Self {
        let mut bench = Bench::new();
        let endpoint = bench.expect(bench.init, Call::CreateEndpoint, []) as u32;
        let old = bench.server(PLAIN, endpoint);
        let clients = (0..CLIENTS)
            .map(|index| {
                let config = DomainConfig { priority: 1 + 2 * index as u8, ..PLAIN };
                let (domain, _, handles) =
                    bench.spawn_with(config, &[copy(endpoint, rights::CALL)]);
                Client { domain, target: handles[0], waits: None, sent: vec![] }
            })
            .collect();
        let (fragile, outcomes) = (HashSet::new(), HashMap::new());
        Self { bench, endpoint, clients, old, new: None, taken: vec![], next: 0, fragile, outcomes }
    }

    fn phases(&mut self) -> (Phase, Option<Phase>) {
        (self.bench.phase(self.old), self.new.map(|new| self.bench.phase(new)))
    }

    /// The domain that takes calls now.
    fn serving(&mut self) -> Option<DomainId> {
        match self.phases() {
            (Phase::Settled, _) => Some(self.old.domain),
            (_, Some(Phase::Probation)) => self.new.map(|new| new.domain),
            _ => None,
        }
    }

    fn run(&mut self, step: Step) {
        match step {
            Step::Ask(client) => self.ask(client),
            Step::Send(client) => self.send(client),
            Step::Take => self.take(),
            Step::Answer(which) => self.answer(which),
            Step::Advance => self.advance(),
            Step::Back => self.back(),
            Step::KillNew => self.kill_new(),
            Step::KillOld => self.kill_old(),
        }
        self.collect();
        self.check();
    }

    fn number(&mut self) -> u32 {
        self.next += 1;
        self.next
    }

    fn ask(&mut self, client: usize) {
        if self.clients[client].waits.is_some() {
            return;
        }
        let number = self.number();
        let Client { domain, target, .. } = self.clients[client];
        match self.bench.invoke(domain, target, &number.to_le_bytes(), &[]) {
            None => self.clients[client].waits = Some(number),
            other => assert_eq!(other, Some((Status::QuotaExceeded, 0))),
        }
    }

    fn send(&mut self, client: usize) {
        if self.clients[client].waits.is_some() || self.clients[client].sent.len() > 6 {
            return;
        }
        let number = self.number();
        let Client { domain, target, .. } = self.clients[client];
        match self.bench.send(domain, target, &number.to_le_bytes(), &[]) {
            (Status::Ok, id) => self.clients[client].sent.push((id, number)),
            other => assert_eq!(other, (Status::QuotaExceeded, 0)),
        }
    }

    fn take(&mut self) {
        let Some(by) = self.serving() else { return };
        let Some((Status::Ok, _)) = self.bench.call(by, Call::Wait, [accept::ALL, 0]) else {
            return;
        };
        let call = self.bench.message(by);
        assert_eq!(call.event, Some(EventKind::Call));
        let number = u32::from_le_bytes(call.payload.try_into().expect("a number"));
        let sync = self.clients.iter().any(|client| client.waits == Some(number));
        self.taken.push(Taken { by, id: call.id, number, sync });
    }

    fn answer(&mut self, which: usize) {
        if self.taken.is_empty() {
            return;
        }
        let Taken { by, id, number, .. } = self.taken.swap_remove(which % self.taken.len());
        assert_eq!(self.bench.reply(by, id, &number.to_le_bytes(), &[]), (Status::Ok, 0));
    }

    fn advance(&mut self) {
        let (old, endpoint) = (self.old, self.endpoint);
        match (self.phases(), self.new) {
            ((Phase::Settled | Phase::Frozen, _), None) => {
                self.new = Some(self.bench.server(STANDBY, endpoint));
            }
            ((Phase::Settled, _), _) => {
                self.bench.expect(self.bench.init, Call::Quiesce, [old.control.into()]);
            }
            ((Phase::Quiescing, _), _) if self.taken.is_empty() => {
                assert_eq!(self.bench.hear(old.domain), Some(EventKind::Quiesce));
                self.bench.save(old, b"state", &[]);
                self.bench.blocks(old.domain, Call::Freeze, [0, 0]);
            }
            ((_, Some(Phase::Prepared)), Some(new)) if self.taken.is_empty() => {
                self.bench.take_over(old, new);
            }
            ((_, Some(Phase::TookOver)), Some(new)) => self.bench.commit(&[(old, new)]),
            ((_, Some(Phase::Probation)), _) => self.kill_old(),
            _ => {}
        }
    }

    fn back(&mut self) {
        let old = self.old;
        match (self.phases(), self.new) {
            ((Phase::Quiescing | Phase::Frozen, _), _) => {
                self.bench.expect(self.bench.init, Call::Thaw, [old.control.into()]);
            }
            ((Phase::Replaced, _), Some(new)) => {
                self.bench.revert(&[(old, new)]);
            }
            _ => return,
        }
        self.bench.expect(old.domain, Call::Ready, []);
        if let Some(new) = self.new.take() {
            self.end(new, true);
        }
    }

    fn kill_new(&mut self) {
        if let Some(new) = self.new.take() {
            self.end(new, true);
        }
    }

    /// A crash, or the end of probation.
    fn kill_old(&mut self) {
        let new = self.new;
        let is_final = self.phases().0 == Phase::Replaced;
        self.end(self.old, false);
        if is_final {
            (self.old, self.new) = (new.expect("serves"), None);
            return;
        }
        if let Some(new) = self.new.take() {
            self.end(new, true);
        }
        self.old = self.bench.server(PLAIN, self.endpoint);
    }

    /// Kills a domain. What it took fails, but for calls that wait and that another one can serve.
    fn end(&mut self, server: Server, is_new: bool) {
        let lost = self.taken.extract_if(.., |taken| taken.by == server.domain);
        self.fragile.extend(lost.filter(|taken| !(is_new && taken.sync)).map(|taken| taken.number));
        self.bench.kill(server.control);
        self.bench.expect(self.bench.init, Call::Close, [server.control.into()]);
    }

    /// Takes what came back to the clients.
    fn collect(&mut self) {
        for client in &mut self.clients {
            let result = self.bench.result(client.domain);
            if let (Some(number), Some((status, _))) = (client.waits, result) {
                client.waits = None;
                let payload = self.bench.payload(client.domain, 4);
                match status {
                    Status::Ok => assert_eq!(payload, number.to_le_bytes()),
                    status => {
                        assert_eq!(status, Status::PeerRestarted);
                        assert!(self.fragile.contains(&number), "call {number} was lost");
                    }
                }
                *self.outcomes.entry(number).or_default() += 1;
            }
            while client.waits.is_none()
                && self.bench.call(client.domain, Call::Wait, [accept::REPLIES, 0])
                    == Some((Status::Ok, 0))
            {
                let reply = self.bench.message(client.domain);
                let at = client.sent.iter().position(|(id, _)| *id == reply.id);
                let (_, number) = client.sent.remove(at.expect("it sent this call"));
                if reply.method == 0 {
                    assert_eq!(reply.payload, number.to_le_bytes());
                } else {
                    assert!(self.fragile.contains(&number), "call {number} was lost");
                }
                *self.outcomes.entry(number).or_default() += 1;
            }
        }
    }

    /// What the kernel keeps about calls agrees with the calls.
    fn check(&self) {
        let kernel = &self.bench.kernel;
        let held = kernel.ipc.calls.iter().filter(|(_, call)| call.state == CallState::Held);
        let waiting: u32 = kernel.ipc.endpoints.iter().map(|(_, end)| end.held.len()).sum();
        assert_eq!(held.count(), waiting as usize);
        for (_, endpoint) in kernel.ipc.endpoints.iter() {
            assert!(endpoint.bound.is_none() || endpoint.holding.is_none());
            assert!(endpoint.bound.is_none() || endpoint.held.is_empty());
        }
        for (id, domain) in kernel.domains.iter().filter(|(_, domain)| domain.body.is_some()) {
            let with = kernel.ipc.calls.iter().filter(|(_, call)| {
                call.server == Some(id)
                    && matches!(call.state, CallState::Queued | CallState::Taken)
            });
            let (mut count, mut priority) = (0, domain.share.priority);
            for (_, call) in with {
                count += 1;
                if let Some(caller) = call.caller.filter(|_| call.sync) {
                    priority = priority.max(kernel.scheduler.priority(caller));
                }
            }
            let asked = [Phase::Quiescing, Phase::Saving, Phase::TakingOver];
            if asked.contains(&domain.swap.phase()) {
                // Init asks for every step.
                priority = priority.max(kernel.scheduler.priority(self.bench.init));
            }
            assert_eq!(domain.calls_open, count, "{}", domain.name());
            assert_eq!(kernel.scheduler.priority(id), priority, "{}", domain.name());
        }
    }

    /// Lets everything come to its end.
    fn finish(&mut self) {
        self.back();
        self.kill_new();
        if self.phases().0 == Phase::Frozen {
            self.back();
        }
        loop {
            let before = self.taken.len();
            self.take();
            if self.taken.len() == before {
                if before == 0 {
                    break;
                }
                self.answer(0);
            }
            self.collect();
            self.check();
        }
        self.collect();
        assert!(self.bench.kernel.ipc.calls.is_empty());
        assert!(self.outcomes.values().all(|count| *count == 1), "a call ended twice");
        assert!(self.clients.iter().all(|client| client.waits.is_none() && client.sent.is_empty()));
        self.bench.kill(self.old.control);
        assert_eq!(self.bench.kernel.ipc.population()[1..7], [0; 6]);
        // What was published last is there for the next server, and paid once, besides the capsule.
        let kernel = &self.bench.kernel;
        let kept: usize = kernel.ipc.endpoints.iter().map(|(_, end)| end.descriptor.len()).sum();
        let charged = kernel.live(self.bench.init).expect("alive").0.charged;
        let capsules: u64 = kernel.ipc.capsules.iter().map(|(_, capsule)| capsule.limit()).sum();
        assert!(kept > 0);
        assert_eq!(charged, kept as u64 + capsules);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(160))]
    #[test]
    fn no_call_is_lost_or_answered_twice(steps in proptest::collection::vec(step(), 1..120)) {
        let mut world = World::new();
        for step in steps {
            world.run(step);
        }
        world.finish();
    }
}
