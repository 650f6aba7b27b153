//! Steps that cross between the component model and core modules: `canon lift`, `canon lower` and
//! the resource built-ins.

use alloc::{format, string::String, sync::Arc, vec::Vec};

use wasmparser::component_types::{ComponentFuncTypeId, ResourceId as Declared};

use super::{
    super::{
        call::Lifted,
        entry::Entry,
        items::{Frame, Function, Item},
        state::ResourceType,
        trampoline::{self, Callee, Lowered},
    },
    Builder, missing,
};
use crate::{
    canonical::{CoreSignature, FunctionPlan, Options, PlanLimits, Requirements, StringEncoding},
    component::{
        ConvertError, Converter,
        ir::{CanonOptions, Encoding, Step},
    },
    error::Trap,
    host::Host,
    types::FunctionType,
};

impl<'c, H: Host> Builder<'c, H> {
    pub(super) fn resource(&mut self, frame: &mut Frame<'c>, step: &Step) -> Result<(), Trap> {
        let known = |frame: &Frame<'c>, id: &Declared| {
            frame.resources.get(id).copied().ok_or_else(|| missing("a resource type"))
        };
        let function = match step {
            Step::Resource { id, destructor } => {
                let destructor = destructor
                    .map(|index| frame.core_function(index))
                    .map(|function| function.ok_or_else(|| missing("a destructor")))
                    .transpose()?
                    .map(|function| function.typed(&self.store))
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

    pub(super) fn canonical(&mut self, frame: &mut Frame<'c>, step: &Step) -> Result<(), Trap> {
        match step {
            Step::Lift { function, ty, options } => {
                let core = frame.core_functions.get(*function as usize).copied();
                let core = core.ok_or_else(|| missing("a core function"))?;
                let (core, name) = core;
                let plan = self.plan(frame, name, *ty)?;
                let core = Entry::new(&mut self.store, &mut self.adapters, core, plan.lifted())?;
                let post_return = match options.post_return {
                    Some(index) => Some(self.post_return(frame, index, &plan)?),
                    None => None,
                };
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
                let function = trampoline::lowered(&mut self.store, &mut self.adapters, lowered)?;
                frame.core_functions.push((function, ""));
            }
            _ => {}
        }
        Ok(())
    }

    /// The function that frees what a result stands in: it takes what the core function returned.
    fn post_return(
        &mut self,
        frame: &Frame<'c>,
        index: u32,
        plan: &FunctionPlan,
    ) -> Result<Entry, Trap> {
        let function = frame.core_function(index);
        let function = function.ok_or_else(|| missing("a post-return function"))?;
        let parameters = plan.lifted().results.clone();
        let signature = CoreSignature { parameters, results: Vec::new() };
        Ok(Entry::new(&mut self.store, &mut self.adapters, function, &signature)?)
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
        let before = self.types.len();
        let ty = self.function_type(frame, id).map_err(|error| {
            Trap::new(match error {
                ConvertError::TooLarge(exceeded) => {
                    format!("the type of `{name}` is too large: {exceeded}")
                }
                ConvertError::Unsupported(what) => {
                    format!("{what} in the type of `{name}`: not supported")
                }
                ConvertError::UnknownResource => {
                    format!("the type of `{name}` has a resource that nothing declares")
                }
            })
        })?;
        self.spend(ty.parameters.len().saturating_add(self.types.len() - before))?;
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
