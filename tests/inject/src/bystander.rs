//! A pair that no fault is injected into: a client and a server, side by side with all others for
//! the whole campaign. Each call's answer is known beforehand.

use std::{
    path::Path,
    sync::mpsc::{Receiver, Sender, channel},
    thread,
};

use anyhow::{Context, Result, bail};

use crate::{
    domain::Domain,
    kernel::{Note, Passed, State, Step},
    wire::Wire,
    work::SUBJECTS,
};

/// Bytes of native stack for the pair's thread.
const STACK: usize = 16 << 20;

/// See the module.
pub(crate) struct Bystander {
    calls: Sender<Step>,
    answers: Receiver<Vec<u8>>,
    put: (u32, u32),
    /// The number that was stored last.
    last: u64,
}

impl Bystander {
    /// Starts a `store` of its own in a thread of its own.
    pub(crate) fn start(components: &Path) -> Result<Self> {
        let subject = SUBJECTS.iter().find(|subject| subject.name == "store");
        let subject = subject.context("there is no store")?;
        let bytes = std::fs::read(components.join("store.wasm"))?;
        let targets = subject.steps(&bytes)?.into_iter().filter_map(|step| match step {
            Step::Call { target, handles, .. } => Some((target, handles.len())),
            _ => None,
        });
        // The first three steps: `version`, `table` twice; then `put`.
        let targets: Vec<_> = targets.collect();
        let (Some((open, _)), Some((put, 1))) = (targets.get(1), targets.get(3)) else {
            bail!("the store is another than the one that is known here");
        };
        let (calls, next) = channel::<Step>();
        let (answer, answers) = channel();
        let domain = move || {
            let script = move |state: &mut State| {
                for note in std::mem::take(&mut state.notes) {
                    if let Note::Reply(_, 0, payload, _) = note {
                        answer.send(payload).ok()?;
                    }
                }
                next.recv().ok()
            };
            let domain =
                Domain { subject, peer: None, fuel: u64::MAX, failing: None, backtrace: true };
            // Should it end, the next call is not answered.
            let _ = domain.live_by(&bytes, Box::new(script));
        };
        thread::Builder::new().name("bystander".into()).stack_size(STACK).spawn(domain)?;
        let pair = Self { calls, answers, put: *put, last: 0 };
        let payload = Wire::default().bytes(b"bystander").0;
        pair.calls.send(Step::Call { target: *open, payload, handles: Vec::new() })?;
        pair.answers.recv()?;
        Ok(pair)
    }

    /// Makes a call; whether the answer is the right one.
    pub(crate) fn step(&mut self) -> bool {
        let number = self.last + 1;
        let wire = Wire::default().u32(0).bytes(b"number").bytes(number.to_string().as_bytes());
        let handles = vec![Passed::Home { object: 0, lent: true }];
        let call = Step::Call { target: self.put, payload: wire.0, handles };
        if self.calls.send(call).is_err() {
            return false;
        }
        let expected = match self.last {
            0 => Wire::default().u32(0),
            last => Wire::default().u32(1).bytes(last.to_string().as_bytes()),
        };
        self.last = number;
        self.answers.recv().is_ok_and(|answer| answer == expected.0)
    }
}
