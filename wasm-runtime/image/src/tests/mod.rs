//! The image over the fake kernel.

mod capsule;
mod guardian;
mod handles;
mod health;
mod interfaces;
mod life;
mod modules;
mod readiness;
mod services;
mod signatures;
mod streams;
mod supervision;
mod swap;
mod versions;
mod whole;
#[path = "../../../tests/common/wit.rs"]
#[allow(dead_code, reason = "shared with the tests of the runtime")]
mod wit;

use crate::Place;
use crate::fake::{Fake, State, Thing};
use crate::generated::Interface;
use crate::objects::Kind;
use crate::start::{Grant, Start};
use crate::wire::Output;
use atoll_gate::call::rights;
use atoll_gate::start::{GrantKind, Options, RuntimeLimits};
use atoll_runtime::host::{CallError, Host, Origin, Passing, ResourceSlot, Target};
use std::cell::RefCell;
use std::rc::Rc;

pub(crate) const LIMITS: RuntimeLimits = RuntimeLimits {
    linear_memory: 1 << 24,
    table_elements: 1000,
    component_bytes: 1 << 20,
    handles: 100,
    call_depth: 200,
    ..RuntimeLimits::DEFAULT
};

/// A grant of the runtime's own interfaces.
pub(crate) fn kernel(interface: &str, label: &str, handle: Option<u32>) -> Grant {
    Grant { kind: GrantKind::Kernel, interface: interface.into(), label: label.into(), handle }
}

/// A place with these grants, which are made on the kernel's state.
pub(crate) fn place(
    grants: impl FnOnce(&mut State) -> Vec<Grant>,
) -> (Place<Fake>, Rc<RefCell<State>>) {
    let (gate, state) = Fake::new();
    let grants = grants(&mut state.borrow_mut());
    let start = Start {
        name: "tester".into(),
        limits: LIMITS,
        options: Options::default(),
        signers: Vec::new(),
        arguments: vec!["tester".into(), "one".into()],
        environment: vec![("HOME".into(), "/".into())],
        grants,
        standby: false,
    };
    (Place::new(gate, start), state)
}

/// The origin of a provided resource.
pub(crate) fn origin(kind: Kind) -> Origin {
    Origin::Import { target: Target::Provided(kind.interface as u32), resource: kind.resource }
}

/// An argument.
pub(crate) enum Argument<'a> {
    U8(u8),
    U16(u16),
    U32(u32),
    U64(u64),
    Bytes(&'a [u8]),
    Borrow(Kind, u32),
    Own(Kind, u32),
}

/// Calls a provided function as the runtime would; the result's bytes.
pub(crate) fn call(
    place: &mut Place<Fake>,
    interface: Interface,
    function: u32,
    arguments: &[Argument<'_>],
) -> Result<Vec<u8>, CallError> {
    let mut bytes = vec![0; 70_000];
    let mut out = Output::new(&mut bytes, 0);
    for argument in arguments {
        match argument {
            Argument::U8(value) => out.u8(*value),
            Argument::U16(value) => out.u16(*value),
            Argument::U32(value) => out.u32(*value),
            Argument::U64(value) => out.u64(*value),
            Argument::Bytes(value) => out.bytes(value),
            Argument::Borrow(kind, number) | Argument::Own(kind, number) => {
                let own = matches!(argument, Argument::Own(..));
                let passing = if own { Passing::Own } else { Passing::Borrow };
                let slot = ResourceSlot { passing, origin: origin(*kind), number: *number };
                out.u32(place.put_slot(slot).expect("room"));
            }
        }
    }
    let len = out.len();
    place.outgoing()[..len].copy_from_slice(&bytes[..len]);
    place.call(Target::Provided(interface as u32), function, len)?;
    Ok(place.incoming().to_vec())
}

/// Takes an owned handle of the result.
pub(crate) fn own(place: &mut Place<Fake>, index: u32, kind: Kind) -> u32 {
    place.take_slot(index, Passing::Own, origin(kind)).expect("the result has the handle")
}

/// Makes a pipe by `atoll:io/pipes`: reader and writer.
pub(crate) fn pipe(place: &mut Place<Fake>, capacity: u32) -> (u32, u32) {
    let made = call(place, Interface::AtollIoPipes, 0, &[Argument::U32(capacity)]);
    assert_eq!(made.expect("a pipe")[..4], [0; 4]);
    (own(place, 0, Kind::INPUT), own(place, 1, Kind::OUTPUT))
}

/// The kernel's log, to write.
pub(crate) fn log(state: &mut State) -> Grant {
    let log = state.add(Thing::Log, rights::ALL);
    kernel("atoll:log/log", "", Some(log))
}
