//! What index spaces hold while a component is carried out.

use alloc::{collections::BTreeMap, rc::Rc, vec::Vec};

use wasmparser::component_types::ResourceId as Declared;

use crate::{
    canonical::InstanceId,
    component::{Converted, ir::CoreSort},
    recipe::{Callee, CoreItem},
    types::ResourceId,
};

/// Something that components import, export and hand to each other.
#[derive(Clone, Debug)]
pub(super) enum Item<'c> {
    /// A core module, by its number in the binary.
    Module(u32),
    Function(Callee),
    /// A type; only resource types matter here.
    Type(Option<ResourceId>),
    Instance(Rc<Exports<'c>>),
    Component(Rc<Closure>),
}

/// Items by name.
pub(super) type Exports<'c> = BTreeMap<&'c str, Item<'c>>;

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
#[derive(Debug)]
pub(super) enum CoreInstance<'c> {
    /// One that is made from a module, by its number among those.
    Module(u32),
    Bundle(BTreeMap<&'c str, CoreItem>),
}

/// The index spaces of a component that is carried out.
#[derive(Debug)]
pub(super) struct Frame<'c> {
    pub id: InstanceId,
    pub imports: Exports<'c>,
    pub exports: Exports<'c>,
    pub scope: Scope,
    pub core_instances: Vec<CoreInstance<'c>>,
    /// With the name under which a core instance exports it, for texts.
    pub core_functions: Vec<(CoreItem, &'c str)>,
    pub tables: Vec<CoreItem>,
    pub memories: Vec<CoreItem>,
    pub globals: Vec<CoreItem>,
    pub functions: Vec<Callee>,
    pub instances: Vec<Rc<Exports<'c>>>,
    /// Which resource type of the domain the validator's ids stand for in this instance.
    pub resources: BTreeMap<Declared, ResourceId>,
    pub converted: Converted,
}

impl<'c> Frame<'c> {
    pub(super) fn new(id: InstanceId, imports: Exports<'c>, scope: Scope) -> Self {
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

    /// A core definition of this component.
    pub(super) fn core_item(&self, sort: CoreSort, index: u32) -> Option<CoreItem> {
        let items = match sort {
            CoreSort::Function => {
                return self.core_functions.get(index as usize).map(|(function, _)| *function);
            }
            CoreSort::Table => &self.tables,
            CoreSort::Memory => &self.memories,
            CoreSort::Global => &self.globals,
        };
        items.get(index as usize).copied()
    }

    /// Appends a core definition to the index space of its sort. `name` is that under which a core
    /// instance exports it.
    pub(super) fn push_core(&mut self, sort: CoreSort, name: &'c str, item: CoreItem) {
        match sort {
            CoreSort::Function => self.core_functions.push((item, name)),
            CoreSort::Table => self.tables.push(item),
            CoreSort::Memory => self.memories.push(item),
            CoreSort::Global => self.globals.push(item),
        }
    }

    /// Appends an item to the index space of its sort.
    pub(super) fn push(&mut self, item: Item<'c>) {
        match item {
            Item::Module(module) => self.scope.modules.push(module),
            Item::Function(function) => self.functions.push(function),
            Item::Type(_) => {}
            Item::Instance(instance) => self.instances.push(instance),
            Item::Component(component) => self.scope.components.push(component),
        }
    }
}
