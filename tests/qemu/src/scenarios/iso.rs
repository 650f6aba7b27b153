//! The ISO: every way to boot it, with every loader, and that it is the same each time.

use super::boot::works;
use crate::{Firmware, Lab, Machine, Medium, Scenario, Skip};
use anyhow::{Result, ensure};
use std::fs;
use std::path::PathBuf;

pub(super) const ALL: &[Scenario] = &[
    Scenario {
        name: "iso-bios-cd",
        about: "the ISO as a CD under BIOS",
        run: |lab| iso(lab, Medium::Cd, Firmware::Bios),
    },
    Scenario {
        name: "iso-bios-disk",
        about: "the ISO as a disk under BIOS",
        run: |lab| iso(lab, Medium::Disk, Firmware::Bios),
    },
    Scenario {
        name: "iso-bios-usb",
        about: "the ISO as a USB stick under BIOS",
        run: |lab| iso(lab, Medium::Usb, Firmware::Bios),
    },
    Scenario {
        name: "iso-uefi-cd",
        about: "the ISO as a CD under UEFI",
        run: |lab| iso(lab, Medium::Cd, Firmware::Uefi),
    },
    Scenario {
        name: "iso-uefi-usb",
        about: "the ISO as a USB stick under UEFI",
        run: |lab| iso(lab, Medium::Usb, Firmware::Uefi),
    },
    Scenario {
        name: "iso-reproducible",
        about: "two builds of the ISO are equal, byte by byte",
        run: reproducible,
    },
    Scenario {
        name: "iso-limine",
        about: "ISOs with real Limine, from the folders in ATOLL_LIMINE",
        run: limine,
    },
];

const SYSTEM: &str = "iso/systems/default.toml";

fn iso(lab: &Lab<'_>, medium: Medium, firmware: Firmware) -> Result<()> {
    works(lab, &Machine::new(SYSTEM).by(medium, firmware))
}

fn reproducible(lab: &Lab<'_>) -> Result<()> {
    let folder = tempfile::tempdir()?;
    let build = |name: &str| -> Result<Vec<u8>> {
        let path = folder.path().join(name);
        lab.images().iso(SYSTEM.as_ref(), "", &path)?;
        Ok(fs::read(path)?)
    };
    let (first, second) = (build("first.iso")?, build("second.iso")?);
    let differing = first.iter().zip(&second).position(|(first, second)| first != second);
    ensure!(differing.is_none(), "the images differ at byte {differing:?}");
    ensure!(first.len() == second.len(), "the images differ in length");
    Ok(())
}

/// `ATOLL_LIMINE` lists folders with Limine's binaries, divided by colons.
fn limine(lab: &Lab<'_>) -> Result<()> {
    let Some(folders) = std::env::var_os("ATOLL_LIMINE") else {
        return Err(Skip("ATOLL_LIMINE names no folder with Limine's binaries".to_owned()).into());
    };
    let scratch = tempfile::tempdir()?;
    for (index, limine) in std::env::split_paths(&folders).enumerate() {
        let iso: PathBuf = scratch.path().join(format!("{index}.iso"));
        lab.images().limine_iso(SYSTEM.as_ref(), "exit=isa-debug", &limine, &iso)?;
        for firmware in [Firmware::Bios, Firmware::Uefi] {
            for medium in [Medium::Cd, Medium::Usb] {
                works(lab, &Machine::new(SYSTEM).by(medium, firmware).iso(&iso))?;
            }
        }
    }
    Ok(())
}
