//! The servers and programs of `servers-wasm`, built to components.
//!
//! A folder with a `Cargo.toml` is a Rust guest, one with a `server.toml` a C guest. The component
//! of `servers-wasm/NAME` is `target/components/NAME.wasm`.

use crate::files::{read, read_text, write_if_changed};
use crate::home::Home;
use crate::progress::working;
use crate::{c_guest, encode, wit};
use anyhow::{Context, Result, bail};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Rust's target for core modules without WASI.
pub const TARGET: &str = "wasm32-unknown-unknown";
/// Cargo's argument that builds its libraries, where the compiler came without or others are wanted.
pub const BUILD_STD: &str = "-Zbuild-std=std,panic_abort";

/// Targets of the standard library with WASI, for which guests outside this repository are built.
const WASI_TARGETS: [&str; 2] = ["wasm32-wasip1", "wasm32-wasip2"];

/// Bytes of a guest's stack in its linear memory, which is below all else there: what overflows it
/// traps. All of it is zeroed whenever the server is loaded, and counts against its quota; the
/// linker's default is a megabyte, of which none of the servers needs a tenth.
const STACK: u32 = 128 << 10;

/// Builds all components and gives their folder.
///
/// # Errors
/// If one does not build.
pub fn build(home: &Home) -> Result<PathBuf> {
    let _working = working("building the servers");
    wit::fill_deps(home)?;
    let out = folder(home);
    let (rust, c) = guests(&home.root.join("servers-wasm"))?;
    for (name, module) in build_rust(home, &rust)? {
        write_component(&out, &name, &read(&module)?)?;
    }
    for folder in c {
        write_component(&out, &name_of(&folder)?, &c_guest::build(home, &folder)?)?;
    }
    Ok(out)
}

/// The folder of the components, if all of them are built.
///
/// # Errors
/// If the folder of servers cannot be read.
pub fn found(home: &Home) -> Result<Option<PathBuf>> {
    let out = folder(home);
    let (rust, c) = guests(&home.root.join("servers-wasm"))?;
    for guest in rust.iter().chain(&c) {
        if !out.join(name_of(guest)?).with_extension("wasm").is_file() {
            return Ok(None);
        }
    }
    Ok(Some(out))
}

fn folder(home: &Home) -> PathBuf {
    home.target.join("components")
}

/// Cargo's arguments for the lints of the Rust guests. Lints need no small standard library, only
/// one at all.
///
/// # Errors
/// If the compiler does not run, or a folder is malformed.
pub fn lint_arguments(home: &Home) -> Result<Vec<String>> {
    let mut arguments = vec!["--target".to_owned(), TARGET.to_owned()];
    if !home.has_target(TARGET)? {
        arguments.push(BUILD_STD.to_owned());
    }
    for folder in guests(&home.root.join("servers-wasm"))?.0 {
        arguments.extend(["-p".to_owned(), package_of(&folder)?]);
    }
    Ok(arguments)
}

/// Cargo's arguments for the lints of the SDK, and of a server that uses it, on each target with WASI
/// that the compiler has.
///
/// # Errors
/// If the compiler does not run.
pub fn sdk_arguments(home: &Home) -> Result<Vec<Vec<String>>> {
    let mut runs = Vec::new();
    for target in WASI_TARGETS {
        if home.has_target(target)? {
            let arguments = ["--target", target, "-p", "atoll-sdk", "-p", "atoll-shelf"];
            runs.push(arguments.map(str::to_owned).to_vec());
        }
    }
    Ok(runs)
}

/// Sorts the folders by language.
fn guests(folder: &Path) -> Result<(Vec<PathBuf>, Vec<PathBuf>)> {
    let (mut rust, mut c) = (Vec::new(), Vec::new());
    for entry in
        fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))?
    {
        let path = entry?.path();
        match (path.join("Cargo.toml").is_file(), path.join(c_guest::MANIFEST).is_file()) {
            (true, false) => rust.push(path),
            (false, true) => c.push(path),
            (true, true) => {
                bail!("{} has both Cargo.toml and {}", path.display(), c_guest::MANIFEST)
            }
            // A folder in the making; a system that needs its component says that it is missing.
            (false, false) => {}
        }
    }
    rust.sort();
    c.sort();
    Ok((rust, c))
}

fn name_of(folder: &Path) -> Result<String> {
    let name = folder.file_name().and_then(|name| name.to_str());
    Ok(name.with_context(|| format!("{} has no plain name", folder.display()))?.to_owned())
}

/// Builds all Rust guests at once and lists their names and core modules.
fn build_rust(home: &Home, folders: &[PathBuf]) -> Result<Vec<(String, PathBuf)>> {
    let mut cargo = home.cargo("build")?;
    // Guests are interpreted, and every byte is translated at boot: no unwinding, no messages of
    // panics, which no one could read, and a standard library built for size: built for speed it
    // makes components 1 % larger and calls no faster.
    cargo.args(["--quiet", "--profile", "guest", "--target", TARGET]);
    cargo.args([BUILD_STD, "-Zbuild-std-features=optimize_for_size"]);
    cargo.arg("--message-format=json-render-diagnostics");
    let stack = format!("-Clink-arg=-zstack-size={STACK}");
    append_flags(&mut cargo, &["-Zunstable-options", "-Cpanic=immediate-abort", &stack]);
    for folder in folders {
        cargo.args(["-p", &package_of(folder)?]);
    }
    if folders.is_empty() {
        return Ok(Vec::new());
    }
    let output = cargo.stdout(Stdio::piped()).stderr(Stdio::inherit()).output()?;
    if !output.status.success() {
        bail!("the servers did not build ({})", output.status);
    }
    let modules = modules(std::str::from_utf8(&output.stdout)?);
    folders.iter().map(|folder| Ok((name_of(folder)?, module_of(folder, &modules)?))).collect()
}

/// Adds flags to those that [`Home::cargo`] set.
fn append_flags(cargo: &mut Command, flags: &[&str]) {
    let set = cargo.get_envs().find(|(name, _)| *name == "CARGO_ENCODED_RUSTFLAGS");
    let set = set.and_then(|(_, value)| value).map(|value| value.to_string_lossy().into_owned());
    let all: Vec<_> = set.iter().map(String::as_str).chain(flags.iter().copied()).collect();
    cargo.env("CARGO_ENCODED_RUSTFLAGS", all.join("\x1f"));
}

/// The package name in a folder's manifest.
fn package_of(folder: &Path) -> Result<String> {
    let path = folder.join("Cargo.toml");
    let manifest: toml::Table = read_text(&path)?.parse()?;
    let name = manifest.get("package").and_then(|package| package.get("name")?.as_str());
    Ok(name.with_context(|| format!("{} names no package", path.display()))?.to_owned())
}

/// Manifest and module of each library that cargo's messages tell of.
fn modules(messages: &str) -> Vec<(PathBuf, PathBuf)> {
    let module = |line: &str| {
        let message: serde_json::Value = serde_json::from_str(line).ok()?;
        let manifest = message.get("manifest_path")?.as_str()?;
        let files = message.get("filenames")?.as_array()?.iter().filter_map(|file| file.as_str());
        let module = files.into_iter().find(|file| file.ends_with(".wasm"))?;
        Some((manifest.into(), module.into()))
    };
    messages.lines().filter_map(module).collect()
}

fn module_of(folder: &Path, modules: &[(PathBuf, PathBuf)]) -> Result<PathBuf> {
    let manifest = folder.join("Cargo.toml");
    let found = modules.iter().find(|(path, _)| *path == manifest);
    Ok(found.with_context(|| format!("{} is no cdylib", folder.display()))?.1.clone())
}

/// Turns a core module with embedded types into a component, and checks it.
fn write_component(out: &Path, name: &str, module: &[u8]) -> Result<()> {
    let component =
        encode::component(module).with_context(|| format!("{name} cannot be made a component"))?;
    write_if_changed(&out.join(format!("{name}.wasm")), &component)
}
