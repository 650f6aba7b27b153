//! Where exports are served: on one endpoint each, or on several, so that their component can tell
//! its clients apart.
//!
//! An endpoint's badge says which export is called and by which of its services. Objects are
//! minted on the endpoint by which the call came that hands them out: its clients take no others.

use super::{Export, Place};
use crate::gate::{Calls, Gate, words};
use crate::place::clone::is_published;
use alloc::string::String;
use atoll_gate::call::Status;

/// Bits of a badge that are the export's number; the others are the service's, in the export.
const EXPORT_BITS: u32 = 16;

/// An endpoint on which an export is served.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Service {
    /// The kernel handle of the endpoint.
    pub serve: u32,
    /// By which the component knows it.
    pub number: u64,
}

/// By which service the call came that runs, if one does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Caller(Option<u32>);

impl Caller {
    /// That of a call with this badge, and the export's number.
    #[inline]
    pub(super) const fn of(badge: u32) -> (Self, u32) {
        (Self(Some(badge)), badge & ((1 << EXPORT_BITS) - 1))
    }
}

impl Export {
    /// Where objects are minted that a call hands out: on the endpoint by which it came, or if it
    /// came to another export, on the first.
    pub(super) fn service(&self, own: u32, caller: Caller) -> Option<&Service> {
        let badge = caller.0.filter(|badge| Caller::of(*badge).1 == own).unwrap_or(0);
        self.services.get((badge >> EXPORT_BITS) as usize)
    }
}

impl<G: Gate> Place<G> {
    /// Serves an export of the component on an endpoint, by the numbers that clients know already.
    ///
    /// # Errors
    /// In words.
    pub(crate) fn publish(&mut self, export: usize, serve: u32, number: u64) -> Result<(), String> {
        self.know_numbers(export, serve)?;
        let Self { gate, exports, .. } = self;
        let known = exports.get_mut(export).ok_or("there is no such export")?;
        let at = known.services.iter().position(|service| service.serve == serve);
        let at = at.unwrap_or(known.services.len());
        let badge = badge(export, at).ok_or("it is served on too many endpoints")?;
        let published = known.published();
        let payload = gate.send_payload().get_mut(..published.len());
        payload.ok_or("its description is too large")?.copy_from_slice(published);
        gate.publish(serve, badge, published.len()).map_err(words)?;
        match known.services.get_mut(at) {
            Some(service) => service.number = number,
            None => known.services.push(Service { serve, number }),
        }
        Ok(())
    }

    /// Lets an export have the numbers that the clients of an endpoint know; on the second one,
    /// these must be those of the first.
    fn know_numbers(&mut self, export: usize, serve: u32) -> Result<(), String> {
        let known = self.exports.get(export).ok_or("there is no such export")?;
        if known.services.is_empty() {
            return self.adopt_numbers(export, serve);
        }
        match is_published(&mut self.gate, serve, known.published()) {
            Ok(true) | Err(Status::NotReady | Status::Closed) => Ok(()),
            Ok(false) => Err("its clients know it by other numbers there".into()),
            Err(status) => Err(words(status).into()),
        }
    }

    /// The number of the service by which the call came that runs.
    pub(crate) fn caller(&self) -> Option<u64> {
        let (caller, export) = Caller::of(self.serving.caller.0?);
        let service = self.exports.get(export as usize)?.service(export, caller);
        service.map(|service| service.number)
    }
}

fn badge(export: usize, service: usize) -> Option<u32> {
    let part = |number: usize| u16::try_from(number).ok().map(u32::from);
    Some(part(export)? | part(service)? << EXPORT_BITS)
}
