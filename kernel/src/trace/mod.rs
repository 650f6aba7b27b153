//! The kernel log and the report of a kernel bug.
//!
//! Entries go to a ring that the holder of a log handle reads, and until the console server takes
//! the serial port over, to that port too. Nothing here allocates. The lock is a leaf: it is never
//! held while another is taken. Open to all rooms.

#[cfg(target_os = "none")]
pub mod report;
mod ring;
mod serial;

use core::fmt::{self, Write};
use core::sync::atomic::{AtomicU8, Ordering::Relaxed};

pub use atoll_gate::record::Level;
pub use ring::{Entry, MAX_TEXT};

use ring::{Ring, Source};

static RING: spin::Mutex<Ring> = spin::Mutex::new(Ring::new());
static MOST_DETAIL: AtomicU8 = AtomicU8::new(Level::Info as u8);

/// Drops entries with more detail than this from now on.
pub fn set_level(level: Level) {
    MOST_DETAIL.store(level as u8, Relaxed);
}

/// Whether entries of this level are kept.
#[must_use]
pub fn is_enabled(level: Level) -> bool {
    level as u8 <= MOST_DETAIL.load(Relaxed)
}

/// Appends an entry of the kernel: `trace::kernel(Level::Info, format_args!("..."))`.
pub fn kernel(level: Level, text: fmt::Arguments<'_>) {
    log(level, 0, "kernel", text);
}

/// Appends an entry of a domain; text beyond [`MAX_TEXT`] bytes is cut. Tells whether it was kept.
pub fn log(level: Level, domain: u32, name: &str, text: fmt::Arguments<'_>) -> bool {
    if !is_enabled(level) {
        return false;
    }
    let mut line = Line::new();
    // A `Line` never fails: it cuts.
    let _ = line.write_fmt(text);
    let time_ns = crate::time::now_ns();
    serial::mirror(time_ns, name, level, line.as_str());
    RING.lock().push(time_ns, Source { domain, name, level }, line.as_str());
    true
}

/// Sequence number that the next entry will have.
#[must_use]
pub fn next_sequence() -> u64 {
    RING.lock().next()
}

/// Shows the entries from `sequence` on, oldest first, until `visit` gives false. `visit` must not
/// log.
pub fn read_from(sequence: u64, visit: impl FnMut(&Entry) -> bool) {
    RING.lock().read_from(sequence, visit);
}

/// Starts mirroring the log on the serial port.
#[cfg(target_os = "none")]
pub(crate) fn start_serial() {
    serial::start();
}

/// Takes the serial port back when its driver has let go of it.
pub fn resume_serial() {
    serial::start();
}

/// Leaves the serial port to its driver: from now on only reports of kernel bugs go there.
pub fn stop_serial() {
    serial::stop();
}

/// Text of bounded length that cuts what does not fit.
struct Line {
    bytes: [u8; MAX_TEXT],
    len: usize,
}

impl Line {
    const fn new() -> Self {
        Self { bytes: [0; MAX_TEXT], len: 0 }
    }

    fn as_str(&self) -> &str {
        self.bytes.get(..self.len).and_then(|bytes| str::from_utf8(bytes).ok()).unwrap_or("")
    }
}

impl Write for Line {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let room = MAX_TEXT - self.len;
        let text = text.get(..text.floor_char_boundary(room)).unwrap_or("");
        if let Some(place) = self.bytes.get_mut(self.len..self.len + text.len()) {
            place.copy_from_slice(text.as_bytes());
            self.len += text.len();
        }
        Ok(())
    }
}
