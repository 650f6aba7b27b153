//! `atoll:introspection/system` and `atoll:supervision/machine`.

use super::{Outcome, clocks, records};
use crate::Place;
use crate::gate::{Calls, Gate};
use crate::generated::{atoll_introspection_system, atoll_supervision_machine};
use atoll_gate::call::Power;
use atoll_gate::message::MAX_PAYLOAD;
use atoll_gate::record::{DomainStatus, Record, SYSTEM_DOMAINS};

/// Bytes left in the result for a further domain.
const ROOM: usize = 256;

pub(super) fn call<G: Gate>(
    place: &mut Place<G>,
    function: atoll_introspection_system::Function,
) -> Outcome {
    let system = place.granted("atoll:introspection/system")?;
    match function {
        atoll_introspection_system::Function::Machine => {
            let machine = clocks::read_machine(place, system)?;
            place.answer.put(|out| {
                for number in [
                    machine.memory_total,
                    machine.memory_free,
                    machine.uptime_ns,
                    machine.idle_ns,
                    machine.gate_calls,
                    machine.switches,
                    machine.interrupts,
                ] {
                    out.u64(number);
                }
            });
            Ok(())
        }
        atoll_introspection_system::Function::Domains => domains(place, system),
    }
}

/// All domains, or as many as fit a message.
fn domains<G: Gate>(place: &mut Place<G>, system: u32) -> Outcome {
    let mut count = 0u32;
    place.answer.put(|out| out.u32(0));
    'all: loop {
        let bytes = place.gate.read(system, SYSTEM_DOMAINS + u64::from(count), MAX_PAYLOAD)?;
        let records = place.gate.receive_payload().get(..bytes).unwrap_or_default();
        let before = count;
        for record in records.chunks_exact(DomainStatus::LEN).map_while(DomainStatus::read) {
            if place.answer.bytes().len() + ROOM > MAX_PAYLOAD {
                break 'all;
            }
            place.answer.put(|out| records::domain_status(out, &record, ""));
            count += 1;
        }
        if count == before {
            break;
        }
    }
    place.answer.put(|out| out.patch(0, count));
    Ok(())
}

pub(super) fn machine<G: Gate>(
    place: &mut Place<G>,
    function: atoll_supervision_machine::Function,
) -> Outcome {
    let atoll_supervision_machine::Function::Power = function;
    let action = place.input().case(2)?;
    let system = place.granted("atoll:supervision/machine")?;
    place.gate.power(system, if action == 0 { Power::Off } else { Power::Reboot });
    Ok(())
}
