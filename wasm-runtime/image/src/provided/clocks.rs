//! `atoll:clocks/monotonic`, `wasi:clocks/monotonic-clock` and `wasi:clocks/wall-clock`.

use super::{Outcome, Trap};
use crate::Place;
use crate::gate::{Calls, Gate};
use crate::generated::{
    atoll_clocks_monotonic, wasi_clocks_monotonic_clock, wasi_clocks_wall_clock,
};
use crate::objects::{Object, Source};
use atoll_gate::record::{MachineStatus, Record, SYSTEM_MACHINE};

const SECOND: u64 = 1_000_000_000;

pub(super) fn monotonic<G: Gate>(
    place: &mut Place<G>,
    function: atoll_clocks_monotonic::Function,
) -> Outcome {
    use atoll_clocks_monotonic::Function;
    match function {
        Function::Now => now(place),
        Function::SubscribeInstant => subscribe_instant(place),
        Function::SubscribeDuration => subscribe_duration(place),
    }
}

pub(super) fn wasi_monotonic<G: Gate>(
    place: &mut Place<G>,
    function: wasi_clocks_monotonic_clock::Function,
) -> Outcome {
    use wasi_clocks_monotonic_clock::Function;
    match function {
        Function::Now => now(place),
        Function::Resolution => {
            place.answer.put(|out| out.u64(1));
            Ok(())
        }
        Function::SubscribeInstant => subscribe_instant(place),
        Function::SubscribeDuration => subscribe_duration(place),
    }
}

fn now<G: Gate>(place: &mut Place<G>) -> Outcome {
    let now = place.gate.clock();
    place.answer.put(|out| out.u64(now));
    Ok(())
}

fn subscribe_instant<G: Gate>(place: &mut Place<G>) -> Outcome {
    let when = place.input().u64()?;
    place.give(Object::Pollable(Source::At(when)));
    Ok(())
}

fn subscribe_duration<G: Gate>(place: &mut Place<G>) -> Outcome {
    let after = place.input().u64()?;
    let when = place.gate.clock().saturating_add(after);
    place.give(Object::Pollable(Source::At(when)));
    Ok(())
}

pub(super) fn wall<G: Gate>(
    place: &mut Place<G>,
    function: wasi_clocks_wall_clock::Function,
) -> Outcome {
    use wasi_clocks_wall_clock::Function;
    let (seconds, nanoseconds) = match function {
        Function::Now => {
            let system = place.granted("wasi:clocks/wall-clock")?;
            let machine = read_machine(place, system)?;
            let since_boot = place.gate.clock();
            (machine.boot_time_s.saturating_add(since_boot / SECOND), since_boot % SECOND)
        }
        Function::Resolution => (0, 1),
    };
    place.answer.put(|out| {
        out.u64(seconds);
        out.u32(nanoseconds as u32);
    });
    Ok(())
}

/// The machine's record.
pub(super) fn read_machine<G: Gate>(
    place: &mut Place<G>,
    system: u32,
) -> Result<MachineStatus, Trap> {
    let count = place.gate.read(system, SYSTEM_MACHINE, MachineStatus::LEN)?;
    let bytes = place.gate.receive_payload().get(..count).unwrap_or_default();
    Ok(MachineStatus::read(bytes).ok_or("the kernel's record of the machine is malformed")?)
}
