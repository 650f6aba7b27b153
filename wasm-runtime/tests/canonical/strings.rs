//! Strings in each encoding, and the calls of `realloc` that lowering them takes.

use StringEncoding::{Latin1OrUtf16, Utf8, Utf16};
use atoll_runtime::canonical::{AbiError, FunctionPlan, MAX_CELLS, PlanLimits, StringEncoding};

use crate::{
    guest::Guest,
    values::{self, Ty},
};

fn plan() -> FunctionPlan {
    let (types, function) = values::function(&[Ty::String], None);
    FunctionPlan::compile("say", &types, &function, &PlanLimits::default()).expect("compiles")
}

fn lift(encoding: StringEncoding, bytes: &[u8], cells: [u64; 2]) -> Result<Vec<u8>, AbiError> {
    let mut guest = Guest::new(encoding);
    guest.write(64, bytes);
    let sent = plan().lift_parameters(&mut guest.store, &guest.options, &cells)?;
    Ok(guest.world().outgoing[..sent.payload].to_vec())
}

/// Lowers a text; returns its bytes in memory, its length as the guest sees it, and how many bytes
/// were allocated in all.
fn lower(encoding: StringEncoding, text: &str) -> (Vec<u8>, u64, i32) {
    let mut guest = Guest::new(encoding);
    let mut message = (text.len() as u32).to_le_bytes().to_vec();
    message.extend_from_slice(text.as_bytes());
    guest.world().incoming = message;
    let mut cells = [0; MAX_CELLS];
    let lowered = plan().lower_parameters(&mut guest.store, &guest.options, &mut cells);
    let _ = lowered.expect("the message is right");
    let units = match encoding {
        Utf8 => cells[1],
        Utf16 => cells[1] * 2,
        Latin1OrUtf16 if cells[1] & 1 << 31 != 0 => (cells[1] ^ 1 << 31) * 2,
        Latin1OrUtf16 => cells[1],
    };
    let start = cells[0] as usize;
    let bytes = guest.bytes()[start..start + units as usize].to_vec();
    (bytes, cells[1], guest.free() - 16)
}

fn utf16(text: &str) -> Vec<u8> {
    text.encode_utf16().flat_map(u16::to_le_bytes).collect()
}

#[test]
fn lifted_strings_are_utf8() {
    let wire = |text: &str| [&(text.len() as u32).to_le_bytes(), text.as_bytes()].concat();
    let lifted = |encoding, bytes: &[u8], cells| lift(encoding, bytes, cells).expect("right");
    assert_eq!(lifted(Utf8, "aé😀".as_bytes(), [64, 7]), wire("aé😀"));
    assert_eq!(lifted(Utf16, &utf16("aé😀"), [64, 4]), wire("aé😀"));
    assert_eq!(lifted(Latin1OrUtf16, &[b'a', 0xE9], [64, 2]), wire("aé"));
    assert_eq!(lifted(Latin1OrUtf16, &utf16("aé😀"), [64, 4 | 1 << 31]), wire("aé😀"));
    // The high half of a cell is not the guest's.
    assert_eq!(lifted(Utf8, b"abc", [64 | 7 << 32, 3 | 7 << 32]), wire("abc"));
}

#[test]
fn bad_strings_trap() {
    let text = |encoding, bytes: &[u8], cells| {
        lift(encoding, bytes, cells).expect_err("wrong").to_string()
    };
    let place = "function `say`, parameter `label0`: ";
    assert_eq!(
        text(Utf8, &[b'a', 0xFF], [64, 2]),
        format!("{place}a string is not UTF-8: invalid utf-8 sequence of 1 bytes from index 1")
    );
    let surrogate = format!("{place}a string has half a surrogate pair");
    assert_eq!(text(Utf16, &[0x00, 0xD8], [64, 1]), surrogate);
    assert_eq!(text(Latin1OrUtf16, &[0x00, 0xDC], [64, 1 | 1 << 31]), surrogate);
    let misaligned = format!("{place}address 0x41 is not a multiple of 2");
    assert_eq!(text(Utf16, &[], [65, 0]), misaligned);
    assert_eq!(text(Latin1OrUtf16, &[], [65, 1]), misaligned);
    assert_eq!(
        text(Utf8, &[], [0xFFFF_FFFF, 1]),
        format!("{place}1 bytes at address 0xffffffff are out of bounds of memory (262144 bytes)")
    );
    assert_eq!(
        text(Utf16, &[], [0, 0x8000_0000]),
        format!("{place}a string takes 4294967296 bytes, too many")
    );
    assert!(
        text(Utf8, &[], [0, 0x1000_0000]).ends_with("a string takes 268435456 bytes, too many")
    );
}

#[test]
fn lowered_strings_are_in_the_guests_encoding() {
    assert_eq!(lower(Utf8, "aé😀"), ("aé😀".as_bytes().to_vec(), 7, 7));
    assert_eq!(lower(Utf8, ""), (vec![], 0, 0));
    // Twice the UTF-8 length first, then what it takes: the bump allocator keeps both.
    assert_eq!(lower(Utf16, "ab"), (utf16("ab"), 2, 4));
    assert_eq!(lower(Utf16, "é"), (utf16("é"), 1, 4 + 2));
    assert_eq!(lower(Utf16, "😀"), (utf16("😀"), 2, 8 + 4));
    assert_eq!(lower(Latin1OrUtf16, "ab"), (b"ab".to_vec(), 2, 2));
    assert_eq!(lower(Latin1OrUtf16, "éé"), (vec![0xE9, 0xE9], 2, 4 + 2));
    assert_eq!(lower(Latin1OrUtf16, "é€"), (utf16("é€"), 2 | 1 << 31, 5 + 1 + 10 + 4));
}
