//! How a domain ends by itself: `exit`, a panic, a failed allocation.

use super::areas::Areas;
use super::gate::enter;
use atoll_gate::call::Call;
use atoll_gate::message::Lengths;
use atoll_gate::record::Cause;
use core::alloc::Layout;
use core::fmt::{self, Write};
use core::panic::PanicInfo;

/// The domain's last words, written into the send area. It needs no memory.
struct LastWords {
    areas: Areas,
    len: usize,
}

impl Write for LastWords {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let room = self.areas.send().get_mut(self.len..).unwrap_or_default();
        let count = text.len().min(room.len());
        for (to, from) in room.iter_mut().zip(text.as_bytes()) {
            *to = *from;
        }
        self.len += count;
        Ok(())
    }
}

/// Ends the domain with a reason.
pub(super) fn exit(cause: Cause, code: u64, reason: &dyn fmt::Display) -> ! {
    // SAFETY: Nothing runs after this, so the gate that had the areas is not used again.
    let areas = unsafe { Areas::new() };
    let mut words = LastWords { areas, len: 0 };
    // Writing cuts and never fails; a reason that cannot format itself is cut there.
    let _ = write!(words, "{reason}");
    let lengths = Lengths { payload: words.len as u32, slots: 0 };
    loop {
        enter(Call::Exit as u64, [cause as u64, code, lengths.pack(), 0, 0]);
    }
}

#[panic_handler]
fn panicked(info: &PanicInfo<'_>) -> ! {
    exit(Cause::Panicked, 0, info)
}

#[alloc_error_handler]
fn out_of_memory(layout: Layout) -> ! {
    exit(
        Cause::OutOfMemory,
        layout.size() as u64,
        &format_args!("no memory for {} bytes", layout.size()),
    )
}
