//! The kernel's first instructions.
//!
//! The loader has set up 64-bit mode, paging and a stack of its own (Limine boot protocol, "Entry
//! machine state"). The kernel takes its own stack at once, so that the loader's memory can be
//! freed, and makes the vector registers usable, which Limine on BIOS leaves switched off.

use core::arch::global_asm;

use super::cpu::{BOOT_STACK, STACK_TOP};

global_asm!(
    ".section .text",
    ".global kernel_start",
    "kernel_start:",
    "cli",
    "cld",
    "leaq {stack} + {top}(%rip), %rsp",
    // CR0: monitor coprocessor (bit 1) and native x87 errors (5) on, emulation (2) and task switched (3) off;
    // write protection (16) on, for domains in ring 0 share pages that are copied when they are written.
    "movq %cr0, %rax",
    "andq $~0xc, %rax",
    "orq $0x10022, %rax",
    "movq %rax, %cr0",
    // CR4: fxsave (bit 9) and vector exceptions (10) on.
    "movq %cr4, %rax",
    "orq $0x600, %rax",
    "movq %rax, %cr4",
    "fninit",
    "xorl %ebp, %ebp",
    "callq {begin}",
    "ud2",
    stack = sym BOOT_STACK,
    top = const STACK_TOP,
    begin = sym crate::begin,
    options(att_syntax),
);
