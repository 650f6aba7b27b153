//! What the supervisor grants to the domains that it makes: kernel handles, narrowed, and the
//! start record that carries them.

use super::framebuffer::Geometry;
use super::{Outcome, Trap, clocks};
use crate::Place;
use crate::gate::{Calls, Gate, words};
use crate::objects::{Domain, Object, Pending};
use crate::wire::{Input, Malformed};
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use atoll_gate::call::{DeviceKind, Status, rights};
use atoll_gate::layout::PAGE_SIZE;
use atoll_gate::message::{Lengths, MAX_SLOTS, SendSlot, Slot};
use atoll_gate::start::{
    Grant, GrantKind, NO_SLOT, Options, RuntimeLimits, SIGNER_KEY, Signer, StartRecord, Writer,
};

/// Writes the `err` of a `result<_, error>` that a status of the kernel stands for.
pub(super) fn error<G: Gate>(place: &mut Place<G>, status: Status, what: &str) {
    let (case, text) = match status {
        Status::NotFound => (0, String::from(what)),
        Status::Exists => (1, String::from(what)),
        Status::OutOfMemory | Status::QuotaExceeded => (4, format!("{what}: {}", words(status))),
        Status::Invalid | Status::WrongKind => (3, format!("{what}: {}", words(status))),
        Status::PeerRestarted => (5, String::new()),
        _ => (6, format!("{what}: {}", words(status))),
    };
    place.answer.case(1);
    place.answer.case(case);
    if case != 5 {
        place.answer.put(|out| out.string(&text));
    }
}

/// Writes the `invalid` of a `result<_, error>`.
pub(super) fn invalid<G: Gate>(place: &mut Place<G>, text: &str) {
    place.answer.case(1);
    place.answer.case(3);
    place.answer.put(|out| out.string(text));
}

/// Writes the `other` of a `result<_, error>`.
pub(super) fn other<G: Gate>(place: &mut Place<G>, text: &str) {
    place.answer.case(1);
    place.answer.case(6);
    place.answer.put(|out| out.string(text));
}

/// Where an interface's authority comes from: the cases of `authority`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Authority {
    None,
    Interrupt(u32),
    Ports(u16, u32),
    Window(u64, u64),
    Framebuffer,
    LogWriter,
    LogReader,
    System(u32),
}

impl Authority {
    pub(super) fn read(input: &mut Input<'_>) -> Result<Self, Malformed> {
        Ok(match input.case(8)? {
            0 => Self::None,
            1 => Self::Interrupt(input.u32()?),
            2 => Self::Ports(input.u16()?, input.u32()?),
            3 => Self::Window(input.u64()?, input.u64()?),
            4 => Self::Framebuffer,
            5 => Self::LogWriter,
            6 => Self::LogReader,
            _ => Self::System(input.u32()?),
        })
    }

    /// The kernel handle to move with the grant, and the label to give it. With `share`, a device
    /// object may be another domain's already.
    pub(super) fn make<G: Gate>(
        self,
        place: &mut Place<G>,
        label: String,
        share: bool,
    ) -> Result<(Option<u32>, String), Status> {
        let system = || place.granted("atoll:supervision/domains").map_err(|_| Status::Denied);
        let log = || place.granted("atoll:log/log").map_err(|_| Status::Denied);
        let handle = match self {
            Self::None => return Ok((None, label)),
            Self::Interrupt(line) => {
                let system = system()?;
                let range = [u64::from(line), 1];
                place.gate.create_device(system, DeviceKind::Interrupt, share, range)?
            }
            Self::Ports(base, count) => {
                let system = system()?;
                let range = [u64::from(base), u64::from(count)];
                place.gate.create_device(system, DeviceKind::Ports, share, range)?
            }
            Self::Window(base, length) => {
                let system = system()?;
                place.gate.create_device(system, DeviceKind::Window, share, [base, length])?
            }
            Self::Framebuffer => {
                let system = system()?;
                return framebuffer(place, system, share)
                    .map(|(window, geometry)| (Some(window), geometry.label()));
            }
            Self::LogWriter => {
                let log = log()?;
                place.gate.copy(log, rights::WRITE)?
            }
            Self::LogReader => {
                let log = log()?;
                place.gate.copy(log, rights::READ | rights::WATCH | rights::COPY)?
            }
            Self::System(flags) => {
                let system = system()?;
                place.gate.copy(system, system_rights(flags) | rights::COPY)?
            }
        };
        Ok((Some(handle), label))
    }
}

/// `system-rights` as rights of a system handle.
fn system_rights(flags: u32) -> u32 {
    let each = [rights::READ, rights::CONTROL, rights::DEVICES, rights::POWER];
    each.iter()
        .zip(0..)
        .filter(|(_, bit)| flags & 1 << bit != 0)
        .fold(0, |all, (right, _)| all | right)
}

/// The firmware's screen as a window object.
fn framebuffer<G: Gate>(
    place: &mut Place<G>,
    system: u32,
    share: bool,
) -> Result<(u32, Geometry), Status> {
    let machine = clocks::read_machine(place, system).map_err(|_| Status::Unsupported)?;
    if machine.framebuffer == 0 || machine.bits_per_pixel != 32 {
        return Err(Status::NotFound);
    }
    let geometry = Geometry { width: machine.width, height: machine.height, pitch: machine.pitch };
    let length = u64::from(geometry.pitch) * u64::from(geometry.height);
    let length = length.checked_next_multiple_of(PAGE_SIZE).ok_or(Status::Invalid)?;
    let range = [machine.framebuffer, length];
    let window = place.gate.create_device(system, DeviceKind::Window, share, range)?;
    Ok((window, geometry))
}

/// What a domain starts with, besides its grants.
#[derive(Debug)]
pub(super) struct Startup {
    pub(super) name: String,
    pub(super) limits: RuntimeLimits,
    pub(super) options: Options,
    pub(super) arguments: Vec<String>,
    pub(super) environment: Vec<(String, String)>,
}

/// Sends the start record of a domain, and its grants with it.
pub(super) fn start<G: Gate>(
    place: &mut Place<G>,
    number: u32,
    startup: &Startup,
) -> Result<Result<(), Status>, Trap> {
    let Some(Object::Domain(domain)) = place.objects.get_mut(number) else {
        return Err("the domain is gone".into());
    };
    if domain.started {
        return Ok(Err(Status::Exists));
    }
    domain.started = true;
    let Domain { control, ref mut grants, ref mut signers, .. } = **domain;
    let (grants, signers) = (core::mem::take(grants), core::mem::take(signers));
    let lengths = write_record(&mut place.gate, startup, &signers, &grants);
    let sent = lengths.and_then(|lengths| place.gate.start_domain(control, lengths));
    if sent.is_err() {
        for handle in grants.iter().filter_map(|grant| grant.handle) {
            place.gate.close(handle);
        }
    }
    Ok(sent)
}

/// Lays the start record out in the send area.
fn write_record<G: Gate>(
    gate: &mut G,
    startup: &Startup,
    signers: &[(String, [u8; SIGNER_KEY])],
    grants: &[Pending],
) -> Result<Lengths, Status> {
    let mut slots = 0;
    let mut lines = Vec::new();
    for grant in grants {
        let slot = match grant.handle {
            Some(handle) => {
                gate.put_slot(
                    slots,
                    Slot { kind: SendSlot::Move as u32, handle, ..Slot::default() },
                );
                slots += 1;
                slots as u32 - 1
            }
            None => NO_SLOT,
        };
        lines.push(Grant {
            kind: grant.kind,
            interface: &grant.interface,
            label: &grant.label,
            slot,
        });
    }
    if slots > MAX_SLOTS {
        return Err(Status::Invalid);
    }
    let arguments: Vec<&str> = startup.arguments.iter().map(String::as_str).collect();
    let environment =
        startup.environment.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    let environment: Vec<(&str, &str)> = environment.collect();
    let signers: Vec<_> = signers.iter().map(|(name, key)| Signer { name, key: *key }).collect();
    let record = StartRecord {
        name: &startup.name,
        limits: startup.limits,
        options: startup.options,
        signers: &signers,
        arguments: &arguments,
        environment: &environment,
        grants: &lines,
    };
    let mut writer = Writer::new(gate.send_payload());
    record.write(&mut writer);
    let payload = writer.finish().ok_or(Status::Invalid)?;
    Ok(Lengths { payload: payload as u32, slots: slots as u32 })
}

/// Adds a grant to a domain that was not started.
pub(super) fn add<G: Gate>(
    place: &mut Place<G>,
    number: u32,
    grant: Pending,
) -> Result<(), Status> {
    let handle = grant.handle;
    let added = match place.objects.get_mut(number) {
        Some(Object::Domain(domain)) if !domain.started => {
            domain.grants.push(grant);
            Ok(())
        }
        _ => Err(Status::Exists),
    };
    if let (Err(_), Some(handle)) = (added, handle) {
        place.gate.close(handle);
    }
    added
}

/// `domain.add-signer`.
pub(super) fn add_signer<G: Gate>(place: &mut Place<G>) -> Outcome {
    let (number, (name, key)) = place.method(|input| {
        let name = String::from(input.string()?);
        let len = input.u32()?;
        Ok((name, input.record(|rest| Some(rest.bytes(len as usize)?.try_into().ok()))?))
    })?;
    let Some(key) = key else {
        invalid(place, &format!("the key `{name}` does not have {SIGNER_KEY} bytes"));
        return Ok(());
    };
    match place.objects.get_mut(number) {
        Some(Object::Domain(domain)) if !domain.started => {
            domain.signers.push((name, key));
            place.answer.case(0);
        }
        _ => error(place, Status::Exists, "the domain"),
    }
    Ok(())
}

/// A grant that carries a handle.
pub(super) fn pending(kind: GrantKind, interface: &str, label: &str, handle: u32) -> Pending {
    Pending { kind, interface: interface.into(), label: label.into(), handle: Some(handle) }
}
