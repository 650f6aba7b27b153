//! The image builder: from built artifacts to what a machine boots.
//!
//! An [`Image`] is a boot configuration, a kernel and modules. It becomes a boot archive, which
//! the boot shim reads under PVH and GRUB ([`Image::archive`]), or a hybrid ISO ([`Image::write_iso`])
//! with GRUB and the shim or with real Limine. Equal inputs give equal bytes: [`reproducible`]
//! says how.
//!
//! `limine.cfg` is read and completed by [`boot_config`], which also makes from it what the other
//! loaders read; [`adapt`] makes core modules components, and [`signing`] signs components. Nothing
//! here builds code; `xtask` does.

#![forbid(unsafe_code)]

pub mod adapt;
pub mod boot_config;
mod grub;
mod limine;
pub mod reproducible;
pub mod signing;
mod tool;

use anyhow::{Context, Result};
use atoll_boot_shim::archive;
use std::fs;
use std::path::{Path, PathBuf};

/// A file that the kernel gets as a module.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Module {
    /// The name that the kernel knows it by.
    pub name: String,
    /// Where it is now.
    pub path: PathBuf,
}

/// Everything that goes into an image.
#[derive(Clone, Debug)]
pub struct Image {
    /// The text of `limine.cfg`, without modules.
    pub config: String,
    /// Words to append to every kernel command line.
    pub append: String,
    /// The kernel.
    pub kernel: PathBuf,
    /// The boot shim.
    pub shim: PathBuf,
    /// The modules, in the order in which the kernel gets them.
    pub modules: Vec<Module>,
}

/// Which loader an ISO boots by.
#[derive(Clone, Copy, Debug)]
pub enum Loader<'a> {
    /// GRUB of the distribution, and the boot shim.
    Grub,
    /// Limine, whose binaries are in this folder.
    Limine(&'a Path),
}

impl Image {
    /// The boot configuration with its modules, in the syntax of `limine.cfg`.
    ///
    /// # Errors
    /// If the configuration is malformed or a name does not fit into it.
    pub fn complete_config(&self) -> Result<String> {
        let names: Vec<_> = self.modules.iter().map(|module| module.name.as_str()).collect();
        boot_config::complete(&self.config, &names, &self.append)
    }

    /// Builds the boot archive.
    ///
    /// # Errors
    /// If a file cannot be read or its name does not fit into the archive.
    pub fn archive(&self) -> Result<Vec<u8>> {
        let config = self.complete_config()?;
        let mut out = Vec::new();
        append(&mut out, boot_config::FILE, config.as_bytes())?;
        for (path, source) in self.files(&config)? {
            append(&mut out, &path, &read(&source)?)?;
        }
        out.resize(out.len() + 2 * archive::BLOCK, 0);
        Ok(out)
    }

    /// Builds an ISO that boots as a CD, a disk and a USB stick, under BIOS and UEFI.
    ///
    /// # Errors
    /// If a file cannot be read, or a tool is missing or fails.
    pub fn write_iso(&self, loader: Loader<'_>, out: &Path) -> Result<()> {
        match loader {
            Loader::Grub => grub::write_iso(self, out),
            Loader::Limine(binaries) => limine::write_iso(self, binaries, out),
        }
    }

    /// The paths that the configuration names, without leading slash, and the files behind them.
    fn files(&self, config: &str) -> Result<Vec<(String, PathBuf)>> {
        let config = boot_config::parse(config)?;
        let mut files = Vec::new();
        for entry in config.entries() {
            let kernel =
                entry.kernel().with_context(|| format!("`{}` has no KERNEL_PATH", entry.title))?;
            files.push((kernel.to_owned(), self.kernel.clone()));
        }
        for module in &self.modules {
            files.push((boot_config::module_path(&module.name), module.path.clone()));
        }
        files.dedup();
        Ok(files)
    }
}

fn append(out: &mut Vec<u8>, name: &str, bytes: &[u8]) -> Result<()> {
    let header = archive::header(name, bytes.len());
    out.extend(header.with_context(|| format!("`{name}` does not fit into the boot archive"))?);
    out.extend(bytes);
    out.resize(out.len().next_multiple_of(archive::BLOCK), 0);
    Ok(())
}

fn read(path: &Path) -> Result<Vec<u8>> {
    fs::read(path).with_context(|| format!("cannot read {}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_archive_holds_what_its_configuration_names() {
        let folder = tempfile::tempdir().unwrap();
        let file = |name: &str| {
            let path = folder.path().join(name);
            fs::write(&path, name).unwrap();
            path
        };
        let image = Image {
            config: "TIMEOUT=0\n:A\nPROTOCOL=limine\nKERNEL_PATH=boot:///boot/k\n:B\nKERNEL_PATH=boot:///boot/k\n".to_owned(),
            append: "exit=isa-debug".to_owned(),
            kernel: file("kernel"),
            shim: file("shim"),
            modules: vec![Module { name: "a.wasm".to_owned(), path: file("component") }],
        };
        let bytes = image.archive().unwrap();
        let files: Vec<_> = archive::files(&bytes).map(|file| file.unwrap()).collect();
        let names: Vec<_> = files.iter().map(|file| file.name).collect();
        assert_eq!(names, ["limine.cfg", "boot/k", "boot/a.wasm"]);
        assert_eq!(files[2].bytes, b"component");
        let config = boot_config::parse(std::str::from_utf8(files[0].bytes).unwrap()).unwrap();
        for entry in config.entries() {
            assert_eq!(entry.command_line(), "exit=isa-debug");
            for path in entry.modules().map(|module| module.path).chain(entry.kernel()) {
                assert!(names.contains(&path), "{path}");
            }
        }
        assert_eq!(bytes, image.archive().unwrap());
    }
}
