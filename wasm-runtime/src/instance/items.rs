//! What index spaces hold while a component is instantiated.

use alloc::{collections::BTreeMap, rc::Rc, string::String, sync::Arc, vec::Vec};

use wasmi::{Extern, Func, Global, Memory, Table};
use wasmparser::component_types::ResourceId as Declared;

use super::call::Lifted;
use crate::{canonical::InstanceId, component::Converted, types::ResourceId};

/// Something that components import, export and hand to each other.
#[derive(Clone, Debug)]
pub(super) enum Item {
    /// A core module, by its number in the binary.
    Module(u32),
    Function(Function),
    /// A type; only resource types matter here.
    Type(Option<ResourceId>),
    Instance(Rc<Exports>),
    Component(Rc<Closure>),
}

/// Items by name.
pub(super) type Exports = BTreeMap<String, Item>;

/// A function of the component model.
#[derive(Clone, Debug)]
pub(super) enum Function {
    /// An import of the root: interface and function, by their positions.
    Imported { import: u32, function: u32 },
    /// A component instance implements it.
    Lifted(Arc<Lifted>),
}

/// A nested component and what it sees of those around it.
#[derive(Clone, Debug)]
pub(super) struct Closure {
    /// Number of the component in the binary.
    pub body: u32,
    pub outer: Option<Rc<Scope>>,
}

/// The modules and components of an enclosing component, as far as they were defined when the
/// nested one was.
#[derive(Clone, Debug, Default)]
pub(super) struct Scope {
    pub modules: Vec<u32>,
    pub components: Vec<Rc<Closure>>,
    pub outer: Option<Rc<Scope>>,
}

/// A core instance.
#[derive(Clone, Debug)]
pub(super) enum CoreInstance {
    Module(wasmi::Instance),
    Bundle(BTreeMap<String, Extern>),
}

/// The index spaces of a component that is being instantiated.
#[derive(Debug)]
pub(super) struct Frame<'c> {
    pub id: InstanceId,
    pub imports: Exports,
    pub exports: Exports,
    pub scope: Scope,
    pub core_instances: Vec<CoreInstance>,
    /// With the name under which a core instance exports it, for texts.
    pub core_functions: Vec<(Func, &'c str)>,
    pub tables: Vec<Table>,
    pub memories: Vec<Memory>,
    pub globals: Vec<Global>,
    pub functions: Vec<Function>,
    pub instances: Vec<Rc<Exports>>,
    /// Which resource type of the domain the validator's ids stand for in this instance.
    pub resources: BTreeMap<Declared, ResourceId>,
    pub converted: Converted,
}

impl Frame<'_> {
    pub(super) fn new(id: InstanceId, imports: Exports, scope: Scope) -> Self {
        Self {
            id,
            imports,
            exports: Exports::new(),
            scope,
            core_instances: Vec::new(),
            core_functions: Vec::new(),
            tables: Vec::new(),
            memories: Vec::new(),
            globals: Vec::new(),
            functions: Vec::new(),
            instances: Vec::new(),
            resources: BTreeMap::new(),
            converted: Converted::default(),
        }
    }

    pub(super) fn core_function(&self, index: u32) -> Option<Func> {
        self.core_functions.get(index as usize).map(|(function, _)| *function)
    }

    /// Appends an item to the index space of its sort.
    pub(super) fn push(&mut self, item: Item) {
        match item {
            Item::Module(module) => self.scope.modules.push(module),
            Item::Function(function) => self.functions.push(function),
            Item::Type(_) => {}
            Item::Instance(instance) => self.instances.push(instance),
            Item::Component(component) => self.scope.components.push(component),
        }
    }
}
