//! `runtime.elf`: the program that every domain runs.
//!
//! The kernel maps it, puts the start record into the receive area and enters it once. Everything
//! that is not tied to the machine is in the library; here are the entry and `platform`, which
//! holds all unsafe code. On a host the program is empty: it exists for domains only.

#![deny(unsafe_code)]
#![cfg_attr(target_os = "none", no_std, no_main, feature(alloc_error_handler))]

#[cfg(target_os = "none")]
mod platform;

// What `platform` enters.
#[cfg(target_os = "none")]
use atoll_image::serve::live;

#[cfg(not(target_os = "none"))]
fn main() {
    eprintln!("the domain image runs in a domain of Atoll only");
}
