//! The items of a component's sections as [`Step`]s.
//!
//! The validator has seen each item before; types are taken from it. What it lets through and the
//! runtime does not carry out is a [`Refusal`], to which the section adds the place.

use alloc::{format, string::String, vec::Vec};

use wasmparser::{
    CanonicalFunction, CanonicalOption, ComponentExport, ComponentExternName,
    ComponentExternalKind, ComponentImport, ComponentInstance, ComponentType, ExternalKind,
    Instance,
    component_types::{ComponentAnyTypeId, ResourceId},
    types::TypesRef,
};

use super::ir::{CanonOptions, CoreSort, Encoding, ExternName, Reference, Sort, Step};
use crate::error::LoadError;

/// Why an item is refused; the section knows where it stands.
pub(super) enum Refusal {
    Unsupported(String),
    Invalid(&'static str),
}

impl Refusal {
    pub(super) fn unsupported(what: impl Into<String>) -> Self {
        Self::Unsupported(what.into())
    }

    pub(super) fn at(self, offset: u64) -> LoadError {
        match self {
            Self::Unsupported(what) => LoadError::Unsupported { what, offset },
            Self::Invalid(message) => LoadError::Invalid { message: message.into(), offset },
        }
    }
}

/// Only resource types make a step; the validator keeps the others.
pub(super) fn resource_type(
    types: TypesRef<'_>,
    index: Option<u32>,
    ty: ComponentType<'_>,
) -> Result<Option<Step>, Refusal> {
    let ComponentType::Resource { dtor, .. } = ty else { return Ok(None) };
    let id = resource(types, index.unwrap_or_default())?;
    Ok(Some(Step::Resource { id, destructor: dtor }))
}

pub(super) fn import_step(
    types: TypesRef<'_>,
    import: &ComponentImport<'_>,
    offset: u64,
) -> Result<Step, Refusal> {
    let name = import.name.name;
    let item = types.component_item_for_import(name);
    let ty = item.ok_or(Refusal::Invalid("an import has no type"))?.ty;
    Ok(Step::Import { name: extern_name(&import.name), ty, offset })
}

pub(super) fn export_step(
    types: TypesRef<'_>,
    export: &ComponentExport<'_>,
    offset: u64,
) -> Result<Step, Refusal> {
    let name = export.name.name;
    let item = reference(types, export.kind, export.index)?;
    let ty = types.component_item_for_export(name);
    let ty = ty.ok_or(Refusal::Invalid("an export has no type"))?.ty;
    Ok(Step::Export { name: extern_name(&export.name), item, ty, offset })
}

fn extern_name(name: &ComponentExternName<'_>) -> ExternName {
    ExternName { name: name.name.into(), implements: name.implements.map(String::from) }
}

pub(super) fn core_instance(instance: Instance<'_>) -> Result<Step, Refusal> {
    Ok(match instance {
        Instance::Instantiate { module_index, args } => Step::Instantiate {
            module: module_index,
            arguments: args.iter().map(|arg| (arg.name.into(), arg.index)).collect(),
        },
        Instance::FromExports(exports) => {
            let mut bundle = Vec::with_capacity(exports.len());
            for export in &exports {
                bundle.push((String::from(export.name), core_sort(export.kind)?, export.index));
            }
            Step::Bundle(bundle)
        }
    })
}

pub(super) fn instance_step(
    types: TypesRef<'_>,
    index: Option<u32>,
    instance: ComponentInstance<'_>,
) -> Result<Option<Step>, Refusal> {
    Ok(Some(match instance {
        ComponentInstance::Instantiate { component_index, args } => {
            let mut arguments = Vec::with_capacity(args.len());
            for arg in &args {
                arguments.push((String::from(arg.name), reference(types, arg.kind, arg.index)?));
            }
            let ty = types.component_instance_at(index.unwrap_or_default());
            Step::InstantiateComponent { component: component_index, arguments, ty }
        }
        ComponentInstance::FromExports(exports) => {
            let mut bundle = Vec::with_capacity(exports.len());
            for export in &exports {
                let item = reference(types, export.kind, export.index)?;
                bundle.push((String::from(export.name.name), item));
            }
            Step::BundleItems(bundle)
        }
    }))
}

pub(super) fn canonical(types: TypesRef<'_>, function: CanonicalFunction) -> Result<Step, Refusal> {
    Ok(match function {
        CanonicalFunction::Lift { core_func_index, type_index, options } => {
            match types.component_any_type_at(type_index) {
                ComponentAnyTypeId::Func(ty) => {
                    Step::Lift { function: core_func_index, ty, options: canon_options(&options)? }
                }
                _ => return Err(Refusal::Invalid("a function is lifted to another type")),
            }
        }
        CanonicalFunction::Lower { func_index, options } => Step::Lower {
            function: func_index,
            ty: types.component_function_at(func_index),
            options: canon_options(&options)?,
        },
        CanonicalFunction::ResourceNew { resource: ty } => Step::ResourceNew(resource(types, ty)?),
        CanonicalFunction::ResourceRep { resource: ty } => Step::ResourceRep(resource(types, ty)?),
        CanonicalFunction::ResourceDrop { resource: ty } => {
            Step::ResourceDrop(resource(types, ty)?)
        }
        other => {
            return Err(Refusal::unsupported(format!("the canonical built-in {other:?}")));
        }
    })
}

fn canon_options(options: &[CanonicalOption]) -> Result<CanonOptions, Refusal> {
    let mut read = CanonOptions::default();
    for option in options {
        match *option {
            CanonicalOption::UTF8 => read.encoding = Encoding::Utf8,
            CanonicalOption::UTF16 => read.encoding = Encoding::Utf16,
            CanonicalOption::CompactUTF16 => read.encoding = Encoding::Latin1OrUtf16,
            CanonicalOption::Memory(index) => read.memory = Some(index),
            CanonicalOption::Realloc(index) => read.realloc = Some(index),
            CanonicalOption::PostReturn(index) => read.post_return = Some(index),
            CanonicalOption::Async
            | CanonicalOption::Callback(_)
            | CanonicalOption::CoreType(_)
            | CanonicalOption::Gc => {
                return Err(Refusal::unsupported(format!("the canonical option {option:?}")));
            }
        }
    }
    Ok(read)
}

fn resource(types: TypesRef<'_>, index: u32) -> Result<ResourceId, Refusal> {
    match types.component_any_type_at(index) {
        ComponentAnyTypeId::Resource(id) => Ok(id.resource()),
        _ => Err(Refusal::Invalid("a type is not a resource")),
    }
}

fn reference(
    types: TypesRef<'_>,
    kind: ComponentExternalKind,
    index: u32,
) -> Result<Reference, Refusal> {
    Ok(match sort(kind)? {
        Sort::Type => Reference::Type(match types.component_any_type_at(index) {
            ComponentAnyTypeId::Resource(id) => Some(id.resource()),
            _ => None,
        }),
        sort => Reference::Indexed(sort, index),
    })
}

pub(super) fn sort(kind: ComponentExternalKind) -> Result<Sort, Refusal> {
    Ok(match kind {
        ComponentExternalKind::Module => Sort::Module,
        ComponentExternalKind::Func => Sort::Function,
        ComponentExternalKind::Type => Sort::Type,
        ComponentExternalKind::Instance => Sort::Instance,
        ComponentExternalKind::Component => Sort::Component,
        ComponentExternalKind::Value => return Err(Refusal::unsupported("a value")),
    })
}

pub(super) fn core_sort(kind: ExternalKind) -> Result<CoreSort, Refusal> {
    Ok(match kind {
        ExternalKind::Func | ExternalKind::FuncExact => CoreSort::Function,
        ExternalKind::Table => CoreSort::Table,
        ExternalKind::Memory => CoreSort::Memory,
        ExternalKind::Global => CoreSort::Global,
        ExternalKind::Tag => return Err(Refusal::unsupported("an exception tag")),
    })
}
