//! States through bytes, between versions, and bytes that are none.

use super::{
    LIMIT, Part, Parts, Refusal, State, from_bytes, restore, restore_object, save, save_object,
    to_bytes,
};
use proptest::prelude::*;
use serde::{Deserialize, Serialize};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::env;
use std::process::{Command, Stdio};

/// Version 1.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct One {
    names: Vec<String>,
}

impl State for One {
    const LAYOUT: u32 = 1;
}

/// Version 2, which can go back.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Two {
    counts: BTreeMap<String, u32>,
}

impl State for Two {
    const LAYOUT: u32 = 2;

    fn read_other(part: &Part<'_>) -> Result<Self, Refusal> {
        match part.layout() {
            1 => part.read().map(|one: One| Self {
                counts: one.names.into_iter().map(|name| (name, 1)).collect(),
            }),
            _ => Err(part.unknown()),
        }
    }

    fn write_others(&self, parts: &mut Parts) -> Result<(), Refusal> {
        parts.add(1, &One { names: self.counts.keys().cloned().collect() })
    }
}

/// Version 3, which nobody else knows, of all that a format has to deal with.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Three {
    shape: Shape,
    nested: BTreeMap<(u8, i64), Vec<Option<Shape>>>,
    wide: (u128, f64, char, bool),
    unit: (),
    size: usize,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
enum Shape {
    #[default]
    Point,
    Circle(f32),
    Text {
        text: String,
        fonts: Box<[i16]>,
    },
}

impl State for Three {
    const LAYOUT: u32 = 3;
}

/// The part of a state in which the bytes of `inner` are.
fn state_of(layout: u32, inner: &[u8]) -> Vec<u8> {
    let len = u8::try_from(inner.len()).expect("short");
    [&[1, u8::try_from(layout).expect("small"), len], inner].concat()
}

#[test]
fn the_bytes_are_as_documented() {
    let one = One { names: vec!["a".into(), "bc".into()] };
    let bytes = to_bytes(&one).unwrap();
    assert_eq!(bytes, b"\x01\x01\x06\x02\x01a\x02bc");
    assert_eq!(bytes, state_of(1, b"\x02\x01a\x02bc"));
    let two = Two { counts: BTreeMap::from([("a".into(), 300)]) };
    assert_eq!(to_bytes(&two).unwrap(), b"\x02\x02\x05\x01\x01a\xac\x02\x01\x03\x01\x01a");
}

#[test]
fn versions_read_each_other() {
    let one = One { names: vec!["a".into(), "b".into()] };
    let two: Two = from_bytes(&to_bytes(&one).unwrap()).unwrap();
    assert_eq!(two.counts, BTreeMap::from([("a".into(), 1), ("b".into(), 1)]));
    assert_eq!(from_bytes(&to_bytes(&two).unwrap()), Ok(one));
    // What the older layout lacks is kept from one to the next of the same version.
    let two = Two { counts: BTreeMap::from([("a".into(), 7)]) };
    assert_eq!(from_bytes(&to_bytes(&two).unwrap()), Ok(two));
}

#[test]
fn what_is_not_known_is_named() {
    let three = to_bytes(&Three::default()).unwrap();
    assert_eq!(from_bytes::<Two>(&three), Err(Refusal::Unknown(vec![3])));
    let two = to_bytes(&Two::default()).unwrap();
    assert_eq!(from_bytes::<Three>(&two), Err(Refusal::Unknown(vec![2, 1])));
    let text = Refusal::Unknown(vec![2, 1]).to_string();
    assert_eq!(text, "this version does not know the state's layout 2 1");
}

#[test]
fn damaged_bytes_are_refused() {
    assert_eq!(from_bytes::<One>(b""), Err(Refusal::Foreign));
    assert_eq!(from_bytes::<One>(b"\x00"), Err(Refusal::Unknown(vec![])));
    assert_eq!(from_bytes::<One>(&state_of(1, b"\x02\x01a")), Err(Refusal::Malformed(1)));
    // Neither text nor end.
    assert_eq!(from_bytes::<One>(&state_of(1, b"\x01\x01\xff")), Err(Refusal::Malformed(1)));
    assert_eq!(from_bytes::<One>(&state_of(1, b"\x00\x00")), Err(Refusal::Malformed(1)));
    // A part that is known and damaged is not passed over for an older one.
    let both = b"\x02\x02\x01\x09\x01\x01\x00";
    assert_eq!(from_bytes::<Two>(both), Err(Refusal::Malformed(2)));
    assert_eq!(from_bytes(both), Ok(One::default()));
    // More elements than there are bytes.
    let many = state_of(1, b"\xff\xff\xff\xff\x0f");
    assert_eq!(from_bytes::<One>(&many), Err(Refusal::Malformed(1)));
}

#[test]
fn too_much_is_refused_and_what_is_spare_left_out() {
    // Everything but the text: a list, a part's layout and length, and that of the text.
    let one = |bytes: usize| One { names: vec!["x".repeat(bytes - 9)] };
    assert_eq!(to_bytes(&one(LIMIT)).unwrap().len(), LIMIT);
    let refusal = to_bytes(&one(LIMIT + 1)).unwrap_err();
    assert_eq!(refusal, Refusal::TooLong(LIMIT + 1));
    assert_eq!(refusal.to_string(), "the state has 60001 bytes, more than 60000");
    // Both layouts are too long together, so the older one is not there.
    let two = Two { counts: BTreeMap::from([("x".repeat(LIMIT / 2), 7)]) };
    let bytes = to_bytes(&two).unwrap();
    assert_eq!(from_bytes(&bytes), Ok(two));
    assert_eq!(from_bytes::<One>(&bytes), Err(Refusal::Unknown(vec![2])));
}

/// A cell, which serde writes if nobody has it.
#[derive(Default, Serialize, Deserialize)]
struct Celled(RefCell<u8>);

impl State for Celled {
    const LAYOUT: u32 = 5;
}

/// Names its own layout as another one.
#[derive(Serialize, Deserialize)]
struct Confused;

impl State for Confused {
    const LAYOUT: u32 = 6;

    fn write_others(&self, parts: &mut Parts) -> Result<(), Refusal> {
        parts.add(6, &())
    }
}

#[test]
fn what_cannot_be_written_is_refused() {
    let celled = Celled::default();
    let _borrowed = celled.0.borrow_mut();
    assert_eq!(to_bytes(&celled), Err(Refusal::Unwritable(5)));
    assert_eq!(to_bytes(&Confused), Err(Refusal::Twice(6)));
}

thread_local! {
    static TWO: RefCell<Two> = RefCell::default();
}

#[test]
fn a_server_s_state_is_saved_and_restored() {
    let two = Two { counts: BTreeMap::from([("a".into(), 7)]) };
    TWO.set(two.clone());
    let (version, data) = save(&TWO).unwrap();
    assert_eq!(version, 2);
    // Saving leaves the server as it was.
    assert_eq!(TWO.take(), two);
    assert_eq!(restore(&TWO, version, &data), Ok(()));
    // What was written otherwise is not read, and nothing changes.
    assert_eq!(restore(&TWO, 1, &data), Err(Refusal::Foreign));
    assert_eq!(restore(&TWO, 0, b"\x00"), Err(Refusal::Foreign));
    assert_eq!(restore(&TWO, 3, &state_of(3, b"")), Err(Refusal::Unknown(vec![3])));
    assert_eq!(TWO.with_borrow(Clone::clone), two);
    TWO.with_borrow_mut(|_| {
        assert_eq!(save(&TWO), Err(Refusal::InUse));
        assert_eq!(restore(&TWO, 2, &data), Err(Refusal::InUse));
    });
}

#[test]
fn an_object_comes_back_or_is_none() {
    let one = One { names: vec!["a".into()] };
    assert_eq!(restore_object::<One>(&save_object(&one)), one);
    let celled = Celled::default();
    let _borrowed = celled.0.borrow_mut();
    assert_eq!(from_bytes::<One>(&save_object(&celled)), Err(Refusal::Foreign));
}

/// In the process in which it is set, the test ends as a server would.
const ENDS: &str = "ATOLL_SDK_TEST_ENDS";

#[test]
fn bytes_that_are_no_object_end_the_server() {
    if env::var_os(ENDS).is_some() {
        let restored: One = restore_object(b"");
        panic!("made {restored:?} of nothing");
    }
    let mut test = Command::new(env::current_exe().unwrap());
    test.args(["--exact", "state::tests::bytes_that_are_no_object_end_the_server"]);
    let status = test.env(ENDS, "1").stdout(Stdio::null()).stderr(Stdio::null()).status().unwrap();
    // By a signal, not by a test that failed.
    assert_eq!(status.code(), None);
}

fn shape() -> impl Strategy<Value = Shape> {
    let text = (any::<String>(), any::<Vec<i16>>())
        .prop_map(|(text, fonts)| Shape::Text { text, fonts: fonts.into() });
    prop_oneof![Just(Shape::Point), any::<f32>().prop_map(Shape::Circle), text]
}

prop_compose! {
    fn three()(
        shape in shape(),
        nested in prop::collection::btree_map(
            any::<(u8, i64)>(),
            prop::collection::vec(prop::option::of(self::shape()), 0..4),
            0..4,
        ),
        wide in any::<(u128, f64, char, bool)>(),
        size: usize,
    ) -> Three {
        Three { shape, nested, wide, unit: (), size }
    }
}

/// Reads bytes as all that there is; whether anything came of it.
fn read_all(bytes: &[u8]) -> [bool; 3] {
    [
        from_bytes::<One>(bytes).is_ok(),
        from_bytes::<Two>(bytes).is_ok(),
        from_bytes::<Three>(bytes).is_ok(),
    ]
}

proptest! {
    #[test]
    fn any_state_comes_back(state in three()) {
        let bytes = to_bytes(&state).unwrap();
        let read: Three = from_bytes(&bytes).unwrap();
        prop_assert_eq!(to_bytes(&read), Ok(bytes));
        prop_assert_eq!(read, state);
    }

    #[test]
    fn a_state_that_is_cut_off_is_refused(state in three(), cut: prop::sample::Index) {
        let bytes = to_bytes(&state).unwrap();
        prop_assert_eq!(read_all(&bytes[..cut.index(bytes.len())]), [false; 3]);
    }

    #[test]
    fn changed_bytes_never_panic(
        state in three(),
        changes: Vec<(prop::sample::Index, u8)>,
    ) {
        let mut bytes = to_bytes(&state).unwrap();
        for (at, byte) in changes {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        read_all(&bytes);
    }

    #[test]
    fn any_bytes_never_panic(layout in 1..4_u32, bytes in prop::collection::vec(any::<u8>(), 0..100)) {
        read_all(&bytes);
        read_all(&state_of(layout, &bytes));
    }
}
