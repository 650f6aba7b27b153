//! Whether a provider's functions have the types that a component was built for.
//!
//! Types are compared by structure, not by name: records, variants, enums and flags with the same
//! labels in the same order and equal parts. A resource is the same when the same interface, in a
//! compatible version, declares it under the same name. A provider may have more functions and
//! resources than the import mentions; that is all the subtyping there is.

use alloc::{
    format,
    string::{String, ToString},
};

use super::{name, print};
use crate::{
    descriptor::{Descriptor, ResourceOrigin},
    error::Problem,
    types::{Definition, FunctionType, ResourceId, Types, ValueType},
};

/// What is wanted of an interface and what its provider says of itself.
pub(super) struct Pair<'a> {
    /// What the wanted functions' types refer to.
    pub types: &'a Types,
    /// Who declares a resource of theirs.
    pub origin: &'a dyn Fn(ResourceId) -> Option<ResourceOrigin>,
    /// Name of the interface.
    pub name: &'a str,
    pub provider: &'a Descriptor,
}

impl Pair<'_> {
    /// The provider's number for a wanted function.
    pub(super) fn method(&self, wanted: &str, ty: &FunctionType) -> Result<u32, Problem> {
        let functions = &self.provider.interface.functions;
        let found = functions.iter().zip(0u32..).find(|((name, _), _)| name == wanted);
        let Some(((_, found), number)) = found else {
            return Err(Problem::MissingFunction {
                name: wanted.into(),
                expected: self.expected(ty),
            });
        };
        if self.function(ty, found) {
            return Ok(number);
        }
        Err(Problem::WrongFunction {
            name: wanted.into(),
            expected: self.expected(ty),
            found: self.found(found),
        })
    }

    /// The provider's number for a resource that the wanted interface declares.
    pub(super) fn resource_number(&self, wanted: &str) -> Result<u32, Problem> {
        let resources = &self.provider.interface.resources;
        let found = resources.iter().zip(0u32..).find(|((name, _), _)| name == wanted);
        match found {
            Some((_, number)) => Ok(number),
            None => Err(Problem::MissingResource(wanted.into())),
        }
    }

    fn function(&self, wanted: &FunctionType, found: &FunctionType) -> bool {
        wanted.parameters.len() == found.parameters.len()
            && wanted.parameters.iter().zip(&found.parameters).all(
                |((wanted_name, wanted), (found_name, found))| {
                    wanted_name == found_name && self.value(*wanted, *found)
                },
            )
            && self.optional(wanted.result, found.result)
    }

    fn optional(&self, wanted: Option<ValueType>, found: Option<ValueType>) -> bool {
        match (wanted, found) {
            (Some(wanted), Some(found)) => self.value(wanted, found),
            (None, None) => true,
            _ => false,
        }
    }

    fn value(&self, wanted: ValueType, found: ValueType) -> bool {
        match (wanted, found) {
            (ValueType::Own(wanted), ValueType::Own(found))
            | (ValueType::Borrow(wanted), ValueType::Borrow(found)) => self.resource(wanted, found),
            (ValueType::Defined(wanted), ValueType::Defined(found)) => {
                let wanted = self.types.get(wanted);
                let found = self.provider.types.get(found);
                matches!((wanted, found), (Some(a), Some(b)) if self.definition(a, b))
            }
            (wanted, found) => wanted == found,
        }
    }

    /// Recursion is bounded by the depth that [`crate::types::Types`] allows, and the work by the
    /// weight of the type.
    fn definition(&self, wanted: &Definition, found: &Definition) -> bool {
        match (wanted, found) {
            (Definition::List(a), Definition::List(b))
            | (Definition::Option(a), Definition::Option(b)) => self.value(*a, *b),
            (Definition::FixedList(a, a_len), Definition::FixedList(b, b_len)) => {
                a_len == b_len && self.value(*a, *b)
            }
            (Definition::Map(a_key, a), Definition::Map(b_key, b)) => {
                self.value(*a_key, *b_key) && self.value(*a, *b)
            }
            (Definition::Record(a), Definition::Record(b)) => {
                a.len() == b.len()
                    && a.iter()
                        .zip(b)
                        .all(|((a_name, a), (b_name, b))| a_name == b_name && self.value(*a, *b))
            }
            (Definition::Tuple(a), Definition::Tuple(b)) => {
                a.len() == b.len() && a.iter().zip(b).all(|(a, b)| self.value(*a, *b))
            }
            (Definition::Variant(a), Definition::Variant(b)) => {
                a.len() == b.len()
                    && a.iter()
                        .zip(b)
                        .all(|((a_name, a), (b_name, b))| a_name == b_name && self.optional(*a, *b))
            }
            (Definition::Enum(a), Definition::Enum(b))
            | (Definition::Flags(a), Definition::Flags(b)) => a == b,
            (
                Definition::Result { ok: a_ok, err: a_err },
                Definition::Result { ok: b_ok, err: b_err },
            ) => self.optional(*a_ok, *b_ok) && self.optional(*a_err, *b_err),
            _ => false,
        }
    }

    fn resource(&self, wanted: ResourceId, found: ResourceId) -> bool {
        let wanted = (self.origin)(wanted);
        let found = self.provider.origins.get(found.0 as usize);
        match (wanted, found) {
            (Some(wanted), Some(found)) => {
                wanted.name == found.name
                    && name::compatible(self.declaring(&wanted), self.declaring(found))
            }
            _ => false,
        }
    }

    /// The interface that declares a resource; the two sides name the described one alike.
    fn declaring<'a>(&'a self, origin: &'a ResourceOrigin) -> &'a str {
        origin.interface.as_deref().unwrap_or(self.name)
    }

    fn expected(&self, ty: &FunctionType) -> String {
        print::function(self.types, ty, &|resource| {
            self.resource_text((self.origin)(resource).as_ref())
        })
    }

    fn found(&self, ty: &FunctionType) -> String {
        print::function(&self.provider.types, ty, &|resource| {
            self.resource_text(self.provider.origins.get(resource.0 as usize))
        })
    }

    /// A resource's name, with the interface that declares it if that is another one.
    fn resource_text(&self, origin: Option<&ResourceOrigin>) -> String {
        match origin {
            Some(ResourceOrigin { interface: Some(interface), name }) => {
                format!("{interface}.{{{name}}}")
            }
            Some(ResourceOrigin { interface: None, name }) => name.clone(),
            None => "?".to_string(),
        }
    }
}
