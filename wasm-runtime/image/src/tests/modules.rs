//! `atoll:supervision/modules`: what is opened, and what is made at run time.

use super::interfaces::system;
use super::{Argument, call, own, place};
use crate::Place;
use crate::fake::Fake;
use crate::generated::Interface::AtollSupervisionModules;
use crate::generated::atoll_supervision_modules::Function;
use crate::objects::Kind;
use crate::wire::Input;

#[test]
fn modules_are_opened_by_name_and_read_in_parts() {
    let (mut place, _) = place(system);
    let open = |place: &mut _, name| modules(place, Function::ModuleOpen, &[Argument::Bytes(name)]);
    assert_eq!(open(&mut place, b"absent"), *b"\x01\0\0\0\0\0\0\0\x06\0\0\0absent");
    assert_eq!(refusal(&open(&mut place, b"half")), (6, "half is not complete"));
    open(&mut place, b"there");
    let module = own(&mut place, 0, Kind::MODULE);
    let lent = || Argument::Borrow(Kind::MODULE, module);
    let size = modules(&mut place, Function::ModuleSize, &[lent()]);
    assert_eq!(size, 8u64.to_le_bytes());
    let part = [lent(), Argument::U64(3), Argument::U32(2)];
    assert_eq!(modules(&mut place, Function::ModuleRead, &part), *b"\x02\0\0\0te");
}

#[test]
fn modules_are_made_of_what_is_appended() {
    let (mut place, state) = place(system);
    let create = |place: &mut _, name: &[u8], size| {
        let arguments = [Argument::Bytes(name), Argument::U64(size)];
        modules(place, Function::ModuleCreate, &arguments)
    };
    assert_eq!(create(&mut place, b"new", 6)[..4], [0; 4]);
    let module = own(&mut place, 0, Kind::MODULE);
    let append = |place: &mut _, data: &[u8]| {
        let arguments = [Argument::Borrow(Kind::MODULE, module), Argument::Bytes(data)];
        modules(place, Function::ModuleAppend, &arguments)
    };
    assert_eq!(append(&mut place, b"abcd"), [0; 4]);
    let lacks = "the module lacks fewer bytes than that";
    assert_eq!(refusal(&append(&mut place, b"efg")), (3, lacks));
    assert_eq!(append(&mut place, b"ef"), [0; 4]);
    assert_eq!(refusal(&append(&mut place, &vec![0; 60_001])).0, 3);
    assert_eq!(state.borrow().made, [("new".to_string(), 6, b"abcdef".to_vec())]);
    for (name, size) in
        [(b"".as_slice(), 6), (&[b'n'; 129], 6), (b"new", 0), (b"new", (64 << 20) + 1)]
    {
        assert_eq!(refusal(&create(&mut place, name, size)).0, 3);
    }
    state.borrow_mut().is_full = true;
    let full = create(&mut place, b"more", 6);
    assert_eq!(refusal(&full), (4, "more: the server's quota is used up"));
}

fn modules(place: &mut Place<Fake>, function: Function, arguments: &[Argument<'_>]) -> Vec<u8> {
    call(place, AtollSupervisionModules, function as u32, arguments).expect("no trap")
}

/// The case of `error` that an answer has, and its text.
fn refusal(answer: &[u8]) -> (u32, &str) {
    let mut input = Input::new(answer);
    assert_eq!(input.u32(), Ok(1));
    (input.u32().expect("a case"), input.string().expect("a text"))
}
