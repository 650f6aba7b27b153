//! The ring of log entries: bounded bytes, oldest entries dropped first.

use atoll_gate::record::{Level, NAME_LEN};

/// Bytes of text that an entry keeps; longer text is cut.
pub const MAX_TEXT: usize = 240;
/// Entries that the ring keeps.
const ENTRIES: usize = 512;

/// One line of the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Number of the entry since boot.
    pub sequence: u64,
    /// Nanoseconds since boot.
    pub time_ns: u64,
    /// Domain that wrote it; 0 is the kernel.
    pub domain: u32,
    /// How much it matters.
    pub level: Level,
    /// Name of the domain, `kernel` for the kernel, as `record::name_field` encodes it.
    pub name: [u8; NAME_LEN],
    len: u8,
    text: [u8; MAX_TEXT],
}

impl Entry {
    const EMPTY: Self = Self {
        sequence: 0,
        time_ns: 0,
        domain: 0,
        level: Level::Trace,
        name: [0; NAME_LEN],
        len: 0,
        text: [0; MAX_TEXT],
    };

    /// The text, UTF-8.
    #[must_use]
    pub fn text(&self) -> &[u8] {
        self.text.get(..usize::from(self.len)).unwrap_or(&[])
    }
}

/// Who wrote an entry, and how much it matters.
#[derive(Clone, Copy, Debug)]
pub(super) struct Source<'a> {
    pub(super) domain: u32,
    pub(super) name: &'a str,
    pub(super) level: Level,
}

/// The entries of the recent past.
#[derive(Debug)]
pub(super) struct Ring {
    entries: [Entry; ENTRIES],
    /// Sequence number of the next entry.
    next: u64,
}

impl Ring {
    pub(super) const fn new() -> Self {
        Self { entries: [Entry::EMPTY; ENTRIES], next: 0 }
    }

    /// Appends an entry, cutting `text` at a character.
    pub(super) fn push(&mut self, time_ns: u64, source: Source<'_>, text: &str) {
        let mut entry = Entry {
            sequence: self.next,
            time_ns,
            domain: source.domain,
            level: source.level,
            name: atoll_gate::record::name_field(source.name),
            ..Entry::EMPTY
        };
        let end = text.floor_char_boundary(MAX_TEXT);
        for (to, from) in entry.text.iter_mut().zip(text.as_bytes().iter().take(end)) {
            *to = *from;
        }
        entry.len = end as u8;
        if let Some(place) = self.entries.get_mut((self.next % ENTRIES as u64) as usize) {
            *place = entry;
        }
        self.next += 1;
    }

    /// Sequence number that the next entry will have.
    pub(super) const fn next(&self) -> u64 {
        self.next
    }

    /// Shows the entries from `sequence` on, oldest first, until `visit` says stop.
    pub(super) fn read_from(&self, sequence: u64, mut visit: impl FnMut(&Entry) -> bool) {
        let oldest = self.next.saturating_sub(ENTRIES as u64);
        for number in sequence.max(oldest)..self.next {
            match self.entries.get((number % ENTRIES as u64) as usize) {
                Some(entry) if visit(entry) => {}
                _ => break,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{ENTRIES, MAX_TEXT, Ring, Source};
    use atoll_gate::record::Level;

    const KERNEL: Source<'static> = Source { domain: 0, name: "kernel", level: Level::Info };

    #[test]
    fn old_entries_fall_out_and_numbers_go_on() {
        let mut ring = Ring::new();
        for number in 0..ENTRIES as u64 + 3 {
            ring.push(number, KERNEL, &std::format!("entry {number}"));
        }
        let mut seen = std::vec::Vec::new();
        ring.read_from(0, |entry| {
            seen.push((entry.sequence, entry.time_ns));
            true
        });
        assert_eq!(seen.len(), ENTRIES);
        assert_eq!(seen.first(), Some(&(3, 3)));
        assert_eq!(ring.next(), ENTRIES as u64 + 3);
    }

    #[test]
    fn reading_stops_where_the_reader_says() {
        let mut ring = Ring::new();
        (0..10).for_each(|time| ring.push(time, KERNEL, "x"));
        let mut count = 0;
        ring.read_from(4, |entry| {
            assert!(entry.sequence >= 4);
            count += 1;
            count < 2
        });
        assert_eq!(count, 2);
    }

    #[test]
    fn long_text_is_cut_at_a_character() {
        let mut ring = Ring::new();
        ring.push(0, KERNEL, &"ä".repeat(MAX_TEXT));
        ring.read_from(0, |entry| {
            assert_eq!(entry.text().len(), MAX_TEXT);
            assert!(core::str::from_utf8(entry.text()).is_ok());
            true
        });
    }
}
