//! Atoll's checkout, in which everything is built, its target folder, and cargo.

use anyhow::{Context, Result, bail};
use std::env;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Where another checkout than the one that the program was built from is.
pub(crate) const VARIABLE: &str = "ATOLL_HOME";
/// What no checkout is without.
const LANDMARK: &str = "wasm-runtime/Cargo.toml";

/// Where everything is.
#[derive(Clone, Debug)]
pub struct Home {
    /// The root of the repository.
    pub root: PathBuf,
    /// Cargo's target folder.
    pub target: PathBuf,
}

impl Home {
    /// Finds the checkout: the one that `ATOLL_HOME` names or else that which this program was
    /// built from.
    ///
    /// # Errors
    /// If it is not there any more.
    pub fn find() -> Result<Self> {
        let built_from = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2);
        let root = match env::var_os(VARIABLE) {
            Some(folder) => env::current_dir()?.join(folder),
            None => built_from.context("the tool is in no checkout")?.to_path_buf(),
        };
        if !root.join(LANDMARK).is_file() {
            bail!(
                "{} is no checkout of Atoll; set {VARIABLE} to the folder of one",
                root.display()
            );
        }
        let target = match env::var_os("CARGO_TARGET_DIR") {
            Some(folder) => env::current_dir()?.join(folder),
            None => root.join("target"),
        };
        Ok(Self { root, target })
    }

    /// A path from the command line: as seen from where the command was given or, like the
    /// defaults, from the root.
    ///
    /// # Errors
    /// If the folder that the command was given in is gone.
    pub fn path(&self, path: &Path) -> Result<PathBuf> {
        let here = env::current_dir()?.join(path);
        Ok(if here.exists() { here } else { self.root.join(path) })
    }

    /// Cargo for an artifact of the image: no path of this machine gets into what it builds, so
    /// that two trees give equal bytes.
    ///
    /// # Errors
    /// If the compiler does not run.
    pub fn cargo(&self, subcommand: &str) -> Result<Command> {
        let mut command = self.plain_cargo(subcommand);
        let mut flags = vec![remap(&self.root, "."), remap(&cargo_home()?, "cargo")];
        flags.push(remap(&self.sysroot()?.join("lib/rustlib/src/rust"), "rust"));
        // The last that fits counts, and the target folder may be inside the tree or outside.
        flags.push(remap(&self.target, "target"));
        // The variable with this odd name keeps blanks inside a flag apart from those between.
        command.env("CARGO_ENCODED_RUSTFLAGS", flags.join("\x1f"));
        Ok(command)
    }

    /// Cargo for the host.
    #[must_use]
    pub fn plain_cargo(&self, subcommand: &str) -> Command {
        let mut command =
            Command::new(env::var_os("CARGO").unwrap_or_else(|| OsString::from("cargo")));
        command
            .current_dir(&self.root)
            .arg(subcommand)
            .env("CARGO_TARGET_DIR", &self.target)
            .env("RUSTC_BOOTSTRAP", "1")
            .env_remove("RUSTFLAGS");
        command
    }

    /// The folder of the compiler and its libraries: the compiler that the checkout asks for, from
    /// wherever the command was given.
    ///
    /// # Errors
    /// If it does not run.
    pub fn sysroot(&self) -> Result<PathBuf> {
        let mut command =
            Command::new(env::var_os("RUSTC").unwrap_or_else(|| OsString::from("rustc")));
        command.current_dir(&self.root).args(["--print", "sysroot"]);
        let output = command.output().context("cannot run rustc; `make setup` installs it")?;
        if !output.status.success() {
            bail!("rustc failed:\n{}", String::from_utf8_lossy(&output.stderr));
        }
        Ok(String::from_utf8(output.stdout)?.trim().into())
    }

    /// Whether the compiler came with the libraries of a target, or they have to be built.
    ///
    /// # Errors
    /// If it does not run.
    pub fn has_target(&self, target: &str) -> Result<bool> {
        Ok(self.sysroot()?.join("lib/rustlib").join(target).join("lib").is_dir())
    }

    /// The folder of the crate with a wanted name and version that the workspace is locked to,
    /// which cargo has downloaded or downloads now.
    ///
    /// # Errors
    /// If there is none, or cargo fails.
    pub fn crate_folder(&self, is_wanted: impl Fn(&str, &str) -> bool) -> Result<PathBuf> {
        let mut cargo = self.plain_cargo("metadata");
        let output =
            cargo.args(["--format-version=1", "--locked"]).output().context("cannot run cargo")?;
        if !output.status.success() {
            bail!("cargo metadata failed:\n{}", String::from_utf8_lossy(&output.stderr));
        }
        let metadata: serde_json::Value = serde_json::from_slice(&output.stdout)?;
        let packages = metadata.get("packages").and_then(|packages| packages.as_array());
        let is_wanted = |package: &&serde_json::Value| {
            let field = |key| package.get(key).and_then(serde_json::Value::as_str);
            field("name")
                .zip(field("version"))
                .is_some_and(|(name, version)| is_wanted(name, version))
        };
        let package = packages.and_then(|packages| packages.iter().find(is_wanted));
        let manifest = package.and_then(|package| package.get("manifest_path")?.as_str());
        let manifest = manifest.context("Cargo.lock does not hold a crate that is needed")?;
        Ok(Path::new(manifest).with_file_name(""))
    }
}

fn remap(from: &Path, to: &str) -> String {
    format!("--remap-path-prefix={}={to}", from.display())
}

fn cargo_home() -> Result<PathBuf> {
    match env::var_os("CARGO_HOME") {
        Some(folder) => Ok(folder.into()),
        None => Ok(Path::new(&env::var_os("HOME").context("HOME is not set")?).join(".cargo")),
    }
}
