//! The commands and their options.

use anyhow::{Result, bail};
use atoll::built::Built;
use atoll::home::Home;
use atoll::project::new::Kind;
use atoll::project::{self, Project};
use atoll::test::Verdict;
use atoll::watch::Stamp;
use atoll::{DEFAULT_SYSTEM, artifacts, check, image, inspect, run, sign, test, usb, watch};
use clap::{CommandFactory as _, Parser, Subcommand};
use clap_complete::Shell;
use console::style;
use std::env;
use std::io;
use std::path::{Path, PathBuf};

/// Makes, builds and runs servers and programs for Atoll, in any language that compiles to
/// WebAssembly.
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
  atoll test                    calls it as tests/lamp.test says
  atoll run                     boots Atoll with it in QEMU; there, type `lamp porch`

`atoll COMMAND --help` says more about each, with examples.
Exit codes: 0 done, 1 failed, 2 the command or atoll.toml makes no sense.";

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Makes a project from a template, in a folder of its own
    #[command(after_help = NEW)]
    New {
        /// The name of the server or program and of the folder: lower-case letters, digits and hyphens
        name: String,
        /// The language; without it the languages are listed
        #[arg(long, value_name = "LANGUAGE")]
        lang: Option<String>,
        /// A program of WASI in the place of a server
        #[arg(long)]
        program: bool,
    },
    /// Builds the project's component
    #[command(after_help = BUILD)]
    Build,
    /// Builds the project and calls its component as tests/*.test say, without QEMU
    #[command(after_help = TEST)]
    Test,
    /// Builds the project and boots Atoll with it in QEMU, the console on this terminal
    #[command(after_help = RUN)]
    Run {
        /// The system description that the project's lines are added to; the default one, or the one
        /// that takes components from the host if these are to be swapped in
        #[arg(long, value_name = "FILE")]
        system: Option<PathBuf>,
        /// Builds the project whenever a file changes, and swaps its server in the running system
        #[arg(long)]
        watch: bool,
        #[command(flatten)]
        machine: run::Options,
    },
    /// Builds the project and an ISO of Atoll with it, for BIOS and UEFI, CD, disk and USB stick
    #[command(after_help = IMAGE)]
    Image {
        /// The system description that the project's lines are added to
        #[arg(long, value_name = "FILE", default_value = DEFAULT_SYSTEM)]
        system: PathBuf,
        /// Words for the kernel's command line
        #[arg(long, default_value = "")]
        append: String,
        /// Where the ISO goes; build/atoll.iso if nothing else is said
        #[arg(short, long, value_name = "FILE")]
        output: Option<PathBuf>,
    },
    /// Writes an ISO to a USB stick, after asking, and reads it back
    #[command(after_help = USB)]
    Usb {
        /// The ISO, as `atoll image` makes it
        image: PathBuf,
        /// The stick, such as /dev/sdx; it must be a whole removable disk that nobody uses
        device: PathBuf,
    },
    /// Says whether a component runs on Atoll, and what it has to be granted
    #[command(after_help = CHECK)]
    Check {
        /// The component
        file: PathBuf,
        /// The system that it is to run in; the project's, or the default one
        #[arg(long, value_name = "FILE")]
        system: Option<PathBuf>,
    },
    /// Shows the world of a component as WIT
    Inspect {
        /// The component, or a package of WIT in binary
        file: PathBuf,
    },
    /// Makes a key pair to sign components with, in FILE and FILE.pub
    Keygen {
        /// Where it goes; must not be there
        file: PathBuf,
    },
    /// Signs components
    #[command(after_help = SIGN)]
    Sign(sign::Options),
    /// Prints what lets a shell complete the commands
    #[command(after_help = COMPLETIONS)]
    Completions {
        /// The shell
        shell: Shell,
    },
}

const NEW: &str = "\
Examples:
  atoll new blink --lang c             a server in C, in the folder blink
  atoll new count --lang c --program   a program in C, for the shell
  atoll new blink                      says which languages there are

A server is one of the interface atoll:samples/lamp, which the program `lamp` uses. A program
counts words, by the language's own library. The README says which file is what.";

const BUILD: &str = "\
Runs the commands of atoll.toml and makes build/NAME.wasm of what they leave. Works in any folder
of the project. The interfaces of Atoll are in wit/deps, which this command keeps up to date.";

const TEST: &str = "\
A script has a statement a line:
  use atoll:samples/lamp                   the interface that is called
  blink([1, 2]) == ok(3)                   a call and its result, in WAVE
  blink([]) == err(dark)
  let porch = bulb(\"porch\")               a resource, by a name
  porch.set(130) == err(too-bright(30))    its method
  crash() traps                            a call that ends the component
  drop porch
  log has \"a lamp\"                        what was written to the log

The log, clocks and random numbers are there, and the same in every run.";

const RUN: &str = "\
Examples:
  atoll run                     boots directly, in about a second
  atoll run --watch             swaps the server in whenever a file changes
  atoll run --uefi              boots the ISO, under UEFI
  atoll run --gdb               waits for gdb, and shows the command that attaches
  atoll run -- -smp 2           gives QEMU arguments of yours

Ctrl-A X leaves. In the shell, `help` lists the commands, `lamp porch` uses a server of the
templates, `log` shows what servers wrote, and `poweroff` ends the machine.";

const IMAGE: &str = "\
Examples:
  atoll image                   build/atoll.iso
  atoll image -o stick.iso --append log=debug";

const USB: &str = "\
Example:
  lsblk                         shows which disk is the stick
  sudo atoll usb build/atoll.iso /dev/sdx

Partitions, disks that are not removable and disks that are in use are refused. It shows model and
size, and writes when you type the device's name.";

const CHECK: &str = "\
Examples:
  atoll check build/blink.wasm
  atoll check other.wasm --system my-system/system.toml

Exit code 1 if something that the component needs is missing: a grant, an interface, or a feature
of the runtime. For a grant it shows the line that gives it.";

const SIGN: &str = "\
Examples:
  atoll keygen release.key      prints the line that names the key in a system description
  atoll sign release.key build/blink.wasm";

const COMPLETIONS: &str = "\
Example:
  atoll completions bash > ~/.local/share/bash-completion/completions/atoll";

/// Does what a command says.
pub(crate) fn perform(command: Command) -> Result<()> {
    match command {
        Command::New { name, lang: Some(language), program } => {
            new(&name, kind(program), &language)
        }
        Command::New { lang: None, program, .. } => list(kind(program)),
        Command::Build => build().map(drop),
        Command::Test => run_tests(),
        Command::Run { system, watch, machine } => boot(system, watch, &machine),
        Command::Image { system, append, output } => make_image(&system, &append, output),
        Command::Usb { image, device } => usb::usb(&image, &device),
        Command::Check { file, system } => examine(&file, system),
        Command::Inspect { file } => {
            print!("{}", inspect::inspect(&file)?);
            Ok(())
        }
        Command::Keygen { file } => sign::keygen(&file),
        Command::Sign(options) => sign::sign(&options),
        Command::Completions { shell } => {
            clap_complete::generate(shell, &mut Arguments::command(), "atoll", &mut io::stdout());
            Ok(())
        }
    }
}

fn new(name: &str, kind: Kind, language: &str) -> Result<()> {
    project::new::new(&Home::find()?, &env::current_dir()?, name, kind, language)?;
    println!("Made the project {name}. Go on with:\n  cd {name}\n  atoll build\n  atoll run");
    Ok(())
}

const fn kind(is_program: bool) -> Kind {
    if is_program { Kind::Program } else { Kind::Server }
}

fn list(kind: Kind) -> Result<()> {
    println!("Say in which language, with --lang:");
    for language in project::new::languages(&Home::find()?, kind)? {
        println!("  {language}");
    }
    Ok(())
}

/// Builds the project that the command was given in.
fn build() -> Result<(Home, Project)> {
    let (home, project) = (Home::find()?, Project::find(&env::current_dir()?)?);
    let target = project.build_folder().join("target");
    let component = project::build::build(&home, &project, &target)?;
    let bytes = std::fs::metadata(&component)?.len();
    println!("{} ({bytes} bytes)", component.display());
    Ok((home, project))
}

fn run_tests() -> Result<()> {
    let (home, project) = build()?;
    let verdicts = test::test(&home, &project)?;
    for Verdict { script, passed, failure } in &verdicts {
        match failure {
            None => {
                let good = style("all right").green();
                println!("{}: {passed} statements, {good}", script.display());
            }
            Some(why) => println!("{}: {}: {why}", script.display(), style("FAILED").red()),
        }
    }
    match verdicts.iter().filter(|verdict| verdict.failure.is_some()).count() {
        _ if verdicts.is_empty() => bail!("there are no scripts tests/*.test"),
        0 => Ok(()),
        failed => bail!("{failed} of {} scripts failed", verdicts.len()),
    }
}

fn boot(system: Option<PathBuf>, watches: bool, machine: &run::Options) -> Result<()> {
    let usual = if watches { watch::SYSTEM } else { DEFAULT_SYSTEM };
    // What changes during the first build is to be built again.
    let before = Stamp::of(&Project::find(&env::current_dir()?)?.folder);
    let (home, project) = build()?;
    let base = home.path(&system.unwrap_or_else(|| usual.into()))?;
    let system = project::system::write(&project, &base)?;
    let (images, kernel) = (built(&home)?, artifacts::kernel(&home));
    if !watches {
        return run::run(&images, &kernel, &system, machine, None);
    }
    let folder = tempfile::tempdir()?;
    let socket = folder.path().join("channel");
    watch::begin(&home, &project, before, &socket)?;
    run::run(&images, &kernel, &system, machine, Some(&socket))
}

/// Builds the project and writes the description of a system with it.
fn with_project(base: &Path) -> Result<(Home, PathBuf)> {
    let (home, project) = build()?;
    let system = project::system::write(&project, &home.path(base)?)?;
    Ok((home, system))
}

/// Images of systems that are named by the files of their descriptions.
fn built(home: &Home) -> Result<Built<'_>> {
    Built::found(home, |_, system| Ok(system.to_path_buf()))
}

fn make_image(base: &Path, append: &str, output: Option<PathBuf>) -> Result<()> {
    let (home, system) = with_project(base)?;
    let mut image = built(&home)?.image(&system, false)?;
    append.clone_into(&mut image.append);
    let output = output.unwrap_or_else(|| system.with_file_name("atoll.iso"));
    image::write_iso(&image, None, &output)?;
    println!("{}", output.display());
    Ok(())
}

fn examine(file: &Path, system: Option<PathBuf>) -> Result<()> {
    let home = Home::find()?;
    let default = home.root.join(DEFAULT_SYSTEM);
    let project = Project::around(&env::current_dir()?)?;
    let wit =
        project.as_ref().map_or_else(|| home.root.join("wit"), |project| project.interfaces(&home));
    let system = match (&project, system) {
        (Some(project), None) => project::system::write(project, &default)?,
        (_, system) => home.path(&system.unwrap_or(default))?,
    };
    let report = check::check(&home, &wit, file, &system)?;
    print!("{report}");
    if report.is_good() { Ok(()) } else { bail!("it does not run as it is") }
}
