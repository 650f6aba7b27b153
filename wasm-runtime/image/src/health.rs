//! Probes: the component's answer, or the image's if it has none.
//!
//! A probe comes between two calls. That it is answered at all says that the component is not stuck
//! in one.

use crate::gate::Gate;
use crate::serve::{End, Life};
use crate::wire::Input;
use alloc::string::String;
use atoll_gate::call::{Call, Status};
use atoll_gate::message::Lengths;

/// What a component exports to be asked.
const HEALTH: &str = "atoll:lifecycle/health";

impl<G: Gate> Life<G> {
    /// Answers a probe.
    pub(crate) fn answer_probe(&mut self, number: u64) -> Result<(), End> {
        let verdict = self.check()?;
        let status = if verdict.is_ok() { Status::Ok } else { Status::Refused };
        let words = verdict.err().unwrap_or_default();
        let gate = self.place().gate();
        let payload = gate.send_payload();
        let len = words.len().min(payload.len());
        for (to, from) in payload.iter_mut().zip(words.as_bytes()) {
            *to = *from;
        }
        let lengths = Lengths { payload: len as u32, slots: 0 }.pack();
        // Nobody can be told of an answer that the kernel does not take.
        let _ = gate.enter(Call::AnswerProbe, [number, status as u64, lengths, 0, 0]);
        Ok(())
    }

    /// Asks the component whether it works; if not, why.
    fn check(&mut self) -> Result<Result<(), String>, End> {
        let Some(export) = self.instance.export_index(HEALTH) else { return Ok(Ok(())) };
        let result = self.own_call(export, "check", &[])?;
        let mut result = Input::new(&result);
        Ok(match result.case(2) {
            Ok(0) => Ok(()),
            _ => Err(result.string().unwrap_or("no reason given").into()),
        })
    }
}
