//! The result of a call to a provided interface: wire bytes and handles, in a buffer that is used
//! again and again.

use crate::objects::Kind;
use crate::wire::Output;
use alloc::vec;
use alloc::vec::Vec;
use atoll_gate::message::MAX_PAYLOAD;

/// A handle in the result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Given {
    /// The object's number.
    pub number: u32,
    /// Its type.
    pub kind: Kind,
}

/// The result.
#[derive(Debug)]
pub struct Answer {
    bytes: Vec<u8>,
    len: usize,
    full: bool,
    given: Vec<Option<Given>>,
}

impl Default for Answer {
    fn default() -> Self {
        Self { bytes: vec![0; MAX_PAYLOAD], len: 0, full: false, given: Vec::new() }
    }
}

impl Answer {
    /// Starts an empty result. Handles of the last one must have been taken or dropped.
    pub fn clear(&mut self) {
        (self.len, self.full) = (0, false);
        self.given.clear();
    }

    /// The bytes so far.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        self.bytes.get(..self.len).unwrap_or_default()
    }

    /// Whether something did not fit.
    #[must_use]
    pub const fn is_full(&self) -> bool {
        self.full
    }

    /// Appends values.
    pub fn put<T>(&mut self, write: impl FnOnce(&mut Output<'_>) -> T) -> T {
        let mut output = Output::new(&mut self.bytes, self.len);
        let result = write(&mut output);
        self.full |= output.is_full();
        self.len = output.len();
        result
    }

    /// Appends an owned handle.
    pub fn own(&mut self, kind: Kind, number: u32) {
        let index = self.given.len() as u32;
        self.given.push(Some(Given { number, kind }));
        self.put(|out| out.u32(index));
    }

    /// Appends a `result` with this case, whose payload if any follows: 0 is `ok`, 1 is `err`.
    pub fn case(&mut self, case: u32) {
        self.put(|out| out.u32(case));
    }

    /// The handle at an index, if nobody took it.
    #[must_use]
    pub fn given(&self, index: u32) -> Option<Given> {
        self.given.get(index as usize).copied().flatten()
    }

    /// Takes the handle at an index.
    pub fn take(&mut self, index: u32) -> Option<Given> {
        self.given.get_mut(index as usize)?.take()
    }

    /// Takes any handle that is left.
    pub fn take_any(&mut self) -> Option<Given> {
        self.given.iter_mut().find_map(Option::take)
    }
}
