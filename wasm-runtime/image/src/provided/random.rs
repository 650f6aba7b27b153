//! `wasi:random`: secure numbers from the processor, insecure ones from a small generator.

use super::{Outcome, Trap};
use crate::Place;
use crate::gate::{Calls, Gate};
use crate::generated::{wasi_random_insecure, wasi_random_insecure_seed, wasi_random_random};
use alloc::format;

/// Most bytes in one list.
const MOST_BYTES: u64 = 60_000;

pub(super) fn random<G: Gate>(
    place: &mut Place<G>,
    function: wasi_random_random::Function,
) -> Outcome {
    let secure = |place: &mut Place<G>| {
        place.gate.random().ok_or(Trap("the processor gives no random numbers".into()))
    };
    match function {
        wasi_random_random::Function::GetRandomBytes => bytes(place, secure),
        wasi_random_random::Function::GetRandomU64 => number(place, secure),
    }
}

pub(super) fn insecure<G: Gate>(
    place: &mut Place<G>,
    function: wasi_random_insecure::Function,
) -> Outcome {
    match function {
        wasi_random_insecure::Function::GetInsecureRandomBytes => {
            bytes(place, |place| Ok(next(place)))
        }
        wasi_random_insecure::Function::GetInsecureRandomU64 => {
            number(place, |place| Ok(next(place)))
        }
    }
}

pub(super) fn seed<G: Gate>(
    place: &mut Place<G>,
    function: wasi_random_insecure_seed::Function,
) -> Outcome {
    let wasi_random_insecure_seed::Function::InsecureSeed = function;
    let (low, high) = (next(place), next(place));
    place.answer.put(|out| {
        out.u64(low);
        out.u64(high);
    });
    Ok(())
}

fn number<G: Gate>(
    place: &mut Place<G>,
    source: impl Fn(&mut Place<G>) -> Result<u64, Trap>,
) -> Outcome {
    let number = source(place)?;
    place.answer.put(|out| out.u64(number));
    Ok(())
}

fn bytes<G: Gate>(
    place: &mut Place<G>,
    source: impl Fn(&mut Place<G>) -> Result<u64, Trap>,
) -> Outcome {
    let mut left = place.input().u64()?;
    if left > MOST_BYTES {
        return Err(Trap(format!("at most {MOST_BYTES} random bytes fit a message")));
    }
    place.answer.put(|out| out.u32(left as u32));
    while left > 0 {
        let some = source(place)?.to_le_bytes();
        let count = left.min(8);
        place.answer.put(|out| out.raw(some.get(..count as usize).unwrap_or_default()));
        left -= count;
    }
    Ok(())
}

/// Next number of the insecure generator (splitmix64, seeded by the time of first use).
fn next<G: Gate>(place: &mut Place<G>) -> u64 {
    if place.insecure == 0 {
        place.insecure = place.gate.clock();
    }
    place.insecure = place.insecure.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mixed = (place.insecure ^ place.insecure >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ mixed >> 31
}
