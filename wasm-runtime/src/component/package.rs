//! Reads a WIT package in its binary form: a component that exports one component type for each
//! interface and world, as `wit-component` encodes it.

use alloc::{string::String, vec::Vec};

use wasmparser::component_types::{ComponentAnyTypeId, ComponentEntityType};

use super::{
    interfaces::{Interfaces, Item, Side},
    ir::Step,
    read,
};
use crate::{descriptor, error::LoadError, limits::RuntimeLimits, progress::Progress};

/// Gives the full name and the descriptor of every interface that the package declares.
///
/// # Errors
/// When the bytes are no such package or a type is not supported.
pub fn describe_package(bytes: &[u8]) -> Result<Vec<(String, Vec<u8>)>, LoadError> {
    let binary = read::read(bytes, &RuntimeLimits::DEFAULT, &mut Progress::default())?;
    let types = binary.types.as_ref();
    let mut described = Vec::new();
    let steps = binary.bodies.first().map_or(&[][..], |root| &root.steps);
    for step in steps {
        let Step::Export { ty: ComponentEntityType::Type { referenced, .. }, offset, .. } = step
        else {
            continue;
        };
        let ComponentAnyTypeId::Component(id) = referenced else { continue };
        // The type wraps one export: an instance for an interface, a component for a world.
        let wrapper = &types[*id];
        for (name, item) in &wrapper.exports {
            if !matches!(item.ty, ComponentEntityType::Instance(_)) {
                continue;
            }
            let offset = *offset;
            let imports = wrapper.imports.iter();
            let imports =
                imports.map(|(name, item)| Item { name, implements: None, ty: item.ty, offset });
            let export = Item { name, implements: None, ty: item.ty, offset };
            let export = core::iter::once(export);
            let interfaces = Interfaces::collect(types, imports, export, &RuntimeLimits::DEFAULT)?;
            if let Some(descriptor) = descriptor::of(&interfaces, Side::Export, 0) {
                described.push((name.clone(), descriptor));
            }
        }
    }
    Ok(described)
}
