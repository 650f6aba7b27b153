//! Links the image at its address, and makes tables of the interfaces that it provides.
//!
//! `wit/` is the only source of those interfaces: from it come the descriptors that imports are
//! compared with, and enums of the functions and resources by number, so that the compiler sees
//! whether each is implemented.

use atoll_runtime::descriptor;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs};
use wit_parser::Resolve;

/// What the image provides, in the order of their numbers: a line each, but for comments.
const PROVIDED: &str = include_str!("provided.txt");
/// Provided by images built for tests only.
const TESTING: &str = "atoll:testing/raw-gate";

/// One provided interface.
struct Provided {
    /// With its version.
    name: String,
    descriptor: Vec<u8>,
    functions: Vec<String>,
    resources: Vec<String>,
}

fn main() {
    let manifest = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").expect("cargo sets it"));
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rerun-if-changed=image.ld");
    if env::var("CARGO_CFG_TARGET_OS").as_deref() == Ok("none") {
        println!("cargo:rustc-link-arg-bins=-T{}", manifest.join("image.ld").display());
        for argument in
            ["--no-dynamic-linker", "-znoexecstack", "-zmax-page-size=4096", "--build-id=none"]
        {
            println!("cargo:rustc-link-arg-bins={argument}");
        }
    }
    let provided = provided(&manifest.join("../../wit"));
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets it"));
    for interface in &provided {
        fs::write(out.join(file_name(interface)), &interface.descriptor)
            .expect("the output folder is writable");
    }
    fs::write(out.join("provided.rs"), generate(&provided)).expect("the output folder is writable");
}

/// Reads `wit/` and picks out the provided interfaces.
fn provided(wit: &Path) -> Vec<Provided> {
    println!("cargo:rerun-if-changed={}", wit.display());
    assert!(
        wit.join("deps/io.wit").exists(),
        "{} has no interfaces of WASI: run `cargo xtask wit --deps` first",
        wit.join("deps").display()
    );
    let mut resolve = Resolve::default();
    resolve.push_dir(wit).unwrap_or_else(|error| panic!("wit/ does not parse: {error:?}"));
    let mut described = Vec::new();
    for (package, contents) in &resolve.packages {
        if contents.interfaces.is_empty() {
            continue;
        }
        let bytes = wit_component::encode(&resolve, package, false)
            .expect("a resolved package can be encoded");
        let interfaces = atoll_runtime::describe_package(&bytes)
            .unwrap_or_else(|error| panic!("package {} is not understood: {error}", contents.name));
        described.extend(interfaces);
    }
    let testing = env::var_os("CARGO_FEATURE_TESTING").map(|_| TESTING);
    let lines = PROVIDED.lines().filter(|line| !line.starts_with('#'));
    let wanted = lines.chain(testing);
    wanted.map(|name| pick(&described, name)).collect()
}

fn pick(described: &[(String, Vec<u8>)], wanted: &str) -> Provided {
    let found = described.iter().find(|(name, _)| name.split('@').next() == Some(wanted));
    let (name, descriptor) = found.unwrap_or_else(|| panic!("wit/ declares no interface {wanted}"));
    let decoded = descriptor::decode(descriptor).expect("what was encoded can be decoded");
    Provided {
        name: name.clone(),
        descriptor: descriptor.clone(),
        functions: decoded.interface.functions.iter().map(|(name, _)| name.clone()).collect(),
        resources: decoded.interface.resources.iter().map(|(name, _)| name.clone()).collect(),
    }
}

/// `wasi:io/poll@0.2.12` as `wasi_io_poll`.
fn module_name(name: &str) -> String {
    name.split('@').next().unwrap_or(name).replace([':', '/', '-'], "_")
}

fn file_name(interface: &Provided) -> String {
    format!("{}.descriptor", module_name(&interface.name))
}

/// Words of a name run together, each with a capital: `[method]session.set-mode` as
/// `SessionSetMode`.
fn camel(name: &str) -> String {
    let bare = name.rsplit(']').next().unwrap_or(name);
    let suffix = if name.starts_with("[constructor]") { "-new" } else { "" };
    let mut words = String::new();
    for word in format!("{bare}{suffix}").split(['-', '.', ':', '/', '_']) {
        let mut letters = word.chars();
        words.extend(letters.next().map(|first| first.to_ascii_uppercase()));
        words.push_str(letters.as_str());
    }
    words
}

/// An enum with consecutive numbers and its reading from one.
fn enumeration(
    out: &mut String,
    indent: &str,
    doc: &str,
    name: &str,
    members: &[(String, String)],
) {
    let mut line = |text: &str| writeln!(out, "{indent}{text}").expect("a string grows");
    line(&format!("/// {doc}"));
    line("#[derive(Clone, Copy, Debug, PartialEq, Eq)]");
    line("#[repr(u32)]");
    line(&format!("pub enum {name} {{"));
    for (number, (member, doc)) in members.iter().enumerate() {
        line(&format!("    /// `{doc}`"));
        line(&format!("    {member} = {number},"));
    }
    line("}");
    line(&format!("impl {name} {{"));
    line("    /// The member with that number.");
    line("    #[must_use]");
    line("    pub const fn from_raw(raw: u32) -> Option<Self> {");
    line("        match raw {");
    for (number, (member, _)) in members.iter().enumerate() {
        line(&format!("            {number} => Some(Self::{member}),"));
    }
    line("            _ => None,");
    line("        }");
    line("    }");
    line("}");
}

fn generate(provided: &[Provided]) -> String {
    let mut out = String::new();
    let bare =
        |interface: &Provided| interface.name.split('@').next().unwrap_or_default().to_owned();
    let members: Vec<_> = provided
        .iter()
        .map(|interface| (camel(&bare(interface)), interface.name.clone()))
        .collect();
    enumeration(
        &mut out,
        "",
        "An interface that the image provides, by its number.",
        "Interface",
        &members,
    );
    out.push_str("/// Name with version and descriptor of each interface, by number.\n");
    out.push_str("pub static INTERFACES: &[(&str, &[u8])] = &[\n");
    for interface in provided {
        writeln!(
            out,
            "    ({:?}, include_bytes!(concat!(env!(\"OUT_DIR\"), \"/{}\"))),",
            interface.name,
            file_name(interface)
        )
        .expect("a string grows");
    }
    out.push_str("];\n");
    for interface in provided {
        writeln!(
            out,
            "/// Numbers of `{}`.\npub mod {} {{",
            interface.name,
            module_name(&interface.name)
        )
        .expect("a string grows");
        if !interface.functions.is_empty() {
            let members: Vec<_> =
                interface.functions.iter().map(|name| (camel(name), name.clone())).collect();
            enumeration(&mut out, "    ", "A function of the interface.", "Function", &members);
        }
        for (number, name) in interface.resources.iter().enumerate() {
            let constant = name.replace('-', "_").to_ascii_uppercase();
            writeln!(out, "    /// Number of the resource `{name}`.\n    pub const {constant}: u32 = {number};")
                .expect("a string grows");
        }
        out.push_str("}\n");
    }
    out
}
