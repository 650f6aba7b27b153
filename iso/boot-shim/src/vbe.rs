//! The Bochs display interface of QEMU's standard VGA: a linear framebuffer without a BIOS call,
//! for loaders that leave no screen (QEMU, `docs/specs/standard-vga`).

use crate::front::Framebuffer;
use crate::machine::{read_pci, read_port_16, write_port_16};

const INDEX: u16 = 0x1ce;
const DATA: u16 = 0x1cf;
const REGISTER_ID: u16 = 0;
const REGISTER_WIDTH: u16 = 1;
const REGISTER_HEIGHT: u16 = 2;
const REGISTER_BITS: u16 = 3;
const REGISTER_ENABLE: u16 = 4;
/// Enabled, with the linear framebuffer.
const ENABLED: u16 = 0x41;
/// Vendor and device of QEMU's standard VGA.
const DEVICE: u32 = 0x1111_1234;
/// Screen size when the configuration wishes none.
const DEFAULT: (u16, u16) = (1024, 768);

/// Looks for the device on the first bus and sets the wished mode with 32 bits a pixel.
pub(crate) fn set_up(wish: Option<(u16, u16)>) -> Option<Framebuffer> {
    let device = (0..32).find(|&device| read_pci(0, device, 0) == DEVICE)?;
    let address = u64::from(read_pci(0, device, 0x10) & !0xf);
    if address == 0 || read(REGISTER_ID) & 0xfff0 != 0xb0c0 {
        return None;
    }
    let (width, height) = wish.unwrap_or(DEFAULT);
    for (register, value) in [
        (REGISTER_ENABLE, 0),
        (REGISTER_WIDTH, width),
        (REGISTER_HEIGHT, height),
        (REGISTER_BITS, 32),
        (REGISTER_ENABLE, ENABLED),
    ] {
        write_port_16(INDEX, register);
        write_port_16(DATA, value);
    }
    // The device rounds what it cannot do.
    let (width, height) = (u32::from(read(REGISTER_WIDTH)), u32::from(read(REGISTER_HEIGHT)));
    let masks = [(8, 16), (8, 8), (8, 0)];
    Some(Framebuffer { address, width, height, pitch: width * 4, bits: 32, masks })
}

fn read(register: u16) -> u16 {
    write_port_16(INDEX, register);
    read_port_16(DATA)
}
