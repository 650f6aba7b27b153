//! Values of every shape, both ways.

use super::{Message, Printer, Variables, Writer};
use anyhow::{Context as _, Result, ensure};
use atoll_runtime::{Component, RuntimeLimits};
use wasm_wave::untyped::UntypedValue;

/// A component with one function for each type, which takes it.
const TYPES: &str = r#"(component (import "a:b/c@1.0.0" (instance
    (type $point' (record (field "x" s32) (field "on" bool)))
    (export "point" (type $point (eq $point')))
    (type $shape' (variant (case "none") (case "round" f64) (case "at" $point)))
    (export "shape" (type $shape (eq $shape')))
    (type $colour' (enum "red" "green"))
    (export "colour" (type $colour (eq $colour')))
    (type $rights' (flags "read" "write" "run"))
    (export "rights" (type $rights (eq $rights')))
    (export "a-bool" (func (param "v" bool)))
    (export "a-u8" (func (param "v" u8)))
    (export "a-s8" (func (param "v" s8)))
    (export "a-u16" (func (param "v" u16)))
    (export "a-s16" (func (param "v" s16)))
    (export "a-u32" (func (param "v" u32)))
    (export "a-s64" (func (param "v" s64)))
    (export "a-u64" (func (param "v" u64)))
    (export "a-f32" (func (param "v" f32)))
    (export "a-char" (func (param "v" char)))
    (export "a-string" (func (param "v" string)))
    (export "a-list" (func (param "v" (list (list u8)))))
    (export "a-tuple" (func (param "v" (tuple u8 string))))
    (export "a-point" (func (param "v" $point)))
    (export "a-shape" (func (param "v" $shape)))
    (export "a-colour" (func (param "v" $colour)))
    (export "a-rights" (func (param "v" $rights)))
    (export "an-option" (func (param "v" (option (option u8)))))
    (export "a-result" (func (param "v" (result string (error $colour)))))
    (export "a-bare-result" (func (param "v" (result))))
)))"#;

/// The wire form of a value for one of the functions, and how it is shown.
fn both(function: &str, text: &str) -> Result<(Vec<u8>, String)> {
    let bytes = wat::parse_str(TYPES)?;
    let component = Component::parse(&bytes, &RuntimeLimits::DEFAULT)?;
    let import = component.imports().first().context("an import")?;
    let function = import.ty.functions.iter().find(|(name, _)| name == function);
    let (_, ty) = function.context("a function")?.1.parameters.first().context("it")?;
    let (types, variables) = (component.types(), Variables::new());
    let value = UntypedValue::parse(text)?;
    let message = Message::default();
    let mut writer = Writer { types, source: text, variables: &variables, message };
    writer.put(*ty, value.node())?;
    let wire = writer.message.bytes;
    let mut printer = Printer { types, bytes: &wire };
    let shown = printer.value(*ty)?;
    ensure!(printer.bytes.is_empty(), "bytes are left");
    Ok((wire, shown))
}

#[test]
fn what_is_written_is_shown_again() {
    for (function, text) in [
        ("a-bool", "true"),
        ("a-u8", "255"),
        ("a-s8", "-128"),
        ("a-u16", "65535"),
        ("a-s16", "-1"),
        ("a-u32", "4294967295"),
        ("a-s64", "-9223372036854775808"),
        ("a-u64", "18446744073709551615"),
        ("a-f32", "1.5"),
        ("a-char", "'\u{20ac}'"),
        ("a-string", "\"a \\\"b\\\"\""),
        ("a-list", "[[1, 2], [], [3]]"),
        ("a-tuple", "(1, \"x\")"),
        ("a-point", "{x: -1, on: true}"),
        ("a-shape", "%none"),
        ("a-shape", "round(0.5)"),
        ("a-shape", "at({x: 2, on: false})"),
        ("a-colour", "green"),
        ("a-rights", "{read, run}"),
        ("an-option", "none"),
        ("an-option", "some(some(7))"),
        ("a-result", "ok(\"fine\")"),
        ("a-result", "err(red)"),
        ("a-bare-result", "err"),
    ] {
        let (_, shown) = both(function, text).unwrap_or_else(|error| panic!("{text}: {error:#}"));
        assert_eq!(shown, text);
    }
}

#[test]
fn the_wire_form_is_that_of_messages() {
    let wire = |function, text| both(function, text).unwrap().0;
    assert_eq!(wire("a-string", "\"ab\""), [2, 0, 0, 0, b'a', b'b']);
    assert_eq!(wire("a-point", "{on: true, x: 258}"), [2, 1, 0, 0, 1]);
    assert_eq!(wire("a-shape", "%none"), [0; 4]);
    assert_eq!(wire("a-rights", "{write}"), [2, 0, 0, 0]);
    assert_eq!(wire("a-result", "err(green)"), [1, 0, 0, 0, 1, 0, 0, 0]);
}

#[test]
fn values_of_other_types_are_refused() {
    for (function, text) in [
        ("a-u8", "256"),
        ("a-u8", "\"1\""),
        ("a-string", "a"),
        ("a-char", "'ab'"),
        ("a-point", "{x: 1}"),
        ("a-point", "{x: 1, on: true, y: 2}"),
        ("a-shape", "square"),
        ("a-shape", "round"),
        ("a-colour", "blue"),
        ("a-rights", "{fly}"),
        ("a-tuple", "(1)"),
        ("a-bare-result", "ok(1)"),
    ] {
        assert!(both(function, text).is_err(), "{function}: {text}");
    }
}
