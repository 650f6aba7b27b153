//! A component as a list of steps, in the order of the binary.
//!
//! Index spaces are those of the specification; [`crate::recipe`] fills them while it carries
//! the steps out. Types have no index space here: a step that mentions a type carries the
//! validator's id for it, so that the steps that only define or alias types vanish.

use alloc::{string::String, vec::Vec};

use wasmparser::component_types::{
    ComponentEntityType, ComponentFuncTypeId, ComponentInstanceTypeId, ResourceId,
};

/// A core module of the binary.
#[derive(Clone, Copy, Debug)]
pub(crate) struct CoreModule<'a> {
    /// Where it begins in the component's binary.
    pub offset: u64,
    pub bytes: &'a [u8],
}

/// One component of the binary, the root or a nested one.
#[derive(Debug, Default)]
pub(crate) struct Body {
    /// What instantiating it does.
    pub steps: Vec<Step>,
    /// Whether it, or one nested in it, names modules or components of an enclosing one.
    pub reaches_out: bool,
}

/// Kinds of things that components import, export and hand to each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sort {
    Module,
    Function,
    Type,
    Instance,
    Component,
}

/// Something of the current component, by its index; a type by the resource it names, if it does.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Reference {
    Indexed(Sort, u32),
    Type(Option<ResourceId>),
}

/// A core definition: sort and index.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CoreSort {
    Function,
    Table,
    Memory,
    Global,
}

/// Options of a canonical definition, as indexes.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct CanonOptions {
    pub memory: Option<u32>,
    pub realloc: Option<u32>,
    pub post_return: Option<u32>,
    pub encoding: Encoding,
}

/// Encoding of strings in a guest's memory.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) enum Encoding {
    #[default]
    Utf8,
    Utf16,
    Latin1OrUtf16,
}

/// The name of an import or export.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ExternName {
    /// By which it is known in the component.
    pub name: String,
    /// The interface that it is an instance of, where the name does not say so itself.
    pub implements: Option<String>,
}

/// One step of instantiation. Each that defines something appends it to the index space of its
/// sort. An `offset` is a place in the binary, for errors.
#[derive(Debug)]
pub(crate) enum Step {
    /// Defines a core module: index into the binary's modules.
    Module(u32),
    /// Defines a component: index into the binary's bodies.
    Component(u32),
    /// Takes the import of that name.
    Import { name: ExternName, ty: ComponentEntityType, offset: u64 },
    /// Makes a core instance from a module.
    Instantiate { module: u32, arguments: Vec<(String, u32)> },
    /// Makes a core instance of existing definitions.
    Bundle(Vec<(String, CoreSort, u32)>),
    /// Takes an export out of a core instance.
    CoreAlias { sort: CoreSort, instance: u32, name: String },
    /// Takes an export out of an instance.
    Alias { instance: u32, name: String },
    /// Takes a module or component of the `count`-th enclosing component.
    Outer { sort: Sort, count: u32, index: u32 },
    /// Makes an instance from a component.
    InstantiateComponent {
        component: u32,
        arguments: Vec<(String, Reference)>,
        ty: ComponentInstanceTypeId,
    },
    /// Makes an instance of existing items.
    BundleItems(Vec<(String, Reference)>),
    /// Makes a function of the component from a core function.
    Lift { function: u32, ty: ComponentFuncTypeId, options: CanonOptions },
    /// Makes a core function from a function of the component.
    Lower { function: u32, ty: ComponentFuncTypeId, options: CanonOptions },
    /// Makes a new resource type; its destructor is a core function.
    Resource { id: ResourceId, destructor: Option<u32> },
    /// Makes the core function `resource.new`.
    ResourceNew(ResourceId),
    /// Makes the core function `resource.rep`.
    ResourceRep(ResourceId),
    /// Makes the core function `resource.drop`.
    ResourceDrop(ResourceId),
    /// Exports an item; the export is also a new item.
    Export { name: ExternName, item: Reference, ty: ComponentEntityType, offset: u64 },
}
