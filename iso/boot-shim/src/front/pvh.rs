//! PVH: Xen's "x86/HVM direct boot ABI", version 1 of its start information, as QEMU's `-kernel`
//! uses it. The boot archive is the first module (`-initrd`), the command line is `-append`.

use super::{Handoff, claimed, claimed_text, kind_of, new_map, number};
use crate::Problem;

/// First word of the start information.
pub(super) const MAGIC: u32 = 0x336e_c578;

const START_INFO: u64 = 56;
const MODULE: u64 = 32;
const MAP_ENTRY: u64 = 24;

/// Reads the start information.
pub(super) fn read(information: u32) -> Result<Handoff, Problem> {
    let mut map = new_map()?;
    let info = claimed(&mut map, information.into(), START_INFO)?;
    if number(info, 4, 4)? < 1 {
        return Err(Problem::new("the PVH start information has no memory map", ""));
    }
    let (table, entries) = (number(info, 40, 8)?, number(info, 48, 4)?);
    for entry in claimed(&mut map, table, entries * MAP_ENTRY)?.chunks_exact(MAP_ENTRY as usize) {
        let kind = kind_of(number(entry, 16, 4)? as u32);
        map.claim(number(entry, 0, 8)?, number(entry, 8, 8)?, kind)?;
    }
    if number(info, 12, 4)? == 0 {
        return Err(Problem::new("no boot archive: give it by -initrd", ""));
    }
    let module = claimed(&mut map, number(info, 16, 8)?, MODULE)?;
    let archive = claimed(&mut map, number(module, 0, 8)?, number(module, 8, 8)?)?;
    let command_line = claimed_text(&mut map, number(info, 24, 8)?)?;
    let rsdp = Some(number(info, 32, 8)?).filter(|&address| address != 0);
    Ok(Handoff { map, archive, command_line, rsdp, efi_system_table: None, framebuffer: None })
}
