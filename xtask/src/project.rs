//! The tree, the target folder and cargo.

use anyhow::{Context, Result, bail};
use std::env;
use std::ffi::OsString;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Where everything is.
#[derive(Clone, Debug)]
pub(crate) struct Project {
    /// The root of the repository.
    pub(crate) root: PathBuf,
    /// Cargo's target folder.
    pub(crate) target: PathBuf,
}

impl Project {
    /// Finds the tree that this program was built from.
    pub(crate) fn find() -> Result<Self> {
        let manifest = Path::new(env!("CARGO_MANIFEST_DIR"));
        let root = manifest.parent().context("xtask has no parent folder")?.to_path_buf();
        let target = match env::var_os("CARGO_TARGET_DIR") {
            Some(folder) => env::current_dir()?.join(folder),
            None => root.join("target"),
        };
        Ok(Self { root, target })
    }

    /// A path from the command line: as seen from where the command was given or, like the
    /// defaults, from the root.
    pub(crate) fn path(&self, path: &Path) -> Result<PathBuf> {
        let here = env::current_dir()?.join(path);
        Ok(if here.exists() { here } else { self.root.join(path) })
    }

    /// Cargo for an artifact of the image: no path of this machine gets into what it builds, so
    /// that two trees give equal bytes.
    pub(crate) fn cargo(&self, subcommand: &str) -> Result<Command> {
        let mut command = self.plain_cargo(subcommand);
        let mut flags = vec![remap(&self.root, "."), remap(&cargo_home()?, "cargo")];
        flags.push(remap(&sysroot()?.join("lib/rustlib/src/rust"), "rust"));
        // The last that fits counts, and the target folder may be inside the tree or outside.
        flags.push(remap(&self.target, "target"));
        // The variable with this odd name keeps blanks inside a flag apart from those between.
        command.env("CARGO_ENCODED_RUSTFLAGS", flags.join("\x1f"));
        Ok(command)
    }

    /// Cargo for the host.
    pub(crate) fn plain_cargo(&self, subcommand: &str) -> Command {
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

/// The folder of the compiler's libraries.
pub(crate) fn sysroot() -> Result<PathBuf> {
    let mut command = Command::new(env::var_os("RUSTC").unwrap_or_else(|| OsString::from("rustc")));
    let output = command.args(["--print", "sysroot"]).output().context("cannot run rustc")?;
    Ok(String::from_utf8(output.stdout)?.trim().into())
}

/// Whether the compiler came with the libraries of a target, or they have to be built.
pub(crate) fn has_target(target: &str) -> Result<bool> {
    Ok(sysroot()?.join("lib/rustlib").join(target).join("lib").is_dir())
}

/// Says what is being done, so that nobody has to wonder about a quiet minute.
pub(crate) fn step(what: &str) {
    eprintln!("xtask: {what}");
}

/// Runs a command with its output on the terminal.
pub(crate) fn run(command: &mut Command) -> Result<()> {
    let name = command.get_program().to_string_lossy().into_owned();
    let status = command
        .status()
        .with_context(|| format!("cannot run {name}; `make setup` installs what is missing"))?;
    if !status.success() {
        let arguments: Vec<_> = command.get_args().map(|word| word.to_string_lossy()).collect();
        bail!("`{name} {}` failed ({status})", arguments.join(" "));
    }
    Ok(())
}

/// Writes a file unless it has these contents, so that what depends on it keeps its date. Whoever
/// reads it meanwhile sees the old file or the new one whole.
pub(crate) fn write_if_changed(path: &Path, bytes: &[u8]) -> Result<()> {
    if fs::read(path).is_ok_and(|old| old == bytes) {
        return Ok(());
    }
    let folder = path.parent().context("a file without a folder")?;
    fs::create_dir_all(folder)?;
    let written = tempfile::NamedTempFile::new_in(folder)
        .and_then(|mut file| file.write_all(bytes).map(|()| file))
        .and_then(|file| Ok(file.persist(path)?));
    written.map(drop).with_context(|| format!("cannot write {}", path.display()))
}
