//! What a kernel stack remembers of the calls under way, for reports.
//!
//! The kernel is compiled without frame pointers, which would cost every gate call; instead each
//! word of the stack is looked at, and those that point behind a call instruction in the kernel's
//! text are taken for return addresses. A call that has long returned may be among them.

use core::arch::asm;

use super::cpu::{BOOT_STACK, KernelStack, REPORT_STACK, SpareStack};

const GUARD: u64 = 4096;

unsafe extern "C" {
    static kernel_text_start: u8;
    static kernel_text_end: u8;
}

/// The stack pointer of the caller.
#[inline(always)]
#[must_use]
pub fn pointer() -> u64 {
    let pointer: u64;
    // SAFETY: reads a register.
    unsafe { asm!("mov {}, rsp", out(reg) pointer, options(nomem, nostack, preserves_flags)) };
    pointer
}

/// Likely return addresses from a stack pointer upwards, the innermost first; none if it is not in
/// a kernel stack.
pub fn calls(pointer: u64) -> impl Iterator<Item = u64> {
    let stacks = [
        (&raw const BOOT_STACK as u64, size_of::<KernelStack>()),
        (&raw const REPORT_STACK as u64, size_of::<SpareStack>()),
    ];
    let within = |(base, size): &(u64, usize)| {
        // A pointer into the guard page is of a stack that ran over: all of it is of interest.
        pointer >= *base && pointer < base + *size as u64
    };
    let words = stacks.into_iter().find(within).map_or(0..0, |(base, size)| {
        pointer.max(base + GUARD).next_multiple_of(8)..base + size as u64
    });
    words.step_by(8).filter_map(|word| {
        // SAFETY: the word lies in a stack, above its guard page, which is always mapped.
        let value = unsafe { (word as *const u64).read_volatile() };
        follows_call(value).then_some(value)
    })
}

/// Whether an address is in the kernel's text right behind a near call: `e8` with four bytes, or
/// `ff /2` with up to five.
fn follows_call(address: u64) -> bool {
    let (start, end) = (&raw const kernel_text_start as u64, &raw const kernel_text_end as u64);
    if address < start + 8 || address >= end {
        return false;
    }
    let byte = |back: u64| {
        let pointer = (address - back) as *const u8;
        // SAFETY: the byte is in the kernel's text, which is always mapped.
        unsafe { pointer.read_volatile() }
    };
    byte(5) == 0xe8 || (2..=7).any(|back| byte(back) == 0xff && byte(back - 1) >> 3 & 7 == 2)
}
