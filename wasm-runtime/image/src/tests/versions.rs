//! Components that were built for any patch version of WASI 0.2.

use super::{kernel, place};
use crate::fake::Thing;
use crate::generated::INTERFACES;
use atoll_gate::call::rights;
use atoll_gate::limits::RuntimeLimits;
use atoll_runtime::Component;
use std::fs;
use std::path::Path;
use wit_component::{ComponentEncoder, StringEncoding, dummy_module, embed_component_metadata};
use wit_parser::{ManglingAndAbi, Resolve};

/// The newest one, which `wit/deps` has.
const NEWEST: u32 = 12;
/// What came later than the first: since when, and its text.
const LATER: &[(u32, &str)] =
    &[(12, "@since(version = 0.2.12)\n  exit-with-code: func(status-code: u8);")];

/// Names of the interfaces of WASI that the image provides, without version.
fn provided() -> impl Iterator<Item = &'static str> {
    let names = INTERFACES.iter().filter_map(|(name, _)| name.split('@').next());
    names.filter(|name| name.starts_with("wasi:"))
}

/// WASI as it was in a patch version.
fn wasi(resolve: &mut Resolve, patch: u32) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../wit/deps");
    for package in ["io", "clocks", "random", "filesystem", "sockets", "cli"] {
        let path = folder.join(package).with_extension("wit");
        let mut text = fs::read_to_string(&path).expect("wit/deps is filled by the build");
        for (since, item) in LATER {
            if package == "cli" && *since > patch {
                assert!(text.contains(item), "{item}");
                text = text.replace(item, "");
            }
        }
        let text = text.replace(&format!("@0.2.{NEWEST}"), &format!("@0.2.{patch}"));
        resolve.push_str(&path, &text).unwrap_or_else(|error| panic!("{error:?}"));
    }
}

/// A component that imports everything that is provided, in these versions at once.
fn component(patches: &[u32]) -> Vec<u8> {
    let mut resolve = Resolve::default();
    let mut world = String::from("package test:versions;\nworld all {\n");
    for patch in patches {
        wasi(&mut resolve, *patch);
        for name in provided() {
            world.push_str(&format!("  import {name}@0.2.{patch};\n"));
        }
    }
    world.push('}');
    let package = resolve.push_str("test.wit", &world).unwrap_or_else(|error| panic!("{error:?}"));
    let world = resolve.select_world(&[package], Some("all")).expect("a world");
    let mut module = dummy_module(&resolve, world, ManglingAndAbi::Standard32);
    embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8, false)
        .expect("embeds");
    let mut encoder = ComponentEncoder::default();
    encoder.module(&module).and_then(|encoder| encoder.encode()).expect("a component")
}

fn links(patches: &[u32]) {
    let bytes = component(patches);
    let (mut place, _) = place(|state| {
        state.random = Some(7);
        let system = state.add(Thing::System, rights::ALL);
        let of = |name: &str| (name == "wasi:clocks/wall-clock").then_some(system);
        provided().map(|name| kernel(name, "", of(name))).collect()
    });
    let component = Component::parse(&bytes, &RuntimeLimits::DEFAULT).expect("parses");
    let linked = component.link(&mut place);
    assert!(linked.is_ok(), "{patches:?}: {linked:?}");
}

#[test]
fn every_patch_version_is_met() {
    (0..=NEWEST).for_each(|patch| links(&[patch]));
}

#[test]
fn several_are_met_at_once() {
    links(&[0, 6, 12]);
    links(&[3, 4]);
}
