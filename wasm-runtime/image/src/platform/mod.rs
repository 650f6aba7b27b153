//! What ties the image to the machine: entry, gate calls, message areas, heap and windows.
//!
//! A domain has one thread and nothing interrupts it into its own code, so the state here is
//! never used twice at once. The addresses are those of [`atoll_gate::layout`], where the kernel
//! maps what this module reaches by pointer.

mod areas;
mod end;
mod entry;
mod gate;
mod heap;
mod windows;
