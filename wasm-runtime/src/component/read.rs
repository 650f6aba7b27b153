//! Reads a component binary into [`Step`]s, validating it on the way; `steps` makes the steps.
//!
//! The validator sees every section first, so the indexes that are taken from a section
//! afterwards are in range. Bodies of core functions are not validated here: wasmi does that when
//! it translates them (docs/adr/0025).

use alloc::vec::Vec;
use core::ops::Range;

use wasmparser::{
    ComponentAlias, ComponentExternalKind, ComponentOuterAliasKind, Encoding as BinaryKind,
    FromReader, Parser, Payload, SectionLimited, ValidPayload, Validator,
    types::{Types, TypesRef},
};

use super::{
    counts::{self, Counts},
    ir::{Body, CoreModule, Sort, Step},
    steps::{
        Refusal, canonical, core_instance, core_sort, export_step, import_step, instance_step,
        resource_type, sort,
    },
};
use crate::{
    contents::{MAX_LAYOUT, SECTION},
    engine::FEATURES,
    error::LoadError,
    limits::{Exceeded, Limit, RuntimeLimits},
    progress::Progress,
};

/// What a binary holds.
pub(super) struct Binary<'a> {
    /// The components; the root is the first.
    pub bodies: Vec<Body>,
    /// The core modules.
    pub modules: Vec<CoreModule<'a>>,
    /// The validator's types, to which the steps refer.
    pub types: Types,
    /// The layout that it declares; empty if it declares none.
    pub layout: Vec<u8>,
}

/// Where the reader is: in the core module or in the component with that number.
enum Place {
    Module,
    Component(usize),
}

struct Reader<'a> {
    bytes: &'a [u8],
    limits: RuntimeLimits,
    bodies: Vec<Body>,
    modules: Vec<CoreModule<'a>>,
    places: Vec<Place>,
    counts: Counts,
    layout: Vec<u8>,
}

/// Reads and validates a binary.
pub(super) fn read<'a>(
    bytes: &'a [u8],
    limits: &RuntimeLimits,
    progress: &mut Progress<'_>,
) -> Result<Binary<'a>, LoadError> {
    let mut parser = Parser::new(0);
    parser.set_features(FEATURES);
    let mut validator = Validator::new_with_features(FEATURES);
    let mut reader = Reader {
        bytes,
        limits: *limits,
        bodies: Vec::new(),
        modules: Vec::new(),
        places: Vec::new(),
        counts: Counts::default(),
        layout: Vec::new(),
    };
    let mut types = None;
    for payload in parser.parse_all(bytes) {
        let payload = payload?;
        // Bodies of functions and data: what there is most of.
        match &payload {
            Payload::CodeSectionEntry(body) => progress.read_to(body.range().start),
            Payload::DataSection(data) => progress.read_to(data.range().end),
            _ => {}
        }
        if let Payload::ComponentStartSection { range, .. } = &payload {
            // The validator would speak of the values that such a function takes.
            return Err(Refusal::unsupported("a start function of a component").at(range.start));
        }
        // Before the validator, which has a record for each definition.
        match reader.places.last() {
            Some(Place::Module) => reader.counts.module_section(&payload, limits)?,
            Some(Place::Component(_)) => reader.counts.component_section(&payload, limits)?,
            None => {}
        }
        counts::no_recursive_types(&payload, bytes)?;
        let before = validator.types(0).map(|types| Before::of(&types, &reader.places));
        if let ValidPayload::End(ended) = validator.payload(&payload)? {
            types = Some(ended);
            reader.places.pop();
        } else {
            reader.payload(&payload, before.unwrap_or_default(), validator.types(0))?;
        }
    }
    progress.read_to(bytes.len() as u64);
    match types {
        Some(types) if !reader.bodies.is_empty() => {
            let Reader { bodies, modules, layout, .. } = reader;
            Ok(Binary { bodies, modules, types, layout })
        }
        _ => Err(invalid("it is a core module, not a component", 0)),
    }
}

fn invalid(message: &str, offset: u64) -> LoadError {
    LoadError::Invalid { message: message.into(), offset }
}

/// Sizes of the index spaces before a section, from which its own definitions count on.
#[derive(Clone, Copy, Default)]
struct Before {
    types: u32,
    instances: u32,
}

impl Before {
    fn of(types: &TypesRef<'_>, places: &[Place]) -> Self {
        match places.last() {
            Some(Place::Component(_)) => Self {
                types: types.component_type_count(),
                instances: types.component_instance_count(),
            },
            _ => Self::default(),
        }
    }
}

impl<'a> Reader<'a> {
    fn payload(
        &mut self,
        payload: &Payload<'a>,
        before: Before,
        types: Option<TypesRef<'_>>,
    ) -> Result<(), LoadError> {
        if let Payload::Version { encoding, range, .. } = payload {
            return self.enter(*encoding, range.start);
        }
        if let Payload::CustomSection(section) = payload
            && section.name() == SECTION
        {
            return self.layout(section.data(), section.data_offset());
        }
        match (self.places.last(), types) {
            (Some(Place::Module), _) => counts::supported(payload),
            (Some(&Place::Component(body)), Some(types)) => {
                let mut steps = Vec::new();
                self.section(payload, before, types, &mut steps)?;
                if let Some(body) = self.bodies.get_mut(body) {
                    body.steps.append(&mut steps);
                }
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// A module or component begins.
    fn enter(&mut self, kind: BinaryKind, offset: u64) -> Result<(), LoadError> {
        match kind {
            BinaryKind::Module if self.places.is_empty() => {
                Err(invalid("it is a core module, not a component", offset))
            }
            BinaryKind::Module => {
                self.places.push(Place::Module);
                Ok(())
            }
            BinaryKind::Component => {
                self.places.push(Place::Component(self.bodies.len()));
                self.bodies.push(Body::default());
                Ok(())
            }
        }
    }

    /// A part of the layout: it is declared by all sections of that name together.
    fn layout(&mut self, part: &[u8], offset: u64) -> Result<(), LoadError> {
        if part.len() > MAX_LAYOUT.saturating_sub(self.layout.len()) {
            return Err(invalid("a layout of more than 256 bytes", offset));
        }
        self.layout.extend_from_slice(part);
        Ok(())
    }

    /// A section of a component.
    fn section(
        &mut self,
        payload: &Payload<'a>,
        before: Before,
        types: TypesRef<'_>,
        steps: &mut Vec<Step>,
    ) -> Result<(), LoadError> {
        match payload {
            Payload::ModuleSection { unchecked_range, .. } => {
                steps.push(self.module(unchecked_range)?);
            }
            Payload::ComponentSection { .. } => {
                steps.push(Step::Component(self.bodies.len() as u32));
            }
            Payload::InstanceSection(section) => {
                each(section, steps, |instance, _| core_instance(instance).map(Some))?;
            }
            Payload::ComponentAliasSection(section) => {
                each(section, steps, |alias, _| self.alias(alias))?;
            }
            Payload::ComponentTypeSection(section) => {
                let mut index = before.types..;
                each(section, steps, |ty, _| resource_type(types, index.next(), ty))?;
            }
            Payload::ComponentInstanceSection(section) => {
                let mut index = before.instances..;
                each(section, steps, |instance, _| instance_step(types, index.next(), instance))?;
            }
            Payload::ComponentCanonicalSection(section) => {
                each(section, steps, |function, _| canonical(types, function).map(Some))?;
            }
            Payload::ComponentImportSection(section) => {
                each(section, steps, |import, offset| {
                    import_step(types, &import, offset).map(Some)
                })?;
            }
            Payload::ComponentExportSection(section) => {
                each(section, steps, |export, offset| {
                    export_step(types, &export, offset).map(Some)
                })?;
            }
            _ => {}
        }
        Ok(())
    }

    /// Remembers the bytes of a core module.
    fn module(&mut self, range: &Range<u64>) -> Result<Step, LoadError> {
        let number = self.modules.len() as u32;
        Exceeded::check(&self.limits, Limit::CoreModules, u64::from(number) + 1)?;
        let start = usize::try_from(range.start).ok();
        let bytes = start
            .zip(usize::try_from(range.end).ok())
            .and_then(|(start, end)| self.bytes.get(start..end))
            .ok_or_else(|| invalid("a module ends early", range.start))?;
        self.modules.push(CoreModule { offset: range.start, bytes });
        Ok(Step::Module(number))
    }

    fn alias(&mut self, alias: ComponentAlias<'_>) -> Result<Option<Step>, Refusal> {
        Ok(match alias {
            // Types have no index space: the validator knows what the alias stands for.
            ComponentAlias::InstanceExport { kind: ComponentExternalKind::Type, .. } => None,
            ComponentAlias::InstanceExport { kind, instance_index, name } => {
                sort(kind)?;
                Some(Step::Alias { instance: instance_index, name: name.into() })
            }
            ComponentAlias::CoreInstanceExport { kind, instance_index, name } => {
                let sort = core_sort(kind)?;
                Some(Step::CoreAlias { sort, instance: instance_index, name: name.into() })
            }
            ComponentAlias::Outer { kind, count, index } => {
                let sort = match kind {
                    ComponentOuterAliasKind::CoreModule => Sort::Module,
                    ComponentOuterAliasKind::Component => Sort::Component,
                    ComponentOuterAliasKind::CoreType | ComponentOuterAliasKind::Type => {
                        return Ok(None);
                    }
                };
                self.mark_reaching(count);
                Some(Step::Outer { sort, count, index })
            }
        })
    }

    /// Remembers that the `count` innermost components need what encloses them.
    fn mark_reaching(&mut self, count: u32) {
        for place in self.places.iter().rev().take(count as usize) {
            if let Place::Component(body) = place
                && let Some(body) = self.bodies.get_mut(*body)
            {
                body.reaches_out = true;
            }
        }
    }
}

/// Appends the steps that the items of a section make.
fn each<'a, T: FromReader<'a>>(
    section: &SectionLimited<'a, T>,
    steps: &mut Vec<Step>,
    mut step: impl FnMut(T, u64) -> Result<Option<Step>, Refusal>,
) -> Result<(), LoadError> {
    for item in section.clone().into_iter_with_offsets() {
        let (offset, item) = item?;
        steps.extend(step(item, offset).map_err(|refusal| refusal.at(offset))?);
    }
    Ok(())
}
