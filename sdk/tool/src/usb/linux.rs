//! Devices as Linux knows them: `/sys/dev/block`, `/proc/self/mountinfo` and `/proc/swaps`.

use super::{Device, Devices, Medium};
use crate::mistake::mistake;
use anyhow::{Context, Result};
use rustix::fs::{FileType, OFlags, major, minor};
use std::fs::{self, OpenOptions};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

/// Bytes of the unit that Linux counts devices in.
const SECTOR: u64 = 512;

/// A machine that runs Linux.
#[derive(Debug)]
pub(super) struct Linux {
    /// The folder that has `sys` and `proc`.
    root: PathBuf,
}

impl Linux {
    pub(super) fn new() -> Self {
        Self { root: "/".into() }
    }

    /// One whose files are in a folder.
    #[cfg(test)]
    pub(super) fn at(root: &Path) -> Self {
        Self { root: root.into() }
    }

    /// What is known of the device with these numbers, `MAJOR:MINOR`.
    pub(super) fn device(&self, numbers: &str) -> Result<Device> {
        let link = self.root.join("sys/dev/block").join(numbers);
        let folder = fs::canonicalize(&link)
            .with_context(|| format!("Linux knows no block device {numbers}"))?;
        let value = |file: &str| text(&folder.join(file));
        let name = folder.file_name().context("a device without a name")?;
        let model = [value("device/vendor"), value("device/model")].join(" ");
        let model = model.trim();
        Ok(Device {
            name: name.to_string_lossy().into_owned(),
            model: if model.is_empty() { "unknown model" } else { model }.to_owned(),
            bytes: value("size").parse::<u64>().unwrap_or(0).saturating_mul(SECTOR),
            is_whole: !folder.join("partition").exists(),
            is_removable: value("removable") == "1",
            is_read_only: value("ro") != "0",
            users: self.users(&folder)?,
        })
    }

    /// What uses a disk or its partitions.
    fn users(&self, disk: &Path) -> Result<Vec<String>> {
        let mut parts = vec![disk.to_path_buf()];
        for entry in fs::read_dir(disk)? {
            let path = entry?.path();
            if path.join("partition").exists() {
                parts.push(path);
            }
        }
        let mounts = fs::read_to_string(self.root.join("proc/self/mountinfo"))
            .context("it is not known what is mounted")?;
        let swaps = text(&self.root.join("proc/swaps"));
        let mut users = Vec::new();
        for part in parts {
            let numbers = text(&part.join("dev"));
            let name = part.file_name().unwrap_or_default().to_string_lossy();
            let file = format!("/dev/{name}");
            users.extend(mounted(&mounts, &numbers, &file).map(str::to_owned));
            if swaps.lines().any(|line| line.split_whitespace().next() == Some(&file)) {
                users.push("swap".to_owned());
            }
            for holder in fs::read_dir(part.join("holders")).into_iter().flatten().flatten() {
                users.push(holder.file_name().to_string_lossy().into_owned());
            }
        }
        users.sort();
        Ok(users)
    }
}

/// Where a device is mounted: the fifth field of the lines whose third has its numbers or, as some
/// file systems have numbers of their own, whose source is its file.
fn mounted<'a>(mounts: &'a str, numbers: &str, file: &str) -> impl Iterator<Item = &'a str> {
    mounts.lines().filter_map(move |line| {
        let (before, after) = line.split_once(" - ")?;
        let mut fields = before.split_whitespace();
        let is_it = fields.nth(2) == Some(numbers) || after.split_whitespace().nth(1) == Some(file);
        fields.nth(1).filter(|_| is_it)
    })
}

fn text(file: &Path) -> String {
    fs::read_to_string(file).unwrap_or_default().trim().to_owned()
}

impl Devices for Linux {
    fn find(&self, path: &Path) -> Result<Device> {
        let found =
            rustix::fs::stat(path).with_context(|| format!("cannot find {}", path.display()))?;
        if FileType::from_raw_mode(found.st_mode) != FileType::BlockDevice {
            mistake!("{} is no block device; `lsblk` lists them", path.display());
        }
        self.device(&format!("{}:{}", major(found.st_rdev), minor(found.st_rdev)))
    }

    fn open(&self, path: &Path) -> Result<Box<dyn Medium>> {
        // Exclusive: Linux refuses it while anybody uses the device, whatever was known before.
        let flags = i32::try_from(OFlags::EXCL.bits())?;
        let opened = OpenOptions::new().read(true).write(true).custom_flags(flags).open(path);
        let opened = opened.with_context(|| {
            format!(
                "cannot open {} (an administrator can, and nobody while it is in use)",
                path.display()
            )
        })?;
        Ok(Box::new(opened))
    }
}
