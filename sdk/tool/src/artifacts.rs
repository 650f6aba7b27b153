//! The native parts: kernel, boot shim and domain image.

use crate::files::{read, write_if_changed};
use crate::home::Home;
use crate::process::run;
use crate::progress::working;
use crate::wit;
use anyhow::Result;
use std::path::PathBuf;

/// The target of kernel and shim.
pub const BARE: &str = "x86_64-unknown-none";
/// The domain image's target, without the ending `.json`.
pub const DOMAIN: &str = "x86_64-atoll-domain";

/// How libraries are built that the compiler did not bring along.
pub const BUILD_STD: [&str; 2] =
    ["-Zbuild-std=core,alloc", "-Zbuild-std-features=compiler-builtins-mem"];

/// The native files of an image.
#[derive(Clone, Debug)]
pub struct Artifacts {
    /// The kernel.
    pub kernel: PathBuf,
    /// The boot shim.
    pub shim: PathBuf,
    /// The domain image.
    pub runtime: PathBuf,
}

/// Where cargo puts the kernel.
#[must_use]
pub fn kernel(home: &Home) -> PathBuf {
    home.target.join(BARE).join("release/atoll-kernel")
}

impl Artifacts {
    /// Kernel and shim where cargo puts them, and a domain image.
    #[must_use]
    pub fn of(home: &Home, runtime: PathBuf) -> Self {
        let kernel = kernel(home);
        Self { shim: kernel.with_file_name("atoll-boot-shim"), kernel, runtime }
    }
}

/// Builds all three.
///
/// # Errors
/// If one does not build.
pub fn build(home: &Home, testing: bool) -> Result<Artifacts> {
    wit::fill_deps(home)?;
    build_bare(home)?;
    Ok(Artifacts::of(home, build_runtime(home, testing)?))
}

/// Those without test interfaces, if they are all built.
#[must_use]
pub fn found(home: &Home) -> Option<Artifacts> {
    let artifacts = Artifacts::of(home, runtime_copy(home, false));
    let is_built =
        [&artifacts.kernel, &artifacts.shim, &artifacts.runtime].iter().all(|file| file.is_file());
    is_built.then_some(artifacts)
}

/// Cargo's arguments for kernel and shim, which share a target: soft float, so that they never
/// touch vector registers.
///
/// # Errors
/// If the compiler does not run.
pub fn bare_arguments(home: &Home) -> Result<Vec<String>> {
    let mut arguments = vec!["--target", BARE];
    arguments.extend(["-p", "atoll-kernel", "--features", "atoll-kernel/metal"]);
    arguments.extend(["-p", "atoll-boot-shim", "--features", "atoll-boot-shim/loader"]);
    if !home.has_target(BARE)? {
        arguments.extend(BUILD_STD);
    }
    Ok(arguments.into_iter().map(str::to_owned).collect())
}

/// Cargo's arguments for the domain image.
#[must_use]
pub fn runtime_arguments(testing: bool) -> Vec<String> {
    let target = format!("wasm-runtime/image/{DOMAIN}.json");
    let mut arguments = vec!["-Zjson-target-spec", "--target", &target, "-p", "atoll-image"];
    arguments.extend(BUILD_STD);
    if testing {
        arguments.extend(["--features", "atoll-image/testing"]);
    }
    arguments.into_iter().map(str::to_owned).collect()
}

/// Builds kernel and boot shim.
///
/// # Errors
/// If they do not build.
pub fn build_bare(home: &Home) -> Result<()> {
    let _working = working("building the kernel and the boot shim");
    run(home.cargo("build")?.args(["--quiet", "--release"]).args(bare_arguments(home)?))
}

/// Builds the domain image, with or without its test interfaces. Both variants stay in cargo's
/// cache; each gets a copy of its own, because cargo puts both under one name.
fn build_runtime(home: &Home, testing: bool) -> Result<PathBuf> {
    let _working = working("building the domain image; the first time takes minutes");
    let mut cargo = home.cargo("build")?;
    cargo.args(["--quiet", "--release"]).args(runtime_arguments(testing));
    run(&mut cargo)?;
    let built = home.target.join(DOMAIN).join("release/runtime");
    let copy = runtime_copy(home, testing);
    write_if_changed(&copy, &read(&built)?)?;
    Ok(copy)
}

fn runtime_copy(home: &Home, testing: bool) -> PathBuf {
    home.target.join(if testing { "runtime-testing.elf" } else { "runtime.elf" })
}
