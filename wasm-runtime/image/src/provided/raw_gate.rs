//! `atoll:testing/raw-gate`: the gate without the image in between, for hostile tests.

use super::Outcome;
use crate::Place;
use crate::gate::Gate;
use crate::generated::atoll_testing_raw_gate::Function;
use alloc::string::String;
use alloc::vec::Vec;
use atoll_gate::message::Slot;

pub(super) fn call<G: Gate>(place: &mut Place<G>, function: Function) -> Outcome {
    match function {
        Function::Enter => enter(place),
        Function::Received => {
            let Place { gate, answer, .. } = place;
            let count = (gate.header().payload_len as usize).min(60_000);
            answer.put(|out| out.bytes(gate.receive_payload().get(..count).unwrap_or_default()));
            Ok(())
        }
        Function::Peek => {
            let address = place.input().u64()?;
            let byte = place.gate.peek(address);
            place.answer.put(|out| out.u8(byte));
            Ok(())
        }
        Function::HeapSum => {
            let sum = place.heap;
            place.answer.put(|out| out.u64(sum));
            Ok(())
        }
        Function::HandleOf => {
            let mut input = place.input();
            let (interface, label) = (String::from(input.string()?), input.string()?);
            let named = |grant: &&crate::start::Grant| {
                grant.label == label
                    && atoll_runtime::link::name::compatible(&interface, &grant.interface)
            };
            let handle = place.start.grants.iter().find(named).and_then(|grant| grant.handle);
            place.answer.put(|out| {
                out.u32(u32::from(handle.is_some()));
                if let Some(handle) = handle {
                    out.u32(handle);
                }
            });
            Ok(())
        }
    }
}

impl<G: Gate> Place<G> {
    /// Takes the heap's sum for whoever may ask for it, before anything of a single call is there.
    pub(crate) fn note_heap(&mut self) {
        let interface = "atoll:testing/raw-gate";
        if self.start.grant(atoll_gate::start::GrantKind::Kernel, interface).is_some() {
            self.heap = self.gate.heap_sum();
        }
    }
}

fn enter<G: Gate>(place: &mut Place<G>) -> Outcome {
    let mut input = place.input();
    let number = input.u64()?;
    let mut arguments = [0; 5];
    for argument in &mut arguments {
        *argument = input.u64()?;
    }
    let payload = input.bytes()?;
    let count = input.u32()?;
    let mut slots = Vec::new();
    for _ in 0..count {
        slots.push(Slot {
            kind: input.u32()?,
            handle: input.u32()?,
            object: input.u32()?,
            detail: input.u32()?,
        });
    }
    for (index, slot) in slots.into_iter().enumerate() {
        place.gate.put_slot(index, slot);
    }
    place.gate.send_payload().copy_within(payload, 0);
    let (status, value) = place.gate.enter_raw(number, arguments);
    place.answer.put(|out| {
        out.u64(status);
        out.u64(value);
    });
    Ok(())
}
