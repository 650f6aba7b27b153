//! `atoll:supervision/domains`: making, starting and ending domains, and what belongs to them.
//!
//! [`granting`] is what a domain gets before it starts, [`observing`] what is seen of it and
//! [`swapping`] how one takes the place of another. [`super::grants`] has what grants are made of.

mod granting;
mod observing;
mod swapping;

use super::Outcome;
use super::grants::{self, Startup};
use crate::Place;
use crate::gate::{Calls, Gate};
use crate::generated::atoll_supervision_domains;
use crate::objects::{Domain, Object};
use crate::wire::{Input, Malformed};
use alloc::boxed::Box;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use atoll_gate::call::Status;
use atoll_gate::record::{NAME_LEN, name_str};
use atoll_gate::start::{DomainConfig, Isolation, Options, RuntimeLimits, Writer};
use atoll_runtime::link::name::compatible;

pub(super) fn call<G: Gate>(
    place: &mut Place<G>,
    function: atoll_supervision_domains::Function,
) -> Outcome {
    use atoll_supervision_domains::Function;
    match function {
        Function::EndpointNew => {
            let endpoint = place.gate.create_endpoint()?;
            place.give(Object::Endpoint(endpoint));
            Ok(())
        }
        Function::EndpointId | Function::CapsuleId | Function::DomainId => {
            let handle = place.method_handle()?;
            let id = place.gate.inspect(handle)?.extent;
            place.answer.put(|out| out.u32(id));
            Ok(())
        }
        Function::EndpointHoldCalls => {
            let (number, hold) = place.method(|input| input.u8())?;
            let endpoint = place.handle_of(number)?;
            place.gate.signal(endpoint, hold == 1)?;
            Ok(())
        }
        Function::EndpointRevokeObjects => {
            let endpoint = place.method_handle()?;
            let revoked = place.gate.revoke_all(endpoint)?;
            place.answer.put(|out| out.u64(revoked));
            Ok(())
        }
        Function::EndpointTwin => swapping::twin(place),
        Function::EndpointPublish => publish(place),
        Function::CapsuleCreate => create_capsule(place),
        Function::DomainCreate => create(place),
        Function::DomainClone => clone(place),
        Function::DomainGrantEndpoint => granting::endpoint(place),
        Function::DomainGrantExport => granting::export(place),
        Function::DomainGrantKernel => granting::kernel(place),
        Function::DomainGrantCapsule => granting::capsule(place),
        Function::DomainGrantStdin => granting::stream(place, "stdin"),
        Function::DomainGrantStdout => granting::stream(place, "stdout"),
        Function::DomainGrantStderr => granting::stream(place, "stderr"),
        Function::DomainAddSigner => grants::add_signer(place),
        Function::DomainStart => start(place),
        Function::DomainKill => {
            let control = place.method_handle()?;
            place.gate.kill_domain(control);
            Ok(())
        }
        Function::DomainStatus => observing::status(place),
        Function::DomainHandles => observing::handles(place),
        Function::DomainSubscribe => {
            let (number, ()) = place.method(|_| Ok(()))?;
            place.give_pollable_of(number);
            Ok(())
        }
        Function::DomainQuiesce => swapping::quiesce(place),
        Function::DomainThaw => swapping::thaw(place),
        Function::DomainTakeOver => swapping::take_over(place),
        Function::DomainSetHeir => swapping::set_heir(place),
        Function::DomainProbe => observing::probe(place),
        Function::DomainPulse => observing::pulse(place),
        Function::Caller => {
            let caller = place.caller();
            place.answer.case(u32::from(caller.is_some()));
            if let Some(number) = caller {
                place.answer.put(|out| out.u64(number));
            }
            Ok(())
        }
        Function::Commit => swapping::commit(place),
        Function::Revert => swapping::revert(place),
    }
}

/// Writes a `result<_, error>`.
fn answer<G: Gate>(place: &mut Place<G>, result: Result<(), Status>, what: &str) -> Outcome {
    match result {
        Ok(()) => place.answer.case(0),
        Err(status) => grants::error(place, status, what),
    }
    Ok(())
}

/// Writes the `result<_, error>` of a step of a swap.
pub(super) fn answer_step<G: Gate>(
    place: &mut Place<G>,
    result: Result<(), Status>,
    what: &str,
) -> Outcome {
    if result == Err(Status::NotReady) {
        grants::other(place, &format!("{what}: it is in another phase"));
        return Ok(());
    }
    answer(place, result, what)
}

fn publish<G: Gate>(place: &mut Place<G>) -> Outcome {
    let (endpoint, (name, number)) =
        place.method(|input| Ok((String::from(input.string()?), input.u64()?)))?;
    let serve = place.handle_of(endpoint)?;
    let known = place.exports.iter().position(|export| compatible(&name, &export.name));
    let Some(export) = known else { return answer(place, Err(Status::NotFound), &name) };
    match place.publish(export, serve, number) {
        Ok(()) => place.answer.case(0),
        Err(text) => grants::other(place, &format!("{name}: {text}")),
    }
    Ok(())
}

fn create<G: Gate>(place: &mut Place<G>) -> Outcome {
    let system = place.granted("atoll:supervision/domains")?;
    let mut input = place.input();
    let mut encoded = [0; 128];
    let name = input.string()?;
    let config = config(name, &mut input)?;
    let module = input.u32()?;
    input.end()?;
    let standby = config.standby;
    let blob = place.handle_of(place.lent(module).ok_or(Malformed)?)?;
    let mut writer = Writer::new(&mut encoded);
    config.write(&mut writer);
    let name = String::from(name);
    let Some(len) = writer.finish().filter(|_| name.len() <= NAME_LEN) else {
        grants::invalid(place, "the name of a domain has at most 32 bytes");
        return Ok(());
    };
    for (to, from) in place.gate.send_payload().iter_mut().zip(encoded).take(len) {
        *to = from;
    }
    let made = place.gate.create_domain(system, blob, len);
    give(place, made, &name, standby)
}

fn clone<G: Gate>(place: &mut Place<G>) -> Outcome {
    let (number, standby) = place.method(|input| input.u8())?;
    let (control, standby) = (place.handle_of(number)?, standby == 1);
    let made = match place.gate.clone_domain(control, standby) {
        Err(Status::NotReady) => Err(Status::NotFound),
        made => made,
    };
    give(place, made, "a snapshot", standby)
}

/// Writes a `result<domain, error>`.
fn give<G: Gate>(
    place: &mut Place<G>,
    made: Result<u32, Status>,
    what: &str,
    standby: bool,
) -> Outcome {
    match made {
        Ok(control) => {
            place.answer.case(0);
            let (grants, signers) = (Vec::new(), Vec::new());
            let domain = Domain { control, grants, signers, started: false, standby };
            place.give(Object::Domain(Box::new(domain)));
            Ok(())
        }
        Err(status) => answer(place, Err(status), what),
    }
}

/// The rest of a `config`, after its name.
fn config<'a>(name: &'a str, input: &mut Input<'_>) -> Result<DomainConfig<'a>, Malformed> {
    Ok(DomainConfig {
        name,
        memory_limit: input.u64()?,
        handle_limit: input.u32()?,
        call_limit: input.u32()?,
        priority: input.u8()?,
        isolation: if input.case(2)? == 0 { Isolation::Kernel } else { Isolation::User },
        budget_ns: input.u64()?,
        period_ns: input.u64()?,
        standby: input.u8()? == 1,
    })
}

fn create_capsule<G: Gate>(place: &mut Place<G>) -> Outcome {
    let system = place.granted("atoll:supervision/domains")?;
    let mut input = place.input();
    let limit = input.u64()?;
    input.end()?;
    match place.gate.create_capsule(system, limit) {
        Ok(capsule) => {
            place.answer.case(0);
            place.give(Object::Capsule(capsule));
            Ok(())
        }
        Err(status) => answer(place, Err(status), "a capsule"),
    }
}

fn start<G: Gate>(place: &mut Place<G>) -> Outcome {
    let mut name = String::new();
    let (number, mut startup) = place.method(|input| {
        let limits = input.record(RuntimeLimits::read)?;
        let options = Options::from_bits(input.u32()?).ok_or(Malformed)?;
        let arguments = list(input, |input| input.string().map(String::from))?;
        let environment =
            list(input, |input| Ok((input.string()?.into(), input.string()?.into())))?;
        Ok(Startup { name: String::new(), limits, options, arguments, environment })
    })?;
    if let Ok((record, _)) = observing::read_status(place, number) {
        name.push_str(name_str(&record.name));
    }
    startup.name.clone_from(&name);
    let result = grants::start(place, number, &startup)?;
    answer(place, result, &name)
}

/// Takes a list.
fn list<'a, T>(
    input: &mut Input<'a>,
    mut element: impl FnMut(&mut Input<'a>) -> Result<T, Malformed>,
) -> Result<Vec<T>, Malformed> {
    let count = input.u32()?;
    (0..count).map(|_| element(input)).collect()
}
