//! One life of a domain on the host: from its start record to its end.

use std::{
    any::Any,
    cell::RefCell,
    panic::{AssertUnwindSafe, catch_unwind, set_hook},
    rc::Rc,
};

use atoll_gate::{
    call::Call,
    message::{Header, ReceiveSlot, Slot},
    record::Cause,
    start::{self, GrantKind, NO_SLOT, Options, StartRecord, Writer},
};
use atoll_image::serve::{self, End};

use crate::{
    kernel::{Failing, Kernel, Killed, Message, Note, Peer, Script, State, Step, Thing},
    work::{Grant, LIMITS, Subject},
};

/// How a life ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    /// It was killed when nothing more was asked of it: it did all its work.
    Done,
    /// It ended itself, by a trap or otherwise.
    Ended(Cause, String),
    /// The runtime panicked; where and why.
    Panicked(String),
}

/// A life, as it is seen from outside.
#[derive(Clone, Debug)]
pub(crate) struct Life {
    pub(crate) ending: Ending,
    pub(crate) notes: Vec<Note>,
    /// Gate calls that it made.
    pub(crate) calls: u64,
    /// The one that was made to fail, if it came to that.
    pub(crate) failed: Option<Call>,
}

impl Life {
    /// Whether it did all its work and answered just so.
    pub(crate) fn is(&self, notes: &[Note]) -> bool {
        self.ending == Ending::Done && self.notes == notes
    }
}

/// What a domain is started with.
#[derive(Clone, Copy)]
pub(crate) struct Domain<'a> {
    pub(crate) subject: &'a Subject,
    /// Makes its peer, if it has one.
    pub(crate) peer: Option<&'a dyn Fn() -> Peer>,
    /// What its guest may spend.
    pub(crate) fuel: u64,
    pub(crate) failing: Option<Failing>,
    /// Whether its code keeps note of its calls, for backtraces.
    pub(crate) backtrace: bool,
}

impl Domain<'_> {
    /// Lives the life of a component to which these steps come.
    pub(crate) fn live(&self, component: &[u8], steps: &[Step]) -> Life {
        let steps = steps.to_vec();
        let mut steps = steps.into_iter();
        self.live_by(component, Box::new(move |_| steps.next()))
    }

    /// The same with steps that are made as they are needed.
    pub(crate) fn live_by(&self, component: &[u8], script: Script) -> Life {
        let state = Rc::new(RefCell::new(State::default()));
        let start = self.start(&mut state.borrow_mut());
        let kernel = Kernel::new(state.clone(), start, script, self.fuel, self.failing);
        let live = || serve::live(kernel, component, |end| end);
        let ending = match catch_unwind(AssertUnwindSafe(live)) {
            Ok(End { cause, message, .. }) => Ending::Ended(cause, message),
            Err(thrown) if thrown.is::<Killed>() => Ending::Done,
            Err(thrown) => Ending::Panicked(panic_message(thrown.as_ref())),
        };
        let mut state = state.borrow_mut();
        let notes = std::mem::take(&mut state.notes);
        Life { ending, notes, calls: state.calls, failed: state.failed }
    }

    /// The start record, and its handles in the domain's table.
    fn start(&self, state: &mut State) -> Message {
        if let Some(peer) = self.peer {
            state.set_peer(peer());
        }
        let mut slots = Vec::new();
        let mut hand = |state: &mut State, thing| {
            let slot = slots.len() as u32;
            let handle = state.add(thing);
            slots.push(Slot { kind: ReceiveSlot::Handle as u32, handle, ..Slot::default() });
            slot
        };
        let mut grants = Vec::new();
        for grant in self.subject.grants {
            let (kind, interface, thing) = match grant {
                Grant::Kernel(interface, thing) => (GrantKind::Kernel, interface, *thing),
                Grant::Peer(interface) => (GrantKind::Endpoint, interface, Some(Thing::Peer)),
                Grant::Export(interface) => (GrantKind::Export, interface, Some(Thing::Serve)),
            };
            let slot = thing.map_or(NO_SLOT, |thing| hand(state, thing));
            grants.push(start::Grant { kind, interface, label: "", slot });
        }
        let record = StartRecord {
            name: self.subject.name,
            limits: LIMITS,
            options: Options { backtrace: self.backtrace, snapshot: false },
            arguments: &[],
            environment: &[],
            signers: &[],
            grants: &grants,
        };
        let mut payload = vec![0; 4096];
        let mut writer = Writer::new(&mut payload);
        record.write(&mut writer);
        let len = writer.finish().unwrap_or_default();
        payload.truncate(len);
        let header = Header {
            payload_len: payload.len() as u32,
            slot_count: slots.len() as u32,
            ..Header::default()
        };
        Message { header, payload, slots }
    }
}

thread_local! {
    static PLACE: RefCell<String> = const { RefCell::new(String::new()) };
}

/// Has panics remembered instead of printed.
pub(crate) fn remember_panics() {
    set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string).unwrap_or_default();
        PLACE.with_borrow_mut(|last| *last = place);
    }));
}

fn panic_message(thrown: &(dyn Any + Send)) -> String {
    let text = thrown.downcast_ref::<String>().map(String::as_str);
    let text = text.or_else(|| thrown.downcast_ref::<&str>().copied()).unwrap_or("no message");
    PLACE.with_borrow(|place| format!("{place}: {text}"))
}
