//! The toolchains that are installed before. [`crate::downloads`] has the others.

use crate::home::Home;
use anyhow::{Context, Result, bail};
use std::path::{Path, PathBuf};
use std::process::Command;

/// clang's argument for WASI: the target by the name under which the distribution has its library.
pub const WASI: &str = "--target=wasm32-wasi";
/// Where the distribution's C library for WebAssembly is.
const WASI_SYSROOT: &str = "/usr";

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

/// A target for which the compiler that builds Atoll has the standard library.
///
/// # Errors
/// If it has not.
pub fn rust<'a>(home: &Home, target: &'a str) -> Result<&'a str> {
    if !home.has_target(target)? {
        bail!("the compiler has no library for {target}; `make setup` installs it where it can");
    }
    Ok(target)
}

/// clang's arguments for C++ that find the standard library for WebAssembly, which the distribution
/// has in the folder of its compiler.
///
/// # Errors
/// If it is not there.
pub fn libcxx() -> Result<Vec<String>> {
    let (compiler, _) = clang()?;
    let version = compiler.strip_prefix("clang").unwrap_or_default();
    let output = Command::new(compiler).arg("-print-resource-dir").output()?;
    let resources = PathBuf::from(String::from_utf8_lossy(&output.stdout).trim());
    // LLVM/lib/clang/VERSION
    let llvm = resources.ancestors().nth(3).context("the compiler is in no folder of LLVM")?;
    let (headers, library) =
        (llvm.join("include/wasm32-wasi/c++/v1"), llvm.join("lib/wasm32-wasi"));
    if !headers.is_dir() || !library.join("libc++.a").is_file() {
        bail!(
            "no C++ library for WebAssembly is installed: \
             `sudo apt-get install libc++{version}-dev-wasm32`"
        );
    }
    let (headers, library) = (headers.display().to_string(), library.display().to_string());
    Ok(vec!["-nostdinc++".to_owned(), "-isystem".to_owned(), headers, format!("-L{library}")])
}

/// A compiler of the distribution that `make setup` does not install.
///
/// # Errors
/// If it is not there; the package has its name.
pub fn program(name: &str) -> Result<String> {
    in_path(name).with_context(|| {
        format!(
            "{name} is not installed: `sudo apt-get install {name}`, where the distribution has it"
        )
    })
}
