//! Lists of fixed length: how they are flattened, laid out and bounded.

use CoreType::{I32, I64};
use atoll_runtime::{
    canonical::{CoreType, FunctionPlan, MAX_CELLS, PlanError, PlanLimits},
    types::{Definition, FunctionType, TypeId, Types, ValueType},
};

use crate::{
    cases::{guest, plan},
    values::Ty,
};

#[test]
fn lists_of_fixed_length_are_flattened_and_laid_out_in_place() {
    let fixed = |ty: Ty, len| Ty::FixedList(vec![ty; len]);
    assert_eq!(plan(&[fixed(Ty::U64, 16)], None).lifted().parameters, [I64; 16]);
    assert_eq!(plan(&[fixed(Ty::U64, 17)], None).lifted().parameters, [I32]);
    assert_eq!(plan(&[fixed(Ty::U8, 8), fixed(Ty::U8, 8)], None).lifted().parameters, [I32; 16]);
    assert_eq!(plan(&[fixed(Ty::U8, 8), fixed(Ty::U8, 9)], None).lifted().parameters, [I32]);
    assert_eq!(plan(&[], Some(&fixed(Ty::U64, 1))).lifted().results, [I64]);
    assert_eq!(plan(&[], Some(&fixed(Ty::U8, 2))).lifted().results, [I32]);
    let option = Ty::Option(Box::new(fixed(Ty::U8, 15)));
    assert_eq!(plan(&[option], None).lifted().parameters, [I32; 16]);
    let option = Ty::Option(Box::new(fixed(Ty::U8, 16)));
    assert_eq!(plan(&[option], None).lifted().parameters, [I32]);
    let strings = plan(&[fixed(Ty::String, 2)], None);
    assert_eq!(strings.lifted().parameters, [I32; 4]);
    assert!(strings.lift_requirements().realloc && strings.lower_requirements().memory);
    let numbers = plan(&[fixed(Ty::U8, 2)], Some(&fixed(Ty::U8, 9)));
    assert!(!numbers.lower_requirements().realloc && numbers.lower_requirements().memory);
}

/// Compiles `func(x: list<element, count>)`.
fn fixed_list(element: Definition, count: u32) -> Result<FunctionPlan, PlanError> {
    let mut types = Types::new();
    let element = ValueType::Defined(types.add(element));
    let list = ValueType::Defined(types.add(Definition::FixedList(element, count)));
    let function = FunctionType { parameters: vec![("x".into(), list)], result: None };
    FunctionPlan::compile("test", &types, &function, &PlanLimits::default())
}

#[test]
fn a_list_of_fixed_length_stays_below_the_bound_of_a_value() {
    let pair = || Definition::Tuple(vec![ValueType::U8, ValueType::U8]);
    fixed_list(pair(), (1 << 27) - 1).expect("2^28 - 2 bytes");
    assert_eq!(fixed_list(pair(), 1 << 27).expect_err("2^28 bytes"), PlanError::TooLarge);
    assert_eq!(fixed_list(pair(), 1 << 31).expect_err("2^32 bytes"), PlanError::TooLarge);
    assert_eq!(fixed_list(pair(), u32::MAX).expect_err("nearly 2^33"), PlanError::TooLarge);
    assert_eq!(fixed_list(pair(), 0).expect_err("no elements"), PlanError::EmptyType(TypeId(1)));
}

#[test]
fn a_message_that_cannot_hold_a_list_of_fixed_length_is_refused_at_once() {
    // 2^26 options are 2^28 bytes of message at least: nothing is done for the first of them.
    let plan = fixed_list(Definition::Option(ValueType::U8), (1 << 27) - 1).expect("compiles");
    let mut guest = guest();
    guest.world().incoming = vec![0; 64];
    let mut cells = [0; MAX_CELLS];
    let refused = plan.lower_parameters(&mut guest.store, &guest.options, &mut cells);
    let text = refused.expect_err("too short").to_string();
    assert!(text.contains("ends in the middle of a value"), "{text}");
    assert_eq!(guest.free(), 16, "nothing was allocated");
}
