//! What the runtime asks of the place it runs in.
//!
//! One [`Host`] serves one domain. The domain image implements it with gate calls, the tests with
//! plain data structures. It owns the two message areas, so that a value is copied once: from the
//! guest's linear memory into the area that the kernel (or the test) reads, and back.
//! Values in an area have the wire form of `docs/architecture.md`, section "IPC".

use alloc::string::String;

/// Where the calls of one imported interface go, chosen by the host when it resolved the import.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    /// An endpoint, by kernel handle.
    Endpoint(u32),
    /// An interface that the host provides itself, by its own number.
    Provided(u32),
}

/// A resource handle in a message, as the runtime sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ResourceSlot {
    /// Whether ownership moves or the handle is lent for the call.
    pub passing: Passing,
    /// Which resource type.
    pub origin: Origin,
    /// For a resource of this component: its representation. For an imported one: the number by
    /// which the host knows it (a kernel handle, or an index into its own objects).
    pub number: u32,
}

/// How a handle is passed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Passing {
    /// `own`: it moves.
    Own,
    /// `borrow`: it is lent until the call is answered.
    Borrow,
}

/// Where a resource type comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// This component declares it in an export with that number.
    Export {
        /// Number of the export among the component's exported interfaces.
        interface: u32,
        /// Number of the resource within the interface.
        resource: u32,
    },
    /// It was imported.
    Import {
        /// Where the interface that declares it goes.
        target: Target,
        /// Number of the resource within that interface's descriptor.
        resource: u32,
    },
}

/// Why a call did not come back with a result.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CallError {
    /// The server ended, or the object is of an earlier life of it: the error case
    /// `peer-restarted` if the function's type has one, or WASI's `io`; else a trap.
    PeerRestarted,
    /// Anything else: a trap with this text, which names what was called and why it failed.
    Failed(String),
}

/// The place a domain's runtime runs in.
pub trait Host: 'static {
    /// The payload area for what goes out: parameters of an outgoing call, result of an incoming.
    fn outgoing(&mut self) -> &mut [u8];
    /// The payload of what came in: its bytes, no more.
    fn incoming(&self) -> &[u8];

    /// Appends a handle to what goes out and returns its index in the wire form. A handle that was
    /// put is dropped again if `discard_outgoing` follows instead of a call or a reply.
    ///
    /// # Errors
    /// A text that says which handle cannot be passed and why.
    fn put_slot(&mut self, slot: ResourceSlot) -> Result<u32, String>;
    /// Makes the checks of [`take_slot`](Self::take_slot) and takes nothing, so that a message is
    /// refused as a whole before the guest sees any of it.
    ///
    /// # Errors
    /// Those of `take_slot`.
    fn check_slot(&self, index: u32, passing: Passing, origin: Origin) -> Result<(), String>;
    /// Takes the handle with that index from what came in, as a resource of type `origin`, and
    /// returns its number. Each index can be taken once.
    ///
    /// # Errors
    /// A text when the index is not there or was taken, the passing differs or the object is not
    /// of that type.
    fn take_slot(&mut self, index: u32, passing: Passing, origin: Origin) -> Result<u32, String>;
    /// Forgets handles that were put and not sent, and lets go of those that came and were not
    /// taken.
    fn discard_outgoing(&mut self);
    /// Lets go of handles that came in and were not taken.
    fn discard_incoming(&mut self);

    /// Calls function number `method` of the target with the first `payload` bytes of the outgoing
    /// area and the handles that were put, and waits. Afterwards `incoming` is the result.
    ///
    /// # Errors
    /// See [`CallError`].
    fn call(&mut self, target: Target, method: u32, payload: usize) -> Result<(), CallError>;

    /// Whether there is memory for so many bytes more. Asked right before a linear memory or a
    /// table grows, so that it is the growth that fails.
    fn room(&mut self, _bytes: u64) -> bool {
        true
    }

    /// The guest dropped its own handle to an imported resource.
    fn drop_resource(&mut self, target: Target, resource: u32, number: u32);
}
