//! The hybrid ISO with Limine's own binaries, of version 7 or later, from a folder: a checkout of
//! a `-binary` branch, or `/usr/share/limine` of a distribution.

use crate::{Image, boot_config, reproducible, tool};
use anyhow::{Context, Result, bail};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The loader's parts that go into `boot/limine`.
const PARTS: [&str; 3] = ["limine-bios.sys", "limine-bios-cd.bin", "limine-uefi-cd.bin"];
/// The loader for UEFI, which goes into `EFI/BOOT`.
const EFI: &str = "BOOTX64.EFI";

/// Which configuration file a Limine reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Syntax {
    /// Up to version 7: `limine.cfg`.
    Cfg,
    /// From version 8 on: `limine.conf`. These versions know the old name too, and wait for 20
    /// seconds when they find it.
    Conf,
}

/// Asks the loader itself: the name of its configuration file stands in its UEFI program.
fn syntax(efi: &[u8]) -> Result<Syntax> {
    let has = |name: &[u8]| efi.windows(name.len()).any(|window| window == name);
    if has(b"limine.conf") {
        Ok(Syntax::Conf)
    } else if has(b"limine.cfg") {
        Ok(Syntax::Cfg)
    } else {
        bail!("{EFI} is not Limine 7 or later: it names neither limine.conf nor limine.cfg")
    }
}

pub(crate) fn write_iso(image: &Image, binaries: &Path, out: &Path) -> Result<()> {
    let root = tempfile::tempdir()?;
    lay_out(image, binaries, root.path())?;
    reproducible::fix_times(root.path())?;
    let mut xorriso = Command::new("xorriso");
    xorriso
        .env("SOURCE_DATE_EPOCH", reproducible::EPOCH.to_string())
        .args(["-as", "mkisofs", "-R", "-r", "-J", "-b", "boot/limine/limine-bios-cd.bin"])
        .args(["-no-emul-boot", "-boot-load-size", "4", "-boot-info-table"])
        .args(["--efi-boot", "boot/limine/limine-uefi-cd.bin", "-efi-boot-part"])
        .args(["--efi-boot-image", "--protective-msdos-label"])
        .args(reproducible::XORRISO)
        .arg(root.path())
        .arg("-o")
        .arg(out);
    tool::run(&mut xorriso, "xorriso")?;
    let scratch = tempfile::tempdir()?;
    let limine = host_tool(binaries, scratch.path())?;
    tool::run(Command::new(limine).arg("bios-install").arg(out), "limine")
}

/// Fills the root of the image.
fn lay_out(image: &Image, binaries: &Path, root: &Path) -> Result<()> {
    let binary = |name: &str| {
        fs::read(binaries.join(name))
            .with_context(|| format!("{} has no {name} (of Limine 7 or later)", binaries.display()))
    };
    let put = |path: &str, bytes: &[u8]| -> Result<()> {
        let path = root.join(path);
        fs::create_dir_all(path.parent().context("a path without a folder")?)?;
        Ok(fs::write(path, bytes)?)
    };
    for part in PARTS {
        put(&format!("boot/limine/{part}"), &binary(part)?)?;
    }
    let efi = binary(EFI)?;
    put(&format!("EFI/BOOT/{EFI}"), &efi)?;
    let config = image.complete_config()?;
    match syntax(&efi)? {
        Syntax::Cfg => put("boot/limine/limine.cfg", config.as_bytes())?,
        Syntax::Conf => {
            put("boot/limine/limine.conf", boot_config::limine_conf(&config)?.as_bytes())?
        }
    }
    for (path, source) in image.files(&config)? {
        put(&path, &crate::read(&source)?)?;
    }
    Ok(())
}

/// Finds the tool that writes Limine's boot sector: beside the binaries, built from the source
/// beside them, or installed.
fn host_tool(binaries: &Path, scratch: &Path) -> Result<PathBuf> {
    let built = binaries.join("limine");
    if built.is_file() {
        return Ok(built);
    }
    let source = binaries.join("limine.c");
    if !source.is_file() {
        return Ok(PathBuf::from("limine"));
    }
    let tool = scratch.join("limine");
    let mut compiler = Command::new("cc");
    compiler.args(["-O2", "-std=c99", "-o"]).arg(&tool).arg(&source);
    tool::run(&mut compiler, "gcc")?;
    Ok(tool)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Module;

    fn fixture(folder: &Path, efi: &[u8]) -> Image {
        for part in PARTS {
            fs::write(folder.join(part), part).unwrap();
        }
        fs::write(folder.join(EFI), efi).unwrap();
        fs::write(folder.join("kernel"), "kernel").unwrap();
        Image {
            config: ":A\nPROTOCOL=limine\nKERNEL_PATH=boot:///boot/k\n".to_owned(),
            append: String::new(),
            kernel: folder.join("kernel"),
            shim: PathBuf::new(),
            modules: vec![Module { name: "m".to_owned(), path: folder.join("kernel") }],
        }
    }

    #[test]
    fn each_version_gets_its_own_configuration_and_no_other() {
        for (efi, ours, other, line) in [
            (&b"..limine.cfg.."[..], "limine.cfg", "limine.conf", "KERNEL_PATH=boot:///boot/k"),
            (b"limine.cfg limine.conf", "limine.conf", "limine.cfg", "kernel_path: boot():/boot/k"),
        ] {
            let folder = tempfile::tempdir().unwrap();
            let root = tempfile::tempdir().unwrap();
            let image = fixture(folder.path(), efi);
            lay_out(&image, folder.path(), root.path()).unwrap();
            let limine = root.path().join("boot/limine");
            assert!(fs::read_to_string(limine.join(ours)).unwrap().contains(line));
            assert!(!limine.join(other).exists());
            for path in ["boot/k", "boot/m", "boot/limine/limine-bios.sys", "EFI/BOOT/BOOTX64.EFI"]
            {
                assert!(root.path().join(path).is_file(), "{path}");
            }
        }
    }

    #[test]
    fn a_wrong_folder_is_refused_by_name() {
        let folder = tempfile::tempdir().unwrap();
        let root = tempfile::tempdir().unwrap();
        let image = fixture(folder.path(), b"GRUB");
        let error = lay_out(&image, folder.path(), root.path()).unwrap_err();
        assert!(error.to_string().contains("not Limine 7 or later"), "{error}");
        fs::remove_file(folder.path().join("limine-bios.sys")).unwrap();
        let error = lay_out(&image, folder.path(), root.path()).unwrap_err();
        assert!(error.to_string().contains("limine-bios.sys"), "{error}");
    }
}
