//! Carries out the steps of a component without a store: the linker proper.
//!
//! The validator has checked every index and every type, so what cannot be found here is a fault
//! of this crate; it ends the compilation with a text instead of a panic. What a hostile component
//! can do is to ask for a lot, hence the budget of steps and the bounds of [`crate::limits`].

mod canon;
mod core;
mod items;
mod root;

use alloc::{format, rc::Rc, string::String, sync::Arc, vec::Vec};

use wasmi::Engine;
use wasmparser::component_types::{ComponentAnyTypeId, ComponentEntityType};

use self::items::{Closure, Exports, Frame, Item, Scope};
use super::{INSTANTIATION, Recipe, adapter::Adapters};
use crate::{
    canonical::{FunctionPlan, InstanceId},
    component::{
        Component,
        ir::{Reference, Sort, Step},
    },
    error::Trap,
    limits::{Exceeded, Limit, MAX_INSTANTIATION_DEPTH, RuntimeLimits},
    translated::TranslatedModule,
    types::Types,
};

/// Compiles the recipe of a component whose core modules were translated by this engine.
///
/// # Errors
/// It is over the limits, or has what the runtime does not carry out.
pub(crate) fn compile(
    component: &Component<'_>,
    engine: &Engine,
    modules: &[TranslatedModule],
    limits: &RuntimeLimits,
) -> Result<Recipe, Trap> {
    let mut compiler = Compiler::new(component, engine, modules, limits);
    let imports = compiler.imports();
    let frame = compiler.instantiate(0, imports, None, None)?;
    compiler.name_exported(&frame)?;
    compiler.exports(&frame)?;
    Ok(compiler.recipe)
}

/// What is shared by all component instances of a domain while their recipe is compiled.
struct Compiler<'c> {
    component: &'c Component<'c>,
    modules: &'c [TranslatedModule],
    limits: &'c RuntimeLimits,
    recipe: Recipe,
    /// How many core functions the runtime makes.
    made: u32,
    /// The plans of the lifted functions.
    lifted: Vec<Arc<FunctionPlan>>,
    adapters: Adapters<'c>,
    /// Core instances, those of adapters included.
    core_instances: u32,
    types: Types,
    steps: u32,
    depth: u32,
}

/// A fault of this crate or of the validator; never a panic.
pub(crate) fn missing(what: &str) -> Trap {
    Trap::new(format!("the component refers to {what} that is not there"))
}

impl<'c> Compiler<'c> {
    fn new(
        component: &'c Component<'c>,
        engine: &'c Engine,
        modules: &'c [TranslatedModule],
        limits: &'c RuntimeLimits,
    ) -> Self {
        Self {
            component,
            modules,
            limits,
            recipe: Recipe::default(),
            made: 0,
            lifted: Vec::new(),
            adapters: Adapters::new(engine),
            core_instances: 0,
            types: Types::bounded(limits),
            steps: 0,
            depth: 0,
        }
    }

    /// Instantiates a component and gives back its frame, whose exports are complete.
    fn instantiate(
        &mut self,
        body: u32,
        imports: Exports<'c>,
        outer: Option<Rc<Scope>>,
        parent: Option<InstanceId>,
    ) -> Result<Frame<'c>, Trap> {
        let component = self.component;
        let body = component.bodies.get(body as usize).ok_or_else(|| missing("a component"))?;
        if self.depth >= MAX_INSTANTIATION_DEPTH {
            let text =
                format!("component instances are nested more than {MAX_INSTANTIATION_DEPTH} deep");
            return Err(Trap::new(text));
        }
        self.depth += 1;
        let id = self.add_instance(parent)?;
        let scope = Scope { outer, ..Scope::default() };
        let mut frame = Frame::new(id, imports, scope);
        for step in &body.steps {
            self.spend(1)?;
            self.step(&mut frame, step)?;
        }
        self.depth -= 1;
        Ok(frame)
    }

    /// Adds a component instance.
    fn add_instance(&mut self, parent: Option<InstanceId>) -> Result<InstanceId, Trap> {
        let parents = &mut self.recipe.parents;
        let number = u32::try_from(parents.len()).unwrap_or(u32::MAX);
        Exceeded::check(self.limits, Limit::Instances, u64::from(number) + 1)?;
        parents.push(parent);
        Ok(InstanceId(number))
    }

    /// Counts a core instance. The interpreter does so too, but only when it makes them.
    fn add_core_instance(&mut self) -> Result<(), Trap> {
        self.core_instances = self.core_instances.saturating_add(1);
        let number = u64::from(self.core_instances);
        Exceeded::check(self.limits, Limit::CoreInstances, number)
            .map_err(|exceeded| Trap::from(exceeded).within(INSTANTIATION))
    }

    /// Takes from the budget of steps.
    fn spend(&mut self, steps: usize) -> Result<(), Trap> {
        self.steps = self.steps.saturating_add(u32::try_from(steps).unwrap_or(u32::MAX));
        Exceeded::check(self.limits, Limit::Steps, u64::from(self.steps))?;
        Ok(())
    }

    fn step(&mut self, frame: &mut Frame<'c>, step: &'c Step) -> Result<(), Trap> {
        match step {
            Step::Module(number) => frame.push(Item::Module(*number)),
            Step::Component(number) => {
                let closure = self.closure(frame, *number)?;
                frame.push(Item::Component(Rc::new(closure)));
            }
            Step::Import { name, ty, .. } => {
                let item = frame
                    .imports
                    .get(name.name.as_str())
                    .cloned()
                    .ok_or_else(|| missing("an import"))?;
                self.bind(frame, *ty, &item)?;
                frame.push(item);
            }
            Step::Instantiate { module, arguments } => {
                self.core_instance(frame, *module, arguments)?;
            }
            Step::Bundle(definitions) => self.bundle(frame, definitions)?,
            Step::CoreAlias { sort, instance, name } => {
                let found = self.core_export(frame, *instance, name);
                frame.push_core(*sort, name, found.ok_or_else(|| missing("a core export"))?);
            }
            Step::Alias { instance, name } => {
                let instance = frame.instances.get(*instance as usize);
                let item = instance.and_then(|instance| instance.get(name.as_str())).cloned();
                frame.push(item.ok_or_else(|| missing("an export"))?);
            }
            Step::Outer { sort, count, index } => {
                let item = outer(&frame.scope, *sort, *count, *index);
                frame.push(item.ok_or_else(|| missing("an outer definition"))?);
            }
            Step::InstantiateComponent { component, arguments, ty } => {
                let exports = self.nested(frame, *component, arguments)?;
                let item = Item::Instance(Rc::new(exports));
                self.bind(frame, ComponentEntityType::Instance(*ty), &item)?;
                frame.push(item);
            }
            Step::BundleItems(bundle) => {
                self.spend(bundle.len())?;
                let exports = items(frame, bundle)?;
                frame.push(Item::Instance(Rc::new(exports)));
            }
            Step::Export { name, item, ty, .. } => {
                let item = resolve(frame, item)?;
                self.bind(frame, *ty, &item)?;
                self.name_resource(&item, &name.name);
                frame.exports.insert(&name.name, item.clone());
                frame.push(item);
            }
            Step::Lift { .. } | Step::Lower { .. } => self.canonical(frame, step)?,
            Step::Resource { .. }
            | Step::ResourceNew(_)
            | Step::ResourceRep(_)
            | Step::ResourceDrop(_) => self.resource(frame, step)?,
        }
        Ok(())
    }

    /// Makes an instance of a component and gives back its exports.
    fn nested(
        &mut self,
        frame: &Frame<'c>,
        component: u32,
        arguments: &'c [(String, Reference)],
    ) -> Result<Exports<'c>, Trap> {
        self.spend(arguments.len())?;
        let closure = frame.scope.components.get(component as usize);
        let closure = closure.ok_or_else(|| missing("a component"))?;
        let imports = items(frame, arguments)?;
        let made =
            self.instantiate(closure.body, imports, closure.outer.clone(), Some(frame.id))?;
        Ok(made.exports)
    }

    /// A resource type is called what it is first exported as.
    fn name_resource(&mut self, item: &Item<'_>, name: &str) {
        if let Item::Type(Some(id)) = item
            && let Some(resource) = self.recipe.resources.get_mut(id.0 as usize)
            && resource.name.is_empty()
        {
            resource.name = name.into();
        }
    }

    /// A nested component, which remembers its surroundings if it needs them.
    fn closure(&mut self, frame: &Frame<'c>, body: u32) -> Result<Closure, Trap> {
        let nested = self.component.bodies.get(body as usize);
        let outer = if nested.is_some_and(|body| body.reaches_out) {
            self.spend(frame.scope.modules.len() + frame.scope.components.len())?;
            Some(Rc::new(frame.scope.clone()))
        } else {
            None
        };
        Ok(Closure { body, outer })
    }

    /// Notes which resource types of the domain an item brings under the validator's ids.
    fn bind(
        &mut self,
        frame: &mut Frame<'c>,
        ty: ComponentEntityType,
        item: &Item<'c>,
    ) -> Result<(), Trap> {
        match (ty, item) {
            (
                ComponentEntityType::Type { created: ComponentAnyTypeId::Resource(id), .. },
                Item::Type(Some(resource)),
            ) => {
                frame.resources.insert(id.resource(), *resource);
            }
            (ComponentEntityType::Instance(id), Item::Instance(exports)) => {
                let types = self.component.source.as_ref();
                let wanted = &types[id].exports;
                self.spend(wanted.len())?;
                for (name, wanted) in wanted {
                    // Nothing else has resource types in it.
                    if let ComponentEntityType::Type { .. } | ComponentEntityType::Instance(_) =
                        wanted.ty
                        && let Some(item) = exports.get(name.as_str())
                    {
                        self.bind(frame, wanted.ty, item)?;
                    }
                }
            }
            _ => {}
        }
        Ok(())
    }
}

fn items<'c>(
    frame: &Frame<'c>,
    references: &'c [(String, Reference)],
) -> Result<Exports<'c>, Trap> {
    let mut items = Exports::new();
    for (name, reference) in references {
        items.insert(name.as_str(), resolve(frame, reference)?);
    }
    Ok(items)
}

fn resolve<'c>(frame: &Frame<'c>, reference: &Reference) -> Result<Item<'c>, Trap> {
    let item = match *reference {
        Reference::Type(None) => Some(Item::Type(None)),
        Reference::Type(Some(id)) => {
            frame.resources.get(&id).map(|resource| Item::Type(Some(*resource)))
        }
        Reference::Indexed(sort, index) => indexed(frame, sort, index as usize),
    };
    item.ok_or_else(|| missing("an item"))
}

fn indexed<'c>(frame: &Frame<'c>, sort: Sort, index: usize) -> Option<Item<'c>> {
    Some(match sort {
        Sort::Module => Item::Module(*frame.scope.modules.get(index)?),
        Sort::Function => Item::Function(*frame.functions.get(index)?),
        Sort::Instance => Item::Instance(frame.instances.get(index)?.clone()),
        Sort::Component => Item::Component(frame.scope.components.get(index)?.clone()),
        Sort::Type => Item::Type(None),
    })
}

/// A module or component of the `count`-th enclosing component, the current one being the first.
fn outer<'c>(scope: &Scope, sort: Sort, count: u32, index: u32) -> Option<Item<'c>> {
    let mut scope = scope;
    for _ in 0..count {
        scope = scope.outer.as_deref()?;
    }
    Some(match sort {
        Sort::Module => Item::Module(*scope.modules.get(index as usize)?),
        Sort::Component => Item::Component(scope.components.get(index as usize)?.clone()),
        Sort::Function | Sort::Type | Sort::Instance => return None,
    })
}
