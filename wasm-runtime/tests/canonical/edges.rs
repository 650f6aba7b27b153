//! Values at the very edge: the last that is right and the first that is wrong, bits that do not
//! count, and what each is told.

use atoll_runtime::canonical::{AbiError, MAX_CELLS, StringEncoding};

use crate::{
    cases::{guest, lift, lower, plan},
    guest::{AREA, Guest},
    values::Ty,
};

/// Bytes of a guest's memory.
const MEMORY: u64 = 4 * 65_536;

fn list(ty: Ty) -> Ty {
    Ty::List(Box::new(ty))
}

fn option(ty: Ty) -> Ty {
    Ty::Option(Box::new(ty))
}

/// Why a message is refused; the guest must not have noticed.
fn refused(types: &[Ty], message: &[u8]) -> String {
    let mut guest = guest();
    match lower(&plan(types, None), &mut guest, message) {
        Err(AbiError::Message(text)) => {
            assert_eq!(guest.free(), 16, "nothing was allocated");
            text.rsplit(": ").next().unwrap_or_default().to_owned()
        }
        other => panic!("{other:?}"),
    }
}

/// Why a guest's values are refused.
fn wrong(types: &[Ty], cells: &[u64]) -> String {
    let text = lift(&plan(types, None), &mut guest(), cells).expect_err("wrong");
    text.rsplit(": ").next().unwrap_or_default().to_owned()
}

/// Lowers a message and lifts it again.
fn goes_through(types: &[Ty], message: &[u8]) {
    let (plan, mut guest) = (plan(types, None), guest());
    let cells = lower(&plan, &mut guest, message).expect("the message is right");
    assert_eq!(lift(&plan, &mut guest, &cells).as_deref(), Ok(message));
}

#[test]
fn only_the_last_word_of_flags_has_bits_that_do_not_count() {
    let bytes = [[0xFF; 8].as_slice(), &[0x3F, 0, 0, 0]].concat();
    let flat = [Ty::Flags(70), option(Ty::U8)];
    let all = [0xFFFF_FFFF, 0xFFFF_FFFF, 0xFFFF_FFFF, 0, 0];
    let wire = [&bytes[..], &[0; 4]].concat();
    assert_eq!(lift(&plan(&flat, None), &mut guest(), &all).as_ref(), Ok(&wire));
    goes_through(&flat, &wire);

    let behind = list(Ty::Flags(70));
    let wire = [&[2, 0, 0, 0], &bytes[..], &bytes].concat();
    goes_through(std::slice::from_ref(&behind), &wire);
    let mut guest = guest();
    guest.write(64, &[0xFF; 24]);
    assert_eq!(lift(&plan(&[behind], None), &mut guest, &[64, 2]), Ok(wire));

    let unknown = [&[0xFF; 8][..], &[0x40, 0, 0, 0], &[0; 4]].concat();
    assert_eq!(refused(&[Ty::Flags(70), Ty::String], &unknown), "flags 0x40 have unknown bits");
}

#[test]
fn enums_and_flags_take_as_many_bytes_as_they_need() {
    let mut guest = guest();
    guest.write(64, &[0x2B, 0x01, 0x00, 0x01]);
    let cases = plan(&[list(Ty::Enum(300))], None);
    assert_eq!(lift(&cases, &mut guest, &[64, 2]), Ok(vec![2, 0, 0, 0, 43, 1, 0, 0, 0, 1, 0, 0]));
    let few = plan(&[list(Ty::Enum(256))], None);
    assert_eq!(lift(&few, &mut guest, &[64, 2]), Ok(vec![2, 0, 0, 0, 43, 0, 0, 0, 1, 0, 0, 0]));
    let flags = plan(&[list(Ty::Flags(12))], None);
    assert_eq!(lift(&flags, &mut guest, &[64, 2]), Ok(vec![2, 0, 0, 0, 43, 1, 0, 0, 0, 1, 0, 0]));
    for ty in [Ty::Enum(300), Ty::Flags(12)] {
        goes_through(&[list(ty)], &[2, 0, 0, 0, 43, 1, 0, 0, 0, 1, 0, 0]);
    }
}

#[test]
fn padding_is_left_out_between_what_is_copied() {
    let record = Ty::Record(vec![Ty::U8, Ty::U32, Ty::String, Ty::U8, Ty::U8]);
    let one = [1, 2, 0, 0, 0, 1, 0, 0, 0, b'x', 3, 4];
    goes_through(&[list(record.clone())], &[&[2, 0, 0, 0][..], &one, &one].concat());
    goes_through(&[list(Ty::Tuple(vec![Ty::Bool, Ty::U16]))], &[2, 0, 0, 0, 1, 2, 3, 0, 4, 5]);
    let pair = Ty::Tuple(vec![Ty::U16, Ty::Bool]);
    goes_through(&[list(Ty::FixedList(vec![pair; 3]))], &[1, 0, 0, 0, 1, 2, 1, 3, 4, 0, 5, 6, 1]);

    let mut guest = guest();
    guest.write(16, &[1, 9, 9, 9, 2, 0, 0, 0, 64, 0, 0, 0, 1, 0, 0, 0, 3, 4, 9, 9]);
    guest.write(64, b"x");
    let wire = [&[1, 0, 0, 0][..], &one].concat();
    assert_eq!(lift(&plan(&[list(record)], None), &mut guest, &[16, 1]), Ok(wire));
}

#[test]
fn strings_stand_in_lists_of_fixed_length() {
    let two = Ty::FixedList(vec![Ty::String; 2]);
    let texts = [1, 0, 0, 0, b'a', 2, 0, 0, 0, b'b', b'c'];
    goes_through(std::slice::from_ref(&two), &texts);
    goes_through(&[list(two)], &[&[2, 0, 0, 0][..], &texts, &texts].concat());
}

#[test]
fn a_list_of_fixed_length_may_fill_the_message() {
    let spilled = Ty::FixedList(vec![option(Ty::U8); 20]);
    goes_through(std::slice::from_ref(&spilled), &[0; 80]);
    assert_eq!(refused(&[spilled], &[0; 79]), "ends in the middle of a value");
    let pair = Ty::FixedList(vec![Ty::Bool; 2]);
    goes_through(&[list(pair)], &[1, 0, 0, 0, 1, 0]);
    let long = list(Ty::FixedList(vec![option(Ty::U8); 20]));
    let message = [&[2, 0, 0, 0][..], &[0; 100]].concat();
    assert_eq!(refused(&[long], &message), "says 2 elements where 100 bytes follow");
}

#[test]
fn a_message_is_refused_before_the_guest_sees_it() {
    let end = "ends in the middle of a value";
    assert_eq!(refused(&[Ty::String, Ty::U64], &[1, 0, 0, 0, b'a', 1, 2, 3, 4]), end);
    assert_eq!(
        refused(&[list(Ty::Flags(40))], &[2, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0]),
        "says 2 elements where 12 bytes follow"
    );
    for (part, width, says) in [
        (Ty::Bool, 1, "2 is not a bool"),
        (Ty::Char, 4, "0xd800 is not a Unicode scalar value"),
        (Ty::Enum(3), 4, "case number 3 is not below 3"),
        (Ty::Flags(3), 4, "flags 0x8 have unknown bits"),
    ] {
        let number = match part {
            Ty::Bool => 2,
            Ty::Char => 0xD800,
            Ty::Enum(_) => 3,
            _ => 8_u32,
        };
        // The first of two is right.
        let right = vec![0; width + 1];
        let bad = [&number.to_le_bytes()[..width], &[0]].concat();
        let message = [&[2, 0, 0, 0], &right[..], &bad].concat();
        assert_eq!(refused(&[list(Ty::Tuple(vec![part, Ty::U8]))], &message), says);
    }
}

/// Why a result is refused that came for a call with a return pointer.
fn refused_result(ty: &Ty, encoding: StringEncoding, message: &[u8]) -> String {
    let (plan, mut guest) = (plan(&[], Some(ty)), Guest::new(encoding));
    let sent = plan.lift_parameters(&mut guest.store, &guest.options, &[1024]);
    guest.world().incoming = message.to_vec();
    let sent = sent.expect("no parameters");
    match plan.lower_result(&mut guest.store, &guest.options, sent, &[1024]) {
        Err(AbiError::Message(text)) => text,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_result_is_checked_while_it_is_lowered() {
    use StringEncoding::{Latin1OrUtf16, Utf8, Utf16};
    for encoding in [Utf8, Utf16, Latin1OrUtf16] {
        let says = refused_result(&Ty::String, encoding, &[2, 0, 0, 0, b'a', 0xFF]);
        assert!(says.contains("has text that is not UTF-8"), "{encoding:?}: {says}");
    }
    let flags = [&[0xFF; 8][..], &[0x40, 0, 0, 0]].concat();
    let says = refused_result(&Ty::Flags(70), Utf8, &flags);
    assert_eq!(says, "function `test`, result: flags 0x40 have unknown bits");
}

#[test]
fn a_guest_may_use_its_memory_to_the_end() {
    let bools = [list(Ty::Bool)];
    let ends = lift(&plan(&bools, None), &mut guest(), &[MEMORY - 4, 4]).expect("to the last byte");
    assert_eq!(ends, [4, 0, 0, 0, 0, 0, 0, 0]);
    let beyond = format!("5 bytes at address 0x3fffc are out of bounds of memory ({MEMORY} bytes)");
    assert_eq!(wrong(&bools, &[MEMORY - 4, 5]), beyond);

    // The most that a list or a string may take is more than this memory has.
    let most = 0x0FFF_FFFF;
    for ty in [list(Ty::Bool), Ty::String] {
        assert!(wrong(std::slice::from_ref(&ty), &[0, most]).contains("out of bounds"));
        assert!(wrong(&[ty], &[0, most + 1]).ends_with("takes 268435456 bytes, too many"));
    }
}

#[test]
fn a_guest_is_told_which_value_is_wrong() {
    assert_eq!(wrong(&[option(Ty::U8)], &[2, 0]), "discriminant 2 is not below 2");
    for letter in [0xD800, 0xDFFF, 0x11_0000] {
        let says = format!("{letter:#x} is not a Unicode scalar value");
        assert_eq!(wrong(&[Ty::Char], &[letter]), says);
        assert_eq!(wrong(&[Ty::Char, Ty::String], &[letter, 0, 0]), says);
    }
    for letter in [0xD7FF, 0xE000, 0x10_FFFF_u32] {
        goes_through(&[Ty::Char], &letter.to_le_bytes());
    }
}

#[test]
fn a_list_that_the_message_cannot_hold_is_refused_before_it_is_lifted() {
    assert_eq!(
        wrong(&[list(option(Ty::U8))], &[0, 20_000]),
        format!("the message takes 80004 bytes or more, and {AREA} is the most")
    );
}

#[test]
fn the_outgoing_area_grows_as_far_as_it_may() {
    let bools = plan(&[list(Ty::Bool)], None);
    let mut guest = guest();
    guest.write(0, &[0; 256]);
    guest.world().outgoing.truncate(10);
    guest.world().most = 104;
    let message = lift(&bools, &mut guest, &[0, 100]).expect("grows");
    assert_eq!(message.len(), 104);
    let says = lift(&bools, &mut guest, &[0, 101]).expect_err("one too many");
    assert!(says.ends_with("takes 105 bytes or more, and 104 is the most"), "{says}");
}

#[test]
fn a_letter_beyond_latin_1_makes_a_string_utf_16() {
    let text = plan(&[Ty::String], None);
    for (letter, units) in [('\u{FF}', 1), ('\u{100}', 1 | 1 << 31)] {
        let mut guest = Guest::new(StringEncoding::Latin1OrUtf16);
        let mut message = vec![2, 0, 0, 0];
        message.extend_from_slice(letter.to_string().as_bytes());
        guest.world().incoming = message.clone();
        let mut cells = [0; MAX_CELLS];
        let lowered = text.lower_parameters(&mut guest.store, &guest.options, &mut cells);
        let _ = lowered.expect("the message is right");
        assert_eq!(cells[1], units);
        assert_eq!(lift(&text, &mut guest, &cells), Ok(message));
    }
}
