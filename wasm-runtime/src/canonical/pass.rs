//! Messages that pass through a domain: calls of an export that is an import, unchanged.
//!
//! No guest is involved, so the bytes go on as they came; only handles are taken out of the one
//! message and put into the other. A message is checked whole before anything of it is taken, as
//! one that is lowered.

use alloc::vec::Vec;

use super::{
    AbiError, Transfer,
    call::NO_PEER_RESTARTED,
    check::{Check, Found},
    error::Outcome,
    function::FunctionPlan,
    plan::NodeId,
};
use crate::{host::Passing, types::ResourceId};

/// A message between being taken and being put.
#[derive(Debug)]
pub(crate) struct Passage {
    bytes: Vec<u8>,
    handles: Vec<Handle>,
}

/// A handle of the message.
#[derive(Clone, Copy, Debug)]
struct Handle {
    /// Where the index of its slot stands.
    at: usize,
    resource: ResourceId,
    passing: Passing,
    number: u32,
}

impl FunctionPlan {
    /// Takes the message of a call that came, all or nothing.
    ///
    /// # Errors
    /// [`AbiError::Message`]
    pub(crate) fn pass_parameters<D: Transfer>(&self, data: &mut D) -> Result<Passage, AbiError> {
        taken(self, &self.parameters.values, data).map_err(|error| self.in_function(*error))
    }

    /// Takes the message of a result that came, all or nothing.
    ///
    /// # Errors
    /// [`AbiError::Message`]
    pub(crate) fn pass_result<D: Transfer>(&self, data: &mut D) -> Result<Passage, AbiError> {
        taken(self, &self.result.values, data).map_err(|error| self.in_result(*error))
    }

    /// The result that says `peer-restarted`.
    ///
    /// # Errors
    /// [`AbiError::Guest`] when the type of the result has no such case.
    pub(crate) fn passed_peer_restarted(&self) -> Result<Passage, AbiError> {
        let Some(case) = self.peer_restarted else {
            return Err(self.in_function(AbiError::Guest(NO_PEER_RESTARTED.into())));
        };
        let bytes = [1, case].map(u32::to_le_bytes).as_flattened().to_vec();
        Ok(Passage { bytes, handles: Vec::new() })
    }
}

fn taken<D: Transfer>(plan: &FunctionPlan, values: &[NodeId], data: &mut D) -> Outcome<Passage> {
    let mut check = Check::recording(&plan.nodes, data);
    values.iter().try_for_each(|value| check.value(*value))?;
    let found = check.finish_recording()?;
    let bytes = data.incoming().to_vec();
    let mut handles = Vec::with_capacity(found.len());
    for Found { at, slot, resource, passing } in found {
        match data.take_slot(slot, resource, passing) {
            Ok(number) => handles.push(Handle { at, resource, passing, number }),
            Err(reason) => return super::error::message(reason),
        }
    }
    Ok(Passage { bytes, handles })
}

impl Passage {
    /// Puts the message into the outgoing area and returns its bytes.
    ///
    /// # Errors
    /// [`AbiError::Guest`] when it does not fit or a handle cannot go on.
    pub(crate) fn put<D: Transfer>(mut self, data: &mut D) -> Result<usize, AbiError> {
        for Handle { at, resource, passing, number } in self.handles {
            let slot = data.put_slot(resource, passing, number).map_err(AbiError::Guest)?;
            if let Some(place) = self.bytes.get_mut(at..).and_then(<[u8]>::first_chunk_mut) {
                *place = slot.to_le_bytes();
            }
        }
        let len = self.bytes.len();
        if data.outgoing().len() < len && !data.grow_outgoing(len) {
            return Err(AbiError::Guest("the message is too long to be passed on".into()));
        }
        match data.outgoing().get_mut(..len) {
            Some(target) => target.copy_from_slice(&self.bytes),
            None => return Err(AbiError::Guest("the message is too long to be passed on".into())),
        }
        Ok(len)
    }
}
