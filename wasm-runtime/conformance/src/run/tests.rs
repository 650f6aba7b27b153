//! The report over a small script, and its line lengths.

use super::{MAX_LINE, Report, run};
use crate::script::{
    Action, Argument, Directive, Excuse, Execute, Expected, File, Invoke, Kind, Unit, archive,
};

/// `(module (func (export "one") (result i32) (i32.const 1)))`
const ONE: &[u8] = b"\0asm\x01\0\0\0\x01\x05\x01\x60\0\x01\x7f\x03\x02\x01\0\
    \x07\x07\x01\x03one\0\0\x0a\x06\x01\x04\0\x41\x01\x0b";

#[derive(Default)]
struct Lines(Vec<String>);

impl Report for Lines {
    fn line(&mut self, text: &str) {
        assert!(text.len() <= MAX_LINE, "{text}");
        self.0.push(text.into());
    }
}

fn report(file: File<'_>) -> Vec<String> {
    let mut lines = Lines::default();
    run(&archive(&[file]), &mut lines).unwrap();
    let recording: Vec<_> = lines.0.extract_if(.., |line| line.starts_with("recording ")).collect();
    let plain = lines.0.iter().map(|line| line.replacen("conformance", "recording", 1));
    assert!(plain.eq(recording), "code that records its calls does something else");
    lines.0
}

fn one(line: u32, result: u32) -> Directive<'static> {
    let invoke = Invoke { instance: "", function: "one", arguments: vec![] };
    let expected = vec![Expected::Exactly(Argument::I32(result))];
    Directive { line, action: Action::Returns(Execute::Invoke(invoke), expected) }
}

fn module() -> Directive<'static> {
    let unit = Unit { kind: Kind::Core, name: "", bytes: ONE };
    Directive { line: 1, action: Action::Start(unit) }
}

#[test]
fn outcomes_are_reported_in_their_order() {
    let text = Directive { line: 4, action: Action::Text };
    let directives = vec![module(), one(2, 1), one(3, 2), text];
    let lines = report(File { name: "one.wast", excuses: vec![], directives });
    assert_eq!(lines.len(), 3, "{lines:?}");
    assert!(lines[0].starts_with("conformance failed one.wast:3 expected "), "{lines:?}");
    assert_eq!(lines[1], "conformance file one.wast 2p1f1s");
    assert_eq!(lines[2], "conformance 2 passed, 1 failed, 1 skipped");
}

#[test]
fn the_not_yet_list_is_checked() {
    let excuses = vec![
        Excuse { lines: Some((3, 3)), reason: "?" },
        Excuse { lines: Some((9, 9)), reason: "?" },
    ];
    let directives = vec![module(), one(2, 1), one(3, 2)];
    let lines = report(File { name: "one.wast", excuses, directives });
    assert_eq!(
        lines,
        [
            "conformance failed one.wast:9 nothing here fails, but it is on the not-yet list",
            "conformance file one.wast 2p1s1f",
            "conformance 2 passed, 1 failed, 1 skipped",
        ]
    );
}

#[test]
fn no_line_is_too_long() {
    let directives =
        std::iter::once(module()).chain((2..500).map(|line| one(line, line % 2))).collect();
    let lines = report(File { name: "many.wast", excuses: vec![], directives });
    let runs: String =
        lines.iter().filter_map(|line| line.strip_prefix("conformance file many.wast ")).collect();
    assert_eq!(runs.matches('p').count(), 250);
    assert_eq!(runs.matches('f').count(), 249);
}
