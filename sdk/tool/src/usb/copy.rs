//! Writing to a medium, and reading back what was written.

use crate::progress;
use anyhow::{Context, Result, ensure};
use std::io::{self, Read, Seek, SeekFrom, Write};

/// Bytes that are written and compared at a time.
const PIECE: usize = 1 << 20;

/// Something that can be written, and read back.
pub trait Medium: Read + Write + Seek {
    /// Waits until all that was written is on the medium, and forgets what is known of it.
    ///
    /// # Errors
    /// If it could not be written.
    fn settle(&mut self) -> io::Result<()>;
}

/// Writes bytes to the beginning of a medium and compares what is there afterwards.
pub(super) fn copy(bytes: &[u8], medium: &mut dyn Medium) -> Result<()> {
    let bar = progress::bytes("writing", bytes.len() as u64);
    medium.seek(SeekFrom::Start(0))?;
    for piece in bytes.chunks(PIECE) {
        medium.write_all(piece).with_context(|| format!("writing at byte {}", bar.position()))?;
        bar.inc(piece.len() as u64);
    }
    medium.settle().context("writing the last of it")?;
    bar.finish();
    let bar = progress::bytes("comparing", bytes.len() as u64);
    medium.seek(SeekFrom::Start(0))?;
    let mut found = vec![0; PIECE];
    for piece in bytes.chunks(PIECE) {
        let found = found.get_mut(..piece.len()).context("a piece is too large")?;
        medium.read_exact(found).with_context(|| format!("reading at byte {}", bar.position()))?;
        let differs = found.iter().zip(piece).position(|(found, written)| found != written);
        let at = differs.map(|at| bar.position() + at as u64);
        ensure!(at.is_none(), "byte {} was read back as another one", at.unwrap_or_default());
        bar.inc(piece.len() as u64);
    }
    bar.finish();
    Ok(())
}
