//! The native parts: kernel, boot shim and domain image.

use crate::project::{Project, has_target, run};
use crate::wit;
use anyhow::Result;
use std::path::PathBuf;

const BARE: &str = "x86_64-unknown-none";
/// The domain image's target, without the ending `.json`.
const DOMAIN: &str = "x86_64-atoll-domain";

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

/// Builds kernel and shim, which share a target: soft float, so that they never touch vector
/// registers.
fn build_bare(project: &Project) -> Result<()> {
    let mut cargo = project.cargo("build")?;
    cargo.args(["--quiet", "--release", "--target", BARE]);
    cargo.args(["-p", "atoll-kernel", "--features", "atoll-kernel/metal"]);
    cargo.args(["-p", "atoll-boot-shim", "--features", "atoll-boot-shim/loader"]);
    if !has_target(BARE)? {
        cargo.args(["-Zbuild-std=core,alloc", "-Zbuild-std-features=compiler-builtins-mem"]);
    }
    run(&mut cargo)
}

/// Builds the domain image, with or without its test interfaces. The two have target folders of
/// their own, or each build would throw the other's away.
fn build_runtime(project: &Project, testing: bool) -> Result<PathBuf> {
    let folder = project.target.join(if testing { "runtime-testing" } else { "runtime" });
    let mut cargo = project.cargo("build")?;
    cargo.args(["--quiet", "--release", "-p", "atoll-image", "-Zjson-target-spec"]);
    cargo.arg("--target").arg(project.root.join(format!("wasm-runtime/image/{DOMAIN}.json")));
    cargo.args(["-Zbuild-std=core,alloc", "-Zbuild-std-features=compiler-builtins-mem"]);
    cargo.env("CARGO_TARGET_DIR", &folder);
    if testing {
        cargo.args(["--features", "atoll-image/testing"]);
    }
    run(&mut cargo)?;
    Ok(folder.join(DOMAIN).join("release/runtime"))
}
