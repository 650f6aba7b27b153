//! Counts what a component defines, before anybody allocates a record for each.

use alloc::{format, string::String};

use wasmparser::{FromReader, Payload, SectionLimited, TypeRef};

use crate::{
    error::LoadError,
    limits::{Exceeded, Limit, MAX_CORE_ARITY, RuntimeLimits},
};

/// First byte of a group of recursive types.
const RECURSIVE: u8 = 0x4e;

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
            Payload::ComponentTypeSection(section) => claimed(section)?,
            Payload::ComponentImportSection(section) => claimed(section)?,
            Payload::ComponentExportSection(section) => claimed(section)?,
            Payload::ComponentInstanceSection(section) => claimed(section)?,
            Payload::ComponentAliasSection(section) => claimed(section)?,
            Payload::ComponentCanonicalSection(section) => claimed(section)?,
            Payload::InstanceSection(section) => claimed(section)?,
            Payload::CoreTypeSection(section) => claimed(section)?,
            Payload::ModuleSection { .. } | Payload::ComponentSection { .. } => 1,
            _ => 0,
        };
        self.definitions = self.definitions.saturating_add(count);
        Ok(Exceeded::check(limits, Limit::Steps, self.definitions)?)
    }

    /// Adds a section of a core module.
    pub(super) fn module_section(
        &mut self,
        payload: &Payload<'_>,
        limits: &RuntimeLimits,
    ) -> Result<(), LoadError> {
        let count = match payload {
            Payload::TypeSection(section) => claimed(section)?,
            Payload::ImportSection(section) => claimed(section)?,
            Payload::TableSection(section) => claimed(section)?,
            Payload::MemorySection(section) => claimed(section)?,
            Payload::GlobalSection(section) => claimed(section)?,
            Payload::ExportSection(section) => claimed(section)?,
            Payload::ElementSection(section) => claimed(section)?,
            Payload::DataSection(section) => claimed(section)?,
            Payload::DataCountSection { count, .. } => {
                // The section that it announces is counted when it comes.
                let announced = self.core_definitions.saturating_add(u64::from(*count));
                return Ok(Exceeded::check(limits, Limit::CoreDefinitions, announced)?);
            }
            Payload::FunctionSection(section) => {
                self.functions = self.functions.saturating_add(claimed(section)?);
                return Ok(Exceeded::check(limits, Limit::CoreFunctions, self.functions)?);
            }
            _ => 0,
        };
        self.core_definitions = self.core_definitions.saturating_add(count);
        Ok(Exceeded::check(limits, Limit::CoreDefinitions, self.core_definitions)?)
    }
}

/// How many definitions a section says that it holds. Each takes a byte at least, so there are no
/// more than bytes; the validator makes room for all of them before it reads the first.
fn claimed<T>(section: &SectionLimited<'_, T>) -> Result<u64, LoadError> {
    let range = section.range();
    let count = u64::from(section.count());
    if count > range.end.saturating_sub(range.start) {
        let message = "a section says that it holds more than its bytes can".into();
        return Err(LoadError::Invalid { message, offset: range.start });
    }
    Ok(count)
}

/// Refuses groups of recursive types, which belong to garbage collection, by their first byte: to
/// read one is to make room for as many types as it says that it has.
pub(super) fn no_recursive_types(payload: &Payload<'_>, bytes: &[u8]) -> Result<(), LoadError> {
    match payload {
        Payload::TypeSection(section) => no_group(section, bytes),
        Payload::CoreTypeSection(section) => no_group(section, bytes),
        _ => Ok(()),
    }
}

fn no_group<'a, T: FromReader<'a>>(
    section: &SectionLimited<'a, T>,
    bytes: &[u8],
) -> Result<(), LoadError> {
    let mut types = section.clone().into_iter();
    loop {
        let offset = types.original_position();
        let first = usize::try_from(offset).ok().and_then(|at| bytes.get(at));
        if first == Some(&RECURSIVE) {
            return Err(LoadError::Unsupported { what: "recursive types".into(), offset });
        }
        // What cannot be read is for the validator to name.
        if !matches!(types.next(), Some(Ok(_))) {
            return Ok(());
        }
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
