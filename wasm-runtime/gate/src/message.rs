//! The two message areas of a domain and what stands in them.
//!
//! Both have one shape: a [`Header`], [`MAX_SLOTS`] handle slots and, a page further, up to
//! [`MAX_PAYLOAD`] bytes. The header is written by the kernel only (of the send area it is unused:
//! lengths travel in registers). All numbers are little-endian.

use crate::layout::PAGE_SIZE;

/// Most payload bytes in one message; bulk data goes through pipes.
pub const MAX_PAYLOAD: usize = 64 * 1024;
/// Most bytes of a note that a standby domain leaves for the one that it replaces.
pub const MAX_NOTE: usize = 256;
/// Most handles in one message.
pub const MAX_SLOTS: usize = 64;
/// Offset of the first handle slot in an area.
pub const SLOTS_OFFSET: usize = 64;
/// Offset of the payload in an area.
pub const PAYLOAD_OFFSET: usize = PAGE_SIZE as usize;
/// Bytes of one area, a whole number of pages.
pub const AREA_SIZE: usize = PAYLOAD_OFFSET + MAX_PAYLOAD;

/// What arrived, at the start of the receive area.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub struct Header {
    /// An [`EventKind`] as a number; 0 when nothing was delivered.
    pub event: u32,
    /// Call: function index in the published interface. Reply: a [`crate::Status`] as a number.
    /// Start record: 1 for a standby domain.
    pub method: u32,
    /// Call and reply: the call's id. Notification: the token given to `watch`. Probe: its number.
    /// Drop: the object id in the low half.
    pub id: u64,
    /// Call and drop: the badge under which the endpoint was published.
    pub badge: u32,
    /// Bytes of payload in the area.
    pub payload_len: u32,
    /// Handle slots in use.
    pub slot_count: u32,
    /// Id of the calling domain, for logs only: it grants nothing.
    pub sender: u32,
}

/// What a domain can receive from its inbox.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum EventKind {
    /// A call on an endpoint that the domain serves; answer it with `reply`, now or later.
    Call = 1,
    /// The reply to a call that was sent without waiting.
    Reply = 2,
    /// A watched object became ready; the watch is used up.
    Notification = 3,
    /// The last holder of an object that the domain minted has let go of it.
    Drop = 4,
    /// The domain is to save its state and freeze. It has no call open and nothing that waits. The
    /// payload is the note of the domain that is to take over.
    Quiesce = 5,
    /// A standby domain is to take over: a saved state can be read.
    TakeOver = 6,
    /// The domain is asked whether it works.
    Probe = 7,
    /// An heir is to serve: the domain in whose place it does failed, and left it no state.
    Inherit = 8,
}

impl EventKind {
    /// Reads the number in [`Header::event`]; `None` if nothing was delivered.
    #[must_use]
    pub const fn from_raw(raw: u32) -> Option<Self> {
        match raw {
            1 => Some(Self::Call),
            2 => Some(Self::Reply),
            3 => Some(Self::Notification),
            4 => Some(Self::Drop),
            5 => Some(Self::Quiesce),
            6 => Some(Self::TakeOver),
            7 => Some(Self::Probe),
            8 => Some(Self::Inherit),
            _ => None,
        }
    }
}

/// Which events a `wait` accepts: a mask of these. Events of other kinds stay queued.
pub mod accept {
    /// Calls and drops, and what a swap or a probe asks.
    pub const CALLS: u64 = 1;
    /// Replies.
    pub const REPLIES: u64 = 2;
    /// Notifications.
    pub const NOTIFICATIONS: u64 = 4;
    /// Everything.
    pub const ALL: u64 = 7;
}

/// A handle on its way in a message, 16 bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub struct Slot {
    /// Sender: a [`SendSlot`] as a number. Receiver: a [`ReceiveSlot`] as a number.
    pub kind: u32,
    /// The handle in the table of whoever reads or writes this slot; for `Mint` the serve handle.
    pub handle: u32,
    /// `Mint`, `Home`, `HomeBorrow`: the object's id. `Handle`, `Borrowed`: the id of the endpoint
    /// that the object belongs to, or 0 for a kernel object.
    pub object: u32,
    /// `Mint`, `LendOwn`: a tag of 16 bits that the server gives to objects of one type. `Handle`,
    /// `Borrowed`: a [`crate::call::ObjectKind`] in bits 0..16 and the object's tag in 16..32.
    /// `Copy`: the rights to keep.
    pub detail: u32,
}

/// How the sender passes a handle.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum SendSlot {
    /// The handle leaves the sender's table for good.
    Move = 1,
    /// The receiver may use the handle until it replies; only in calls.
    Lend = 2,
    /// A new object with id `object` on the endpoint whose serve handle is `handle`. Handles to it
    /// have no rights, so it has one owner at a time. An id can be minted again: those are two
    /// objects, which are dropped one by one and revoked together.
    Mint = 3,
    /// A duplicate with the rights in `detail`, at most the sender's own; needs the copy right.
    Copy = 4,
    /// Lends an object that the sender itself serves: `handle` is the serve handle, `object` its id.
    LendOwn = 5,
}

impl SendSlot {
    /// Reads the number in [`Slot::kind`].
    #[must_use]
    pub const fn from_raw(raw: u32) -> Option<Self> {
        match raw {
            1 => Some(Self::Move),
            2 => Some(Self::Lend),
            3 => Some(Self::Mint),
            4 => Some(Self::Copy),
            5 => Some(Self::LendOwn),
            _ => None,
        }
    }
}

/// How a handle arrives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum ReceiveSlot {
    /// A new entry in the receiver's table, owned by it.
    Handle = 1,
    /// An entry that the kernel takes back when the call is answered.
    Borrowed = 2,
    /// An object of the receiver's own endpoint comes home; its owner is now the receiver.
    Home = 3,
    /// An object of the receiver's own endpoint, lent by its holder.
    HomeBorrow = 4,
}

impl ReceiveSlot {
    /// Reads the number in [`Slot::kind`].
    #[must_use]
    pub const fn from_raw(raw: u32) -> Option<Self> {
        match raw {
            1 => Some(Self::Handle),
            2 => Some(Self::Borrowed),
            3 => Some(Self::Home),
            4 => Some(Self::HomeBorrow),
            _ => None,
        }
    }
}

/// Payload length and slot count packed into one argument register.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Lengths {
    /// Bytes of payload.
    pub payload: u32,
    /// Handle slots in use.
    pub slots: u32,
}

impl Lengths {
    /// Packs into a register: payload in the low half, slots in the high half.
    #[must_use]
    pub const fn pack(self) -> u64 {
        self.payload as u64 | (self.slots as u64) << 32
    }

    /// Unpacks and checks against [`MAX_PAYLOAD`] and [`MAX_SLOTS`]; `None` if either is exceeded.
    #[must_use]
    pub const fn unpack(raw: u64) -> Option<Self> {
        let lengths = Self { payload: raw as u32, slots: (raw >> 32) as u32 };
        if lengths.payload as usize <= MAX_PAYLOAD && lengths.slots as usize <= MAX_SLOTS {
            Some(lengths)
        } else {
            None
        }
    }
}

const _: () = assert!(size_of::<Header>() <= SLOTS_OFFSET);
const _: () = assert!(SLOTS_OFFSET + MAX_SLOTS * size_of::<Slot>() <= PAYLOAD_OFFSET);
