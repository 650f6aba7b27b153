//! The gate, the message areas and the counter: all that needs unsafe code.
//!
//! The domain has one thread, and the kernel writes the receive area only inside gate calls, so
//! nothing here is shared with anybody while it is read or written. Loops of gate calls are written
//! in assembly, so that it is known how many instructions of the domain belong to a round.

use atoll_gate::call::{Call, Status};
use atoll_gate::layout::{RECEIVE_AREA, SEND_AREA};
use atoll_gate::message::{Header, MAX_PAYLOAD, MAX_SLOTS, PAYLOAD_OFFSET, SLOTS_OFFSET, Slot};
use core::arch::{asm, global_asm};
use core::mem::offset_of;
use core::slice;

/// Instructions of the domain itself in each round of [`repeat`]; `int` counts as the kernel's.
pub(crate) const REPEAT_INSTRUCTIONS: u64 = 5;
/// Instructions of the domain itself in each round of [`answer_all`].
pub(crate) const ANSWER_INSTRUCTIONS: u64 = 5;

// The kernel enters here with rsp at the end of the stack.
global_asm!(
    ".global _start",
    "_start:",
    "xor ebp, ebp",
    "and rsp, -16",
    "call {run}",
    "ud2",
    run = sym crate::partners::run,
);

/// Issues a gate call; its status and its value.
pub(crate) fn call(call: Call, arguments: [u64; 5]) -> (u64, u64) {
    let [first, second, third, fourth, fifth] = arguments;
    let (status, value);
    // SAFETY: The kernel preserves every register but rax, rdx and the vector registers, which
    // this target does not use. Of this domain's memory it writes the receive area only, which
    // nobody borrows across a call, and heap pages, which the probe never reads or writes.
    unsafe {
        asm!(
            "int {vector}",
            vector = const atoll_gate::VECTOR,
            inout("rax") call as u64 => status,
            in("rdi") first,
            in("rsi") second,
            inout("rdx") third => value,
            in("r10") fourth,
            in("r8") fifth,
        );
    }
    (status, value)
}

/// Issues the same gate call `times` times, at least once; the statuses or'ed together.
pub(crate) fn repeat(number: u64, arguments: [u64; 5], times: u64) -> u64 {
    let [first, second, third, fourth, fifth] = arguments;
    let mut statuses = 0;
    // SAFETY: As for `call`; the loop ends because `times` counts down from at least 1.
    unsafe {
        asm!(
            "2:",
            "mov rax, {number}",
            "mov rdx, {third}",
            "int {vector}",
            "or {statuses}, rax",
            "dec {times}",
            "jnz 2b",
            vector = const atoll_gate::VECTOR,
            number = in(reg) number,
            third = in(reg) third,
            statuses = inout(reg) statuses,
            times = inout(reg) times.max(1) => _,
            in("rdi") first,
            in("rsi") second,
            in("r10") fourth,
            in("r8") fifth,
            out("rax") _,
            out("rdx") _,
        );
    }
    statuses
}

/// Answers the call in the receive area and every further one with the payload's first bytes of
/// the send area, as many as came in; returns the status that ended it.
pub(crate) fn answer_all(accept: u64, deadline: u64) -> u64 {
    let status;
    // SAFETY: As for `call`. The two loads are of the header, which is in the receive area.
    unsafe {
        asm!(
            "2:",
            "mov rdi, [{area} + {id}]",
            "mov edx, [{area} + {len}]",
            "mov eax, {number}",
            "int {vector}",
            "test rax, rax",
            "jz 2b",
            vector = const atoll_gate::VECTOR,
            number = const Call::ReplyWait as u32,
            id = const offset_of!(Header, id),
            len = const offset_of!(Header, payload_len),
            area = in(reg) RECEIVE_AREA,
            out("rax") status,
            out("rdi") _,
            in("rsi") Status::Ok as u64,
            out("rdx") _,
            in("r10") accept,
            in("r8") deadline,
        );
    }
    status
}

/// The processor's counter.
pub(crate) fn counter() -> u64 {
    // SAFETY: Every x86-64 processor has it, and the kernel does not forbid it.
    unsafe { core::arch::x86_64::_rdtsc() }
}

/// What was delivered last.
pub(crate) fn header() -> Header {
    // SAFETY: The receive area starts with a header, plain numbers, page aligned. Volatile because
    // the kernel writes it.
    unsafe { (RECEIVE_AREA as *const Header).read_volatile() }
}

/// The payload that was delivered last.
pub(crate) fn received() -> &'static [u8] {
    let len = (header().payload_len as usize).min(MAX_PAYLOAD);
    let payload = (RECEIVE_AREA as usize + PAYLOAD_OFFSET) as *const u8;
    // SAFETY: The payload is mapped, initialised memory of `MAX_PAYLOAD` bytes. The one caller
    // reads the start record with it and is done before the next gate call.
    unsafe { slice::from_raw_parts(payload, len) }
}

/// A handle slot of what was delivered last.
pub(crate) fn slot(index: usize) -> Slot {
    let index = index.min(MAX_SLOTS - 1);
    let slots = (RECEIVE_AREA as usize + SLOTS_OFFSET) as *const Slot;
    // SAFETY: `index` is below the number of slots.
    let place = unsafe { slots.add(index) };
    // SAFETY: Slots are plain numbers in mapped memory. Volatile because the kernel writes them.
    unsafe { place.read_volatile() }
}

/// Fills a handle slot of the send area.
pub(crate) fn put_slot(index: usize, slot: Slot) {
    let index = index.min(MAX_SLOTS - 1);
    let slots = (SEND_AREA as usize + SLOTS_OFFSET) as *mut Slot;
    // SAFETY: `index` is below the number of slots.
    let place = unsafe { slots.add(index) };
    // SAFETY: As for `slot`, in the send area. Volatile because the kernel reads it.
    unsafe { place.write_volatile(slot) };
}

/// Lets `fill` write the payload of the send area.
pub(crate) fn fill_payload<T>(fill: impl FnOnce(&mut [u8]) -> T) -> T {
    let payload = (SEND_AREA as usize + PAYLOAD_OFFSET) as *mut u8;
    // SAFETY: The payload is mapped, initialised memory of `MAX_PAYLOAD` bytes that only this
    // function refers to; no caller's closure calls it again.
    fill(unsafe { slice::from_raw_parts_mut(payload, MAX_PAYLOAD) })
}
