//! The context page of a domain: where its registers are while it does not run.
//!
//! Every address space maps its own context page at [`ADDRESS`]. The top of the page is the stack
//! that the processor switches to on every interrupt, exception and gate call, so pushing the
//! registers is saving them. The kernel reads and writes the contexts of all domains through the
//! direct map, as [`Context`]. Both faces of `arch` share this layout; the entry and exit stubs in
//! `arch::x86_64::entry` depend on it.

use core::sync::atomic::{AtomicU64, Ordering::Relaxed};

use atoll_gate::Status;

use crate::memory::{PhysAddr, VirtAddr};

/// First address of the trampoline's pages, in the last slot of every root table.
pub const TRAMPOLINE: u64 = 0xffff_ffff_c000_0000;

/// Where a domain's context page is mapped in its own address space: the last page of the
/// trampoline's page table.
pub const ADDRESS: VirtAddr = match VirtAddr::new(TRAMPOLINE + 511 * 4096) {
    Some(address) => address,
    None => panic!("the trampoline is in the upper half"),
};

/// Bytes that the processor and the entry stub push.
pub const SAVED_SIZE: usize = size_of::<Registers>();

/// Bytes of the `fxsave` image.
const VECTORS_SIZE: usize = 512;
/// Where it stands in the page.
pub const VECTORS_OFFSET: usize = 512;

/// The domain gave its vector registers up: anything clean will do, its own leftovers too.
#[cfg(target_os = "none")]
pub(super) const VECTORS_GIVEN_UP: u64 = 0;
/// The domain was interrupted, and its vector registers stand in `vectors`.
#[cfg(target_os = "none")]
pub(super) const VECTORS_SAVED: u64 = 1;
/// The domain has not run yet: what the processor holds is somebody else's.
pub(super) const VECTORS_FRESH: u64 = 2;

const CODE_SELECTORS: [u64; 2] = [0x08, 0x20 | 3];
const DATA_SELECTORS: [u64; 2] = [0x10, 0x18 | 3];
/// Interrupts on, and the bit that is always one.
const INITIAL_FLAGS: u64 = 0x202;

/// Registers as an entry pushes them, in the order in which they lie in memory, lowest address
/// first.
#[derive(Debug)]
#[repr(C)]
pub struct Registers {
    r15: AtomicU64,
    r14: AtomicU64,
    r13: AtomicU64,
    r12: AtomicU64,
    r11: AtomicU64,
    r10: AtomicU64,
    r9: AtomicU64,
    r8: AtomicU64,
    rbp: AtomicU64,
    rdi: AtomicU64,
    rsi: AtomicU64,
    rdx: AtomicU64,
    rcx: AtomicU64,
    rbx: AtomicU64,
    rax: AtomicU64,
    vector: AtomicU64,
    error: AtomicU64,
    rip: AtomicU64,
    cs: AtomicU64,
    rflags: AtomicU64,
    rsp: AtomicU64,
    ss: AtomicU64,
}

/// The registers of a domain that another one starts with.
pub type SavedRegisters = [u64; SAVED_SIZE / 8];

impl Registers {
    /// All of them in the order in which they lie in memory.
    const fn all(&self) -> [&AtomicU64; SAVED_SIZE / 8] {
        [
            &self.r15,
            &self.r14,
            &self.r13,
            &self.r12,
            &self.r11,
            &self.r10,
            &self.r9,
            &self.r8,
            &self.rbp,
            &self.rdi,
            &self.rsi,
            &self.rdx,
            &self.rcx,
            &self.rbx,
            &self.rax,
            &self.vector,
            &self.error,
            &self.rip,
            &self.cs,
            &self.rflags,
            &self.rsp,
            &self.ss,
        ]
    }

    /// Vector and error code.
    #[must_use]
    pub fn cause(&self) -> (u64, u64) {
        (self.vector.load(Relaxed), self.error.load(Relaxed))
    }

    /// The stack pointer: where a backtrace begins.
    #[must_use]
    pub fn stack_pointer(&self) -> u64 {
        self.rsp.load(Relaxed)
    }

    /// All of them with their names, for reports.
    pub fn named(&self) -> [(&'static str, u64); 20] {
        [
            ("rax", &self.rax),
            ("rbx", &self.rbx),
            ("rcx", &self.rcx),
            ("rdx", &self.rdx),
            ("rsi", &self.rsi),
            ("rdi", &self.rdi),
            ("rbp", &self.rbp),
            ("rsp", &self.rsp),
            ("r8", &self.r8),
            ("r9", &self.r9),
            ("r10", &self.r10),
            ("r11", &self.r11),
            ("r12", &self.r12),
            ("r13", &self.r13),
            ("r14", &self.r14),
            ("r15", &self.r15),
            ("rip", &self.rip),
            ("rflags", &self.rflags),
            ("cs", &self.cs),
            ("ss", &self.ss),
        ]
        .map(|(name, register)| (name, register.load(Relaxed)))
    }
}

/// A context page. Fields are atomic because another processor may be pushing into it.
#[derive(Debug)]
#[repr(C, align(4096))]
pub struct Context {
    /// What the entry stub loads into CR3.
    pub(super) kernel_cr3: AtomicU64,
    /// The kernel stack that gate calls and interrupts use.
    pub(super) kernel_stack: AtomicU64,
    /// The kernel stack that exceptions use: another one for the kernel's own context, so that
    /// the report of a kernel fault finds the stack that it happened on.
    pub(super) exception_stack: AtomicU64,
    /// This page in the direct map.
    pub(super) direct: AtomicU64,
    /// The root table of whoever the page belongs to.
    pub(super) root: AtomicU64,
    /// 1 in a context of the kernel itself: idling, and the kernel's own faults.
    pub(super) is_kernel: AtomicU64,
    /// What the domain finds in its vector registers when it goes on: one of the states below.
    pub(super) vector_state: AtomicU64,
    /// Number of the domain, for reports; 0 is the kernel.
    pub(super) owner: AtomicU64,
    _header: [u64; (VECTORS_OFFSET - 64) / 8],
    pub(super) vectors: [AtomicU64; VECTORS_SIZE / 8],
    _stack: [u64; (4096 - VECTORS_OFFSET - VECTORS_SIZE - SAVED_SIZE) / 8],
    saved: Registers,
}

const _: () = assert!(size_of::<Context>() == 4096);
const _: () = assert!(core::mem::offset_of!(Context, vectors) == VECTORS_OFFSET);
const _: () = assert!(SAVED_SIZE.is_multiple_of(16));

/// How a domain starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Start {
    /// First instruction.
    pub entry: VirtAddr,
    /// Initial stack pointer.
    pub stack: VirtAddr,
    /// Whether it runs in ring 3.
    pub user: bool,
    /// Number of the domain, for reports.
    pub owner: u32,
    /// What stands in `rdi`, `rsi` and `rdx` at entry.
    pub arguments: [u64; 3],
}

impl Context {
    /// Tells the page where it is and whose it is; part of making an address space.
    pub(crate) fn bind(&self, direct_map: u64, page: PhysAddr, root: PhysAddr) {
        self.direct.store(direct_map.wrapping_add(page.raw()), Relaxed);
        self.root.store(root.raw(), Relaxed);
    }

    /// Sets all registers for the first instruction; the vector registers will be clean.
    pub fn start(&self, start: Start) {
        let saved = &self.saved;
        for register in saved.all() {
            register.store(0, Relaxed);
        }
        let [rdi, rsi, rdx] = start.arguments;
        saved.rdi.store(rdi, Relaxed);
        saved.rsi.store(rsi, Relaxed);
        saved.rdx.store(rdx, Relaxed);
        saved.rip.store(start.entry.raw(), Relaxed);
        saved.rsp.store(start.stack.raw(), Relaxed);
        saved.rflags.store(INITIAL_FLAGS, Relaxed);
        saved.cs.store(CODE_SELECTORS[usize::from(start.user)], Relaxed);
        saved.ss.store(DATA_SELECTORS[usize::from(start.user)], Relaxed);
        self.owner.store(u64::from(start.owner), Relaxed);
        self.vector_state.store(VECTORS_FRESH, Relaxed);
    }

    /// The registers of a domain that made a gate call, for others to go on with; its vector
    /// registers are given up then.
    #[must_use]
    pub fn registers(&self) -> SavedRegisters {
        self.saved.all().map(|register| register.load(Relaxed))
    }

    /// Sets all registers to those of another domain; the vector registers will be clean.
    pub fn go_on(&self, registers: &SavedRegisters, owner: u32) {
        for (register, value) in self.saved.all().into_iter().zip(registers) {
            register.store(*value, Relaxed);
        }
        self.owner.store(u64::from(owner), Relaxed);
        self.vector_state.store(VECTORS_FRESH, Relaxed);
    }

    /// The number of the gate call that the domain made.
    #[inline]
    #[must_use]
    pub fn call_number(&self) -> u64 {
        self.saved.rax.load(Relaxed)
    }

    /// The arguments of the gate call that the domain made.
    #[inline]
    #[must_use]
    pub fn arguments(&self) -> [u64; 5] {
        let saved = &self.saved;
        [&saved.rdi, &saved.rsi, &saved.rdx, &saved.r10, &saved.r8].map(|from| from.load(Relaxed))
    }

    /// Answers the gate call that the domain made.
    #[inline]
    pub fn set_result(&self, status: Status, value: u64) {
        self.saved.rax.store(u64::from(status as u32), Relaxed);
        self.saved.rdx.store(value, Relaxed);
    }

    /// The result that the domain will see: what [`Context::set_result`] stored.
    #[must_use]
    pub fn result(&self) -> (u64, u64) {
        (self.saved.rax.load(Relaxed), self.saved.rdx.load(Relaxed))
    }

    /// The instruction at which the domain goes on.
    #[must_use]
    pub fn instruction_pointer(&self) -> u64 {
        self.saved.rip.load(Relaxed)
    }

    /// The domain's stack pointer.
    #[must_use]
    pub fn stack_pointer(&self) -> u64 {
        self.saved.rsp.load(Relaxed)
    }

    /// The vector by which the domain was left.
    #[inline]
    #[must_use]
    pub fn vector(&self) -> u64 {
        self.saved.vector.load(Relaxed)
    }

    /// The error code of the exception by which the domain was left; 0 if it has none.
    #[must_use]
    pub fn error_code(&self) -> u64 {
        self.saved.error.load(Relaxed)
    }

    /// The registers as they were pushed.
    #[must_use]
    pub const fn saved(&self) -> &Registers {
        &self.saved
    }

    /// Plays a gate call of the domain, for tests of the rooms above.
    #[cfg(not(target_os = "none"))]
    pub fn fake_gate_call(&self, number: u64, arguments: [u64; 5]) {
        let saved = &self.saved;
        saved.rax.store(number, Relaxed);
        let registers = [&saved.rdi, &saved.rsi, &saved.rdx, &saved.r10, &saved.r8];
        for (register, argument) in registers.into_iter().zip(arguments) {
            register.store(argument, Relaxed);
        }
    }
}
