//! What the supervisor sees of domains: their records, their handles, and how they answer probes.

use super::answer_step;
use crate::Place;
use crate::gate::{Calls, Gate};
use crate::provided::{Outcome, Trap, records};
use crate::wire::text;
use alloc::string::String;
use atoll_gate::call::Status;
use atoll_gate::message::MAX_PAYLOAD;
use atoll_gate::record::{
    DOMAIN_HANDLES, DOMAIN_PULSE, DOMAIN_STATUS, DomainStatus, HandleInfo, Pulse, Record,
};

/// Bytes left in the result for a further handle.
const ROOM: usize = 160;

/// The kernel's record of a domain, and its last words.
pub(super) fn read_status<G: Gate>(
    place: &mut Place<G>,
    number: u32,
) -> Result<(DomainStatus, String), Trap> {
    let control = place.handle_of(number)?;
    let count = place.gate.read(control, DOMAIN_STATUS, MAX_PAYLOAD)?;
    let bytes = place.gate.receive_payload().get(..count).unwrap_or_default();
    let record =
        DomainStatus::read(bytes).ok_or("the kernel's record of the domain is malformed")?;
    Ok((record, text(bytes.get(DomainStatus::LEN..).unwrap_or_default())))
}

pub(super) fn status<G: Gate>(place: &mut Place<G>) -> Outcome {
    let (number, ()) = place.method(|_| Ok(()))?;
    let (record, message) = read_status(place, number)?;
    place.answer.put(|out| records::domain_status(out, &record, &message));
    Ok(())
}

/// All handles of a domain, or as many as fit a message.
pub(super) fn handles<G: Gate>(place: &mut Place<G>) -> Outcome {
    let control = place.method_handle()?;
    let mut count = 0u32;
    place.answer.put(|out| out.u32(0));
    'all: loop {
        let bytes = match place.gate.read(control, DOMAIN_HANDLES + u64::from(count), MAX_PAYLOAD) {
            Ok(bytes) => bytes,
            Err(Status::NotFound) => break,
            Err(status) => return Err(status.into()),
        };
        let before = count;
        let records = place.gate.receive_payload().get(..bytes).unwrap_or_default();
        for info in records.chunks_exact(HandleInfo::LEN).map_while(HandleInfo::read) {
            if place.answer.bytes().len() + ROOM > MAX_PAYLOAD {
                break 'all;
            }
            place.answer.put(|out| records::handle_info(out, &info));
            count += 1;
        }
        if count == before {
            break;
        }
    }
    place.answer.put(|out| out.patch(0, count));
    Ok(())
}

pub(super) fn probe<G: Gate>(place: &mut Place<G>) -> Outcome {
    let (domain, number) = place.method(|input| input.u64())?;
    let control = place.handle_of(domain)?;
    let result = place.gate.probe(control, number);
    answer_step(place, result, "the domain cannot be probed")
}

pub(super) fn pulse<G: Gate>(place: &mut Place<G>) -> Outcome {
    let control = place.method_handle()?;
    let count = place.gate.read(control, DOMAIN_PULSE, MAX_PAYLOAD)?;
    let bytes = place.gate.receive_payload().get(..count).unwrap_or_default();
    let pulse = Pulse::read(bytes).ok_or("the kernel's record of the domain is malformed")?;
    let words = text(bytes.get(Pulse::LEN..).unwrap_or_default());
    place.answer.put(|out| records::pulse(out, &pulse, &words));
    Ok(())
}
