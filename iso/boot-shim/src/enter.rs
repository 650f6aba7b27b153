//! The last instructions: into the kernel, in the state of "Machine state at entry".

use crate::memory::DIRECT_MAP;
use core::arch::asm;

/// How to enter the kernel.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Entrance {
    /// Physical address of the top page table.
    pub(crate) root: u64,
    /// Virtual end of the stack, 16-byte aligned.
    pub(crate) stack: u64,
    /// Virtual address of the first instruction.
    pub(crate) entry: u64,
}

/// What `lgdt` reads.
#[repr(C, packed)]
struct TablePointer {
    limit: u16,
    base: u64,
}

unsafe extern "C" {
    static boot_gdt: u8;
    static boot_gdt_end: u8;
}

/// Loads the kernel's page tables and its GDT, clears the registers and jumps.
pub(crate) fn enter(entrance: Entrance) -> ! {
    let (start, end) = (&raw const boot_gdt as u64, &raw const boot_gdt_end as u64);
    let gdt = TablePointer { limit: (end - start - 1) as u16, base: DIRECT_MAP + start };
    // SAFETY: the tables map the shim's image, with its code and this stack, where it stands, so
    // execution goes on; the GDT at its new address has the same contents, so the selectors stay
    // valid; stack and entry are mapped there. Nothing of the shim is used afterwards.
    unsafe {
        asm!(
            "mov cr3, {root}",
            "lgdt [{gdt}]",
            "mov rsp, {stack}",
            "push 0",
            "push {entry}",
            "xor eax, eax",
            "xor ebx, ebx",
            "xor ecx, ecx",
            "xor edx, edx",
            "xor esi, esi",
            "xor edi, edi",
            "xor ebp, ebp",
            "xor r8d, r8d",
            "xor r9d, r9d",
            "xor r10d, r10d",
            "xor r11d, r11d",
            "xor r12d, r12d",
            "xor r13d, r13d",
            "xor r14d, r14d",
            "xor r15d, r15d",
            "cld",
            "ret",
            root = in(reg) entrance.root,
            gdt = in(reg) &raw const gdt,
            stack = in(reg) entrance.stack,
            entry = in(reg) entrance.entry,
            options(noreturn),
        )
    }
}
