//! Objects that clients hold, across a swap.
//!
//! For each resource type of an exported interface the component may export, in the interface of
//! that name with `-handover` behind it, a function that says what an object is and one that makes
//! it again. The numbers by which clients hold the objects stay.

use super::state::SavedObject;
use super::{Failure, Life, Minted};
use crate::gate::Gate;
use crate::serve::End;
use crate::wire::Input;
use alloc::format;
use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;
use atoll_runtime::host::{Origin, Passing, ResourceSlot};
use atoll_runtime::link::name::compatible;

impl<G: Gate> Life<G> {
    /// Lets the component say what each object is that clients hold.
    pub(super) fn save_objects(&mut self) -> Result<Vec<SavedObject>, Failure> {
        let minted = self.place().minted_objects();
        let mut objects = Vec::with_capacity(minted.len());
        for (id, minted) in minted {
            objects.push(self.save_object(id, minted)?);
        }
        Ok(objects)
    }

    fn save_object(&mut self, id: u32, minted: Minted) -> Result<SavedObject, Failure> {
        let Minted { interface: number, resource: index, rep } = minted;
        let (interface, resource) = self
            .names(number, index)
            .ok_or_else(|| Failure::Reason("clients hold an object of no known type".into()))?;
        let save = format!("save-{resource}");
        let Some(export) = self.handover(&interface, &save) else {
            return Err(Failure::Reason(format!(
                "clients hold a `{resource}` of `{interface}`, and the component exports no \
                 `{}` with `{save}`",
                handover_name(&interface)
            )));
        };
        let origin = Origin::Export { interface: number, resource: index };
        let object = ResourceSlot { passing: Passing::Borrow, origin, number: rep };
        let (result, _) = self.exchange(export, &save, vec![0; 4], vec![object])?;
        let range = Input::new(&result).bytes()?;
        let data = result.get(range).unwrap_or_default().to_vec();
        Ok(SavedObject { id, interface, resource, data })
    }

    /// Makes the objects again that clients hold.
    pub(super) fn restore_objects(&mut self, objects: Vec<SavedObject>) -> Result<(), End> {
        for object in objects {
            if self.is_past(&object) {
                self.place().keep_number(object.id);
                continue;
            }
            let described = format!("`{}` of `{}`", object.resource, object.interface);
            let restored = self.restore_object(object)?;
            restored
                .map_err(|why| End::refused(format!("clients hold a {described}, and {why}")))?;
        }
        Ok(())
    }

    /// Whether an object is of an interface that is another one now, and this version cannot make
    /// it again. Then only servers hold it that are swapped at the same time.
    fn is_past(&mut self, object: &SavedObject) -> bool {
        let restore = format!("restore-{}", object.resource);
        let can_restore = self.handover(&object.interface, &restore).is_some();
        !can_restore && self.place().is_another(&object.interface)
    }

    /// The inner error says why not, in words.
    fn restore_object(&mut self, object: SavedObject) -> Result<Result<(), String>, End> {
        let SavedObject { id, interface, resource, data } = object;
        let restore = format!("restore-{resource}");
        let Some(export) = self.handover(&interface, &restore) else {
            let handover = handover_name(&interface);
            return Ok(Err(format!("this version exports no `{handover}` with `{restore}`")));
        };
        let mut message = Vec::with_capacity(data.len() + 4);
        message.extend_from_slice(&(data.len() as u32).to_le_bytes());
        message.extend_from_slice(&data);
        let (result, handles) = self.exchange(export, &restore, message, Vec::new())?;
        let made = Input::new(&result).u32().ok();
        let made = made.and_then(|index| handles.get(index as usize).copied());
        Ok(match made {
            Some(ResourceSlot {
                passing: Passing::Own,
                origin: Origin::Export { interface: number, resource: index },
                number: rep,
            }) if self.is_named(number, index, &interface, &resource) => {
                self.place().remint(id, Minted { interface: number, resource: index, rep })
            }
            _ => Err(format!("`{restore}` has another type")),
        })
    }

    /// Names of an exported interface and of a resource in it.
    pub(super) fn names(&self, interface: u32, resource: u32) -> Option<(String, String)> {
        let interface = self.instance.exports().get(interface as usize)?;
        let (resource, _) = interface.ty.resources.get(resource as usize)?;
        Some((interface.name.clone(), resource.clone()))
    }

    /// Whether a resource is the one of that name, in a compatible version of its interface.
    fn is_named(&self, number: u32, index: u32, interface: &str, resource: &str) -> bool {
        let names = self.names(number, index);
        names.is_some_and(|(own, name)| compatible(interface, &own) && name == resource)
    }

    /// The export by which objects of an interface are handed over, if it has that function.
    fn handover(&self, interface: &str, function: &str) -> Option<u32> {
        let export = self.instance.export_index(&handover_name(interface))?;
        self.instance.function_index(export, function).map(|_| export)
    }
}

/// `test:counter/counter-handover@1.0.0` for `test:counter/counter@1.0.0`.
fn handover_name(interface: &str) -> String {
    match interface.split_once('@') {
        Some((name, version)) => format!("{name}-handover@{version}"),
        None => format!("{interface}-handover"),
    }
}
