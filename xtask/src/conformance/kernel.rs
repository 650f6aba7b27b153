//! The same archive in a booted kernel, in a domain.
//!
//! A variant of the domain image, `conformance` of `wasm-runtime/image`, takes an archive of scripts
//! where a component would be. It is the only module beside the archive; its first domain starts
//! the one that executes, and switches the machine off at the end. The report comes by the log.

use super::report::Report;
use crate::variants;
use anyhow::{Context, Result, ensure};
use atoll::files::write_if_changed;
use atoll::home::Home;
use atoll::process::step;
use atoll_iso::{Image, Module, boot_config};
use atoll_scenarios::{Images, Lab, Machine, OFF};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Name that the kernel knows the domain image by.
const IMAGE_MODULE: &str = "runtime.elf";
/// Name that the image knows the archive by.
const ARCHIVE_MODULE: &str = "conformance.script";
/// Last line of a run, however it went.
const END: &str = "conformance end";
/// Ends a run that hangs; far above what any takes.
const LIMIT: Duration = Duration::from_secs(3600);

/// Boots an archive and reads the reports of both runs.
pub(super) fn run(home: &Home, archive: &Path, transcript: &Path) -> Result<[Report; 2]> {
    let images = Only::build(home, archive)?;
    if let Some(folder) = transcript.parent() {
        fs::create_dir_all(folder)?;
    }
    fs::write(transcript, "")?;
    step("running the scripts in the kernel");
    let machine = Machine::new("").memory("1G");
    let mut session = Lab::new(&images, transcript).boot(&machine)?;
    let heard = session.limit(LIMIT).expect(END)?;
    session.expect_exit(OFF)?;
    let reports = Report::read_both(&heard);
    reports.with_context(|| format!("see {}", transcript.display()))
}

/// The one boot archive that there is.
struct Only {
    shim: PathBuf,
    archive: PathBuf,
}

impl Only {
    fn build(home: &Home, scripts: &Path) -> Result<Self> {
        let native = variants::build_conformance(home)?;
        let config = home.root.join(boot_config::FILE);
        let module = |name: &str, path: &Path| Module { name: name.to_owned(), path: path.into() };
        let image = Image {
            config: fs::read_to_string(&config)
                .with_context(|| format!("cannot read {}", config.display()))?,
            append: format!("init={ARCHIVE_MODULE}"),
            kernel: native.kernel,
            shim: native.shim.clone(),
            modules: vec![module(IMAGE_MODULE, &native.runtime), module(ARCHIVE_MODULE, scripts)],
        };
        let name = scripts.file_stem().context("an archive without a name")?;
        let archive = home.target.join("archives").join(name).with_extension("tar");
        write_if_changed(&archive, &image.archive()?)?;
        Ok(Self { shim: native.shim, archive })
    }
}

impl Images for Only {
    fn archive(&self, _: &Path, _: Option<&Path>, testing: bool) -> Result<(PathBuf, PathBuf)> {
        ensure!(!testing, "the scripts run without test interfaces");
        Ok((self.shim.clone(), self.archive.clone()))
    }

    fn components(&self) -> Result<&Path> {
        anyhow::bail!("the scripts have no components")
    }

    fn iso(&self, _: &Path, _: &str, _: &Path) -> Result<()> {
        anyhow::bail!("the scripts have no ISO")
    }

    fn limine_iso(&self, _: &Path, _: &str, _: &Path, _: &Path) -> Result<()> {
        anyhow::bail!("the scripts have no ISO")
    }
}
