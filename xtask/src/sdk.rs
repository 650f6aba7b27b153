//! `cargo xtask sdk`: the host tool and what it takes.

use anyhow::Result;
use atoll::home::Home;
use atoll::process::{run, step};
use atoll::{artifacts, components};

/// What the kernel's profile asks for takes minutes, and gains a tool for the host nothing.
const FAST: [&str; 4] =
    ["--config", "profile.release.lto=false", "--config", "profile.release.codegen-units=16"];

/// Builds the native parts, the components and `target/release/atoll`.
pub(crate) fn build(home: &Home) -> Result<()> {
    artifacts::build(home, false)?;
    components::build(home)?;
    step("building the host tool");
    run(home.plain_cargo("build").args(["--quiet", "--release", "-p", "atoll"]).args(FAST))?;
    println!("{}", home.target.join("release/atoll").display());
    Ok(())
}
