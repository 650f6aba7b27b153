//! A project's copy of Atoll's interfaces, in `wit/deps`.
//!
//! It is made anew by every build, so that a project is built against the interfaces of the system
//! that it will run on. What the author has put beside it stays.

use crate::files::{read, write_if_changed};
use crate::home::Home;
use crate::wit;
use anyhow::{Context, Result};
use std::fs;
use std::path::Path;

/// Says in the copy that it is one.
const NOTE: (&str, &[u8]) = (
    "README.md",
    b"Copied from Atoll by `atoll build`, which overwrites changes. Packages of your own may stay here.\n",
);
/// Interfaces that only the tests of Atoll use.
const INTERNAL: &str = "atoll-testing";

/// Copies what is missing or changed into the folder of a project's interfaces.
pub(super) fn copy(home: &Home, project_wit: &Path) -> Result<()> {
    wit::fill_deps(home)?;
    let deps = project_wit.join("deps");
    let from = home.root.join("wit/deps");
    for entry in fs::read_dir(&from).with_context(|| format!("cannot read {}", from.display()))? {
        let path = entry?.path();
        let name = path.file_name().context("a file without a name")?;
        if path.is_dir() && name != INTERNAL {
            for file in fs::read_dir(&path)? {
                let file = file?;
                copy_file(&file.path(), &deps.join(name).join(file.file_name()))?;
            }
        } else if path.extension().is_some_and(|ending| ending == "wit") {
            copy_file(&path, &deps.join(name))?;
        }
    }
    write_if_changed(&deps.join(NOTE.0), NOTE.1)
}

fn copy_file(from: &Path, to: &Path) -> Result<()> {
    write_if_changed(to, &read(from)?)
}
