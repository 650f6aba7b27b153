//! The root component's edges: its imports as items, its exports as functions by number.

use alloc::{collections::BTreeMap, format, rc::Rc, sync::Arc, vec::Vec};

use wasmparser::component_types::{
    ComponentAnyTypeId, ComponentEntityType, ResourceId as Declared,
};

use super::{
    Compiler,
    items::{Exports, Frame, Item},
};
use crate::{
    canonical::{FunctionPlan, PlanLimits},
    component::{Interface, Interfaces, ROOT, Side, ir::Step},
    error::Trap,
    recipe::{Callee, Export, Resource, ResourceOrigin},
    types::ResourceId,
};

impl<'c> Compiler<'c> {
    /// The imports of the root: functions that go to providers, and resource types.
    pub(super) fn imports(&mut self) -> Exports<'c> {
        let component = self.component;
        self.add_imported();
        let numbers = Numbers::of(&component.interfaces);
        let mut imports = Exports::new();
        // Functions outside any interface are counted over all imports, those of one within it.
        let mut outside = 0;
        let steps = component.bodies.first().map_or(&[][..], |root| &root.steps);
        for step in steps {
            let Step::Import { name, ty, .. } = step else { continue };
            let name = name.name.as_str();
            let item = match ty {
                ComponentEntityType::Instance(id) => {
                    let mut within = 0;
                    let members =
                        component.source[*id].exports.iter().filter_map(|(member, item)| {
                            Some((member.as_str(), numbers.item(name, &mut within, item.ty)?))
                        });
                    Some(Item::Instance(Rc::new(members.collect())))
                }
                other => numbers.item(ROOT, &mut outside, *other),
            };
            if let Some(item) = item {
                imports.insert(name, item);
            }
        }
        imports
    }

    /// Adds the imported resource types to the domain's, in the order of their declarations, so
    /// that both have the same numbers.
    fn add_imported(&mut self) {
        let resources = self.component.interfaces.resources.iter();
        for declaration in resources.filter(|resource| resource.side == Side::Import) {
            let (interface, resource) = (declaration.interface, declaration.number);
            self.recipe.resources.push(Resource {
                name: declaration.name.as_str().into(),
                origin: Some(ResourceOrigin::Import { interface, resource }),
                implementer: None,
            });
        }
    }

    /// Gives the exported resource types their names in messages.
    ///
    /// # Errors
    /// An exported type is an imported one, or another exported one, under another identity: its
    /// objects belong to the interface that declares it, and clients of the export could not tell.
    pub(super) fn name_exported(&mut self, frame: &Frame<'_>) -> Result<(), Trap> {
        let resources = self.component.interfaces.resources.iter();
        for declaration in resources.filter(|resource| resource.side == Side::Export) {
            let Some(id) = frame.resources.get(&{ declaration.declared }) else { continue };
            let Some(resource) = self.recipe.resources.get_mut(id.0 as usize) else { continue };
            if resource.origin.is_some() {
                return Err(Trap::new(format!(
                    "resource `{}` is exported as another type than `{}`, which it is: not \
                     supported",
                    declaration.name, resource.name
                )));
            }
            resource.name = declaration.name.as_str().into();
            let (interface, number) = (declaration.interface, declaration.number);
            resource.origin = Some(ResourceOrigin::Export { interface, resource: number });
        }
        Ok(())
    }

    /// Notes the functions of the exported interfaces, by interface and number.
    pub(super) fn exports(&mut self, frame: &Frame<'_>) -> Result<(), Trap> {
        let interfaces = &self.component.interfaces;
        let exports = interfaces.exports.iter();
        self.recipe.exports = exports
            .map(|interface| functions(interfaces, interface, frame))
            .collect::<Result<_, _>>()?;
        Ok(())
    }
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
    fn item<'c>(
        &self,
        interface: &str,
        functions: &mut u32,
        ty: ComponentEntityType,
    ) -> Option<Item<'c>> {
        match ty {
            ComponentEntityType::Func(_) => {
                let import = *self.interfaces.get(interface)?;
                let function = *functions;
                *functions = functions.saturating_add(1);
                Some(Item::Function(Callee::Imported { import, function }))
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

fn functions(
    interfaces: &Interfaces,
    interface: &Interface,
    frame: &Frame<'_>,
) -> Result<Vec<Export>, Trap> {
    let items = if interface.name == ROOT {
        &frame.exports
    } else {
        match frame.exports.get(interface.name.as_str()) {
            Some(Item::Instance(items)) => items,
            _ => return Err(Trap::new(format!("export `{}` is not there", interface.name))),
        }
    };
    let names = interface.ty.functions.iter().map(|(name, _)| name);
    names
        .map(|name| match items.get(name.as_str()) {
            Some(Item::Function(Callee::Lifted(number))) => Ok(Export::Lifted(*number)),
            Some(Item::Function(Callee::Imported { import, function })) => {
                passed(interfaces, *import, *function)
            }
            _ => Err(Trap::new(format!("export `{}` lacks `{name}`", interface.name))),
        })
        .collect()
}

/// An import that is exported unchanged.
fn passed(interfaces: &Interfaces, import: u32, function: u32) -> Result<Export, Trap> {
    let interface = interfaces.imports.get(import as usize);
    let ty = interface.and_then(|interface| interface.ty.functions.get(function as usize));
    let (Some(interface), Some((name, ty))) = (interface, ty) else {
        return Err(Trap::new("an export passes on an import that is not there"));
    };
    let name = format!("{}#{name}", interface.name);
    let plan = FunctionPlan::compile(&name, &interfaces.types, ty, &PlanLimits::default())
        .map_err(|error| Trap::new(format!("the type of `{name}`: {error}")))?;
    Ok(Export::Passed { plan: Arc::new(plan), import, function })
}
