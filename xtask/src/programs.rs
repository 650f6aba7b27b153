//! Programs of stock toolchains, in a system of the scenarios: `tests/wasi`.
//!
//! They are built as anybody would build them, and know nothing of Atoll. What comes out is packed
//! as it is: a component, and a core module of WASI's first preview.

use anyhow::Result;
use atoll::files::{read, read_text, write_if_changed};
use atoll::home::Home;
use atoll::process::{run, step};
use atoll::{DEFAULT_SYSTEM, toolchains};
use atoll_scenarios::Skip;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Their lines of the system description, from the repository's root.
const SYSTEM: &str = "tests/wasi/system.toml";
/// The target of programs in Rust.
const TARGET: &str = "wasm32-wasip2";

/// Whether a system, by its name, is the one that has them.
pub(crate) fn are_in(system: &Path) -> bool {
    system == Path::new(SYSTEM)
}

/// The description of their system: the default one with their lines. They are there afterwards.
///
/// # Errors
/// [`Skip`] if a toolchain is not installed.
pub(crate) fn description(home: &Home) -> Result<PathBuf> {
    if !home.has_target(TARGET)? {
        return Err(
            Skip("the compiler has no library for wasm32-wasip2: `make setup`".into()).into()
        );
    }
    if toolchains::wasi_sysroot().is_err() {
        return Err(
            Skip("there is no C library for WebAssembly: `make setup` installs it".into()).into()
        );
    }
    step("building the programs of tests/wasi");
    let folder = home.target.join("wasi");
    write_if_changed(&folder.join("tour-rust.wasm"), &rust(home, &folder.join("rust"))?)?;
    write_if_changed(&folder.join("tour-c.wasm"), &c(home, &folder.join("c"))?)?;
    let mut text = read_text(&home.root.join(DEFAULT_SYSTEM))?;
    text.push_str(&read_text(&home.root.join(SYSTEM))?);
    let path = folder.join("system.toml");
    write_if_changed(&path, text.as_bytes())?;
    Ok(path)
}

fn rust(home: &Home, scratch: &Path) -> Result<Vec<u8>> {
    let mut cargo = home.plain_cargo("build");
    cargo.current_dir(home.root.join("tests/wasi/rust")).env("CARGO_TARGET_DIR", scratch);
    run(cargo.args(["--quiet", "--release", "--locked", "--target", TARGET]))?;
    read(&scratch.join(TARGET).join("release/tour.wasm"))
}

fn c(home: &Home, scratch: &Path) -> Result<Vec<u8>> {
    fs::create_dir_all(scratch)?;
    let (compiler, linker) = toolchains::clang()?;
    let sysroot = format!("--sysroot={}", toolchains::wasi_sysroot()?);
    let module = scratch.join("tour.wasm");
    let mut clang = Command::new(compiler);
    // Newer compilers warn of the target's old name.
    clang.args([toolchains::WASI, &sysroot, "-Wno-deprecated"]);
    clang.args(["-std=gnu17", "-O2", "-Wall", "-Wextra", "-Werror"]);
    clang.arg(home.root.join("tests/wasi/c/tour.c"));
    clang.args(["-Wl,--strip-debug", &format!("-fuse-ld={linker}"), "-o"]).arg(&module);
    run(&mut clang)?;
    read(&module)
}
