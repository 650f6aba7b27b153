//! The binary form: what is written is read, and nothing else is.

use super::{
    Action, Archive, Argument, Damaged, Directive, Excuse, Execute, Expected, File, Invoke, Kind,
    Unit, Value, archive,
};

fn boxed(value: Value<'static>) -> Option<Box<Value<'static>>> {
    Some(Box::new(value))
}

fn values() -> Vec<Value<'static>> {
    vec![
        Value::Bool(true),
        Value::U8(u8::MAX),
        Value::S8(i8::MIN),
        Value::U16(u16::MAX),
        Value::S16(i16::MIN),
        Value::U32(u32::MAX),
        Value::S32(i32::MIN),
        Value::U64(u64::MAX),
        Value::S64(i64::MIN),
        Value::F32(0x7fc0_0001),
        Value::F64(0xfff8_0000_0000_0001),
        Value::Char('\u{10ffff}'),
        Value::String("Atöll"),
        Value::Map(vec![(Value::U8(1), Value::Bool(false))]),
        Value::Record(vec![("x", Value::U8(1))]),
        Value::Tuple(vec![Value::List(vec![]), Value::Flags(vec!["a", "b"])]),
        Value::Variant("some", boxed(Value::Enum("e"))),
        Value::Option(None),
        Value::Ok(boxed(Value::U8(0))),
        Value::Err(None),
    ]
}

fn actions() -> Vec<Action<'static>> {
    let unit = Unit { kind: Kind::Core, name: "m", bytes: b"\0asm" };
    let component = Unit { kind: Kind::Component, ..unit };
    let arguments = vec![
        Argument::I32(1),
        Argument::I64(2),
        Argument::F32(3),
        Argument::F64(4),
        Argument::NullFunction,
        Argument::NullExtern,
        Argument::Extern(5),
        Argument::Component(Value::List(values())),
    ];
    let expected = vec![
        Expected::Exactly(Argument::I32(1)),
        Expected::Either(vec![Expected::Canonical32, Expected::Quiet32]),
        Expected::Canonical64,
        Expected::Quiet64,
        Expected::Null,
        Expected::Function,
        Expected::Extern,
        Expected::Component(Value::U8(1)),
    ];
    let invoke = Invoke { instance: "", function: "f", arguments };
    vec![
        Action::Start(unit),
        Action::Define(component),
        Action::Instance { instance: "i", definition: "d" },
        Action::Register { name: "n", instance: "i" },
        Action::Invoke(invoke.clone()),
        Action::Returns(Execute::Invoke(invoke.clone()), expected),
        Action::Traps(Execute::Get { instance: "", global: "g" }, "message"),
        Action::Traps(Execute::Unit(unit), "unreachable"),
        Action::Exhausts(invoke, "exhausted"),
        Action::Refused(unit),
        Action::Unlinkable(component),
        Action::Text,
        Action::Unknown("?"),
    ]
}

fn files() -> Vec<File<'static>> {
    let directives =
        (1..).zip(actions()).map(|(line, action)| Directive { line, action }).collect();
    let excuses = vec![
        Excuse { lines: None, reason: "why" },
        Excuse { lines: Some((3, 4)), reason: "therefore" },
    ];
    vec![
        File { name: "a/b.wast", excuses, directives },
        File { name: "empty.wast", excuses: vec![], directives: vec![] },
    ]
}

#[test]
fn what_is_written_is_read() {
    let bytes = archive(&files());
    assert!(Archive::is(&bytes));
    let read: Result<Vec<_>, _> = Archive::open(&bytes).unwrap().collect();
    assert_eq!(read.unwrap(), files());
}

#[test]
fn a_cut_archive_is_damaged_at_every_length() {
    let bytes = archive(&files());
    for length in 0..bytes.len() {
        let read = Archive::open(&bytes[..length])
            .and_then(|archive| archive.collect::<Result<Vec<_>, _>>());
        assert_eq!(read, Err(Damaged), "cut at {length}");
    }
}

#[test]
fn no_damage_makes_it_panic() {
    let bytes = archive(&files());
    for at in 0..bytes.len() {
        for value in [0, 1, 0x7f, 0xff] {
            let mut damaged = bytes.clone();
            damaged[at] = value;
            let _ = Archive::open(&damaged).map(|archive| archive.collect::<Vec<_>>());
        }
    }
}

#[test]
fn values_have_a_deepest_nesting() {
    let nested = |depth: usize| {
        let value = (0..depth).fold(Value::U8(0), |value, _| Value::List(vec![value]));
        let invoke =
            Invoke { instance: "", function: "f", arguments: vec![Argument::Component(value)] };
        let directive = Directive { line: 1, action: Action::Invoke(invoke) };
        let file = File { name: "deep", excuses: vec![], directives: vec![directive] };
        let bytes = archive(&[file]);
        Archive::open(&bytes).unwrap().all(|file| file.is_ok())
    };
    assert!(nested(50));
    assert!(!nested(1000));
}
