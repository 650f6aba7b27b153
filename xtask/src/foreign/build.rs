//! From sources to components, as the documentation of each toolchain says.

use super::language::Language;
use anyhow::{Context, Result};
use atoll::files::{read, write_if_changed};
use atoll::home::Home;
use atoll::process::{run, step};
use atoll::toolchains;
use atoll::{bindings, components, downloads, encode, wit};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The world of all servers.
const WORLD: &str = "atoll:servers/tally";
/// Rust's target that makes components.
const COMPONENTS: &str = "wasm32-wasip2";

/// No symbols, and the bindings may use what the Go runtime keeps to itself, as their
/// documentation wants it.
const GO_LINKER: &str = "-ldflags=-s -w -checklinkname=0";
/// Builds the component of a language, unless it is there and nothing changed.
pub(super) fn build(home: &Home, language: Language) -> Result<()> {
    let inputs = language.inputs(home)?;
    if is_current(home, language, &inputs) {
        return Ok(());
    }
    wit::fill_deps(home)?;
    step(&format!("building the server in {}", language.title()));
    let scratch = language.scratch(home);
    fs::create_dir_all(&scratch)?;
    let component = match language {
        Language::Rust => rust(home, &scratch)?,
        Language::C => c(home, &scratch)?,
        Language::Go => go(home, &scratch)?,
        Language::Javascript => javascript(home, &scratch)?,
        Language::Python => python(home, &scratch)?,
    };
    write_if_changed(&language.component(home), &component)?;
    write_if_changed(&stamp(home, language), &inputs)
}

/// Whether the component of a language is there and made from these inputs.
pub(super) fn is_current(home: &Home, language: Language, inputs: &[u8]) -> bool {
    language.component(home).is_file()
        && fs::read(stamp(home, language)).is_ok_and(|made_from| made_from == inputs)
}

fn stamp(home: &Home, language: Language) -> PathBuf {
    home.target.join("foreign").join(format!("{}.inputs", language.name()))
}

/// `cargo build --target wasm32-wasip2` makes a component by itself. A compiler without the
/// libraries for that target builds them for the bare one, and the module is made a component here.
fn rust(home: &Home, scratch: &Path) -> Result<Vec<u8>> {
    let mut cargo = home.plain_cargo("build");
    cargo.current_dir(Language::Rust.folder(home)).env("CARGO_TARGET_DIR", scratch);
    cargo.args(["--quiet", "--release", "--locked"]);
    if home.has_target(COMPONENTS)? {
        run(cargo.args(["--target", COMPONENTS]))?;
        return read(&scratch.join(COMPONENTS).join("release/tally.wasm"));
    }
    cargo.args(["--target", components::TARGET]);
    if !home.has_target(components::TARGET)? {
        cargo.arg(components::BUILD_STD);
    }
    run(&mut cargo)?;
    let module = read(&scratch.join(components::TARGET).join("release/tally.wasm"))?;
    encode::component(&module)
}

/// clang with wasi-libc, and bindings of wit-bindgen, which come with the types of the component.
fn c(home: &Home, scratch: &Path) -> Result<Vec<u8>> {
    let bindings = bindings::c(&home.root.join("wit"), WORLD, scratch)?;
    let (compiler, linker) = toolchains::clang()?;
    let sysroot = format!("--sysroot={}", toolchains::wasi_sysroot()?);
    let module = scratch.join("tally.wasm");
    let mut clang = Command::new(compiler);
    // Newer compilers warn of the target's old name.
    clang.args([toolchains::WASI, &sysroot, "-mexec-model=reactor", "-std=c17"]);
    clang.args(["-O2", "-Wall", "-Wextra", "-Werror", "-Wno-deprecated", "-I"]).arg(scratch);
    clang.arg(Language::C.folder(home).join("tally.c"));
    clang.args(bindings);
    clang.args(["-Wl,--strip-debug", &format!("-fuse-ld={linker}"), "-o"]).arg(&module);
    run(&mut clang)?;
    encode::component(&read(&module)?)
}

/// The Go compiler, with bindings of wit-bindgen and the package that they share, which comes with
/// wit-bindgen too.
fn go(home: &Home, scratch: &Path) -> Result<Vec<u8>> {
    let mut go = tool(home, "go")?;
    let wit = home.root.join("wit");
    bindings::go(home, &wit, WORLD, scratch)?;
    let folder = scratch.join("export_atoll_testing_tally");
    for source in fs::read_dir(Language::Go.folder(home))? {
        let source = source?.path();
        if source.extension().is_some_and(|ending| ending == "go") {
            let name = source.file_name().context("a file without a name")?;
            write_if_changed(&folder.join(name), &read(&source)?)?;
        }
    }
    go.current_dir(scratch).env("GOCACHE", scratch.join("cache"));
    go.env("GOTOOLCHAIN", "local").env("GOFLAGS", "-mod=mod").env("GOPROXY", "off");
    go.env("GOOS", "wasip1").env("GOARCH", "wasm");
    go.args(["build", "-trimpath", "-buildmode=c-shared", GO_LINKER, "-o", "tally.wasm", "."]);
    run(&mut go)?;
    let mut module = read(&scratch.join("tally.wasm"))?;
    encode::embed(&mut module, &wit, WORLD)?;
    encode::component(&module)
}

/// jco with its QuickJS backend, without asynchronous functions and without WASI.
fn javascript(home: &Home, scratch: &Path) -> Result<Vec<u8>> {
    let component = scratch.join("tally.wasm");
    let mut jco = tool(home, "jco")?;
    jco.arg("componentize").arg(Language::Javascript.folder(home).join("app.js"));
    jco.arg("--wit").arg(home.root.join("wit")).args(["--world-name", WORLD]);
    jco.args(["--backend", "quickjs", "--backend-qjs-disable-async", "--backend-qjs-stub-wasi"]);
    run(jco.arg("-o").arg(&component))?;
    read(&component)
}

/// componentize-py, without WASI.
fn python(home: &Home, scratch: &Path) -> Result<Vec<u8>> {
    let component = scratch.join("tally.wasm");
    let mut tool = tool(home, "componentize-py")?;
    tool.arg("--quiet").arg("-d").arg(home.root.join("wit")).args(["-w", WORLD]);
    tool.args(["componentize", "--stub-wasi", "-p"]).arg(Language::Python.folder(home));
    run(tool.args(["app", "-o"]).arg(&component))?;
    read(&component)
}

/// A toolchain that is downloaded if it is not there.
fn tool(home: &Home, name: &str) -> Result<Command> {
    let download = downloads::of(name).with_context(|| format!("{name} is not pinned"))?;
    let words = download.command(home)?;
    let (program, arguments) = words.split_first().context("a toolchain without a program")?;
    let mut command = Command::new(program);
    command.args(arguments);
    Ok(command)
}
