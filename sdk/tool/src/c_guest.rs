//! Guests in C: `*.c` in a folder with a `server.toml` that names the world.
//!
//! ```toml
//! world = "atoll:servers/program"   # a world of wit/
//! ```
//!
//! The bindings (`NAME.h` and `NAME.c`, after the world) are generated into the target folder by
//! `wit-bindgen-c`. The guest is freestanding: what it needs of a C library it brings along, with
//! headers in its folder `include`.

use crate::bindings;
use crate::files::{is_newer, read, read_text};
use crate::home::Home;
use crate::process::run;
use crate::toolchains;
use anyhow::{Context, Result};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The file that makes a folder a C guest.
pub const MANIFEST: &str = "server.toml";

/// Builds the core module of a C guest, its types embedded.
///
/// # Errors
/// If there is no compiler, or the guest does not build.
pub fn build(home: &Home, folder: &Path) -> Result<Vec<u8>> {
    let name = folder.file_name().context("a guest without a name")?;
    let scratch = home.target.join("guest-c").join(name);
    let bindings = generate(home, folder, &scratch)?;
    let module = scratch.join("module.wasm");
    let mut sources = files(folder, "c")?;
    sources.extend(bindings);
    let mut inputs = sources.clone();
    inputs.extend(files(folder, "h")?);
    inputs.extend(files(&folder.join("include"), "h").unwrap_or_default());
    if !is_newer(&module, &inputs) {
        compile(folder, &scratch, &sources, &module)?;
    }
    read(&module)
}

/// Writes the bindings of the guest's world and lists what has to be compiled or linked.
fn generate(home: &Home, folder: &Path, scratch: &Path) -> Result<Vec<PathBuf>> {
    let manifest = folder.join(MANIFEST);
    let table: toml::Table = read_text(&manifest)?
        .parse()
        .with_context(|| format!("{} is malformed", manifest.display()))?;
    let world = table.get("world").and_then(|world| world.as_str());
    let world = world.with_context(|| format!("{} names no world", manifest.display()))?;
    bindings::c(&home.root.join("wit"), world, scratch)
}

fn compile(folder: &Path, scratch: &Path, sources: &[PathBuf], module: &Path) -> Result<()> {
    let (compiler, linker) = toolchains::clang()?;
    let mut command = Command::new(compiler);
    // The bindings are compiled by their bare name and the guest's files by theirs, so that no
    // path of this machine gets into the module.
    command.args(["--target=wasm32-unknown-unknown", "-std=c17", "-Oz", "-mbulk-memory"]);
    command.args(["-Wall", "-Wextra", "-Werror", "-ffreestanding", "-nostdlib"]);
    command.arg("-I").arg(scratch).arg("-I").arg(folder);
    command.arg("-isystem").arg(folder.join("include"));
    command.args(sources);
    command.args(["-Wl,--no-entry,--strip-debug", &format!("-fuse-ld={linker}"), "-o"]).arg(module);
    run(&mut command)
}

/// The files of a folder with an ending, sorted.
fn files(folder: &Path, ending: &str) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.extension().is_some_and(|found| found == ending) {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}
