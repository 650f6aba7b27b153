//! What a campaign is made of: the program that chooses faults and judges, the servers, and for
//! whole systems the native parts.
//!
//! Everything is copied beside what is kept of the campaign, so that `--resume` goes on with the
//! same bytes (in others the numbers would stand for other faults), and builds disturb none that
//! is under way.

use crate::variants;
use anyhow::{Context, Result};
use atoll::artifacts::Artifacts;
use atoll::components;
use atoll::home::Home;
use atoll::process::{run, step};
use std::fs;
use std::path::{Path, PathBuf};

/// See the module.
#[derive(Debug)]
pub(super) struct Parts {
    folder: PathBuf,
}

impl Parts {
    /// Those that an earlier run left in a folder, if they are wanted; else they are built.
    pub(super) fn of(home: &Home, folder: PathBuf, systems: bool, earlier: bool) -> Result<Self> {
        let parts = Self { folder };
        if earlier && parts.folder.is_dir() {
            return Ok(parts);
        }
        let draft = parts.folder.with_extension("draft");
        for folder in [&draft, &parts.folder] {
            if folder.exists() {
                fs::remove_dir_all(folder)?;
            }
        }
        Self { folder: draft.clone() }.fill(home, systems)?;
        fs::rename(&draft, &parts.folder)
            .with_context(|| format!("cannot make {}", parts.folder.display()))?;
        Ok(parts)
    }

    fn fill(&self, home: &Home, systems: bool) -> Result<()> {
        let components = components::build(home)?;
        build_program(home)?;
        fs::create_dir_all(self.components())?;
        copy(&home.target.join("inject/atoll-inject"), &self.program())?;
        for entry in fs::read_dir(&components)? {
            let entry = entry?;
            copy(&entry.path(), &self.components().join(entry.file_name()))?;
        }
        if systems {
            let (built, kept) = (variants::build_injecting(home)?, self.artifacts());
            copy(&built.kernel, &kept.kernel)?;
            copy(&built.shim, &kept.shim)?;
            copy(&built.runtime, &kept.runtime)?;
        }
        Ok(())
    }

    /// The program `atoll-inject`.
    pub(super) fn program(&self) -> PathBuf {
        self.folder.join("atoll-inject")
    }

    /// Folder of the servers' components.
    pub(super) fn components(&self) -> PathBuf {
        self.folder.join("components")
    }

    /// The native parts; there only if they were asked for.
    pub(super) fn artifacts(&self) -> Artifacts {
        let [kernel, shim, runtime] =
            ["kernel", "boot-shim", "runtime.elf"].map(|name| self.folder.join(name));
        Artifacts { kernel, shim, runtime }
    }
}

/// Builds the program of a campaign.
pub(super) fn build_program(home: &Home) -> Result<()> {
    step("building the campaign");
    let mut cargo = home.plain_cargo("build");
    run(cargo.args(["--quiet", "--profile", "inject", "-p", "atoll-inject"]))
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    fs::copy(from, to).with_context(|| format!("cannot copy {}", from.display()))?;
    Ok(())
}
