//! Bindings of a world for a language, by the generators of wit-bindgen.

use crate::files::write_if_changed;
use anyhow::Result;
use std::path::{Path, PathBuf};
use wit_bindgen_core::wit_parser::{PackageId, Resolve};
use wit_bindgen_core::{Files, WorldGenerator};

/// Writes the bindings for C and lists what has to be compiled or linked: the source, and the object
/// file with the component's types.
///
/// # Errors
/// As of [`write`].
pub fn c(wit: &Path, world: &str, folder: &Path) -> Result<Vec<PathBuf>> {
    let files = write(wit, world, wit_bindgen_c::Opts::default().build(), folder)?;
    let is_linked = |file: &PathBuf| file.extension().is_some_and(|end| end == "c" || end == "o");
    Ok(files.into_iter().filter(is_linked).collect())
}

/// Writes the bindings of a world of the package in the folder `wit`, and lists their files.
///
/// # Errors
/// If there is no such world, or a file cannot be written.
pub fn write(
    wit: &Path,
    world: &str,
    mut generator: Box<dyn WorldGenerator>,
    folder: &Path,
) -> Result<Vec<PathBuf>> {
    let (mut resolve, package) = resolve(wit)?;
    let world = resolve.select_world(&[package], Some(world))?;
    let mut files = Files::default();
    generator.generate(&mut resolve, world, &mut files)?;
    let mut written = Vec::new();
    for (name, bytes) in files.iter() {
        let path = folder.join(name);
        write_if_changed(&path, bytes)?;
        written.push(path);
    }
    Ok(written)
}

/// Parses the packages in a folder and its `deps`; the one that is returned is the folder's own.
///
/// # Errors
/// If one is malformed or missing.
pub fn resolve(folder: &Path) -> Result<(Resolve, PackageId)> {
    let mut resolve = Resolve { all_features: true, ..Resolve::default() };
    let (package, _) = resolve.push_dir(folder)?;
    Ok((resolve, package))
}
