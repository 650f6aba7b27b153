//! The native parts in the variants that are made for measuring and testing.

use anyhow::Result;
use atoll::artifacts::{
    Artifacts, BARE, BUILD_STD, DOMAIN, bare_arguments, build, build_bare, runtime_arguments,
};
use atoll::files::{read, write_if_changed};
use atoll::home::Home;
use atoll::process::{run, step};
use atoll::wit;
use std::path::PathBuf;

/// Cargo's arguments for the domain image that executes scripts of test suites.
pub(crate) fn conformance_arguments() -> Vec<String> {
    let mut arguments = runtime_arguments(false);
    arguments.extend(["--features", "atoll-image/conformance"].map(str::to_owned));
    arguments.extend(["--bin", "conformance"].map(str::to_owned));
    arguments
}

/// Builds the native parts with that image in the domain image's place.
pub(crate) fn build_conformance(home: &Home) -> Result<Artifacts> {
    wit::fill_deps(home)?;
    build_bare(home)?;
    step("building the domain image that executes scripts");
    run(home.cargo("build")?.args(["--quiet", "--release"]).args(conformance_arguments()))?;
    Ok(Artifacts::of(home, home.target.join(DOMAIN).join("release/conformance")))
}

/// Cargo's arguments for the program that measures the kernel.
pub(crate) fn probe_arguments(home: &Home) -> Result<Vec<String>> {
    let mut arguments = vec!["--target", BARE, "-p", "atoll-probe"];
    if !home.has_target(BARE)? {
        arguments.extend(BUILD_STD);
    }
    Ok(arguments.into_iter().map(str::to_owned).collect())
}

/// Builds the probe, which takes the domain image's place in benchmarks.
pub(crate) fn build_probe(home: &Home) -> Result<PathBuf> {
    run(home.cargo("build")?.args(["--quiet", "--release"]).args(probe_arguments(home)?))?;
    Ok(home.target.join(BARE).join("release/atoll-probe"))
}

/// Builds the native parts with test interfaces and with a kernel that injects faults on order. The
/// kernel gets a copy of its own, and the plain one its place back.
pub(crate) fn build_injecting(home: &Home) -> Result<Artifacts> {
    wit::fill_deps(home)?;
    step("building the kernel that injects faults");
    let mut cargo = home.cargo("build")?;
    cargo.args(["--quiet", "--release"]).args(bare_arguments(home)?);
    run(cargo.args(["--features", "atoll-kernel/inject"]))?;
    let built = home.target.join(BARE).join("release/atoll-kernel");
    let kernel = home.target.join("kernel-inject");
    write_if_changed(&kernel, &read(&built)?)?;
    let artifacts = build(home, true)?;
    Ok(Artifacts { kernel, ..artifacts })
}
