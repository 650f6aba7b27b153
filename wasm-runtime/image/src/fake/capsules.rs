//! Capsules: one that has room for [`LIMIT`] bytes, however many handles there are to it. And what
//! a first domain asks of the guardian, which is noted.

use super::{Fake, Thing};
use atoll_gate::call::{Call, Status, rights};
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

    pub(super) fn adopt(&mut self, kind: u64, n: u64) -> Result<u64, Status> {
        let mut state = self.state.borrow_mut();
        let is_kind = |thing: &&Thing| match thing {
            Thing::Endpoint(_) => kind == 1,
            Thing::Domain => kind == 10,
            Thing::Capsule => kind == 13,
            _ => false,
        };
        let thing = state.estate.iter().filter(is_kind).nth(n as usize).cloned();
        let handle = state.add(thing.ok_or(Status::NotFound)?, rights::ALL);
        Ok(handle.into())
    }

    pub(super) fn ask_guardian(
        &mut self,
        call: Call,
        a: u64,
        b: u64,
        c: u64,
    ) -> Result<u64, Status> {
        let mut state = self.state.borrow_mut();
        state.guardian.push((call, [a, b, c]));
        if let Some(status) = state.guardian_status {
            return Err(status);
        }
        Ok(if call == Call::CreateSuccessor {
            state.add(Thing::Domain, rights::ALL).into()
        } else {
            0
        })
    }
}
