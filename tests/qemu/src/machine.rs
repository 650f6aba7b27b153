//! The machine: how it boots, what it boots, and the QEMU command that is it.

use crate::Images;
use anyhow::{Context, Result};
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

/// What the machine boots from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Medium {
    /// QEMU's `-kernel`: the boot shim and the boot archive, without disk and menu.
    Direct,
    /// The ISO as a CD.
    Cd,
    /// The ISO as a disk.
    Disk,
    /// The ISO as a USB stick.
    Usb,
}

/// What starts before the loader.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Firmware {
    /// `SeaBIOS`.
    Bios,
    /// OVMF.
    Uefi,
}

/// Where the distribution puts OVMF: its code, and the pristine variables.
const OVMF: [&str; 2] = ["/usr/share/OVMF/OVMF_CODE_4M.fd", "/usr/share/OVMF/OVMF_VARS_4M.fd"];

/// A machine to boot.
#[derive(Clone, Debug)]
pub struct Machine {
    medium: Medium,
    firmware: Firmware,
    memory: String,
    system: PathBuf,
    description: Option<PathBuf>,
    testing: bool,
    append: String,
    arguments: Vec<OsString>,
    iso: Option<PathBuf>,
}

impl Default for Machine {
    fn default() -> Self {
        Self::new("iso/systems/default.toml")
    }
}

impl Machine {
    /// A machine of 256 MiB that boots this system description directly.
    #[must_use]
    pub fn new(system: impl Into<PathBuf>) -> Self {
        Self {
            medium: Medium::Direct,
            firmware: Firmware::Bios,
            memory: "256M".to_owned(),
            system: system.into(),
            description: None,
            testing: false,
            append: String::new(),
            arguments: Vec::new(),
            iso: None,
        }
    }

    /// The system of the tests, with the runtime's test interfaces open.
    #[must_use]
    pub fn testing() -> Self {
        Self::new("iso/systems/test.toml").with_test_interfaces()
    }

    /// Opens the test interfaces of the runtime.
    #[must_use]
    pub fn with_test_interfaces(self) -> Self {
        Self { testing: true, ..self }
    }

    /// Gives the system this description to read, which the builder does not read before.
    #[must_use]
    pub fn description(mut self, file: impl Into<PathBuf>) -> Self {
        self.description = Some(file.into());
        self
    }

    /// Boots by another medium and firmware.
    #[must_use]
    pub fn by(mut self, medium: Medium, firmware: Firmware) -> Self {
        (self.medium, self.firmware) = (medium, firmware);
        self
    }

    /// Has this much memory, as QEMU writes it: `128M`.
    #[must_use]
    pub fn memory(mut self, memory: &str) -> Self {
        memory.clone_into(&mut self.memory);
        self
    }

    /// Adds words to the kernel's command line.
    #[must_use]
    pub fn append(mut self, words: &str) -> Self {
        self.append = format!("{} {words}", self.append).trim().to_owned();
        self
    }

    /// Adds words in front, which the scenario's own may overrule.
    pub(crate) fn prepend(mut self, words: &str) -> Self {
        self.append = format!("{words} {}", self.append).trim().to_owned();
        self
    }

    /// Adds arguments for QEMU.
    #[must_use]
    pub fn arguments<T: Into<OsString>>(mut self, arguments: impl IntoIterator<Item = T>) -> Self {
        self.arguments.extend(arguments.into_iter().map(Into::into));
        self
    }

    /// Waits for gdb before the first instruction, where QEMU's `-gdb` says: `tcp:127.0.0.1:1234`.
    #[must_use]
    pub fn debugged(self, place: &str) -> Self {
        self.arguments(["-S", "-gdb", place])
    }

    /// Boots this ISO instead of building one.
    #[must_use]
    pub fn iso(mut self, iso: impl Into<PathBuf>) -> Self {
        self.iso = Some(iso.into());
        self
    }

    /// Builds what is booted and gives QEMU's arguments for it. Serial port and display are the
    /// caller's; `folder` holds what belongs to this run alone.
    ///
    /// # Errors
    /// If an image does not build.
    pub fn command(&self, images: &dyn Images, folder: &Path) -> Result<Vec<OsString>> {
        // `q35` is the machine with PCI Express, an I/O APIC and, for later, an IOMMU; unlike
        // `microvm` it also has the keyboard controller and the VGA that the console drives.
        // `max` has what the kernel uses if it is there: SMEP, SMAP, UMIP.
        let mut command: Vec<OsString> =
            ["-accel", "tcg", "-machine", "q35", "-cpu", "max", "-nic", "none", "-m", &self.memory]
                .map(Into::into)
                .into();
        if self.firmware == Firmware::Uefi {
            self.add_firmware(&mut command, folder)?;
        }
        self.add_medium(&mut command, images, folder)?;
        command.extend(self.arguments.iter().cloned());
        Ok(command)
    }

    fn add_firmware(&self, command: &mut Vec<OsString>, folder: &Path) -> Result<()> {
        let [code, pristine] = OVMF;
        let variables = folder.join("variables.fd");
        fs::copy(pristine, &variables)
            .with_context(|| format!("cannot copy {pristine} (package ovmf)"))?;
        command.extend([
            "-drive".into(),
            format!("if=pflash,format=raw,readonly=on,file={code}").into(),
        ]);
        command.extend(["-drive".into(), drive("if=pflash,format=raw", &variables)]);
        Ok(())
    }

    fn add_medium(
        &self,
        command: &mut Vec<OsString>,
        images: &dyn Images,
        folder: &Path,
    ) -> Result<()> {
        if self.medium == Medium::Direct {
            let (shim, archive) =
                images.archive(&self.system, self.description.as_deref(), self.testing)?;
            command.extend(["-kernel".into(), shim.into(), "-initrd".into(), archive.into()]);
            command.extend(["-append".into(), self.append.clone().into()]);
            return Ok(());
        }
        let iso = match &self.iso {
            Some(iso) => iso.clone(),
            None => {
                let iso = folder.join("atoll.iso");
                images.iso(&self.system, &self.append, &iso)?;
                iso
            }
        };
        let more: &[&str] = match self.medium {
            Medium::Usb => {
                &["-device", "qemu-xhci", "-device", "usb-storage,drive=boot,bootindex=0"]
            }
            Medium::Cd => &["-device", "ide-cd,drive=boot,bootindex=0"],
            Medium::Disk | Medium::Direct => &["-device", "ide-hd,drive=boot,bootindex=0"],
        };
        command.extend(["-drive".into(), drive("if=none,id=boot,format=raw,snapshot=on", &iso)]);
        command.extend(more.iter().map(Into::into));
        Ok(())
    }
}

/// A drive's description; QEMU wants commas in a file's name doubled.
fn drive(options: &str, file: &Path) -> OsString {
    format!("{options},file={}", file.display().to_string().replace(',', ",,")).into()
}
