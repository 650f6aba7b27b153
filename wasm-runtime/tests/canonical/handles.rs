//! The handle table against a model, and the rules of lending.

use std::collections::BTreeMap;

use atoll_runtime::{
    resources::{Dropped, Entry, HandleError, HandleTable, Holding, InstanceState},
    types::ResourceId,
};
use proptest::{collection::vec, prelude::*};

use crate::values::config;

#[derive(Clone, Copy, Debug)]
enum Step {
    Add(u32),
    Remove(u32, u32),
    RemoveOwn(u32, u32),
    Lend(u32, u32),
    EndLend(u32),
    Get(u32, u32),
}

fn step() -> impl Strategy<Value = Step> {
    let (index, resource) = (0..12_u32, 0..2_u32);
    prop_oneof![
        3 => resource.clone().prop_map(Step::Add),
        2 => (index.clone(), resource.clone()).prop_map(|(i, r)| Step::Remove(i, r)),
        1 => (index.clone(), resource.clone()).prop_map(|(i, r)| Step::RemoveOwn(i, r)),
        1 => (index.clone(), resource.clone()).prop_map(|(i, r)| Step::Lend(i, r)),
        1 => index.clone().prop_map(Step::EndLend),
        1 => (index, resource).prop_map(|(i, r)| Step::Get(i, r)),
    ]
}

/// The table by the book: an array, a list of free indices.
#[derive(Default)]
struct Model {
    used: BTreeMap<u32, (u32, u32, u32)>,
    free: Vec<u32>,
    next: u32,
}

impl Model {
    fn find(&mut self, index: u32, resource: u32) -> Result<&mut (u32, u32, u32), HandleError> {
        let entry = self.used.get_mut(&index).ok_or(HandleError::Unknown(index))?;
        if entry.0 == resource { Ok(entry) } else { Err(HandleError::WrongType(index)) }
    }

    fn remove(&mut self, index: u32, resource: u32) -> Result<u32, HandleError> {
        let (_, rep, lends) = *self.find(index, resource)?;
        if lends > 0 {
            return Err(HandleError::Lent(index));
        }
        self.used.remove(&index);
        self.free.push(index);
        Ok(rep)
    }
}

proptest! {
    #![proptest_config(config(256))]

    #[test]
    fn table(steps in vec(step(), 0..200)) {
        const LIMIT: u32 = 8;
        let mut table = HandleTable::new(LIMIT);
        let mut model = Model { next: 1, ..Model::default() };
        for (number, step) in (0..).zip(steps) {
            match step {
                Step::Add(resource) => {
                    let entry = Entry {
                        resource: ResourceId(resource),
                        rep: number,
                        holding: Holding::Own,
                        lends: 0,
                    };
                    let expected = if model.used.len() as u32 == LIMIT {
                        Err(HandleError::Full(LIMIT))
                    } else {
                        let fresh = model.free.pop().unwrap_or_else(|| {
                            model.next += 1;
                            model.next - 1
                        });
                        model.used.insert(fresh, (resource, number, 0));
                        Ok(fresh)
                    };
                    prop_assert_eq!(table.add(entry), expected);
                }
                Step::Remove(index, resource) => {
                    let found = table.remove(index, ResourceId(resource)).map(|entry| entry.rep);
                    prop_assert_eq!(found, model.remove(index, resource));
                }
                Step::RemoveOwn(index, resource) => {
                    let found = table.remove_own(index, ResourceId(resource));
                    prop_assert_eq!(found, model.remove(index, resource));
                }
                Step::Lend(index, resource) => {
                    let expected = model.find(index, resource).map(|entry| {
                        entry.2 += 1;
                        entry.1
                    });
                    prop_assert_eq!(table.lend(index, ResourceId(resource)), expected);
                }
                Step::EndLend(index) => {
                    table.end_lend(index);
                    if let Some(entry) = model.used.get_mut(&index) {
                        entry.2 = entry.2.saturating_sub(1);
                    }
                }
                Step::Get(index, resource) => {
                    let found = table.get(index, ResourceId(resource)).map(|entry| entry.rep);
                    prop_assert_eq!(found, model.find(index, resource).map(|entry| entry.1));
                }
            }
            prop_assert_eq!(table.len() as usize, model.used.len());
            prop_assert_eq!(table.is_empty(), model.used.is_empty());
            prop_assert_eq!(table.room(), LIMIT - table.len());
        }
    }
}

#[test]
fn no_table_has_more_handles_than_the_specification_allows() {
    assert_eq!(HandleTable::new(7).room(), 7);
    assert_eq!(HandleTable::new(u32::MAX).room(), (1 << 28) - 1);
}

const FILE: ResourceId = ResourceId(0);
const SOCKET: ResourceId = ResourceId(1);

#[test]
fn builtins_trap_with_a_reason() {
    let mut instance = InstanceState::new(2);
    let first = instance.resource_new(FILE, 41).expect("room");
    assert_eq!(first, 1);
    assert_eq!(instance.resource_rep(FILE, first).expect("known"), 41);
    let wrong = instance.resource_rep(SOCKET, first).expect_err("another type");
    assert_eq!(wrong.to_string(), "handle index 1 is used with the wrong type of resource");
    for index in [0, 2, u32::MAX] {
        let unknown = instance.resource_rep(FILE, index).expect_err("not given out");
        assert_eq!(unknown.to_string(), format!("unknown handle index {index}"));
    }
    instance.resource_new(FILE, 42).expect("room");
    let full = instance.resource_new(FILE, 43).expect_err("two is the most");
    assert_eq!(full.to_string(), "the handle table is full: `limits.handles` is 2");
    assert_eq!(instance.resource_drop(FILE, first).expect("known"), Dropped::Own(41));
    assert!(instance.resource_drop(FILE, first).is_err());
    assert_eq!(instance.resource_new(FILE, 44).expect("room again"), first);
}

#[test]
fn nothing_is_dropped_or_given_while_lent() {
    let mut instance = InstanceState::new(10);
    let index = instance.add_own(FILE, 5).expect("room");
    let outer = instance.mark_lends();
    assert_eq!(instance.lend(FILE, index), Ok(5));
    let inner = instance.mark_lends();
    assert_eq!(instance.lend(FILE, index), Ok(5));
    instance.end_lends(inner);
    let lent = instance.resource_drop(FILE, index).expect_err("lent to the outer call");
    assert_eq!(lent.to_string(), "handle index 1 cannot be given up while it is lent");
    assert_eq!(instance.remove_own(FILE, index), Err(HandleError::Lent(index)));
    instance.end_lends(outer);
    assert_eq!(instance.remove_own(FILE, index), Ok(5));
}

#[test]
fn borrows_are_counted_by_their_call() {
    let mut instance = InstanceState::new(10);
    let first = instance.open_scope();
    let kept = instance.add_borrow(FILE, 1, first).expect("room");
    let second = instance.open_scope();
    assert_ne!(first, second);
    let dropped = instance.add_borrow(FILE, 2, second).expect("room");
    assert_eq!(instance.remove_own(FILE, dropped), Err(HandleError::NotOwned(dropped)));
    assert_eq!(instance.resource_drop(FILE, dropped).expect("borrowed"), Dropped::Borrow);
    assert_eq!(instance.close_scope(second), 0);
    assert_eq!(instance.close_scope(first), 1);
    assert_eq!(instance.resource_rep(FILE, kept).expect("still there"), 1);
}

#[test]
fn nothing_leaves_from_realloc() {
    let mut instance = InstanceState::new(10);
    let index = instance.add_own(FILE, 1).expect("room");
    instance.may_leave = false;
    let text = "cannot leave the component instance from realloc or post-return";
    assert_eq!(instance.check_may_leave().expect_err("not now").to_string(), text);
    assert_eq!(instance.resource_new(FILE, 1).expect_err("not now").to_string(), text);
    assert_eq!(instance.resource_drop(FILE, index).expect_err("not now").to_string(), text);
    assert_eq!(instance.resource_rep(FILE, index).expect("may look"), 1);
}
