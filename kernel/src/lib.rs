//! The Atoll kernel: domains, memory, IPC, capabilities, interrupts and time.
//!
//! Dependencies point downward only: `main → gate → domain → {ipc, scheduler} → {capability, time}
//! → {boot, interrupts, memory} → arch`, with `trace` open to all. `arch` has two faces, the real
//! processor and a fake one for hosts, so that everything above it is tested by `cargo test`.
//! Unsafe code is confined to `boot`, `arch` and `memory`.

#![cfg_attr(target_os = "none", no_std)]
#![deny(unsafe_code)]

extern crate alloc;

#[allow(unsafe_code, reason = "the only room that knows the processor")]
pub mod arch;
#[allow(unsafe_code, reason = "reads what the boot loader left in memory")]
pub mod boot;
#[allow(unsafe_code, reason = "frames, page tables and the kernel heap are raw memory")]
pub mod memory;

pub mod capability;
pub mod domain;
pub mod gate;
pub mod interrupts;
pub mod ipc;
pub mod scheduler;
pub mod time;
pub mod trace;

/// Boots the machine and starts the first domain. Called by the first instructions.
#[cfg(target_os = "none")]
pub(crate) extern "C" fn begin() -> ! {
    match gate::Kernel::new(boot::limine::start()) {
        Ok(kernel) => interrupts::run(kernel),
        Err(error) => panic!("the first domain cannot be started: {error:?}"),
    }
}
