//! Steps that make core instances and take exports out of them.

use alloc::{collections::BTreeMap, string::String, vec::Vec};

use wasmi::Extern;

use super::{
    super::items::{CoreInstance, Frame},
    Builder, missing,
};
use crate::{
    component::ir::CoreSort, error::Trap, host::Host, trace::AddedImports,
    translated::TranslatedModule,
};

/// Where a trap was that ends the instantiation of a core module.
const INSTANTIATION: &str = "instantiation of a core module";

impl<'c, H: Host> Builder<'c, H> {
    pub(super) fn core_export(&self, instance: &CoreInstance, name: &str) -> Option<Extern> {
        match instance {
            CoreInstance::Module(instance) => instance.get_export(&self.store, name),
            CoreInstance::Bundle(exports) => exports.get(name).copied(),
        }
    }

    /// Makes a core instance of existing definitions.
    pub(super) fn bundle(
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

    /// Instantiates a core module.
    pub(super) fn core_instance(
        &mut self,
        frame: &mut Frame<'c>,
        module: u32,
        arguments: &[(String, u32)],
    ) -> Result<(), Trap> {
        let translated = self.translated;
        let number = frame.scope.modules.get(module as usize);
        let module = number.and_then(|number| translated.modules.get(*number as usize));
        let TranslatedModule { module, traced } = module.ok_or_else(|| missing("a core module"))?;
        self.spend(arguments.len())?;
        let arguments: BTreeMap<&str, u32> =
            arguments.iter().map(|(name, index)| (name.as_str(), *index)).collect();
        let mut imports = Vec::new();
        let mut added = traced
            .zip(self.trace)
            .map(|(defined, trace)| AddedImports::new(module, defined, trace));
        for import in module.imports() {
            let added = added.as_mut().and_then(|added| added.next(&mut self.store, import.ty()));
            if let Some(import) = added {
                let import = import
                    .map_err(|error| self.store.data_mut().explain(error).within(INSTANTIATION))?;
                imports.push(import);
                continue;
            }
            let argument = arguments.get(import.module());
            let instance = argument.and_then(|index| frame.core_instances.get(*index as usize));
            let found = instance.and_then(|instance| self.core_export(instance, import.name()));
            imports.push(found.ok_or_else(|| missing("a core import"))?);
        }
        self.spend(imports.len())?;
        self.store.data_mut().nest()?;
        self.store.data_mut().refused = None;
        let instance = wasmi::Instance::new(&mut self.store, module, &imports)
            .map_err(|error| self.store.data_mut().explain(error).within(INSTANTIATION))?;
        self.store.data_mut().unnest();
        frame.core_instances.push(CoreInstance::Module(instance));
        Ok(())
    }
}

/// Appends a core definition to the index space of its sort.
pub(super) fn push_core<'c>(
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
