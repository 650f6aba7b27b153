//! What a component host can do, and the hosts.
//!
//! Every host takes and gives the same Rust values, so that what it does to bring them into and out
//! of a guest is counted on every side. A host that lacks something returns `None`.

mod atoll;
mod layer;
mod peer;
mod wire;

use anyhow::Result;
use wasmtime::component::{ComponentType, Lift, Lower};

/// The record of ten fields.
#[derive(Clone, Copy, Debug, PartialEq, ComponentType, Lift, Lower)]
#[component(record)]
#[allow(missing_docs, reason = "ten fields of no meaning")]
pub(crate) struct Ten {
    pub(crate) a: u8,
    pub(crate) b: u16,
    pub(crate) c: u32,
    pub(crate) d: u64,
    pub(crate) e: i32,
    pub(crate) f: f32,
    pub(crate) g: f64,
    pub(crate) h: bool,
    pub(crate) i: char,
    pub(crate) j: u32,
}

/// The record of which there are lists.
#[derive(Clone, Copy, Debug, PartialEq, ComponentType, Lift, Lower)]
#[component(record)]
pub(crate) struct Item {
    pub(crate) id: u32,
    pub(crate) kind: u8,
    pub(crate) weight: f64,
}

/// A resource that the host itself has.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Counter(pub(crate) u32);

/// Functions of `api` and how much they carry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Call {
    /// `u32 -> u32`.
    Number,
    /// `list<u8> -> list<u8>` of that many bytes.
    Bytes(u32),
    /// The record of ten fields there and back.
    Fields,
    /// A hundred records there and back.
    Items,
    /// A text of 28 characters there and back.
    Text,
    /// A method of a resource: `u32 -> u32`.
    Method,
}

/// Functions of `loops`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Loop {
    Integers,
    Memory,
    Calls,
}

/// The values that are sent.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Values {
    pub(crate) bytes: &'static [u8],
    pub(crate) ten: Ten,
    pub(crate) items: &'static [Item],
    pub(crate) text: &'static str,
}

impl Values {
    /// For that call.
    pub(crate) fn of(call: Call) -> Self {
        let size = if let Call::Bytes(size) = call { size } else { 0 };
        let item = |id: u32| Item { id, kind: id as u8, weight: f64::from(id) / 8.0 };
        Self {
            bytes: (0..size).map(|byte| byte as u8).collect::<Vec<u8>>().leak(),
            ten: Ten {
                a: 200,
                b: 60_000,
                c: 3,
                d: 4,
                e: -5,
                f: 6.5,
                g: 7.25,
                h: true,
                i: '🦀',
                j: 2,
            },
            items: (0..100).map(item).collect::<Vec<Item>>().leak(),
            text: "Grüße von der anderen Seite!",
        }
    }
}

/// Runs something that many times.
pub(crate) type Run = Box<dyn FnMut(u32) -> Result<()>>;

/// A component host.
pub(crate) trait Host {
    /// How the table calls it.
    fn name(&self) -> &'static str;
    /// Makes everything of a component that does not depend on an instance, and forgets it.
    fn load(&self, component: &'static [u8]) -> Option<Run>;
    /// Makes instances of a component without imports that was loaded before.
    fn instantiate(&self, component: &'static [u8]) -> Result<Option<Run>>;
    /// Calls a function of an exported `api`.
    fn call(&self, provider: &'static [u8], call: Call) -> Result<Option<Run>>;
    /// Runs a loop of the provider, with that argument.
    fn work(&self, provider: &'static [u8], work: Loop, argument: u32) -> Result<Option<Run>>;
    /// Drives a consumer. Its `api` is the host's own, or it has none if it is composed.
    fn drive(&self, guest: &Driven, call: Call) -> Result<Option<Run>>;
}

/// A guest that exports `drive`.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Driven {
    /// It imports `api`; the second component is one that exports it, for its types.
    Alone(&'static [u8], &'static [u8]),
    /// It imports nothing.
    Composed(&'static [u8]),
}

/// What a drive of that many rounds must give.
pub(crate) fn expected(call: Call, rounds: u32) -> u32 {
    rounds.wrapping_mul(match call {
        Call::Number | Call::Method => 1,
        Call::Bytes(size) => size,
        Call::Fields => 2,
        Call::Items => 100,
        Call::Text => 30,
    })
}

/// Atoll first, then those that are compared with it.
pub(crate) fn all(filter: &str) -> Result<Vec<Box<dyn Host>>> {
    let others: [Box<dyn Host>; 4] = [
        Box::new(peer::Peer::pulley()?),
        Box::new(peer::Peer::cranelift()?),
        Box::new(layer::Layer),
        Box::new(atoll::Atoll::with_backtraces()),
    ];
    let mut hosts: Vec<Box<dyn Host>> = vec![Box::new(atoll::Atoll::plain())];
    hosts.extend(others.into_iter().filter(|host| host.name().contains(filter)));
    Ok(hosts)
}
