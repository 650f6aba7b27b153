//! Carries out the steps of a component: the linker proper.
//!
//! The validator has checked every index and every type, so what cannot be found here is a fault
//! of this crate; it ends the instantiation with a text instead of a panic. What a hostile
//! component can do is to ask for a lot, hence the budget of steps and the bounds of
//! [`crate::limits`].

use alloc::{collections::BTreeMap, format, rc::Rc, string::String, sync::Arc, vec::Vec};

use wasmi::{Engine, Extern, Module, Store};
use wasmparser::component_types::{
    ComponentAnyTypeId, ComponentEntityType, ComponentFuncTypeId, ResourceId as Declared,
};

use super::{
    call::Lifted,
    items::{Closure, CoreInstance, Exports, Frame, Function, Item, Scope},
    state::{ResourceType, State},
    trampoline::{self, Callee, Lowered},
};
use crate::{
    canonical::{FunctionPlan, Options, PlanLimits, Requirements, StringEncoding},
    component::{
        Component, ConvertError, Converter,
        ir::{CanonOptions, CoreSort, Encoding, Reference, Sort, Step},
    },
    error::Trap,
    host::Host,
    limits::MAX_STEPS,
    link::Link,
    types::{FunctionType, Types},
};

/// Deepest nesting of instantiations.
const MAX_DEPTH: u32 = 32;

/// What is shared by all component instances of a domain while they are made.
pub(super) struct Builder<'c, H: 'static> {
    pub component: &'c Component<'c>,
    pub links: &'c [Link],
    pub store: Store<State<H>>,
    pub engine: Engine,
    /// Core modules that were translated, by their number.
    modules: BTreeMap<u32, Module>,
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
        engine: Engine,
    ) -> Self {
        Self {
            component,
            links,
            store,
            engine,
            modules: BTreeMap::new(),
            types: Types::new(),
            steps: 0,
            depth: 0,
        }
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
    ) -> Result<Frame<'c>, Trap> {
        let component = self.component;
        let body = component.bodies.get(body as usize).ok_or_else(|| missing("a component"))?;
        if self.depth >= MAX_DEPTH {
            let text = format!("component instances are nested more than {MAX_DEPTH} deep");
            return Err(Trap::new(text));
        }
        self.depth += 1;
        let id = self.store.data_mut().add_instance()?;
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
        if self.steps > MAX_STEPS {
            return Err(Trap::new(format!("instantiation takes more than {MAX_STEPS} steps")));
        }
        Ok(())
    }

    fn step(&mut self, frame: &mut Frame<'c>, step: &'c Step) -> Result<(), Trap> {
        match step {
            Step::Module(number) => frame.push(Item::Module(*number)),
            Step::Component(number) => {
                let closure = self.closure(frame, *number)?;
                frame.push(Item::Component(Rc::new(closure)));
            }
            Step::Import { name, ty } => {
                let item = frame.imports.get(name).cloned().ok_or_else(|| missing("an import"))?;
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
                push_core(frame, *sort, name, found.ok_or_else(|| missing("a core export"))?)?;
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
                self.spend(arguments.len())?;
                let closure = frame.scope.components.get(*component as usize).cloned();
                let closure = closure.ok_or_else(|| missing("a component"))?;
                let imports = items(frame, arguments)?;
                let made = self.instantiate(closure.body, imports, closure.outer.clone())?;
                let item = Item::Instance(Rc::new(made.exports));
                self.bind(frame, ComponentEntityType::Instance(*ty), &item)?;
                frame.push(item);
            }
            Step::BundleItems(bundle) => {
                self.spend(bundle.len())?;
                let exports = items(frame, bundle)?;
                frame.push(Item::Instance(Rc::new(exports)));
            }
            Step::Export { name, item, ty } => {
                let item = resolve(frame, item)?;
                self.bind(frame, *ty, &item)?;
                self.name_resource(&item, name);
                frame.exports.insert(name.clone(), item.clone());
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

    fn resource(&mut self, frame: &mut Frame<'c>, step: &Step) -> Result<(), Trap> {
        let known = |frame: &Frame<'c>, id: &Declared| {
            frame.resources.get(id).copied().ok_or_else(|| missing("a resource type"))
        };
        let function = match step {
            Step::Resource { id, destructor } => {
                let destructor = destructor
                    .map(|index| frame.core_function(index))
                    .map(|function| function.ok_or_else(|| missing("a destructor")))
                    .transpose()?;
                let ty = ResourceType {
                    name: String::new(),
                    origin: None,
                    implementer: Some(frame.id),
                    destructor,
                };
                let number = self.store.data_mut().add_resource(ty);
                frame.resources.insert(*id, number);
                return Ok(());
            }
            Step::ResourceNew(id) => {
                trampoline::resource_new(&mut self.store, known(frame, id)?, frame.id)
            }
            Step::ResourceRep(id) => {
                trampoline::resource_rep(&mut self.store, known(frame, id)?, frame.id)
            }
            Step::ResourceDrop(id) => {
                trampoline::resource_drop(&mut self.store, known(frame, id)?, frame.id)
            }
            _ => return Ok(()),
        };
        frame.core_functions.push((function, ""));
        Ok(())
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

    fn core_export(&self, instance: &CoreInstance, name: &str) -> Option<Extern> {
        match instance {
            CoreInstance::Module(instance) => instance.get_export(&self.store, name),
            CoreInstance::Bundle(exports) => exports.get(name).copied(),
        }
    }

    /// Makes a core instance of existing definitions.
    fn bundle(
        &mut self,
        frame: &mut Frame<'c>,
        definitions: &[(String, CoreSort, u32)],
    ) -> Result<(), Trap> {
        self.spend(definitions.len())?;
        let mut exports = BTreeMap::new();
        for (name, sort, index) in definitions {
            let at = *index as usize;
            let found = match sort {
                CoreSort::Function => frame.core_function(*index).map(Extern::Func),
                CoreSort::Table => frame.tables.get(at).copied().map(Extern::Table),
                CoreSort::Memory => frame.memories.get(at).copied().map(Extern::Memory),
                CoreSort::Global => frame.globals.get(at).copied().map(Extern::Global),
            };
            exports.insert(name.clone(), found.ok_or_else(|| missing("a core definition"))?);
        }
        frame.core_instances.push(CoreInstance::Bundle(exports));
        Ok(())
    }

    /// Instantiates a core module, which is translated the first time.
    fn core_instance(
        &mut self,
        frame: &mut Frame<'c>,
        module: u32,
        arguments: &[(String, u32)],
    ) -> Result<(), Trap> {
        let number = frame.scope.modules.get(module as usize).copied();
        let module = self.module(number.ok_or_else(|| missing("a core module"))?)?;
        let mut imports = Vec::new();
        for import in module.imports() {
            let argument = arguments.iter().find(|(name, _)| name == import.module());
            let instance =
                argument.and_then(|(_, index)| frame.core_instances.get(*index as usize));
            let found = instance.and_then(|instance| self.core_export(instance, import.name()));
            imports.push(found.ok_or_else(|| missing("a core import"))?);
        }
        self.spend(imports.len())?;
        self.store.data_mut().nest()?;
        let instance = wasmi::Instance::new(&mut self.store, &module, &imports)
            .map_err(|error| Trap::from(error).within("instantiation of a core module"))?;
        self.store.data_mut().unnest();
        frame.core_instances.push(CoreInstance::Module(instance));
        Ok(())
    }

    fn module(&mut self, number: u32) -> Result<Module, Trap> {
        if let Some(module) = self.modules.get(&number) {
            return Ok(module.clone());
        }
        let bytes = self.component.modules.get(number as usize);
        let bytes = bytes.ok_or_else(|| missing("a core module"))?;
        let module = Module::new(&self.engine, bytes)
            .map_err(|error| Trap::from(error).within("translation of a core module"))?;
        self.modules.insert(number, module.clone());
        Ok(module)
    }

    fn canonical(&mut self, frame: &mut Frame<'c>, step: &Step) -> Result<(), Trap> {
        match step {
            Step::Lift { function, ty, options } => {
                let core = frame.core_functions.get(*function as usize).copied();
                let core = core.ok_or_else(|| missing("a core function"))?;
                let (core, name) = core;
                let plan = self.plan(frame, name, *ty)?;
                let post_return = options.post_return;
                let post_return = post_return
                    .map(|index| frame.core_function(index))
                    .map(|function| function.ok_or_else(|| missing("a post-return function")))
                    .transpose()?;
                let options = self.options(frame, options, plan.lift_requirements())?;
                let lifted = Lifted { plan, core, post_return, options };
                frame.push(Item::Function(Function::Lifted(Arc::new(lifted))));
            }
            Step::Lower { function, ty, options } => {
                let callee = frame.functions.get(*function as usize).cloned();
                let callee = callee.ok_or_else(|| missing("a function"))?;
                let (name, callee) = self.callee(&callee)?;
                let plan = self.plan(frame, &name, *ty)?;
                let options = self.options(frame, options, plan.lower_requirements())?;
                let lowered = Lowered { plan, options, callee };
                let function = trampoline::lowered(&mut self.store, lowered);
                frame.core_functions.push((function, ""));
            }
            _ => {}
        }
        Ok(())
    }

    /// Who answers calls of a function, and its name for texts.
    fn callee(&self, function: &Function) -> Result<(String, Callee), Trap> {
        match function {
            Function::Lifted(lifted) => {
                Ok((lifted.plan.name().into(), Callee::Local(lifted.clone())))
            }
            Function::Imported { import, function } => {
                let interface = self.component.imports().get(*import as usize);
                let interface = interface.ok_or_else(|| missing("an interface"))?;
                let link = self.links.get(*import as usize);
                let target = link.and_then(|link| link.target);
                let method = link.and_then(|link| link.methods.get(*function as usize));
                let (target, method) =
                    target.zip(method.copied()).ok_or_else(|| missing("a provider"))?;
                let name = interface.ty.functions.get(*function as usize);
                let name = name.map_or("?", |(name, _)| name.as_str());
                Ok((format!("{}#{name}", interface.name), Callee::Remote(target, method)))
            }
        }
    }

    fn plan(
        &mut self,
        frame: &mut Frame<'c>,
        name: &str,
        id: ComponentFuncTypeId,
    ) -> Result<FunctionPlan, Trap> {
        let ty = self.function_type(frame, id).map_err(|error| {
            Trap::new(match error {
                ConvertError::TooLarge => format!("the type of `{name}` is too large"),
                ConvertError::Unsupported(what) => {
                    format!("{what} in the type of `{name}`: not supported")
                }
                ConvertError::UnknownResource => {
                    format!("the type of `{name}` has a resource that nothing declares")
                }
            })
        })?;
        self.spend(ty.parameters.len())?;
        FunctionPlan::compile(name, &self.types, &ty, &PlanLimits::default())
            .map_err(|error| Trap::new(format!("the type of `{name}`: {error}")))
    }

    fn function_type(
        &mut self,
        frame: &mut Frame<'c>,
        id: ComponentFuncTypeId,
    ) -> Result<FunctionType, ConvertError> {
        let Frame { resources, converted, .. } = frame;
        let mut converter = Converter {
            source: self.component.source.as_ref(),
            resources: |declared| resources.get(&declared).copied(),
            done: converted,
        };
        converter.function(id, &mut self.types)
    }

    fn options(
        &self,
        frame: &Frame<'c>,
        options: &CanonOptions,
        required: Requirements,
    ) -> Result<Options, Trap> {
        let memory = options.memory.map(|index| frame.memories.get(index as usize).copied());
        let memory = memory.map(|memory| memory.ok_or_else(|| missing("a memory"))).transpose()?;
        let realloc = match options.realloc {
            Some(index) => {
                let function = frame.core_function(index);
                let function = function.ok_or_else(|| missing("an allocator"))?;
                Some(function.typed(&self.store).map_err(Trap::from)?)
            }
            None => None,
        };
        if (required.memory && memory.is_none()) || (required.realloc && realloc.is_none()) {
            return Err(missing("a memory or an allocator"));
        }
        let encoding = match options.encoding {
            Encoding::Utf8 => StringEncoding::Utf8,
            Encoding::Utf16 => StringEncoding::Utf16,
            Encoding::Latin1OrUtf16 => StringEncoding::Latin1OrUtf16,
        };
        Ok(Options { memory, realloc, encoding, instance: frame.id })
    }
}

/// Appends a core definition to the index space of its sort.
fn push_core<'c>(
    frame: &mut Frame<'c>,
    sort: CoreSort,
    name: &'c str,
    found: Extern,
) -> Result<(), Trap> {
    match (sort, found) {
        (CoreSort::Function, Extern::Func(function)) => {
            frame.core_functions.push((function, name));
        }
        (CoreSort::Table, Extern::Table(table)) => frame.tables.push(table),
        (CoreSort::Memory, Extern::Memory(memory)) => frame.memories.push(memory),
        (CoreSort::Global, Extern::Global(global)) => frame.globals.push(global),
        _ => return Err(missing("a core export of another sort")),
    }
    Ok(())
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
