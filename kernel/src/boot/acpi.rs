//! Reader of the ACPI tables that the kernel needs: interrupt controllers, power, timer.
//!
//! Read are the root pointer, the MADT, the FADT and, of the DSDT, one package: `_S5_`, which says
//! what to write to switch off. There is no AML interpreter. Every length and address of the tables
//! is checked. Specification: ACPI 6.5, sections 5.2.5 to 5.2.12 and 7.4.2.

use alloc::vec::Vec;

/// Gives the bytes at a physical address, or `None` if it cannot.
pub trait Physical {
    /// `len` bytes from `address` on.
    fn bytes(&mut self, address: u64, len: usize) -> Option<&'static [u8]>;
}

/// An I/O APIC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IoApic {
    /// Physical address of its registers.
    pub address: u64,
    /// First global system interrupt that it has.
    pub first_line: u32,
}

/// How an ISA interrupt differs from the usual: same number, edge-triggered, active high.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Override {
    /// The ISA interrupt.
    pub source: u8,
    /// Its global system interrupt.
    pub line: u32,
    /// Whether it is level-triggered.
    pub level: bool,
    /// Whether it is active low.
    pub active_low: bool,
}

/// A register that switches the machine off or restarts it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PortWrite {
    /// I/O port.
    pub port: u16,
    /// What to write to it.
    pub value: u16,
}

/// How to switch the machine off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SoftOff {
    /// Write to make first, if the firmware still has the power registers.
    pub enable: Option<PortWrite>,
    /// The control register and, where there is one, its second half.
    pub control: [Option<PortWrite>; 2],
}

/// What the tables say.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Acpi {
    /// Physical address of the local APIC's registers.
    pub local_apic: u64,
    /// All I/O APICs.
    pub io_apics: Vec<IoApic>,
    /// All source overrides.
    pub overrides: Vec<Override>,
    /// How to switch off.
    pub soft_off: Option<SoftOff>,
    /// How to restart: an 8-bit register in port space.
    pub reset: Option<PortWrite>,
    /// Port of the power management timer, 3.579545 MHz.
    pub timer: Option<u16>,
}

/// Why the tables are of no use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AcpiError {
    /// There is no valid root pointer.
    NoRoot,
    /// There is no valid table of interrupt controllers.
    NoInterruptControllers,
}

/// Reads the tables from the root pointer on.
pub fn read(memory: &mut impl Physical, root: u64) -> Result<Acpi, AcpiError> {
    let tables = root_table(memory, root).ok_or(AcpiError::NoRoot)?;
    let mut acpi = Acpi::default();
    let madt = tables.find(memory, b"APIC").ok_or(AcpiError::NoInterruptControllers)?;
    read_madt(madt, &mut acpi).ok_or(AcpiError::NoInterruptControllers)?;
    if let Some(fadt) = tables.find(memory, b"FACP") {
        read_fadt(memory, fadt, &mut acpi);
    }
    Ok(acpi)
}

/// The table of tables, with 4- or 8-byte addresses.
struct RootTable {
    table: &'static [u8],
    width: usize,
}

const HEADER: usize = 36;
/// No table that is read is longer.
const MAX_TABLE: usize = 4 << 20;

impl RootTable {
    fn find(&self, memory: &mut impl Physical, signature: &[u8; 4]) -> Option<&'static [u8]> {
        let addresses = self.table.get(HEADER..)?.chunks_exact(self.width);
        addresses.map(little_endian).find_map(|address| table(memory, address, signature))
    }
}

fn root_table(memory: &mut impl Physical, root: u64) -> Option<RootTable> {
    let pointer = memory.bytes(root, 20)?;
    if !pointer.starts_with(b"RSD PTR ") || !sums_to_zero(pointer) {
        return None;
    }
    if *pointer.get(15)? >= 2 {
        let extended = memory.bytes(root, 36).filter(|bytes| sums_to_zero(bytes));
        let address = extended.and_then(|bytes| number(bytes, 24, 8)).filter(|at| *at != 0);
        let long = address.and_then(|address| table(memory, address, b"XSDT"));
        if let Some(table) = long {
            return Some(RootTable { table, width: 8 });
        }
    }
    let table = table(memory, number(pointer, 16, 4)?, b"RSDT")?;
    Some(RootTable { table, width: 4 })
}

/// A whole table with the right signature and checksum.
fn table(memory: &mut impl Physical, address: u64, signature: &[u8; 4]) -> Option<&'static [u8]> {
    let header = memory.bytes(address, HEADER)?;
    let len = usize::try_from(number(header, 4, 4)?).ok()?;
    if !header.starts_with(signature) || !(HEADER..=MAX_TABLE).contains(&len) {
        return None;
    }
    memory.bytes(address, len).filter(|table| sums_to_zero(table))
}

fn sums_to_zero(bytes: &[u8]) -> bool {
    bytes.iter().fold(0_u8, |sum, byte| sum.wrapping_add(*byte)) == 0
}

/// The number of `width` bytes at `offset`.
fn number(bytes: &[u8], offset: usize, width: usize) -> Option<u64> {
    Some(little_endian(bytes.get(offset..offset.checked_add(width)?)?))
}

fn little_endian(bytes: &[u8]) -> u64 {
    bytes.iter().rev().fold(0, |value, byte| value << 8 | u64::from(*byte))
}

fn read_madt(madt: &[u8], acpi: &mut Acpi) -> Option<()> {
    const IO_APIC: u8 = 1;
    const SOURCE_OVERRIDE: u8 = 2;
    const LOCAL_APIC_ADDRESS: u8 = 5;
    acpi.local_apic = number(madt, HEADER, 4)?;
    let mut rest = madt.get(HEADER + 8..)?;
    while let [kind, len, ..] = *rest {
        let entry = rest.get(..usize::from(len).max(2))?;
        rest = rest.get(entry.len()..)?;
        match kind {
            IO_APIC => acpi.io_apics.push(IoApic {
                address: number(entry, 4, 4)?,
                first_line: number(entry, 8, 4)? as u32,
            }),
            SOURCE_OVERRIDE => acpi.overrides.push(Override {
                source: number(entry, 3, 1)? as u8,
                line: number(entry, 4, 4)? as u32,
                level: number(entry, 8, 2)? & 0b1100 == 0b1100,
                active_low: number(entry, 8, 2)? & 0b11 == 0b11,
            }),
            LOCAL_APIC_ADDRESS => acpi.local_apic = number(entry, 4, 8)?,
            _ => {}
        }
    }
    Some(())
}

fn read_fadt(memory: &mut impl Physical, fadt: &[u8], acpi: &mut Acpi) {
    /// Flag: the reset register works.
    const RESET_SUPPORTED: u64 = 1 << 10;
    const PORT_SPACE: u64 = 1;
    let port = |offset| number(fadt, offset, 4).and_then(|raw| u16::try_from(raw).ok());
    acpi.timer = port(76).filter(|port| *port != 0);
    let flags = number(fadt, 112, 4).unwrap_or(0);
    if flags & RESET_SUPPORTED != 0 && number(fadt, 116, 1) == Some(PORT_SPACE) {
        let register = number(fadt, 120, 8).and_then(|raw| u16::try_from(raw).ok());
        let value = number(fadt, 128, 1).map(|value| value as u16);
        acpi.reset = register.zip(value).map(|(port, value)| PortWrite { port, value });
    }
    let dsdt = number(fadt, 140, 8).filter(|at| *at != 0).or_else(|| number(fadt, 40, 4));
    let dsdt = dsdt.and_then(|address| table(memory, address, b"DSDT"));
    let Some([first, second]) = dsdt.and_then(sleep_types) else { return };
    // SLP_TYP in bits 10 to 12, SLP_EN in bit 13.
    let write = |port, kind: u8| PortWrite { port, value: u16::from(kind & 7) << 10 | 1 << 13 };
    let control = |offset, kind| port(offset).filter(|port| *port != 0).map(|at| write(at, kind));
    let command = port(48).filter(|port| *port != 0);
    let value = number(fadt, 52, 1).filter(|value| *value != 0).map(|value| value as u16);
    acpi.soft_off = Some(SoftOff {
        enable: command.zip(value).map(|(port, value)| PortWrite { port, value }),
        control: [control(64, first), control(68, second)],
    });
}

/// Finds `Name (_S5_, Package () {a, b, ...})` in AML and gives a and b, the sleep types of soft
/// off. Searching for the name is what kernels without an interpreter do; a name that is not
/// followed by a package of constants is passed over.
fn sleep_types(dsdt: &[u8]) -> Option<[u8; 2]> {
    let at = |window: &(usize, &[u8])| window.1 == b"_S5_";
    dsdt.windows(4)
        .enumerate()
        .filter(at)
        .find_map(|(found, _)| package_of_two(dsdt.get(found + 4..)?))
}

fn package_of_two(aml: &[u8]) -> Option<[u8; 2]> {
    const PACKAGE: u8 = 0x12;
    let (first, rest) = aml.split_first()?;
    if *first != PACKAGE {
        return None;
    }
    // The package's length is 1 to 4 bytes, the two high bits of the first say how many follow;
    // then comes the count of elements.
    let more = usize::from(*rest.first()? >> 6);
    let rest = rest.get(1 + more + 1..)?;
    let (first, rest) = constant(rest)?;
    let (second, _) = constant(rest)?;
    Some([first, second])
}

/// An AML constant that fits a byte: zero, one, or a byte after its prefix.
fn constant(aml: &[u8]) -> Option<(u8, &[u8])> {
    const BYTE: u8 = 0x0a;
    match *aml {
        [value @ (0 | 1), ref rest @ ..] => Some((value, rest)),
        [BYTE, value, ref rest @ ..] => Some((value, rest)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::{Acpi, AcpiError, HEADER, IoApic, Override, Physical, PortWrite, read};
    use proptest::prelude::{any, proptest};
    use std::vec::Vec;

    struct Image(Vec<u8>);

    impl Physical for Image {
        fn bytes(&mut self, address: u64, len: usize) -> Option<&'static [u8]> {
            let start = usize::try_from(address).ok()?;
            let bytes = self.0.get(start..start.checked_add(len)?)?;
            Some(bytes.to_vec().leak())
        }
    }

    fn sign(bytes: &mut [u8], at: usize) {
        bytes[at] = 0;
        bytes[at] = 0_u8.wrapping_sub(bytes.iter().fold(0, |sum, byte| sum.wrapping_add(*byte)));
    }

    fn table(signature: &[u8; 4], body: &[u8]) -> Vec<u8> {
        let mut table = std::vec![0; HEADER];
        table[..4].copy_from_slice(signature);
        table[4..8].copy_from_slice(&((HEADER + body.len()) as u32).to_le_bytes());
        table.extend_from_slice(body);
        sign(&mut table, 9);
        table
    }

    fn put(image: &mut Image, at: usize, bytes: &[u8]) {
        image.0.resize(image.0.len().max(at + bytes.len()), 0);
        image.0[at..at + bytes.len()].copy_from_slice(bytes);
    }

    fn machine() -> Image {
        let mut image = Image(Vec::new());
        let mut pointer = [0; 20];
        pointer[..8].copy_from_slice(b"RSD PTR ");
        pointer[16..].copy_from_slice(&0x100_u32.to_le_bytes());
        sign(&mut pointer, 8);
        put(&mut image, 0, &pointer);
        let addresses: Vec<u8> =
            [0x200_u32, 0x400].iter().flat_map(|at| at.to_le_bytes()).collect();
        put(&mut image, 0x100, &table(b"RSDT", &addresses));
        let mut madt = std::vec![0, 0, 0xe0, 0xfe, 1, 0, 0, 0];
        madt.extend_from_slice(&[0, 8, 0, 0, 1, 0, 0, 0]);
        madt.extend_from_slice(&[1, 12, 0, 0, 0, 0, 0xc0, 0xfe, 0, 0, 0, 0]);
        madt.extend_from_slice(&[2, 10, 0, 9, 20, 0, 0, 0, 0xf, 0]);
        put(&mut image, 0x200, &table(b"APIC", &madt));
        let mut fadt = [0_u8; 129 - HEADER];
        let mut field = |at: usize, bytes: &[u8]| {
            fadt[at - HEADER..at - HEADER + bytes.len()].copy_from_slice(bytes);
        };
        field(40, &0x800_u32.to_le_bytes());
        field(48, &0xb2_u32.to_le_bytes());
        field(52, &[0xf1]);
        field(64, &0x604_u32.to_le_bytes());
        field(76, &0x608_u32.to_le_bytes());
        field(112, &(1_u32 << 10).to_le_bytes());
        field(116, &[1]);
        field(120, &0xcf9_u64.to_le_bytes());
        field(128, &[0xf]);
        put(&mut image, 0x400, &table(b"FACP", &fadt));
        let aml = b"\x08_S5_\x0d\x08_S5_\x12\x06\x04\x0a\x05\x01\x00\x00";
        put(&mut image, 0x800, &table(b"DSDT", aml));
        image
    }

    #[test]
    fn a_usual_machine_is_read() {
        let acpi = read(&mut machine(), 0).unwrap();
        assert_eq!(acpi.local_apic, 0xfee0_0000);
        assert_eq!(acpi.io_apics, [IoApic { address: 0xfec0_0000, first_line: 0 }]);
        let nine = Override { source: 9, line: 20, level: true, active_low: true };
        assert_eq!(acpi.overrides, [nine]);
        assert_eq!(acpi.timer, Some(0x608));
        assert_eq!(acpi.reset, Some(PortWrite { port: 0xcf9, value: 0xf }));
        let off = acpi.soft_off.unwrap();
        assert_eq!(off.enable, Some(PortWrite { port: 0xb2, value: 0xf1 }));
        assert_eq!(off.control, [Some(PortWrite { port: 0x604, value: 0x3400 }), None]);
    }

    #[test]
    fn a_broken_checksum_is_noticed() {
        let mut image = machine();
        image.0[0x210] ^= 1;
        assert_eq!(read(&mut image, 0), Err(AcpiError::NoInterruptControllers));
        image.0[3] ^= 1;
        assert_eq!(read(&mut image, 0), Err(AcpiError::NoRoot));
    }

    proptest! {
        #[test]
        fn damaged_tables_do_not_panic(
            damage in proptest::collection::vec((0_usize..0x840, any::<u8>()), 0..12),
        ) {
            let mut image = machine();
            for (at, byte) in damage {
                if let Some(place) = image.0.get_mut(at) {
                    *place = byte;
                }
            }
            // Checksums would hide most damage from the readers behind them.
            for start in [0x200, 0x400, 0x800] {
                let len = super::number(&image.0, start + 4, 4).unwrap_or(0) as usize;
                if let Some(table) = image.0.get_mut(start..start + len.clamp(10, 0x400)) {
                    sign(table, 9);
                }
            }
            let _: Result<Acpi, AcpiError> = read(&mut image, 0);
        }
    }
}
