//! Components of foreign toolchains, those of them that are built.
//!
//! `cargo xtask foreign` puts them into the target folder; without them these tests say so and
//! pass. What they answer in a booted system is asked by the scenarios `foreign-*`.

mod common;

use std::{cell::RefCell, env, fs, path::Path, path::PathBuf, rc::Rc};

use atoll_runtime::{Component, RuntimeLimits};
use common::{Domain, System, TestHost, wire, wire_bytes};
use wit_parser::Resolve;

const TALLY: &str = "atoll:testing/tally@0.1.0";

/// Those of the largest, the one of Python.
const LIMITS: RuntimeLimits = RuntimeLimits {
    linear_memory: 128 << 20,
    table_elements: 100_000,
    component_bytes: 32 << 20,
    core_definitions: 100_000,
    ..common::LIMITS
};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("workspace")
}

/// The bytes of a built component.
fn built(language: &str) -> Option<Vec<u8>> {
    let target = env::var_os("CARGO_TARGET_DIR").map_or(root().join("target"), PathBuf::from);
    let file = target.join("components").join(format!("foreign-{language}.wasm"));
    let bytes = fs::read(&file).ok();
    if bytes.is_none() {
        println!("{} is not built: nothing tested", file.display());
    }
    bytes
}

/// What servers wrote to the log.
type Written = Rc<RefCell<Vec<String>>>;

/// A system where everything is provided that `wit/` declares, and what was written to its log.
/// Nothing else gives a result, so whoever calls it traps.
fn furnished() -> Option<(Rc<System>, Written)> {
    if !root().join("wit/deps/cli.wit").exists() {
        println!("wit/deps is not filled: nothing tested");
        return None;
    }
    let mut resolve = Resolve::default();
    resolve.push_dir(root().join("wit")).expect("wit");
    let (system, written) = (System::new(), Written::default());
    for (package, _) in &resolve.packages {
        let encoded = wit_component::encode(&resolve, package, false).expect("encode");
        for (name, descriptor) in atoll_runtime::describe_package(&encoded).expect("describe") {
            if name == TALLY {
                continue;
            }
            let (is_log, written) = (name.starts_with("atoll:log/log@"), written.clone());
            system.provide(&name, descriptor, move |_, parameters| {
                // The level and the length of the text stand before it.
                if let Some(text) = parameters.get(8..).filter(|_| is_log) {
                    written.borrow_mut().push(String::from_utf8_lossy(text).into_owned());
                }
                Vec::new()
            });
        }
    }
    Some((system, written))
}

/// A `result<u32, string>`.
fn refused(why: &str) -> Vec<u8> {
    [wire(&[1]), wire_bytes(why.as_bytes())].concat()
}

fn answers(domain: &Domain, language: &str) {
    let call = |function, parameters: &[u8]| domain.call(TALLY, function, parameters);
    assert_eq!(call("language", &[]), wire_bytes(language.as_bytes()));
    assert_eq!(call("sum", &wire_bytes(&[1, 2, 253])), wire(&[0, 256]));
    assert_eq!(call("sum", &wire_bytes(&[0xff; 60_000])), wire(&[0, 60_000 * 255]));
    assert_eq!(call("sum", &wire_bytes(&[])), refused("nothing to add"));
    assert_eq!(call("parse", &wire_bytes(b"1000000000")), wire(&[0, 1_000_000_000]));
    assert_eq!(call("parse", &wire_bytes(b"1000000001")), refused("not a number: 1000000001"));
    for text in ["", "-1", "+1", " 1", "0x1", "zw\u{f6}lf", "\u{661}", "\u{1f30a}"] {
        assert_eq!(
            call("parse", &wire_bytes(text.as_bytes())),
            refused(&format!("not a number: {text}"))
        );
    }
}

fn check(language: &str, name: &str) {
    let Some((system, written)) = furnished() else { return };
    let Some(bytes) = built(name) else { return };
    let start = std::time::Instant::now();
    let domain = system.start_with(&bytes, &LIMITS).unwrap_or_else(|error| panic!("{error}"));
    println!("{name}: {} bytes, started in {:?}", bytes.len(), start.elapsed());
    answers(&domain, language);
    assert_eq!(*written.borrow(), [format!("{language} speaking")]);
}

#[test]
fn rust_answers() {
    check("Rust", "rust");
}

#[test]
fn c_answers() {
    check("C", "c");
}

/// Go's runtime asks for clocks, streams and random numbers before it starts: only a booted system
/// has them all.
#[test]
fn go_links() {
    let Some((system, _)) = furnished() else { return };
    let Some(bytes) = built("go") else { return };
    let component = Component::parse(&bytes, &LIMITS).unwrap_or_else(|error| panic!("{error}"));
    let mut host = TestHost::new(system, usize::MAX);
    component.translate(&LIMITS, false).unwrap_or_else(|error| panic!("{error}"));
    component.link(&mut host).map(drop).unwrap_or_else(|error| panic!("{error}"));
}

#[test]
fn javascript_answers() {
    check("JavaScript", "javascript");
}

#[test]
fn python_answers() {
    check("Python", "python");
}
