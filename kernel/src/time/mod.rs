//! The clock and the timer: nanoseconds since boot, and one deadline.
//!
//! The scheduler arms the deadline; when it passes, `interrupts::Events::timer` is called.
//! Neighbours: `arch` counts.

/// The deadline that never comes.
pub const NEVER: u64 = atoll_gate::call::NO_DEADLINE;

#[cfg(target_os = "none")]
pub use crate::arch::x86_64::clock::{now_ns, set_deadline};

#[cfg(not(target_os = "none"))]
mod host {
    use crate::arch::host::{Action, clock, record};

    /// Nanoseconds since boot, never going back.
    #[must_use]
    pub fn now_ns() -> u64 {
        clock()
    }

    /// Arms the timer for this time; [`super::NEVER`] disarms it. A time that has passed fires at
    /// once.
    pub fn set_deadline(deadline_ns: u64) {
        let deadline = if deadline_ns == super::NEVER { None } else { Some(deadline_ns) };
        record(Action::Deadline(deadline));
    }
}
#[cfg(not(target_os = "none"))]
pub use host::{now_ns, set_deadline};
