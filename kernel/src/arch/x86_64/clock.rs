//! The clock (time stamp counter) and the timer (local APIC), both measured against a counter of
//! known frequency: the ACPI power management timer, or the PIT where there is none.
//!
//! Both ends of the measurement read all three counters together, several times, and keep the
//! reading that took least time, so that a processor that is taken away meanwhile, by firmware or
//! by a hypervisor, does not spoil it. All times are nanoseconds since [`start`]. ACPI 6.5, section
//! 4.8.3.3; data sheet 8254.

use core::arch::x86_64::_rdtsc;
use core::sync::atomic::{AtomicU64, Ordering::Relaxed};

use super::super::{Width, port};
use super::apic;
use super::cpu::Cpu;
use crate::time::NEVER;

const NANOS: u64 = 1_000_000_000;
/// What a measurement takes at least.
const MEASURE_NS: u64 = 10_000_000;
/// Readings at each end of a measurement.
const READINGS: usize = 8;
const PIT_COMMAND: u16 = 0x43;
const PIT_CHANNEL_2: u16 = 0x42;
/// Bit 0 is channel 2's gate, bit 1 the speaker.
const PIT_CONTROL: u16 = 0x61;
/// Counter ticks after which a reference is taken to be missing: on any machine much longer than
/// a measurement takes and shorter than anybody minds.
const PATIENCE: u64 = 1 << 30;

/// Counter value at time 0.
static ORIGIN: AtomicU64 = AtomicU64::new(0);
/// Nanoseconds per counter tick, times 2^32.
static NANOS_PER_TICK: AtomicU64 = AtomicU64::new(0);
/// Timer ticks per nanosecond, times 2^32.
static TIMER_PER_NANO: AtomicU64 = AtomicU64::new(0);

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

/// A counter of known frequency.
#[derive(Clone, Copy, Debug)]
enum Reference {
    /// The power management timer at this port: 24 bits on every machine.
    PowerTimer(u16),
    /// The PIT's channel 2, counting down 16 bits.
    Pit,
}

impl Reference {
    const fn frequency(self) -> u64 {
        match self {
            Self::PowerTimer(_) => 3_579_545,
            Self::Pit => 1_193_182,
        }
    }

    /// Makes it count.
    fn start(self) {
        if let Self::Pit = self {
            let control = port::read(PIT_CONTROL, Width::Byte) & !3;
            port::write(PIT_CONTROL, Width::Byte, control | 1);
            // Channel 2, low byte then high byte, mode 2, binary; 0 stands for 2^16.
            port::write(PIT_COMMAND, Width::Byte, 0b1011_0100);
            port::write(PIT_CHANNEL_2, Width::Byte, 0);
            port::write(PIT_CHANNEL_2, Width::Byte, 0);
        }
    }

    fn read(self) -> u32 {
        match self {
            Self::PowerTimer(at) => port::read(at, Width::Double),
            Self::Pit => {
                // Latch channel 2.
                port::write(PIT_COMMAND, Width::Byte, 0b1000_0000);
                let low = port::read(PIT_CHANNEL_2, Width::Byte);
                0_u32.wrapping_sub(low | port::read(PIT_CHANNEL_2, Width::Byte) << 8)
            }
        }
    }

    /// Ticks from one reading to another.
    const fn elapsed(self, from: u32, to: u32) -> u64 {
        let mask = match self {
            Self::PowerTimer(_) => 0x00ff_ffff,
            Self::Pit => 0xffff,
        };
        (to.wrapping_sub(from) & mask) as u64
    }
}

/// One reading of all counters.
#[derive(Clone, Copy, Debug)]
struct Reading {
    reference: u32,
    counter: u64,
    timer: u32,
}

/// Reads all counters as nearly at once as the machine allows.
fn read_all(reference: Reference) -> Reading {
    let mut best = (u64::MAX, Reading { reference: 0, counter: 0, timer: 0 });
    for _ in 0..READINGS {
        let before = counter();
        let reading =
            Reading { reference: reference.read(), counter: before, timer: apic::count() };
        let took = counter().wrapping_sub(before);
        if took < best.0 {
            best = (took, reading);
        }
    }
    best.1
}

/// Measures the counter and the timer. The local APIC is on.
pub(crate) fn calibrate(power_timer: Option<u16>) -> Result<Frequencies, NoReference> {
    let known = power_timer.map(Reference::PowerTimer);
    let found = known.and_then(measure).or_else(|| measure(Reference::Pit)).ok_or(NoReference)?;
    NANOS_PER_TICK.store(ratio(NANOS, found.counter), Relaxed);
    TIMER_PER_NANO.store(ratio(found.timer, NANOS), Relaxed);
    Ok(found)
}

/// Lets all counters run against the reference; `None` if it stands still.
fn measure(reference: Reference) -> Option<Frequencies> {
    reference.start();
    apic::count_down(u32::MAX);
    let from = read_all(reference);
    let needed = reference.frequency() * MEASURE_NS / NANOS;
    while reference.elapsed(from.reference, reference.read()) < needed {
        if counter().wrapping_sub(from.counter) > PATIENCE {
            return None;
        }
    }
    let to = read_all(reference);
    apic::count_down(0);
    let elapsed = reference.elapsed(from.reference, to.reference);
    let hertz = |ticks: u64| ticks * reference.frequency() / elapsed.max(1);
    let counter = hertz(to.counter.wrapping_sub(from.counter));
    let timer = hertz(u64::from(from.timer.wrapping_sub(to.timer)));
    (counter > 0 && timer > 0).then_some(Frequencies { counter, timer })
}

/// `a / b` times 2^32.
const fn ratio(a: u64, b: u64) -> u64 {
    (((a as u128) << 32) / b as u128) as u64
}

fn scale(value: u64, ratio: u64) -> u64 {
    ((u128::from(value) * u128::from(ratio)) >> 32) as u64
}

/// Nanoseconds since boot, never going back.
#[inline]
#[must_use]
pub fn now_ns() -> u64 {
    let ticks = counter().wrapping_sub(ORIGIN.load(Relaxed));
    scale(ticks, NANOS_PER_TICK.load(Relaxed))
}

/// Arms this processor's timer for this time; [`NEVER`] disarms it. A time that has passed fires at once. Times
/// beyond the timer's reach fire early; the scheduler sees that by the clock and arms it again.
#[inline]
pub fn set_deadline(deadline_ns: u64) {
    let armed = Cpu::current().deadline();
    if armed.load(Relaxed) != deadline_ns {
        armed.store(deadline_ns, Relaxed);
        arm(deadline_ns);
    }
}

#[cold]
fn arm(deadline_ns: u64) {
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
    Cpu::current().deadline().store(NEVER, Relaxed);
}
