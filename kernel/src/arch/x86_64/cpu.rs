//! One processor: its features, its stacks, its part of the kernel's state.

use core::arch::x86_64::{__cpuid, __cpuid_count};
use core::mem::offset_of;

use x86_64::registers::control::{Cr0, Cr0Flags, Cr4, Cr4Flags};
use x86_64::registers::model_specific::{Efer, EferFlags, Msr};

/// Bytes of a kernel stack, a guard page at its bottom included.
pub const STACK_SIZE: usize = 64 * 1024;

/// A kernel stack and, above it, what belongs to its processor: the stack pointer with which the
/// entry stub begins is also the address of the [`Cpu`].
#[derive(Debug)]
#[repr(C, align(4096))]
pub struct KernelStack {
    /// Never mapped by our own tables: running over the end of the stack is a fault.
    guard: [u8; 4096],
    stack: [u8; STACK_SIZE - 4096 - size_of::<Cpu>()],
    cpu: Cpu,
}

/// What the kernel keeps for each processor.
#[derive(Debug, Default)]
#[repr(C, align(16))]
pub struct Cpu {
    /// 0 is the processor that booted.
    pub number: u32,
}

/// A stack without an owner, for exceptions of the kernel and for double faults.
#[derive(Debug)]
#[repr(C, align(4096))]
pub struct SpareStack {
    guard: [u8; 4096],
    stack: [u8; 16 * 1024],
}

/// The boot processor's kernel stack; also the stack on which the kernel boots.
#[unsafe(link_section = ".bss.stacks")]
pub static mut BOOT_STACK: KernelStack = KernelStack {
    guard: [0; 4096],
    stack: [0; STACK_SIZE - 4096 - size_of::<Cpu>()],
    cpu: Cpu { number: 0 },
};

/// Where the boot processor's fatal exceptions are reported from.
#[unsafe(link_section = ".bss.stacks")]
pub static mut REPORT_STACK: SpareStack = SpareStack { guard: [0; 4096], stack: [0; 16 * 1024] };

/// Where the stack proper ends and the [`Cpu`] begins.
pub const STACK_TOP: usize = offset_of!(KernelStack, cpu);

/// Stack pointer for the boot processor's kernel stack.
#[must_use]
pub fn kernel_stack_top() -> u64 {
    &raw const BOOT_STACK as u64 + STACK_TOP as u64
}

/// Stack pointer for the boot processor's reports.
#[must_use]
pub fn report_stack_top() -> u64 {
    &raw const REPORT_STACK as u64 + size_of::<SpareStack>() as u64
}

/// The guard pages, which the kernel's page tables leave out.
#[must_use]
pub fn guard_pages() -> [u64; 2] {
    [&raw const BOOT_STACK as u64, &raw const REPORT_STACK as u64]
}

/// What the processor can do, as far as the kernel cares. Manual: APM volume 3, appendix E.
#[derive(Clone, Copy, Debug)]
pub struct Features {
    smep: bool,
    smap: bool,
    umip: bool,
    /// The local APIC has registers as MSRs.
    pub x2apic: bool,
}

/// Asks the processor.
#[must_use]
pub fn features() -> Features {
    let basic = __cpuid(1);
    let extended = if __cpuid(0).eax >= 7 { Some(__cpuid_count(7, 0)) } else { None };
    let bit = |register: u32, bit: u32| register & 1 << bit != 0;
    Features {
        smep: extended.is_some_and(|leaf| bit(leaf.ebx, 7)),
        smap: extended.is_some_and(|leaf| bit(leaf.ebx, 20)),
        umip: extended.is_some_and(|leaf| bit(leaf.ecx, 2)),
        x2apic: bit(basic.ecx, 21),
    }
}

/// Entry 5 of the page attribute table is write-combining; the others are as after reset.
/// `memory::Cache` depends on it.
const PAGE_ATTRIBUTES: u64 = 0x0007_0106_0007_0406;
const PAT_REGISTER: u32 = 0x277;

/// Turns on what protects the kernel: no-execute, write protection, SMEP, SMAP and UMIP where the
/// processor has them. Vector registers work since the first instructions of `start`.
pub fn protect() {
    let features = features();
    // SAFETY: no-execute gives meaning to a bit that no table has set without it.
    unsafe { Efer::update(|flags| flags.insert(EferFlags::NO_EXECUTE_ENABLE)) };
    // SAFETY: the kernel writes to no page that is mapped read-only.
    unsafe { Cr0::update(|flags| flags.insert(Cr0Flags::WRITE_PROTECT)) };
    let mut protections = Cr4Flags::empty();
    protections.set(Cr4Flags::SUPERVISOR_MODE_EXECUTION_PROTECTION, features.smep);
    protections.set(Cr4Flags::SUPERVISOR_MODE_ACCESS_PREVENTION, features.smap);
    protections.set(Cr4Flags::USER_MODE_INSTRUCTION_PREVENTION, features.umip);
    // SAFETY: the processor has them, and the kernel neither runs nor touches user pages.
    // Page-global entries and processes' identifiers are not used: loading CR3 forgets all.
    unsafe {
        Cr4::update(|flags| {
            flags.remove(Cr4Flags::PAGE_GLOBAL | Cr4Flags::FSGSBASE);
            flags.insert(protections);
        });
    }
    // SAFETY: entries in use keep their meaning; the kernel's own tables use no other yet.
    unsafe { Msr::new(PAT_REGISTER).write(PAGE_ATTRIBUTES) };
}

/// Stops the processor for good.
pub fn halt() -> ! {
    loop {
        x86_64::instructions::interrupts::disable();
        x86_64::instructions::hlt();
    }
}
