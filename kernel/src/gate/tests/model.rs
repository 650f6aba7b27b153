//! Handle traffic at random, against a toy model: every object is held by exactly the domains
//! that the model says, nothing is lost, doubled or left behind.

use super::{Bench, PLAIN, copy, mint, slot};
use atoll_gate::call::{NO_DEADLINE, rights};
use atoll_gate::message::{EventKind, ReceiveSlot, SendSlot, Slot, accept};
use atoll_gate::{Call, Status};
use proptest::prelude::*;
use std::collections::HashMap;

const CLIENTS: usize = 3;

#[derive(Clone, Copy, Debug)]
enum Step {
    /// The server mints an object for a client.
    Obtain(usize),
    /// A client hands an object home.
    Return(usize, usize),
    /// A client lends an object home.
    Show(usize, usize),
    /// A client closes an object.
    Close(usize, usize),
    /// A client sends an object through the relay to the next client, which asks for it.
    Pass(usize, usize),
    /// The server revokes one object.
    Revoke(usize),
    /// A client is killed and replaced.
    Kill(usize),
}

fn step() -> impl Strategy<Value = Step> {
    let client = 0..CLIENTS;
    prop_oneof![
        4 => client.clone().prop_map(Step::Obtain),
        2 => (client.clone(), any::<usize>()).prop_map(|(c, n)| Step::Return(c, n)),
        2 => (client.clone(), any::<usize>()).prop_map(|(c, n)| Step::Show(c, n)),
        2 => (client.clone(), any::<usize>()).prop_map(|(c, n)| Step::Close(c, n)),
        3 => (client.clone(), any::<usize>()).prop_map(|(c, n)| Step::Pass(c, n)),
        1 => any::<usize>().prop_map(Step::Revoke),
        1 => client.prop_map(Step::Kill),
    ]
}

/// A small number, sometimes with a generation or a slot count.
const fn mild(number: u64) -> u64 {
    let (generation, slots) = (number >> 60 & 1, number >> 62);
    (number % 7) | (generation << 16) | (slots << 32)
}

struct Client {
    domain: crate::capability::DomainId,
    control: u32,
    server: u32,
    relay: u32,
    /// Objects by handle: number and whether it was revoked.
    held: Vec<(u32, u32)>,
}

struct World {
    bench: Bench,
    server: crate::capability::DomainId,
    serve: u32,
    relay: crate::capability::DomainId,
    ends: [u32; 2],
    clients: Vec<Client>,
    revoked: HashMap<u32, bool>,
    next: u32,
    /// The relay's handle to the server.
    nudge: u32,
    visits: u32,
}

impl World {
    fn new() -> Self {
        let mut bench = Bench::new();
        let ends = [(); 2].map(|()| bench.expect(bench.init, Call::CreateEndpoint, []) as u32);
        let (server, _, serve) = bench.spawn_with(PLAIN, &[copy(ends[0], rights::SERVE)]);
        let slots = [copy(ends[1], rights::SERVE), copy(ends[0], rights::CALL)];
        let (relay, _, relay_serve) = bench.spawn_with(PLAIN, &slots);
        bench.publish(server, serve[0]);
        bench.publish(relay, relay_serve[0]);
        let mut world = Self {
            bench,
            server,
            serve: serve[0],
            relay,
            ends,
            clients: vec![],
            revoked: HashMap::new(),
            next: 1,
            nudge: relay_serve[1],
            visits: 0,
        };
        for _ in 0..CLIENTS {
            let client = world.client();
            world.clients.push(client);
        }
        world
    }

    fn client(&mut self) -> Client {
        let slots = self.ends.map(|end| copy(end, rights::CALL));
        let (domain, control, handles) = self.bench.spawn_with(PLAIN, &slots);
        Client { domain, control, server: handles[0], relay: handles[1], held: vec![] }
    }

    /// A round trip to the server; gives what it saw, or the status.
    fn visit(
        &mut self,
        client: usize,
        slots: &[Slot],
        answer: &[Slot],
    ) -> Result<Vec<Slot>, Status> {
        let (domain, target) = (self.clients[client].domain, self.clients[client].server);
        self.visits += 1;
        if self.visits.is_multiple_of(2) {
            return self.meet(domain, target, slots, answer);
        }
        if let Some((status, _)) = self.bench.invoke(domain, target, b"", slots) {
            return Err(status);
        }
        let call = self.bench.take(self.server);
        assert_eq!(self.bench.reply(self.server, call.id, b"", answer), (Status::Ok, 0));
        Ok(call.slots)
    }

    /// The same while the server waits for the call and goes on waiting: the short way.
    fn meet(
        &mut self,
        client: crate::capability::DomainId,
        target: u32,
        slots: &[Slot],
        answer: &[Slot],
    ) -> Result<Vec<Slot>, Status> {
        self.bench.wait(self.server);
        let result = match self.bench.invoke(client, target, b"", slots) {
            Some((status, _)) => Err(status),
            None => {
                let call = self.bench.message(self.server);
                self.bench.put(self.server, b"", answer);
                let sizes = super::lengths(0, answer.len());
                let arguments = [call.id, 0, sizes, accept::ALL, NO_DEADLINE];
                self.bench.blocks(self.server, Call::ReplyWait, arguments);
                assert_eq!(self.bench.result(client), Some((Status::Ok, 0)));
                Ok(call.slots)
            }
        };
        // A call without handles gets the server out of its wait.
        let nudge = self.nudge;
        assert_eq!(self.bench.send(self.relay, nudge, b"", &[]).0, Status::Ok);
        let call = self.bench.message(self.server);
        self.bench.reply(self.server, call.id, b"", &[]);
        self.bench.take(self.relay);
        result
    }

    fn pick(&self, client: usize, which: usize) -> Option<usize> {
        let held = self.clients[client].held.len();
        if held == 0 { None } else { Some(which % held) }
    }

    fn run(&mut self, step: Step) {
        match step {
            Step::Obtain(client) => {
                if self.clients[client].held.len() < 20 {
                    let object = self.next;
                    self.next += 1;
                    self.visit(client, &[], &[mint(self.serve, object)]).expect("a reply");
                    let arrived = self.bench.message(self.clients[client].domain).slots[0];
                    self.clients[client].held.push((arrived.handle, object));
                    self.revoked.insert(object, false);
                }
            }
            Step::Return(client, which) => {
                self.present(client, which, SendSlot::Move, ReceiveSlot::Home)
            }
            Step::Show(client, which) => {
                self.present(client, which, SendSlot::Lend, ReceiveSlot::HomeBorrow)
            }
            Step::Close(client, which) => self.close(client, which),
            Step::Pass(client, which) => self.pass(client, which),
            Step::Revoke(which) => {
                let live: Vec<u32> =
                    self.clients.iter().flat_map(|c| c.held.iter().map(|h| h.1)).collect();
                if let Some(object) = live.get(which % live.len().max(1)) {
                    let expected = u64::from(!self.revoked[object]);
                    let count = self.bench.expect(
                        self.server,
                        Call::Revoke,
                        [self.serve.into(), (*object).into()],
                    );
                    assert_eq!(count, expected);
                    self.revoked.insert(*object, true);
                }
            }
            Step::Kill(client) => {
                let control = self.clients[client].control;
                self.bench.kill(control);
                self.bench.expect(self.bench.init, Call::Close, [control.into()]);
                let fresh = self.client();
                let old = std::mem::replace(&mut self.clients[client], fresh);
                self.expect_drops(old.held.iter().map(|held| held.1).collect());
            }
        }
    }

    fn present(&mut self, client: usize, which: usize, kind: SendSlot, seen: ReceiveSlot) {
        let Some(index) = self.pick(client, which) else { return };
        let (handle, object) = self.clients[client].held[index];
        let result = self.visit(client, &[slot(kind, handle)], &[]);
        if self.revoked[&object] {
            assert_eq!(result, Err(Status::Revoked));
            return;
        }
        let slots = result.expect("delivered");
        assert_eq!((super::arrived(slots[0]), slots[0].object), (Some(seen), object));
        if kind == SendSlot::Move {
            self.clients[client].held.swap_remove(index);
        }
    }

    fn close(&mut self, client: usize, which: usize) {
        let Some(index) = self.pick(client, which) else { return };
        let (handle, object) = self.clients[client].held.swap_remove(index);
        self.bench.expect(self.clients[client].domain, Call::Close, [handle.into()]);
        self.expect_drops(vec![object]);
    }

    /// The server hears of exactly these.
    fn expect_drops(&mut self, mut objects: Vec<u32>) {
        while !objects.is_empty() {
            let drop = self.bench.take(self.server);
            assert_eq!(drop.event, Some(EventKind::Drop));
            let position = objects.iter().position(|object| u64::from(*object) == drop.id);
            objects.swap_remove(position.expect("one of them, once"));
        }
        self.bench.nothing(self.server);
    }

    fn pass(&mut self, client: usize, which: usize) {
        let Some(index) = self.pick(client, which) else { return };
        let next = (client + 1) % CLIENTS;
        if self.clients[next].held.len() >= 20 {
            return;
        }
        let (handle, object) = self.clients[client].held[index];
        let (from, target) = (self.clients[client].domain, self.clients[client].relay);
        let (status, _) = self.bench.send(from, target, b"", &[slot(SendSlot::Move, handle)]);
        if self.revoked[&object] {
            assert_eq!(status, Status::Revoked);
            return;
        }
        assert_eq!(status, Status::Ok);
        let call = self.bench.take(self.relay);
        let passing = call.slots[0].handle;
        self.bench.reply(self.relay, call.id, b"", &[]);
        self.bench.take(from);
        let (to, target) = (self.clients[next].domain, self.clients[next].relay);
        assert_eq!(self.bench.invoke(to, target, b"", &[]), None);
        let call = self.bench.take(self.relay);
        self.bench.reply(self.relay, call.id, b"", &[slot(SendSlot::Move, passing)]);
        self.clients[client].held.swap_remove(index);
        let arrived = self.bench.message(to).slots[0].handle;
        self.clients[next].held.push((arrived, object));
    }

    /// The kernel's tables hold what the model holds.
    fn check(&mut self) {
        let held: usize = self.clients.iter().map(|client| client.held.len()).sum();
        assert_eq!(self.bench.kernel.ipc.minted.len() as usize, held);
        assert!(self.bench.kernel.ipc.calls.is_empty());
        for client in &self.clients {
            let (domain, _) = self.bench.kernel.live(client.domain).expect("alive");
            assert_eq!(domain.handles.len() as usize, client.held.len() + 2);
        }
        let (relay, _) = self.bench.kernel.live(self.relay).expect("alive");
        assert_eq!(relay.handles.len(), 2);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    #[test]
    fn objects_are_where_the_model_says(steps in proptest::collection::vec(step(), 1..80)) {
        let mut world = World::new();
        for step in steps {
            world.run(step);
            world.check();
        }
    }

    /// Whatever numbers a domain passes, the kernel answers or ends the domain, and goes on.
    #[test]
    fn any_numbers_are_survived(
        calls in proptest::collection::vec((0u64..47, proptest::collection::vec(any::<u64>(), 5), 0u8..32), 1..200),
        slots in proptest::collection::vec((0u32..8, 0u32..0x20004, 0u32..4, any::<u32>()), 4),
    ) {
        let mut bench = Bench::new();
        let pair = bench.pair();
        let mut slots: Vec<Slot> = slots.into_iter().map(|(kind, handle, object, detail)| Slot { kind, handle, object, detail }).collect();
        slots[0] = mint(pair.serve, 3);
        for (index, (number, numbers, small)) in calls.into_iter().enumerate() {
            let who = [bench.init, pair.server, pair.client][index % 3];
            if bench.result(who).is_none() {
                continue;
            }
            bench.put(who, &[1; 40], &slots);
            // Small numbers are often handles, lengths or masks that mean something.
            let mut arguments = [0; 5];
            for (place, (bit, number)) in arguments.iter_mut().zip(numbers.into_iter().enumerate()) {
                *place = if small >> bit & 1 == 1 { number } else { mild(number) };
            }
            bench.raw(who, number, arguments);
        }
    }
}
