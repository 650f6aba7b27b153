//! Equal inputs, equal bytes: the fixed date of everything in an image, and the one number that
//! the tools make up.
//!
//! `grub-mkrescue` formats a FAT volume for EFI without giving it a serial number, so `mformat`
//! takes one from the clock. [`fix_fat_serial`] finds the volume in the finished ISO and replaces
//! the number.

use anyhow::{Context, Result, bail};
use std::fs::{self, File, FileTimes};
use std::path::Path;
use std::time::{Duration, SystemTime};

/// Seconds since 1970 of the date that everything gets: 2026-01-01.
pub const EPOCH: u64 = 1_767_225_600;
/// The same date as `xorriso` writes it, with hundredths of a second.
pub const ISO_DATE: &str = "2026010100000000";
/// Serial number of the FAT volume.
const SERIAL: [u8; 4] = *b"ATOL";

/// Options for `xorriso`, in its mkisofs emulation, that fix all dates.
pub(crate) const XORRISO: [&str; 3] =
    ["--modification-date=2026010100000000", "--set_all_file_dates", ISO_DATE];

/// Gives every file and folder the fixed date.
pub(crate) fn fix_times(folder: &Path) -> Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            fix_times(&entry.path())?;
        } else {
            fix_time(&entry.path())?;
        }
    }
    fix_time(folder)
}

fn fix_time(path: &Path) -> Result<()> {
    let time = SystemTime::UNIX_EPOCH + Duration::from_secs(EPOCH);
    let times = FileTimes::new().set_accessed(time).set_modified(time);
    File::open(path)?.set_times(times).with_context(|| format!("cannot date {}", path.display()))
}

/// Replaces the serial number of the FAT volume `/efi.img` in an ISO.
///
/// # Errors
/// If there is no such volume or it is not FAT.
pub fn fix_fat_serial(iso: &mut [u8]) -> Result<()> {
    const SECTOR: usize = 2048;
    let at = root_file(iso, b"EFI.IMG;1").context("the ISO has no efi.img")? * SECTOR;
    // Extended boot signature, then the serial, in the boot sector of FAT12 and FAT16
    // (Microsoft's FAT specification 1.03, "Extended BPB").
    match iso.get_mut(at + 38..at + 43) {
        Some([0x29, serial @ ..]) => serial.copy_from_slice(&SERIAL),
        _ => bail!("efi.img is not a FAT12 or FAT16 volume"),
    }
    Ok(())
}

/// The first sector of a file in the root folder of an ISO (ECMA-119, 8.4 and 9.1).
fn root_file(iso: &[u8], name: &[u8]) -> Option<usize> {
    let number =
        |at: usize| Some(u32::from_le_bytes(iso.get(at..at + 4)?.try_into().ok()?) as usize);
    let root = 16 * 2048 + 156;
    let folder = number(root + 2)? * 2048;
    let mut at = folder;
    while at < folder + number(root + 10)? {
        match usize::from(*iso.get(at)?) {
            // A record does not cross a sector; the rest of the sector is empty.
            0 => at = (at + 1).next_multiple_of(2048),
            len => {
                let name_len = usize::from(*iso.get(at + 32)?);
                if iso.get(at + 33..at + 33 + name_len)? == name {
                    return number(at + 2);
                }
                at += len;
            }
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(name: &[u8], sector: u32) -> Vec<u8> {
        let mut record = vec![0; 33 + name.len()];
        record[0] = record.len() as u8;
        record[2..6].copy_from_slice(&sector.to_le_bytes());
        record[32] = name.len() as u8;
        record[33..].copy_from_slice(name);
        record
    }

    fn iso(signature: u8) -> Vec<u8> {
        let mut iso = vec![0; 20 * 2048];
        let root = 16 * 2048 + 156;
        iso[root + 2..root + 6].copy_from_slice(&18_u32.to_le_bytes());
        iso[root + 10..root + 14].copy_from_slice(&2048_u32.to_le_bytes());
        let records = [record(&[0], 18), record(b"BOOT", 5), record(b"EFI.IMG;1", 19)].concat();
        iso[18 * 2048..18 * 2048 + records.len()].copy_from_slice(&records);
        iso[19 * 2048 + 38] = signature;
        iso
    }

    #[test]
    fn the_serial_is_replaced_where_it_stands() {
        let mut bytes = iso(0x29);
        fix_fat_serial(&mut bytes).unwrap();
        assert_eq!(&bytes[19 * 2048 + 39..19 * 2048 + 43], b"ATOL");
        assert_eq!(bytes.iter().filter(|&&byte| b"ATOL".contains(&byte)).count(), 4 + 3);
    }

    #[test]
    fn other_volumes_are_refused() {
        assert!(fix_fat_serial(&mut iso(0)).is_err());
        assert!(fix_fat_serial(&mut vec![0; 40 * 2048]).is_err());
        assert!(fix_fat_serial(&mut []).is_err());
    }
}
