//! Handle tables against a toy model.

use super::table::{Entry, Handle, HandleTable, Hold, MOST_HANDLES};
use super::{BlobId, Id, Object};
use atoll_gate::Status;
use atoll_gate::call::rights;
use core::num::NonZeroU32;
use proptest::prelude::*;
use std::collections::HashMap;

fn id(number: u32) -> BlobId {
    Id::new(number, NonZeroU32::MIN)
}

fn blob(number: u32) -> Entry {
    Entry::owned(Object::Blob(id(number)), rights::ALL)
}

#[test]
fn zero_and_stale_handles_are_bad() {
    let mut table = HandleTable::new(4);
    assert_eq!(table.get(Handle::NONE).err(), Some(Status::BadHandle));
    let handle = table.insert(blob(1)).expect("room");
    assert_ne!(handle, Handle::NONE);
    assert!(table.remove(handle).is_ok());
    assert_eq!(table.get(handle).err(), Some(Status::BadHandle));
    assert_eq!(table.remove(handle).err(), Some(Status::BadHandle));
    assert_eq!(table.get(Handle(u32::MAX)).err(), Some(Status::BadHandle));
}

#[test]
fn the_limit_is_a_quota() {
    let mut table = HandleTable::new(2);
    table.insert(blob(1)).expect("room");
    assert_eq!(table.reserve(2), Err(Status::QuotaExceeded));
    table.insert(blob(2)).expect("room");
    assert_eq!(table.insert(blob(3)), Err(Status::QuotaExceeded));
    let mut widest = HandleTable::new(u32::MAX);
    assert_eq!(widest.reserve(MOST_HANDLES + 1), Err(Status::QuotaExceeded));
    assert_eq!(widest.reserve(MOST_HANDLES), Ok(()));
}

#[test]
fn lookups_check_kind_before_rights() {
    let mut table = HandleTable::new(4);
    let handle = table
        .insert(Entry::owned(Object::Event(Id::new(0, NonZeroU32::MIN)), rights::WATCH))
        .expect("room");
    assert_eq!(table.event(handle, rights::WATCH), Ok(Id::new(0, NonZeroU32::MIN)));
    assert_eq!(table.event(handle, rights::SIGNAL), Err(Status::Denied));
    assert_eq!(table.endpoint(handle, rights::SIGNAL), Err(Status::WrongKind));
    assert_eq!(table.system(handle, 0), Err(Status::WrongKind));
}

#[test]
fn a_duplicate_needs_the_copy_right_and_never_gains() {
    let mut table = HandleTable::new(4);
    let plain = table.insert(Entry::owned(Object::Log, rights::READ)).expect("room");
    assert_eq!(table.duplicate(plain, rights::ALL).err(), Some(Status::Denied));
    let copyable =
        table.insert(Entry::owned(Object::Log, rights::READ | rights::COPY)).expect("room");
    let copy = table.duplicate(copyable, rights::READ | rights::WRITE).expect("copyable");
    assert_eq!(copy.rights, rights::READ);
    let lender = Hold::Borrowed { next: Handle::NONE };
    let borrowed = table.insert(Entry { hold: lender, ..blob(1) }).expect("room");
    assert_eq!(table.duplicate(borrowed, rights::ALL).err(), Some(Status::Denied));
}

proptest! {
    /// Insertions, removals and lookups against a map: never lost, never doubled, never found
    /// after their end.
    #[test]
    fn behaves_like_a_map(steps in proptest::collection::vec((any::<bool>(), any::<u8>()), 1..300)) {
        let mut table = HandleTable::new(20);
        let mut model: HashMap<u32, u32> = HashMap::new();
        let mut live = Vec::new();
        let mut ended = Vec::new();
        for (number, (insert, pick)) in steps.into_iter().enumerate() {
            if insert {
                match table.insert(blob(number as u32)) {
                    Ok(handle) => {
                        prop_assert!(model.insert(handle.0, number as u32).is_none());
                        live.push(handle);
                    }
                    Err(status) => {
                        prop_assert_eq!(status, Status::QuotaExceeded);
                        prop_assert_eq!(model.len(), 20);
                    }
                }
            } else if !live.is_empty() {
                let handle = live.swap_remove(usize::from(pick) % live.len());
                let gone = model.remove(&handle.0).expect("in the model");
                prop_assert_eq!(table.remove(handle).expect("live").object, Object::Blob(id(gone)));
                ended.push(handle);
            }
            prop_assert_eq!(table.len() as usize, model.len());
            prop_assert_eq!(table.iter_from(0).count(), model.len());
            for handle in &live {
                prop_assert_eq!(table.blob(*handle, 0).ok(), model.get(&handle.0).copied().map(id));
            }
            for handle in &ended {
                prop_assert!(table.get(*handle).is_err());
            }
        }
        let mut left = Vec::new();
        while let Some((handle, entry)) = table.pop() {
            left.push((handle.0, entry.object));
        }
        prop_assert_eq!(left.len(), model.len());
        for (handle, object) in left {
            prop_assert_eq!(Some(object), model.get(&handle).map(|number| Object::Blob(id(*number))));
        }
        prop_assert!(table.is_empty());
    }
}
