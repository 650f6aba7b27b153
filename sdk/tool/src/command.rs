//! The commands and their options.

use anyhow::Result;
use atoll::built::Built;
use atoll::home::Home;
use atoll::project::{self, Project};
use atoll::{DEFAULT_SYSTEM, run};
use clap::{Parser, Subcommand};
use std::env;
use std::path::{Path, PathBuf};

/// Makes, builds and runs servers for Atoll, in any language that compiles to WebAssembly.
#[derive(Debug, Parser)]
#[command(name = "atoll", version, after_help = EXAMPLES, disable_help_subcommand = true)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) command: Command,
}

const EXAMPLES: &str = "\
Begin with:
  atoll new blink --lang rust   makes a project in the folder blink
  cd blink
  atoll build                   builds build/blink.wasm
  atoll run                     boots Atoll with it in QEMU; there, type `lamp porch`

`atoll COMMAND --help` says more about each, with examples.
Exit codes: 0 done, 1 failed, 2 the command or atoll.toml makes no sense.";

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Makes a project from a template, in a folder of its own
    #[command(after_help = NEW)]
    New {
        /// The name of the server and of the folder: lower-case letters, digits and hyphens
        name: String,
        /// The language; without it the languages are listed
        #[arg(long, value_name = "LANGUAGE")]
        lang: Option<String>,
    },
    /// Builds the project's component
    #[command(after_help = BUILD)]
    Build,
    /// Builds the project and boots Atoll with it in QEMU, the console on this terminal
    #[command(after_help = RUN)]
    Run {
        /// The system description that the project's lines are added to
        #[arg(long, value_name = "FILE", default_value = DEFAULT_SYSTEM)]
        system: PathBuf,
        #[command(flatten)]
        machine: run::Options,
    },
}

const NEW: &str = "\
Examples:
  atoll new blink --lang c      a server in C, in the folder blink
  atoll new blink               says which languages there are

The project is a server of the interface atoll:samples/lamp, which the program `lamp` uses.
Its README says which file is what.";

const BUILD: &str = "\
Runs the commands of atoll.toml and makes build/NAME.wasm of what they leave. Works in any folder
of the project. The interfaces of Atoll are in wit/deps, which this command keeps up to date.";

const RUN: &str = "\
Examples:
  atoll run                     boots directly, in about a second
  atoll run --uefi              boots the ISO, under UEFI
  atoll run -- -smp 2           gives QEMU arguments of yours

Ctrl-A X leaves. In the shell, `help` lists the commands, `lamp porch` uses a server of the
templates, `log` shows what servers wrote, and `poweroff` ends the machine.";

pub(crate) fn perform(command: Command) -> Result<()> {
    let (home, here) = (Home::find()?, env::current_dir()?);
    match command {
        Command::New { name, lang: Some(language) } => new(&home, &here, &name, &language),
        Command::New { lang: None, .. } => list(&home),
        Command::Build => build(&home, &Project::find(&here)?).map(drop),
        Command::Run { system, machine } => {
            let project = Project::find(&here)?;
            build(&home, &project)?;
            let system = project::system::write(&project, &home.path(&system)?)?;
            let built = Built::found(&home, |_, system| Ok(system.to_path_buf()))?;
            run::run(&built, &system, &machine)
        }
    }
}

fn new(home: &Home, here: &Path, name: &str, language: &str) -> Result<()> {
    project::new::new(home, here, name, language)?;
    println!("Made the project {name}. Go on with:\n  cd {name}\n  atoll build\n  atoll run");
    Ok(())
}

fn list(home: &Home) -> Result<()> {
    println!("Say in which language, with --lang:");
    for language in project::new::languages(home)? {
        println!("  {language}");
    }
    Ok(())
}

fn build(home: &Home, project: &Project) -> Result<()> {
    let component = project::build::build(home, project, &project.build_folder().join("target"))?;
    let bytes = std::fs::metadata(&component)?.len();
    println!("{} ({bytes} bytes)", component.display());
    Ok(())
}
