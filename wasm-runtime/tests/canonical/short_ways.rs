//! Which way values go. What comes out is the same on every way, but the short ones are what makes
//! calls cheap; how often a message area is asked for tells them apart.

use atoll_runtime::canonical::{FunctionPlan, MAX_CELLS, StringEncoding};

use crate::{
    cases::{guest, lift, lower, plan},
    guest::Guest,
    values::Ty,
};

fn list(ty: Ty) -> Ty {
    Ty::List(Box::new(ty))
}

/// How often lifting parameters asks for the message.
fn lifting(plan: &FunctionPlan, guest: &mut Guest, cells: &[u64]) -> u32 {
    guest.world().asked.set(0);
    lift(plan, guest, cells).expect("the guest is right");
    guest.world().asked.get()
}

/// How often lowering parameters asks for the message.
fn lowering(plan: &FunctionPlan, guest: &mut Guest, message: &[u8]) -> u32 {
    guest.world().asked.set(0);
    lower(plan, guest, message).expect("the message is right");
    guest.world().asked.get()
}

#[test]
fn numbers_are_lifted_and_lowered_at_once() {
    let pair = Ty::Record(vec![Ty::U8, Ty::Enum(3)]);
    for types in [
        vec![Ty::U32],
        vec![Ty::U8, Ty::S16, Ty::Char, Ty::Bool, Ty::F64],
        vec![Ty::Enum(3), Ty::Enum(300)],
        vec![Ty::Flags(3), Ty::Flags(70)],
        vec![pair.clone(), pair],
        vec![Ty::FixedList(vec![Ty::U16; 16])],
    ] {
        let plan = plan(&types, None);
        assert_eq!(lifting(&plan, &mut guest(), &[0; MAX_CELLS]), 1, "{types:?}");
        let mut guest = guest();
        let message = lift(&plan, &mut guest, &[0; MAX_CELLS]).expect("zeros are values");
        assert_eq!(lowering(&plan, &mut guest, &message), 1, "{types:?}");
    }
}

#[test]
fn a_variant_is_not_checked_before_where_the_guest_cannot_notice() {
    // Taken are the case and the payload, and the end is looked for.
    let option = plan(&[Ty::Option(Box::new(Ty::U8))], None);
    assert_eq!(lowering(&option, &mut guest(), &[1, 0, 0, 0, 7]), 3);
}

#[test]
fn bytes_beside_numbers_are_copied_at_once() {
    let mixed = plan(&[Ty::U8, list(Ty::U16), Ty::String, Ty::Flags(2), list(Ty::U8)], None);
    let message = [
        &[9][..],
        &[2, 0, 0, 0, 1, 0, 0xFF, 0xFF],
        &[3, 0, 0, 0, b'a', 0xC3, 0xA9],
        &[3, 0, 0, 0],
        &[1, 0, 0, 0, 0xFF],
    ]
    .concat();
    let mut guest = guest();
    // Once to check; for a number once, for bytes once to count and once to copy.
    assert_eq!(lowering(&mixed, &mut guest, &message), 1 + 2 + 3 * 2);
    let cells = lower(&mixed, &mut guest, &message).expect("the message is right");
    assert_eq!((cells[0], cells[2], cells[4], cells[5], cells[7]), (9, 2, 3, 3, 1));
    assert_eq!(lifting(&mixed, &mut guest, &cells), 1);
    assert_eq!(lift(&mixed, &mut guest, &cells), Ok(message));
}

#[test]
fn bytes_alone_are_copied_at_once() {
    use StringEncoding::{Latin1OrUtf16, Utf8, Utf16};
    let text: &[u8] = &[3, 0, 0, 0, b'a', 0xC3, 0xA9];
    let numbers: &[u8] = &[2, 0, 0, 0, 1, 0xFF, 0xFF, 0xFF];
    let letters = Ty::FixedList(vec![Ty::U8; 2]);
    for (ty, encoding, message) in [
        (Ty::String, Utf8, text),
        (list(Ty::S16), Utf8, numbers),
        (list(Ty::S16), Utf16, numbers),
        (list(Ty::Tuple(vec![Ty::U8, Ty::S8])), Latin1OrUtf16, numbers),
        (list(letters), Utf8, numbers),
    ] {
        let parameter = plan(std::slice::from_ref(&ty), None);
        let mut guest = Guest::new(encoding);
        assert_eq!(lowering(&parameter, &mut guest, message), 3, "{ty:?}, {encoding:?}");
        let cells = lower(&parameter, &mut guest, message).expect("the message is right");
        assert_eq!(lifting(&parameter, &mut guest, &cells), 1, "{ty:?}, {encoding:?}");
        assert_eq!(lift(&parameter, &mut guest, &cells).as_deref(), Ok(message));

        let result = plan(&[], Some(&ty));
        guest.world().asked.set(0);
        let sent = result.lift_parameters(&mut guest.store, &guest.options, &[32]);
        let lowered =
            result.lower_result(&mut guest.store, &guest.options, sent.expect("none"), &[32]);
        assert_eq!(lowered.expect("the message is right"), None);
        assert_eq!(guest.world().asked.get(), 1 + 3, "{ty:?}, {encoding:?}");
        guest.world().incoming.clear();
        let entered = result.lower_parameters(&mut guest.store, &guest.options, &mut []);
        guest.world().asked.set(0);
        let entered = entered.expect("no parameters");
        let payload = result.lift_result(&mut guest.store, &guest.options, entered, &[32]);
        assert_eq!(payload.expect("the guest is right"), message.len());
        assert_eq!(guest.world().asked.get(), 1, "{ty:?}, {encoding:?}");
    }
}

/// Whether a list of these, all of zeros, takes as many looks at the message for 20 as for 2.
fn at_once(element: &Ty) -> bool {
    let plan = plan(&[list(element.clone()), Ty::Option(Box::new(Ty::U8))], None);
    let looks = |count| {
        let mut guest = guest();
        guest.write(0, &[0; 8192]);
        let cells = [1024, count, 0, 0];
        let lifted = lifting(&plan, &mut guest, &cells);
        let message = lift(&plan, &mut guest, &cells).expect("zeros are values");
        (lifted, lowering(&plan, &mut guest, &message))
    };
    let (few, many) = (looks(2), looks(20));
    assert_eq!(few.0 == many.0, few.1 == many.1, "{element:?}: both or none");
    few == many
}

#[test]
fn values_of_fixed_width_are_moved_at_once() {
    for part in
        [Ty::Bool, Ty::Char, Ty::Enum(3), Ty::Enum(300), Ty::Flags(5), Ty::Flags(32), Ty::U64]
    {
        let pair = Ty::Tuple(vec![part.clone(), Ty::U8]);
        assert!(at_once(&pair), "{part:?}");
        assert!(at_once(&Ty::FixedList(vec![pair; 3])), "{part:?}");
    }
    // Flags of two words and variants have no moves.
    assert!(!at_once(&Ty::Tuple(vec![Ty::Flags(33), Ty::U8])));
    assert!(!at_once(&Ty::Option(Box::new(Ty::U8))));
}

#[test]
fn a_value_of_more_than_32_moves_goes_the_long_way() {
    assert!(at_once(&Ty::Tuple(vec![Ty::Bool; 32])));
    assert!(!at_once(&Ty::Tuple(vec![Ty::Bool; 33])));
    assert!(at_once(&Ty::FixedList(vec![Ty::Bool; 32])));
    assert!(!at_once(&Ty::FixedList(vec![Ty::Bool; 33])));
}
