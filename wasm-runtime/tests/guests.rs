//! The servers of this repository as their toolchain builds them, if they are built.
//!
//! `cargo xtask components` puts them into the target folder; without it these tests say so and
//! pass.

mod common;

use std::{
    env, fs,
    path::{Path, PathBuf},
    rc::Rc,
};

use atoll_runtime::{Component, descriptor};
use common::{Domain, LIMITS, System, wire, wire_bytes};
use wit_parser::Resolve;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("workspace")
}

/// The bytes of a built component.
fn built(name: &str) -> Option<Vec<u8>> {
    let target = env::var_os("CARGO_TARGET_DIR").map_or(root().join("target"), PathBuf::from);
    let file = target.join("components").join(name).with_extension("wasm");
    let bytes = fs::read(&file).ok();
    if bytes.is_none() {
        println!("{} is not built: nothing tested", file.display());
    }
    bytes
}

/// Descriptors of all interfaces in `wit/`, WASI's included.
fn interfaces() -> Option<Vec<(String, Vec<u8>)>> {
    let mut resolve = Resolve::default();
    if !root().join("wit/deps/cli.wit").exists() && !root().join("wit/deps/cli").exists() {
        println!("wit/deps is not filled: nothing tested");
        return None;
    }
    resolve.push_dir(root().join("wit")).expect("wit");
    let mut all = Vec::new();
    for (package, _) in resolve.packages.iter() {
        let encoded = wit_component::encode(&resolve, package, false).expect("encode");
        all.extend(atoll_runtime::describe_package(&encoded).expect("describe"));
    }
    Some(all)
}

/// A system where everything that servers import is provided, to nobody's use.
fn furnished() -> Option<Rc<System>> {
    let system = System::new();
    for (name, descriptor) in interfaces()? {
        if !name.starts_with("atoll:testing") {
            system.provide(&name, descriptor, |_, _| Vec::new());
        }
    }
    Some(system)
}

#[test]
fn every_interface_has_a_descriptor() {
    let Some(all) = interfaces() else { return };
    assert!(all.len() > 30, "{}", all.len());
    for (name, bytes) in &all {
        let decoded = descriptor::decode(bytes).unwrap_or_else(|error| panic!("{name}: {error}"));
        if name == "atoll:device/irq@0.1.0" {
            let functions: Vec<_> =
                decoded.interface.functions.iter().map(|(name, _)| name.as_str()).collect();
            assert!(functions.contains(&"[method]interrupt.subscribe"), "{functions:?}");
            assert_eq!(decoded.interface.resources.len(), 1);
            let foreign = decoded.origins.iter().find(|origin| origin.interface.is_some());
            let foreign = foreign.expect("pollable");
            assert_eq!(foreign.name, "pollable");
            assert_eq!(foreign.interface.as_deref(), Some("wasi:io/poll@0.2.12"));
        }
    }
    let bytes: usize = all.iter().map(|(_, bytes)| bytes.len()).sum();
    println!("{} interfaces, {bytes} bytes of descriptors", all.len());
}

#[test]
fn every_built_server_parses_and_links() {
    let Some(system) = furnished() else { return };
    for name in ["supervisor", "console", "shell", "log", "echo", "hello", "hello-c", "tester"] {
        let Some(bytes) = built(name) else { continue };
        let component = Component::parse(&bytes, &LIMITS).expect(name);
        println!("{name}: {} imports, {} exports", component.imports().len(), {
            component.exports().len()
        });
        if name != "tester" {
            system.link(&bytes).unwrap_or_else(|error| panic!("{name}: {error}"));
            system.start_with(&bytes, &LIMITS).unwrap_or_else(|error| panic!("{name}: {error}"));
        }
    }
}

fn pair() -> Option<(Domain, Domain)> {
    let system = furnished()?;
    let (echo, relay) = (built("echo")?, built("relay")?);
    let echo = system.start(&echo);
    Some((echo, system.start(&relay)))
}

const ECHO: &str = "atoll:testing/echo@0.1.0";

#[test]
fn echo_gives_back_what_it_got() {
    let Some((echo, _)) = pair() else { return };
    assert_eq!(echo.call(ECHO, "increment", &wire(&[41])), wire(&[42]));
    let bytes = wire_bytes(&[7; 5000]);
    assert_eq!(echo.call(ECHO, "bytes", &bytes), bytes);
    assert_eq!(echo.call(ECHO, "measure", &bytes), wire(&[5000]));
    assert_eq!(echo.call(ECHO, "shout", &wire_bytes(b"abc")), wire_bytes(b"ABC"));
    assert_eq!(echo.call(ECHO, "divide", &wire(&[7, 2])), wire(&[0, 3]));
    assert_eq!(echo.call(ECHO, "divide", &wire(&[7, 0])), wire(&[1, 0]));
    for shape in [wire(&[0]), wire(&[1, 0x40490fdb]), wire(&[2, 2, 1, 2, 3, 4])] {
        assert_eq!(echo.call(ECHO, "reshape", &shape), shape);
    }
}

#[test]
fn echo_reverses_records_with_everything() {
    let Some((echo, _)) = pair() else { return };
    let sample = |number: u32, text: &str| {
        let mut wire = number.to_le_bytes().to_vec();
        wire.extend_from_slice(&(u64::MAX - 1).to_le_bytes());
        wire.extend_from_slice(&2.5f64.to_le_bytes());
        wire.extend_from_slice(&('Ω' as u32).to_le_bytes());
        wire.push(1);
        wire.extend_from_slice(&wire_bytes(text.as_bytes()));
        wire.extend_from_slice(&wire_bytes(&[1, 2, 3]));
        wire.extend_from_slice(&1u32.to_le_bytes());
        wire.extend_from_slice(&(-5i16).to_le_bytes());
        wire.push(9);
        wire.extend_from_slice(&(-7i64).to_le_bytes());
        wire.extend_from_slice(&2u32.to_le_bytes());
        wire.extend_from_slice(&0b101u32.to_le_bytes());
        wire
    };
    let (one, two) = (sample(1, "one"), sample(2, "zwei"));
    let list = |a: &[u8], b: &[u8]| [wire(&[2]), a.to_vec(), b.to_vec()].concat();
    assert_eq!(echo.call(ECHO, "reverse", &list(&one, &two)), list(&two, &one));
}

#[test]
fn relay_reaches_echo() {
    let Some((_, relay)) = pair() else { return };
    let kept = relay.call("atoll:testing/relay@0.1.0", "add-kept", &wire(&[3]));
    assert_eq!(kept, wire(&[1, 0]), "nothing is kept: refused");
}

#[test]
fn a_trap_in_a_rust_guest_is_the_end_of_it() {
    let Some((echo, _)) = pair() else { return };
    let trap = echo.try_call(ECHO, "die", &[]).unwrap_err();
    assert!(trap.contains("die"), "{trap}");
    let again = echo.try_call(ECHO, "increment", &wire(&[1])).unwrap_err();
    assert_eq!(again, trap);
}
