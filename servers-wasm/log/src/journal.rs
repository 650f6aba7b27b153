//! The collected entries and the questions that can be asked of them.

use std::collections::VecDeque;

/// Most entries that are kept.
pub const MAX_ENTRIES: usize = 4096;
/// Most bytes of text and names that are kept.
pub const MAX_BYTES: usize = 512 * 1024;
/// Most entries of one answer.
pub const MAX_ANSWER: u32 = 200;
/// Most bytes of one answer; less than a message so that its frame fits too.
pub const MAX_ANSWER_BYTES: usize = 60_000;
/// Bytes of an entry in a message besides its name and text: sequence, time, domain, level and
/// two lengths.
const ENTRY_BYTES: usize = 8 + 8 + 4 + 4 + 4 + 4;

/// How much an entry matters, most first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Something broke.
    Error,
    /// Something is odd.
    Warn,
    /// What an operator wants to know.
    Info,
    /// What a developer wants to know.
    Debug,
    /// Everything.
    Trace,
}

/// One entry of the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Number since boot.
    pub sequence: u64,
    /// Nanoseconds since boot.
    pub time_ns: u64,
    /// Id of the domain that wrote it; 0 is the kernel.
    pub domain: u32,
    /// Name of its server.
    pub server: String,
    /// How much it matters.
    pub level: Level,
    /// One line of text.
    pub text: String,
}

impl Entry {
    /// Bytes that it takes from the journal's room.
    const fn bytes(&self) -> usize {
        self.server.len().saturating_add(self.text.len())
    }
}

/// Which entries are wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Filter {
    /// Only this server's; all when absent.
    pub server: Option<String>,
    /// Only this level and what matters more.
    pub level: Level,
    /// Only entries with this sequence or a later one.
    pub since: u64,
    /// At most so many, the newest ones; at most [`MAX_ANSWER`].
    pub limit: u32,
}

impl Filter {
    fn passes(&self, entry: &Entry) -> bool {
        entry.level <= self.level
            && entry.sequence >= self.since
            && self.server.as_ref().is_none_or(|server| *server == entry.server)
    }
}

/// The newest entries, within bounds.
#[derive(Debug, Default)]
pub struct Journal {
    entries: VecDeque<Entry>,
    bytes: usize,
}

impl Journal {
    /// Adds an entry; the oldest make room.
    pub fn add(&mut self, entry: Entry) {
        self.bytes = self.bytes.saturating_add(entry.bytes());
        self.entries.push_back(entry);
        while self.entries.len() > MAX_ENTRIES || self.bytes > MAX_BYTES {
            let Some(oldest) = self.entries.pop_front() else { return };
            self.bytes = self.bytes.saturating_sub(oldest.bytes());
        }
    }

    /// The newest entries that pass, oldest first, as many as fit an answer.
    #[must_use]
    pub fn query(&self, filter: &Filter) -> Vec<&Entry> {
        let limit = usize::try_from(filter.limit.min(MAX_ANSWER)).unwrap_or(0);
        let mut room = MAX_ANSWER_BYTES;
        let newest = self.entries.iter().rev().filter(|entry| filter.passes(entry));
        let mut answer: Vec<&Entry> = newest
            .take(limit)
            .map_while(|entry| {
                room = room.checked_sub(entry.bytes().saturating_add(ENTRY_BYTES))?;
                Some(entry)
            })
            .collect();
        answer.reverse();
        answer
    }
}

#[cfg(test)]
mod tests {
    use super::{Entry, Filter, Journal, Level, MAX_BYTES, MAX_ENTRIES};

    const ALL: Filter = Filter { server: None, level: Level::Trace, since: 0, limit: 200 };

    fn entry(sequence: u64, server: &str, level: Level, text: &str) -> Entry {
        let (server, text) = (server.to_string(), text.to_string());
        Entry { sequence, time_ns: 0, domain: 1, server, level, text }
    }

    fn sequences(journal: &Journal, filter: &Filter) -> Vec<u64> {
        journal.query(filter).iter().map(|entry| entry.sequence).collect()
    }

    fn journal() -> Journal {
        let mut journal = Journal::default();
        let levels = [Level::Error, Level::Warn, Level::Info, Level::Debug, Level::Trace];
        for (sequence, level) in (0..).zip(levels) {
            journal.add(entry(sequence * 2, "a", level, "x"));
            journal.add(entry(sequence * 2 + 1, "b", level, "x"));
        }
        journal
    }

    #[test]
    fn filters() {
        let journal = journal();
        assert_eq!(sequences(&journal, &ALL), (0..10).collect::<Vec<u64>>());
        assert_eq!(sequences(&journal, &Filter { level: Level::Warn, ..ALL }), [0, 1, 2, 3]);
        let server = Some("b".to_string());
        assert_eq!(sequences(&journal, &Filter { server, ..ALL }), [1, 3, 5, 7, 9]);
        assert_eq!(sequences(&journal, &Filter { since: 8, ..ALL }), [8, 9]);
        assert_eq!(sequences(&journal, &Filter { limit: 3, ..ALL }), [7, 8, 9]);
        assert_eq!(sequences(&journal, &Filter { limit: 0, ..ALL }), []);
        let server = Some("b".to_string());
        let both = Filter { server, level: Level::Info, since: 2, limit: 1 };
        assert_eq!(sequences(&journal, &both), [5]);
        let server = Some(String::new());
        assert_eq!(sequences(&journal, &Filter { server, ..ALL }), []);
    }

    #[test]
    fn an_answer_has_at_most_200_entries_and_fits_a_message() {
        let mut journal = Journal::default();
        for sequence in 0..500 {
            journal.add(entry(sequence, "a", Level::Info, "short"));
        }
        let wanted = Filter { limit: u32::MAX, ..ALL };
        assert_eq!(sequences(&journal, &wanted), (300..500).collect::<Vec<u64>>());
        for sequence in 500..700 {
            journal.add(entry(sequence, "a", Level::Info, &"l".repeat(1024)));
        }
        let answer = journal.query(&wanted);
        let bytes: usize = answer.iter().map(|entry| entry.bytes() + 32).sum();
        assert!((58_000..=60_000).contains(&bytes), "{bytes}");
        assert_eq!(answer.last().map(|entry| entry.sequence), Some(699));
    }

    #[test]
    fn memory_is_bounded() {
        let mut journal = Journal::default();
        for sequence in 0..20_000 {
            journal.add(entry(sequence, "a", Level::Info, "short"));
        }
        assert_eq!(journal.entries.len(), MAX_ENTRIES);
        for sequence in 0..2_000 {
            journal.add(entry(sequence, "a", Level::Info, &"l".repeat(1024)));
        }
        assert!(journal.bytes <= MAX_BYTES);
        assert_eq!(journal.bytes, journal.entries.iter().map(Entry::bytes).sum::<usize>());
    }
}
