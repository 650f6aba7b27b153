//! The native parts: kernel, boot shim and domain image.

use crate::project::{Project, has_target, run, step, write_if_changed};
use crate::wit;
use anyhow::{Context, Result};
use std::fs;
use std::path::PathBuf;

const BARE: &str = "x86_64-unknown-none";
/// The domain image's target, without the ending `.json`.
pub(crate) const DOMAIN: &str = "x86_64-atoll-domain";

/// How libraries are built that the compiler did not bring along.
const BUILD_STD: [&str; 2] =
    ["-Zbuild-std=core,alloc", "-Zbuild-std-features=compiler-builtins-mem"];

/// The native files of an image.
#[derive(Clone, Debug)]
pub(crate) struct Artifacts {
    /// The kernel.
    pub(crate) kernel: PathBuf,
    /// The boot shim.
    pub(crate) shim: PathBuf,
    /// The domain image.
    pub(crate) runtime: PathBuf,
}

/// Builds all three.
pub(crate) fn build(project: &Project, testing: bool) -> Result<Artifacts> {
    wit::fill_deps(project)?;
    let bare = project.target.join(BARE).join("release");
    build_bare(project)?;
    let runtime = build_runtime(project, testing)?;
    Ok(Artifacts { kernel: bare.join("atoll-kernel"), shim: bare.join("atoll-boot-shim"), runtime })
}

/// Cargo's arguments for kernel and shim, which share a target: soft float, so that they never
/// touch vector registers.
pub(crate) fn bare_arguments() -> Result<Vec<String>> {
    let mut arguments = vec!["--target", BARE];
    arguments.extend(["-p", "atoll-kernel", "--features", "atoll-kernel/metal"]);
    arguments.extend(["-p", "atoll-boot-shim", "--features", "atoll-boot-shim/loader"]);
    if !has_target(BARE)? {
        arguments.extend(BUILD_STD);
    }
    Ok(arguments.into_iter().map(str::to_owned).collect())
}

/// Cargo's arguments for the domain image.
pub(crate) fn runtime_arguments(testing: bool) -> Vec<String> {
    let target = format!("wasm-runtime/image/{DOMAIN}.json");
    let mut arguments = vec!["-Zjson-target-spec", "--target", &target, "-p", "atoll-image"];
    arguments.extend(BUILD_STD);
    if testing {
        arguments.extend(["--features", "atoll-image/testing"]);
    }
    arguments.into_iter().map(str::to_owned).collect()
}

/// Cargo's arguments for the domain image that executes scripts of test suites.
pub(crate) fn conformance_arguments() -> Vec<String> {
    let mut arguments = runtime_arguments(false);
    arguments.extend(["--features", "atoll-image/conformance"].map(str::to_owned));
    arguments.extend(["--bin", "conformance"].map(str::to_owned));
    arguments
}

/// Builds the native parts with that image in the domain image's place.
pub(crate) fn build_conformance(project: &Project) -> Result<Artifacts> {
    wit::fill_deps(project)?;
    build_bare(project)?;
    step("building the domain image that executes scripts");
    run(project.cargo("build")?.args(["--quiet", "--release"]).args(conformance_arguments()))?;
    let bare = project.target.join(BARE).join("release");
    let runtime = project.target.join(DOMAIN).join("release/conformance");
    Ok(Artifacts { kernel: bare.join("atoll-kernel"), shim: bare.join("atoll-boot-shim"), runtime })
}

/// Cargo's arguments for the program that measures the kernel.
pub(crate) fn probe_arguments() -> Result<Vec<String>> {
    let mut arguments = vec!["--target", BARE, "-p", "atoll-probe"];
    if !has_target(BARE)? {
        arguments.extend(BUILD_STD);
    }
    Ok(arguments.into_iter().map(str::to_owned).collect())
}

/// Builds the probe, which takes the domain image's place in benchmarks.
pub(crate) fn build_probe(project: &Project) -> Result<PathBuf> {
    run(project.cargo("build")?.args(["--quiet", "--release"]).args(probe_arguments()?))?;
    Ok(project.target.join(BARE).join("release/atoll-probe"))
}

/// Builds the native parts with test interfaces and with a kernel that injects faults on order. The
/// kernel gets a copy of its own, and the plain one its place back.
pub(crate) fn build_injecting(project: &Project) -> Result<Artifacts> {
    wit::fill_deps(project)?;
    step("building the kernel that injects faults");
    let mut cargo = project.cargo("build")?;
    cargo.args(["--quiet", "--release"]).args(bare_arguments()?);
    run(cargo.args(["--features", "atoll-kernel/inject"]))?;
    let built = project.target.join(BARE).join("release/atoll-kernel");
    let kernel = project.target.join("kernel-inject");
    let bytes = fs::read(&built).with_context(|| format!("cannot read {}", built.display()))?;
    write_if_changed(&kernel, &bytes)?;
    let artifacts = build(project, true)?;
    Ok(Artifacts { kernel, ..artifacts })
}

fn build_bare(project: &Project) -> Result<()> {
    step("building the kernel and the boot shim");
    run(project.cargo("build")?.args(["--quiet", "--release"]).args(bare_arguments()?))
}

/// Builds the domain image, with or without its test interfaces. Both variants stay in cargo's
/// cache; each gets a copy of its own, because cargo puts both under one name.
fn build_runtime(project: &Project, testing: bool) -> Result<PathBuf> {
    step("building the domain image; the first time takes minutes");
    let mut cargo = project.cargo("build")?;
    cargo.args(["--quiet", "--release"]).args(runtime_arguments(testing));
    run(&mut cargo)?;
    let built = project.target.join(DOMAIN).join("release/runtime");
    let copy = project.target.join(if testing { "runtime-testing.elf" } else { "runtime.elf" });
    let bytes = fs::read(&built).with_context(|| format!("cannot read {}", built.display()))?;
    write_if_changed(&copy, &bytes)?;
    Ok(copy)
}
