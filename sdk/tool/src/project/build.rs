//! `atoll build`: from a project's sources to its component.

use super::interfaces;
use super::manifest::{self, Bindings, Build, Output, Project};
use super::variables::{self, Missing, Variables};
use crate::files::{read, write_if_changed};
use crate::home::Home;
use crate::mistake::mistake;
use crate::process::run;
use crate::{bindings, encode, exports};
use anyhow::{Context, Result};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Where the author's sources are, for generators that have to know.
const SOURCES: &str = "src";
/// The command that is Rust's.
const CARGO: &str = "{{cargo}}";

/// Builds the component of a project and says where it is. Cargo builds into a folder of its own,
/// which projects may share.
///
/// # Errors
/// If a tool is missing, a command fails, or what comes out does not fit the world or says of none.
pub fn build(home: &Home, project: &Project, cargo_target: &Path) -> Result<PathBuf> {
    if project.build.world.is_some() {
        interfaces::copy(home, &project.wit())?;
    }
    let bindings = generate(home, project)?;
    let build = project.build_folder();
    fs::create_dir_all(&build).with_context(|| format!("cannot make {}", build.display()))?;
    let variables = Variables { home, build: &build, cargo_target, bindings: &bindings };
    for command in &project.build.commands {
        execute(home, project, &variables, command)?;
    }
    let component = match project.build.output()? {
        Output::Module(path) => {
            let path = project.folder.join(variables.text(path)?);
            from_module(home, project, &path)
                .with_context(|| format!("{} cannot be made a component", path.display()))?
        }
        Output::Component(path) => {
            let path = project.folder.join(variables.text(path)?);
            let component = read(&path)?;
            encode::validate(&component)
                .with_context(|| format!("{} is no component", path.display()))?;
            component
        }
    };
    let path = project.component();
    write_if_changed(&path, &component)?;
    Ok(path)
}

/// What has to be installed for the project to be built; `None` if nothing.
#[must_use]
pub fn missing(home: &Home, project: &Project) -> Option<Missing> {
    let words = project.build.commands.iter().flatten();
    words.flat_map(|word| variables::names(word)).find_map(|name| variables::missing(home, name))
}

/// Generates the bindings that the project asks for and lists those to be compiled or linked.
fn generate(home: &Home, project: &Project) -> Result<Vec<PathBuf>> {
    let folder = project.build_folder().join("bindings");
    let Some(world) = &project.build.world else {
        if project.build.bindings != Bindings::None {
            mistake!("{}: [build] has bindings, but no world", manifest::FILE);
        }
        return Ok(Vec::new());
    };
    let wit = project.wit();
    match project.build.bindings {
        Bindings::None => Ok(Vec::new()),
        Bindings::C => bindings::c(&wit, world, &folder),
        Bindings::Cpp => bindings::cpp(&wit, world, &folder, &project.folder.join(SOURCES)),
        Bindings::Go => bindings::go(home, &wit, world, &folder).map(|()| Vec::new()),
    }
    .with_context(|| format!("world `{world}` of {}", wit.display()))
}

fn execute(
    home: &Home,
    project: &Project,
    variables: &Variables<'_>,
    command: &[String],
) -> Result<()> {
    let mut words = Vec::new();
    for argument in command {
        words.extend(variables.words(argument)?);
    }
    let Some((program, arguments)) = words.split_first() else {
        mistake!("atoll.toml: a command of [build] is empty");
    };
    let mut process = Command::new(program);
    process.args(arguments).current_dir(&project.folder);
    if command.first().is_some_and(|program| program == CARGO) {
        // The compiler is the one that Atoll is built by, whatever the project's folder asks for,
        // and builds its libraries where it came without.
        process.env("RUSTC", home.sysroot()?.join("bin/rustc")).env("RUSTC_BOOTSTRAP", "1");
        process.env("CARGO_TARGET_DIR", variables.cargo_target);
    }
    for (name, value) in &project.build.environment {
        process.env(name, variables.text(value)?);
    }
    run(&mut process)
}

fn from_module(home: &Home, project: &Project, path: &Path) -> Result<Vec<u8>> {
    let Build { world, exports, preview1, .. } = &project.build;
    let bytes = read(path)?;
    // A module in binary is left as it is.
    let mut module = wat::parse_bytes(&bytes)?.into_owned();
    if !exports.is_empty() {
        module = exports::rename(&module, exports)?;
    }
    if let Some(world) = world
        && !encode::has_types(&module)?
    {
        encode::embed(&mut module, &project.wit(), world)?;
    }
    preview1.component(home, &module)
}
