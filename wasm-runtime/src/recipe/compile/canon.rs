//! Steps that cross between the component model and core modules: `canon lift`, `canon lower` and
//! the resource built-ins.

use alloc::{format, string::String, sync::Arc};

use wasmparser::component_types::{ComponentFuncTypeId, ResourceId as Declared};

use super::{
    Compiler,
    items::{Frame, Item},
    missing,
};
use crate::{
    canonical::{CoreType, FunctionPlan, PlanLimits, Requirements, StringEncoding},
    component::{
        ConvertError, Converter,
        ir::{CanonOptions, CoreSort, Encoding, Step},
    },
    error::Trap,
    instance::{entry, trampoline},
    recipe::{Callee, CoreFunction, CoreItem, CoreOptions, Lift, Lower, Operation, Resource},
    types::{FunctionType, ResourceId},
};

impl<'c> Compiler<'c> {
    pub(super) fn resource(&mut self, frame: &mut Frame<'c>, step: &Step) -> Result<(), Trap> {
        let known = |frame: &Frame<'c>, id: &Declared| {
            frame.resources.get(id).copied().ok_or_else(|| missing("a resource type"))
        };
        let operation = match step {
            Step::Resource { id, destructor } => {
                let resource = ResourceId(self.recipe.resources.len() as u32);
                if let Some(index) = destructor {
                    let function = frame.core_item(CoreSort::Function, *index);
                    let function = function.ok_or_else(|| missing("a destructor"))?;
                    self.recipe.operations.push(Operation::Destructor { resource, function });
                }
                let implementer = Some(frame.id);
                self.recipe.resources.push(Resource { implementer, ..Resource::default() });
                frame.resources.insert(*id, resource);
                return Ok(());
            }
            Step::ResourceNew(id) => Operation::ResourceNew(known(frame, id)?, frame.id),
            Step::ResourceRep(id) => Operation::ResourceRep(known(frame, id)?, frame.id),
            Step::ResourceDrop(id) => Operation::ResourceDrop(known(frame, id)?, frame.id),
            _ => return Ok(()),
        };
        self.make(frame, operation);
        Ok(())
    }

    /// Makes a core function.
    fn make(&mut self, frame: &mut Frame<'c>, operation: Operation) {
        self.recipe.operations.push(operation);
        frame.push_core(CoreSort::Function, "", CoreItem::Made(self.made));
        self.made = self.made.saturating_add(1);
    }

    pub(super) fn canonical(&mut self, frame: &mut Frame<'c>, step: &Step) -> Result<(), Trap> {
        match step {
            Step::Lift { function, ty, options } => {
                let core = frame.core_functions.get(*function as usize).copied();
                let (core, name) = core.ok_or_else(|| missing("a core function"))?;
                let plan = self.plan(frame, name, *ty)?;
                let core =
                    self.core_function(core, &plan.lifted().parameters, &plan.lifted().results)?;
                let post_return = match options.post_return {
                    Some(index) => Some(self.post_return(frame, index, &plan)?),
                    None => None,
                };
                let options = core_options(frame, options, plan.lift_requirements())?;
                frame.push(Item::Function(Callee::Lifted(self.lifted.len() as u32)));
                self.lifted.push(plan.clone());
                let lift = Lift { plan, core, post_return, options };
                self.recipe.operations.push(Operation::Lift(lift));
            }
            Step::Lower { function, ty, options } => {
                let callee = frame.functions.get(*function as usize).copied();
                let callee = callee.ok_or_else(|| missing("a function"))?;
                let name = self.name_of(callee)?;
                let plan = self.plan(frame, &name, *ty)?;
                let options = core_options(frame, options, plan.lower_requirements())?;
                let adapter = if trampoline::is_common(plan.lowered()) {
                    None
                } else {
                    self.add_core_instance()?;
                    Some(self.adapters.for_guest(plan.lowered())?)
                };
                self.make(frame, Operation::Lower(Lower { plan, callee, adapter, options }));
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
    ) -> Result<CoreFunction, Trap> {
        let function = frame.core_item(CoreSort::Function, index);
        let function = function.ok_or_else(|| missing("a post-return function"))?;
        self.core_function(function, &plan.lifted().results, &[])
    }

    /// A core function that the runtime calls.
    fn core_function(
        &mut self,
        item: CoreItem,
        parameters: &[CoreType],
        results: &[CoreType],
    ) -> Result<CoreFunction, Trap> {
        let adapter = if entry::is_common(parameters, results) {
            None
        } else {
            self.add_core_instance()?;
            Some(self.adapters.for_runtime(parameters, results)?)
        };
        Ok(CoreFunction { item, adapter })
    }

    /// What texts call a function.
    fn name_of(&self, callee: Callee) -> Result<String, Trap> {
        match callee {
            Callee::Lifted(number) => {
                let plan = self.lifted.get(number as usize);
                plan.map(|plan| plan.name().into()).ok_or_else(|| missing("a function"))
            }
            Callee::Imported { import, function } => {
                let interface = self.component.imports().get(import as usize);
                let interface = interface.ok_or_else(|| missing("an interface"))?;
                let name = interface.ty.functions.get(function as usize);
                let name = name.map_or("?", |(name, _)| name.as_str());
                Ok(format!("{}#{name}", interface.name))
            }
        }
    }

    fn plan(
        &mut self,
        frame: &mut Frame<'c>,
        name: &str,
        id: ComponentFuncTypeId,
    ) -> Result<Arc<FunctionPlan>, Trap> {
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
            .map(Arc::new)
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
}

/// The options of a canonical definition.
fn core_options(
    frame: &Frame<'_>,
    options: &CanonOptions,
    required: Requirements,
) -> Result<CoreOptions, Trap> {
    let item = |sort, index: Option<u32>, what| match index {
        Some(index) => frame.core_item(sort, index).ok_or_else(|| missing(what)).map(Some),
        None => Ok(None),
    };
    let memory = item(CoreSort::Memory, options.memory, "a memory")?;
    let realloc = item(CoreSort::Function, options.realloc, "an allocator")?;
    if (required.memory && memory.is_none()) || (required.realloc && realloc.is_none()) {
        return Err(missing("a memory or an allocator"));
    }
    let encoding = match options.encoding {
        Encoding::Utf8 => StringEncoding::Utf8,
        Encoding::Utf16 => StringEncoding::Utf16,
        Encoding::Latin1OrUtf16 => StringEncoding::Latin1OrUtf16,
    };
    Ok(CoreOptions { memory, realloc, encoding, instance: frame.id })
}
