//! Guests in C: `*.c` in a folder with a `server.toml` that names the world.
//!
//! ```toml
//! world = "atoll:servers/program"   # a world of wit/
//! ```
//!
//! The bindings (`NAME.h` and `NAME.c`, after the world) are generated into the target folder by
//! `wit-bindgen-c`. The guest is freestanding: what it needs of a C library it brings along, with
//! headers in its folder `include`.

use crate::project::{Project, run, write_if_changed};
use crate::wit;
use anyhow::{Context, Result, bail};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use wit_bindgen_core::Files;

/// The file that makes a folder a C guest.
pub(crate) const MANIFEST: &str = "server.toml";

/// Compilers to try, newest first, each with the linker that belongs to it.
const COMPILERS: [(&str, &str); 2] = [("clang-22", "wasm-ld-22"), ("clang", "wasm-ld")];

/// Builds the core module of a C guest, its types embedded.
pub(crate) fn build(project: &Project, folder: &Path) -> Result<Vec<u8>> {
    let name = folder.file_name().context("a guest without a name")?;
    let scratch = project.target.join("guest-c").join(name);
    let bindings = generate(project, folder, &scratch)?;
    let module = scratch.join("module.wasm");
    let mut sources = files(folder, "c")?;
    sources.extend(bindings);
    let mut inputs = sources.clone();
    inputs.extend(files(folder, "h")?);
    inputs.extend(files(&folder.join("include"), "h").unwrap_or_default());
    if !is_newer(&module, &inputs) {
        compile(folder, &scratch, &sources, &module)?;
    }
    fs::read(&module).with_context(|| format!("cannot read {}", module.display()))
}

/// Writes the bindings of the guest's world and lists what has to be compiled or linked.
fn generate(project: &Project, folder: &Path, scratch: &Path) -> Result<Vec<PathBuf>> {
    let manifest = folder.join(MANIFEST);
    let table: toml::Table = fs::read_to_string(&manifest)?
        .parse()
        .with_context(|| format!("{} is malformed", manifest.display()))?;
    let world = table.get("world").and_then(|world| world.as_str());
    let world = world.with_context(|| format!("{} names no world", manifest.display()))?;
    let (mut resolve, package) = wit::resolve(project)?;
    let world = resolve.select_world(&[package], Some(world))?;
    let mut files = Files::default();
    wit_bindgen_c::Opts::default().build().generate(&mut resolve, world, &mut files)?;
    let mut sources = Vec::new();
    for (name, bytes) in files.iter() {
        let path = scratch.join(name);
        write_if_changed(&path, bytes)?;
        if name.ends_with(".c") || name.ends_with(".o") {
            sources.push(path);
        }
    }
    Ok(sources)
}

fn compile(folder: &Path, scratch: &Path, sources: &[PathBuf], module: &Path) -> Result<()> {
    let (compiler, linker) = compiler()?;
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

/// The first compiler that is installed and can make WebAssembly.
pub(crate) fn compiler() -> Result<(&'static str, String)> {
    for (compiler, linker) in COMPILERS {
        let targets = Command::new(compiler).arg("--print-targets").output();
        if targets.is_ok_and(|output| String::from_utf8_lossy(&output.stdout).contains("wasm32"))
            && let Some(linker) = in_path(linker)
        {
            return Ok((compiler, linker));
        }
    }
    bail!(
        "no clang with wasm-ld is installed (packages clang-22 and lld-22, or clang and lld); `make setup` installs them"
    )
}

fn in_path(name: &str) -> Option<String> {
    let path = std::env::var_os("PATH")?;
    let found =
        std::env::split_paths(&path).map(|folder| folder.join(name)).find(|file| file.is_file())?;
    Some(found.to_string_lossy().into_owned())
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

/// Whether a file exists and is newer than all that it was made from.
fn is_newer(made: &Path, from: &[PathBuf]) -> bool {
    let time = |path: &Path| fs::metadata(path).and_then(|data| data.modified()).ok();
    time(made)
        .is_some_and(|made| from.iter().all(|path| time(path).is_some_and(|from| from < made)))
}
