//! Devices that are not there, and media that are files or fail.

use super::linux::Linux;
use super::{Device, Devices, Medium, write};
use crate::Mistake;
use anyhow::Result;
use std::cell::Cell;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Cursor, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

/// A machine with one device, whose medium is a file.
struct Fake {
    device: Device,
    medium: PathBuf,
    /// A byte that is read back wrong.
    flaw: Option<u64>,
    opened: Cell<u32>,
}

impl Devices for Fake {
    fn find(&self, _: &Path) -> Result<Device> {
        Ok(self.device.clone())
    }

    fn open(&self, _: &Path) -> Result<Box<dyn Medium>> {
        self.opened.set(self.opened.get() + 1);
        let file = OpenOptions::new().read(true).write(true).open(&self.medium)?;
        Ok(match self.flaw {
            None => Box::new(file),
            Some(at) => Box::new(Flawed { file, at }),
        })
    }
}

/// A file of which one byte is read back wrong.
struct Flawed {
    file: File,
    at: u64,
}

impl Read for Flawed {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let begin = self.file.stream_position()?;
        let count = self.file.read(buffer)?;
        if let Some(offset) = self.at.checked_sub(begin)
            && let Some(byte) = buffer[..count].get_mut(offset as usize)
        {
            *byte = !*byte;
        }
        Ok(count)
    }
}

impl Write for Flawed {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl Seek for Flawed {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.file.seek(to)
    }
}

impl Medium for Flawed {
    fn settle(&mut self) -> io::Result<()> {
        self.file.settle()
    }
}

fn stick() -> Device {
    Device {
        name: "sdx".to_owned(),
        model: "Acme Stick".to_owned(),
        bytes: 8_000_000,
        is_whole: true,
        is_removable: true,
        is_read_only: false,
        users: Vec::new(),
    }
}

/// Bytes that pass for an ISO, not a whole number of pieces.
fn iso() -> Vec<u8> {
    let mut bytes: Vec<u8> = (0..2_500_001_u32).map(|number| (number % 251) as u8).collect();
    bytes[0x8001..0x8006].copy_from_slice(b"CD001");
    bytes
}

/// Writes an image to a device; what came of it, what was asked, and the medium afterwards.
fn try_to(
    device: Device,
    flaw: Option<u64>,
    image: &[u8],
    answer: &str,
) -> (Result<()>, String, Vec<u8>) {
    let folder = tempfile::tempdir().unwrap();
    let (image_file, medium) = (folder.path().join("a.iso"), folder.path().join("medium"));
    fs::write(&image_file, image).unwrap();
    fs::write(&medium, vec![7; 4_000_000]).unwrap();
    let fake = Fake { device, medium: medium.clone(), flaw, opened: Cell::new(0) };
    let mut asked = Vec::new();
    let mut answers = Cursor::new(answer.as_bytes().to_vec());
    let outcome = write(&fake, &image_file, Path::new("/dev/sdx"), &mut answers, &mut asked);
    let asked = String::from_utf8(asked).unwrap();
    let after = fs::read(&medium).unwrap();
    if outcome.is_err() && flaw.is_none() {
        assert_eq!(fake.opened.get(), 0, "nothing is opened that is not written");
        assert!(after.iter().all(|byte| *byte == 7));
    }
    (outcome, asked, after)
}

#[test]
fn an_image_is_written_and_the_rest_stays() {
    let (outcome, asked, after) = try_to(stick(), None, &iso(), "sdx\n");
    outcome.unwrap();
    assert!(
        asked.contains("/dev/sdx: Acme Stick, 8.0 MB. Everything on it will be lost."),
        "{asked}"
    );
    assert_eq!(after[..iso().len()], iso());
    assert!(after[iso().len()..].iter().all(|byte| *byte == 7) && after.len() == 4_000_000);
}

#[test]
fn what_is_read_back_wrong_is_told() {
    for at in [0, 1_048_576, 2_500_000] {
        let (outcome, ..) = try_to(stick(), Some(at), &iso(), "sdx\n");
        let error = format!("{:#}", outcome.unwrap_err());
        assert!(error.contains(&format!("byte {at} was read back as another one")), "{error}");
    }
}

#[test]
fn only_its_name_is_a_yes() {
    for answer in ["", "\n", "y\n", "yes\n", "sd\n", "/dev/sdx\n"] {
        let (outcome, ..) = try_to(stick(), None, &iso(), answer);
        assert_eq!(outcome.unwrap_err().to_string(), "nothing was written");
    }
}

#[test]
fn what_must_not_be_overwritten_is_not() {
    let refused = |device: Device, why: &str| {
        let (outcome, asked, _) = try_to(device, None, &iso(), "sdx\n");
        let error = outcome.unwrap_err();
        assert!(error.is::<Mistake>() && error.to_string().contains(why), "{error}");
        assert_eq!(asked, "", "nobody is asked");
    };
    refused(Device { is_whole: false, ..stick() }, "part of a disk");
    refused(Device { is_removable: false, ..stick() }, "no removable disk");
    refused(Device { is_read_only: true, ..stick() }, "write-protected");
    refused(Device { users: vec!["/".to_owned()], ..stick() }, "in use (/)");
    refused(Device { bytes: 2_500_000, ..stick() }, "holds 2.5 MB");
    let (outcome, ..) = try_to(stick(), None, &[0; 100_000], "sdx\n");
    assert!(outcome.unwrap_err().to_string().contains("no ISO"));
}

/// Files as Linux has them for a stick with one partition.
fn linux(folder: &Path) -> Linux {
    let file = |path: &str, text: &str| {
        let path = folder.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, format!("{text}\n")).unwrap();
    };
    for (path, text) in [
        ("sys/devices/usb/block/sdx/dev", "8:32"),
        ("sys/devices/usb/block/sdx/size", "15625"),
        ("sys/devices/usb/block/sdx/ro", "0"),
        ("sys/devices/usb/block/sdx/removable", "1"),
        ("sys/devices/usb/block/sdx/device/vendor", "Acme    "),
        ("sys/devices/usb/block/sdx/device/model", "Stick   "),
        ("sys/devices/usb/block/sdx/sdx1/partition", "1"),
        ("sys/devices/usb/block/sdx/sdx1/dev", "8:33"),
        ("sys/devices/usb/block/sdx/sdx1/ro", "0"),
        ("proc/self/mountinfo", "20 1 8:1 / / rw - ext4 /dev/sda1 rw"),
        ("proc/swaps", "Filename Type Size\n/dev/sda2 partition 1"),
    ] {
        file(path, text);
    }
    let links = folder.join("sys/dev/block");
    fs::create_dir_all(&links).unwrap();
    for (name, to) in [("8:32", "sdx"), ("8:33", "sdx/sdx1")] {
        let to = folder.join("sys/devices/usb/block").join(to);
        std::os::unix::fs::symlink(to, links.join(name)).unwrap();
    }
    Linux::at(folder)
}

#[test]
fn linux_says_what_a_device_is() {
    let folder = tempfile::tempdir().unwrap();
    let machine = linux(folder.path());
    let model = "Acme Stick".to_owned();
    assert_eq!(machine.device("8:32").unwrap(), Device { model, ..stick() });
    let part = machine.device("8:33").unwrap();
    assert!(!part.is_whole && !part.is_removable);
    assert!(machine.device("9:1").is_err());
}

#[test]
fn linux_says_who_uses_it() {
    let folder = tempfile::tempdir().unwrap();
    let machine = linux(folder.path());
    let users = || machine.device("8:32").unwrap().users;
    let proc = folder.path().join("proc");
    let mounts =
        "20 1 8:1 / / rw - ext4 /dev/sda1 rw\n30 20 8:33 / /media/stick rw - vfat /dev/sdx1 rw\n";
    fs::write(proc.join("self/mountinfo"), mounts).unwrap();
    assert_eq!(users(), ["/media/stick"]);
    let other = "31 20 0:45 / /media/other rw - btrfs /dev/sdx1 rw\n";
    fs::write(proc.join("self/mountinfo"), other).unwrap();
    assert_eq!(users(), ["/media/other"]);
    fs::write(proc.join("self/mountinfo"), mounts).unwrap();
    fs::write(proc.join("swaps"), "Filename\n/dev/sdx1 partition 1\n").unwrap();
    assert_eq!(users(), ["/media/stick", "swap"]);
    let holder = folder.path().join("sys/devices/usb/block/sdx/holders/dm-0");
    fs::create_dir_all(holder).unwrap();
    assert_eq!(users(), ["/media/stick", "dm-0", "swap"]);
    fs::remove_file(proc.join("self/mountinfo")).unwrap();
    assert!(machine.device("8:32").is_err(), "nothing is taken for unused unseen");
}

#[test]
fn a_file_is_no_device() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("a");
    fs::write(&file, "").unwrap();
    let error = Linux::new().find(&file).unwrap_err();
    assert!(error.is::<Mistake>() && error.to_string().contains("no block device"), "{error}");
    assert!(Linux::new().find(&folder.path().join("b")).is_err());
}
