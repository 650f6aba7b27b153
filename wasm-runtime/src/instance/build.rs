//! Makes an instance: follows the recipe of its component in a store.
//!
//! Nothing is looked up here but the exports of core instances, by the names that the recipe lists
//! for each. A number that leads nowhere is a fault of this crate and ends the instantiation with
//! a text.

use alloc::{sync::Arc, vec::Vec};

use wasmi::{Extern, Func, Store};

use super::{
    call::Lifted,
    contents::Parts,
    entry::Entry,
    pass::{Exported, Passed},
    state::{ResourceType, State},
    trampoline::{self, Callee, Lowered},
};
use crate::{
    canonical::{CoreSignature, CoreType, Options, Realloc},
    error::Trap,
    host::{Host, Origin, Target},
    link::Link,
    recipe::{
        self, CoreFunction, CoreImport, CoreItem, CoreOptions, Export, INSTANTIATION, Lift, Lower,
        Operation, Recipe, ResourceOrigin, missing,
    },
    trace::{Added, Trace},
    translated::TranslatedModule,
};

/// The resource types of a domain, without their destructors.
pub(super) fn resources(recipe: &Recipe, links: &[Link]) -> Vec<ResourceType> {
    let origin = |origin: ResourceOrigin| match origin {
        ResourceOrigin::Export { interface, resource } => {
            Some(Origin::Export { interface, resource })
        }
        ResourceOrigin::Import { interface, resource } => {
            let link = links.get(interface as usize)?;
            let resource = *link.resources.get(resource as usize)?;
            Some(Origin::Import { target: link.target?, resource })
        }
    };
    let resources = recipe.resources.iter().map(|resource| ResourceType {
        name: resource.name.clone(),
        origin: resource.origin.and_then(origin),
        implementer: resource.implementer,
        destructor: None,
    });
    resources.collect()
}

/// What was made so far.
pub(super) struct Builder<'a, H: Host> {
    recipe: &'a Recipe,
    modules: &'a [TranslatedModule],
    links: &'a [Link],
    store: &'a mut Store<State<H>>,
    trace: Option<Trace>,
    /// The exports of the core instances that are used.
    exported: Vec<Vec<Extern>>,
    /// The core functions that the runtime made.
    made: Vec<Func>,
    lifted: Vec<Arc<Lifted>>,
    /// What is handed to another version, if the component declares a layout.
    parts: Option<Parts>,
    /// The allocator that was used last, which the next function mostly has too.
    realloc: Option<(CoreItem, Realloc)>,
}

impl<'a, H: Host> Builder<'a, H> {
    pub(super) fn new(
        recipe: &'a Recipe,
        modules: &'a [TranslatedModule],
        links: &'a [Link],
        store: &'a mut Store<State<H>>,
        trace: Option<Trace>,
    ) -> Self {
        Self {
            recipe,
            modules,
            links,
            store,
            trace,
            exported: Vec::with_capacity(recipe.core_instances.len()),
            made: Vec::new(),
            lifted: Vec::new(),
            parts: None,
            realloc: None,
        }
    }

    /// Collects what is handed to another version.
    pub(super) fn collecting(self, collects: bool) -> Self {
        Self { parts: collects.then(Parts::default), ..self }
    }

    /// What was collected.
    pub(super) fn collected(&mut self) -> Option<Parts> {
        self.parts.take()
    }

    /// Does all that the recipe says and gives back the functions of the exported interfaces.
    ///
    /// # Errors
    /// A limit is exceeded, or a start function trapped.
    pub(super) fn build(&mut self) -> Result<Vec<Vec<Exported>>, Trap> {
        let recipe = self.recipe;
        for operation in &recipe.operations {
            self.carry_out(operation)?;
        }
        let interfaces = recipe.exports.iter();
        interfaces.map(|functions| functions.iter().map(|it| self.export(it)).collect()).collect()
    }

    fn carry_out(&mut self, operation: &Operation) -> Result<(), Trap> {
        let function = match *operation {
            Operation::Instantiate(number) => return self.instantiate(number),
            Operation::Destructor { resource, function } => {
                let destructor = self.function(function)?.typed(&*self.store)?;
                let resources = &mut self.store.data_mut().resources;
                let resource = resources.get_mut(resource.0 as usize);
                resource.ok_or_else(|| missing("a resource type"))?.destructor = Some(destructor);
                return Ok(());
            }
            Operation::Lift(ref lift) => return self.lift(lift),
            Operation::Lower(ref lower) => self.lower(lower)?,
            Operation::ResourceNew(resource, instance) => {
                trampoline::resource_new(self.store, resource, instance)
            }
            Operation::ResourceRep(resource, instance) => {
                trampoline::resource_rep(self.store, resource, instance)
            }
            Operation::ResourceDrop(resource, instance) => {
                trampoline::resource_drop(self.store, resource, instance)
            }
        };
        self.made.push(function);
        Ok(())
    }

    /// Makes a core instance, and takes out of it what is used later.
    fn instantiate(&mut self, number: u32) -> Result<(), Trap> {
        let instance = self.recipe.core_instances.get(number as usize);
        let instance = instance.ok_or_else(|| missing("a core instance"))?;
        let module = self.modules.get(instance.module as usize);
        let module = module.ok_or_else(|| missing("a core module"))?;
        let TranslatedModule { module, exposed, .. } = module;
        let mut imports = Vec::with_capacity(instance.imports.len());
        for import in &instance.imports {
            imports.push(self.import(*import)?);
        }
        self.store.data_mut().nest()?;
        self.store.data_mut().refused = None;
        let made = wasmi::Instance::new(&mut *self.store, module, &imports)
            .map_err(|error| self.explain(error))?;
        self.store.data_mut().unnest();
        let export = |name| made.get_export(&*self.store, name);
        let exports = instance.exports.iter().map(|name| export(name)).collect::<Option<_>>();
        self.exported.push(exports.ok_or_else(|| missing("a core export"))?);
        if let Some(parts) = &mut self.parts {
            parts.collect(&*self.store, made, *exposed);
        }
        Ok(())
    }

    fn import(&mut self, import: CoreImport) -> Result<Extern, Trap> {
        match import {
            CoreImport::Item(item) => self.item(item),
            CoreImport::Added(added) => {
                let trace = self.trace.ok_or_else(|| missing("a trace"))?;
                let met =
                    trace.meet(&mut *self.store, added).map_err(|error| self.explain(error))?;
                if let (Added::Memory(_), Extern::Memory(memory), Some(parts)) =
                    (added, met, &mut self.parts)
                {
                    parts.add_memory(memory);
                }
                Ok(met)
            }
        }
    }

    fn explain(&mut self, error: wasmi::Error) -> Trap {
        self.store.data_mut().explain(error).within(INSTANTIATION)
    }

    fn item(&self, item: CoreItem) -> Result<Extern, Trap> {
        let found = match item {
            CoreItem::Made(number) => self.made.get(number as usize).copied().map(Extern::Func),
            CoreItem::Export { instance, export } => {
                let exports = self.exported.get(instance as usize);
                exports.and_then(|exports| exports.get(export as usize)).copied()
            }
        };
        found.ok_or_else(|| missing("a core definition"))
    }

    fn function(&self, item: CoreItem) -> Result<Func, Trap> {
        self.item(item)?.into_func().ok_or_else(|| missing("a core function"))
    }

    fn lift(&mut self, lift: &Lift) -> Result<(), Trap> {
        let CoreSignature { parameters, results } = lift.plan.lifted();
        let core = self.entry(&lift.core, parameters, results)?;
        let post_return = lift.post_return.as_ref();
        let post_return =
            post_return.map(|function| self.entry(function, results, &[])).transpose()?;
        let options = self.options(&lift.options)?;
        let lifted = Lifted { plan: lift.plan.clone(), core, post_return, options };
        self.lifted.push(Arc::new(lifted));
        Ok(())
    }

    fn lower(&mut self, lower: &Lower) -> Result<Func, Trap> {
        let options = self.options(&lower.options)?;
        let callee = match lower.callee {
            recipe::Callee::Lifted(number) => Callee::Local(self.lifted(number)?.clone()),
            recipe::Callee::Imported { import, function } => {
                let provider = self.provider(import, function);
                let (target, method) = provider.ok_or_else(|| missing("a provider"))?;
                Callee::Remote(target, method)
            }
        };
        let lowered = Lowered { plan: lower.plan.clone(), options, callee };
        Ok(trampoline::lowered(self.store, lower.adapter.as_ref(), lowered)?)
    }

    fn lifted(&self, number: u32) -> Result<&Arc<Lifted>, Trap> {
        self.lifted.get(number as usize).ok_or_else(|| missing("a function"))
    }

    /// Who answers calls of an import, and the number of the function there.
    fn provider(&self, import: u32, function: u32) -> Option<(Target, u32)> {
        let link = self.links.get(import as usize)?;
        link.target.zip(link.methods.get(function as usize).copied())
    }

    fn entry(
        &mut self,
        function: &CoreFunction,
        parameters: &[CoreType],
        results: &[CoreType],
    ) -> Result<Entry, Trap> {
        let CoreFunction { item, adapter } = function;
        let function = self.function(*item)?;
        Ok(Entry::new(self.store, function, parameters, results, adapter.as_ref())?)
    }

    fn options(&mut self, options: &CoreOptions) -> Result<Options, Trap> {
        let CoreOptions { memory, realloc, encoding, instance } = *options;
        let memory = match memory {
            Some(item) => {
                let memory = self.item(item)?.into_memory();
                Some(memory.ok_or_else(|| missing("a memory"))?)
            }
            None => None,
        };
        let realloc = realloc.map(|item| self.allocator(item)).transpose()?;
        Ok(Options { memory, realloc, encoding, instance })
    }

    fn allocator(&mut self, item: CoreItem) -> Result<Realloc, Trap> {
        if let Some((last, realloc)) = self.realloc
            && last == item
        {
            return Ok(realloc);
        }
        let realloc = self.function(item)?.typed(&*self.store)?;
        self.realloc = Some((item, realloc));
        Ok(realloc)
    }

    fn export(&self, export: &Export) -> Result<Exported, Trap> {
        match export {
            Export::Lifted(number) => Ok(Exported::Lifted(self.lifted(*number)?.clone())),
            Export::Passed { plan, import, function } => {
                let Some((target, method)) = self.provider(*import, *function) else {
                    return Err(Trap::new("an export passes on an import that is not there"));
                };
                let passed = Passed { plan: plan.clone(), target, method };
                Ok(Exported::Passed(Arc::new(passed)))
            }
        }
    }
}
