//! From a system description to what is to be booted.

use crate::files::{read_text, write_if_changed};
use crate::home::Home;
use crate::process::step;
use crate::progress::working;
use crate::{artifacts, components};
use anyhow::Result;
use atoll_iso::adapt::{self, Adapted};
use atoll_iso::{Image, Loader, Module, boot_config};
use atoll_system_description::{DESCRIPTION_MODULE, Description};
use std::fs;
use std::path::{Path, PathBuf};

/// Name of the domain image among the modules.
const RUNTIME_MODULE: &str = "runtime.elf";

/// Builds everything that a system description needs.
///
/// # Errors
/// If something does not build, or the description is malformed.
pub fn build(home: &Home, system: &Path, testing: bool) -> Result<Image> {
    let artifacts = artifacts::build(home, testing)?;
    let components = components::build(home)?;
    assemble(home, &artifacts, &components, system)
}

/// Puts built artifacts together.
///
/// # Errors
/// If the description is malformed or names a component that is not there.
pub fn assemble(
    home: &Home,
    artifacts: &artifacts::Artifacts,
    components: &Path,
    system: &Path,
) -> Result<Image> {
    let text = read_text(system)?;
    let description = Description::parse(&text, &system.display().to_string())?;
    let config = home.root.join(boot_config::FILE);
    let module = |name: &str, path: PathBuf| Module { name: name.to_owned(), path };
    let mut modules = vec![
        module(RUNTIME_MODULE, artifacts.runtime.clone()),
        module(DESCRIPTION_MODULE, system.to_path_buf()),
    ];
    for name in description.components() {
        // A system can bring components of its own.
        let beside = system.with_file_name(name);
        let path = if beside.is_file() { beside } else { components.join(name) };
        if !path.is_file() {
            anyhow::bail!(
                "{}: there is no component {name} (neither beside it nor of servers-wasm/)",
                system.display()
            );
        }
        modules.push(module(name, adapted(home, path)?));
    }
    Ok(Image {
        config: read_text(&config)?,
        append: String::new(),
        kernel: artifacts.kernel.clone(),
        shim: artifacts.shim.clone(),
        modules,
    })
}

/// The file to pack for a component, which may be a core module.
fn adapted(home: &Home, path: PathBuf) -> Result<PathBuf> {
    let (packed, adapted) = adapt::packed(&path, &home.target.join("adapted"))?;
    if let Some(adapted) = adapted {
        let kind = match adapted {
            Adapted::Command => "a command, as it exports `_start`",
            Adapted::Reactor => "a reactor, as it exports no `_start`",
        };
        step(&format!("{} is a core module: packed as {kind}", path.display()));
    }
    Ok(packed)
}

/// Writes an ISO, with Limine if its folder is given.
///
/// # Errors
/// If a tool is missing or fails.
pub fn write_iso(image: &Image, limine: Option<&Path>, output: &Path) -> Result<()> {
    if let Some(folder) = output.parent() {
        fs::create_dir_all(folder)?;
    }
    let _working = working("writing the ISO");
    image.write_iso(limine.map_or(Loader::Grub, Loader::Limine), output)
}

/// Writes the boot archive of a description under a name that no other description or variant has:
/// to the target folder, or beside the description if that is not of the repository.
///
/// # Errors
/// If a file cannot be read or written.
pub fn write_archive(home: &Home, image: &Image, system: &Path, testing: bool) -> Result<PathBuf> {
    let ending = if testing { "-testing.tar" } else { ".tar" };
    let file = |path: &Path| path.with_extension("").to_string_lossy().into_owned() + ending;
    let system = home.root.join(system);
    let path = match system.strip_prefix(&home.root) {
        Ok(inside) => home.target.join("archives").join(file(inside).replace('/', "-")),
        Err(_) => file(&system).into(),
    };
    write_if_changed(&path, &image.archive()?)?;
    Ok(path)
}
