//! Meets the imports of a component: who provides each, and whether its type fits.
//!
//! Linking happens before anything is translated or run, so that a server whose import is not met
//! costs nothing but the message that says so. What linking finds out is a table of numbers for
//! each import: the target, and the provider's numbers for the functions and resources.
//! `renumber` turns the comparison round, for a server that takes over from another version.

mod compare;
pub mod name;
pub(crate) mod print;
mod renumber;

pub use renumber::{Renumbered, renumber};

use alloc::{borrow::Cow, format, string::String, vec::Vec};

use crate::{
    component::{Component, Side},
    descriptor::{self, Descriptor},
    error::{LinkError, Problem},
    host::Target,
};

/// Knows who provides which interface.
pub trait Resolver {
    /// Finds the provider of an interface by its full name, such as `wasi:io/poll@0.2.12`. It is
    /// asked once for each import that has functions or resources of its own; where a component
    /// imports an interface under a label, by the label first and then by the interface's name.
    ///
    /// # Errors
    /// Why nobody provides it, as the end of a sentence: `nothing is granted under that name`.
    fn resolve(&mut self, interface: &str) -> Result<Provider, String>;
}

/// Who provides an interface.
#[derive(Clone, Debug)]
pub struct Provider {
    /// Where its calls go.
    pub target: Target,
    /// Its descriptor.
    pub descriptor: Cow<'static, [u8]>,
}

/// A component whose imports are met.
#[derive(Debug)]
pub struct Linked<'a> {
    pub(crate) component: Component<'a>,
    /// One for each import of the component.
    pub(crate) links: Vec<Link>,
}

impl<'a> Linked<'a> {
    /// The component whose imports are met.
    #[must_use]
    pub const fn component(&self) -> &Component<'a> {
        &self.component
    }
}

/// How one import is met.
#[derive(Debug, Default)]
pub(crate) struct Link {
    /// Who provides it; `None` for an import that only names types.
    pub target: Option<Target>,
    /// The provider's numbers for the functions, in the import's order.
    pub methods: Vec<u32>,
    /// The provider's numbers for the resources that the import declares, in its order.
    pub resources: Vec<u32>,
}

impl<'a> Component<'a> {
    /// Meets every import.
    ///
    /// # Errors
    /// For the first import that is not met, or not by a provider of its type. If nobody provides
    /// it, the error also names the others that nobody provides.
    pub fn link(self, resolver: &mut dyn Resolver) -> Result<Linked<'a>, LinkError> {
        if let Some((import, kind)) = self.interfaces.strange.first() {
            let (import, problem) = (import.clone(), Problem::Kind(kind));
            return Err(LinkError { import, problem, also: Vec::new() });
        }
        let mut links = Vec::with_capacity(self.imports().len());
        for (index, import) in (0u32..).zip(self.imports()) {
            match self.meet(index, resolver) {
                Ok(link) => links.push(link),
                Err(problem) => {
                    let also = match problem {
                        Problem::Unmet(_) => self.unmet_after(index, resolver),
                        _ => Vec::new(),
                    };
                    return Err(LinkError { import: import.name.clone(), problem, also });
                }
            }
        }
        Ok(Linked { component: self, links })
    }

    /// Names of the imports after `index` that nobody provides: whoever grants one can grant all.
    fn unmet_after(&self, index: u32, resolver: &mut dyn Resolver) -> Vec<String> {
        let mut unmet = Vec::new();
        for (other, import) in (0u32..).zip(self.imports()) {
            if other > index && matches!(self.meet(other, resolver), Err(Problem::Unmet(_))) {
                unmet.push(import.name.clone());
            }
        }
        unmet
    }

    fn meet(&self, index: u32, resolver: &mut dyn Resolver) -> Result<Link, Problem> {
        let Some(import) = self.imports().get(index as usize) else {
            return Ok(Link::default());
        };
        if import.ty.functions.is_empty() && import.ty.resources.is_empty() {
            return Ok(Link::default());
        }
        let provider = resolver.resolve(&import.name);
        // A label of the component's own need not be known outside: the interface is, then.
        let provider = provider.or_else(|why| match &import.implements {
            Some(interface) => resolver.resolve(interface).map_err(|_| why),
            None => Err(why),
        });
        let provider = provider.map_err(Problem::Unmet)?;
        let descriptor: Descriptor = descriptor::decode(&provider.descriptor)
            .map_err(|error| Problem::Descriptor(format!("{error}")))?;
        let interfaces = &self.interfaces;
        let pair = compare::Pair {
            types: &interfaces.types,
            origin: &|resource| descriptor::origin(interfaces, Side::Import, index, resource),
            name: import.interface(),
            provider: &descriptor,
        };
        let methods = import.ty.functions.iter().map(|(name, ty)| pair.method(name, ty));
        let resources = import.ty.resources.iter().map(|(name, _)| pair.resource_number(name));
        Ok(Link {
            target: Some(provider.target),
            methods: methods.collect::<Result<_, _>>()?,
            resources: resources.collect::<Result<_, _>>()?,
        })
    }
}
