//! The interfaces in `wit/`, and the dependencies that they take.

use crate::home::Home;
use anyhow::{Context, Result};
use std::fs;
use std::path::Path;

/// The package that carries WASI's WIT files.
const WASI_PACKAGE: &str = "wasip2";
/// Says which version of it `wit/deps` was filled from.
const STAMP: &str = ".version";

/// Fills `wit/deps` with WASI's interfaces and with links to the packages of `wit/`, unless that
/// was done.
///
/// # Errors
/// If cargo does not have WASI's interfaces, or a file cannot be written.
pub fn fill_deps(home: &Home) -> Result<()> {
    let wit = home.root.join("wit");
    let deps = wit.join("deps");
    let version = locked_version(&fs::read_to_string(home.root.join("Cargo.lock"))?)?;
    let stamp = deps.join(STAMP);
    if fs::read_to_string(&stamp).ok().as_deref() != Some(&version) {
        let source = home.crate_folder(is_wasi)?.join("wit/deps");
        fs::create_dir_all(&deps)?;
        for file in
            fs::read_dir(&source).with_context(|| format!("cannot read {}", source.display()))?
        {
            let file = file?;
            fs::copy(file.path(), deps.join(file.file_name()))?;
        }
        fs::write(&stamp, &version)?;
    }
    for entry in fs::read_dir(&wit)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() && entry.file_name() != "deps" {
            let name = entry.file_name().to_string_lossy().into_owned();
            link(&Path::new("..").join(&name), &deps.join(format!("atoll-{name}")))?;
        }
    }
    Ok(())
}

fn link(to: &Path, at: &Path) -> Result<()> {
    let is_there = || fs::read_link(at).is_ok_and(|old| old == to);
    if is_there() {
        return Ok(());
    }
    match std::os::unix::fs::symlink(to, at) {
        // Another build was faster.
        Err(_) if is_there() => Ok(()),
        made => made.with_context(|| format!("cannot make {}", at.display())),
    }
}

/// Whether a package is the pinned one with WASI's interfaces.
fn is_wasi(name: &str, version: &str) -> bool {
    name == WASI_PACKAGE && version.starts_with("1.0.4+")
}

/// The version of WASI's package in the lock file.
fn locked_version(lock: &str) -> Result<String> {
    let lock: toml::Table = lock.parse()?;
    let packages = lock.get("package").and_then(|packages| packages.as_array());
    let field = |package: &toml::Value, key: &str| Some(package.get(key)?.as_str()?.to_owned());
    let ours = |package: &&toml::Value| {
        let (name, version) = (field(package, "name"), field(package, "version"));
        name.zip(version).is_some_and(|(name, version)| is_wasi(&name, &version))
    };
    let package = packages.and_then(|packages| packages.iter().find(ours));
    let version = package.and_then(|package| package.get("version")?.as_str());
    Ok(version.context("Cargo.lock does not hold wasip2 1.0.4")?.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lock_file_pins_wasi() {
        let lock = "[[package]]\nname = \"wasip2\"\nversion = \"2.0.1+x\"\n\n\
            [[package]]\nname = \"wasip2\"\nversion = \"1.0.4+wasi-0.2.12\"\n";
        assert_eq!(locked_version(lock).unwrap(), "1.0.4+wasi-0.2.12");
        assert!(locked_version("version = 4\n").is_err());
    }
}
