//! The log server: keeps what the kernel's ring would soon forget, and answers questions about it.
//!
//! [`Collector`] moves entries from a [`Source`] (the kernel's ring) into a [`Journal`], which is
//! bounded in entries and bytes. `component.rs`, the only module with generated and therefore
//! unsafe code, connects both to the world: it collects whenever the ring has grown and before
//! each answer.

#![deny(unsafe_code)]

#[cfg(target_arch = "wasm32")]
#[allow(unsafe_code, reason = "the generated glue of the component model is unsafe")]
mod component;
pub mod journal;

pub use journal::{Entry, Filter, Journal, Level};

/// Entries that are asked of the source at once: more than a message holds.
const BATCH: u32 = 4096;
/// Batches that one collection takes at most, so that a server that floods the log cannot keep
/// this one from answering.
const BATCHES: u32 = 16;

/// Where entries come from.
pub trait Source {
    /// Entries from `sequence` on, oldest first, at most `limit`; empty when there are none.
    fn read(&self, sequence: u64, limit: u32) -> Vec<Entry>;
}

/// A journal that follows a source.
#[derive(Debug, Default)]
pub struct Collector {
    journal: Journal,
    /// Sequence of the next entry to read.
    next: u64,
}

impl Collector {
    /// Takes what the source has gained.
    pub fn collect(&mut self, source: &impl Source) {
        for _ in 0..BATCHES {
            let entries = source.read(self.next, BATCH);
            let Some(last) = entries.last() else { return };
            self.next = self.next.max(last.sequence.saturating_add(1));
            for entry in entries {
                self.journal.add(entry);
            }
        }
    }

    /// What was collected.
    #[must_use]
    pub const fn journal(&self) -> &Journal {
        &self.journal
    }
}

#[cfg(test)]
mod tests {
    use super::{Collector, Entry, Filter, Level, Source};
    use std::cell::RefCell;

    struct Ring(RefCell<Vec<Entry>>);

    impl Source for Ring {
        fn read(&self, sequence: u64, limit: u32) -> Vec<Entry> {
            let ring = self.0.borrow();
            let wanted = ring.iter().filter(|entry| entry.sequence >= sequence);
            wanted.take(40.min(limit as usize)).cloned().collect()
        }
    }

    fn entry(sequence: u64) -> Entry {
        Entry {
            sequence,
            time_ns: sequence,
            domain: 1,
            server: "a".to_string(),
            level: Level::Info,
            text: sequence.to_string(),
        }
    }

    #[test]
    fn each_entry_is_taken_once_in_several_batches() {
        let ring = Ring(RefCell::new((0..150).map(entry).collect()));
        let mut collector = Collector::default();
        collector.collect(&ring);
        collector.collect(&ring);
        // The ring lost 150 to 159 before they could be read.
        ring.0.borrow_mut().extend((160..170).map(entry));
        collector.collect(&ring);
        let all = Filter { server: None, level: Level::Trace, since: 0, limit: 200 };
        let sequences: Vec<u64> =
            collector.journal().query(&all).iter().map(|entry| entry.sequence).collect();
        assert_eq!(sequences, (0..150).chain(160..170).collect::<Vec<u64>>());
    }
}
