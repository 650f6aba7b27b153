//! What an instance of a component is made of, and in which order.
//!
//! A component's definitions come to the same in every instance: which core modules are
//! instantiated with what, which functions are lifted and lowered, which numbers component
//! instances and resource types have. They are therefore carried out once, when the component is
//! translated ([`compile`]), with numbers in the place of what only a store has. In a [`Recipe`]
//! nested components, index spaces and names are gone; marshalling plans are compiled and the
//! [adapters](adapter) of rare signatures translated. [`crate::instance`] follows it for each
//! instance.

pub(crate) mod adapter;
mod compile;

use alloc::{boxed::Box, sync::Arc, vec::Vec};

use self::adapter::Adapter;
pub(crate) use self::compile::{compile, missing};
use crate::{
    canonical::{FunctionPlan, InstanceId, StringEncoding},
    trace::Added,
    types::ResourceId,
};

/// What ends when a core module cannot be instantiated, for texts.
pub(crate) const INSTANTIATION: &str = "instantiation of a core module";

/// How to make an instance of a component. Numbers count what was made before.
#[derive(Debug, Default)]
pub(crate) struct Recipe {
    /// For each component instance the one whose component instantiates it.
    pub parents: Vec<Option<InstanceId>>,
    /// The resource types, by their [`ResourceId`].
    pub resources: Vec<Resource>,
    /// The core instances, in the order in which they are made.
    pub core_instances: Vec<CoreInstance>,
    /// What to do, in this order.
    pub operations: Vec<Operation>,
    /// The functions of the exported interfaces, by interface and number.
    pub exports: Vec<Vec<Export>>,
}

/// A resource type of the domain.
#[derive(Debug, Default)]
pub(crate) struct Resource {
    /// Its name in messages; empty if it has none.
    pub name: Arc<str>,
    /// Where it comes from, unless it is used inside only.
    pub origin: Option<ResourceOrigin>,
    /// The component instance that implements it; `None` if it is imported.
    pub implementer: Option<InstanceId>,
}

/// Where a resource type comes from: interface, and number among the interface's resources.
#[derive(Clone, Copy, Debug)]
pub(crate) enum ResourceOrigin {
    Import { interface: u32, resource: u32 },
    Export { interface: u32, resource: u32 },
}

/// A core instance that is made from a module of the binary.
#[derive(Debug)]
pub(crate) struct CoreInstance {
    /// Number of the module in the binary.
    pub module: u32,
    /// What meets its imports, in their order.
    pub imports: Box<[CoreImport]>,
    /// Names of the exports that are used, once for each use.
    pub exports: Vec<Box<str>>,
}

/// What meets an import of a core module.
#[derive(Clone, Copy, Debug)]
pub(crate) enum CoreImport {
    /// A definition.
    Item(CoreItem),
    /// What was added to the module so that it records its calls.
    Added(Added),
}

/// A core definition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CoreItem {
    /// A function that the runtime makes, by its number among those.
    Made(u32),
    /// An export of a core instance, by the instance's number and its own among those used.
    Export { instance: u32, export: u32 },
}

/// One thing to do.
#[derive(Debug)]
pub(crate) enum Operation {
    /// Makes the core instance of that number.
    Instantiate(u32),
    /// Gives a resource type its destructor.
    Destructor { resource: ResourceId, function: CoreItem },
    /// Makes the core function `resource.new` of an instance.
    ResourceNew(ResourceId, InstanceId),
    /// Makes the core function `resource.rep` of an instance.
    ResourceRep(ResourceId, InstanceId),
    /// Makes the core function `resource.drop` of an instance.
    ResourceDrop(ResourceId, InstanceId),
    /// Makes a function of the component from a core function.
    Lift(Lift),
    /// Makes a core function from a function of the component.
    Lower(Lower),
}

/// A function that a component instance implements.
#[derive(Debug)]
pub(crate) struct Lift {
    pub plan: Arc<FunctionPlan>,
    pub core: CoreFunction,
    pub post_return: Option<CoreFunction>,
    pub options: CoreOptions,
}

/// A function of the component as a guest calls it.
#[derive(Debug)]
pub(crate) struct Lower {
    pub plan: Arc<FunctionPlan>,
    pub callee: Callee,
    /// What makes the signature common, if it is rare.
    pub adapter: Option<Adapter>,
    pub options: CoreOptions,
}

/// A core function that the runtime calls.
#[derive(Debug)]
pub(crate) struct CoreFunction {
    pub item: CoreItem,
    /// What makes the signature common, if it is rare.
    pub adapter: Option<Adapter>,
}

/// Who answers calls of a lowered function.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Callee {
    /// An import of the root: interface and function, by their positions.
    Imported { import: u32, function: u32 },
    /// A lifted function, by its number among those.
    Lifted(u32),
}

/// Options of a canonical definition.
#[derive(Clone, Copy, Debug)]
pub(crate) struct CoreOptions {
    pub memory: Option<CoreItem>,
    pub realloc: Option<CoreItem>,
    pub encoding: StringEncoding,
    pub instance: InstanceId,
}

/// A function of an exported interface.
#[derive(Debug)]
pub(crate) enum Export {
    /// A lifted function, by its number among those.
    Lifted(u32),
    /// An import of the root that is exported unchanged: interface and function, by their
    /// positions. The plan is of the import's type.
    Passed { plan: Arc<FunctionPlan>, import: u32, function: u32 },
}
