//! Glue between the tricks and the world `atoll:servers/faulty`.
//!
//! Everything unsafe here is unsafe on purpose. None of it can harm this program in a way that the
//! sandbox does not contain, which is what it is for.
#![allow(unsafe_code, reason = "wit-bindgen's export! expands to unsafe, and see above")]

atoll_sdk::bindings!("atoll:servers/faulty" in "../../wit");

use core::arch::wasm32;
use core::hint::black_box;

use crate::{babble, forgery};
use bindings::atoll::log::log::{Level, write as log};
use bindings::atoll::testing::echo::{self, Counter};
use bindings::atoll::testing::raw_gate::{self, Slot};
use bindings::exports::atoll::testing::mischief::{ErrorCode, Guest, Trick};

/// Gate calls that are needed by themselves.
const GATE_CALL: u64 = 1;
const GATE_CLOCK: u64 = 25;
/// How long a forged call waits for its reply.
const PATIENCE_NS: u64 = 1_000_000_000;
/// How often `grow` asks for another page.
const PAGES: u32 = 10_000;
/// Bytes kept for telling how it went.
const RESERVE: usize = 4096;
/// Bytes that `hoard` takes at a time.
const HOARD: usize = 64 * 1024;
/// An address in the kernel's half, where kernels have their text.
const KERNEL_ADDRESS: u64 = 0xffff_ffff_8000_0000;
/// A resource handle that nobody gave to this component.
const STOLEN: u32 = 0x0777;

struct Faulty;

bindings::export!(Faulty);

impl Guest for Faulty {
    fn play(trick: Trick) -> Result<String, ErrorCode> {
        log(Level::Debug, "asked for mischief");
        match trick {
            Trick::Trap => wasm32::unreachable(),
            Trick::Spin => loop {
                core::hint::spin_loop();
            },
            Trick::Hoard => hoard(),
            Trick::Recurse => {
                black_box(recurse(0));
            }
            Trick::Overrun => overrun(),
            Trick::Divide => divide(),
            Trick::UseDropped => use_dropped(),
            Trick::UseStolen => use_handle(STOLEN),
            Trick::Grow => return Ok(grow()),
            Trick::Forge => return forge(),
            Trick::Babble => return Ok(chatter()),
            Trick::Heap => return Ok(format!("the heap sums up to {:016x}", raw_gate::heap_sum())),
            Trick::Wild => {
                black_box(raw_gate::peek(KERNEL_ADDRESS));
            }
        }
        Err(ErrorCode::Survived)
    }
}

/// Allocates until an allocation fails, which ends a program.
fn hoard() {
    let mut treasure: Vec<Vec<u8>> = Vec::new();
    loop {
        treasure.push(black_box(vec![0x55; HOARD]));
    }
}

/// Calls itself as good as without end; the inner result is needed, so the frame has to stay.
fn recurse(depth: u64) -> u64 {
    if black_box(depth) == u64::MAX {
        return 0;
    }
    black_box(recurse(depth + 1)).wrapping_mul(3) ^ depth
}

/// Reads beyond the linear memory, which is smaller than that.
fn overrun() {
    let address = black_box(0xffff_fff0_usize);
    // SAFETY: none in Rust's terms, and that is the trick; WebAssembly checks every access.
    black_box(unsafe { core::ptr::read_volatile(address as *const u32) });
}

/// Divides by zero by the machine's instruction, without Rust's own check before it.
fn divide() {
    let zero = black_box(0_u32);
    // SAFETY: none in Rust's terms, for it is not true; the compiler leaves out its check.
    unsafe { core::hint::assert_unchecked(zero != 0) };
    black_box(black_box(1_u32) / zero);
}

fn use_dropped() {
    let counter = Counter::new(1);
    let handle = counter.handle();
    drop(counter);
    use_handle(handle);
}

/// Uses a resource handle by its number.
fn use_handle(handle: u32) {
    // SAFETY: none that the bindings ask for; the runtime's handle table has to notice.
    let ghost = unsafe { Counter::from_handle(handle) };
    black_box(ghost.get());
}

fn grow() -> String {
    // The allocator shares the memory with the trick: what it will need has to be there before.
    let reserve = black_box(vec![0_u8; RESERVE]);
    let grown = (0..PAGES).filter(|_| wasm32::memory_grow::<0>(1) != usize::MAX).count();
    drop(reserve);
    let refused = PAGES as usize - grown;
    sentence(&[("pages grown", grown as u64), ("refused", refused as u64)])
}

/// Sends every forgery to `echo`, which must answer none of them and still work afterwards.
fn forge() -> Result<String, ErrorCode> {
    let endpoint = raw_gate::handle_of("atoll:testing/echo", "").ok_or(ErrorCode::Unavailable)?;
    let (mut sent, mut stopped) = (0, 0);
    for forgery in forgery::all(endpoint) {
        let slots: Vec<Slot> = forgery
            .slots
            .iter()
            .map(|slot| Slot {
                kind: slot.kind,
                handle: slot.handle,
                object: slot.object,
                detail: slot.detail,
            })
            .collect();
        let lengths = forgery.payload.len() as u64 | (slots.len() as u64) << 32;
        let (_, now) = raw_gate::enter(GATE_CLOCK, (0, 0, 0, 0, 0), &[], &[]);
        let deadline = now.saturating_add(PATIENCE_NS);
        let arguments = (u64::from(endpoint), forgery.method, lengths, deadline, 0);
        let (status, _) = raw_gate::enter(GATE_CALL, arguments, &forgery.payload, &slots);
        sent += 1;
        stopped += u64::from(status != 0);
    }
    if echo::increment(41) != 42 {
        return Err(ErrorCode::Survived);
    }
    Ok(sentence(&[("messages sent", sent), ("stopped at the gate", stopped)]))
}

fn chatter() -> String {
    let (mut calls, mut refused) = (0, 0);
    for (number, [a, b, c, d, e]) in babble::all() {
        let (status, _) = raw_gate::enter(number, (a, b, c, d, e), &[0xff; 16], &[]);
        calls += 1;
        refused += u64::from(status != 0);
    }
    sentence(&[("gate calls", calls), ("refused", refused)])
}

/// `name number, name number`.
fn sentence(parts: &[(&str, u64)]) -> String {
    let mut text = String::new();
    for (name, number) in parts {
        if !text.is_empty() {
            text.push_str(", ");
        }
        text.push_str(name);
        text.push(' ');
        text.push_str(&number.to_string());
    }
    text
}
