//! What the component exports, and by which numbers clients know it.
//!
//! A version that takes over, or starts where clients are, serves under the numbers that were
//! published before it, whatever order its own binary has.

use super::Service;
use alloc::string::String;
use alloc::vec::Vec;
use atoll_runtime::link::Renumbered;

/// One exported interface.
#[derive(Clone, Debug)]
pub struct Export {
    /// Its name with version.
    pub name: String,
    /// The name of the interface that it is an instance of.
    pub interface: String,
    /// Its description by the numbers of the binary.
    pub descriptor: Vec<u8>,
    /// The endpoints on which it is served.
    pub services: Vec<Service>,
    /// By which numbers clients know it, if not by those of the binary.
    pub numbers: Option<Renumbered>,
    /// What clients of the domain before would miss in it.
    pub missing: Option<String>,
}

impl Export {
    /// What is published for it.
    pub(super) fn published(&self) -> &[u8] {
        self.numbers.as_ref().map_or(&self.descriptor, |numbers| &numbers.descriptor)
    }

    /// The function that clients know by this number; a number that stands for none where there
    /// is none.
    pub(super) fn method(&self, published: u32) -> u32 {
        let Some(numbers) = &self.numbers else { return published };
        numbers.methods.get(published as usize).copied().unwrap_or(u32::MAX)
    }

    /// The number by which clients know a resource.
    pub(super) fn tag(&self, resource: u32) -> u32 {
        let Some(numbers) = &self.numbers else { return resource };
        let known = numbers.resources.iter().position(|own| *own == resource);
        known.map_or(resource, |number| number as u32)
    }
}
