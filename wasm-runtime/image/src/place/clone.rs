//! How a clone becomes a domain of its own: what it has of the life that it was copied from is
//! replaced by what its own start record says, or found to be the same.

use super::{Linked, Place};
use crate::gate::{Calls, Gate, words};
use crate::start::Start;
use alloc::format;
use alloc::string::{String, ToString};
use atoll_gate::call::Status;
use atoll_gate::message::MAX_PAYLOAD;

impl<G: Gate> Place<G> {
    /// Whether the guest has called an import, and may remember what it heard.
    pub(crate) const fn has_called(&self) -> bool {
        self.has_called
    }

    /// Takes over the start record in the receive area, in the place of that with which the
    /// component was instantiated.
    ///
    /// # Errors
    /// Something that the instance was made with is different now; in words.
    pub(crate) fn begin_again(&mut self) -> Result<(), String> {
        let start = Start::take(&self.gate).ok_or("the start record is malformed")?;
        if let Some(what) = self.start.difference(&start) {
            return Err(format!("the clone has other {what} than its original"));
        }
        self.start = start;
        for linked in &self.endpoints {
            let same = is_unchanged(&mut self.gate, linked);
            let same = same.map_err(|status| words(status).to_string());
            if !same.map_err(|found| format!("an import cannot be looked at: {found}"))? {
                return Err("an import is served by another interface than at first".into());
            }
        }
        Ok(())
    }
}

/// Whether a handle still names the same endpoint, and that serves the same interface.
fn is_unchanged<G: Gate>(gate: &mut G, linked: &Linked) -> Result<bool, Status> {
    let Linked { endpoint, id, ref descriptor, .. } = *linked;
    Ok(gate.inspect(endpoint)?.extent == id && is_published(gate, endpoint, descriptor)?)
}

/// Whether this is the interface that an endpoint publishes, byte by byte.
pub(super) fn is_published<G: Gate>(
    gate: &mut G,
    endpoint: u32,
    descriptor: &[u8],
) -> Result<bool, Status> {
    let mut known = descriptor;
    loop {
        let whole = gate.describe(endpoint, descriptor.len().saturating_sub(known.len()))?;
        let (part, rest) = known.split_at(known.len().min(MAX_PAYLOAD));
        if whole != descriptor.len() || gate.receive_payload().get(..part.len()) != Some(part) {
            return Ok(false);
        }
        if rest.is_empty() {
            return Ok(true);
        }
        known = rest;
    }
}
