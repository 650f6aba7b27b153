//! Makes a table of all interfaces in `wit/`: name, descriptor and functions.

use atoll_runtime::descriptor;
use std::fmt::Write as _;
use std::path::Path;
use std::{env, fs};
use wit_parser::Resolve;

fn main() {
    let wit = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../wit");
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rerun-if-changed={}", wit.display());
    let mut table = String::from("&[\n");
    for (name, descriptor) in interfaces(&wit) {
        let decoded = descriptor::decode(&descriptor).expect("what was encoded can be decoded");
        let functions: Vec<_> =
            decoded.interface.functions.iter().map(|(name, _)| name.as_str()).collect();
        writeln!(
            table,
            "    Interface {{ name: {name:?}, functions: &{functions:?}, descriptor: &{descriptor:?} }},"
        )
        .expect("a string grows");
    }
    table.push_str("]\n");
    let out = env::var_os("OUT_DIR").expect("cargo sets it");
    fs::write(Path::new(&out).join("interfaces.rs"), table).expect("the output folder is writable");
}

/// Names and descriptors.
fn interfaces(wit: &Path) -> Vec<(String, Vec<u8>)> {
    assert!(
        wit.join("deps/io.wit").exists(),
        "{} has no interfaces of WASI: run `cargo xtask wit --deps` first",
        wit.join("deps").display()
    );
    let mut resolve = Resolve::default();
    resolve.push_dir(wit).unwrap_or_else(|error| panic!("wit/ does not parse: {error:?}"));
    let packages = resolve.packages.iter().filter(|(_, contents)| !contents.interfaces.is_empty());
    let described = packages.map(|(package, contents)| {
        let bytes = wit_component::encode(&resolve, package, false)
            .expect("a resolved package can be encoded");
        atoll_runtime::describe_package(&bytes)
            .unwrap_or_else(|error| panic!("package {} is not understood: {error}", contents.name))
    });
    described.flatten().collect()
}
