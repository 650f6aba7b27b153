//! What is measured.

use crate::guests::Guests;
use crate::hosts::{Call, Driven, Host, Loop, Run};
use anyhow::Result;

/// Something that hosts do.
pub(crate) struct Case {
    /// How the table calls it.
    pub(crate) name: String,
    /// Sets a host up for it; `None` if the host cannot do it.
    pub(crate) prepare: Box<dyn Fn(&dyn Host) -> Result<Option<Run>>>,
}

fn case(
    name: impl Into<String>,
    prepare: impl Fn(&dyn Host) -> Result<Option<Run>> + 'static,
) -> Case {
    Case { name: name.into(), prepare: Box::new(prepare) }
}

/// The calls and how the table names them.
const CALLS: [(&str, Call); 7] = [
    ("u32", Call::Number),
    ("16 B", Call::Bytes(16)),
    ("4 KiB", Call::Bytes(4096)),
    ("record of ten", Call::Fields),
    ("100 records", Call::Items),
    ("string", Call::Text),
    ("method", Call::Method),
];

/// All cases; `files` are further components to load, with their names.
pub(crate) fn all(guests: &Guests, files: &[(String, &'static [u8])]) -> Vec<Case> {
    let Guests { provider, consumer, composed } = *guests;
    let mut cases = Vec::new();
    for (name, call) in CALLS {
        cases.push(case(format!("export, {name}"), move |host| host.call(provider, call)));
    }
    for (name, call) in CALLS {
        let guest = Driven::Alone(consumer, provider);
        cases.push(case(format!("import, {name}"), move |host| host.drive(&guest, call)));
    }
    for (name, call) in CALLS {
        let guest = Driven::Composed(composed);
        cases.push(case(format!("inside, {name}"), move |host| host.drive(&guest, call)));
    }
    cases.push(case("instantiation", move |host| host.instantiate(provider)));
    let size = provider.len();
    cases.push(case(format!("load, guest of {size} B"), move |host| Ok(host.load(provider))));
    for (name, bytes) in files {
        let (name, bytes) = (format!("load, {name} of {} B", bytes.len()), *bytes);
        cases.push(case(name, move |host| Ok(host.load(bytes))));
    }
    for (name, work, argument) in [
        ("integers", Loop::Integers, 20_000),
        ("memory", Loop::Memory, 4),
        ("calls", Loop::Calls, 18),
    ] {
        cases.push(case(format!("loop, {name}"), move |host| host.work(provider, work, argument)));
    }
    cases
}
