//! From sources to components, as the documentation of each toolchain says.

use super::language::Language;
use super::tools;
use crate::project::{Project, has_target, run, step, write_if_changed};
use crate::{c_guest, wit};
use anyhow::{Context, Result};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use wasi_preview1_component_adapter_provider::{
    WASI_SNAPSHOT_PREVIEW1_ADAPTER_NAME, WASI_SNAPSHOT_PREVIEW1_REACTOR_ADAPTER,
};
use wit_bindgen_core::{Files, WorldGenerator};
use wit_component::{ComponentEncoder, StringEncoding};
use wit_parser::Resolve;

/// The world of all servers.
const WORLD: &str = "atoll:servers/tally";
/// Rust's target that makes components, and the one that every compiler can build for.
const COMPONENTS: &str = "wasm32-wasip2";
const BARE: &str = "wasm32-unknown-unknown";

/// No symbols, and the bindings may use what the Go runtime keeps to itself, as their
/// documentation wants it.
const GO_LINKER: &str = "-ldflags=-s -w -checklinkname=0";
/// Where the headers of wasi-libc are.
const WASI_LIBC: &str = "/usr/include/wasm32-wasi";
/// The target by the name under which the distribution has its library.
const WASI: &str = "--target=wasm32-wasi";

/// Whether there is a C library for WebAssembly, and the compiler's own part of one.
pub(super) fn has_c_library() -> bool {
    let Ok((compiler, _)) = c_guest::compiler() else { return false };
    let builtins = Command::new(compiler).args([WASI, "-print-libgcc-file-name"]).output();
    let builtins = builtins.map(|output| String::from_utf8_lossy(&output.stdout).into_owned());
    Path::new(WASI_LIBC).is_dir() && builtins.is_ok_and(|path| Path::new(path.trim()).is_file())
}

/// Builds the component of a language, unless it is there and nothing changed.
pub(super) fn build(project: &Project, language: Language) -> Result<()> {
    let inputs = language.inputs(project)?;
    if is_current(project, language, &inputs) {
        return Ok(());
    }
    wit::fill_deps(project)?;
    step(&format!("building the server in {}", language.title()));
    let scratch = language.scratch(project);
    fs::create_dir_all(&scratch)?;
    let component = match language {
        Language::Rust => rust(project, &scratch)?,
        Language::C => c(project, &scratch)?,
        Language::Go => go(project, &scratch)?,
        Language::Javascript => javascript(project, &scratch)?,
        Language::Python => python(project, &scratch)?,
    };
    write_if_changed(&language.component(project), &component)?;
    write_if_changed(&stamp(project, language), &inputs)
}

/// Whether the component of a language is there and made from these inputs.
pub(super) fn is_current(project: &Project, language: Language, inputs: &[u8]) -> bool {
    language.component(project).is_file()
        && fs::read(stamp(project, language)).is_ok_and(|made_from| made_from == inputs)
}

fn stamp(project: &Project, language: Language) -> PathBuf {
    project.target.join("foreign").join(format!("{}.inputs", language.name()))
}

fn read(path: &Path) -> Result<Vec<u8>> {
    fs::read(path).with_context(|| format!("cannot read {}", path.display()))
}

/// `cargo build --target wasm32-wasip2` makes a component by itself. A compiler without the
/// libraries for that target builds them for the bare one, and the module is made a component here.
fn rust(project: &Project, scratch: &Path) -> Result<Vec<u8>> {
    let mut cargo = project.plain_cargo("build");
    cargo.current_dir(Language::Rust.folder(project)).env("CARGO_TARGET_DIR", scratch);
    cargo.args(["--quiet", "--release", "--locked"]);
    if has_target(COMPONENTS)? {
        run(cargo.args(["--target", COMPONENTS]))?;
        return read(&scratch.join(COMPONENTS).join("release/tally.wasm"));
    }
    cargo.args(["--target", BARE]);
    if !has_target(BARE)? {
        cargo.arg("-Zbuild-std=std,panic_abort");
    }
    run(&mut cargo)?;
    let module = read(&scratch.join(BARE).join("release/tally.wasm"))?;
    ComponentEncoder::default().validate(true).module(&module)?.encode()
}

/// clang with wasi-libc, and bindings of wit-bindgen, which come with the types of the component.
fn c(project: &Project, scratch: &Path) -> Result<Vec<u8>> {
    let bindings = bindings(project, wit_bindgen_c::Opts::default().build(), scratch)?;
    let (compiler, linker) = c_guest::compiler()?;
    let module = scratch.join("tally.wasm");
    let mut clang = Command::new(compiler);
    // Newer compilers warn of the target's old name.
    clang.args([WASI, "--sysroot=/usr", "-mexec-model=reactor", "-std=c17"]);
    clang.args(["-O2", "-Wall", "-Wextra", "-Werror", "-Wno-deprecated", "-I"]).arg(scratch);
    clang.arg(Language::C.folder(project).join("tally.c"));
    clang.args(
        bindings
            .iter()
            .filter(|file| file.extension().is_some_and(|ending| ending == "c" || ending == "o")),
    );
    clang.args(["-Wl,--strip-debug", &format!("-fuse-ld={linker}"), "-o"]).arg(&module);
    run(&mut clang).context("is wasi-libc there? `make setup` installs it")?;
    encode(&read(&module)?)
}

/// The Go compiler, with bindings of wit-bindgen and the package that they share, which comes with
/// wit-bindgen too.
fn go(project: &Project, scratch: &Path) -> Result<Vec<u8>> {
    let go = tools::python_package(project, tools::PINNED[0])?.join("go");
    bindings(project, wit_bindgen_go::Opts { quiet: true, ..Default::default() }.build(), scratch)?;
    let folder = scratch.join("export_atoll_testing_tally");
    for source in fs::read_dir(Language::Go.folder(project))? {
        let source = source?.path();
        if source.extension().is_some_and(|ending| ending == "go") {
            let name = source.file_name().context("a file without a name")?;
            write_if_changed(&folder.join(name), &read(&source)?)?;
        }
    }
    let shared = tools::crate_folder(project, "wit-bindgen-go")?.join("src/pkg");
    let replace = format!("-replace=go.bytecodealliance.org/pkg={}", shared.display());
    let tool = |arguments: &[&str]| {
        let mut tool = Command::new(&go);
        tool.args(arguments).current_dir(scratch).env("GOCACHE", scratch.join("cache"));
        tool.env("GOTOOLCHAIN", "local").env("GOFLAGS", "-mod=mod").env("GOPROXY", "off");
        tool.env("GOOS", "wasip1").env("GOARCH", "wasm");
        tool
    };
    run(&mut tool(&["mod", "edit", &replace]))?;
    run(&mut tool(&[
        "build",
        "-trimpath",
        "-buildmode=c-shared",
        GO_LINKER,
        "-o",
        "tally.wasm",
        ".",
    ]))?;
    let mut module = read(&scratch.join("tally.wasm"))?;
    let mut resolve = Resolve::default();
    let (package, _) = resolve.push_dir(project.root.join("wit"))?;
    let world = resolve.select_world(&[package], Some(WORLD))?;
    wit_component::embed_component_metadata(
        &mut module,
        &resolve,
        world,
        StringEncoding::UTF8,
        false,
    )?;
    encode(&module)
}

/// jco with its QuickJS backend, without asynchronous functions and without WASI.
fn javascript(project: &Project, scratch: &Path) -> Result<Vec<u8>> {
    let programs = tools::node_packages(project, &tools::PINNED[2..])?;
    let component = scratch.join("tally.wasm");
    let mut jco = Command::new(programs.join("jco"));
    jco.arg("componentize").arg(Language::Javascript.folder(project).join("app.js"));
    jco.arg("--wit").arg(project.root.join("wit")).args(["--world-name", WORLD]);
    jco.args(["--backend", "quickjs", "--backend-qjs-disable-async", "--backend-qjs-stub-wasi"]);
    run(jco.arg("-o").arg(&component))?;
    read(&component)
}

/// componentize-py, without WASI.
fn python(project: &Project, scratch: &Path) -> Result<Vec<u8>> {
    let programs = tools::python_package(project, tools::PINNED[1])?;
    let component = scratch.join("tally.wasm");
    let mut tool = Command::new(programs.join("componentize-py"));
    tool.arg("--quiet").arg("-d").arg(project.root.join("wit")).args(["-w", WORLD]);
    tool.args(["componentize", "--stub-wasi", "-p"]).arg(Language::Python.folder(project));
    run(tool.args(["app", "-o"]).arg(&component))?;
    read(&component)
}

/// Writes the bindings of the world and lists their files.
fn bindings(
    project: &Project,
    mut generator: Box<dyn WorldGenerator>,
    folder: &Path,
) -> Result<Vec<PathBuf>> {
    let (mut resolve, package) = wit::resolve(project)?;
    let world = resolve.select_world(&[package], Some(WORLD))?;
    let mut files = Files::default();
    generator.generate(&mut resolve, world, &mut files)?;
    let mut written = Vec::new();
    for (name, bytes) in files.iter() {
        let path = folder.join(name);
        write_if_changed(&path, bytes)?;
        written.push(path);
    }
    Ok(written)
}

/// Makes a core module a component; WASI's first preview, if the module imports it, by the adapter
/// for it.
fn encode(module: &[u8]) -> Result<Vec<u8>> {
    ComponentEncoder::default()
        .validate(true)
        .module(module)?
        .adapter(WASI_SNAPSHOT_PREVIEW1_ADAPTER_NAME, WASI_SNAPSHOT_PREVIEW1_REACTOR_ADAPTER)?
        .encode()
}
