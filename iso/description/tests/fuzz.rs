//! Whatever the text, parsing ends with a description or a refusal inside the text.

use atoll_system_description::Description;
use proptest::prelude::{Strategy, any, prop, proptest};

const DEFAULT: &str = include_str!("../../systems/default.toml");

/// Pieces that descriptions are made of, so that random texts get past the first key.
fn piece() -> impl Strategy<Value = String> {
    let words = prop::sample::select(vec![
        "[system]\n",
        "name = \"x\"\n",
        "[servers.a]\n",
        "[servers.a.imports]\n",
        "[programs.p]\n",
        "component = \"a.wasm\"\n",
        "exports = [\"x:y/z\"]\n",
        "\"x:y/z\" = { server = \"a\" }\n",
        "memory = \"8 MiB\"\n",
        "limits.",
        "handles = 0x10\n",
        "{",
        "}",
        "[",
        "]",
        ",",
        "=",
        "\"",
        "'",
        ".",
        "\n",
        "#",
        "[[",
        "1_0",
        "-1",
        "1e5",
        "true",
        "\"\"\"",
        "\\u0041",
        "\u{7f}",
        "é",
        "budget = { use = \"1 ms\", period = \"10 ms\" }\n",
        "\"atoll:device/mmio\" = ",
        "{ windows = { w = \"0x0-0xffffffffffffffff\" } }\n",
        "{ ports = { p = \"0x0-0xffff\" } }",
    ]);
    words.prop_map(str::to_string)
}

fn parse(text: &str) {
    if let Err(error) = Description::parse(text, "fuzz.toml") {
        let lines = text.lines().count() + 1;
        assert!(error.line >= 1 && error.line as usize <= lines, "{error}");
        assert!(!error.message.is_empty());
    }
}

proptest! {
    #[test]
    fn any_text(text in any::<String>()) {
        parse(&text);
    }

    #[test]
    fn pieces(pieces in prop::collection::vec(piece(), 0..40)) {
        parse(&pieces.concat());
    }

    #[test]
    fn a_good_description_with_a_hole(start in 0..DEFAULT.len(), length in 0..40_usize, fill in ".{0,6}") {
        let mut text = DEFAULT.as_bytes().to_vec();
        let end = (start + length).min(text.len());
        text.splice(start..end, fill.bytes());
        if let Ok(text) = String::from_utf8(text) {
            parse(&text);
        }
    }
}

#[test]
fn deep_nesting_is_refused() {
    parse(&format!("a = {}1{}", "[".repeat(100_000), "]".repeat(100_000)));
    parse(&format!("a = {}", "{ a = ".repeat(100_000)));
    parse(&format!("{}a = 1", "a.".repeat(100_000)));
}
