//! Single rules of the specification and of the wire form.

use atoll_gate::layout::STACK_SIZE;
use atoll_runtime::{
    canonical::{AbiError, FunctionPlan, MAX_CELLS, PlanError, PlanLimits, StringEncoding},
    host::Passing,
    limits::MAX_TYPE_DEPTH,
    types::{Definition, FunctionType, ResourceId, Types, ValueType},
};

use crate::{
    guest::{AREA, Guest, HOME},
    values::{self, Ty},
};

pub(crate) fn compile(parameters: &[Ty], result: Option<&Ty>) -> Result<FunctionPlan, PlanError> {
    let (types, function) = values::function(parameters, result);
    FunctionPlan::compile("test", &types, &function, &PlanLimits::default())
}

pub(crate) fn plan(parameters: &[Ty], result: Option<&Ty>) -> FunctionPlan {
    compile(parameters, result).expect("compiles")
}

pub(crate) fn guest() -> Guest {
    Guest::new(StringEncoding::Utf8)
}

pub(crate) fn lift(
    plan: &FunctionPlan,
    guest: &mut Guest,
    cells: &[u64],
) -> Result<Vec<u8>, String> {
    let sent = plan.lift_parameters(&mut guest.store, &guest.options, cells);
    let payload = sent.map_err(|error| error.to_string())?.payload;
    Ok(guest.world().outgoing[..payload].to_vec())
}

pub(crate) fn lower(
    plan: &FunctionPlan,
    guest: &mut Guest,
    message: &[u8],
) -> Result<Vec<u64>, AbiError> {
    guest.world().incoming = message.to_vec();
    let mut cells = [0; MAX_CELLS];
    let _ = plan.lower_parameters(&mut guest.store, &guest.options, &mut cells)?;
    Ok(cells[..plan.lifted().parameters.len()].to_vec())
}

#[test]
fn guests_may_be_sloppy_where_the_specification_says_so() {
    let small = plan(&[Ty::Bool, Ty::U8, Ty::S16, Ty::Flags(3), Ty::Flags(33)], None);
    let cells = [0x100, 0x1FF, 0xFFFF_8000, 0xFFFF_FFFF, 0xFFFF_FFFF, 0xFFFF_FFFE];
    let wire = lift(&small, &mut guest(), &cells).expect("sloppy, not wrong");
    assert_eq!(wire, [1, 0xFF, 0x00, 0x80, 7, 0, 0, 0, 0xFF, 0xFF, 0xFF, 0xFF, 0, 0, 0, 0]);
    let list = plan(&[Ty::List(Box::new(Ty::Bool))], None);
    let mut guest = guest();
    guest.write(64, &[0, 1, 2, 0x80]);
    assert_eq!(lift(&list, &mut guest, &[64, 4]).expect("sloppy"), [4, 0, 0, 0, 0, 1, 1, 1]);
}

#[test]
fn cells_that_a_case_does_not_use_are_zero() {
    let wide = Ty::Variant(vec![None, Some(Ty::U8), Some(Ty::Tuple(vec![Ty::U64, Ty::String]))]);
    let plan = plan(&[wide], None);
    let mut guest = guest();
    for (message, expected) in [(&[0, 0, 0, 0][..], [0; 4]), (&[1, 0, 0, 0, 7], [1, 7, 0, 0])] {
        guest.world().incoming = message.to_vec();
        let mut cells = [u64::MAX; MAX_CELLS];
        let lowered = plan.lower_parameters(&mut guest.store, &guest.options, &mut cells);
        let _ = lowered.expect("the message is right");
        assert_eq!(cells[..4], expected);
        assert_eq!(cells[4], u64::MAX, "not the function's");
    }
}

#[test]
fn small_numbers_are_extended_by_their_sign() {
    let tuple = |types| vec![Ty::Tuple(types)];
    for types in
        [vec![Ty::S8, Ty::U8, Ty::S16, Ty::U16], tuple(vec![Ty::S8, Ty::U8, Ty::S16, Ty::U16])]
    {
        let cells = lower(&plan(&types, None), &mut guest(), &[0xFF; 6]).expect("four numbers");
        assert_eq!(cells, [0xFFFF_FFFF, 0xFF, 0xFFFF_FFFF, 0xFFFF]);
    }
}

#[test]
fn a_slot_is_named_once() {
    let two = vec![Ty::Own(0), Ty::Own(0)];
    for two in [plan(&two, None), plan(&[Ty::Tuple(two)], None)] {
        let mut guest = guest();
        guest.world().came = vec![Some((ResourceId(0), Passing::Own, 5))];
        match lower(&two, &mut guest, &[0; 8]) {
            Err(AbiError::Message(text)) => assert!(text.contains("slot 0 twice"), "{text}"),
            other => panic!("{other:?}"),
        }
        assert!(guest.world().instance.handles().is_empty());
        assert!(guest.world().came[0].is_some(), "not taken");
    }
}

#[test]
fn messages_may_not_be_sloppy() {
    let refused = |ty: Ty, message: &[u8]| {
        let mut guest = guest();
        match lower(&plan(&[ty], None), &mut guest, message) {
            Err(AbiError::Message(text)) => text,
            other => panic!("{other:?}"),
        }
    };
    let option = |ty| Ty::Option(Box::new(ty));
    assert_eq!(refused(Ty::Bool, &[2]), "function `test`: 2 is not a bool");
    assert_eq!(
        refused(Ty::Char, &[0, 0xD8, 0, 0]),
        "function `test`: 0xd800 is not a Unicode scalar value"
    );
    assert_eq!(
        refused(Ty::Flags(3), &[8, 0, 0, 0]),
        "function `test`: flags 0x8 have unknown bits"
    );
    assert_eq!(
        refused(option(Ty::U8), &[2, 0, 0, 0]),
        "function `test`, parameter `label0`: case number 2 is not below 2"
    );
    assert_eq!(refused(Ty::U32, &[0; 5]), "function `test`: has 5 bytes instead of 4");
    assert_eq!(
        refused(option(Ty::U8), &[0, 0, 0, 0, 9]),
        "function `test`: goes on for 1 bytes after its last value"
    );
    assert_eq!(
        refused(option(Ty::U8), &[1, 0, 0, 0]),
        "function `test`, parameter `label0`: ends in the middle of a value"
    );
    assert_eq!(
        refused(Ty::List(Box::new(Ty::U64)), &[2, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1]),
        "function `test`, parameter `label0`: says 2 elements where 8 bytes follow"
    );
    assert_eq!(
        refused(Ty::String, &[1, 0, 0, 0, 0xC3]),
        "function `test`, parameter `label0`: has text that is not UTF-8: incomplete utf-8 byte \
         sequence from index 0"
    );
    assert_eq!(
        refused(Ty::Own(0), &[0, 0, 0, 0]),
        "function `test`, parameter `label0`: no such handle in slot 0"
    );
}

#[test]
fn a_list_that_memory_cannot_hold_is_refused_before_it_is_allocated() {
    // Four bytes of message stand for 64 KiB of memory.
    let large = Ty::Variant(vec![None, Some(Ty::Tuple(vec![Ty::Tuple(vec![Ty::U64; 64]); 128]))]);
    let list = plan(&[Ty::List(Box::new(large))], None);
    let mut message = 8000_u32.to_le_bytes().to_vec();
    message.resize(4 + 4 * 8000, 0);
    match lower(&list, &mut guest(), &message) {
        Err(AbiError::Message(text)) => assert!(text.ends_with("too long for memory"), "{text}"),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_message_has_a_bound() {
    let bytes = plan(&[Ty::List(Box::new(Ty::U8))], None);
    let most = AREA as u64 - 4;
    assert_eq!(lift(&bytes, &mut guest(), &[0, most]).expect("just fits").len(), AREA);
    assert_eq!(
        lift(&bytes, &mut guest(), &[0, most + 1]).expect_err("one too many"),
        "function `test`, parameter `label0`: the message takes 65537 bytes or more, and 65536 is \
         the most"
    );
    let flat = plan(&vec![Ty::U64; 16], None);
    let mut guest = guest();
    guest.world().outgoing.truncate(100);
    assert_eq!(
        lift(&flat, &mut guest, &[0; 16]).expect_err("too small an area"),
        "function `test`: the message takes 128 bytes, and 100 is the most"
    );
}

#[test]
fn pointers_are_checked() {
    let list = plan(&[Ty::List(Box::new(Ty::U32))], None);
    let text = |cells: [u64; 2]| lift(&list, &mut guest(), &cells).expect_err("wrong");
    assert!(text([2, 0]).ends_with("address 0x2 is not a multiple of 4"));
    assert!(text([0x3_FFFC, 2]).contains("8 bytes at address 0x3fffc are out of bounds"));
    assert!(text([0xFFFF_FFFC, 0x0400_0000 - 1]).contains("out of bounds"));
    assert!(text([0, 0x4000_0000]).ends_with("takes 4294967296 bytes, too many"));

    let result = Ty::Tuple(vec![Ty::U32, Ty::U32]);
    let spilled = plan(&[], Some(&result));
    let mut guest = guest();
    for address in [2, 0x4_0000, 0x3_FFFC, 0xFFFF_FFF8] {
        let sent = spilled.lift_parameters(&mut guest.store, &guest.options, &[address]);
        guest.world().incoming = vec![0; 8];
        let sent = sent.expect("no parameters");
        let error = spilled.lower_result(&mut guest.store, &guest.options, sent, &[address]);
        let text = error.expect_err("a bad return pointer").to_string();
        assert!(text.starts_with("function `test`, result: the return pointer"), "{text}");
    }
}

#[test]
fn realloc_is_not_believed() {
    let list = plan(&[Ty::List(Box::new(Ty::U32))], None);
    let message = [2, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0];
    for answer in [2, 0x3_FFFC, 0x4_0000, -4, i32::MIN] {
        let mut guest = guest();
        guest.set("answer", answer);
        match lower(&list, &mut guest, &message) {
            Err(AbiError::Guest(text)) => assert!(text.contains("realloc returned"), "{text}"),
            other => panic!("{answer}: {other:?}"),
        }
    }
    let mut guest = guest();
    guest.set("die", 1);
    assert!(matches!(lower(&list, &mut guest, &message), Err(AbiError::Wasm(_))));
}

#[test]
fn the_guest_cannot_leave_while_it_allocates() {
    let list = plan(&[Ty::String], None);
    let mut guest = guest();
    assert!(lower(&list, &mut guest, &[1, 0, 0, 0, b'x']).is_ok());
    assert!(guest.world().instance.may_leave, "it may again");
}

#[test]
fn a_borrow_of_the_guests_own_resource_is_its_representation() {
    let both = plan(&[Ty::Borrow(HOME.0), Ty::Borrow(0)], None);
    let mut guest = guest();
    guest.world().came =
        vec![Some((HOME, Passing::Borrow, 77)), Some((ResourceId(0), Passing::Borrow, 88))];
    let cells = lower(&both, &mut guest, &[0, 0, 0, 0, 1, 0, 0, 0]).expect("two handles");
    assert_eq!(cells, [77, 1]);
    assert_eq!(guest.world().instance.resource_rep(ResourceId(0), 1).expect("lent"), 88);
}

#[test]
fn handles_beyond_the_receivers_room_are_refused() {
    let list = plan(&[Ty::List(Box::new(Ty::Own(0)))], None);
    let mut guest = guest();
    for _ in 0..999 {
        guest.world().instance.add_own(ResourceId(0), 1).expect("room");
    }
    let mut came = |count: u32| {
        guest.world().came = vec![Some((ResourceId(0), Passing::Own, 5)); count as usize];
        let message: Vec<u8> =
            [count].into_iter().chain(0..count).flat_map(u32::to_le_bytes).collect();
        lower(&list, &mut guest, &message)
    };
    match came(2) {
        Err(AbiError::Message(text)) => assert!(text.ends_with("than the receiver has room for")),
        other => panic!("{other:?}"),
    }
    assert!(came(1).is_ok());
}

/// A function with `result<u64, error>` whose error type is given.
fn fallible(error: impl FnOnce(&mut Types) -> Definition) -> FunctionPlan {
    let mut types = Types::new();
    let error = error(&mut types);
    let err = Some(ValueType::Defined(types.add(error)));
    let result = types.add(Definition::Result { ok: Some(ValueType::U64), err });
    let function =
        FunctionType { parameters: Vec::new(), result: Some(ValueType::Defined(result)) };
    FunctionPlan::compile("fetch", &types, &function, &PlanLimits::default()).expect("compiles")
}

fn restarted(plan: &FunctionPlan) -> Result<Vec<u8>, String> {
    let mut guest = guest();
    let sent = plan.lift_parameters(&mut guest.store, &guest.options, &[1024]);
    let sent = sent.expect("no parameters");
    plan.lower_peer_restarted(&mut guest.store, &guest.options, sent, &[1024])
        .map_err(|error| error.to_string())?;
    Ok(guest.bytes()[1024..1040].to_vec())
}

#[test]
fn a_restarted_peer_is_an_error_case_where_there_is_one() {
    let simple = fallible(|_| Definition::Enum(vec!["other".into(), "peer-restarted".into()]));
    assert!(simple.has_peer_restarted());
    let bytes = restarted(&simple).expect("has the case");
    assert_eq!((bytes[0], bytes[8]), (1, 1));
    let payload = fallible(|_| {
        Definition::Variant(vec![
            ("peer-restarted".into(), None),
            ("code".into(), Some(ValueType::U32)),
        ])
    });
    let bytes = restarted(&payload).expect("has the case");
    assert_eq!((bytes[0], bytes[8]), (1, 0));
    let of_wasi = fallible(|_| Definition::Enum(vec!["busy".into(), "io".into()]));
    let bytes = restarted(&of_wasi).expect("has a case that does");
    assert_eq!((bytes[0], bytes[8]), (1, 1));
    let both = fallible(|_| Definition::Enum(vec!["io".into(), "peer-restarted".into()]));
    let bytes = restarted(&both).expect("has the case");
    assert_eq!((bytes[0], bytes[8]), (1, 1));

    let text = "function `fetch`: the server was restarted, and the function's type has no error \
                case `peer-restarted`";
    let without = fallible(|_| Definition::Enum(vec!["other".into()]));
    assert_eq!(restarted(&without).expect_err("no such case"), text);
    assert!(!without.has_peer_restarted());
    let with_payload =
        fallible(|_| Definition::Variant(vec![("peer-restarted".into(), Some(ValueType::U8))]));
    assert_eq!(restarted(&with_payload).expect_err("no such case"), text);
}

/// A value in as many lists as types can be nested, or in as many options.
fn nested(wrap: impl Fn(Box<Ty>) -> Ty) -> Ty {
    (0..MAX_TYPE_DEPTH).fold(Ty::U8, |ty, _| wrap(Box::new(ty)))
}

#[test]
fn the_deepest_types_need_little_native_stack() {
    for ty in [nested(Ty::List), nested(Ty::Option)] {
        let plan = plan(std::slice::from_ref(&ty), Some(&ty));
        // Every count and case number is 1.
        let mut message: Vec<u8> = [1, 0, 0, 0].repeat(MAX_TYPE_DEPTH as usize);
        message.push(7);
        let mut guest = guest();
        guest.world().incoming.clone_from(&message);
        let run = move || {
            let mut cells = [0; MAX_CELLS];
            let entered = plan.lower_parameters(&mut guest.store, &guest.options, &mut cells);
            let _ = entered.expect("the message is right");
            assert!(lift(&plan, &mut guest, &cells) == Ok(message));
        };
        // Half a domain's stack, without optimisation.
        let thread = std::thread::Builder::new().stack_size(STACK_SIZE as usize / 2);
        thread.spawn(run).expect("a thread").join().expect("enough stack");
    }
}
