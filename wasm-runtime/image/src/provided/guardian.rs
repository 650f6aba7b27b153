//! `atoll:supervision/guardian`: what the kernel does for the first domain and its successors.

use super::domains::answer_step;
use super::{Outcome, grants};
use crate::Place;
use crate::gate::{Calls, Gate};
use crate::generated::atoll_supervision_guardian::Function;
use crate::objects::{Domain, Object};
use crate::wire::Malformed;
use alloc::boxed::Box;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use atoll_gate::call::{Call, ObjectKind, Status};

pub(super) fn call<G: Gate>(place: &mut Place<G>, function: Function) -> Outcome {
    match function {
        Function::Began => began(place),
        Function::AdoptEndpoints => adopt(place, ObjectKind::Endpoint),
        Function::AdoptDomains => adopt(place, ObjectKind::Domain),
        Function::AdoptCapsules => adopt(place, ObjectKind::Capsule),
        Function::Settle => {
            place.gate.enter(Call::Settle, [0; 5])?;
            Ok(())
        }
        Function::MakeSuccessor => make_successor(place),
        Function::Succeed => succeed(place),
    }
}

/// The arguments of a first domain: its component, and how the one before ended.
fn began<G: Gate>(place: &mut Place<G>) -> Outcome {
    let mut arguments = place.start.arguments.iter().map(String::as_str);
    let component = arguments.next().unwrap_or_default();
    let end = arguments.next().filter(|end| !end.is_empty());
    let before = end.map(|end| match arguments.next() {
        None | Some("") => String::from(end),
        Some(words) => format!("{end}: {words}"),
    });
    place.answer.put(|out| {
        out.string(component);
        out.u32(u32::from(before.is_some()));
        before.iter().for_each(|before| out.string(before));
    });
    Ok(())
}

/// A list of all that can be adopted of a kind.
fn adopt<G: Gate>(place: &mut Place<G>, kind: ObjectKind) -> Outcome {
    let mut count = 0;
    place.answer.put(|out| out.u32(0));
    loop {
        let handle = match place.gate.enter(Call::Adopt, [kind as u64, u64::from(count), 0, 0, 0]) {
            Ok(handle) => handle as u32,
            Err(Status::NotFound) => break,
            Err(status) => return Err(status.into()),
        };
        place.give(match kind {
            ObjectKind::Domain => under_control(handle),
            ObjectKind::Capsule => Object::Capsule(handle),
            _ => Object::Endpoint(handle),
        });
        count += 1;
    }
    place.answer.put(|out| out.patch(0, count));
    Ok(())
}

/// A domain that somebody else made and started.
fn under_control(control: u32) -> Object {
    Object::Domain(Box::new(Domain {
        control,
        grants: Vec::new(),
        signers: Vec::new(),
        started: true,
        standby: false,
    }))
}

fn make_successor<G: Gate>(place: &mut Place<G>) -> Outcome {
    let system = place.granted("atoll:supervision/guardian")?;
    let mut input = place.input();
    let module = input.u32()?;
    input.end()?;
    let blob = place.handle_of(place.lent(module).ok_or(Malformed)?)?;
    let arguments = [u64::from(system), u64::from(blob), 0, 0, 0];
    let made = place.gate.enter(Call::CreateSuccessor, arguments).map(|control| control as u32);
    match made {
        Ok(control) => {
            place.answer.case(0);
            place.give(under_control(control));
        }
        Err(status) => grants::error(place, status, "a successor"),
    }
    Ok(())
}

fn succeed<G: Gate>(place: &mut Place<G>) -> Outcome {
    let mut input = place.input();
    let (successor, within_ns, probation_ns) = (input.u32()?, input.u64()?, input.u64()?);
    input.end()?;
    let control = place.handle_of(place.lent(successor).ok_or(Malformed)?)?;
    let deadline = place.gate.clock().saturating_add(within_ns);
    let arguments = [u64::from(control), deadline, probation_ns, 0, 0];
    let result = place.gate.enter(Call::Succeed, arguments).map(drop);
    answer_step(place, result, "the supervisor cannot be succeeded")
}
