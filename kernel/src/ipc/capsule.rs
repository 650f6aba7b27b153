//! Capsules: records by number that the kernel keeps for whoever comes after their writer.

use crate::capability::DomainId;
use alloc::vec::Vec;
use atoll_gate::Status;
use atoll_gate::capsule::RECORD_COST;

/// A capsule. Every method that changes it does so whole or not at all.
#[derive(Debug)]
pub struct Capsule {
    /// Its id as domains see it, never used twice.
    pub number: u32,
    /// In the order of their numbers; none is empty.
    records: Vec<(u32, Vec<u8>)>,
    used: u64,
    limit: u64,
    /// Handles to it.
    pub holders: u32,
    /// Whose quota the limit counts against.
    pub maker: DomainId,
}

/// What a record of so many bytes counts; an empty one is none.
const fn cost(len: usize) -> u64 {
    if len == 0 { 0 } else { len as u64 + RECORD_COST }
}

impl Capsule {
    /// An empty capsule that nobody holds yet.
    #[must_use]
    pub const fn new(number: u32, limit: u64, maker: DomainId) -> Self {
        Self { number, records: Vec::new(), used: 0, limit, holders: 0, maker }
    }

    /// Bytes that count against the limit.
    #[must_use]
    pub const fn used(&self) -> u64 {
        self.used
    }

    /// Most of them.
    #[must_use]
    pub const fn limit(&self) -> u64 {
        self.limit
    }

    /// The bytes of a record.
    #[must_use]
    pub fn record(&self, number: u32) -> Option<&[u8]> {
        let place = self.place(number).ok()?;
        self.records.get(place).map(|(_, bytes)| bytes.as_slice())
    }

    /// The numbers of the records, from the `first`-th on.
    pub fn numbers(&self, first: usize) -> impl Iterator<Item = u32> {
        self.records.iter().skip(first).map(|(number, _)| *number)
    }

    fn place(&self, number: u32) -> Result<usize, usize> {
        self.records.binary_search_by_key(&number, |(number, _)| *number)
    }

    /// Puts `bytes` in the place of a record, or takes it out if they are empty.
    pub fn write(&mut self, number: u32, bytes: Vec<u8>) -> Result<(), Status> {
        let before = self.record(number).map_or(0, <[u8]>::len);
        let used = self.used.saturating_sub(cost(before)).saturating_add(cost(bytes.len()));
        if used > self.limit {
            return Err(Status::QuotaExceeded);
        }
        match (self.place(number), bytes.is_empty()) {
            (Ok(place), true) => drop(self.records.remove(place)),
            (Ok(place), false) => {
                if let Some(record) = self.records.get_mut(place) {
                    record.1 = bytes;
                }
            }
            (Err(_), true) => {}
            (Err(place), false) => {
                self.records.try_reserve(1).map_err(|_| Status::OutOfMemory)?;
                self.records.insert(place, (number, bytes));
            }
        }
        self.used = used;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::capability::Id;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    proptest! {
        /// Against a map: what is read is what was written last, and the limit holds.
        #[test]
        fn behaves_like_a_map(steps in proptest::collection::vec((0u32..6, 0usize..300), 1..80)) {
            let mut capsule = Capsule::new(1, 1000, Id::new(0, core::num::NonZeroU32::MIN));
            let mut model: BTreeMap<u32, Vec<u8>> = BTreeMap::new();
            for (number, len) in steps {
                let bytes = vec![len as u8; len];
                let mut after = model.clone();
                after.remove(&number);
                if len > 0 {
                    after.insert(number, bytes.clone());
                }
                let used: u64 = after.values().map(|bytes| cost(bytes.len())).sum();
                let fits = used <= 1000;
                prop_assert_eq!(capsule.write(number, bytes), if fits { Ok(()) } else { Err(Status::QuotaExceeded) });
                if fits {
                    model = after;
                }
                prop_assert_eq!(capsule.used(), model.values().map(|bytes| cost(bytes.len())).sum::<u64>());
                prop_assert!(capsule.numbers(0).eq(model.keys().copied()));
                for number in 0..6 {
                    prop_assert_eq!(capsule.record(number), model.get(&number).map(Vec::as_slice));
                }
            }
        }
    }
}
