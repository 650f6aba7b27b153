//! The steps of swaps, and where standbys wait: at twins, or as heirs.

use super::answer_step;
use crate::Place;
use crate::gate::{Calls, Gate};
use crate::objects::Object;
use crate::provided::{Outcome, Trap};
use crate::swap::SwapCalls;
use crate::wire::Malformed;
use alloc::vec::Vec;
use atoll_gate::call::Status;
use atoll_gate::start::Writer;

pub(super) fn quiesce<G: Gate>(place: &mut Place<G>) -> Outcome {
    let (domain, next) = pair(place)?;
    let result = place.gate.quiesce(domain, next);
    answer_step(place, result, "the domain cannot come to rest")
}

pub(super) fn thaw<G: Gate>(place: &mut Place<G>) -> Outcome {
    let control = place.method_handle()?;
    let result = place.gate.thaw(control);
    answer_step(place, result, "the domain cannot serve again")
}

pub(super) fn take_over<G: Gate>(place: &mut Place<G>) -> Outcome {
    let (new, old) = pair(place)?;
    let result = place.gate.take_over(old, new);
    answer_step(place, result, "the domain cannot take over")
}

pub(super) fn commit<G: Gate>(place: &mut Place<G>) -> Outcome {
    let len = couples(place)?;
    let result = len.and_then(|len| place.gate.commit_swap(len));
    answer_step(place, result, "the swap cannot be committed")
}

pub(super) fn revert<G: Gate>(place: &mut Place<G>) -> Outcome {
    let len = couples(place)?;
    let result = len.and_then(|len| place.gate.revert_swap(len));
    answer_step(place, result, "the swap cannot be reverted")
}

pub(super) fn twin<G: Gate>(place: &mut Place<G>) -> Outcome {
    let (number, server) = place.method(|input| input.u32())?;
    let endpoint = place.handle_of(number)?;
    let control = place.handle_of(place.lent(server).ok_or(Malformed)?)?;
    match place.gate.create_twin(endpoint, control) {
        Ok(twin) => {
            place.answer.case(0);
            place.give(Object::Endpoint(twin));
            Ok(())
        }
        Err(status) => answer_step(place, Err(status), "the endpoint has no twin"),
    }
}

pub(super) fn set_heir<G: Gate>(place: &mut Place<G>) -> Outcome {
    let (domain, heir) = pair(place)?;
    let result = place.gate.set_heir(domain, heir);
    answer_step(place, result, "the domain cannot have that heir")
}

/// The control handles of the domain whose method runs and of the one that is its parameter.
fn pair<G: Gate>(place: &mut Place<G>) -> Result<(u32, u32), Trap> {
    let (number, other) = place.method(|input| input.u32())?;
    let own = place.handle_of(number)?;
    Ok((own, place.handle_of(place.lent(other).ok_or(Malformed)?)?))
}

/// Writes pairs of control handles into the send area; their length there.
fn couples<G: Gate>(place: &mut Place<G>) -> Result<Result<usize, Status>, Trap> {
    let mut input = place.input();
    let count = input.u32()?;
    let mut handles = Vec::new();
    for _ in 0..u64::from(count) * 2 {
        handles.push(place.handle_of(place.lent(input.u32()?).ok_or(Malformed)?)?);
    }
    input.end()?;
    let mut writer = Writer::new(place.gate.send_payload());
    handles.iter().for_each(|handle| writer.u32(*handle));
    Ok(writer.finish().ok_or(Status::Invalid))
}
