//! Fixed-size records that `Read` returns for domains and for the system: introspection.
//!
//! Each is written and read as little-endian fields in declaration order, without padding, by
//! [`Record::write`] and [`Record::read`].

/// Bytes of a name in a record; longer names are cut, shorter ones end in zeros.
pub const NAME_LEN: usize = 32;

/// A record that crosses the gate as bytes.
pub trait Record: Sized {
    /// Encoded length in bytes.
    const LEN: usize;
    /// Writes the record; `None` if `out` is shorter than [`Self::LEN`].
    fn write(&self, out: &mut [u8]) -> Option<()>;
    /// Reads a record; `None` if `bytes` is too short or a field has no meaning.
    fn read(bytes: &[u8]) -> Option<Self>;
}

/// Turns a name into a record's field.
#[must_use]
pub fn name_field(name: &str) -> [u8; NAME_LEN] {
    let mut field = [0; NAME_LEN];
    let mut end = name.len().min(NAME_LEN);
    while !name.is_char_boundary(end) {
        end -= 1;
    }
    for (to, from) in field.iter_mut().zip(name.as_bytes().iter().take(end)) {
        *to = *from;
    }
    field
}

/// Reads a record's name field; what is not UTF-8 reads as empty.
#[must_use]
pub fn name_str(field: &[u8; NAME_LEN]) -> &str {
    let end = field.iter().position(|byte| *byte == 0).unwrap_or(NAME_LEN);
    field.get(..end).and_then(|bytes| core::str::from_utf8(bytes).ok()).unwrap_or("")
}

trait Field: Sized {
    const LEN: usize;
    fn put(&self, out: &mut [u8]);
    fn get(bytes: &[u8]) -> Option<Self>;
}

macro_rules! integer_field {
    ($($type:ty),*) => {$(
        impl Field for $type {
            const LEN: usize = size_of::<$type>();
            fn put(&self, out: &mut [u8]) {
                for (to, from) in out.iter_mut().zip(self.to_le_bytes()) {
                    *to = from;
                }
            }
            fn get(bytes: &[u8]) -> Option<Self> {
                Some(Self::from_le_bytes(bytes.try_into().ok()?))
            }
        }
    )*};
}
integer_field!(u8, u32, u64);

impl Field for [u8; NAME_LEN] {
    const LEN: usize = NAME_LEN;
    fn put(&self, out: &mut [u8]) {
        for (to, from) in out.iter_mut().zip(self) {
            *to = *from;
        }
    }
    fn get(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok()
    }
}

macro_rules! record {
    ($(#[$outer:meta])* $name:ident { $($(#[$inner:meta])* $field:ident: $type:ty,)* }) => {
        $(#[$outer])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub struct $name { $($(#[$inner])* pub $field: $type,)* }

        impl Record for $name {
            const LEN: usize = 0 $(+ <$type as Field>::LEN)*;

            fn write(&self, out: &mut [u8]) -> Option<()> {
                let mut rest = out.get_mut(..Self::LEN)?;
                $(
                    let (here, after) = rest.split_at_mut_checked(<$type as Field>::LEN)?;
                    self.$field.put(here);
                    rest = after;
                )*
                let _ = rest;
                Some(())
            }

            fn read(bytes: &[u8]) -> Option<Self> {
                let mut rest = bytes.get(..Self::LEN)?;
                $(
                    let (here, after) = rest.split_at_checked(<$type as Field>::LEN)?;
                    let $field = <$type as Field>::get(here)?;
                    rest = after;
                )*
                let _ = rest;
                Some(Self { $($field,)* })
            }
        }
    };
}

record! {
    /// What the kernel knows of one domain. `Read` on a domain handle gives one; `Read` on a
    /// system handle at offset [`SYSTEM_DOMAINS`] + n gives those from the n-th on, as many as
    /// fit. After the single record of a domain handle come the bytes of its exit message, or of
    /// its reason not to be saved.
    DomainStatus {
        /// The domain's id, never used twice since boot.
        id: u32,
        /// A [`State`] as a number.
        state: u32,
        /// A [`Cause`] as a number; 0 while it lives.
        cause: u32,
        /// Exit code, or the exception's vector and error code (`vector << 32 | error`).
        code: u64,
        /// Instruction address at a fault.
        address: u64,
        /// Address that the fault touched.
        fault_address: u64,
        /// Bytes of memory that the domain has now, page tables and pipes included.
        memory: u64,
        /// Most bytes it may have.
        memory_limit: u64,
        /// Nanoseconds of processor time it used.
        cpu_ns: u64,
        /// Calls that it sent.
        calls_sent: u64,
        /// Calls that it answered.
        calls_served: u64,
        /// Handles in its table.
        handles: u32,
        /// Ring in which it runs: 0 or 3.
        ring: u32,
        /// Scheduling priority, 0 the lowest.
        priority: u32,
        /// 1 if it can be cloned.
        has_snapshot: u32,
        /// 1 if it began as a clone.
        is_clone: u32,
        /// How much of its component is loaded, in percent, as far as it told.
        loaded: u32,
        /// A [`Phase`] as a number.
        phase: u32,
        /// Bytes of its saved state.
        saved: u64,
        /// Calls of others in its inbox, or taken and not answered.
        calls_open: u32,
        /// Its name.
        name: [u8; NAME_LEN],
    }
}

record! {
    /// How a domain answers probes: `Read` on a domain handle at offset [`DOMAIN_PULSE`] gives one,
    /// and after it the bytes of what the domain says is wrong. Ends no readiness.
    Pulse {
        /// Number of the last probe that it answered; 0 before the first.
        answered: u64,
        /// 1 if its answer was that something is wrong.
        is_ill: u32,
        /// A [`State`] as a number.
        state: u32,
    }
}

record! {
    /// The machine as a whole: `Read` on a system handle at offset [`SYSTEM_MACHINE`].
    MachineStatus {
        /// Bytes of usable memory.
        memory_total: u64,
        /// Bytes of it that are free.
        memory_free: u64,
        /// Nanoseconds since boot.
        uptime_ns: u64,
        /// Nanoseconds of it spent idle.
        idle_ns: u64,
        /// Gate calls since boot.
        gate_calls: u64,
        /// Switches between domains since boot.
        switches: u64,
        /// Interrupts from devices since boot.
        interrupts: u64,
        /// Wall clock at boot in seconds since 1970; 0 if the firmware did not say.
        boot_time_s: u64,
        /// Physical address of the framebuffer; 0 if there is none.
        framebuffer: u64,
        /// Its width in pixels.
        width: u32,
        /// Its height in pixels.
        height: u32,
        /// Bytes from one row to the next.
        pitch: u32,
        /// Bits in a pixel; red, green and blue are bytes 2, 1 and 0 of it.
        bits_per_pixel: u32,
    }
}

record! {
    /// One handle of a domain: `Read` on its domain handle at offset [`DOMAIN_HANDLES`] + n gives
    /// those from the n-th on.
    HandleInfo {
        /// The handle in the domain's table.
        handle: u32,
        /// An [`crate::call::ObjectKind`] as a number.
        kind: u32,
        /// Its rights.
        rights: u32,
        /// Endpoint id, port, interrupt, object id or physical page, by kind.
        detail: u64,
        /// Second number: count of ports, bytes of a window or a blob, 0 otherwise.
        extent: u64,
    }
}

record! {
    /// Starts an entry of the kernel log, which `Read` on a log handle returns whole: this record,
    /// then `len` bytes of text.
    LogEntry {
        /// Number of the entry since boot; the next entry has one more.
        sequence: u64,
        /// Nanoseconds since boot.
        time_ns: u64,
        /// Domain that wrote it; 0 is the kernel.
        domain: u32,
        /// A [`Level`] as a number.
        level: u8,
        /// Bytes of text that follow.
        len: u32,
        /// Name of the domain, `kernel` for the kernel.
        name: [u8; NAME_LEN],
    }
}

/// Offset of the machine's record in a system handle.
pub const SYSTEM_MACHINE: u64 = 0;
/// Offset of the first domain's record in a system handle.
pub const SYSTEM_DOMAINS: u64 = 1 << 32;
/// Offset of the status record in a domain handle.
pub const DOMAIN_STATUS: u64 = 0;
/// Offset of the first handle's record in a domain handle.
pub const DOMAIN_HANDLES: u64 = 1 << 32;

/// Offset of the pulse in a domain handle.
pub const DOMAIN_PULSE: u64 = 1 << 33;

/// Where a domain is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum State {
    /// Made, not started.
    Created = 1,
    /// Started, not yet ready to serve: loading, linking, initialising.
    Starting = 2,
    /// Running, or able to.
    Running = 3,
    /// Waiting for an event.
    Waiting = 4,
    /// Waiting for the reply to its call.
    Calling = 5,
    /// Over; only its status is left.
    Ended = 6,
    /// Stopped where it gave its state away, until it is thawed.
    Frozen = 7,
}

/// Where a domain is in a swap. Every step is a change that a watch on the domain tells of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(u32)]
pub enum Phase {
    /// In none.
    #[default]
    Settled = 0,
    /// A new one: made to take over, preparing itself.
    Standby = 1,
    /// A new one: it can take over, and waits to be told.
    Prepared = 2,
    /// A new one: told to take over.
    TakingOver = 3,
    /// A new one: it has the state; what it published is not bound yet.
    TookOver = 4,
    /// A new one: it serves, while the old one can still come back.
    Probation = 5,
    /// A new one: the old one came back, and it is about to end.
    Reverted = 6,
    /// An old one: calls are held; it answers those that it took.
    Quiescing = 7,
    /// An old one: told to save its state.
    Saving = 8,
    /// An old one: its state is saved and it is stopped.
    Frozen = 9,
    /// An old one: its state could not be saved and it is stopped.
    Unsaved = 10,
    /// An old one: stopped, while the new one serves on probation.
    Replaced = 11,
    /// An old one: serves again, and may still want its saved state.
    Thawed = 12,
    /// A new one: the domain whose heir it is failed; it starts in its place.
    Inheriting = 13,
}

/// Why a domain ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum Cause {
    /// It ended itself; the code is its own.
    Exited = 1,
    /// Its Wasm code trapped.
    Trapped = 2,
    /// Its component was refused: malformed, an import unmet, a limit exceeded.
    Refused = 3,
    /// Its runtime panicked.
    Panicked = 4,
    /// Its runtime could not allocate.
    OutOfMemory = 5,
    /// The processor raised an exception.
    Faulted = 6,
    /// Somebody with the right to killed it.
    Killed = 7,
}

/// How much a log entry matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Level {
    /// Something broke.
    Error = 1,
    /// Something is odd.
    Warn = 2,
    /// What an operator wants to know.
    Info = 3,
    /// What a developer wants to know.
    Debug = 4,
    /// Everything.
    Trace = 5,
}

macro_rules! from_raw {
    ($name:ident: $raw:ty { $($number:literal => $variant:ident,)* }) => {
        impl $name {
            /// Reads a number that came from the other side of the gate.
            #[must_use]
            pub const fn from_raw(raw: $raw) -> Option<Self> {
                match raw {
                    $($number => Some(Self::$variant),)*
                    _ => None,
                }
            }
        }
    };
}
from_raw!(State: u32 {
    1 => Created, 2 => Starting, 3 => Running, 4 => Waiting, 5 => Calling, 6 => Ended, 7 => Frozen,
});
from_raw!(Phase: u32 {
    0 => Settled, 1 => Standby, 2 => Prepared, 3 => TakingOver, 4 => TookOver, 5 => Probation,
    6 => Reverted, 7 => Quiescing, 8 => Saving, 9 => Frozen, 10 => Unsaved, 11 => Replaced,
    12 => Thawed, 13 => Inheriting,
});
from_raw!(Cause: u32 {
    1 => Exited, 2 => Trapped, 3 => Refused, 4 => Panicked, 5 => OutOfMemory, 6 => Faulted, 7 => Killed,
});
from_raw!(Level: u8 { 1 => Error, 2 => Warn, 3 => Info, 4 => Debug, 5 => Trace, });
