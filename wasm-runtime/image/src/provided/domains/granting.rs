//! What domains are granted before they start.

use super::answer;
use crate::Place;
use crate::gate::{Calls, Gate};
use crate::objects::{Hold, Object, Pending};
use crate::provided::Outcome;
use crate::provided::grants::{self, Authority};
use crate::wire::Malformed;
use alloc::string::String;
use atoll_gate::call::{Status, rights};
use atoll_gate::start::GrantKind;

pub(super) fn endpoint<G: Gate>(place: &mut Place<G>) -> Outcome {
    let (number, (interface, endpoint, policy)) =
        place.method(|input| Ok((String::from(input.string()?), input.u32()?, input.case(3)?)))?;
    let (kind, right) = match policy {
        0 => (GrantKind::Endpoint, rights::CALL),
        1 => (GrantKind::Endpoint, rights::CALL | rights::RETRY),
        _ => (GrantKind::EndpointOrTrap, rights::CALL),
    };
    give_endpoint(place, number, &interface, endpoint, (kind, right))
}

pub(super) fn export<G: Gate>(place: &mut Place<G>) -> Outcome {
    let (number, (interface, endpoint)) =
        place.method(|input| Ok((String::from(input.string()?), input.u32()?)))?;
    give_endpoint(place, number, &interface, endpoint, (GrantKind::Export, rights::SERVE))
}

/// Adds the grant of a lent endpoint, with one right.
fn give_endpoint<G: Gate>(
    place: &mut Place<G>,
    number: u32,
    interface: &str,
    endpoint: u32,
    (kind, right): (GrantKind, u32),
) -> Outcome {
    let endpoint = place.handle_of(place.lent(endpoint).ok_or(Malformed)?)?;
    let narrowed = place.gate.copy(endpoint, right);
    let result = narrowed.and_then(|handle| {
        grants::add(place, number, grants::pending(kind, interface, "", handle))
    });
    answer(place, result, interface)
}

pub(super) fn capsule<G: Gate>(place: &mut Place<G>) -> Outcome {
    let interface = "atoll:lifecycle/capsule";
    let (number, capsule) = place.method(|input| input.u32())?;
    let capsule = place.handle_of(place.lent(capsule).ok_or(Malformed)?)?;
    let narrowed = place.gate.copy(capsule, rights::READ | rights::WRITE);
    let result = narrowed.and_then(|handle| {
        grants::add(place, number, grants::pending(GrantKind::Kernel, interface, "", handle))
    });
    answer(place, result, interface)
}

pub(super) fn kernel<G: Gate>(place: &mut Place<G>) -> Outcome {
    let (number, (interface, label, authority)) = place.method(|input| {
        let (interface, label) = (String::from(input.string()?), String::from(input.string()?));
        Ok((interface, label, Authority::read(input)?))
    })?;
    let standby = matches!(place.objects.get(number), Some(Object::Domain(own)) if own.standby);
    let made = authority.make(place, label, standby);
    let result = made.and_then(|(handle, label)| {
        let interface = interface.clone();
        grants::add(place, number, Pending { kind: GrantKind::Kernel, interface, label, handle })
    });
    answer(place, result, &interface)
}

pub(super) fn stream<G: Gate>(place: &mut Place<G>, label: &str) -> Outcome {
    let (number, stream) = place.method(|input| input.u32())?;
    let stream = place.moved(stream).ok_or(Malformed)?;
    place.drain(stream);
    let result = match place.take_pipe(stream) {
        Some(handle) => {
            grants::add(place, number, grants::pending(GrantKind::Stream, "", label, handle))
        }
        None => Err(Status::WrongKind),
    };
    answer(place, result, label)
}

impl<G: Gate> Place<G> {
    /// Takes the kernel handle out of a stream that is given away; `None`, and the stream is
    /// dropped, if it is no pipe.
    fn take_pipe(&mut self, number: u32) -> Option<u32> {
        let entry = self.objects.entry_mut(number)?;
        let handle = match entry.object {
            Object::Input(_) | Object::Output(_) => {
                entry.object.handle().filter(|_| entry.hold == Hold::Owned)
            }
            _ => None,
        };
        if handle.is_some() {
            entry.object = Object::Gone;
        }
        self.leave(number);
        handle
    }
}
