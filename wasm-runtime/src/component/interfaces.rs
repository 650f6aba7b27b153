//! The interfaces that a component, or the type of one, imports and exports.
//!
//! Resource types are numbered over all of them. A resource belongs to the interface that mentions
//! it first, imports before exports: where WIT `use`s a resource of another interface, the binary
//! lists that other interface before.

use alloc::{
    collections::{BTreeMap, btree_map::Entry},
    string::String,
    vec::Vec,
};

use wasmparser::{
    component_types::{
        ComponentAnyTypeId, ComponentEntityType, ComponentFuncTypeId, ComponentInstanceTypeId,
        ResourceId as Declared,
    },
    types::TypesRef,
};

use super::{
    convert::{ConvertError, Converted, Converter},
    ir::ExternName,
};
use crate::{
    error::LoadError,
    limits::{Exceeded, Limit, MAX_NAME, RuntimeLimits},
    types::{InterfaceType, ResourceId, Types},
};

/// Name of the interface that stands for functions and resources which a world has outside any.
pub const ROOT: &str = "$root";

/// An interface with its name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Interface {
    /// Its full name, `package:name/interface@version`, or [`ROOT`].
    pub name: String,
    /// The interface that it is an instance of, if that is not its name: a component may have the
    /// same interface twice under labels of its own.
    pub implements: Option<String>,
    /// Its functions and resources.
    pub ty: InterfaceType,
}

impl Interface {
    /// The name of the interface that it is an instance of.
    #[must_use]
    pub fn interface(&self) -> &str {
        self.implements.as_ref().unwrap_or(&self.name)
    }
}

/// On which side of a component an interface is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    Import,
    Export,
}

/// Where a resource type comes from: interface and number among the interface's resources.
#[derive(Clone, Debug)]
pub(crate) struct Declaration {
    pub side: Side,
    pub interface: u32,
    pub number: u32,
    pub name: String,
    /// The validator's id of it.
    pub declared: Declared,
}

/// The interfaces of a component and what their types refer to.
#[derive(Debug, Default)]
pub(crate) struct Interfaces {
    pub types: Types,
    pub imports: Vec<Interface>,
    pub exports: Vec<Interface>,
    /// Resource types; a [`ResourceId`] of `types` is an index here.
    pub resources: Vec<Declaration>,
    /// Imports that are neither interface, function nor type: name and kind.
    pub strange: Vec<(String, &'static str)>,
}

impl Interfaces {
    /// Collects the interfaces of a component with these imports and exports.
    pub(super) fn collect<'t>(
        source: TypesRef<'_>,
        imports: impl Iterator<Item = Item<'t>>,
        exports: impl Iterator<Item = Item<'t>>,
        limits: &RuntimeLimits,
    ) -> Result<Self, LoadError> {
        let mut all = Self { types: Types::bounded(limits), ..Self::default() };
        let mut numbers = BTreeMap::new();
        let mut functions = Vec::new();
        let sides = imports.map(|item| (Side::Import, item));
        let mut members = 0_u64;
        for (side, item) in sides.chain(exports.map(|item| (Side::Export, item))) {
            // Many imports can be of one large type, so the members are counted before they are
            // written down.
            members = members.saturating_add(match item.ty {
                ComponentEntityType::Instance(id) => source[id].exports.len() as u64,
                _ => 1,
            });
            Exceeded::check(limits, Limit::InterfaceItems, members)?;
            all.add(side, source, item, &mut numbers, &mut functions);
        }
        let mut converter = Converter {
            source,
            resources: |declared| numbers.get(&declared).copied().map(ResourceId),
            done: &mut Converted::default(),
        };
        for Waiting { side, interface, name, ty, offset } in functions {
            let list = match side {
                Side::Import => &mut all.imports,
                Side::Export => &mut all.exports,
            };
            let Some(interface) = list.get_mut(interface as usize) else { continue };
            let ty = converter
                .function(ty, &mut all.types)
                .map_err(|error| explain(error, &interface.name, &name, offset))?;
            interface.ty.functions.push((name, ty));
        }
        Ok(all)
    }

    /// Adds an import or export; its functions wait until all resource types are numbered.
    fn add(
        &mut self,
        side: Side,
        source: TypesRef<'_>,
        item: Item<'_>,
        numbers: &mut BTreeMap<Declared, u32>,
        functions: &mut Vec<Waiting>,
    ) {
        match item.ty {
            ComponentEntityType::Instance(id) => {
                let index = self.interface(side, item.name, item.implements);
                for (name, member) in &source[id].exports {
                    let member = Item { name, ty: member.ty, ..item };
                    self.member(side, source, index, member, numbers, functions);
                }
            }
            ComponentEntityType::Func(_) => {
                let index = self.interface(side, ROOT, None);
                self.member(side, source, index, item, numbers, functions);
            }
            ComponentEntityType::Type { created: ComponentAnyTypeId::Resource(id), .. } => {
                if !numbers.contains_key(&id.resource()) {
                    let index = self.interface(side, ROOT, None);
                    self.member(side, source, index, item, numbers, functions);
                }
            }
            ComponentEntityType::Type { .. } => {}
            other => self.strange(side, item.name, other),
        }
    }

    fn member(
        &mut self,
        side: Side,
        source: TypesRef<'_>,
        interface: u32,
        item: Item<'_>,
        numbers: &mut BTreeMap<Declared, u32>,
        functions: &mut Vec<Waiting>,
    ) {
        let Item { name, ty, offset, .. } = item;
        match ty {
            ComponentEntityType::Func(ty) => {
                functions.push(Waiting { side, interface, name: name.into(), ty, offset });
            }
            ComponentEntityType::Type { created: ComponentAnyTypeId::Resource(id), .. } => {
                self.declare(side, interface, name, id.resource(), numbers);
            }
            ComponentEntityType::Type { .. } => {}
            ComponentEntityType::Instance(id) => {
                self.strange(side, name, ty);
                self.nested(side, source, interface, name, id, numbers);
            }
            other => self.strange(side, name, other),
        }
    }

    /// Declares the resources of an interface within an interface, which can be used in the types
    /// of others though nothing of it can be called. The validator bounds the nesting.
    fn nested(
        &mut self,
        side: Side,
        source: TypesRef<'_>,
        interface: u32,
        path: &str,
        id: ComponentInstanceTypeId,
        numbers: &mut BTreeMap<Declared, u32>,
    ) {
        for (name, member) in &source[id].exports {
            let path = alloc::format!("{path}/{name}");
            // No descriptor could name it, and paths must not become long by nesting.
            if path.len() > MAX_NAME {
                continue;
            }
            match member.ty {
                ComponentEntityType::Instance(id) => {
                    self.nested(side, source, interface, &path, id, numbers);
                }
                ComponentEntityType::Type { created: ComponentAnyTypeId::Resource(id), .. } => {
                    self.declare(side, interface, &path, id.resource(), numbers);
                }
                _ => {}
            }
        }
    }

    /// Gives the next resource number to a resource of that interface, if it has none.
    fn declare(
        &mut self,
        side: Side,
        interface: u32,
        name: &str,
        declared: Declared,
        numbers: &mut BTreeMap<Declared, u32>,
    ) {
        let Entry::Vacant(entry) = numbers.entry(declared) else { return };
        entry.insert(self.resources.len() as u32);
        let id = ResourceId(self.resources.len() as u32);
        let list = match side {
            Side::Import => &mut self.imports,
            Side::Export => &mut self.exports,
        };
        if let Some(entry) = list.get_mut(interface as usize) {
            let number = entry.ty.resources.len() as u32;
            entry.ty.resources.push((name.into(), id));
            let name = name.into();
            self.resources.push(Declaration { side, interface, number, name, declared });
        }
    }

    /// The index of the interface of that name, which is new unless it is the root's.
    fn interface(&mut self, side: Side, name: &str, implements: Option<&str>) -> u32 {
        let list = match side {
            Side::Import => &mut self.imports,
            Side::Export => &mut self.exports,
        };
        if name == ROOT
            && let Some(index) = list.iter().position(|interface| interface.name == ROOT)
        {
            return index as u32;
        }
        let implements = implements.map(String::from);
        list.push(Interface { name: name.into(), implements, ty: InterfaceType::default() });
        (list.len() - 1) as u32
    }

    fn strange(&mut self, side: Side, name: &str, ty: ComponentEntityType) {
        let kind = match ty {
            ComponentEntityType::Module(_) => "a core module",
            ComponentEntityType::Component(_) => "a component",
            ComponentEntityType::Instance(_) => "an interface within an interface",
            _ => "a value",
        };
        if side == Side::Import {
            self.strange.push((name.into(), kind));
        }
    }
}

/// An import or export: its name, its type and where in the binary it stands.
#[derive(Clone, Copy)]
pub(super) struct Item<'a> {
    pub name: &'a str,
    pub implements: Option<&'a str>,
    pub ty: ComponentEntityType,
    pub offset: u64,
}

impl<'a> Item<'a> {
    pub(super) fn new(name: &'a ExternName, ty: ComponentEntityType, offset: u64) -> Self {
        Self { name: &name.name, implements: name.implements.as_deref(), ty, offset }
    }
}

/// A function whose type is still to be converted.
struct Waiting {
    side: Side,
    interface: u32,
    name: String,
    ty: ComponentFuncTypeId,
    offset: u64,
}

/// Says which function has the type that could not be converted.
fn explain(error: ConvertError, interface: &str, function: &str, offset: u64) -> LoadError {
    let of = alloc::format!("`{function}` of `{interface}`");
    match error {
        ConvertError::TooLarge(exceeded) => LoadError::TypeTooLarge { of, exceeded, offset },
        ConvertError::Unsupported(what) => {
            LoadError::Unsupported { what: alloc::format!("{what} in the type of {of}"), offset }
        }
        ConvertError::UnknownResource => LoadError::Invalid {
            message: alloc::format!("{of} uses a resource type that no interface declares"),
            offset,
        },
    }
}
