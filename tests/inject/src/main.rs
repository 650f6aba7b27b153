//! Injects faults into servers of Atoll and counts what comes of them (`docs/fault-injection.md`).
//!
//! Faults are small changes of valid code, of the kind that a programmer or a defect memory makes
//! ([`fault`]), and gate calls that fail. On the host ([`hosted`]) each is tried in one life of a
//! domain: the real domain image over a kernel of plain data ([`kernel`]), which does all the work
//! that a client can ask for ([`work`]). It must not harm the runtime, the bystanders
//! ([`bystander`]) or the server that is started afterwards.
//!
//! | module | holds |
//! |---|---|
//! | [`layout`], [`program`] | a component's binary, taken apart |
//! | [`prepared`] | a server without faults: its transcript, and which of its code runs |
//! | [`injection`] | one fault and what came of it |
//! | [`domain`] | one life of a domain |
//! | [`system`] | the campaign in whole systems: orders and transcripts |
//! | [`totals`], [`report`] | counts and their tables |

#![forbid(unsafe_code)]

mod bystander;
mod domain;
mod fault;
mod hosted;
mod injection;
mod kernel;
mod layout;
mod prepared;
mod program;
mod random;
mod report;
mod system;
mod totals;
mod wire;
mod work;

use std::{fs, path::PathBuf, process::ExitCode};

use anyhow::Result;
use clap::{Args, Parser, Subcommand};

use crate::{hosted::Campaign, totals::Totals};

#[derive(Debug, Parser)]
struct Arguments {
    #[command(subcommand)]
    task: Task,
}

#[derive(Debug, Subcommand)]
enum Task {
    /// Injects faults on the host
    Hosted {
        #[command(flatten)]
        campaign: Options,
        /// Only that injection, and says all about it
        #[arg(long)]
        only: Option<u64>,
        /// Goes on where an earlier run of the same seed stopped
        #[arg(long)]
        resume: bool,
        /// Writes the report there, too
        #[arg(long)]
        report: Option<PathBuf>,
    },
    /// Writes what whole systems are to do, a folder for each boot
    Orders {
        /// What all choices depend on
        #[arg(long, default_value_t = 1)]
        seed: u64,
        /// How many faults
        #[arg(long, default_value_t = 400)]
        count: u64,
        /// Only that one
        #[arg(long)]
        only: Option<u64>,
        /// Folder of the servers' components
        #[arg(long)]
        components: PathBuf,
        /// The system description of all boots
        #[arg(long)]
        description: PathBuf,
        /// Where the folders go
        #[arg(long)]
        out: PathBuf,
    },
    /// Reads the transcripts in these folders
    Judge {
        /// Where the folders are
        #[arg(long)]
        out: PathBuf,
        /// Writes the report there, too
        #[arg(long)]
        report: Option<PathBuf>,
    },
    #[command(hide = true, name = hosted::WORKER)]
    Worker {
        #[command(flatten)]
        campaign: Options,
    },
}

#[derive(Debug, Args)]
struct Options {
    /// What all choices depend on
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// How many faults
    #[arg(long, default_value_t = 1_000)]
    count: u64,
    /// Folder of the servers' components
    #[arg(long)]
    components: PathBuf,
    /// Folder for what is kept of the campaign
    #[arg(long)]
    state: PathBuf,
}

impl Options {
    fn campaign(self) -> Campaign {
        let Self { seed, count, components, state } = self;
        Campaign { seed, count, components, state }
    }
}

fn main() -> ExitCode {
    match perform(Arguments::parse().task) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(2),
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Whether Atoll withstood it.
fn perform(task: Task) -> Result<bool> {
    match task {
        Task::Hosted { campaign, only: Some(number), .. } => {
            campaign.campaign().only(number).map(|()| true)
        }
        Task::Hosted { campaign, resume, report, .. } => {
            let totals = campaign.campaign().run(!resume)?;
            tell(&totals, report)
        }
        Task::Orders { seed, count, only, components, description, out } => {
            let numbers = only.map_or(0..count, |number| number..number + 1);
            hosted::on_a_large_stack(|| {
                domain::remember_panics();
                system::write(seed, numbers, &components, &description, &out)
            })?;
            Ok(true)
        }
        Task::Judge { out, report } => tell(&system::judge(&out)?, report),
        Task::Worker { campaign } => campaign.campaign().work().map(|()| true),
    }
}

fn tell(totals: &Totals, report: Option<PathBuf>) -> Result<bool> {
    let text = report::markdown(totals);
    print!("{text}");
    if let Some(path) = report {
        fs::write(path, text)?;
    }
    Ok(totals.failures.is_empty())
}
