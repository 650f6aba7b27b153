//! Carries out the steps of a component: the linker proper.
//!
//! The validator has checked every index and every type, so what cannot be found here is a fault
//! of this crate; it ends the instantiation with a text instead of a panic. What a hostile
//! component can do is to ask for a lot, hence the budget of steps and the bounds of
//! [`crate::limits`].

mod canon;
mod core;

use alloc::{format, rc::Rc, string::String};

use wasmi::Store;
use wasmparser::component_types::{ComponentAnyTypeId, ComponentEntityType};

use super::{
    adapter::Adapters,
    items::{Closure, Exports, Frame, Item, Scope},
    state::State,
};
use crate::{
    canonical::InstanceId,
    component::{
        Component,
        ir::{Reference, Sort, Step},
    },
    error::Trap,
    host::Host,
    limits::{Exceeded, Limit, MAX_INSTANTIATION_DEPTH},
    link::Link,
    trace::Trace,
    translated::Translated,
    types::Types,
};

/// What is shared by all component instances of a domain while they are made.
pub(super) struct Builder<'c, H: 'static> {
    pub component: &'c Component<'c>,
    pub links: &'c [Link],
    pub store: Store<State<H>>,
    translated: &'c Translated,
    trace: Option<Trace>,
    adapters: Adapters,
    types: Types,
    steps: u32,
    depth: u32,
}

/// A fault of this crate or of the validator; never a panic.
fn missing(what: &str) -> Trap {
    Trap::new(format!("the component refers to {what} that is not there"))
}

impl<'c, H: Host> Builder<'c, H> {
    pub(super) fn new(
        component: &'c Component<'c>,
        links: &'c [Link],
        store: Store<State<H>>,
        translated: &'c Translated,
        trace: Option<Trace>,
    ) -> Self {
        let types = Types::bounded(&store.data().limits);
        let adapters = Adapters::default();
        Self { component, links, store, translated, trace, adapters, types, steps: 0, depth: 0 }
    }

    /// The store, with all that was made in it.
    pub(super) fn into_store(self) -> Store<State<H>> {
        self.store
    }

    /// Instantiates a component and gives back its frame, whose exports are complete.
    pub(super) fn instantiate(
        &mut self,
        body: u32,
        imports: Exports,
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
        let id = self.store.data_mut().add_instance(parent)?;
        let scope = Scope { outer, ..Scope::default() };
        let mut frame = Frame::new(id, imports, scope);
        for step in &body.steps {
            self.spend(1)?;
            self.step(&mut frame, step)?;
        }
        self.depth -= 1;
        Ok(frame)
    }

    /// Takes from the budget of steps.
    fn spend(&mut self, steps: usize) -> Result<(), Trap> {
        self.steps = self.steps.saturating_add(u32::try_from(steps).unwrap_or(u32::MAX));
        Exceeded::check(&self.store.data().limits, Limit::Steps, u64::from(self.steps))?;
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
                let item =
                    frame.imports.get(&name.name).cloned().ok_or_else(|| missing("an import"))?;
                self.bind(frame, *ty, &item)?;
                frame.push(item);
            }
            Step::Instantiate { module, arguments } => {
                self.core_instance(frame, *module, arguments)?;
            }
            Step::Bundle(definitions) => self.bundle(frame, definitions)?,
            Step::CoreAlias { sort, instance, name } => {
                let instance = frame.core_instances.get(*instance as usize);
                let found = instance.and_then(|instance| self.core_export(instance, name));
                core::push_core(
                    frame,
                    *sort,
                    name,
                    found.ok_or_else(|| missing("a core export"))?,
                )?;
            }
            Step::Alias { instance, name } => {
                let instance = frame.instances.get(*instance as usize);
                let item = instance.and_then(|instance| instance.get(name)).cloned();
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
                frame.exports.insert(name.name.clone(), item.clone());
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
        arguments: &[(String, Reference)],
    ) -> Result<Exports, Trap> {
        self.spend(arguments.len())?;
        let closure = frame.scope.components.get(component as usize);
        let closure = closure.ok_or_else(|| missing("a component"))?;
        let imports = items(frame, arguments)?;
        let made =
            self.instantiate(closure.body, imports, closure.outer.clone(), Some(frame.id))?;
        Ok(made.exports)
    }

    /// A resource type is called what it is first exported as.
    fn name_resource(&mut self, item: &Item, name: &str) {
        if let Item::Type(Some(id)) = item
            && let Some(resource) = self.store.data_mut().resources.get_mut(id.0 as usize)
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
        item: &Item,
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
                    if let Some(item) = exports.get(name) {
                        self.bind(frame, wanted.ty, item)?;
                    }
                }
            }
            _ => {}
        }
        Ok(())
    }
}

fn items(frame: &Frame<'_>, references: &[(String, Reference)]) -> Result<Exports, Trap> {
    let mut items = Exports::new();
    for (name, reference) in references {
        items.insert(name.clone(), resolve(frame, reference)?);
    }
    Ok(items)
}

fn resolve(frame: &Frame<'_>, reference: &Reference) -> Result<Item, Trap> {
    let item = match *reference {
        Reference::Type(None) => Some(Item::Type(None)),
        Reference::Type(Some(id)) => {
            frame.resources.get(&id).map(|resource| Item::Type(Some(*resource)))
        }
        Reference::Indexed(sort, index) => indexed(frame, sort, index as usize),
    };
    item.ok_or_else(|| missing("an item"))
}

fn indexed(frame: &Frame<'_>, sort: Sort, index: usize) -> Option<Item> {
    Some(match sort {
        Sort::Module => Item::Module(*frame.scope.modules.get(index)?),
        Sort::Function => Item::Function(frame.functions.get(index)?.clone()),
        Sort::Instance => Item::Instance(frame.instances.get(index)?.clone()),
        Sort::Component => Item::Component(frame.scope.components.get(index)?.clone()),
        Sort::Type => Item::Type(None),
    })
}

/// A module or component of the `count`-th enclosing component, the current one being the first.
fn outer(scope: &Scope, sort: Sort, count: u32, index: u32) -> Option<Item> {
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
