//! The clock (time stamp counter) and the timer (local APIC), both measured against the PIT.
//!
//! The PIT's channel 2 counts a known time while both run. Where there is no PIT, the ACPI power
//! management timer takes its place. All times are nanoseconds since [`start`]. Data sheet: 8254.

use core::arch::x86_64::_rdtsc;
use core::sync::atomic::{AtomicU64, Ordering::Relaxed};

use super::super::{Width, port};
use super::apic;
use crate::time::NEVER;

const NANOS: u64 = 1_000_000_000;
/// Frequency of the PIT in hertz, and how many of its ticks a measurement takes: 10 ms.
const PIT_FREQUENCY: u64 = 1_193_182;
const PIT_TICKS: u64 = 11_932;
const PIT_COMMAND: u16 = 0x43;
const PIT_CHANNEL_2: u16 = 0x42;
/// Bit 0 is channel 2's gate, bit 1 the speaker; bit 5 is channel 2's output.
const PIT_CONTROL: u16 = 0x61;
/// Frequency of the power management timer in hertz, and how many of its ticks are 10 ms.
const POWER_TIMER_FREQUENCY: u64 = 3_579_545;
const POWER_TIMER_TICKS: u32 = 35_795;
/// Counter ticks after which a reference is taken to be missing: on any machine much longer than
/// a measurement takes and shorter than anybody minds.
const PATIENCE: u64 = 1 << 30;

/// Counter value at time 0.
static ORIGIN: AtomicU64 = AtomicU64::new(0);
/// Nanoseconds per counter tick, times 2^32.
static NANOS_PER_TICK: AtomicU64 = AtomicU64::new(0);
/// Timer ticks per nanosecond, times 2^32.
static TIMER_PER_NANO: AtomicU64 = AtomicU64::new(0);
/// The deadline for which the timer counts.
static ARMED: AtomicU64 = AtomicU64::new(NEVER);

/// No reference to measure against.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoReference;

/// What was measured, in hertz.
#[derive(Clone, Copy, Debug)]
pub struct Frequencies {
    /// Of the time stamp counter.
    pub counter: u64,
    /// Of the timer.
    pub timer: u64,
}

fn counter() -> u64 {
    // SAFETY: every x86-64 processor has the counter, and the kernel may read it.
    unsafe { _rdtsc() }
}

/// Sets the origin: the clock reads 0 until it has been measured.
pub(crate) fn start() {
    ORIGIN.store(counter(), Relaxed);
}

/// Measures the counter and the timer. The local APIC is on.
pub(crate) fn calibrate(power_timer: Option<u16>) -> Result<Frequencies, NoReference> {
    let (ticks, frequency) = match measure(pit_wait) {
        Some(ticks) => (ticks, (PIT_FREQUENCY, PIT_TICKS)),
        None => {
            let port = power_timer.ok_or(NoReference)?;
            let ticks = measure(|| power_timer_wait(port)).ok_or(NoReference)?;
            (ticks, (POWER_TIMER_FREQUENCY, u64::from(POWER_TIMER_TICKS)))
        }
    };
    let hertz = |ticks: u64| ticks * frequency.0 / frequency.1;
    let found = Frequencies { counter: hertz(ticks.0), timer: hertz(ticks.1) };
    if found.counter == 0 || found.timer == 0 {
        return Err(NoReference);
    }
    NANOS_PER_TICK.store(ratio(NANOS, found.counter), Relaxed);
    TIMER_PER_NANO.store(ratio(found.timer, NANOS), Relaxed);
    Ok(found)
}

/// `a / b` times 2^32.
const fn ratio(a: u64, b: u64) -> u64 {
    (((a as u128) << 32) / b as u128) as u64
}

fn scale(value: u64, ratio: u64) -> u64 {
    ((u128::from(value) * u128::from(ratio)) >> 32) as u64
}

/// Ticks of counter and timer while `wait` runs; `None` if it gave up.
fn measure(wait: impl FnOnce() -> Option<()>) -> Option<(u64, u64)> {
    apic::count_down(u32::MAX);
    let before = (counter(), apic::count());
    let done = wait();
    let after = (counter(), apic::count());
    apic::count_down(0);
    done?;
    Some((after.0 - before.0, u64::from(before.1.saturating_sub(after.1))))
}

/// Lets the PIT's channel 2 count down once.
fn pit_wait() -> Option<()> {
    let control = port::read(PIT_CONTROL, Width::Byte) & !3;
    port::write(PIT_CONTROL, Width::Byte, control);
    // Channel 2, low byte then high byte, mode 0, binary: the output rises when the count ends.
    port::write(PIT_COMMAND, Width::Byte, 0b1011_0000);
    port::write(PIT_CHANNEL_2, Width::Byte, PIT_TICKS as u32 & 0xff);
    port::write(PIT_CHANNEL_2, Width::Byte, PIT_TICKS as u32 >> 8);
    port::write(PIT_CONTROL, Width::Byte, control | 1);
    let ended = || port::read(PIT_CONTROL, Width::Byte) & 0x20 != 0;
    // Without a PIT the port reads as ones: an output that is high at once is none.
    if ended() { None } else { wait_until(ended) }
}

/// Waits for a condition; `None` if it does not come in time.
fn wait_until(condition: impl Fn() -> bool) -> Option<()> {
    let start = counter();
    while !condition() {
        if counter().wrapping_sub(start) > PATIENCE {
            return None;
        }
    }
    Some(())
}

/// Waits for the power management timer, of which 24 bits count on every machine.
fn power_timer_wait(at: u16) -> Option<()> {
    let read = || port::read(at, Width::Double);
    let start = read();
    wait_until(|| read().wrapping_sub(start) & 0x00ff_ffff >= POWER_TIMER_TICKS)
}

/// Nanoseconds since boot, never going back.
#[inline]
#[must_use]
pub fn now_ns() -> u64 {
    let ticks = counter().wrapping_sub(ORIGIN.load(Relaxed));
    scale(ticks, NANOS_PER_TICK.load(Relaxed))
}

/// Arms the timer for this time; [`NEVER`] disarms it. A time that has passed fires at once. Times
/// beyond the timer's reach fire early; the scheduler sees that by the clock and arms it again.
#[inline]
pub fn set_deadline(deadline_ns: u64) {
    if ARMED.load(Relaxed) != deadline_ns {
        arm(deadline_ns);
    }
}

#[cold]
fn arm(deadline_ns: u64) {
    ARMED.store(deadline_ns, Relaxed);
    if deadline_ns == NEVER {
        apic::count_down(0);
        return;
    }
    let delay = deadline_ns.saturating_sub(now_ns());
    let ticks = scale(delay, TIMER_PER_NANO.load(Relaxed)).saturating_add(1);
    apic::count_down(u32::try_from(ticks).unwrap_or(u32::MAX));
}

/// The timer fired: it counts for nothing any more.
pub(crate) fn expired() {
    ARMED.store(NEVER, Relaxed);
}
