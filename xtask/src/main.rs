//! `cargo xtask`: builds, runs and tests Atoll.
//!
//! The library of the host tool builds kernel, servers and images; [`variants`] builds what only
//! tests and measurements take. [`run`], [`check`] and [`bench`] use the result, [`wit`] checks the
//! interfaces, [`sizes`] says what the domain image consists of, [`book`] puts the pages about all
//! this together, [`foreign`] and [`programs`] are what other toolchains build, [`projects`] are made
//! from the templates, [`measure`] says what servers of other toolchains take, and [`sdk`] builds the
//! host tool.

#![forbid(unsafe_code)]

mod bench;
mod book;
mod check;
mod conformance;
mod foreign;
mod fuzz;
mod inject;
mod measure;
mod programs;
mod projects;
mod rooms;
mod run;
mod sdk;
mod sizes;
mod variants;
mod wit;

use anyhow::Result;
use atoll::files::write_if_changed;
use atoll::home::Home;
use atoll::{DEFAULT_SYSTEM, components, image};
use clap::{Parser, Subcommand};
use std::env;
use std::path::PathBuf;
use std::process::ExitCode;

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
    /// Builds all that the host tool needs, and the tool itself as target/release/atoll
    Sdk,
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
    /// Makes a key pair to sign components with, in FILE and FILE.pub; as `atoll keygen`
    Keygen {
        /// Where it goes; must not be there
        file: PathBuf,
    },
    /// Signs components; as `atoll sign`
    Sign(atoll::sign::Options),
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
    /// Puts the book together in target/book, checks its links, and makes HTML of it if mdbook is there
    Book(book::Options),
    /// Builds servers by the toolchains of other languages, boots them and measures them; downloads
    /// what is missing from package registries into target/toolchains
    Foreign(foreign::Options),
    /// Makes a project of each template, builds, boots and measures it; downloads the toolchains
    /// that are missing into target/toolchains
    Projects(projects::Options),
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
    let home = Home::find()?;
    match task {
        Task::Components => components::build(&home).map(drop),
        Task::Image { system, testing, output } => {
            let system = home.path(&system)?;
            let image = image::build(&home, &system, testing)?;
            let output = match output {
                Some(output) => {
                    write_if_changed(&env::current_dir()?.join(&output), &image.archive()?)?;
                    output
                }
                None => image::write_archive(&home, &image, &system, testing)?,
            };
            println!("{}", output.display());
            Ok(())
        }
        Task::Iso { system, limine, testing, append, output } => {
            let mut image = image::build(&home, &home.path(&system)?, testing)?;
            let output = output.unwrap_or_else(|| home.target.join("atoll.iso"));
            image.append = append;
            image::write_iso(&image, limine.as_deref(), &output)?;
            println!("{}", output.display());
            Ok(())
        }
        Task::Sdk => sdk::build(&home),
        Task::Run(options) => run::run(&home, &options),
        Task::Keygen { file } => atoll::sign::keygen(&file),
        Task::Sign(options) => atoll::sign::sign(&options),
        Task::Scenario { list: true, .. } => {
            check::list_scenarios();
            Ok(())
        }
        Task::Scenario { names, .. } => check::scenarios(&home, &names),
        Task::Bench(options) => bench::bench(&home, &options),
        Task::Book(options) => book::book(&home, &options),
        Task::Foreign(options) => foreign::foreign(&home, &options),
        Task::Projects(options) => projects::projects(&home, &options),
        Task::Conformance(options) => conformance::conformance(&home, &options),
        Task::Sizes(options) => sizes::sizes(&home, &options),
        Task::Test | Task::Ci => check::test(&home),
        Task::Fmt { check } => check::fmt(&home, check),
        Task::Clippy => check::clippy(&home),
        Task::Fuzz(options) if options.bounded => check::report(fuzz::bounded(&home)?),
        Task::Fuzz(options) => fuzz::fuzz(&home, &options),
        Task::Inject(options) => inject::inject(&home, &options),
        Task::Miri => fuzz::miri(&home),
        Task::Wit { deps } if deps => atoll::wit::fill_deps(&home),
        Task::Wit { .. } => wit::check(&home),
    }
}

#[cfg(test)]
mod tests {
    use super::Arguments;
    use clap::CommandFactory as _;

    /// What clap would find out only when somebody uses the command.
    #[test]
    fn all_commands_make_sense() {
        Arguments::command().debug_assert();
    }
}
