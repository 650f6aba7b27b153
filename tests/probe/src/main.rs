//! The probe: measures what the kernel takes, without interpreter and component runtime.
//!
//! It is booted in the place of the domain image. The kernel starts it as the first domain, which
//! runs [`measures`]; that one starts further domains of the same program, the [`partners`], told
//! apart by their names. Each result is an entry in the kernel log:
//!
//! ```text
//! probe NAME COUNT INSTRUCTIONS
//! ```
//!
//! where the third is the total of all rounds as the time stamp counter saw it: instructions, when
//! the machine counts one instruction as one nanosecond. `probe-user` says how many instructions
//! of a repeated call and of an answer are the probe's own. After `probe end` the machine is
//! switched off. `cargo xtask bench` builds, boots and reads it.
//!
//! [`gate`] has all of the unsafe code. On a host the program is empty: it exists for domains only.

#![cfg_attr(target_os = "none", no_std, no_main)]

#[cfg(target_os = "none")]
mod gate;
#[cfg(target_os = "none")]
mod measures;
#[cfg(target_os = "none")]
mod partners;
#[cfg(target_os = "none")]
mod report;

#[cfg(not(target_os = "none"))]
fn main() {
    eprintln!("the probe runs in a domain of Atoll only");
}
