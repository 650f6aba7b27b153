//! The file formats and bookkeeping of the boot shim, without a single access to the machine.
//!
//! The shim (`main.rs`, built with feature `loader`) and the image builder share [`config`] and
//! [`archive`], so that what one writes the other reads. [`map`] keeps the memory map and
//! allocates from it; [`elf`] reads the kernel. Everything here is tested on the host.

#![no_std]
#![forbid(unsafe_code)]

pub mod archive;
pub mod config;
pub mod elf;
pub mod map;
