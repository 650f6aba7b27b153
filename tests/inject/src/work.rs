//! The servers into which faults are injected, and what their clients ask of them.
//!
//! Each server gets every kind of work that it knows: values of all types, objects that are made,
//! lent, given back and dropped, entries of the log, calls of its own, a probe, and in the end it is
//! asked for its state. The same steps always give the same transcript.

use anyhow::{Context, Result};
use atoll_runtime::{Component, RuntimeLimits};

use crate::{
    kernel::{Passed, Peer, Step, Thing},
    wire::Wire,
};

/// Bounds of the domains.
pub(crate) const LIMITS: RuntimeLimits = RuntimeLimits {
    linear_memory: 4 << 20,
    call_depth: 200,
    stack_bytes: 256 << 10,
    ..RuntimeLimits::DEFAULT
};

/// What meets an import.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Grant {
    /// The runtime, with this kernel object if it needs one.
    Kernel(&'static str, Option<Thing>),
    /// The peer.
    Peer(&'static str),
    /// It is an export.
    Export(&'static str),
}

/// A server into which faults are injected.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Subject {
    pub(crate) name: &'static str,
    pub(crate) grants: &'static [Grant],
    /// Whose descriptor the peer publishes.
    pub(crate) peer: Option<&'static str>,
    steps: fn(&Names<'_>) -> Result<Vec<Step>>,
}

const LOG: Grant = Grant::Kernel("atoll:log/log", Some(Thing::Log));

/// All of them.
pub(crate) const SUBJECTS: [Subject; 4] = [
    Subject {
        name: "store",
        grants: &[Grant::Export(STORE), Grant::Export("atoll:samples/store-handover")],
        peer: None,
        steps: store,
    },
    Subject { name: "echo", grants: &[LOG, Grant::Export(ECHO)], peer: None, steps: echo },
    Subject {
        name: "log",
        grants: &[
            LOG,
            Grant::Kernel("atoll:log/source", Some(Thing::Log)),
            Grant::Kernel("atoll:io/watch", None),
            Grant::Export(JOURNAL),
        ],
        peer: None,
        steps: journal,
    },
    Subject {
        name: "relay",
        grants: &[LOG, Grant::Peer(ECHO), Grant::Export(RELAY)],
        peer: Some("echo"),
        steps: relay,
    },
];

const STORE: &str = "atoll:samples/store";
const ECHO: &str = "atoll:testing/echo";
const JOURNAL: &str = "atoll:log/journal";
const RELAY: &str = "atoll:testing/relay";

impl Subject {
    /// The steps, for this binary of the server.
    pub(crate) fn steps(&self, component: &[u8]) -> Result<Vec<Step>> {
        let component = Component::parse(component, &LIMITS)?;
        let mut steps = (self.steps)(&Names { component: &component })?;
        steps.extend([Step::Probe, Step::Quiesce]);
        Ok(steps)
    }
}

/// The peer that is described by the binary of `echo`.
pub(crate) fn peer(echo: &[u8]) -> Result<Peer> {
    let component = Component::parse(echo, &LIMITS)?;
    let names = Names { component: &component };
    let (export, add) = names.find(ECHO, "[method]counter.add")?;
    let (_, peek) = names.find(ECHO, "peek")?;
    let descriptor = component.descriptor(export).context("echo has no descriptor")?;
    Ok(Peer::new(descriptor, add, peek))
}

/// Finds functions by name.
struct Names<'a> {
    component: &'a Component<'a>,
}

impl Names<'_> {
    fn find(&self, interface: &str, function: &str) -> Result<(u32, u32)> {
        let export = self.component.export_index(interface);
        let export = export.with_context(|| format!("{interface} is not exported"))?;
        let functions = self.component.exports().get(export as usize).map(|of| &of.ty.functions);
        let known = functions.into_iter().flatten().position(|(name, _)| name == function);
        let method = known.with_context(|| format!("{interface} has no {function}"))?;
        Ok((export, method as u32))
    }

    fn call(
        &self,
        interface: &str,
        function: &str,
        wire: Wire,
        handles: &[Passed],
    ) -> Result<Step> {
        let target = self.find(interface, function)?;
        Ok(Step::Call { target, payload: wire.0, handles: handles.to_vec() })
    }
}

const fn lent(object: usize) -> Passed {
    Passed::Home { object, lent: true }
}

fn store(names: &Names<'_>) -> Result<Vec<Step>> {
    let call =
        |function: &str, wire, handles: &[Passed]| names.call(STORE, function, wire, handles);
    let put = |table, key: &str, value: &str| {
        let wire = Wire::default().u32(0).bytes(key.as_bytes()).bytes(value.as_bytes());
        call("[method]table.put", wire, &[lent(table)])
    };
    let get = |table, key: &str| {
        call("[method]table.get", Wire::default().u32(0).bytes(key.as_bytes()), &[lent(table)])
    };
    let mut steps = vec![call("version", Wire::default(), &[])?];
    for name in ["colours", "weights"] {
        let wire = Wire::default().bytes(name.as_bytes());
        steps.push(call("[constructor]table", wire, &[])?);
    }
    for number in 0..14 {
        let key = format!("key {}", number * 5 % 9);
        steps.push(put(number % 2, &key, &"value ".repeat(number))?);
        steps.push(get(number % 2, &key)?);
    }
    steps.push(get(0, "nothing")?);
    steps.push(Step::Drop(1));
    steps.push(get(0, "key 0")?);
    Ok(steps)
}

/// A record with some of everything.
fn sample(wire: Wire, number: u32, text: &str) -> Wire {
    let wire = wire.u32(number).u64(u64::from(number) << 33).u64(1.5_f64.to_bits());
    let wire = wire.u32(u32::from('ö')).u8(1).bytes(text.as_bytes()).bytes(&[1, 2, 3]);
    wire.u32(1).u16(77).u8(9).u64(0_u64.wrapping_sub(5)).u32(2).u32(0b101)
}

fn echo(names: &Names<'_>) -> Result<Vec<Step>> {
    let wire = Wire::default;
    let call = |function: &str, wire, handles: &[Passed]| names.call(ECHO, function, wire, handles);
    let ten = wire().u8(1).u16(2).u32(3).u64(4).u32(5).u32(1.5_f32.to_bits());
    let ten = ten.u64(2.5_f64.to_bits()).u8(1).u32(u32::from('z')).u32(10);
    let items = (0..5).fold(wire().u32(5), |wire, id| wire.u32(id).u8(3).u64(0.5_f64.to_bits()));
    let polygon = wire().u32(2).u32(2).u32(1).u32(2).u32(3).u32(4);
    let mut steps = Vec::new();
    for number in [0, 41, u32::MAX] {
        steps.push(call("increment", wire().u32(number), &[])?);
    }
    steps.push(call("bytes", wire().bytes(&[7; 300]), &[])?);
    steps.push(call("measure", wire().bytes(&[7; 100]), &[])?);
    steps.push(call("fields", ten, &[])?);
    steps.push(call("items", items, &[])?);
    steps.push(call("shout", wire().bytes("Quiet, Ätoll".as_bytes()), &[])?);
    let samples = sample(sample(wire().u32(2), 1, "one"), 2, "the other");
    steps.push(call("reverse", samples, &[])?);
    steps.push(call("reshape", polygon, &[])?);
    steps.push(call("reshape", wire().u32(1).u32(2.5_f32.to_bits()), &[])?);
    steps.push(call("divide", wire().u32(84).u32(2), &[])?);
    steps.push(call("divide", wire().u32(84).u32(0), &[])?);
    for start in [5, 6, 7] {
        steps.push(call("[constructor]counter", wire().u32(start), &[])?);
    }
    steps.push(call("[method]counter.add", wire().u32(0).u32(30), &[lent(0)])?);
    let home = |object| Passed::Home { object, lent: false };
    let both = [home(0), home(1)];
    steps.push(call("[static]counter.merge", wire().u32(0).u32(1), &both)?);
    steps.push(call("peek", wire().u32(0), &[lent(3)])?);
    steps.push(Step::Drop(2));
    steps.push(call("living", wire(), &[])?);
    steps.push(call("[method]counter.get", wire().u32(0), &[lent(3)])?);
    Ok(steps)
}

fn journal(names: &Names<'_>) -> Result<Vec<Step>> {
    let query = |server: Option<&str>, level, since, limit| {
        let wire = match server {
            Some(name) => Wire::default().u32(1).bytes(name.as_bytes()),
            None => Wire::default().u32(0),
        };
        names.call(JOURNAL, "query", wire.u32(level).u64(since).u32(limit), &[])
    };
    let mut steps = vec![query(None, 4, 0, 200)?];
    steps.extend((0..6).map(|number| Step::Log(format!("entry {number}"))));
    steps.push(query(None, 4, 0, 200)?);
    steps.push(query(Some("tester"), 2, 3, 2)?);
    steps.push(query(Some("nobody"), 2, 0, 9)?);
    steps.push(Step::Log("a longer entry, ".repeat(9)));
    steps.push(query(None, 2, 5, 200)?);
    Ok(steps)
}

fn relay(names: &Names<'_>) -> Result<Vec<Step>> {
    let wire = Wire::default;
    let call =
        |function: &str, wire, handles: &[Passed]| names.call(RELAY, function, wire, handles);
    let given = |value| Passed::Peer { value, lent: false };
    let mut steps = vec![call("add-kept", wire().u32(1), &[])?, call("give-back", wire(), &[])?];
    for value in [10, 20, 30] {
        steps.push(call("keep", wire().u32(0), &[given(value)])?);
        steps.push(call("add-kept", wire().u32(value), &[])?);
        let read = Passed::Peer { value: value + 1, lent: true };
        steps.push(call("read-lent", wire().u32(0), &[read])?);
    }
    steps.push(call("give-back", wire(), &[])?);
    steps.push(call("add-kept", wire().u32(1), &[])?);
    Ok(steps)
}
