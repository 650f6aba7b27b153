//! How many unsafe blocks each room has, so that a rise is seen: `docs/soundness.md` says where
//! they may be.

use anyhow::{Context, Result};
use atoll::home::Home;
use std::fs;
use std::path::Path;

/// The rooms that may have unsafe blocks, and the crates that may not.
const ROOMS: [&str; 10] = [
    "kernel/src/arch",
    "kernel/src/boot",
    "kernel/src/memory",
    "wasm-runtime/image/src/platform",
    "iso/boot-shim/src",
    "sdk/allocator/src",
    "tests/probe/src",
    "kernel/src",
    "wasm-runtime/image/src",
    "wasm-runtime/src",
];

/// Prints a line a room. A room inside another is counted for both.
pub(crate) fn print(home: &Home) -> Result<()> {
    for room in ROOMS {
        println!("{:4} unsafe blocks in {room}", unsafe_blocks(&home.root.join(room))?);
    }
    Ok(())
}

fn unsafe_blocks(folder: &Path) -> Result<usize> {
    let mut count = 0;
    for entry in
        fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))?
    {
        let path = entry?.path();
        if path.is_dir() {
            count += unsafe_blocks(&path)?;
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            count += fs::read_to_string(&path)?.matches("unsafe {").count();
        }
    }
    Ok(count)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_are_counted_in_folders_within() {
        let folder = tempfile::tempdir().expect("a folder");
        let inner = folder.path().join("inner");
        fs::create_dir(&inner).expect("a folder within");
        fs::write(inner.join("a.rs"), "unsafe { x() }; unsafe {}").expect("a file");
        fs::write(folder.path().join("b.md"), "unsafe { no }").expect("a file");
        assert_eq!(unsafe_blocks(folder.path()).expect("a count"), 2);
    }
}
