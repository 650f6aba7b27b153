//! Files that are made from others.

use anyhow::{Context, Result};
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

/// Reads a file; an error names it.
///
/// # Errors
/// If it cannot be read.
pub fn read(path: &Path) -> Result<Vec<u8>> {
    fs::read(path).with_context(|| format!("cannot read {}", path.display()))
}

/// Reads a file of text; an error names it.
///
/// # Errors
/// If it cannot be read.
pub fn read_text(path: &Path) -> Result<String> {
    fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))
}

/// Writes a file unless it has these contents, so that what depends on it keeps its date. Whoever
/// reads it meanwhile sees the old file or the new one whole.
///
/// # Errors
/// If it cannot be written.
pub fn write_if_changed(path: &Path, bytes: &[u8]) -> Result<()> {
    if fs::read(path).is_ok_and(|old| old == bytes) {
        return Ok(());
    }
    let folder = path.parent().context("a file without a folder")?;
    fs::create_dir_all(folder)?;
    let written = tempfile::NamedTempFile::new_in(folder)
        .and_then(|mut file| file.write_all(bytes).map(|()| file))
        .and_then(|file| Ok(file.persist(path)?));
    written.map(drop).with_context(|| format!("cannot write {}", path.display()))
}

/// Whether a file exists and is newer than all that it was made from.
#[must_use]
pub fn is_newer(made: &Path, from: &[PathBuf]) -> bool {
    let time = |path: &Path| fs::metadata(path).and_then(|data| data.modified()).ok();
    time(made)
        .is_some_and(|made| from.iter().all(|path| time(path).is_some_and(|from| from < made)))
}
