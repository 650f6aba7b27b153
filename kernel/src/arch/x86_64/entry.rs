//! The one way into the kernel and out of it.
//!
//! The processor has switched to the top of the context page (see `context`) and pushed its part;
//! the stub of the vector adds the vector and an error code where there is none; the common part
//! pushes the general registers, loads the kernel's CR3 and stack from the context page and calls
//! [`entered`]. The way out is [`leave`]. The stubs are linked first in the kernel and appear at
//! `context::TRAMPOLINE` in every address space; they refer to nothing by a relative address but
//! themselves.
//!
//! Vector registers are not touched by the kernel. An interrupted domain's are saved at once,
//! because handling the interrupt may end the domain's turn; they come back when it goes on. A
//! domain that called the gate has given its vector registers up: whoever runs next gets a clean
//! set, so nothing leaks.

use alloc::boxed::Box;
use core::arch::{asm, global_asm};
use core::sync::atomic::{AtomicPtr, AtomicU64, Ordering::Relaxed};

use spin::Mutex;
use x86_64::registers::control::Cr2;

use super::super::context::{
    ADDRESS, Context, Registers, SAVED_SIZE, TRAMPOLINE, VECTORS_FRESH, VECTORS_GIVEN_UP,
    VECTORS_OFFSET, VECTORS_SAVED,
};
use super::cpu::{self, Cpu};
use super::{apic, clock};
use crate::interrupts::{Events, Fault, Next, lines};
use crate::memory::{PAGE_SIZE, PhysAddr, VirtAddr, kernel_space, physical};
use crate::trace::report;

/// Bytes from one vector's stub to the next.
pub const STUB_SIZE: u64 = 16;

const GATE: u64 = atoll_gate::VECTOR as u64;
const EXCEPTIONS: u64 = 32;

global_asm!(
    ".section .trampoline, \"ax\"",
    ".balign 4096",
    "trampoline_start:",
    ".macro push_registers",
    "pushq %rax",
    "pushq %rbx",
    "pushq %rcx",
    "pushq %rdx",
    "pushq %rsi",
    "pushq %rdi",
    "pushq %rbp",
    "pushq %r8",
    "pushq %r9",
    "pushq %r10",
    "pushq %r11",
    "pushq %r12",
    "pushq %r13",
    "pushq %r14",
    "pushq %r15",
    "cld",
    ".endm",
    // Vectors 8, 10 to 14, 17, 21, 29 and 30 come with an error code.
    ".set vector, 0",
    ".rept 256",
    ".balign 16",
    ".if (vector > 30) || (((0x60227d00 >> vector) & 1) == 0)",
    "pushq $0",
    ".endif",
    "pushq $vector",
    ".if (vector == 2) || (vector == 8) || (vector == 18)",
    "jmp trampoline_emergency",
    ".elseif vector < 32",
    "jmp trampoline_exception",
    ".else",
    "jmp trampoline_common",
    ".endif",
    ".set vector, vector + 1",
    ".endr",
    ".balign 16",
    // Offsets from here on are those of `Context`; rsp is at its registers.
    "trampoline_common:",
    "push_registers",
    "movq {base} + 24(%rsp), %rdi",
    "movq {base}(%rsp), %rax",
    "movq {base} + 8(%rsp), %rsp",
    "movq %rax, %cr3",
    "callq *{handler}",
    "ud2",
    "trampoline_exception:",
    "push_registers",
    "movq {base} + 24(%rsp), %rdi",
    "movq {base}(%rsp), %rax",
    "movq {base} + 16(%rsp), %rsp",
    "movq %rax, %cr3",
    "movq ${excepted}, %rax",
    "callq *%rax",
    "ud2",
    // On a stack of its own, at whose page's end stand the address of the processor's `Cpu`, the
    // kernel's CR3 and a stack for reports.
    "trampoline_emergency:",
    "push_registers",
    "movq %rsp, %rdi",
    "movq %rsp, %rax",
    "orq $4095, %rax",
    "movq -23(%rax), %rsi",
    "movq -15(%rax), %rcx",
    "movq -7(%rax), %rsp",
    "movq %rcx, %cr3",
    "movq ${emergency}, %rax",
    "callq *%rax",
    "ud2",
    // rdi: root table of whoever runs next.
    "trampoline_leave:",
    "movq %rdi, %cr3",
    "movq ${top}, %rsp",
    "popq %r15",
    "popq %r14",
    "popq %r13",
    "popq %r12",
    "popq %r11",
    "popq %r10",
    "popq %r9",
    "popq %r8",
    "popq %rbp",
    "popq %rdi",
    "popq %rsi",
    "popq %rdx",
    "popq %rcx",
    "popq %rbx",
    "popq %rax",
    "addq $16, %rsp",
    "iretq",
    // Where the exit stub is in every address space.
    ".globl trampoline_exit",
    ".set trampoline_exit, {trampoline} + trampoline_leave - trampoline_start",
    ".section .text",
    "kernel_idle:",
    "hlt",
    "jmp kernel_idle",
    base = const SAVED_SIZE as i64 - 4096,
    top = const (ADDRESS.raw() + 4096 - SAVED_SIZE as u64) as i64,
    handler = sym HANDLER,
    trampoline = const TRAMPOLINE as i64,
    excepted = sym excepted,
    emergency = sym emergency,
    options(att_syntax),
);

unsafe extern "C" {
    static kernel_idle: u8;
}

/// What a domain finds in its vector registers when it has none of its own: as `fxsave` writes
/// them after reset, all exceptions masked.
#[repr(C, align(16))]
struct CleanVectors([u32; 128]);

static CLEAN: CleanVectors = {
    let mut image = [0; 128];
    image[0] = 0x037f;
    image[6] = 0x1f80;
    image[7] = 0xffff;
    CleanVectors(image)
};

/// `handle` for the type that was registered, called by the stub on the empty kernel stack.
static HANDLER: AtomicPtr<()> = AtomicPtr::new(entered_too_early as Handler as *mut ());
/// The policy's lock.
static EVENTS: AtomicPtr<()> = AtomicPtr::new(core::ptr::null_mut());
/// Entries by interrupt lines, for statistics.
static INTERRUPTS: AtomicU64 = AtomicU64::new(0);

type Handler = extern "C" fn(&Context) -> !;

/// Interrupts from devices since boot.
#[must_use]
pub fn interrupt_count() -> u64 {
    INTERRUPTS.load(Relaxed)
}

/// Makes `page`, which the kernel's tables map as their context page, the processor's own.
pub(crate) fn set_own_context(page: PhysAddr) {
    let (cpu, root) = (Cpu::current(), kernel_space::root());
    cpu.set_own(root, page);
    let context = cpu.own_context();
    context.bind(physical::offset(), page, root);
    context.is_kernel.store(1, Relaxed);
    context.kernel_cr3.store(root.raw(), Relaxed);
    context.kernel_stack.store(cpu.stack_top(), Relaxed);
    context.exception_stack.store(cpu::report_stack_top(), Relaxed);
}

/// Registers the kernel's policy and runs the first domain that it names. From here on the kernel
/// works only when it is entered.
pub fn run<E: Events>(events: E) -> ! {
    let events: &'static Mutex<E> = Box::leak(Box::new(Mutex::new(events)));
    EVENTS.store((&raw const *events).cast_mut().cast(), Relaxed);
    HANDLER.store(handle::<E> as Handler as *mut (), Relaxed);
    let next = choose(&mut *events.lock());
    leave(next, core::ptr::null())
}

/// Called by the stub for gate calls and interrupts until `run` has registered the policy; there
/// is nobody yet that could call, and interrupts are off.
extern "C" fn entered_too_early(context: &Context) -> ! {
    report::exception(context.saved(), 0, 0)
}

/// Called by the stub for exceptions.
extern "C" fn excepted(context: &Context) -> ! {
    if context.is_kernel.load(Relaxed) != 0 {
        let cpu = context.kernel_stack.load(Relaxed) as *const Cpu;
        // SAFETY: the kernel's own context has the address of its processor's `Cpu` there.
        let owner = unsafe { &*cpu }.last_owner();
        report::exception(context.saved(), Cr2::read_raw(), owner);
    }
    // SAFETY: `HANDLER` always holds a `Handler`.
    let handler = unsafe { core::mem::transmute::<*mut (), Handler>(HANDLER.load(Relaxed)) };
    handler(context)
}

/// Called by the stub for double faults, NMI and machine checks, with what it pushed.
extern "C" fn emergency(saved: &Registers, cpu: &Cpu) -> ! {
    report::exception(saved, Cr2::read_raw(), cpu.last_owner())
}

/// Tells the policy what happened, and goes where it says.
extern "C" fn handle<E: Events>(context: &Context) -> ! {
    // SAFETY: `run::<E>` stored this lock together with this handler.
    let events = unsafe { &*EVENTS.load(Relaxed).cast_const().cast::<Mutex<E>>() };
    let mut events = events.lock();
    let vector = context.vector();
    if vector == GATE {
        events.gate_call();
    } else {
        interrupted(&mut *events, context, vector);
    }
    let next = choose(&mut *events);
    drop(events);
    leave(next, context)
}

/// Asks the policy whom to run; `None` is nobody.
#[inline]
fn choose<'a, E: Events>(events: &mut E) -> Option<&'a Context> {
    match events.next() {
        Next::Run(space) => {
            let context: *const Context = space.context();
            // SAFETY: the policy does not drop the address space of the domain that it named last
            // before the processor has entered the kernel again.
            Some(unsafe { &*context })
        }
        Next::Idle => None,
    }
}

/// Exceptions, the timer and interrupt lines.
#[cold]
#[inline(never)]
fn interrupted<E: Events>(events: &mut E, context: &Context, vector: u64) {
    if context.is_kernel.load(Relaxed) == 0 {
        save_vectors(context);
    }
    if vector < EXCEPTIONS {
        let address = if vector == 14 { Cr2::read_raw() } else { 0 };
        events.fault(Fault {
            vector: vector as u8,
            error: context.error_code(),
            instruction: context.instruction_pointer(),
            address,
        });
        return;
    }
    match vector as u8 {
        apic::SPURIOUS_VECTOR => {}
        apic::TIMER_VECTOR => {
            apic::end_of_interrupt();
            clock::expired();
            events.timer();
        }
        vector => {
            INTERRUPTS.fetch_add(1, Relaxed);
            if let Some(line) = lines::raised(vector) {
                events.interrupt(line);
            }
        }
    }
}

fn save_vectors(context: &Context) {
    context.vector_state.store(VECTORS_SAVED, Relaxed);
    // SAFETY: `vectors` is 512 bytes on a 16-byte boundary, of a domain that does not run.
    unsafe {
        asm!("fxsave64 [{}]", in(reg) context.vectors.as_ptr(), options(nostack, preserves_flags));
    }
}

/// Gives the domain its vector registers back, or a clean set.
#[inline]
fn restore_vectors(image: *const u8) {
    // SAFETY: `image` is what `fxsave` wrote, or the clean set; the kernel has nothing in these
    // registers.
    unsafe { asm!("fxrstor64 [{}]", in(reg) image, options(nostack, readonly, preserves_flags)) };
}

/// Leaves the kernel for a domain, or idles. The vector registers still hold what `from` had.
#[inline(always)]
fn leave(next: Option<&Context>, from: *const Context) -> ! {
    let cpu = Cpu::current();
    let Some(context) = next else { idle(cpu) };
    let state = context.vector_state.load(Relaxed);
    if state == VECTORS_FRESH || !core::ptr::eq(from, context) {
        restore_vectors(match state {
            VECTORS_SAVED => context.vectors.as_ptr().cast(),
            _ => (&raw const CLEAN).cast(),
        });
    }
    context.vector_state.store(VECTORS_GIVEN_UP, Relaxed);
    cpu.set_last(context);
    context.kernel_cr3.store(cpu.root(), Relaxed);
    context.kernel_stack.store(cpu.stack_top(), Relaxed);
    context.exception_stack.store(cpu.stack_top(), Relaxed);
    resume(context)
}

/// Jumps to the exit stub.
#[inline(always)]
fn resume(context: &Context) -> ! {
    let root = context.root.load(Relaxed);
    // SAFETY: the stub is mapped in the kernel's tables and in those of `root`, which are those of
    // a whole address space; its context holds registers from an entry or a start.
    unsafe { asm!("mov rax, offset trampoline_exit", "jmp rax", in("rdi") root, options(noreturn)) }
}

/// Waits for interrupts in the kernel's own context, with nothing on the stack.
#[cold]
fn idle(cpu: &Cpu) -> ! {
    let context = cpu.own_context();
    cpu.set_last(context);
    let entry = VirtAddr::new(&raw const kernel_idle as u64);
    if let (Some(entry), Some(stack)) = (entry, VirtAddr::new(cpu.stack_top())) {
        context.start(super::super::Start {
            entry,
            stack,
            user: false,
            owner: 0,
            arguments: [0; 3],
        });
    }
    resume(context)
}

const _: () = assert!(VECTORS_OFFSET.is_multiple_of(16) && PAGE_SIZE == 4096);
