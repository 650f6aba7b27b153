//! Multiboot2 (specification 2.0, section 3.6 "Boot information format"), as GRUB speaks it under
//! BIOS and UEFI. The boot archive is the first module.

use super::{Framebuffer, Handoff, claimed, kind_of, new_map, number, text};
use crate::Problem;

/// What a Multiboot2 loader leaves in EAX.
pub(super) const MAGIC: u32 = 0x36d7_6289;

/// Types of tags (3.6.3 and on).
mod tag {
    pub(super) const END: u64 = 0;
    pub(super) const COMMAND_LINE: u64 = 1;
    pub(super) const MODULE: u64 = 3;
    pub(super) const MEMORY_MAP: u64 = 6;
    pub(super) const FRAMEBUFFER: u64 = 8;
    pub(super) const EFI_SYSTEM_TABLE: u64 = 12;
    pub(super) const RSDP_OLD: u64 = 14;
    pub(super) const RSDP_NEW: u64 = 15;
    pub(super) const BOOT_SERVICES_RUN: u64 = 18;
}

/// Reads the boot information.
pub(super) fn read(information: u32) -> Result<Handoff, Problem> {
    let mut map = new_map()?;
    let size = number(claimed(&mut map, information.into(), 8)?, 0, 4)?;
    let info = claimed(&mut map, information.into(), size)?;
    let mut handoff = Handoff {
        map,
        archive: &[],
        command_line: "",
        rsdp: None,
        efi_system_table: None,
        framebuffer: None,
    };
    let mut at = 8;
    loop {
        let (kind, size) = (number(info, at, 4)?, number(info, at + 4, 4)? as usize);
        let body = info.get(at..).and_then(|rest| rest.get(..size)).and_then(|tag| tag.get(8..));
        let body = body.ok_or(Problem::new("the loader's information is cut off", ""))?;
        if kind == tag::END {
            break;
        }
        read_tag(&mut handoff, kind, body)?;
        at = (at + size).next_multiple_of(8);
    }
    match handoff.archive {
        [] => Err(Problem::new("no boot archive: give it by module2", "")),
        _ => Ok(handoff),
    }
}

fn read_tag(handoff: &mut Handoff, kind: u64, body: &'static [u8]) -> Result<(), Problem> {
    match kind {
        tag::COMMAND_LINE => handoff.command_line = text(body)?,
        tag::MODULE if handoff.archive.is_empty() => {
            let (start, end) = (number(body, 0, 4)?, number(body, 4, 4)?);
            handoff.archive = claimed(&mut handoff.map, start, end.saturating_sub(start))?;
        }
        tag::MEMORY_MAP => read_memory_map(handoff, body)?,
        tag::FRAMEBUFFER => handoff.framebuffer = framebuffer(body)?,
        tag::EFI_SYSTEM_TABLE => handoff.efi_system_table = Some(number(body, 0, 8)?),
        // The tags hold copies; the newer one has 64-bit addresses and wins.
        tag::RSDP_NEW => handoff.rsdp = Some(body.as_ptr() as u64),
        tag::RSDP_OLD if handoff.rsdp.is_none() => handoff.rsdp = Some(body.as_ptr() as u64),
        tag::BOOT_SERVICES_RUN => return Err(Problem::new("EFI boot services still run", "")),
        _ => {}
    }
    Ok(())
}

fn read_memory_map(handoff: &mut Handoff, body: &[u8]) -> Result<(), Problem> {
    let size = (number(body, 0, 4)? as usize).max(24);
    for entry in body.get(8..).unwrap_or_default().chunks_exact(size) {
        let kind = kind_of(number(entry, 16, 4)? as u32);
        handoff.map.claim(number(entry, 0, 8)?, number(entry, 8, 8)?, kind)?;
    }
    Ok(())
}

/// A framebuffer of direct colours (type 1); a text screen or a palette is no use to the kernel.
fn framebuffer(body: &[u8]) -> Result<Option<Framebuffer>, Problem> {
    if number(body, 21, 1)? != 1 {
        return Ok(None);
    }
    let byte = |at| Ok::<_, Problem>(number(body, at, 1)? as u8);
    let mask = |at| Ok::<_, Problem>((byte(at + 1)?, byte(at)?));
    Ok(Some(Framebuffer {
        address: number(body, 0, 8)?,
        pitch: number(body, 8, 4)? as u32,
        width: number(body, 12, 4)? as u32,
        height: number(body, 16, 4)? as u32,
        bits: byte(20)?,
        masks: [mask(24)?, mask(26)?, mask(28)?],
    }))
}
