//! `conformance`: the domain image as a runner of test suites.
//!
//! It is booted in the place of `runtime.elf`, with an archive of scripts (`atoll_conformance`) in
//! the place of the first domain's component. The first domain has all authority and little memory:
//! it starts a second one of the same archive, to which nothing is granted but the log and which
//! executes the scripts, waits for its end, and switches the machine off. The report goes to the
//! log, as does the last line, `conformance end`. On a host the program is empty.

#![deny(unsafe_code)]
#![cfg_attr(target_os = "none", no_std, no_main, feature(alloc_error_handler))]

#[cfg(target_os = "none")]
extern crate alloc;
#[cfg(target_os = "none")]
mod platform;
#[cfg(target_os = "none")]
mod runner;

// What `platform` enters.
#[cfg(target_os = "none")]
use runner::live;

#[cfg(not(target_os = "none"))]
fn main() {
    eprintln!("the domain image runs in a domain of Atoll only");
}
