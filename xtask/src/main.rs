//! `cargo xtask`: builds, runs and tests Atoll.
//!
//! [`project`] knows the tree and calls cargo, [`artifacts`] builds the native parts, [`components`]
//! and [`c_guest`] the servers, [`wit`] checks the interfaces; [`image`] puts them together by means
//! of `atoll-iso`, and [`run`], [`check`] and [`bench`] use the result. [`sizes`] says what the domain
//! image consists of, [`foreign`] runs what the toolchains of other languages build, and [`sign`]
//! signs components.

#![forbid(unsafe_code)]

mod artifacts;
mod bench;
mod c_guest;
mod check;
mod components;
mod conformance;
mod foreign;
mod fuzz;
mod image;
mod inject;
mod project;
mod rooms;
mod run;
mod sign;
mod sizes;
mod wit;

use anyhow::Result;
use clap::{Parser, Subcommand};
use project::Project;
use std::env;
use std::path::PathBuf;
use std::process::ExitCode;

/// The system description that is used when none is named.
const DEFAULT_SYSTEM: &str = "iso/systems/default.toml";

/// Builds, runs and tests Atoll.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Arguments {
    #[command(subcommand)]
    task: Task,
}

#[derive(Debug, Subcommand)]
enum Task {
    /// Builds the servers and programs to components in target/components
    Components,
    /// Builds all that a system boots from and its boot archive
    Image {
        /// System description
        #[arg(long, default_value = DEFAULT_SYSTEM)]
        system: PathBuf,
        /// Opens the test interfaces of the runtime
        #[arg(long)]
        testing: bool,
        /// Where the archive goes; into target/archives if nothing else is said
        #[arg(short, long)]
        output: Option<PathBuf>,
    },
    /// Builds a hybrid ISO for BIOS and UEFI
    Iso {
        /// System description
        #[arg(long, default_value = DEFAULT_SYSTEM)]
        system: PathBuf,
        /// Folder with the binaries of Limine 7 or later, to boot by instead of GRUB
        #[arg(long)]
        limine: Option<PathBuf>,
        /// Opens the test interfaces of the runtime
        #[arg(long)]
        testing: bool,
        /// Words for the kernel's command line
        #[arg(long, default_value = "")]
        append: String,
        /// Where the ISO goes; target/atoll.iso if nothing else is said
        #[arg(short, long)]
        output: Option<PathBuf>,
    },
    /// Boots a system in QEMU with its console on the terminal; Ctrl-A X leaves
    Run(run::Options),
    /// Makes a key pair to sign components with, in FILE and FILE.pub
    Keygen {
        /// Where it goes; must not be there
        file: PathBuf,
    },
    /// Signs components
    Sign(sign::Options),
    /// Runs scenarios in QEMU
    Scenario {
        /// Lists the scenarios
        #[arg(long)]
        list: bool,
        /// Names of scenarios, or beginnings of names; all if there is none
        names: Vec<String>,
    },
    /// Measures kernel, calls, servers and boot in instructions
    Bench(bench::Options),
    /// Builds servers by the toolchains of other languages, boots them and measures them; downloads
    /// what is missing from package registries into target/foreign
    Foreign(foreign::Options),
    /// Runs the suites of the core specification, the component model and this repository
    Conformance(conformance::Options),
    /// Says what the text of the domain image consists of
    Sizes(sizes::Options),
    /// Runs all tests: format, lints, host tests, a bounded run of fuzzing, conformance, scenarios
    Test,
    /// What continuous integration runs: the same as `test`
    Ci,
    /// Formats the sources
    Fmt {
        /// Only says what is not formatted
        #[arg(long)]
        check: bool,
    },
    /// Runs the lints, for the host and for the bare targets
    Clippy,
    /// Searches for inputs that break the runtime, with AddressSanitizer
    Fuzz(fuzz::Options),
    /// Injects faults into servers and counts what comes of them
    Inject(inject::Options),
    /// Runs the runtime's pure modules under Miri, which takes a nightly compiler
    Miri,
    /// Checks the interfaces in wit/
    Wit {
        /// Only fills wit/deps
        #[arg(long)]
        deps: bool,
    },
}

fn main() -> ExitCode {
    match perform(Arguments::parse().task) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn perform(task: Task) -> Result<()> {
    let project = Project::find()?;
    match task {
        Task::Components => components::build(&project).map(drop),
        Task::Image { system, testing, output } => {
            let system = project.path(&system)?;
            let image = image::build(&project, &system, testing)?;
            let output = match output {
                Some(output) => {
                    project::write_if_changed(
                        &env::current_dir()?.join(&output),
                        &image.archive()?,
                    )?;
                    output
                }
                None => image::write_archive(&project, &image, &system, testing)?,
            };
            println!("{}", output.display());
            Ok(())
        }
        Task::Iso { system, limine, testing, append, output } => {
            let mut image = image::build(&project, &project.path(&system)?, testing)?;
            let output = output.unwrap_or_else(|| project.target.join("atoll.iso"));
            image.append = append;
            image::write_iso(&image, limine.as_deref(), &output)?;
            println!("{}", output.display());
            Ok(())
        }
        Task::Run(options) => run::run(&project, &options),
        Task::Keygen { file } => sign::keygen(&file),
        Task::Sign(options) => sign::sign(&options),
        Task::Scenario { list: true, .. } => {
            check::list_scenarios();
            Ok(())
        }
        Task::Scenario { names, .. } => check::scenarios(&project, &names),
        Task::Bench(options) => bench::bench(&project, &options),
        Task::Foreign(options) => foreign::foreign(&project, &options),
        Task::Conformance(options) => conformance::conformance(&project, &options),
        Task::Sizes(options) => sizes::sizes(&project, &options),
        Task::Test | Task::Ci => check::test(&project),
        Task::Fmt { check } => check::fmt(&project, check),
        Task::Clippy => check::clippy(&project),
        Task::Fuzz(options) if options.bounded => check::report(fuzz::bounded(&project)?),
        Task::Fuzz(options) => fuzz::fuzz(&project, &options),
        Task::Inject(options) => inject::inject(&project, &options),
        Task::Miri => fuzz::miri(&project),
        Task::Wit { deps } if deps => wit::fill_deps(&project),
        Task::Wit { .. } => wit::check(&project),
    }
}
