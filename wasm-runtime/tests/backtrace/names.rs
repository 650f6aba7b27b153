//! What the functions of a backtrace are called, whatever the component's custom sections say.

use crate::{Ended, module, parse, run};

/// A component of one core module with a custom section called `name` of these bytes.
fn with_names(names: &[u8]) -> Vec<u8> {
    let hex: String = names.iter().map(|byte| format!("\\{byte:02x}")).collect();
    parse(&format!(
        r#"(component
        (core module $m (func unreachable) (func (export "run") (call 0))
            (@custom "name" "{hex}"))
        (core instance $i (instantiate $m))
        (func (export "run") (canon lift (core func $i "run"))))"#
    ))
}

#[test]
fn hostile_names_are_harmless() {
    let name = |count: u8, index: u8, text: &[u8]| {
        let mut naming = vec![count, index];
        let len = text.len();
        naming.extend([(len & 0x7f) as u8 | 0x80, (len >> 7) as u8]);
        naming.extend_from_slice(text);
        let len = naming.len();
        [&[1, (len & 0x7f) as u8 | 0x80, (len >> 7) as u8], naming.as_slice()].concat()
    };
    let huge = vec![b'a'; 5000];
    for (names, first) in [
        (vec![], "function 0".to_owned()),
        (name(1, 0, b"good"), "good".into()),
        (name(1, 0, b"a\nb\x1b[2J\xc3\xa9"), "a\\u{a}b\\u{1b}[2J\\u{e9}".into()),
        (name(1, 0, &huge), format!("{}...{}", "a".repeat(28), "a".repeat(65))),
        (name(1, 0, b"_ZN4core6option6unwrap17h0123456789abcdefE"), "core::option::unwrap".into()),
        (name(1, 0, b"_RNvNtCs1234_7mycrate3foo3bar"), "mycrate::foo::bar".into()),
        (name(1, 0, b"_RNvNtCs1234_7mycrate9"), "_RNvNtCs1234_7mycrate9".into()),
        // Not UTF-8; more names than there are; a name longer than its section; cut short.
        (name(1, 0, b"\xff\xfe"), "function 0".into()),
        (name(9, 0, b"good"), "good".into()),
        (vec![1, 5, 1, 0, 0x7f, b'a', b'b'], "function 0".into()),
        (vec![1, 0x7f, 1, 0], "function 0".into()),
        (name(1, 1, b""), "function 0".into()),
    ] {
        let bytes = with_names(&names);
        let trap = run(&bytes, &[], true).expect_err("traps");
        let ended = Ended::of(bytes, trap);
        assert_eq!(ended.names(), [first.as_str(), "run"]);
        assert!(ended.trap.to_string().lines().all(|line| line.len() < 120 && line.is_ascii()));
    }
}

#[test]
fn a_binary_that_is_not_the_components_gives_no_names() {
    let bytes = parse(&module("(func $run unreachable)"));
    let trap = run(&bytes, &[], true).expect_err("traps");
    for other in [&[][..], b"\0asm", &bytes[..bytes.len() / 2]] {
        let mut trap = trap.clone();
        trap.describe(other);
        assert_eq!(trap.to_string().lines().count(), 2, "{trap}");
    }
}
