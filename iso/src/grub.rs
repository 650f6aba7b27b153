//! The hybrid ISO with GRUB: a CD with El Torito entries for BIOS and UEFI, with partition tables
//! that let it boot as a disk or a USB stick as well.
//!
//! GRUB loads two files, the boot shim and the boot archive.

use crate::{Image, boot_config, reproducible, tool};
use anyhow::{Context, Result};
use std::fs;
use std::path::Path;
use std::process::Command;

/// What of GRUB goes into the image. The partition maps beyond `gpt` and `msdos` are there because
/// the start-up script of `grub-mkrescue` asks for all of them and complains about each missing.
const MODULES: &str = "normal multiboot2 all_video boot configfile fat iso9660 minicmd search \
    part_acorn part_amiga part_apple part_bsd part_dfly part_dvh part_gpt part_msdos part_plan \
    part_sun part_sunpc";

pub(crate) fn write_iso(image: &Image, out: &Path) -> Result<()> {
    let root = tempfile::tempdir()?;
    let config = image.complete_config()?;
    let files: [(&str, Vec<u8>); 3] = [
        ("boot/grub/grub.cfg", boot_config::grub_cfg(&config)?.into_bytes()),
        (boot_config::SHIM_PATH, crate::read(&image.shim)?),
        (boot_config::ARCHIVE_PATH, image.archive()?),
    ];
    fs::create_dir_all(root.path().join("boot/grub"))?;
    for (path, bytes) in files {
        fs::write(root.path().join(path), bytes)?;
    }
    reproducible::fix_times(root.path())?;
    let mut command = Command::new("grub-mkrescue");
    command
        .env("SOURCE_DATE_EPOCH", reproducible::EPOCH.to_string())
        .env("TZ", "UTC")
        .arg(format!("--install-modules={MODULES}"))
        .args(["--fonts=", "--locales=", "--themes=", "-o"])
        .args([out, root.path()])
        .args(reproducible::XORRISO);
    tool::run(&mut command, "grub-common, grub-pc-bin, grub-efi-amd64-bin, xorriso, mtools")?;
    let mut iso = crate::read(out)?;
    reproducible::fix_fat_serial(&mut iso)?;
    fs::write(out, iso).with_context(|| format!("cannot write {}", out.display()))
}
