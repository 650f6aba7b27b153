//! A domain in a swap: as the one that gives its state up, and as the one that takes over.
//!
//! The old one is told when it has no call open. It saves what the component gives up
//! (`atoll:lifecycle/state`) and the objects that clients hold (`objects`), leaves both with the
//! kernel (`state` has the encoding) and stops until it is thawed, which may be never. The new one
//! is prepared up to its published exports, then waits to be told, starts, and restores. Where both
//! declare the same layout, the guests' memory goes along instead, as it is (`whole`).

mod calls;
mod objects;
mod state;
mod whole;

pub(crate) use calls::SwapCalls;

use crate::gate::{Calls, Gate, put_text, words};
use crate::objects::Kind;
use crate::place::{Minted, Parted};
use crate::serve::{End, Life};
use crate::wire::{Input, Malformed, Output, Taken};
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec;
use alloc::vec::Vec;
use atoll_gate::call::{NO_DEADLINE, Status};
use atoll_gate::message::{EventKind, Lengths, MAX_PAYLOAD, MAX_SLOTS, SendSlot, Slot, accept};
use atoll_gate::record::Cause;
use atoll_runtime::host::ResourceSlot;
use atoll_runtime::{DispatchError, Trap};
use state::{Saved, State};

/// What a component exports to hand its state on.
const STATE: &str = "atoll:lifecycle/state";
/// Most streams in a saved state.
const MOST_STREAMS: usize = 64;

/// Why a state was not saved.
enum Failure {
    /// The server goes on.
    Reason(String),
    /// It does not.
    End(End),
}

impl From<End> for Failure {
    fn from(end: End) -> Self {
        Self::End(end)
    }
}

impl From<Malformed> for Failure {
    fn from(_: Malformed) -> Self {
        Self::Reason(format!("export `{STATE}` has another type"))
    }
}

impl<G: Gate> Life<G> {
    /// Waits to be told to take over, and takes over; or to inherit, and starts.
    pub(crate) fn stand_by(&mut self) -> Result<(), End> {
        if self.instance.export_index("wasi:cli/run").is_some() {
            return Err(End::refused("a program cannot take over from another domain"));
        }
        self.report_prepared();
        let told = loop {
            let gate = self.place().gate();
            let told = gate.wait(accept::CALLS, NO_DEADLINE).ok();
            let told = told.and_then(|()| EventKind::from_raw(gate.header().event));
            if let Some(told @ (EventKind::TakeOver | EventKind::Inherit)) = told {
                break told;
            }
        };
        if told == EventKind::Inherit {
            return self.start();
        }
        let state = self
            .read_state(0)
            .and_then(|(bytes, handles)| State::decode(&bytes, &handles).ok_or(Status::Invalid));
        let state = state.map_err(|status| {
            End::refused(format!("the state to take over cannot be read: {}", words(status)))
        })?;
        if let Some(whole) = state.whole {
            return self.take_whole(whole);
        }
        self.start()?;
        if let Some(saved) = state.guest {
            self.restore(saved)?;
        }
        self.restore_objects(state.objects)
    }

    /// Gives the state up and stops; comes back when the swap was given up.
    pub(crate) fn quiesce(&mut self, is_alike: bool) -> Result<(), End> {
        let (state, outcome) = match self.save(is_alike) {
            Ok(state) => (Some(state), Ok(())),
            Err(Failure::Reason(reason)) => (None, Err((Status::Refused, reason))),
            Err(Failure::End(end)) => return Err(end),
        };
        let mut moved = 0;
        let outcome = outcome.and_then(|()| match &state {
            Some(state) => self
                .leave_state(state, &mut moved)
                .map_err(|status| (status, format!("the state cannot be kept: {}", words(status)))),
            None => Ok(()),
        });
        let (status, reason) = outcome.err().unwrap_or((Status::Ok, String::new()));
        let len = put_text(self.place().gate().send_payload(), &reason);
        // Whatever the kernel says to that: the domain goes on.
        let _ = self.place().gate().freeze(status, len);
        if let Some(saved) = state.and_then(|state| state.guest) {
            self.take_back(saved, moved)?;
        }
        self.place().gate().report_ready();
        Ok(())
    }

    /// What another version needs: of one that is alike all that the guests have as it is, if that
    /// can be, else what the component and the objects that clients hold write down.
    fn save(&mut self, is_alike: bool) -> Result<State, Failure> {
        if self.instance.layout().is_some() {
            match self.save_whole(is_alike) {
                Ok(whole) => return Ok(State { whole: Some(whole), ..State::default() }),
                Err(reason) if self.instance.export_index(STATE).is_none() => {
                    return Err(Failure::Reason(format!(
                        "its memory cannot go along: {reason}; and it exports no `{STATE}`"
                    )));
                }
                Err(_) => {}
            }
        }
        let objects = self.save_objects()?;
        let guest = self.save_guest()?;
        Ok(State { guest, objects, whole: None })
    }

    fn save_guest(&mut self) -> Result<Option<Saved>, Failure> {
        let Some(export) = self.instance.export_index(STATE) else { return Ok(None) };
        let (bytes, handles) = self.exchange(export, "save", Vec::new(), Vec::new())?;
        let mut input = Input::new(&bytes);
        if input.case(2)? == 1 {
            return Err(Failure::Reason(input.string()?.to_string()));
        }
        let version = input.u32()?;
        let data = bytes.get(input.bytes()?).unwrap_or_default().to_vec();
        let inputs = slots(&mut input, &handles)?;
        let outputs = slots(&mut input, &handles)?;
        let fits = |slots: &[ResourceSlot], kind| {
            slots.iter().all(|slot| self.instance.host().can_part(*slot, kind))
        };
        if handles.len() > MOST_STREAMS
            || !fits(&inputs, Kind::INPUT)
            || !fits(&outputs, Kind::OUTPUT)
        {
            let message = restoring(version, &data, inputs.len(), outputs.len());
            self.give_back(message, [inputs, outputs].concat())?;
            let reason = "it gave up more than 64 streams, or one that cannot leave it";
            return Err(Failure::Reason(reason.into()));
        }
        let mut part = |slots: Vec<ResourceSlot>| -> Vec<Parted> {
            slots.into_iter().map(|slot| self.instance.host_mut().part(slot.number)).collect()
        };
        Ok(Some(Saved { version, data, inputs: part(inputs), outputs: part(outputs) }))
    }

    /// Leaves the encoded state and its handles with the kernel; counts the handles that went.
    fn leave_state(&mut self, state: &State, moved: &mut usize) -> Result<(), Status> {
        let bytes = state.encode();
        let handles = state.handles();
        let mut rest = bytes.as_slice();
        loop {
            let (part, after) = rest.split_at(rest.len().min(MAX_PAYLOAD));
            let going = handles.iter().skip(*moved).take(MAX_SLOTS);
            let gate = self.instance.host_mut().gate();
            for (to, from) in gate.send_payload().iter_mut().zip(part) {
                *to = *from;
            }
            let mut slots = 0;
            for handle in going {
                let kind = SendSlot::Move as u32;
                gate.put_slot(slots, Slot { kind, handle: *handle, ..Slot::default() });
                slots += 1;
            }
            gate.save_state(Lengths { payload: part.len() as u32, slots: slots as u32 })?;
            *moved += slots;
            rest = after;
            if rest.is_empty() && *moved >= handles.len() {
                return Ok(());
            }
        }
    }

    /// The whole saved state that this domain may read, with its handles from the `first` on.
    fn read_state(&mut self, first: usize) -> Result<(Vec<u8>, Vec<u32>), Status> {
        let (mut bytes, mut handles) = (Vec::new(), Vec::new());
        loop {
            let gate = self.instance.host_mut().gate();
            let (len, count) = gate.read_state(bytes.len(), first.saturating_add(handles.len()))?;
            let header = gate.header();
            let part = gate.receive_payload().get(..header.payload_len as usize);
            bytes.extend_from_slice(part.unwrap_or_default());
            handles.extend((0..header.slot_count as usize).map(|at| gate.slot(at).handle));
            let done = bytes.len() >= len && first.saturating_add(handles.len()) >= count;
            if done || header.payload_len == 0 && header.slot_count == 0 {
                return Ok((bytes, handles));
            }
        }
    }

    /// The swap was given up: what left the component comes back to it, if anything did.
    fn take_back(&mut self, mut saved: Saved, moved: usize) -> Result<(), End> {
        if saved.inputs.is_empty() && saved.outputs.is_empty() {
            return Ok(());
        }
        if moved > 0 {
            let (_, handles) = self.read_state(0).map_err(|status| {
                End::refused(format!("its own state cannot be read: {}", words(status)))
            })?;
            saved.replace_handles(&handles);
        }
        self.restore(saved)
    }

    /// Hands a state to the component.
    fn restore(&mut self, saved: Saved) -> Result<(), End> {
        let Saved { version, data, inputs, outputs } = saved;
        let message = restoring(version, &data, inputs.len(), outputs.len());
        let place = self.place();
        let inputs: Vec<_> =
            inputs.into_iter().map(|stream| place.adopt(Kind::INPUT, stream)).collect();
        let outputs = outputs.into_iter().map(|stream| place.adopt(Kind::OUTPUT, stream));
        let handles = inputs.into_iter().chain(outputs).collect();
        self.give_back(message, handles)
    }

    /// Calls `restore`.
    fn give_back(&mut self, message: Vec<u8>, handles: Vec<ResourceSlot>) -> Result<(), End> {
        let Some(export) = self.instance.export_index(STATE) else {
            return Err(End::refused(format!(
                "the other version saved its state, and this one exports no `{STATE}`"
            )));
        };
        let (result, _) = self.exchange(export, "restore", message, handles)?;
        let mut result = Input::new(&result);
        match result.case(2) {
            Ok(0) => Ok(()),
            _ => {
                let text = result.string().unwrap_or("no reason given");
                let message = format!("restore failed: {text}");
                Err(End { cause: Cause::Exited, code: 1, message, trap: None })
            }
        }
    }

    /// Calls a function of the component with handles.
    fn exchange(
        &mut self,
        export: u32,
        function: &str,
        payload: Vec<u8>,
        handles: Vec<ResourceSlot>,
    ) -> Result<(Vec<u8>, Vec<ResourceSlot>), End> {
        let name = |life: &Self| {
            let interface = life.instance.exports().get(export as usize);
            interface.map_or(String::new(), |interface| interface.name.clone())
        };
        let Some(method) = self.instance.function_index(export, function) else {
            return Err(End::refused(format!(
                "export `{}` has no function `{function}`",
                name(self)
            )));
        };
        self.place().offer(payload, handles);
        let outcome = self.instance.dispatch(export, method);
        self.place().call_ended();
        match outcome {
            Ok(len) => Ok(self.place().given(len)),
            Err(DispatchError::Refused(why)) => Err(End::trapped(Trap::new(format!(
                "{}#{function} has another type: {why}",
                name(self)
            )))),
            Err(DispatchError::Trap(trap)) => Err(End::trapped(trap)),
        }
    }
}

/// Takes a list of handles.
fn slots(input: &mut Input<'_>, handles: &[ResourceSlot]) -> Taken<Vec<ResourceSlot>> {
    let count = input.u32()?;
    let slot = |input: &mut Input<'_>| {
        let index = input.u32()?;
        handles.get(index as usize).copied().ok_or(Malformed)
    };
    (0..count).map(|_| slot(input)).collect()
}

/// The parameters of `restore`, with so many streams in order.
fn restoring(version: u32, data: &[u8], inputs: usize, outputs: usize) -> Vec<u8> {
    let mut bytes = vec![0; data.len() + 16 + 4 * (inputs + outputs)];
    let mut out = Output::new(&mut bytes, 0);
    out.u32(version);
    out.bytes(data);
    out.u32(inputs as u32);
    (0..inputs).for_each(|index| out.u32(index as u32));
    out.u32(outputs as u32);
    (inputs..inputs + outputs).for_each(|index| out.u32(index as u32));
    let len = out.len();
    bytes.truncate(len);
    bytes
}
