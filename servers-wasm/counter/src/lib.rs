//! The sample server `counter`: counts that no crash takes back.
//!
//! It has a record of its capsule for each client ([`Count`]) and nothing in its memory, so it has
//! nothing to restore: a life begins where the one before ended. Each call writes one record, once,
//! and knows the last request again, so that a call which is repeated after a crash counts once.
//! `component.rs`, the only module with generated and therefore unsafe code, serves it.

#![deny(unsafe_code)]

#[cfg(target_arch = "wasm32")]
#[allow(unsafe_code, reason = "the generated glue of the component model is unsafe")]
mod component;

/// What is kept of a client.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Count {
    /// Its last request; 0 before the first.
    request: u64,
    /// Its count after that.
    count: u64,
}

impl Count {
    /// Reads a record; a client without one has counted nothing.
    #[must_use]
    pub fn read(record: Option<&[u8]>) -> Self {
        let halves = record.and_then(|record| record.as_chunks::<8>().0.first_chunk::<2>());
        let [request, count] = halves.map_or([0; 2], |halves| halves.map(u64::from_le_bytes));
        Self { request, count }
    }

    /// The bytes of the record.
    #[must_use]
    pub fn record(self) -> Vec<u8> {
        [self.request.to_le_bytes(), self.count.to_le_bytes()].concat()
    }

    /// How far it counted.
    #[must_use]
    pub const fn count(self) -> u64 {
        self.count
    }

    /// What is to be kept after a request, if that counts.
    #[must_use]
    pub const fn after(self, request: u64) -> Option<Self> {
        if request == 0 || request == self.request {
            return None;
        }
        Some(Self { request, count: self.count.saturating_add(1) })
    }
}

#[cfg(test)]
mod tests {
    use super::Count;

    #[test]
    fn a_request_counts_once() {
        let none = Count::read(None);
        let first = none.after(7).expect("counts");
        assert_eq!(first.count(), 1);
        assert_eq!(first.after(7), None);
        assert_eq!(first.after(0), None);
        assert_eq!(first.after(8).map(Count::count), Some(2));
    }

    #[test]
    fn a_record_is_read_as_it_was_written() {
        let count = Count { request: 3, count: 1 << 40 };
        assert_eq!(Count::read(Some(&count.record())), count);
        assert_eq!(Count::read(Some(b"short")), Count::default());
    }
}
