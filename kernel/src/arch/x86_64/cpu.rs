//! One processor: its features, its stacks, its part of the kernel's state.

use core::arch::x86_64::{__cpuid, __cpuid_count};
use core::sync::atomic::{AtomicPtr, AtomicU64, Ordering::Relaxed};

use x86_64::registers::control::{Cr0, Cr0Flags, Cr4, Cr4Flags};
use x86_64::registers::model_specific::{Efer, EferFlags, Msr};

use super::super::context::Context;
use super::stack;
use crate::memory::{PhysAddr, physical};
use crate::time::NEVER;

/// Bytes of a kernel stack, the guard page at its bottom and the [`Cpu`] at its top included. Also
/// its alignment, which is how a processor finds what is its own.
pub const STACK_SIZE: usize = 64 * 1024;

/// Where the stack proper ends and the [`Cpu`] begins.
pub const STACK_TOP: usize = STACK_SIZE - size_of::<Cpu>();

/// A kernel stack and, above it, what belongs to its processor. Whoever makes one aligns it to
/// [`STACK_SIZE`]; for the boot processor's, `kernel.ld` does.
#[derive(Debug)]
#[repr(C, align(4096))]
pub struct KernelStack {
    /// Never mapped by our own tables: running over the end of the stack is a fault.
    guard: [u8; 4096],
    stack: [u8; STACK_TOP - 4096],
    cpu: Cpu,
}

/// What the kernel keeps for each processor.
#[derive(Debug)]
#[repr(C, align(16))]
pub struct Cpu {
    /// The kernel's page tables with this processor's own context page.
    root: AtomicU64,
    /// That context page in the direct map.
    own_context: AtomicPtr<Context>,
    /// The context that ran last.
    last: AtomicPtr<Context>,
    /// The deadline for which the processor's timer counts.
    deadline: AtomicU64,
}

const _: () = assert!(size_of::<KernelStack>() == STACK_SIZE);

impl Cpu {
    /// All zero, for a stack in zeroed memory.
    const fn new() -> Self {
        Self {
            root: AtomicU64::new(0),
            own_context: AtomicPtr::new(core::ptr::null_mut()),
            last: AtomicPtr::new(core::ptr::null_mut()),
            deadline: AtomicU64::new(0),
        }
    }

    /// The processor that runs this code, on its kernel stack.
    #[inline]
    #[must_use]
    pub fn current() -> &'static Self {
        let base = stack::pointer() & !(STACK_SIZE as u64 - 1);
        // SAFETY: kernel stacks are aligned to their size and never freed, their top holds a
        // `Cpu`, and all its fields are atomic.
        unsafe { &*((base + STACK_TOP as u64) as *const Self) }
    }

    /// Stack pointer for the processor's kernel stack: the `Cpu` is right above it.
    #[inline]
    #[must_use]
    pub fn stack_top(&self) -> u64 {
        &raw const *self as u64
    }

    /// The root table of the kernel on this processor.
    #[inline]
    #[must_use]
    pub fn root(&self) -> u64 {
        self.root.load(Relaxed)
    }

    /// The kernel's own context page on this processor.
    #[must_use]
    pub fn own_context(&self) -> &'static Context {
        // SAFETY: `set_own` was called before the first use, with a whole zeroed page that is
        // never freed; all fields of a context are atomic.
        unsafe { &*self.own_context.load(Relaxed) }
    }

    /// Sets the processor's root table and its context page, which the tables map, and disarms its
    /// timer.
    pub(crate) fn set_own(&self, root: PhysAddr, context: PhysAddr) {
        self.root.store(root.raw(), Relaxed);
        self.own_context.store(physical::pointer(context).cast(), Relaxed);
        self.deadline.store(NEVER, Relaxed);
    }

    /// Notes whose context runs.
    #[inline]
    pub(super) fn set_last(&self, context: &Context) {
        self.last.store((&raw const *context).cast_mut(), Relaxed);
    }

    /// Number of the domain that ran last, for reports: 0 if none did.
    #[must_use]
    pub fn last_owner(&self) -> u64 {
        let last = self.last.load(Relaxed);
        if last.is_null() {
            return 0;
        }
        // SAFETY: a context page is RAM in the direct map, even if the domain has ended and the
        // frame holds something else by now; all fields are atomic.
        unsafe { &*last }.owner.load(Relaxed)
    }

    /// The deadline for which the timer counts.
    #[inline]
    pub(super) const fn deadline(&self) -> &AtomicU64 {
        &self.deadline
    }
}

/// A stack without an owner, for exceptions of the kernel and for double faults.
#[derive(Debug)]
#[repr(C, align(4096))]
pub struct SpareStack {
    guard: [u8; 4096],
    stack: [u8; 16 * 1024],
}

/// The boot processor's kernel stack; also the stack on which the kernel boots.
#[unsafe(link_section = ".bss.kernel_stack")]
pub static mut BOOT_STACK: KernelStack =
    KernelStack { guard: [0; 4096], stack: [0; STACK_TOP - 4096], cpu: Cpu::new() };

/// Where fatal exceptions are reported from.
#[unsafe(link_section = ".bss.report_stack")]
pub static mut REPORT_STACK: SpareStack = SpareStack { guard: [0; 4096], stack: [0; 16 * 1024] };

/// Stack pointer for reports.
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
