//! What ties the image to the machine: entry, gate calls, message areas, heap and windows.
//!
//! A domain has one thread and nothing interrupts it into its own code, so the state here is
//! never used twice at once. The addresses are those of [`atoll_gate::layout`], where the kernel
//! maps what this module reaches by pointer.

#[allow(unsafe_code, reason = "the message areas are memory at fixed addresses")]
mod areas;
#[allow(unsafe_code, reason = "last words go into the send area, whoever had it")]
mod end;
#[allow(unsafe_code, reason = "the first instructions of a domain are assembly")]
mod entry;
#[allow(unsafe_code, reason = "a gate call is an instruction")]
mod gate;
#[allow(unsafe_code, reason = "a global allocator is")]
mod heap;
#[allow(unsafe_code, reason = "device memory is reached by address")]
mod windows;
