//! The guardian: what becomes of everybody when the first domain ends, hangs or is succeeded.

mod ends;
mod succession;
mod watch;

use super::{Bench, PLAIN, Pair, copy, lengths};
use crate::capability::DomainId;
use atoll_gate::call::{NO_DEADLINE, ObjectKind, rights};
use atoll_gate::message::accept;
use atoll_gate::record::Cause;
use atoll_gate::start::StartReader;
use atoll_gate::{Call, Status};

impl Bench {
    /// Ends the first domain by itself, and lets the bench act for the next one.
    pub(super) fn crash(&mut self) {
        let init = self.init;
        self.put(init, b"by mistake\nsomewhere", &[]);
        let words = lengths(20, 0);
        assert_eq!(self.call(init, Call::Exit, [Cause::Trapped as u64, 1, words]), None);
        self.meet_first();
        self.take_authority();
    }

    /// Takes what a first domain starts with.
    fn take_authority(&mut self) {
        let start = self.message(self.init);
        [self.system, self.log] = [start.slots[0].handle, start.slots[1].handle];
        self.put(self.init, b"init.wasm", &[]);
        let arguments = [self.system.into(), lengths(9, 0)];
        self.blob = self.expect(self.init, Call::OpenBlob, arguments) as u32;
    }

    /// Looks who is the first domain now.
    pub(super) fn meet_first(&mut self) {
        let mut domains = self.kernel.domains.iter();
        let first = domains.find(|(id, _)| self.kernel.is_first(*id)).expect("a first domain").0;
        self.init = first;
    }

    /// The first domain's handle of its capsule.
    fn first_capsule(&self) -> u32 {
        self.message(self.init).slots[2].handle
    }

    /// What the first domain can adopt of a kind.
    fn adopt_all(&mut self, kind: ObjectKind) -> Vec<u32> {
        let mut handles = Vec::new();
        loop {
            let n = handles.len() as u64;
            match self.call(self.init, Call::Adopt, [kind as u64, n]).expect("an answer") {
                (Status::Ok, handle) => handles.push(handle as u32),
                (Status::NotFound, _) => return handles,
                (status, _) => panic!("{status:?}"),
            }
        }
    }

    /// The control handle to a domain, adopted.
    pub(super) fn adopt_domain(&mut self, domain: DomainId) -> u32 {
        let number = self.kernel.domains.get(domain).expect("known").number;
        let adopted = self.adopt_all(ObjectKind::Domain);
        let (found, others): (Vec<u32>, Vec<u32>) =
            adopted.into_iter().partition(|control| self.status(*control).0.id == number);
        for other in others {
            self.expect(self.init, Call::Close, [other.into()]);
        }
        found[0]
    }

    fn lives(&self, domain: DomainId) -> bool {
        self.kernel.live(domain).is_ok()
    }

    /// The arguments that the first domain was started with.
    fn first_arguments(&self) -> Vec<String> {
        let start = self.message(self.init);
        let record = StartReader::read(&start.payload).expect("a start record");
        record.arguments().map(str::to_owned).collect()
    }
}
