//! Guests that go along as they are, to a version that declares the same layout.
//!
//! No code of the component runs for that on either side. The old one writes down what does not
//! stand in memories (`Instance::contents`) and offers these to the kernel; the new one, which has
//! not been started, checks the record against its own, grows its memories and has the kernel copy.
//! Objects that clients hold keep their numbers and their representations.

use super::calls::SwapCalls;
use super::state::{Whole, WholeObject};
use crate::gate::{Gate, words};
use crate::place::Minted;
use crate::serve::{End, Life};
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

impl<G: Gate> Life<G> {
    /// Reports that it is prepared, with what clients would miss and, for whom it replaces, which
    /// layout it has.
    pub(super) fn report_prepared(&mut self) {
        let place = self.place();
        let missing = place.missing();
        let note = place.layout.as_deref().unwrap_or_default();
        let payload = place.gate.send_payload();
        let said = note.iter().chain(missing.as_bytes());
        payload.iter_mut().zip(said).for_each(|(to, from)| *to = *from);
        let (note, len) = (note.len(), note.len().saturating_add(missing.len()).min(payload.len()));
        place.gate.report_prepared(note, len);
    }

    /// Offers the guests' memories and writes the rest down; the error says why that cannot be.
    pub(super) fn save_whole(&mut self, is_alike: bool) -> Result<Whole, String> {
        if !is_alike {
            return Err("the new version declares another layout or none".into());
        }
        let contents = self.instance.contents()?;
        let layout = self.instance.layout().unwrap_or_default().to_vec();
        let minted = self.place().minted_objects();
        let objects = minted.into_iter().map(|(id, minted)| self.whole_object(id, minted));
        let objects = objects.collect::<Result<_, _>>()?;
        let mut offers = Vec::new();
        let offered = self.instance.show_memories(|place, memory| {
            // There is nothing to copy of an empty one.
            let offer = if memory.is_empty() { 0 } else { place.gate.offer_memory(memory)? };
            offers.push(offer);
            Ok(())
        });
        offered.map_err(words)?;
        Ok(Whole { layout, contents, offers, objects })
    }

    fn whole_object(&self, id: u32, minted: Minted) -> Result<WholeObject, String> {
        let Minted { interface, resource, rep } = minted;
        let names = self.names(interface, resource);
        let (interface, resource) = names.ok_or("clients hold an object of no known type")?;
        Ok(WholeObject { id, interface, resource, rep })
    }

    /// Takes all that the guests of another version had over.
    pub(super) fn take_whole(&mut self, whole: Whole) -> Result<(), End> {
        let Whole { layout, contents, offers, objects } = whole;
        let taken = if self.instance.layout() == Some(&layout) {
            self.instance.take_contents(&contents, |place, number, memory| {
                let offer = offers.get(number as usize).ok_or("a memory was not offered")?;
                let filled = place.gate.take_memory(*offer, 0, memory);
                filled.map_err(|status| {
                    format!("memory {number} cannot be copied: {}", words(status))
                })
            })
        } else {
            Err("it has another layout".into())
        };
        let taken =
            taken.and_then(|()| objects.into_iter().try_for_each(|it| self.take_object(it)));
        taken.map_err(|why| End::refused(format!("the other version's memory is of no use: {why}")))
    }

    fn take_object(&mut self, object: WholeObject) -> Result<(), String> {
        let WholeObject { id, interface, resource, rep } = object;
        let number = self.instance.export_index(&interface);
        let index = number.and_then(|number| {
            let resources = &self.instance.exports().get(number as usize)?.ty.resources;
            resources.iter().position(|(name, _)| *name == resource)
        });
        let (Some(interface), Some(resource)) = (number, index) else {
            return Err(format!("clients hold a `{resource}` of `{interface}`, which it has not"));
        };
        self.place().remint(id, Minted { interface, resource: resource as u32, rep })
    }
}
