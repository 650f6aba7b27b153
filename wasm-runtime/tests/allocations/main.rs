//! Marshalling allocates nothing on a call's way: counted by the global allocator.
//!
//! The store data and its areas are made before; only the plan runs while allocations count.

mod whole;

use std::{
    alloc::{GlobalAlloc, Layout, System},
    cell::Cell,
};

use atoll_runtime::{
    canonical::{
        FunctionPlan, InstanceId, MAX_CELLS, Options, PlanLimits, StringEncoding, Transfer,
    },
    host::Passing,
    resources::InstanceState,
    types::{Definition, FunctionType, ResourceId, Types, ValueType},
};
use wasmi::{Engine, Store};

thread_local! {
    static ALLOCATIONS: Cell<u32> = const { Cell::new(0) };
}

/// The system's allocator, counting each thread's allocations.
struct Counting;

// SAFETY: every method hands its arguments on to `System` and returns its answer; counting in a
// thread-local cell that needs no destructor does not allocate.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.with(|count| count.set(count.get() + 1));
        // SAFETY: the caller's promises are those that `System` asks for.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: `pointer` came from `alloc`, which is `System`'s.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn allocations(run: impl FnOnce()) -> u32 {
    let before = ALLOCATIONS.with(Cell::get);
    run();
    ALLOCATIONS.with(Cell::get) - before
}

struct World {
    area: Box<[u8]>,
    payload: usize,
    slots: [u32; 2],
    instance: InstanceState,
}

impl Transfer for World {
    fn outgoing(&mut self) -> &mut [u8] {
        &mut self.area
    }
    fn incoming(&self) -> &[u8] {
        &self.area[..self.payload]
    }
    fn put_slot(&mut self, _: ResourceId, passing: Passing, number: u32) -> Result<u32, String> {
        let index = u32::from(passing == Passing::Borrow);
        self.slots[index as usize] = number;
        Ok(index)
    }
    fn check_slot(&self, _: u32, _: ResourceId, _: Passing) -> Result<(), String> {
        Ok(())
    }
    fn take_slot(&mut self, index: u32, _: ResourceId, _: Passing) -> Result<u32, String> {
        Ok(self.slots[index as usize])
    }
    fn instance(&mut self, _: InstanceId) -> &mut InstanceState {
        &mut self.instance
    }
    fn resource_implementer(&self, _: ResourceId) -> Option<InstanceId> {
        None
    }
}

/// Runs a function's parameters and result there and back; returns the allocations of the second
/// time, when the handle table has its size.
fn there_and_back(
    types: &Types,
    parameters: &[ValueType],
    result: Option<ValueType>,
    cells: &[u64],
) -> u32 {
    let parameters = parameters.iter().map(|ty| ("p".to_string(), *ty)).collect();
    let function = FunctionType { parameters, result };
    let plan = FunctionPlan::compile("flat", types, &function, &PlanLimits::default());
    let plan = plan.expect("compiles");
    let engine = Engine::default();
    let world = World {
        area: vec![0; 4096].into(),
        payload: 0,
        slots: [0; 2],
        instance: InstanceState::new(100),
    };
    let mut store = Store::new(&engine, world);
    let options = Options {
        memory: None,
        realloc: None,
        encoding: StringEncoding::Utf8,
        instance: InstanceId(0),
    };
    let mut received = [0; MAX_CELLS];
    received[..cells.len()].copy_from_slice(cells);
    let mut call = || {
        let owned = store.data_mut().instance.add_own(ResourceId(0), 7).expect("room");
        assert_eq!(owned, 1);
        let sent = plan.lift_parameters(&mut store, &options, &received).expect("right");
        store.data_mut().payload = sent.payload;
        let entered = plan.lower_parameters(&mut store, &options, &mut received).expect("right");
        let payload = plan.lift_result(&mut store, &options, entered, &received).expect("right");
        store.data_mut().payload = payload;
        let result = plan.lower_result(&mut store, &options, sent, &[]).expect("right");
        assert_eq!(result.is_some(), plan.lowered().results.len() == 1);
        let _ = store.data_mut().instance.remove_own(ResourceId(0), 1);
    };
    call();
    allocations(call)
}

#[test]
fn the_counter_counts() {
    assert_eq!(allocations(|| drop(vec![1_u8])), 1);
    assert_eq!(allocations(|| ()), 0);
}

#[test]
fn flat_calls_allocate_nothing() {
    use ValueType::{Bool, Char, Defined, F32, F64, Own, S8, U32, U64};
    let mut types = Types::new();
    assert_eq!(there_and_back(&types, &[U32], Some(U32), &[5]), 0);
    assert_eq!(there_and_back(&types, &[], None, &[]), 0);
    let scalars = [U32, U64, F32, F64, Bool, Char, S8];
    assert_eq!(there_and_back(&types, &scalars, Some(U32), &[1, 2, 3, 4, 1, 66, 5]), 0);
    assert_eq!(there_and_back(&types, &[U64; 16], Some(U64), &[9; 16]), 0);

    let colour = types.add(Definition::Enum(vec!["red".into(), "green".into()]));
    let pair = types.add(Definition::Tuple(vec![U32, U64]));
    let option = types.add(Definition::Option(Defined(pair)));
    let flags = types.add(Definition::Flags(vec!["a".into(), "b".into()]));
    let structured = [Defined(colour), Defined(option), Defined(flags)];
    assert_eq!(there_and_back(&types, &structured, Some(Defined(colour)), &[1, 1, 2, 3, 2]), 0);
    assert_eq!(there_and_back(&types, &[Own(ResourceId(0))], None, &[1]), 0);
}
