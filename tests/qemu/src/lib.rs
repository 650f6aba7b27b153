//! Scenarios: whole systems booted in QEMU, talked to over the serial console, and judged by what
//! they say and by the exit code.
//!
//! A [`Scenario`] is a function over a [`Lab`]. The lab boots [`Machine`]s into [`Session`]s and
//! keeps their transcript. The images come from whoever runs the scenarios, through [`Images`]:
//! this crate builds nothing. Every wait has a hard limit, every session has its own folder and
//! sockets, and ends its own QEMU and no other.

#![forbid(unsafe_code)]

mod clean;
pub mod guide;
pub mod machine;
mod runner;
pub mod scenarios;
pub mod session;
pub mod terminal;

pub use machine::{Firmware, Machine, Medium};
pub use runner::{Summary, run, side_by_side};
pub use session::Session;
pub use terminal::Terminal;

use anyhow::Result;
use std::fmt;
use std::path::{Path, PathBuf};
use std::process::Command;

/// What the shell prompts with.
pub const PROMPT: &str = "atoll> ";

/// The kernel's exit code when the system was switched off as it should.
pub const OFF: i32 = 0x10;
/// The kernel's exit code when it gave up.
pub const PANIC: i32 = 0x11;

/// Where images come from.
pub trait Images: Sync {
    /// The boot shim and the boot archive of a system description, a path from the repository's
    /// root; `testing` opens the test interfaces of the runtime. The system may be given another
    /// `description` to read than the one its archive was made of.
    ///
    /// # Errors
    /// If something does not build.
    fn archive(
        &self,
        system: &Path,
        description: Option<&Path>,
        testing: bool,
    ) -> Result<(PathBuf, PathBuf)>;

    /// The ISO of a system description, with words for the kernel's command line, built anew into
    /// this file.
    ///
    /// # Errors
    /// If something does not build.
    fn iso(&self, system: &Path, append: &str, output: &Path) -> Result<()>;

    /// The folder with the components of the repository's servers and programs.
    ///
    /// # Errors
    /// If they are not there.
    fn components(&self) -> Result<&Path>;

    /// The kernel's file, which has its symbols.
    ///
    /// # Errors
    /// If it is not there.
    fn kernel(&self) -> Result<PathBuf> {
        anyhow::bail!("these images have a kernel that nobody debugs")
    }

    /// The host tool, which works with what these images are made of, as it is by now.
    ///
    /// # Errors
    /// If something does not build.
    fn tool(&self) -> Result<Command> {
        anyhow::bail!("these images come without the host tool")
    }

    /// An ISO with the Limine in this folder.
    ///
    /// # Errors
    /// If something does not build.
    fn limine_iso(&self, system: &Path, append: &str, limine: &Path, output: &Path) -> Result<()>;
}

/// A test of a whole system.
#[derive(Clone, Copy)]
pub struct Scenario {
    /// Its name on the command line and of its transcript.
    pub name: &'static str,
    /// What it shows, in a sentence.
    pub about: &'static str,
    /// The test.
    pub run: fn(&Lab<'_>) -> Result<()>,
}

/// What a scenario works with.
pub struct Lab<'a> {
    images: &'a dyn Images,
    transcript: PathBuf,
}

impl<'a> Lab<'a> {
    /// A lab that keeps its transcript in a file.
    #[must_use]
    pub fn new(images: &'a dyn Images, transcript: impl Into<PathBuf>) -> Self {
        Self { images, transcript: transcript.into() }
    }

    /// Switches a machine on.
    ///
    /// # Errors
    /// If an image does not build or QEMU does not start.
    pub fn boot(&self, machine: &Machine) -> Result<Session> {
        Session::start(machine, self.images, &self.transcript)
    }

    /// Starts another program that has a machine's console on its terminal, or only says something.
    ///
    /// # Errors
    /// If it does not start.
    pub fn start(&self, program: &Command) -> Result<Terminal> {
        Terminal::start(program, &self.transcript)
    }

    /// The source of images, for scenarios about the images themselves.
    #[must_use]
    pub fn images(&self) -> &dyn Images {
        self.images
    }
}

/// Says that a scenario cannot run here, and why.
#[derive(Debug)]
pub struct Skip(pub String);

impl fmt::Display for Skip {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "skipped: {}", self.0)
    }
}

impl std::error::Error for Skip {}
