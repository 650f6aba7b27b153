//! The root component's edges: its imports as items, its exports as functions by number.

use alloc::{format, rc::Rc, sync::Arc, vec::Vec};

use wasmparser::component_types::{ComponentAnyTypeId, ComponentEntityType};

use super::{
    call::Lifted,
    items::{Exports, Frame, Function, Item},
    state::{ResourceType, State},
};
use crate::{
    component::{Component, Interface, Interfaces, ROOT, Side, ir::Step},
    error::Trap,
    host::{Host, Origin},
    link::Link,
    types::ResourceId,
};

/// Adds the imported resource types to the domain's, in the order of their declarations, so that
/// both have the same numbers.
fn add_resources<H: Host>(interfaces: &Interfaces, links: &[Link], state: &mut State<H>) {
    let imported = interfaces.resources.iter().filter(|resource| resource.side == Side::Import);
    for declaration in imported {
        let link = links.get(declaration.interface as usize);
        let number = link.and_then(|link| link.resources.get(declaration.number as usize));
        let target = link.and_then(|link| link.target);
        state.add_resource(ResourceType {
            name: declaration.name.clone(),
            origin: target
                .zip(number)
                .map(|(target, resource)| Origin::Import { target, resource: *resource }),
            implementer: None,
            destructor: None,
        });
    }
}

/// The imports of the root: functions that go to providers, and resource types.
pub(super) fn imports<H: Host>(
    component: &Component<'_>,
    links: &[Link],
    state: &mut State<H>,
) -> Exports {
    add_resources(&component.interfaces, links, state);
    let mut imports = Exports::new();
    let steps = component.bodies.first().map_or(&[][..], |root| &root.steps);
    for step in steps {
        let Step::Import { name, ty } = step else { continue };
        let item = match ty {
            ComponentEntityType::Instance(id) => {
                let types = component.source.as_ref();
                let members = types[*id].exports.iter().filter_map(|(member, item)| {
                    Some((member.clone(), import(&component.interfaces, name, member, item.ty)?))
                });
                Some(Item::Instance(Rc::new(members.collect())))
            }
            other => import(&component.interfaces, ROOT, name, *other),
        };
        if let Some(item) = item {
            imports.insert(name.clone(), item);
        }
    }
    imports
}

/// One function or type of an imported interface.
fn import(
    interfaces: &Interfaces,
    interface: &str,
    name: &str,
    ty: ComponentEntityType,
) -> Option<Item> {
    match ty {
        ComponentEntityType::Func(_) => {
            let mut list = interfaces.imports.iter();
            let import = list.position(|import| import.name == interface)?;
            let mut functions = interfaces.imports.get(import)?.ty.functions.iter();
            let function = functions.position(|(function, _)| function == name)?;
            let (import, function) = (u32::try_from(import).ok()?, u32::try_from(function).ok()?);
            Some(Item::Function(Function::Imported { import, function }))
        }
        ComponentEntityType::Type { created: ComponentAnyTypeId::Resource(id), .. } => {
            let declared = id.resource();
            let mut resources = interfaces.resources.iter();
            let number = resources.position(|resource| resource.declared == declared)?;
            Some(Item::Type(Some(ResourceId(u32::try_from(number).ok()?))))
        }
        ComponentEntityType::Type { .. } => Some(Item::Type(None)),
        _ => None,
    }
}

/// Gives the exported resource types their names in messages.
pub(super) fn name_resources<H: Host>(
    interfaces: &Interfaces,
    frame: &Frame<'_>,
    state: &mut State<H>,
) {
    let exported = interfaces.resources.iter().filter(|resource| resource.side == Side::Export);
    for declaration in exported {
        let Some(id) = frame.resources.get(&{ declaration.declared }) else { continue };
        if let Some(resource) = state.resources.get_mut(id.0 as usize) {
            resource.name.clone_from(&declaration.name);
            resource.origin.get_or_insert(Origin::Export {
                interface: declaration.interface,
                resource: declaration.number,
            });
        }
    }
}

/// The functions of the exported interfaces, by interface and number.
pub(super) fn exports(
    interfaces: &Interfaces,
    frame: &Frame<'_>,
) -> Result<Vec<Vec<Arc<Lifted>>>, Trap> {
    interfaces.exports.iter().map(|interface| functions(interface, frame)).collect()
}

fn functions(interface: &Interface, frame: &Frame<'_>) -> Result<Vec<Arc<Lifted>>, Trap> {
    let items = if interface.name == ROOT {
        &frame.exports
    } else {
        match frame.exports.get(&interface.name) {
            Some(Item::Instance(items)) => items,
            _ => return Err(Trap::new(format!("export `{}` is not there", interface.name))),
        }
    };
    let names = interface.ty.functions.iter().map(|(name, _)| name);
    names
        .map(|name| match items.get(name) {
            Some(Item::Function(Function::Lifted(lifted))) => Ok(lifted.clone()),
            Some(Item::Function(Function::Imported { .. })) => Err(Trap::new(format!(
                "export `{}` passes on the imported function `{name}`: not supported",
                interface.name
            ))),
            _ => Err(Trap::new(format!("export `{}` lacks `{name}`", interface.name))),
        })
        .collect()
}
