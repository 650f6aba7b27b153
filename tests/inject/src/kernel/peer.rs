//! The server that a domain under test calls: `atoll:testing/echo` as far as `relay` uses it.

use atoll_gate::call::Status;

use super::Thing;

/// The id of its endpoint.
pub(crate) const PEER_ENDPOINT: u32 = 77;

/// Counters, and what is published for them.
#[derive(Debug, Default)]
pub(crate) struct Peer {
    descriptor: Vec<u8>,
    /// Numbers of the functions `counter.add` and `peek`.
    add: u64,
    peek: u64,
    counters: Vec<u32>,
}

impl Peer {
    /// A peer with this descriptor, and with these numbers of `counter.add` and `peek`.
    pub(crate) fn new(descriptor: Vec<u8>, add: u32, peek: u32) -> Self {
        Self { descriptor, add: add.into(), peek: peek.into(), counters: Vec::new() }
    }

    pub(super) fn descriptor(&self) -> &[u8] {
        &self.descriptor
    }

    /// A new counter.
    pub(super) fn hand_out(&mut self, value: u32) -> Thing {
        self.counters.push(value);
        Thing::PeerObject(self.counters.len() as u32 - 1)
    }

    /// Answers a call with these objects.
    pub(super) fn answer(
        &mut self,
        method: u64,
        payload: &[u8],
        objects: &[Thing],
    ) -> (Status, Vec<u8>) {
        let number = objects.iter().find_map(|thing| match thing {
            Thing::PeerObject(number) => Some(*number as usize),
            _ => None,
        });
        let counter = number.and_then(|number| self.counters.get_mut(number));
        let amount = payload.get(4..8).and_then(|bytes| bytes.try_into().ok());
        let amount = amount.map_or(0, u32::from_le_bytes);
        match counter {
            Some(counter) if method == self.add => {
                *counter = counter.wrapping_add(amount);
                (Status::Ok, counter.to_le_bytes().to_vec())
            }
            Some(counter) if method == self.peek => (Status::Ok, counter.to_le_bytes().to_vec()),
            _ => (Status::Refused, Vec::new()),
        }
    }
}
