//! The type of an interface as bytes: what a server publishes on its endpoint and a client's
//! runtime fetches before it links.
//!
//! A descriptor says which resources the interface declares and uses, which structured types
//! there are and what its functions are called, take and return. It is read as hostile input: a
//! client's domain reads what another domain wrote.
//!
//! Encoding: a version byte; then, each behind its count, the resources, the definitions and the
//! functions. A number is a LEB128 `u32`, a name its length and UTF-8 bytes. A resource is a byte
//! that says whether another interface declares it, that interface's name if so, and its own name;
//! those that the interface declares come first. A definition refers to earlier ones only.

mod decode;
mod encode;
mod tag;

use alloc::{string::String, vec::Vec};

pub use decode::decode;

use crate::{
    component::{Interfaces, Side},
    types::{InterfaceType, ResourceId, Types},
};

/// Version of the encoding.
const VERSION: u8 = 1;

/// The decoded type of an interface.
#[derive(Clone, Debug, Default)]
pub struct Descriptor {
    /// What the interface's types refer to.
    pub types: Types,
    /// Functions and declared resources. A [`ResourceId`] is an index into `origins`.
    pub interface: InterfaceType,
    /// Who declares each resource.
    pub origins: Vec<ResourceOrigin>,
}

/// Who declares a resource.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResourceOrigin {
    /// The other interface that declares it, `None` for the described one.
    pub interface: Option<String>,
    /// Its name there.
    pub name: String,
}

/// Why bytes are no descriptor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DescriptorError {
    /// They are of another version of the encoding.
    Version,
    /// They end early, or go on after the end.
    Length,
    /// A name is not UTF-8, is too long, or occurs twice.
    Name,
    /// A number refers to nothing or stands for nothing.
    Number,
    /// A type is too large.
    TooLarge,
}

impl core::fmt::Display for DescriptorError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(match self {
            Self::Version => "has another version of the encoding",
            Self::Length => "has the wrong length",
            Self::Name => "has a name that is malformed or there twice",
            Self::Number => "has a number that stands for nothing",
            Self::TooLarge => "has a type that is too large",
        })
    }
}

impl core::error::Error for DescriptorError {}

/// The descriptor of an interface of a component; `None` when there is no such interface or its
/// type is too large for a message.
pub(crate) fn of(interfaces: &Interfaces, side: Side, index: u32) -> Option<Vec<u8>> {
    let list = match side {
        Side::Import => &interfaces.imports,
        Side::Export => &interfaces.exports,
    };
    let interface = list.get(index as usize)?;
    let origin = |resource: ResourceId| origin(interfaces, side, index, resource);
    encode::encode(&interfaces.types, &interface.ty, &origin)
}

/// Writes a descriptor again whose interface is `interface` now, of the same types and resources.
pub(crate) fn write(described: &Descriptor, interface: &InterfaceType) -> Option<Vec<u8>> {
    let origin = |resource: ResourceId| described.origins.get(resource.0 as usize).cloned();
    encode::encode(&described.types, interface, &origin)
}

/// Who declares a resource that interface `index` mentions, as its descriptor says it.
pub(crate) fn origin(
    interfaces: &Interfaces,
    side: Side,
    index: u32,
    resource: ResourceId,
) -> Option<ResourceOrigin> {
    let declaration = interfaces.resources.get(resource.0 as usize)?;
    let list = match declaration.side {
        Side::Import => &interfaces.imports,
        Side::Export => &interfaces.exports,
    };
    let own = declaration.side == side && declaration.interface == index;
    let declaring = list.get(declaration.interface as usize)?;
    Some(ResourceOrigin {
        interface: if own { None } else { Some(declaring.interface().into()) },
        name: declaration.name.clone(),
    })
}

#[cfg(test)]
mod tests;
