//! Results and failures, as entries of the kernel log.

use crate::gate;
use atoll_gate::call::{Call, Status};
use atoll_gate::message::Lengths;
use atoll_gate::record::{Cause, Level};
use core::fmt::{self, Write};
use core::panic::PanicInfo;

/// Longest line.
const LINE: usize = 256;

/// The kernel log.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Log(pub(crate) u64);

impl Log {
    /// Appends an entry; what is too long is cut.
    pub(crate) fn write(self, text: fmt::Arguments<'_>) {
        let len = gate::fill_payload(|payload| {
            let mut line = Line { out: payload.get_mut(..LINE).unwrap_or_default(), len: 0 };
            line.push(Level::Info as u8);
            // A line never fails, it is cut.
            let _ = line.write_fmt(text);
            line.len
        });
        gate::call(Call::Write, [self.0, payload_of(len), 0, 0, 0]);
    }

    /// The value of a gate call that has to succeed.
    pub(crate) fn expect(self, what: &str, (status, value): (u64, u64)) -> u64 {
        if status == Status::Ok as u64 { value } else { self.fail(what, status) }
    }

    /// Says what failed and ends the domain.
    pub(crate) fn fail(self, what: &str, status: u64) -> ! {
        self.write(format_args!("probe failed: {what}: {:?}", Status::from_raw(status)));
        exit(Cause::Panicked)
    }
}

/// A message of that many bytes and no handles.
pub(crate) fn payload_of(len: usize) -> u64 {
    Lengths { payload: len as u32, slots: 0 }.pack()
}

fn exit(cause: Cause) -> ! {
    loop {
        gate::call(Call::Exit, [cause as u64, 0, 0, 0, 0]);
    }
}

struct Line<'a> {
    out: &'a mut [u8],
    len: usize,
}

impl Line<'_> {
    fn push(&mut self, byte: u8) {
        if let Some(place) = self.out.get_mut(self.len) {
            *place = byte;
            self.len += 1;
        }
    }
}

impl Write for Line<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        text.bytes().for_each(|byte| self.push(byte));
        Ok(())
    }
}

#[panic_handler]
fn panicked(_: &PanicInfo<'_>) -> ! {
    exit(Cause::Panicked)
}
