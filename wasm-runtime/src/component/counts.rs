//! Counts what core modules define, before the interpreter allocates a record for each.

use alloc::format;

use wasmparser::{Payload, TypeRef};

use crate::{
    error::LoadError,
    limits::{MAX_CORE_ARITY, MAX_CORE_FUNCTIONS, MAX_CORE_ITEMS},
};

/// Running totals over all core modules of a component.
#[derive(Debug, Default)]
pub(super) struct ModuleCounts {
    functions: u32,
    items: u32,
}

impl ModuleCounts {
    /// Adds a section of a core module.
    pub(super) fn section(&mut self, payload: &Payload<'_>) -> Result<(), LoadError> {
        match payload {
            Payload::TypeSection(section) => {
                for group in section.clone().into_iter_err_on_gc_types() {
                    let ty = group?;
                    if ty.params().len() > MAX_CORE_ARITY || ty.results().len() > MAX_CORE_ARITY {
                        return Err(LoadError::Unsupported(format!(
                            "a core function with more than {MAX_CORE_ARITY} parameters or results"
                        )));
                    }
                }
                self.items(section.count())
            }
            Payload::ImportSection(section) => {
                for import in section.clone().into_imports() {
                    if matches!(import?.ty, TypeRef::Tag(_)) {
                        return Err(LoadError::Unsupported("an exception tag".into()));
                    }
                }
                self.items(section.count())
            }
            Payload::FunctionSection(section) => {
                self.functions = self.functions.saturating_add(section.count());
                match self.functions {
                    0..=MAX_CORE_FUNCTIONS => Ok(()),
                    _ => Err(too_many("core functions", MAX_CORE_FUNCTIONS)),
                }
            }
            Payload::TableSection(section) => self.items(section.count()),
            Payload::MemorySection(section) => self.items(section.count()),
            Payload::GlobalSection(section) => self.items(section.count()),
            Payload::ElementSection(section) => self.items(section.count()),
            Payload::DataSection(section) => self.items(section.count()),
            _ => Ok(()),
        }
    }

    fn items(&mut self, count: u32) -> Result<(), LoadError> {
        self.items = self.items.saturating_add(count);
        match self.items {
            0..=MAX_CORE_ITEMS => Ok(()),
            _ => Err(too_many("definitions in its core modules", MAX_CORE_ITEMS)),
        }
    }
}

fn too_many(what: &str, limit: u32) -> LoadError {
    LoadError::Unsupported(format!("more than {limit} {what}"))
}
