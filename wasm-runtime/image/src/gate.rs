//! The gate as the rest of the image sees it: one trait below, typed calls above.
//!
//! [`Gate`] is what `platform` implements with an interrupt instruction and what the tests fake.
//! [`Calls`] gives every gate call that the image issues its argument and result types. The
//! meaning of each call is written once, in [`atoll_gate::Call`].

mod calls;

use atoll_gate::call::{Call, Status};
use atoll_gate::message::{Header, Slot};

pub use self::calls::{Calls, Inspected};

/// Number of a window that was mapped by [`Gate::map_window`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window(pub u32);

/// Bytes in one access to a window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Width {
    /// One byte.
    Byte = 1,
    /// Two bytes.
    Word = 2,
    /// Four bytes.
    Double = 4,
    /// Eight bytes.
    Quad = 8,
}

/// The kernel, the message areas and the mapped windows.
///
/// Whoever implements it checks every access to a window himself: callers may pass any number.
pub trait Gate: 'static {
    /// Issues a gate call. Those that name memory of this domain have methods of their own.
    ///
    /// # Errors
    /// The status, if it is not `Ok`.
    fn enter(&mut self, call: Call, arguments: [u64; 5]) -> Result<u64, Status>;

    /// Payload of the send area, to read.
    fn sent_payload(&self) -> &[u8];
    /// Payload of the send area, all of it.
    fn send_payload(&mut self) -> &mut [u8];
    /// Copies the first `count` bytes of the receive payload to the send payload.
    fn forward(&mut self, count: usize);
    /// Writes a slot of the send area; out of range does nothing.
    fn put_slot(&mut self, index: usize, slot: Slot);
    /// What was delivered last.
    fn header(&self) -> Header;
    /// Payload of the receive area, all of it.
    fn receive_payload(&self) -> &[u8];
    /// Reads a slot of the receive area; all zero out of range.
    fn slot(&self, index: usize) -> Slot;

    /// Adds memory of this domain's heap to its saved state, as it will be when the domain is
    /// frozen; the number of the offer.
    ///
    /// # Errors
    /// The status of the gate call.
    fn offer_memory(&mut self, memory: &[u8]) -> Result<u32, Status>;
    /// Fills memory with what the domain that this one takes over from has offered, from `offset`
    /// on. Part of it may have been written if this fails.
    ///
    /// # Errors
    /// The status of the gate call.
    fn take_memory(&mut self, offer: u32, offset: u64, to: &mut [u8]) -> Result<(), Status>;

    /// Maps the window behind a handle, once for each handle.
    ///
    /// # Errors
    /// The status of the gate call.
    fn map_window(&mut self, handle: u32) -> Result<Window, Status>;
    /// Bytes in a mapped window; 0 for a number that names none.
    fn window_length(&self, window: Window) -> u64;
    /// Loads from a window; `None` outside of it or if the offset is not aligned to the width.
    fn load(&mut self, window: Window, offset: u64, width: Width) -> Option<u64>;
    /// Stores into a window; `None` outside of it or if the offset is not aligned to the width.
    fn store(&mut self, window: Window, offset: u64, width: Width, value: u64) -> Option<()>;
    /// Copies out of a window; `None` outside of it.
    fn load_block(&mut self, window: Window, offset: u64, out: &mut [u8]) -> Option<()>;
    /// Copies into a window, from the send payload at `from`; `None` outside of either.
    fn store_block(&mut self, window: Window, offset: u64, from: usize, count: usize)
    -> Option<()>;
    /// Copies inside a window, ranges may overlap; `None` outside of it.
    fn move_block(&mut self, window: Window, source: u64, target: u64, count: u64) -> Option<()>;

    /// What the guest may spend in its life, in units of about an instruction; `None` where the
    /// kernel takes the processor from a guest that does not come back.
    fn fuel(&self) -> Option<u64> {
        None
    }

    /// A number from the processor's random source; `None` if it has none.
    fn random(&mut self) -> Option<u64>;
    /// Reads any byte of the address space: `atoll:testing/raw-gate` only.
    #[cfg(feature = "testing")]
    fn peek(&mut self, address: u64) -> u8;
    /// A number that stands for the domain's heap: `atoll:testing/raw-gate` only.
    #[cfg(feature = "testing")]
    fn heap_sum(&mut self) -> u64;
    /// Issues any number as a gate call: `atoll:testing/raw-gate` only.
    #[cfg(feature = "testing")]
    fn enter_raw(&mut self, number: u64, arguments: [u64; 5]) -> (u64, u64);
}

/// Puts as much of a text as there is room for at the beginning of a payload; its length.
pub(crate) fn put_text(payload: &mut [u8], text: &str) -> usize {
    for (to, from) in payload.iter_mut().zip(text.as_bytes()) {
        *to = *from;
    }
    text.len().min(payload.len())
}

/// A status in words, for messages that people read.
#[must_use]
pub const fn words(status: Status) -> &'static str {
    match status {
        Status::Ok => "done",
        Status::UnknownCall => "the kernel does not know the call",
        Status::Invalid => "an argument is out of range",
        Status::BadHandle => "the handle is stale",
        Status::WrongKind => "the handle names another kind of object",
        Status::Denied => "the handle lacks the right",
        Status::OutOfMemory => "the machine is out of memory",
        Status::QuotaExceeded => "the server's quota is used up",
        Status::TimedOut => "the deadline passed",
        Status::WouldBlock => "it would block",
        Status::Closed => "the other end is gone",
        Status::NotReady => "nobody serves it yet",
        Status::PeerRestarted => "its server ended",
        Status::Revoked => "it was revoked",
        Status::Refused => "the receiver found the message malformed",
        Status::Deadlock => "its server waits for the caller",
        Status::Exists => "it exists already",
        Status::NotFound => "it does not exist",
        Status::Unsupported => "the machine cannot do it",
    }
}
