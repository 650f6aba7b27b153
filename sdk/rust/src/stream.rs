//! Bytes through WASI's streams: in pieces that a call carries, and back to lines.

use std::io;

/// Most bytes that one `blocking-write-and-flush` carries.
pub const WRITE_LIMIT: usize = 4096;

/// Writes all bytes, in pieces, by the stream's `blocking_write_and_flush`.
///
/// ```
/// # struct Output(std::cell::RefCell<Vec<u8>>);
/// # impl Output {
/// #     fn blocking_write_and_flush(&self, piece: &[u8]) -> Result<(), ()> {
/// #         assert!(piece.len() <= 4096);
/// #         self.0.borrow_mut().extend(piece);
/// #         Ok(())
/// #     }
/// # }
/// # let output = Output(Vec::new().into());
/// # let text = "x".repeat(10_000);
/// atoll_sdk::stream::write(text.as_bytes(), |piece| output.blocking_write_and_flush(piece))?;
/// # assert_eq!(output.0.take(), text.as_bytes());
/// # Ok::<(), ()>(())
/// ```
///
/// # Errors
/// What the stream said; what comes after that piece is not written.
pub fn write<E>(bytes: &[u8], write: impl FnMut(&[u8]) -> Result<(), E>) -> Result<(), E> {
    bytes.chunks(WRITE_LIMIT).try_for_each(write)
}

/// What `std::io` writes to: whole lines go to the stream at once, by its
/// `blocking_write_and_flush`, and the rest when it is flushed.
///
/// The standard library's `LineWriter` does the same with more code, for which a guest pays whenever
/// it is loaded.
pub struct Lined<W> {
    write: W,
    /// What came since the last line feed.
    pending: Vec<u8>,
}

impl<W> Lined<W> {
    /// Writes by this function, in pieces of up to [`WRITE_LIMIT`] bytes.
    pub const fn new(write: W) -> Self {
        Self { write, pending: Vec::new() }
    }
}

impl<W: FnMut(&[u8]) -> Result<(), E>, E> io::Write for Lined<W> {
    /// Any error of the stream is that its reader is gone.
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.pending.extend_from_slice(bytes);
        if bytes.contains(&b'\n') || self.pending.len() > WRITE_LIMIT {
            self.flush()?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        let written = write(&self.pending, &mut self.write);
        self.pending.clear();
        written.map_err(|_| io::ErrorKind::BrokenPipe.into())
    }
}

/// Cuts bytes that come in pieces into lines.
#[derive(Debug, Default)]
pub struct Lines {
    pending: Vec<u8>,
}

impl Lines {
    /// Takes the next piece and returns the lines that it completes, without their line feeds.
    pub fn push(&mut self, piece: &[u8]) -> Vec<String> {
        self.pending.extend_from_slice(piece);
        let mut lines = Vec::new();
        while let Some(end) = self.pending.iter().position(|&byte| byte == b'\n') {
            let rest = self.pending.split_off(end + 1);
            let line = std::mem::replace(&mut self.pending, rest);
            lines.push(text(line.get(..end).unwrap_or_default()));
        }
        lines
    }

    /// The last line, if it had no line feed.
    #[must_use]
    pub fn finish(self) -> Option<String> {
        (!self.pending.is_empty()).then(|| text(&self.pending))
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::{Lines, WRITE_LIMIT, write};

    #[test]
    fn an_error_ends_the_writing() {
        let mut pieces = Vec::new();
        let result = write(&[0; 3 * WRITE_LIMIT], |piece| {
            pieces.push(piece.len());
            if pieces.len() < 2 { Ok(()) } else { Err("gone") }
        });
        assert_eq!((result, pieces), (Err("gone"), vec![WRITE_LIMIT; 2]));
        assert_eq!(write(&[], |_| Err("nothing to write")), Ok(()));
    }

    #[test]
    fn lines_survive_being_cut() {
        let mut lines = Lines::default();
        assert_eq!(lines.push(b"on"), [""; 0]);
        assert_eq!(lines.push(b"e\ntwo\nth"), ["one", "two"]);
        assert_eq!(lines.finish().as_deref(), Some("th"));
    }
}
