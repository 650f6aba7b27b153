//! The real processor, x86-64.
//!
//! [`entry`] is the one way in and out, [`descriptors`] the tables that the processor reads,
//! [`cpu`] its features and the per-processor area, [`apic`] and [`io_apic`] the interrupt
//! controllers, [`clock`] the counters, [`port`] and [`power`] what their names say,
//! [`stack`] what reports say of calls under way.

pub mod apic;
pub mod clock;
pub mod cpu;
pub mod descriptors;
pub mod entry;
pub mod io_apic;
pub mod port;
pub mod power;
pub mod stack;
pub mod start;
