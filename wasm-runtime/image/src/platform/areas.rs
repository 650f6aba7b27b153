//! The message areas and the component's bytes, as slices.
//!
//! The kernel maps both areas read-write and the component read-only before the first instruction
//! of the domain and for all of its life. It writes the receive area only inside gate calls that
//! deliver something, none of which the heap makes.

use atoll_gate::layout::{COMPONENT_BASE, RECEIVE_AREA, SEND_AREA};
use atoll_gate::message::{Header, MAX_PAYLOAD, MAX_SLOTS, PAYLOAD_OFFSET, SLOTS_OFFSET, Slot};
use core::slice;

/// The two areas. There is one value of it, in the gate that `entry` makes, so borrows of that
/// gate keep apart who reads and writes them.
#[derive(Debug)]
pub(super) struct Areas(());

const SEND_PAYLOAD: *mut u8 = (SEND_AREA as usize + PAYLOAD_OFFSET) as *mut u8;
const RECEIVE_PAYLOAD: *const u8 = (RECEIVE_AREA as usize + PAYLOAD_OFFSET) as *const u8;

impl Areas {
    /// The areas, for whoever is alone with them.
    ///
    /// # Safety
    /// No other value of this type is used from now on.
    pub(super) const unsafe fn new() -> Self {
        Self(())
    }

    pub(super) fn sent(&self) -> &[u8] {
        // SAFETY: The payload of the send area is mapped, initialised memory of that size; it is
        // written through `send` only, which needs this value exclusively.
        unsafe { slice::from_raw_parts(SEND_PAYLOAD, MAX_PAYLOAD) }
    }

    pub(super) fn send(&mut self) -> &mut [u8] {
        // SAFETY: As for `sent`; this value is borrowed exclusively as long as the slice lives.
        unsafe { slice::from_raw_parts_mut(SEND_PAYLOAD, MAX_PAYLOAD) }
    }

    pub(super) fn received(&self) -> &[u8] {
        // SAFETY: The payload of the receive area is mapped, initialised memory of that size, and
        // the kernel writes it in gate calls only, which need this value exclusively.
        unsafe { slice::from_raw_parts(RECEIVE_PAYLOAD, MAX_PAYLOAD) }
    }

    pub(super) fn header(&self) -> Header {
        let header = RECEIVE_AREA as *const Header;
        // SAFETY: The receive area starts with a header: plain numbers, for which all bytes are
        // valid, page aligned. Volatile because the kernel writes it.
        unsafe { header.read_volatile() }
    }

    pub(super) fn slot(&self, index: usize) -> Slot {
        if index >= MAX_SLOTS {
            return Slot::default();
        }
        let slot =
            (RECEIVE_AREA as usize + SLOTS_OFFSET + index * size_of::<Slot>()) as *const Slot;
        // SAFETY: There are `MAX_SLOTS` slots of plain numbers behind the header, and `index` is
        // one of them. Volatile because the kernel writes them.
        unsafe { slot.read_volatile() }
    }

    pub(super) fn put_slot(&mut self, index: usize, slot: Slot) {
        if index < MAX_SLOTS {
            let place =
                (SEND_AREA as usize + SLOTS_OFFSET + index * size_of::<Slot>()) as *mut Slot;
            // SAFETY: As for `slot`, in the send area. Volatile because the kernel reads it.
            unsafe { place.write_volatile(slot) };
        }
    }

    pub(super) fn forward(&mut self, count: usize) {
        let count = count.min(MAX_PAYLOAD);
        // SAFETY: Both payloads have at least `count` bytes and are in different areas.
        unsafe { SEND_PAYLOAD.copy_from_nonoverlapping(RECEIVE_PAYLOAD, count) };
    }
}

/// The component.
///
/// # Safety
/// `length` is what the kernel gave to the entry.
pub(super) unsafe fn component(length: u64) -> &'static [u8] {
    // SAFETY: The kernel maps the component's `length` bytes here, read-only, for the domain's
    // whole life.
    unsafe { slice::from_raw_parts(COMPONENT_BASE as *const u8, length as usize) }
}
