//! The gate calls of swaps with their types: those by which a domain takes part in one, and those
//! by which a supervisor moves others on.

use crate::gate::Gate;
use atoll_gate::call::{Call, Status};
use atoll_gate::message::Lengths;

/// Lengths of a message without handles.
const fn plain(payload: usize) -> u64 {
    Lengths { payload: payload as u32, slots: 0 }.pack()
}

/// As [`crate::gate::Calls`].
pub(crate) trait SwapCalls: Gate {
    /// Asks a domain to come to rest, and tells it the note of the one that is to replace it.
    ///
    /// # Errors
    /// The status of the gate call.
    fn quiesce(&mut self, control: u32, next: u32) -> Result<(), Status> {
        self.enter(Call::Quiesce, [u64::from(control), u64::from(next), 0, 0, 0]).map(drop)
    }

    /// Reports this domain prepared, with what is in the send payload: a note for the one that it is
    /// to replace and, up to `len`, what clients of that would miss.
    fn report_prepared(&mut self, note: usize, len: usize) {
        let _ = self.enter(Call::Ready, [plain(len), note as u64, 0, 0, 0]);
    }

    /// Appends the first bytes of the send payload, and handles that move, to this domain's saved
    /// state.
    ///
    /// # Errors
    /// The status of the gate call.
    fn save_state(&mut self, lengths: Lengths) -> Result<(), Status> {
        self.enter(Call::SaveState, [lengths.pack(), 0, 0, 0, 0]).map(drop)
    }

    /// Stops this domain until it is thawed; with a status other than `Ok`, the reason why it was
    /// not saved is in the first bytes of the send payload.
    ///
    /// # Errors
    /// The status of the gate call.
    fn freeze(&mut self, status: Status, payload: usize) -> Result<(), Status> {
        self.enter(Call::Freeze, [status as u64, plain(payload), 0, 0, 0]).map(drop)
    }

    /// Lets a domain serve again.
    ///
    /// # Errors
    /// The status of the gate call.
    fn thaw(&mut self, control: u32) -> Result<(), Status> {
        self.enter(Call::Thaw, [u64::from(control), 0, 0, 0, 0]).map(drop)
    }

    /// Tells a prepared domain to take over from a frozen one.
    ///
    /// # Errors
    /// The status of the gate call.
    fn take_over(&mut self, old: u32, new: u32) -> Result<(), Status> {
        self.enter(Call::TakeOver, [u64::from(old), u64::from(new), 0, 0, 0]).map(drop)
    }

    /// Lets a prepared domain serve in place of one that serves, if that fails.
    ///
    /// # Errors
    /// The status of the gate call.
    fn set_heir(&mut self, control: u32, heir: u32) -> Result<(), Status> {
        self.enter(Call::SetHeir, [u64::from(control), u64::from(heir), 0, 0, 0]).map(drop)
    }

    /// Copies a part of a saved state to the receive payload, and handles from the `first` on to
    /// its slots; bytes and handles in all.
    ///
    /// # Errors
    /// The status of the gate call.
    fn read_state(&mut self, offset: usize, first: usize) -> Result<(usize, usize), Status> {
        let whole = self.enter(Call::ReadState, [offset as u64, first as u64, 0, 0, 0])?;
        Ok((whole as u32 as usize, (whole >> 32) as usize))
    }

    /// Lets new domains serve in place of old ones: pairs of control handles in the send payload.
    ///
    /// # Errors
    /// The status of the gate call.
    fn commit_swap(&mut self, payload: usize) -> Result<(), Status> {
        self.enter(Call::CommitSwap, [plain(payload), 0, 0, 0, 0]).map(drop)
    }

    /// Lets old domains serve again in place of new ones, likewise.
    ///
    /// # Errors
    /// The status of the gate call.
    fn revert_swap(&mut self, payload: usize) -> Result<(), Status> {
        self.enter(Call::RevertSwap, [plain(payload), 0, 0, 0, 0]).map(drop)
    }
}

impl<G: Gate> SwapCalls for G {}
