//! Counts what a component defines, before anybody allocates a record for each.

use alloc::{format, string::String};

use wasmparser::{Payload, SectionLimited, TypeRef};

use crate::{
    error::LoadError,
    limits::{Exceeded, Limit, MAX_CORE_ARITY, RuntimeLimits},
};

/// Running totals over a component with everything in it.
#[derive(Debug, Default)]
pub(super) struct Counts {
    functions: u64,
    core_definitions: u64,
    definitions: u64,
}

impl Counts {
    /// Adds a section of a component.
    pub(super) fn component_section(
        &mut self,
        payload: &Payload<'_>,
        limits: &RuntimeLimits,
    ) -> Result<(), LoadError> {
        let count = match payload {
            Payload::ComponentTypeSection(section) => section.count(),
            Payload::ComponentImportSection(section) => section.count(),
            Payload::ComponentExportSection(section) => section.count(),
            Payload::ComponentInstanceSection(section) => section.count(),
            Payload::ComponentAliasSection(section) => section.count(),
            Payload::ComponentCanonicalSection(section) => section.count(),
            Payload::InstanceSection(section) => section.count(),
            Payload::CoreTypeSection(section) => section.count(),
            Payload::ModuleSection { .. } | Payload::ComponentSection { .. } => 1,
            _ => 0,
        };
        self.definitions = self.definitions.saturating_add(u64::from(count));
        Ok(Exceeded::check(limits, Limit::Steps, self.definitions)?)
    }

    /// Adds a section of a core module.
    pub(super) fn module_section(
        &mut self,
        payload: &Payload<'_>,
        limits: &RuntimeLimits,
    ) -> Result<(), LoadError> {
        let count = match payload {
            Payload::TypeSection(section) => section.count(),
            Payload::ImportSection(section) => section.count(),
            Payload::TableSection(section) => section.count(),
            Payload::MemorySection(section) => section.count(),
            Payload::GlobalSection(section) => section.count(),
            Payload::ExportSection(section) => section.count(),
            Payload::ElementSection(section) => section.count(),
            Payload::DataSection(section) => section.count(),
            Payload::DataCountSection { count, .. } => {
                // The section that it announces is counted when it comes.
                let announced = self.core_definitions.saturating_add(u64::from(*count));
                return Ok(Exceeded::check(limits, Limit::CoreDefinitions, announced)?);
            }
            Payload::FunctionSection(section) => {
                self.functions = self.functions.saturating_add(u64::from(section.count()));
                return Ok(Exceeded::check(limits, Limit::CoreFunctions, self.functions)?);
            }
            _ => 0,
        };
        self.core_definitions = self.core_definitions.saturating_add(u64::from(count));
        Ok(Exceeded::check(limits, Limit::CoreDefinitions, self.core_definitions)?)
    }
}

/// Refuses types and imports of a core module that the runtime does not carry out.
pub(super) fn supported(payload: &Payload<'_>) -> Result<(), LoadError> {
    match payload {
        Payload::TypeSection(section) => {
            for group in section.clone().into_iter_err_on_gc_types() {
                let ty = group?;
                if ty.params().len() > MAX_CORE_ARITY || ty.results().len() > MAX_CORE_ARITY {
                    let what = format!(
                        "a core function with more than {MAX_CORE_ARITY} parameters or results"
                    );
                    return Err(unsupported(what, section));
                }
            }
        }
        Payload::ImportSection(section) => {
            for import in section.clone().into_imports() {
                if matches!(import?.ty, TypeRef::Tag(_)) {
                    return Err(unsupported("an exception tag".into(), section));
                }
            }
        }
        _ => {}
    }
    Ok(())
}

fn unsupported<T>(what: String, section: &SectionLimited<'_, T>) -> LoadError {
    LoadError::Unsupported { what, offset: section.range().start }
}
