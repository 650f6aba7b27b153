//! The boot shim: a loader that implements the Limine boot protocol behind Multiboot2 (GRUB) and
//! PVH (`qemu -kernel`).
//!
//! A front end reads what its loader left in memory into a [`front::Handoff`]; the core, the same
//! for both, takes the boot archive apart, loads the kernel, answers its requests and enters it.
//! Everything is below 4 GiB and identity mapped until [`enter`] loads the kernel's page tables.
//! An error ends in one line on the serial port.

#![no_std]
#![no_main]

mod answer;
mod enter;
mod front;
mod loader;
mod machine;
mod memory;
mod paging;
mod physical;
mod requests;
mod serial;
mod vbe;

use atoll_boot_shim::config::{Config, Entry};
use atoll_boot_shim::{archive, map};
use core::fmt::Display;
use core::panic::PanicInfo;
use front::Handoff;

core::arch::global_asm!(include_str!("entry.s"), options(att_syntax));

/// Name of the boot configuration in the archive.
const CONFIG: &str = "limine.cfg";

/// Entered by `entry.s` in 64-bit mode with the loader's magic number and the address of its
/// information structure.
#[unsafe(no_mangle)]
extern "C" fn shim_main(magic: u32, information: u32) -> ! {
    serial::init();
    if let Err(problem) = front::read(magic, information).and_then(boot) {
        fail(problem);
    }
    fail("the kernel was not entered")
}

/// What stops the boot: a sentence, and what it is about.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Problem {
    /// What is wrong.
    what: &'static str,
    /// The file or field it is about.
    about: &'static str,
}

impl Problem {
    pub(crate) const fn new(what: &'static str, about: &'static str) -> Self {
        Self { what, about }
    }
}

impl Display for Problem {
    fn fmt(&self, formatter: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self.about {
            "" => formatter.write_str(self.what),
            about => write!(formatter, "{}: {about}", self.what),
        }
    }
}

impl From<map::Error> for Problem {
    fn from(error: map::Error) -> Self {
        Self::new(
            match error {
                map::Error::TooManyRegions => "the memory map has too many regions",
                map::Error::OutOfMemory => "no room below 4 GiB for the kernel and its modules",
            },
            "",
        )
    }
}

/// Loads and enters the kernel of the archive.
fn boot(mut handoff: Handoff) -> Result<(), Problem> {
    let text = file(handoff.archive, CONFIG)?;
    let text = core::str::from_utf8(text).map_err(|_| Problem::new("not UTF-8", CONFIG))?;
    let config = Config::parse(text).map_err(|error| {
        serial::line(format_args!("boot shim: {CONFIG}:{}: {}", error.line, error.reason));
        Problem::new("malformed boot configuration", CONFIG)
    })?;
    let entry = chosen(&config, &mut handoff)?;
    if entry.value("PROTOCOL") != Some("limine") {
        return Err(Problem::new("the entry's PROTOCOL must be limine", entry.title));
    }
    loader::load(handoff, entry)
}

/// The entry that the shim's own command line names, or the default. The word for the shim,
/// `entry=` and a number from 1, comes first and is taken away; all others go to the kernel.
fn chosen<'a>(config: &Config<'a>, handoff: &mut Handoff) -> Result<Entry<'a>, Problem> {
    let line = handoff.command_line.trim();
    let Some(wish) = line.strip_prefix("entry=") else {
        return config.default_entry().ok_or(Problem::new("no such menu entry", "DEFAULT_ENTRY"));
    };
    let (number, rest) = wish.split_once(' ').unwrap_or((wish, ""));
    handoff.command_line = rest;
    let index = number.parse::<usize>().ok().and_then(|number| number.checked_sub(1));
    let entry = index.and_then(|index| config.entries().nth(index));
    entry.ok_or(Problem::new("no such menu entry", number))
}

/// A file of the boot archive.
pub(crate) fn file(archive: &'static [u8], name: &'static str) -> Result<&'static [u8], Problem> {
    match archive::find(archive, name) {
        Ok(Some(file)) => Ok(file.bytes),
        Ok(None) => Err(Problem::new("not in the boot archive", name)),
        Err(archive::Error::Truncated) => Err(Problem::new("the boot archive is cut off", name)),
        Err(_) => Err(Problem::new("the boot archive is damaged", name)),
    }
}

/// Says what is wrong and stops for good.
fn fail(problem: impl Display) -> ! {
    serial::line(format_args!("boot shim: cannot boot: {problem}"));
    machine::halt()
}

#[panic_handler]
fn panic(info: &PanicInfo<'_>) -> ! {
    fail(info)
}
