//! Which signatures are common is said in two places: where adapters are translated and where
//! functions are made without one.

use alloc::{string::String, sync::Arc, vec::Vec};
use std::vec;

use wasmi::{Engine, Func, FuncType, Store, ValType};

use super::{
    entry::{self, Entry},
    state::State,
    trampoline::{self, Callee, Lowered},
};
use crate::{
    canonical::{CoreType, FunctionPlan, InstanceId, Options, PlanLimits, StringEncoding},
    host::{CallError, Host, Origin, Passing, ResourceSlot, Target},
    limits::RuntimeLimits,
    types::{FunctionType, Types, ValueType},
};

/// A place that offers nothing.
struct Nowhere;

impl Host for Nowhere {
    fn outgoing(&mut self) -> &mut [u8] {
        &mut []
    }
    fn incoming(&self) -> &[u8] {
        &[]
    }
    fn put_slot(&mut self, _: ResourceSlot) -> Result<u32, String> {
        Err("nowhere".into())
    }
    fn check_slot(&self, _: u32, _: Passing, _: Origin) -> Result<(), String> {
        Err("nowhere".into())
    }
    fn take_slot(&mut self, _: u32, _: Passing, _: Origin) -> Result<u32, String> {
        Err("nowhere".into())
    }
    fn discard_outgoing(&mut self) {}
    fn discard_incoming(&mut self) {}
    fn call(&mut self, _: Target, _: u32, _: usize) -> Result<(), CallError> {
        Err(CallError::Failed("nowhere".into()))
    }
    fn drop_resource(&mut self, _: Target, _: u32, _: u32) {}
}

const TYPES: [(ValueType, CoreType, ValType); 4] = [
    (ValueType::U32, CoreType::I32, ValType::I32),
    (ValueType::U64, CoreType::I64, ValType::I64),
    (ValueType::F32, CoreType::F32, ValType::F32),
    (ValueType::F64, CoreType::F64, ValType::F64),
];

/// All signatures of up to so many parameters, as indexes into [`TYPES`].
fn signatures(most: usize) -> Vec<(Vec<usize>, Option<usize>)> {
    let mut lists = vec![vec![]];
    let mut start = 0;
    for _ in 0..most {
        let end = lists.len();
        for list in start..end {
            for ty in 0..TYPES.len() {
                let longer = lists[list].iter().copied().chain([ty]).collect();
                lists.push(longer);
            }
        }
        start = end;
    }
    let results = [None, Some(0), Some(1), Some(2), Some(3)];
    let signatures =
        lists.into_iter().flat_map(|list| results.map(|result| (list.clone(), result)));
    signatures.collect()
}

fn store() -> Store<State<Nowhere>> {
    let state = State::new(Nowhere, &RuntimeLimits::DEFAULT, Vec::new(), &[]);
    Store::new(&Engine::default(), state)
}

#[test]
fn common_functions_of_guests_are_called_without_adapters() {
    let mut store = store();
    let mut common = 0;
    for (parameters, result) in signatures(4) {
        let ty =
            FuncType::new(parameters.iter().map(|ty| TYPES[*ty].2), result.map(|ty| TYPES[ty].2));
        let parameters: Vec<_> = parameters.iter().map(|ty| TYPES[*ty].1).collect();
        let results: Vec<_> = result.iter().map(|ty| TYPES[*ty].1).collect();
        let function = Func::new(&mut store, ty, |_, _, _| Ok(()));
        let entry = Entry::new(&mut store, function, &parameters, &results, None);
        let expected = entry::is_common(&parameters, &results);
        assert_eq!(entry.is_ok(), expected, "{parameters:?} {results:?}");
        common += usize::from(entry.is_ok());
    }
    assert_eq!(common, 7);
}

#[test]
fn common_functions_for_guests_are_made_without_adapters() {
    let mut store = store();
    let mut common = 0;
    for (parameters, result) in signatures(6) {
        let parameters = parameters.iter().map(|ty| (String::new(), TYPES[*ty].0)).collect();
        let ty = FunctionType { parameters, result: result.map(|ty| TYPES[ty].0) };
        let plan = FunctionPlan::compile("", &Types::new(), &ty, &PlanLimits::default());
        let options = Options {
            memory: None,
            realloc: None,
            encoding: StringEncoding::Utf8,
            instance: InstanceId(0),
        };
        let callee = Callee::Remote(Target::Provided(0), 0);
        let lowered = Lowered { plan: Arc::new(plan.expect("compiles")), options, callee };
        let signature = lowered.plan.lowered().clone();
        let function = trampoline::lowered(&mut store, None, lowered);
        assert_eq!(function.is_ok(), trampoline::is_common(&signature), "{signature:?}");
        common += usize::from(function.is_ok());
    }
    assert_eq!(common, 13 * 3);
}
