//! Images of systems, by the names under which whoever boots them knows them.

use crate::home::{Home, VARIABLE};
use crate::process::run;
use crate::progress::working;
use crate::{artifacts, components, image};
use anyhow::{Context, Result};
use atoll_scenarios::Images;
use atoll_system_description::DESCRIPTION_MODULE;
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;

/// The file with the description of a system, by its name.
pub type Describe = fn(&Home, &Path) -> Result<PathBuf>;

/// Images of systems, from artifacts that are built once.
pub struct Built<'a> {
    home: &'a Home,
    components: PathBuf,
    /// Native artifacts, without and with test interfaces, as they are asked for.
    artifacts: Mutex<HashMap<bool, artifacts::Artifacts>>,
    /// The host tool, once it is asked for.
    tool: Mutex<Option<PathBuf>>,
    describe: Describe,
}

impl<'a> Built<'a> {
    /// Builds the components.
    ///
    /// # Errors
    /// If one does not build.
    pub fn new(home: &'a Home, describe: Describe) -> Result<Self> {
        let components = components::build(home)?;
        Ok(Self { home, components, artifacts: Mutex::default(), tool: Mutex::default(), describe })
    }

    /// Takes what is built already, and builds only what is missing.
    ///
    /// # Errors
    /// If something that is missing does not build.
    pub fn found(home: &'a Home, describe: Describe) -> Result<Self> {
        let components = match components::found(home)? {
            Some(components) => components,
            None => components::build(home)?,
        };
        let native = artifacts::found(home).map(|artifacts| (false, artifacts));
        let artifacts = Mutex::new(native.into_iter().collect());
        Ok(Self { home, components, artifacts, tool: Mutex::default(), describe })
    }

    /// The native parts.
    ///
    /// # Errors
    /// If they do not build.
    pub fn native(&self, testing: bool) -> Result<artifacts::Artifacts> {
        let mut built = self.artifacts.lock().ok().context("a build failed")?;
        if let Some(artifacts) = built.get(&testing) {
            return Ok(artifacts.clone());
        }
        let artifacts = artifacts::build(self.home, testing)?;
        built.insert(testing, artifacts.clone());
        Ok(artifacts)
    }

    /// Builds the host tool, after the native parts, which it takes as it finds them.
    fn build_tool(&self) -> Result<PathBuf> {
        self.native(false)?;
        let _working = working("building the host tool");
        run(self.home.plain_cargo("build").args(["--quiet", "-p", "atoll", "--bin", "atoll"]))?;
        Ok(self.home.target.join("debug/atoll"))
    }

    /// The image of a system.
    ///
    /// # Errors
    /// If something does not build, or the description is malformed.
    pub fn image(&self, system: &Path, testing: bool) -> Result<atoll_iso::Image> {
        let system = (self.describe)(self.home, system)?;
        let artifacts = self.native(testing)?;
        image::assemble(self.home, &artifacts, &self.components, &system)
    }
}

impl Images for Built<'_> {
    fn archive(
        &self,
        system: &Path,
        description: Option<&Path>,
        testing: bool,
    ) -> Result<(PathBuf, PathBuf)> {
        let mut image = self.image(system, testing)?;
        let given = description.map(|path| self.home.root.join(path));
        let modules = image.modules.iter_mut();
        for module in modules.filter(|module| module.name == DESCRIPTION_MODULE) {
            module.path = given.clone().unwrap_or_else(|| module.path.clone());
        }
        let name = description.unwrap_or(system);
        Ok((image.shim.clone(), image::write_archive(self.home, &image, name, testing)?))
    }

    fn iso(&self, system: &Path, append: &str, output: &Path) -> Result<()> {
        let mut image = self.image(system, false)?;
        append.clone_into(&mut image.append);
        image::write_iso(&image, None, output)
    }

    fn kernel(&self) -> Result<PathBuf> {
        Ok(self.native(false)?.kernel)
    }

    fn components(&self) -> Result<&Path> {
        Ok(&self.components)
    }

    fn tool(&self) -> Result<Command> {
        let mut built = self.tool.lock().ok().context("a build failed")?;
        let path = match &*built {
            Some(path) => path.clone(),
            None => built.insert(self.build_tool()?).clone(),
        };
        let mut tool = Command::new(path);
        tool.env(VARIABLE, &self.home.root).env("CARGO_TARGET_DIR", &self.home.target);
        Ok(tool)
    }

    fn limine_iso(&self, system: &Path, append: &str, limine: &Path, output: &Path) -> Result<()> {
        let mut image = self.image(system, false)?;
        append.clone_into(&mut image.append);
        image::write_iso(&image, Some(limine), output)
    }
}
