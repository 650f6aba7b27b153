//! The kernel proper: the library, linked for the bare machine. The first instruction is
//! `arch::x86_64::start`, which calls the library's `begin`.

#![no_std]
#![no_main]
#![deny(unsafe_code)]

use core::panic::PanicInfo;

#[panic_handler]
fn panic(info: &PanicInfo<'_>) -> ! {
    atoll_kernel::trace::report::panicked(info)
}
