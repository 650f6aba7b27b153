//! What the runtime says of a component: it is read, translated and linked as in a domain.

use crate::interfaces::declared;
use anyhow::Result;
use atoll_runtime::host::Target;
use atoll_runtime::limits::{Exceeded, Limit};
use atoll_runtime::link::name::compatible;
use atoll_runtime::{Component, LoadError, Provider, Resolver, RuntimeLimits};
use std::borrow::Cow;
use std::path::Path;
use wasmparser::{Parser, Payload};

/// What the runtime found.
#[derive(Debug, Default)]
pub(super) struct Read {
    /// Bytes of the component.
    pub(super) bytes: usize,
    /// Bytes of the linear memories of all core modules when they begin.
    pub(super) memory: u64,
    /// How many core modules it has.
    pub(super) modules: usize,
    /// Names of the interfaces that it exports.
    pub(super) exports: Vec<String>,
    /// Those that it imports.
    pub(super) imports: Vec<Import>,
    /// The limits that it needs raised, each with a value that suffices.
    pub(super) limits: Vec<(Limit, u64)>,
    /// Why it does not run, whatever is granted.
    pub(super) problems: Vec<String>,
}

/// An import.
#[derive(Clone, Debug)]
pub(super) struct Import {
    /// Its full name.
    pub(super) name: String,
    /// Whether it only names types, which nobody has to provide.
    pub(super) is_types: bool,
}

/// Reads a component within limits, which are raised as far as it takes; the types of its imports
/// are compared with the interfaces in those folders.
pub(super) fn read(bytes: &[u8], mut limits: RuntimeLimits, wit: &[&Path]) -> Result<Read> {
    let mut read = Read { bytes: bytes.len(), ..Read::default() };
    count(bytes, &mut read);
    let component = loop {
        let component = Component::parse(bytes, &limits)
            .and_then(|component| component.translate(&limits, false).map(|_| component));
        match component {
            Ok(component) => break component,
            Err(LoadError::Limit(Exceeded { limit, found, most })) if most < limit.range().1 => {
                // Where counting stops at the bound, what was found is not all that there is.
                let enough = found.next_power_of_two().min(limit.range().1);
                read.limits.retain(|(raised, _)| *raised != limit);
                read.limits.push((limit, enough));
                limits = limits.with(limit, enough);
            }
            Err(error) => {
                read.problems.push(error.to_string());
                return Ok(read);
            }
        }
    };
    read.exports = component.exports().iter().map(|export| export.name.clone()).collect();
    let mut known = Declared { interfaces: declared(wit)?, expected: Vec::new() };
    for (number, import) in (0..).zip(component.imports()) {
        let is_types = import.ty.functions.is_empty() && import.ty.resources.is_empty();
        read.imports.push(Import { name: import.name.clone(), is_types });
        known.expected.push((import.name.clone(), component.expected(number)));
    }
    if let Err(error) = component.link(&mut known) {
        read.problems.push(error.to_string());
    }
    Ok(read)
}

/// Counts core modules and what their memories begin with, as far as the bytes are well-formed.
fn count(bytes: &[u8], read: &mut Read) {
    for part in Parser::new(0).parse_all(bytes).map_while(Result::ok) {
        match part {
            Payload::ModuleSection { .. } => read.modules += 1,
            Payload::MemorySection(memories) => {
                for memory in memories.into_iter().map_while(Result::ok) {
                    let size =
                        memory.initial.saturating_mul(1 << memory.page_size_log2.unwrap_or(16));
                    read.memory = read.memory.saturating_add(size);
                }
            }
            _ => {}
        }
    }
}

/// Provides every interface, as it is declared where it is, and else as the component expects it.
struct Declared {
    interfaces: Vec<(String, Vec<u8>)>,
    expected: Vec<(String, Option<Vec<u8>>)>,
}

impl Resolver for Declared {
    fn resolve(&mut self, interface: &str) -> Result<Provider, String> {
        let declared = self.interfaces.iter().find(|(name, _)| compatible(interface, name));
        let expected = self.expected.iter().find(|(name, _)| name == interface);
        let descriptor = declared
            .map(|(_, descriptor)| descriptor.clone())
            .or_else(|| expected.and_then(|(_, descriptor)| descriptor.clone()))
            .ok_or("nothing is known of it")?;
        Ok(Provider { target: Target::Provided(0), descriptor: Cow::Owned(descriptor) })
    }
}
