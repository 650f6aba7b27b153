//! What reaches the kernel from outside it: gate calls, faults, interrupt lines, the timer.
//!
//! The room above implements [`Events`]: once per entry, under the kernel's one lock, it is told what
//! happened and asked whom to run next. [`lines`] lets interrupt lines through and stops those that
//! storm. Neighbours: `arch` enters and leaves, `domain` implements the trait.

pub mod lines;
#[cfg(any(test, target_os = "none"))]
mod storm;

#[cfg(target_os = "none")]
pub use crate::arch::x86_64::entry::{interrupt_count, run};
pub use lines::{LineError, acknowledge, disable, enable};

use crate::memory::AddressSpace;

/// A processor exception in a domain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The exception's vector, 0 to 31.
    pub vector: u8,
    /// Its error code, 0 if it has none.
    pub error: u64,
    /// The instruction that raised it.
    pub instruction: u64,
    /// The address that a page fault touched; 0 for other exceptions.
    pub address: u64,
}

/// Whom the processor works for until the next entry.
#[derive(Debug)]
pub enum Next<'a> {
    /// A domain.
    Run(&'a AddressSpace),
    /// Nobody, until an interrupt comes.
    Idle,
}

/// The kernel's policy, as the rooms below see it. All methods run with interrupts off and under
/// the kernel's lock. "The running domain" is the one that [`Events::next`] named last.
pub trait Events: Send + 'static {
    /// The running domain called the gate: its registers are in its context.
    fn gate_call(&mut self);
    /// An enabled interrupt line was raised. It stays silent, if level-triggered, until it is
    /// acknowledged.
    fn interrupt(&mut self, line: u32);
    /// The deadline passed.
    fn timer(&mut self);
    /// The running domain raised an exception.
    fn fault(&mut self, fault: Fault);
    /// Whom to run now. Called after each of the others, once.
    fn next(&mut self) -> Next<'_>;
}

/// Interrupts from devices since boot: none on a host.
#[cfg(not(target_os = "none"))]
#[must_use]
pub fn interrupt_count() -> u64 {
    0
}
