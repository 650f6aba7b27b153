//! The root component's edges: its imports as items, its exports as functions by number.

use alloc::{collections::BTreeMap, format, rc::Rc, sync::Arc, vec::Vec};

use wasmparser::component_types::{
    ComponentAnyTypeId, ComponentEntityType, ResourceId as Declared,
};

use super::{
    items::{Exports, Frame, Function, Item},
    pass::{Exported, Passed},
    state::{ResourceType, State},
};
use crate::{
    canonical::{FunctionPlan, PlanLimits},
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
    let interfaces = &component.interfaces;
    add_resources(interfaces, links, state);
    let numbers = Numbers::of(interfaces);
    let mut imports = Exports::new();
    // Functions outside any interface are counted over all imports, those of one within it.
    let mut outside = 0;
    let steps = component.bodies.first().map_or(&[][..], |root| &root.steps);
    for step in steps {
        let Step::Import { name, ty, .. } = step else { continue };
        let name = &name.name;
        let item = match ty {
            ComponentEntityType::Instance(id) => {
                let types = component.source.as_ref();
                let mut within = 0;
                let members = types[*id].exports.iter().filter_map(|(member, item)| {
                    Some((member.clone(), numbers.item(name, &mut within, item.ty)?))
                });
                Some(Item::Instance(Rc::new(members.collect())))
            }
            other => numbers.item(ROOT, &mut outside, *other),
        };
        if let Some(item) = item {
            imports.insert(name.clone(), item);
        }
    }
    imports
}

/// The numbers that imports have.
struct Numbers<'a> {
    interfaces: BTreeMap<&'a str, u32>,
    resources: BTreeMap<Declared, u32>,
}

impl<'a> Numbers<'a> {
    fn of(interfaces: &'a Interfaces) -> Self {
        let names = interfaces.imports.iter().map(|interface| interface.name.as_str());
        let declared = interfaces.resources.iter().map(|resource| resource.declared);
        Self { interfaces: names.zip(0..).collect(), resources: declared.zip(0..).collect() }
    }

    /// One function or type of an imported interface; `functions` counts those before it.
    fn item(&self, interface: &str, functions: &mut u32, ty: ComponentEntityType) -> Option<Item> {
        match ty {
            ComponentEntityType::Func(_) => {
                let import = *self.interfaces.get(interface)?;
                let function = *functions;
                *functions = functions.saturating_add(1);
                Some(Item::Function(Function::Imported { import, function }))
            }
            ComponentEntityType::Type { created: ComponentAnyTypeId::Resource(id), .. } => {
                let number = self.resources.get(&id.resource())?;
                Some(Item::Type(Some(ResourceId(*number))))
            }
            ComponentEntityType::Type { .. } => Some(Item::Type(None)),
            _ => None,
        }
    }
}

/// Gives the exported resource types their names in messages.
///
/// # Errors
/// An exported type is an imported one, or another exported one, under another identity: its
/// objects belong to the interface that declares it, and clients of the export could not tell.
pub(super) fn name_resources<H: Host>(
    interfaces: &Interfaces,
    frame: &Frame<'_>,
    state: &mut State<H>,
) -> Result<(), Trap> {
    let exported = interfaces.resources.iter().filter(|resource| resource.side == Side::Export);
    for declaration in exported {
        let Some(id) = frame.resources.get(&{ declaration.declared }) else { continue };
        let Some(resource) = state.resources.get_mut(id.0 as usize) else { continue };
        if resource.origin.is_some() {
            return Err(Trap::new(format!(
                "resource `{}` is exported as another type than `{}`, which it is: not supported",
                declaration.name, resource.name
            )));
        }
        resource.name.clone_from(&declaration.name);
        resource.origin =
            Some(Origin::Export { interface: declaration.interface, resource: declaration.number });
    }
    Ok(())
}

/// The functions of the exported interfaces, by interface and number.
pub(super) fn exports(
    component: &Component<'_>,
    links: &[Link],
    frame: &Frame<'_>,
) -> Result<Vec<Vec<Exported>>, Trap> {
    let interfaces = component.interfaces.exports.iter();
    interfaces.map(|interface| functions(component, links, interface, frame)).collect()
}

fn functions(
    component: &Component<'_>,
    links: &[Link],
    interface: &Interface,
    frame: &Frame<'_>,
) -> Result<Vec<Exported>, Trap> {
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
            Some(Item::Function(Function::Lifted(lifted))) => Ok(Exported::Lifted(lifted.clone())),
            Some(Item::Function(Function::Imported { import, function })) => {
                let passed = passed(&component.interfaces, links, *import, *function);
                passed.map(|passed| Exported::Passed(Arc::new(passed)))
            }
            _ => Err(Trap::new(format!("export `{}` lacks `{name}`", interface.name))),
        })
        .collect()
}

/// An import that is exported unchanged.
fn passed(
    interfaces: &Interfaces,
    links: &[Link],
    import: u32,
    function: u32,
) -> Result<Passed, Trap> {
    let interface = interfaces.imports.get(import as usize);
    let ty = interface.and_then(|interface| interface.ty.functions.get(function as usize));
    let link = links.get(import as usize);
    let target = link.and_then(|link| link.target);
    let method = link.and_then(|link| link.methods.get(function as usize));
    let (Some(interface), Some((name, ty)), Some(target), Some(method)) =
        (interface, ty, target, method)
    else {
        return Err(Trap::new("an export passes on an import that is not there"));
    };
    let name = format!("{}#{name}", interface.name);
    let plan = FunctionPlan::compile(&name, &interfaces.types, ty, &PlanLimits::default())
        .map_err(|error| Trap::new(format!("the type of `{name}`: {error}")))?;
    Ok(Passed { plan, target, method: *method })
}
