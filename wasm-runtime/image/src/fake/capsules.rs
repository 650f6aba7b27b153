//! Capsules: one that has room for [`LIMIT`] bytes, however many handles there are to it.

use super::{Fake, Thing};
use atoll_gate::call::{Status, rights};
use atoll_gate::capsule::{NUMBERS, ROOM};

/// Bytes that its records may have together.
pub(crate) const LIMIT: usize = 1000;

impl Fake {
    pub(super) fn create_capsule(&mut self, system: u64, limit: u64) -> Result<u64, Status> {
        let mut state = self.state.borrow_mut();
        state.thing(system, rights::CONTROL)?;
        if limit > 1 << 19 {
            return Err(Status::Invalid);
        }
        state.capsules.push(limit);
        Ok(state.add(Thing::Capsule, rights::ALL).into())
    }

    pub(super) fn read_capsule(&mut self, capsule: u64, number: u64) -> Result<u64, Status> {
        let state = self.state.borrow();
        assert_eq!(state.thing(capsule, rights::READ)?, Thing::Capsule);
        let used: usize = state.capsule.values().map(Vec::len).sum();
        let bytes = match number {
            ROOM => [(used as u64).to_le_bytes(), (LIMIT as u64).to_le_bytes()].concat(),
            NUMBERS => state.capsule.keys().flat_map(|number| number.to_le_bytes()).collect(),
            number => {
                let number = u32::try_from(number).map_err(|_| Status::Invalid)?;
                state.capsule.get(&number).ok_or(Status::NotFound)?.clone()
            }
        };
        self.receive[..bytes.len()].copy_from_slice(&bytes);
        Ok(bytes.len() as u64)
    }

    pub(super) fn write_capsule(
        &mut self,
        capsule: u64,
        number: u64,
        lengths: u64,
    ) -> Result<u64, Status> {
        let (bytes, _) = self.sent(lengths)?;
        let mut state = self.state.borrow_mut();
        assert_eq!(state.thing(capsule, rights::WRITE)?, Thing::Capsule);
        let number = u32::try_from(number).map_err(|_| Status::Invalid)?;
        if bytes.len() > LIMIT {
            return Err(Status::QuotaExceeded);
        }
        if bytes.is_empty() {
            state.capsule.remove(&number);
        } else {
            state.capsule.insert(number, bytes);
        }
        Ok(0)
    }
}
