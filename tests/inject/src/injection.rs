//! One fault: which, where, and what comes of it.

use std::fmt;

use atoll_gate::{call::Status, record::Cause};

use crate::{
    domain::{Ending, Life},
    fault::Fault,
    kernel::{Failing, Note},
    layout::{Edit, Part, unsigned},
    prepared::Prepared,
    random::Random,
};

/// How often each fault is chosen, of the sum.
const WEIGHTS: [(Fault, usize); 12] = [
    (Fault::Constant, 10),
    (Fault::Operator, 10),
    (Fault::Condition, 10),
    (Fault::Local, 10),
    (Fault::Offset, 10),
    (Fault::Branch, 10),
    (Fault::Call, 10),
    (Fault::Removed, 10),
    (Fault::CodeBit, 4),
    (Fault::DataBit, 5),
    (Fault::MemorySize, 1),
    (Fault::GateCall, 10),
];

/// What a gate call can fail with.
pub(crate) const FAILURES: [Status; 12] = [
    Status::Invalid,
    Status::BadHandle,
    Status::WrongKind,
    Status::Denied,
    Status::OutOfMemory,
    Status::QuotaExceeded,
    Status::TimedOut,
    Status::WouldBlock,
    Status::Closed,
    Status::NotReady,
    Status::PeerRestarted,
    Status::Revoked,
];

/// How often a place is looked for before another fault is chosen.
const TRIES: usize = 8;

/// A fault that is to be injected.
#[derive(Debug)]
pub(crate) struct Injection {
    pub(crate) fault: Fault,
    /// What is changed, if it is the component.
    edit: Option<Edit>,
    /// What fails, if it is a gate call.
    failing: Option<Failing>,
    /// The operator that is changed.
    site: Option<usize>,
    /// Whether the code keeps note of its calls.
    backtrace: bool,
}

/// What came of it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Outcome {
    /// The component was refused before any of its code ran.
    Refused,
    /// All answers are the right ones.
    NoEffect,
    /// The server lives, and something that it did is another.
    Wrong,
    /// The domain ended, in this way.
    Crashed(&'static str),
    /// The runtime panicked, which it must not.
    Panicked(String),
}

impl Injection {
    /// Chooses a fault.
    pub(crate) fn choose(prepared: &Prepared, only: Option<&[Fault]>, random: &mut Random) -> Self {
        // One in eight is translated as in a system that reports backtraces: it takes longer.
        let backtrace = random.chance(1, 8);
        loop {
            let fault = weighted(random);
            if only.is_some_and(|only| !only.contains(&fault)) {
                continue;
            }
            if fault == Fault::GateCall {
                let at = random.below(prepared.calls as usize + 2) as u64;
                let status = random.pick(&FAILURES).copied().unwrap_or(Status::Invalid);
                let failing = Some(Failing { at, status });
                return Self { fault, edit: None, failing, site: None, backtrace };
            }
            let found = (0..TRIES).find_map(|_| edit(prepared, fault, random));
            if let Some((site, edit)) = found {
                return Self { fault, edit: Some(edit), failing: None, site, backtrace };
            }
        }
    }

    /// The component with the fault; as it is if the fault is not in it.
    pub(crate) fn component(&self, prepared: &Prepared) -> Vec<u8> {
        let bytes = &prepared.program.bytes;
        let changed =
            self.edit.as_ref().and_then(|edit| prepared.program.layout.apply(bytes, edit).ok());
        changed.unwrap_or_else(|| bytes.clone())
    }

    /// Injects it; the life that came of it.
    pub(crate) fn live(&self, prepared: &Prepared) -> Life {
        match &self.edit {
            Some(_) => prepared.live(&self.component(prepared), None, self.backtrace),
            None => prepared.live(&prepared.program.bytes, self.failing, self.backtrace),
        }
    }

    /// Whether the changed operator ran or the gate call failed; `None` where it cannot be told.
    pub(crate) fn was_activated(&self, prepared: &Prepared, life: Option<&Life>) -> Option<bool> {
        match self.fault {
            Fault::GateCall => life.map(|life| life.failed.is_some()),
            Fault::MemorySize => Some(true),
            _ => self.site.map(|site| prepared.is_run(site)),
        }
    }

    /// Says what is done, for people.
    pub(crate) fn describe(&self, prepared: &Prepared) -> String {
        let mut text = format!("{} in {}", self.fault.name(), prepared.subject.name);
        if let Some(Failing { at, status }) = self.failing {
            text += &format!(": gate call {at} fails with {status:?}");
        }
        if let Some(edit) = &self.edit {
            let before = prepared.program.bytes.get(edit.range.clone()).unwrap_or_default();
            let (at, after) = (edit.range.start, &edit.bytes);
            text += &format!(", {:?}, at {at:#08x}: {before:02x?} to {after:02x?}", edit.part);
        }
        let site = self.site.and_then(|site| prepared.program.sites.get(site));
        if let Some(operator) = site.and_then(|site| prepared.program.operator(site)) {
            text += &format!(" ({operator:?})");
        }
        text
    }
}

impl Outcome {
    /// What a life is, compared with one without a fault.
    pub(crate) fn of(fault: Fault, life: &Life, prepared: &Prepared) -> Self {
        let was_ready = life.notes.contains(&Note::Ready);
        match &life.ending {
            Ending::Panicked(what) => Self::Panicked(what.clone()),
            Ending::Done if life.notes == prepared.notes => Self::NoEffect,
            Ending::Done => Self::Wrong,
            Ending::Ended(Cause::Refused, _) if fault != Fault::GateCall && !was_ready => {
                Self::Refused
            }
            Ending::Ended(cause, message) => Self::Crashed(kind(*cause, message)),
        }
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused => f.write_str("refused at load"),
            Self::NoEffect => f.write_str("no effect"),
            Self::Wrong => f.write_str("wrong answers only"),
            Self::Crashed(kind) => write!(f, "crashed: {kind}"),
            Self::Panicked(what) => write!(f, "runtime panicked: {what}"),
        }
    }
}

/// How a domain ended, by what its last words contain.
const KINDS: [(&str, &str); 13] = [
    ("no room for", "memory over its limit"),
    ("all fuel consumed", "hung"),
    ("`unreachable`", "unreachable"),
    ("out of bounds memory", "memory out of bounds"),
    ("out of bounds table", "table out of bounds"),
    ("undefined table element", "table out of bounds"),
    ("call stack exhausted", "stack exhausted"),
    ("integer", "integer division or conversion"),
    ("indirect call", "indirect call of another type"),
    ("uninitialized", "indirect call of nothing"),
    ("unknown handle index", "used a handle that it does not have"),
    ("call of `", "an import failed"),
    ("the server was restarted", "an import failed"),
];

fn kind(cause: Cause, message: &str) -> &'static str {
    let known = KINDS.iter().find(|(part, _)| message.contains(part));
    match cause {
        Cause::Trapped => {
            known.map_or("values outside their types or its memory", |(_, kind)| kind)
        }
        Cause::Exited => "start failed in words",
        Cause::Refused => "start failed in the runtime",
        _ => "ended otherwise",
    }
}

fn weighted(random: &mut Random) -> Fault {
    let sum = WEIGHTS.iter().map(|(_, weight)| weight).sum();
    let mut at = random.below(sum);
    for (fault, weight) in WEIGHTS {
        if at < weight {
            return fault;
        }
        at -= weight;
    }
    Fault::Constant
}

/// Looks for a place for a fault of the component.
fn edit(prepared: &Prepared, fault: Fault, random: &mut Random) -> Option<(Option<usize>, Edit)> {
    let program = &prepared.program;
    match fault {
        Fault::CodeBit => {
            let body = random.below(program.layout.bodies.len());
            let edit = bit(prepared, Part::Body(body), random)?;
            Some((program.site_at(edit.range.start), edit))
        }
        Fault::DataBit => bit(prepared, Part::Data, random).map(|edit| (None, edit)),
        Fault::MemorySize => memory_size(prepared, random).map(|edit| (None, edit)),
        _ => {
            // Three of four where it is met, the fourth anywhere.
            let sites = match prepared.running_sites(fault) {
                running if random.chance(3, 4) && !running.is_empty() => running,
                _ => program.sites_of(fault),
            };
            let number = *random.pick(sites)?;
            let site = program.sites.get(number)?;
            let bytes = fault.make(program, site, random)?;
            let edit = Edit { part: Part::Body(site.body), range: site.range.clone(), bytes };
            Some((Some(number), edit))
        }
    }
}

fn bit(prepared: &Prepared, part: Part, random: &mut Random) -> Option<Edit> {
    let range = prepared.program.layout.range(part)?;
    let at = range.start + random.below(range.len());
    let before = *prepared.program.bytes.get(at)?;
    let bytes = vec![before ^ 1 << random.below(8)];
    Some(Edit { part, range: at..at + 1, bytes })
}

/// Other limits for the memory. Core specification, "Binary Format", "Limits".
fn memory_size(prepared: &Prepared, random: &mut Random) -> Option<Edit> {
    let range = prepared.program.layout.range(Part::Memory)?;
    let least = random.below(40) as u64;
    let most = least + random.below(4) as u64;
    let with_most = random.chance(1, 2);
    let mut bytes = vec![1, u8::from(with_most)];
    bytes.extend(unsigned(least));
    if with_most {
        bytes.extend(unsigned(most));
    }
    let same = prepared.program.bytes.get(range.clone()) == Some(&bytes);
    (!same).then_some(Edit { part: Part::Memory, range, bytes })
}
