//! Bindings of a world for a language, by the generators of wit-bindgen.

use crate::files::{read_text, write_if_changed};
use crate::home::Home;
use anyhow::Result;
use std::fs;
use std::path::{Path, PathBuf};
use wit_bindgen_core::wit_parser::{PackageId, Resolve};
use wit_bindgen_core::{Files, WorldGenerator};

/// The namespace around those of the interfaces in C++.
const CPP_NAMESPACE: &str = "bindings";

/// Writes the bindings for C and lists what has to be compiled or linked: the source, and the object
/// file with the component's types.
///
/// # Errors
/// As of [`write()`].
pub fn c(wit: &Path, world: &str, folder: &Path) -> Result<Vec<PathBuf>> {
    let files = write(wit, world, wit_bindgen_c::Opts::default().build(), folder)?;
    let is_linked = |file: &PathBuf| file.extension().is_some_and(|end| end == "c" || end == "o");
    Ok(files.into_iter().filter(is_linked).collect())
}

/// Writes the bindings for C++ and lists what has to be compiled or linked, likewise. For each
/// exported resource they include a header with its class, which is the author's, and write a
/// first version of those that are not in his folder `sources`.
///
/// # Errors
/// As of [`write()`].
pub fn cpp(wit: &Path, world: &str, folder: &Path, sources: &Path) -> Result<Vec<PathBuf>> {
    // A namespace `atoll` beside the function of that name in stdlib.h would be refused.
    let mut options = wit_bindgen_cpp::Opts::default();
    options.internal_prefix = Some(CPP_NAMESPACE.to_owned());
    let generator = options.build(Some(&sources.to_path_buf()));
    let files = write(wit, world, generator, folder)?;
    for file in files.iter().filter(|file| file.extension().is_some_and(|end| end == "template")) {
        // A first version of before would be found instead of the author's.
        let first = file.with_extension("");
        if first.exists() {
            fs::remove_file(first)?;
        }
    }
    let is_linked = |file: &PathBuf| file.extension().is_some_and(|end| end == "cpp" || end == "o");
    Ok(files.into_iter().filter(is_linked).collect())
}

/// Writes the bindings for Go: a module `wit_component`, in which the author's packages have their
/// place. What all bindings share comes with the generator, not from the network.
///
/// # Errors
/// As of [`write()`].
pub fn go(home: &Home, wit: &Path, world: &str, folder: &Path) -> Result<()> {
    let generator = wit_bindgen_go::Opts { quiet: true, ..Default::default() }.build();
    write(wit, world, generator, folder)?;
    let shared = home.crate_folder(|name, _| name == "wit-bindgen-go")?.join("src/pkg");
    let module = folder.join("go.mod");
    let replaced = format!("\nreplace go.bytecodealliance.org/pkg => {}\n", shared.display());
    write_if_changed(&module, (read_text(&module)? + &replaced).as_bytes())
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
