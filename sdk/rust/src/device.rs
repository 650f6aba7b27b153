//! Registers of devices, with their width, what may be done with them, and their fields; interrupt
//! lines ([`interrupt_line!`]).
//!
//! A driver describes its device by constants, [`Register`] and [`Field`], and works on anything
//! that has [`Registers`]: granted ports or a granted window ([`port_registers!`],
//! [`memory_registers!`]), or a model of the device in a test on the host.
//!
//! [`interrupt_line!`]: crate::interrupt_line
//! [`port_registers!`]: crate::port_registers
//! [`memory_registers!`]: crate::memory_registers
//!
//! ```
//! use atoll_sdk::device::{Field, ReadOnly, Register, Registers, WriteOnly};
//!
//! const STATUS: Register<u8, ReadOnly> = Register::at(4);
//! const COMMAND: Register<u8, WriteOnly> = Register::at(4);
//! const IS_BUSY: Field<u8> = Field::bit(1);
//!
//! fn command(device: &impl Registers<u8>, command: u8) -> bool {
//!     let is_idle = !IS_BUSY.is_set(STATUS.read(device));
//!     if is_idle {
//!         COMMAND.write(device, command);
//!     }
//!     is_idle
//! }
//! ```
//!
//! What a register does not allow, does not compile:
//!
//! ```compile_fail,E0599
//! # use atoll_sdk::device::{ReadOnly, Register, Registers};
//! # const STATUS: Register<u8, ReadOnly> = Register::at(4);
//! fn f(device: &impl Registers<u8>) {
//!     STATUS.write(device, 1);
//! }
//! ```
//!
//! Nor does a field that the register has no room for:
//!
//! ```compile_fail,E0080
//! # use atoll_sdk::device::Field;
//! const WIDE: Field<u8> = Field::bits(6, 3);
//! # let _ = WIDE;
//! ```

mod interrupt;

use std::marker::PhantomData;

/// Registers of one width, by their offset in bytes. An offset that the device does not have, or
/// that is not aligned to the width, traps where the interface says so.
pub trait Registers<W> {
    /// Reads in one access.
    fn read(&self, offset: u32) -> W;
    /// Writes in one access.
    fn write(&self, offset: u32, value: W);
}

/// A register that can be read.
#[derive(Clone, Copy, Debug)]
pub enum ReadOnly {}

/// A register that can be written.
#[derive(Clone, Copy, Debug)]
pub enum WriteOnly {}

/// A register that can be read and written.
#[derive(Clone, Copy, Debug)]
pub enum ReadWrite {}

/// Whether a register can be read.
pub trait Readable {}
impl Readable for ReadOnly {}
impl Readable for ReadWrite {}

/// Whether a register can be written.
pub trait Writable {}
impl Writable for WriteOnly {}
impl Writable for ReadWrite {}

/// A register: where it is, `W` how wide, `A` what may be done with it.
#[derive(Debug)]
pub struct Register<W, A = ReadWrite> {
    offset: u32,
    kind: PhantomData<(W, A)>,
}

impl<W, A> Register<W, A> {
    /// The register at that offset.
    #[must_use]
    pub const fn at(offset: u32) -> Self {
        Self { offset, kind: PhantomData }
    }

    /// Its offset.
    #[must_use]
    pub const fn offset(&self) -> u32 {
        self.offset
    }
}

impl<W, A: Readable> Register<W, A> {
    /// Reads it.
    pub fn read(&self, device: &impl Registers<W>) -> W {
        device.read(self.offset)
    }
}

impl<W, A: Writable> Register<W, A> {
    /// Writes it.
    pub fn write(&self, device: &impl Registers<W>, value: W) {
        device.write(self.offset, value);
    }
}

/// Neighbouring bits of a register of `W`.
#[derive(Debug)]
pub struct Field<W> {
    first: u32,
    count: u32,
    width: PhantomData<W>,
}

impl<W> Field<W> {
    /// The bit of that number.
    #[must_use]
    pub const fn bit(number: u32) -> Self {
        Self::bits(number, 1)
    }

    /// So many bits from the `first` on.
    ///
    /// # Panics
    /// If the register has not that many; in a constant, which a field should be, that is an error
    /// of the compiler.
    #[must_use]
    pub const fn bits(first: u32, count: u32) -> Self {
        let width = 8 * size_of::<W>() as u32;
        assert!(count > 0 && first < width && count <= width - first, "not in the register");
        Self { first, count, width: PhantomData }
    }
}

impl<W: Width> Field<W> {
    /// What the field has in a value of the register.
    #[must_use]
    pub fn of(&self, value: W) -> W {
        value.take(self.first, self.count)
    }

    /// Whether any of its bits is set.
    #[must_use]
    pub fn is_set(&self, value: W) -> bool {
        self.of(value) != W::default()
    }

    /// The value with this in the field; bits that it has no room for are left out.
    #[must_use]
    pub fn put(&self, value: W, field: W) -> W {
        value.replace(self.first, self.count, field)
    }
}

/// Numbers that a register can hold.
pub trait Width: Copy + Default + PartialEq {
    /// So many bits from the `first` on, which it has.
    #[must_use]
    fn take(self, first: u32, count: u32) -> Self;
    /// The same number with these bits in their place.
    #[must_use]
    fn replace(self, first: u32, count: u32, bits: Self) -> Self;
}

macro_rules! widths {
    ($($width:ty),*) => { $(
        impl Width for $width {
            fn take(self, first: u32, count: u32) -> Self {
                (self >> first) & (Self::MAX >> (Self::BITS - count))
            }

            fn replace(self, first: u32, count: u32, bits: Self) -> Self {
                let mask = (Self::MAX >> (Self::BITS - count)) << first;
                (self & !mask) | ((bits << first) & mask)
            }
        }
    )* };
}

widths!(u8, u16, u32, u64);

/// Gives the bindings' type of granted ports [`Registers`](crate::device::Registers):
/// `port_registers!(Ports)`, where `Ports` is `atoll:device/port-io`'s resource.
#[macro_export]
macro_rules! port_registers {
    ($ports:ty) => {
        $crate::__registers!($ports, u16: u8 read8 write8, u16 read16 write16, u32 read32 write32);
    };
}

/// Gives the bindings' type of a granted window [`Registers`](crate::device::Registers):
/// `memory_registers!(Window)`, where `Window` is `atoll:device/mmio`'s resource.
#[macro_export]
macro_rules! memory_registers {
    ($window:ty) => {
        $crate::__registers!(
            $window, u64: u8 read8 write8, u16 read16 write16, u32 read32 write32,
            u64 read64 write64
        );
    };
}

/// An offset that the interface cannot say is taken for the largest, which traps like it.
#[doc(hidden)]
#[macro_export]
macro_rules! __registers {
    ($device:ty, $offset:ident: $($width:ident $read:ident $write:ident),*) => { $(
        impl $crate::device::Registers<$width> for $device {
            fn read(&self, offset: u32) -> $width {
                self.$read($offset::try_from(offset).unwrap_or($offset::MAX))
            }

            fn write(&self, offset: u32, value: $width) {
                self.$write($offset::try_from(offset).unwrap_or($offset::MAX), value);
            }
        }
    )* };
}

#[cfg(test)]
mod tests {
    use super::{Field, Register, Registers};
    use std::cell::RefCell;

    /// What the bindings have for granted ports: notes what is done with them.
    #[derive(Default)]
    struct Ports(RefCell<Vec<(u64, u64)>>);

    impl Ports {
        fn read(&self, offset: impl Into<u64>) -> u64 {
            let offset = offset.into();
            self.0
                .borrow()
                .iter()
                .rev()
                .find(|(at, _)| *at == offset)
                .map_or(0, |(_, value)| *value)
        }

        fn write(&self, offset: impl Into<u64>, value: impl Into<u64>) {
            self.0.borrow_mut().push((offset.into(), value.into()));
        }
    }

    macro_rules! accesses {
        ($device:ident, $offset:ty: $($width:ty, $read:ident, $write:ident);*) => {
            impl $device {
                $(
                    fn $read(&self, offset: $offset) -> $width {
                        self.0.read(offset) as $width
                    }

                    fn $write(&self, offset: $offset, value: $width) {
                        self.0.write(offset, value);
                    }
                )*
            }
        };
    }

    #[derive(Default)]
    struct SomePorts(Ports);
    accesses!(SomePorts, u16: u8, read8, write8; u16, read16, write16; u32, read32, write32);
    crate::port_registers!(SomePorts);

    #[derive(Default)]
    struct Window(Ports);
    accesses!(
        Window, u64: u8, read8, write8; u16, read16, write16; u32, read32, write32;
        u64, read64, write64
    );
    crate::memory_registers!(Window);

    #[test]
    fn registers_are_accessed_by_offset_and_width() {
        const CONTROL: Register<u16> = Register::at(0x6);
        const FAR: Register<u32> = Register::at(0x1_0000);
        let ports = SomePorts::default();
        CONTROL.write(&ports, 0xbeef);
        assert_eq!(CONTROL.read(&ports), 0xbeef);
        FAR.write(&ports, 7);
        assert_eq!(ports.0.0.take(), [(6, 0xbeef), (0xffff, 7)]);
        let window = Window::default();
        FAR.write(&window, 7);
        Register::<u64>::at(8).write(&window, 1 << 40);
        assert_eq!(Registers::<u64>::read(&window, 8), 1 << 40);
        assert_eq!(window.0.0.take(), [(0x1_0000, 7), (8, 1 << 40)]);
        assert_eq!(FAR.offset(), 0x1_0000);
    }

    #[test]
    fn fields_are_cut_out_and_put_in() {
        const MIDDLE: Field<u8> = Field::bits(2, 3);
        const ALL: Field<u64> = Field::bits(0, 64);
        assert_eq!(MIDDLE.of(0b1011_0111), 0b101);
        assert_eq!(MIDDLE.put(0b1110_0011, 0b1010), 0b1110_1011);
        assert!(MIDDLE.is_set(0b0000_1000) && !MIDDLE.is_set(0b1110_0011));
        assert_eq!(ALL.put(0, u64::MAX), u64::MAX);
        assert_eq!(Field::<u32>::bit(31).put(0, 1), 1 << 31);
    }
}
