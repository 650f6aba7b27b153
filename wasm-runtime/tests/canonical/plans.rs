//! What plans say before they run: signatures, requirements, and which types they refuse.

use CoreType::{F32, F64, I32, I64};
use atoll_runtime::{
    canonical::{CoreType, FunctionPlan, MAX_CELLS, PlanError, PlanLimits, Requirements},
    types::{Definition, FunctionType, TypeId, Types, ValueType},
};

use crate::{
    cases::{compile, plan},
    values::Ty,
};

fn boxed(ty: Ty) -> Option<Box<Ty>> {
    Some(Box::new(ty))
}

#[test]
fn signatures_are_flattened_joined_and_spilled() {
    let join = |a, b| plan(&[Ty::Result(boxed(a), boxed(b))], None).lifted().parameters.clone();
    assert_eq!(join(Ty::U32, Ty::F32), [I32, I32]);
    assert_eq!(join(Ty::F32, Ty::F32), [I32, F32]);
    assert_eq!(join(Ty::F32, Ty::F64), [I32, I64]);
    assert_eq!(join(Ty::F64, Ty::F64), [I32, F64]);
    assert_eq!(join(Ty::U64, Ty::U8), [I32, I64]);
    assert_eq!(join(Ty::String, Ty::F64), [I32, I64, I32]);

    let many = plan(&vec![Ty::U64; 16], Some(&Ty::U64));
    assert_eq!(many.lowered().parameters, [I64; 16]);
    assert_eq!(many.lowered().results, [I64]);
    let most = plan(&vec![Ty::U64; 16], Some(&Ty::String));
    assert_eq!(most.lowered().parameters.len(), MAX_CELLS);
    let more = plan(&vec![Ty::U64; 17], Some(&Ty::String));
    assert_eq!(more.lowered().parameters, [I32, I32]);
    assert_eq!(more.lowered().results, []);
    assert_eq!(more.lifted().parameters, [I32]);
    assert_eq!(more.lifted().results, [I32]);
    let wide = plan(&[Ty::Flags(70)], None);
    assert_eq!(wide.lifted().parameters, [I32, I32, I32]);
}

#[test]
fn requirements_name_the_options_that_are_needed() {
    let needs = |memory, realloc| Requirements { memory, realloc };
    let flat = plan(&[Ty::U8, Ty::Own(0)], Some(&Ty::Char));
    assert_eq!(flat.lower_requirements(), needs(false, false));
    assert_eq!(flat.lift_requirements(), needs(false, false));
    let text = plan(&[Ty::String], None);
    assert_eq!(text.lower_requirements(), needs(true, false));
    assert_eq!(text.lift_requirements(), needs(true, true));
    let spilled = plan(&vec![Ty::U8; 17], Some(&Ty::Tuple(vec![Ty::U8, Ty::U8])));
    assert_eq!(spilled.lower_requirements(), needs(true, false));
    assert_eq!(spilled.lift_requirements(), needs(true, true));
    let list = plan(&[], Some(&Ty::List(Box::new(Ty::U8))));
    assert_eq!(list.lower_requirements(), needs(true, true));
    assert_eq!(list.lift_requirements(), needs(true, false));
}

#[test]
fn bad_types_are_refused() {
    let function = |ty| FunctionType { parameters: vec![("a".into(), ty)], result: None };
    let compile = |types: &Types, ty, limits: PlanLimits| {
        FunctionPlan::compile("test", types, &function(ty), &limits).map(|_| ())
    };
    let limits = PlanLimits::default();
    let nowhere = ValueType::Defined(TypeId(7));
    assert_eq!(compile(&Types::new(), nowhere, limits), Err(PlanError::UnknownType(TypeId(7))));

    for definition in [
        Definition::Record(Vec::new()),
        Definition::Tuple(Vec::new()),
        Definition::Variant(Vec::new()),
        Definition::Enum(Vec::new()),
        Definition::Flags(Vec::new()),
        Definition::FixedList(ValueType::U8, 0),
    ] {
        let mut types = Types::new();
        let empty = types.add(definition);
        let error = compile(&types, ValueType::Defined(empty), limits);
        assert_eq!(error, Err(PlanError::EmptyType(empty)));
    }

    let mut types = Types::new();
    let mut deep = ValueType::U8;
    for _ in 0..10 {
        deep = ValueType::Defined(types.add(Definition::List(deep)));
    }
    let shallow = PlanLimits { depth: 10, ..limits };
    assert_eq!(compile(&types, deep, shallow), Err(PlanError::TooDeep));
    assert_eq!(compile(&types, deep, PlanLimits { depth: 11, ..limits }), Ok(()));
    assert_eq!(
        compile(&types, deep, PlanLimits { nodes: 10, ..limits }),
        Err(PlanError::TooManyTypes)
    );
    assert_eq!(PlanError::EmptyType(TypeId(7)).to_string(), "type 7 has no parts");
}

#[test]
fn a_type_that_is_used_twice_is_compiled_once() {
    let mut types = Types::new();
    let twice = (0..8).fold(ValueType::U8, |ty, _| {
        ValueType::Defined(types.add(Definition::Result { ok: Some(ty), err: Some(ty) }))
    });
    let function = FunctionType { parameters: vec![("a".into(), twice)], result: None };
    // The innermost has a node for each of its numbers.
    let limits = PlanLimits { nodes: 10, ..PlanLimits::default() };
    FunctionPlan::compile("test", &types, &function, &limits).expect("few types");
}

#[test]
fn a_result_holds_no_borrow() {
    for ty in [Ty::List(Box::new(Ty::Borrow(0))), Ty::Tuple(vec![Ty::U8, Ty::Borrow(0), Ty::U8])] {
        assert_eq!(compile(&[], Some(&ty)).map(|_| ()), Err(PlanError::BorrowInResult));
    }
}
