//! Understands the bytes of a console session in line mode.

/// What the operator entered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Entry {
    /// A line, without its line feed.
    Line(String),
    /// Ctrl-C.
    Interrupt,
    /// Ctrl-D on an empty line.
    End,
}

/// Puts entries together from bytes that come in pieces.
#[derive(Debug, Default)]
pub struct Entries {
    pending: Vec<u8>,
}

impl Entries {
    /// Takes the next piece and returns the entries that it completes.
    pub fn push(&mut self, piece: &[u8]) -> Vec<Entry> {
        let mut entries = Vec::new();
        for &byte in piece {
            match byte {
                b'\n' => {
                    let line = std::mem::take(&mut self.pending);
                    entries.push(Entry::Line(String::from_utf8_lossy(&line).into_owned()));
                }
                3 => entries.push(Entry::Interrupt),
                4 => entries.push(Entry::End),
                other => self.pending.push(other),
            }
        }
        entries
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_are_put_together() {
        let mut entries = Entries::default();
        assert_eq!(entries.push(b"p"), []);
        assert_eq!(
            entries.push(b"s\n\x03\x04\nx"),
            [Entry::Line("ps".into()), Entry::Interrupt, Entry::End, Entry::Line(String::new()),]
        );
    }
}
