//! Steps that make core instances and take exports out of them.

use alloc::{boxed::Box, collections::BTreeMap, string::String, vec::Vec};

use super::{
    Compiler,
    items::{CoreInstance as Made, Frame},
    missing,
};
use crate::{
    component::ir::CoreSort,
    error::Trap,
    recipe::{CoreImport, CoreInstance, CoreItem, Operation},
    trace::AddedImports,
    translated::TranslatedModule,
};

impl<'c> Compiler<'c> {
    /// An export of a core instance.
    pub(super) fn core_export(
        &mut self,
        frame: &Frame<'c>,
        instance: u32,
        name: &'c str,
    ) -> Option<CoreItem> {
        let instance = match frame.core_instances.get(instance as usize)? {
            Made::Bundle(exports) => return exports.get(name).copied(),
            Made::Module(number) => *number,
        };
        let names = &mut self.recipe.core_instances.get_mut(instance as usize)?.exports;
        let export = names.len() as u32;
        names.push(Box::from(name));
        Some(CoreItem::Export { instance, export })
    }

    /// Makes a core instance of existing definitions.
    pub(super) fn bundle(
        &mut self,
        frame: &mut Frame<'c>,
        definitions: &'c [(String, CoreSort, u32)],
    ) -> Result<(), Trap> {
        self.spend(definitions.len())?;
        let mut exports = BTreeMap::new();
        for (name, sort, index) in definitions {
            let found = frame.core_item(*sort, *index);
            exports.insert(name.as_str(), found.ok_or_else(|| missing("a core definition"))?);
        }
        frame.core_instances.push(Made::Bundle(exports));
        Ok(())
    }

    /// Instantiates a core module.
    pub(super) fn core_instance(
        &mut self,
        frame: &mut Frame<'c>,
        module: u32,
        arguments: &'c [(String, u32)],
    ) -> Result<(), Trap> {
        let number = frame.scope.modules.get(module as usize).copied();
        let number = number.ok_or_else(|| missing("a core module"))?;
        let module = self.modules.get(number as usize);
        let module = module.ok_or_else(|| missing("a core module"))?;
        let TranslatedModule { module, traced, .. } = module;
        self.spend(arguments.len())?;
        let arguments: BTreeMap<&str, u32> =
            arguments.iter().map(|(name, index)| (name.as_str(), *index)).collect();
        let mut imports = Vec::new();
        let mut added = traced.map(|defined| AddedImports::new(module, defined));
        for import in module.imports() {
            if let Some(added) = added.as_mut().and_then(|added| added.next(import.ty())) {
                imports.push(CoreImport::Added(added));
                continue;
            }
            let argument = arguments.get(import.module());
            let found =
                argument.and_then(|instance| self.core_export(frame, *instance, import.name()));
            imports.push(CoreImport::Item(found.ok_or_else(|| missing("a core import"))?));
        }
        self.spend(imports.len())?;
        self.add_core_instance()?;
        let instance = self.recipe.core_instances.len() as u32;
        let imports = imports.into_boxed_slice();
        let made = CoreInstance { module: number, imports, exports: Vec::new() };
        self.recipe.core_instances.push(made);
        self.recipe.operations.push(Operation::Instantiate(instance));
        frame.core_instances.push(Made::Module(instance));
        Ok(())
    }
}
