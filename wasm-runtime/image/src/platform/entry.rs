//! The first instructions of a domain.

use super::areas;
use super::end;
use super::gate::Trap;
use core::arch::global_asm;
use core::convert::Infallible;

// The kernel enters here with the component's length in rdi and rsp at the end of the stack.
global_asm!(
    ".section .text.entry, \"ax\"",
    ".global _start",
    "_start:",
    "xor ebp, ebp",
    "and rsp, -16",
    "call {run}",
    "ud2",
    run = sym run,
);

/// Lives the domain's life and ends it.
extern "C" fn run(component_length: u64) -> ! {
    // SAFETY: This is the entry, and the length came from the kernel.
    let component = unsafe { areas::component(component_length) };
    // SAFETY: This is the first instruction of the domain in Rust; nobody has the areas yet.
    let gate = unsafe { Trap::new() };
    match crate::live(gate, component, |end| -> Infallible {
        end::exit(end.cause, end.code, &end.message)
    }) {}
}
