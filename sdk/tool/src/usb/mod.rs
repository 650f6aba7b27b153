//! `atoll usb`: an image onto a USB stick.
//!
//! Whatever the device is, nothing is written before it was found to be one that may be overwritten
//! ([`Device::objection`]) and its owner said so. What Linux tells of devices is read by [`linux`];
//! [`copy`] writes and reads back through the trait [`Medium`], behind which tests have files.

mod copy;
mod linux;

pub use copy::Medium;

use crate::files;
use crate::mistake::mistake;
use anyhow::{Context, Result, bail};
use linux::Linux;
use std::fs::File;
use std::io::{BufRead, Write};
use std::path::Path;

/// Where the descriptor of an ISO begins, and the name in it.
const ISO: (usize, &[u8]) = (0x8001, b"CD001");

/// What is known of a device.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Device {
    /// Its name, as in `/dev`.
    pub name: String,
    /// Its maker and model, as far as it says.
    pub model: String,
    /// Bytes that it holds.
    pub bytes: u64,
    /// Whether it is all of a disk, and no partition.
    pub is_whole: bool,
    /// Whether its medium can be taken out.
    pub is_removable: bool,
    /// Whether it cannot be written.
    pub is_read_only: bool,
    /// What uses it or a part of it: mount points, swap, other devices.
    pub users: Vec<String>,
}

impl Device {
    /// Why the device must not be overwritten with so many bytes; what to do, if there is something.
    #[must_use]
    pub fn objection(&self, bytes: u64) -> Option<String> {
        if !self.is_whole {
            return Some("it is a part of a disk; name the whole disk".to_owned());
        }
        if !self.is_removable {
            return Some("it is no removable disk, and could be the one you work on".to_owned());
        }
        if self.is_read_only {
            return Some("it is write-protected".to_owned());
        }
        if !self.users.is_empty() {
            let users = self.users.join(", ");
            return Some(format!("it is in use ({users}); unmount it first"));
        }
        if self.bytes < bytes {
            let has = megabytes(self.bytes);
            return Some(format!("it holds {has}, and the image has {}", megabytes(bytes)));
        }
        None
    }
}

/// Devices of a machine.
pub trait Devices {
    /// What is known of the device at a path.
    ///
    /// # Errors
    /// If it is no device, or nothing is known of it.
    fn find(&self, path: &Path) -> Result<Device>;
    /// Opens it, for this program alone.
    ///
    /// # Errors
    /// If somebody else has it, or its owner may not.
    fn open(&self, path: &Path) -> Result<Box<dyn Medium>>;
}

/// Writes an image to a device of this machine, after its owner has said so on the terminal, and
/// reads it back.
///
/// # Errors
/// If the image is none, the device must not be overwritten, its owner says no, or what is read
/// back differs.
pub fn usb(image: &Path, device: &Path) -> Result<()> {
    let stdin = std::io::stdin();
    write(&Linux::new(), image, device, &mut stdin.lock(), &mut std::io::stderr())
}

/// The same for the devices of any machine, and with any other one to answer.
///
/// # Errors
/// See [`usb`].
pub fn write(
    devices: &dyn Devices,
    image: &Path,
    path: &Path,
    answers: &mut dyn BufRead,
    questions: &mut dyn Write,
) -> Result<()> {
    let bytes = files::read(image)?;
    let (at, name) = ISO;
    if bytes.get(at..at + name.len()) != Some(name) {
        mistake!("{} is no ISO; `atoll image` makes one", image.display());
    }
    let device = devices.find(path)?;
    if let Some(objection) = device.objection(bytes.len() as u64) {
        mistake!("{} is not written to: {objection}", path.display());
    }
    let (model, size) = (&device.model, megabytes(device.bytes));
    writeln!(questions, "{}: {model}, {size}. Everything on it will be lost.", path.display())?;
    write!(questions, "Type its name, {}, to go on: ", device.name)?;
    questions.flush()?;
    let mut answer = String::new();
    answers.read_line(&mut answer).context("nobody answered")?;
    if answer.trim() != device.name {
        bail!("nothing was written");
    }
    let mut medium = devices.open(path)?;
    copy::copy(&bytes, &mut *medium)
        .with_context(|| format!("{} is not what it should be now", path.display()))
}

fn megabytes(bytes: u64) -> String {
    format!("{}.{} MB", bytes / 1_000_000, bytes / 100_000 % 10)
}

impl Medium for File {
    fn settle(&mut self) -> std::io::Result<()> {
        self.sync_all()?;
        // What was written is read back from the device, and not from the memory of the kernel.
        Ok(rustix::fs::fadvise(&*self, 0, None, rustix::fs::Advice::DontNeed)?)
    }
}

#[cfg(test)]
mod tests;
