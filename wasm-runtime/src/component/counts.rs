//! Counts what core modules define, before the interpreter allocates a record for each.

use alloc::format;

use wasmparser::{Payload, SectionLimited, TypeRef};

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
                let offset = section.range().start;
                for group in section.clone().into_iter_err_on_gc_types() {
                    let ty = group?;
                    if ty.params().len() > MAX_CORE_ARITY || ty.results().len() > MAX_CORE_ARITY {
                        let what = format!(
                            "a core function with more than {MAX_CORE_ARITY} parameters or results"
                        );
                        return Err(LoadError::Unsupported { what, offset });
                    }
                }
                self.items(section)
            }
            Payload::ImportSection(section) => {
                for import in section.clone().into_imports() {
                    if matches!(import?.ty, TypeRef::Tag(_)) {
                        let offset = section.range().start;
                        return Err(LoadError::Unsupported {
                            what: "an exception tag".into(),
                            offset,
                        });
                    }
                }
                self.items(section)
            }
            Payload::FunctionSection(section) => {
                self.functions = self.functions.saturating_add(section.count());
                match self.functions {
                    0..=MAX_CORE_FUNCTIONS => Ok(()),
                    _ => Err(too_many("core functions", MAX_CORE_FUNCTIONS, section)),
                }
            }
            Payload::TableSection(section) => self.items(section),
            Payload::MemorySection(section) => self.items(section),
            Payload::GlobalSection(section) => self.items(section),
            Payload::ElementSection(section) => self.items(section),
            Payload::DataSection(section) => self.items(section),
            _ => Ok(()),
        }
    }

    fn items<T>(&mut self, section: &SectionLimited<'_, T>) -> Result<(), LoadError> {
        self.items = self.items.saturating_add(section.count());
        match self.items {
            0..=MAX_CORE_ITEMS => Ok(()),
            _ => Err(too_many("definitions in its core modules", MAX_CORE_ITEMS, section)),
        }
    }
}

fn too_many<T>(what: &str, limit: u32, section: &SectionLimited<'_, T>) -> LoadError {
    let what = format!("more than {limit} {what}");
    LoadError::Unsupported { what, offset: section.range().start }
}
