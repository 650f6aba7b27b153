//! `atoll:supervision/domains`: making, granting, starting and ending domains.

use super::grants::{self, Authority, Startup};
use super::{Outcome, records};
use crate::Place;
use crate::gate::{Calls, Gate};
use crate::generated::atoll_supervision_domains;
use crate::objects::{Domain, Hold, Object, Pending};
use crate::swap::SwapCalls;
use crate::wire::{Input, Malformed, text};
use alloc::boxed::Box;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use atoll_gate::call::{Status, rights};
use atoll_gate::message::MAX_PAYLOAD;
use atoll_gate::record::{
    DOMAIN_HANDLES, DOMAIN_PULSE, DOMAIN_STATUS, DomainStatus, HandleInfo, NAME_LEN, Pulse, Record,
    name_str,
};
use atoll_gate::start::{DomainConfig, GrantKind, Isolation, Options, RuntimeLimits, Writer};
use atoll_runtime::link::name::compatible;

/// Bytes left in the result for a further handle.
const ROOM: usize = 160;

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
        Function::EndpointTwin => twin(place),
        Function::EndpointPublish => publish(place),
        Function::CapsuleCreate => create_capsule(place),
        Function::DomainCreate => create(place),
        Function::DomainClone => clone(place),
        Function::DomainGrantEndpoint => grant_endpoint(place),
        Function::DomainGrantExport => grant_export(place),
        Function::DomainGrantKernel => grant_kernel(place),
        Function::DomainGrantCapsule => grant_capsule(place),
        Function::DomainGrantStdin => grant_stream(place, "stdin"),
        Function::DomainGrantStdout => grant_stream(place, "stdout"),
        Function::DomainGrantStderr => grant_stream(place, "stderr"),
        Function::DomainAddSigner => grants::add_signer(place),
        Function::DomainStart => start(place),
        Function::DomainKill => {
            let control = place.method_handle()?;
            place.gate.kill_domain(control);
            Ok(())
        }
        Function::DomainStatus => status(place),
        Function::DomainHandles => handles(place),
        Function::DomainSubscribe => {
            let (number, ()) = place.method(|_| Ok(()))?;
            place.give_pollable_of(number);
            Ok(())
        }
        Function::DomainQuiesce => {
            let (domain, next) = pair(place)?;
            let result = place.gate.quiesce(domain, next);
            answer_step(place, result, "the domain cannot come to rest")
        }
        Function::DomainThaw => {
            let control = place.method_handle()?;
            let result = place.gate.thaw(control);
            answer_step(place, result, "the domain cannot serve again")
        }
        Function::DomainTakeOver => {
            let (new, old) = pair(place)?;
            let result = place.gate.take_over(old, new);
            answer_step(place, result, "the domain cannot take over")
        }
        Function::DomainSetHeir => set_heir(place),
        Function::DomainProbe => probe(place),
        Function::DomainPulse => pulse(place),
        Function::Caller => {
            let caller = place.caller();
            place.answer.case(u32::from(caller.is_some()));
            if let Some(number) = caller {
                place.answer.put(|out| out.u64(number));
            }
            Ok(())
        }
        Function::Commit => {
            let len = couples(place)?;
            let result = len.and_then(|len| place.gate.commit_swap(len));
            answer_step(place, result, "the swap cannot be committed")
        }
        Function::Revert => {
            let len = couples(place)?;
            let result = len.and_then(|len| place.gate.revert_swap(len));
            answer_step(place, result, "the swap cannot be reverted")
        }
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

fn probe<G: Gate>(place: &mut Place<G>) -> Outcome {
    let (domain, number) = place.method(|input| input.u64())?;
    let control = place.handle_of(domain)?;
    let result = place.gate.probe(control, number);
    answer_step(place, result, "the domain cannot be probed")
}

fn pulse<G: Gate>(place: &mut Place<G>) -> Outcome {
    let control = place.method_handle()?;
    let count = place.gate.read(control, DOMAIN_PULSE, MAX_PAYLOAD)?;
    let bytes = place.gate.receive_payload().get(..count).unwrap_or_default();
    let pulse = Pulse::read(bytes).ok_or("the kernel's record of the domain is malformed")?;
    let words = text(bytes.get(Pulse::LEN..).unwrap_or_default());
    place.answer.put(|out| records::pulse(out, &pulse, &words));
    Ok(())
}

/// The control handles of the domain whose method runs and of the one that is its parameter.
fn pair<G: Gate>(place: &mut Place<G>) -> Result<(u32, u32), super::Trap> {
    let (number, other) = place.method(|input| input.u32())?;
    let own = place.handle_of(number)?;
    Ok((own, place.handle_of(place.lent(other).ok_or(Malformed)?)?))
}

/// Writes pairs of control handles into the send area; their length there.
fn couples<G: Gate>(place: &mut Place<G>) -> Result<Result<usize, Status>, super::Trap> {
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

fn twin<G: Gate>(place: &mut Place<G>) -> Outcome {
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

fn set_heir<G: Gate>(place: &mut Place<G>) -> Outcome {
    let (domain, heir) = pair(place)?;
    let result = place.gate.set_heir(domain, heir);
    answer_step(place, result, "the domain cannot have that heir")
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

fn grant_endpoint<G: Gate>(place: &mut Place<G>) -> Outcome {
    let (number, (interface, endpoint, policy)) =
        place.method(|input| Ok((String::from(input.string()?), input.u32()?, input.case(3)?)))?;
    let (kind, right) = match policy {
        0 => (GrantKind::Endpoint, rights::CALL),
        1 => (GrantKind::Endpoint, rights::CALL | rights::RETRY),
        _ => (GrantKind::EndpointOrTrap, rights::CALL),
    };
    give_endpoint(place, number, &interface, endpoint, (kind, right))
}

fn grant_export<G: Gate>(place: &mut Place<G>) -> Outcome {
    let (number, (interface, endpoint)) =
        place.method(|input| Ok((String::from(input.string()?), input.u32()?)))?;
    give_endpoint(place, number, &interface, endpoint, (GrantKind::Export, rights::SERVE))
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

fn grant_capsule<G: Gate>(place: &mut Place<G>) -> Outcome {
    let interface = "atoll:lifecycle/capsule";
    let (number, capsule) = place.method(|input| input.u32())?;
    let capsule = place.handle_of(place.lent(capsule).ok_or(Malformed)?)?;
    let narrowed = place.gate.copy(capsule, rights::READ | rights::WRITE);
    let result = narrowed.and_then(|handle| {
        grants::add(place, number, grants::pending(GrantKind::Kernel, interface, "", handle))
    });
    answer(place, result, interface)
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

fn grant_kernel<G: Gate>(place: &mut Place<G>) -> Outcome {
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

fn grant_stream<G: Gate>(place: &mut Place<G>, label: &str) -> Outcome {
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
    if let Ok((record, _)) = read_status(place, number) {
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

/// The kernel's record of a domain, and its last words.
fn read_status<G: Gate>(
    place: &mut Place<G>,
    number: u32,
) -> Result<(DomainStatus, String), super::Trap> {
    let control = place.handle_of(number)?;
    let count = place.gate.read(control, DOMAIN_STATUS, MAX_PAYLOAD)?;
    let bytes = place.gate.receive_payload().get(..count).unwrap_or_default();
    let record =
        DomainStatus::read(bytes).ok_or("the kernel's record of the domain is malformed")?;
    Ok((record, text(bytes.get(DomainStatus::LEN..).unwrap_or_default())))
}

fn status<G: Gate>(place: &mut Place<G>) -> Outcome {
    let (number, ()) = place.method(|_| Ok(()))?;
    let (record, message) = read_status(place, number)?;
    place.answer.put(|out| records::domain_status(out, &record, &message));
    Ok(())
}

/// All handles of a domain, or as many as fit a message.
fn handles<G: Gate>(place: &mut Place<G>) -> Outcome {
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
