//! The components that every host runs: core modules by hand, made components the way toolchains
//! do it, so that what is measured is the host's and not that of a language's library.

use anyhow::{Result, anyhow};
use std::path::Path;
use wasm_encoder::{
    Alias, Component, ComponentAliasSection, ComponentExportKind, ComponentExportSection,
    ComponentInstanceSection, RawSection,
};
use wit_component::{ComponentEncoder, StringEncoding, embed_component_metadata};
use wit_parser::Resolve;

/// The interface that the provider exports and the consumer imports.
pub(crate) const API: &str = "atoll:peers/api";
/// The provider's long loops.
pub(crate) const LOOPS: &str = "atoll:peers/loops";
/// What makes the consumer call.
pub(crate) const DRIVE: &str = "atoll:peers/drive";

/// Section of a nested component, by the component model's `Binary.md`.
const NESTED_COMPONENT: u8 = 4;

/// The guests, as bytes.
pub(crate) struct Guests {
    /// Exports `api` and `loops`, imports nothing.
    pub(crate) provider: &'static [u8],
    /// Imports `api`, exports `drive`.
    pub(crate) consumer: &'static [u8],
    /// A consumer whose `api` is a provider's, in one component that exports `drive`.
    pub(crate) composed: &'static [u8],
}

/// Builds the guests.
pub(crate) fn build() -> Result<Guests> {
    let provider = component("provider", include_str!("../guests/provider.wat"))?;
    let consumer = component("consumer", include_str!("../guests/consumer.wat"))?;
    let composed = compose(&provider, &consumer);
    Ok(Guests { provider: provider.leak(), consumer: consumer.leak(), composed: composed.leak() })
}

/// A core module with the world of that name as a component.
fn component(world: &str, text: &str) -> Result<Vec<u8>> {
    let mut module = wat::parse_str(text)?;
    let mut resolve = Resolve::default();
    let wit = include_str!("../wit/peers.wit");
    let package = resolve.push_str(Path::new("peers.wit"), wit).map_err(|e| anyhow!("{e:?}"))?;
    let world = resolve.select_world(&[package], Some(world)).map_err(|e| anyhow!("{e:?}"))?;
    embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8)
        .map_err(|e| anyhow!("{e:?}"))?;
    ComponentEncoder::default()
        .validate(true)
        .module(&module)
        .and_then(|encoder| encoder.encode())
        .map_err(|e| anyhow!("{e:?}"))
}

/// Instantiates both in one component, the provider's `api` for the consumer's.
fn compose(provider: &[u8], consumer: &[u8]) -> Vec<u8> {
    let alias = |instance, name| Alias::InstanceExport {
        instance,
        kind: ComponentExportKind::Instance,
        name,
    };
    let none: [(&str, ComponentExportKind, u32); 0] = [];
    let mut component = Component::new();
    for data in [provider, consumer] {
        component.section(&RawSection { id: NESTED_COMPONENT, data });
    }
    let mut instances = ComponentInstanceSection::new();
    instances.instantiate(0, none);
    component.section(&instances);
    let mut aliases = ComponentAliasSection::new();
    aliases.alias(alias(0, API));
    component.section(&aliases);
    let mut instances = ComponentInstanceSection::new();
    instances.instantiate(1, [(API, ComponentExportKind::Instance, 1)]);
    component.section(&instances);
    let mut aliases = ComponentAliasSection::new();
    aliases.alias(alias(2, DRIVE));
    component.section(&aliases);
    let mut exports = ComponentExportSection::new();
    exports.export(DRIVE, ComponentExportKind::Instance, 3, None);
    component.section(&exports);
    component.finish()
}
