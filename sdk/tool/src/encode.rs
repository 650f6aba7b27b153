//! From core modules to components.

use anyhow::{Result, ensure};
use atoll_iso::adapt;
use std::path::Path;
use wasmparser::{Parser, Payload, Validator};
use wit_component::StringEncoding;
use wit_parser::Resolve;

/// How the names of custom sections with a component's types begin.
const TYPES: &str = "component-type";

/// Writes the types of a world of the package in the folder `wit` into a core module whose
/// toolchain knows nothing of them.
///
/// # Errors
/// If there is no such world, or the module is malformed.
pub fn embed(module: &mut Vec<u8>, wit: &Path, world: &str) -> Result<()> {
    // Not the resolve of the bindings, whose generators have a parser of another version.
    let mut resolve = Resolve { all_features: true, ..Resolve::default() };
    let (package, _) = resolve.push_dir(wit)?;
    let world = resolve.select_world(&[package], Some(world))?;
    wit_component::embed_component_metadata(module, &resolve, world, StringEncoding::UTF8, false)
}

/// Makes a core module with embedded types a component, and checks it; WASI's first preview, if the
/// module imports it, by the adapter for it.
///
/// # Errors
/// If imports or exports do not fit the types.
pub fn component(module: &[u8]) -> Result<Vec<u8>> {
    Ok(adapt::component(module)?.0)
}

/// Whether a core module says itself what types its component has.
///
/// # Errors
/// If it is malformed.
pub fn has_types(module: &[u8]) -> Result<bool> {
    for part in Parser::new(0).parse_all(module) {
        if let Payload::CustomSection(section) = part?
            && section.name().starts_with(TYPES)
        {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Checks that bytes are a component.
///
/// # Errors
/// If they are malformed, or a core module.
pub fn validate(component: &[u8]) -> Result<()> {
    ensure!(Parser::is_component(component), "it has no component's header");
    Validator::new().validate_all(component)?;
    Ok(())
}
