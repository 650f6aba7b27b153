//! Components from WIT and WAT, as toolchains make them from WIT and a core module.

use wit_component::{ComponentEncoder, StringEncoding, embed_component_metadata};
use wit_parser::{PackageId, Resolve};

/// Parses a WIT document, which may nest further packages.
pub(crate) fn parse(wit: &str) -> (Resolve, PackageId) {
    let mut resolve = Resolve::default();
    let package = resolve.push_str("test.wit", wit).unwrap_or_else(|error| panic!("{error:?}"));
    (resolve, package)
}

/// Makes a component of a world from a core module in text form.
pub(crate) fn component(wit: &str, world: &str, core: &str) -> Vec<u8> {
    component_with(wit, world, core, StringEncoding::UTF8)
}

/// Makes a component whose strings have another encoding.
pub(crate) fn component_with(
    wit: &str,
    world: &str,
    core: &str,
    encoding: StringEncoding,
) -> Vec<u8> {
    let (resolve, package) = parse(wit);
    let world = resolve.select_world(&[package], Some(world)).expect("world");
    let mut module = wat::parse_str(core).unwrap_or_else(|error| panic!("{error}"));
    embed_component_metadata(&mut module, &resolve, world, encoding, false).expect("metadata");
    ComponentEncoder::default()
        .module(&module)
        .expect("module")
        .validate(true)
        .encode()
        .unwrap_or_else(|error| panic!("{error:?}"))
}

/// Descriptors of the interfaces of the main package of a WIT document.
pub(crate) fn descriptors(wit: &str) -> Vec<(String, Vec<u8>)> {
    let (resolve, package) = parse(wit);
    let encoded = wit_component::encode(&resolve, package, false).expect("package");
    atoll_runtime::describe_package(&encoded).unwrap_or_else(|error| panic!("{error}"))
}

/// A bump allocator and a memory of one page, for core modules that are passed lists.
pub(crate) const ALLOCATOR: &str = r#"
    (memory (export "memory") 1)
    (global $next (mut i32) (i32.const 4096))
    (func $realloc (export "cabi_realloc") (param $old i32) (param $size i32) (param $align i32)
                   (param $new i32) (result i32)
        (local $at i32)
        (local.set $at (i32.and (i32.add (global.get $next)
                                         (i32.sub (local.get $align) (i32.const 1)))
                                (i32.sub (i32.const 0) (local.get $align))))
        (global.set $next (i32.add (local.get $at) (local.get $new)))
        (local.get $at))
"#;
