//! The granted devices: interrupts and ports behind the drivers, the window behind the screen.

use super::bindings::atoll::device::mmio::Window;
use super::bindings::atoll::device::port_io::Ports;
use super::bindings::atoll::device::{framebuffer, types::ErrorCode};
use super::bindings::atoll::log::log::{Level, write as log};
use crate::keyboard::Keyboard;
use crate::screen::grid::Grid;
use crate::screen::paint::{Geometry, Painter, Surface};
use crate::state::{Damaged, Reader, Writer};
use atoll_uart::Uart;

/// Most bytes that one `write-block` carries.
const BLOCK_LIMIT: usize = 64_000;

atoll_sdk::port_registers!(Ports);

atoll_sdk::interrupt_line!(super::bindings);

/// Says in the log why a device is not used; none is needed as long as there is another.
fn absent(device: &str, why: &str) {
    let mut text = String::from(device);
    text.push_str(" not used: ");
    text.push_str(why);
    log(Level::Info, &text);
}

fn reason(error: ErrorCode) -> &'static str {
    match error {
        ErrorCode::NotGranted => "not granted",
        ErrorCode::NotPresent => "not present",
        ErrorCode::OutOfResources => "out of resources",
        ErrorCode::PeerRestarted | ErrorCode::Other => "device error",
    }
}

/// The serial line.
pub(super) struct SerialDevice {
    uart: Uart<Ports>,
    line: InterruptLine,
}

impl SerialDevice {
    pub(super) fn open(token: u64) -> Option<Self> {
        let opened =
            Ports::open("uart").and_then(|ports| Ok((ports, InterruptLine::open("uart", token)?)));
        let (ports, line) =
            opened.inspect_err(|&error| absent("serial line", reason(error))).ok()?;
        let Some(uart) = Uart::find(ports) else {
            absent("serial line", "nothing answers");
            return None;
        };
        Some(Self { uart, line })
    }

    pub(super) fn set_up(&mut self) {
        self.uart.set_up();
    }

    pub(super) fn pause(&self) {
        self.uart.pause();
    }

    pub(super) fn resume(&mut self) {
        self.uart.resume();
    }

    pub(super) fn interrupt(&mut self) -> Vec<u8> {
        let mut received = Vec::new();
        self.line.serve(|| {
            self.uart.service(&mut received);
        });
        received
    }

    pub(super) fn queued(&self) -> Vec<u8> {
        self.uart.queued()
    }

    pub(super) fn replace_queue(&mut self, bytes: &[u8]) {
        self.uart.replace_queue(bytes);
    }

    pub(super) fn send(&mut self, bytes: &[u8]) {
        self.uart.send(bytes);
    }

    pub(super) fn backlog(&self) -> usize {
        self.uart.backlog()
    }
}

/// The keyboard.
pub(super) struct KeyboardDevice {
    keyboard: Keyboard<Ports>,
    line: InterruptLine,
}

impl KeyboardDevice {
    pub(super) fn open(token: u64) -> Option<Self> {
        let opened = Ports::open("keyboard")
            .and_then(|ports| Ok((ports, InterruptLine::open("keyboard", token)?)));
        let (ports, line) = opened.inspect_err(|&error| absent("keyboard", reason(error))).ok()?;
        let Some(keyboard) = Keyboard::find(ports) else {
            absent("keyboard", "nothing answers");
            return None;
        };
        Some(Self { keyboard, line })
    }

    /// Whether it can be used.
    pub(super) fn set_up(&mut self) -> bool {
        let answers = self.keyboard.set_up();
        if !answers {
            absent("keyboard", "its controller does not answer");
        }
        answers
    }

    pub(super) fn save(&self) -> Vec<u8> {
        self.keyboard.save()
    }

    pub(super) fn restore(&mut self, codes: &[u8]) {
        self.keyboard.restore(codes);
    }

    pub(super) fn interrupt(&mut self) -> Vec<u8> {
        let mut received = Vec::new();
        self.line.serve(|| {
            self.keyboard.service(&mut received);
        });
        received
    }
}

impl Surface for Window {
    fn write(&mut self, offset: usize, bytes: &[u8]) {
        for (index, block) in bytes.chunks(BLOCK_LIMIT).enumerate() {
            self.write_block((offset + index * BLOCK_LIMIT) as u64, block);
        }
    }

    fn copy(&mut self, source: usize, target: usize, count: usize) {
        self.move_block(source as u64, target as u64, count as u64);
    }
}

/// The screen.
pub(super) struct Screen {
    grid: Grid,
    painter: Painter<Window>,
    geometry: Geometry,
    cursor: Option<u8>,
}

impl Screen {
    /// `cursor` is the palette index of a cursor with a colour of its own.
    pub(super) fn open(cursor: Option<u8>) -> Option<Self> {
        let opened = framebuffer::open();
        let (shape, window) = opened.inspect_err(|&error| absent("screen", reason(error))).ok()?;
        let geometry = Geometry {
            width: shape.width as usize,
            height: shape.height as usize,
            pitch: shape.pitch as usize,
        };
        let needed = u64::from(shape.pitch) * u64::from(shape.height);
        let is_usable = geometry.columns() > 0
            && geometry.rows() > 0
            && geometry.width * 4 <= geometry.pitch
            && needed <= window.length();
        if !is_usable {
            absent("screen", "its shape makes no sense");
            return None;
        }
        let grid = Grid::new(geometry.columns(), geometry.rows()).with_cursor(cursor);
        Some(Self { grid, painter: Painter::new(window, geometry), geometry, cursor })
    }

    pub(super) fn size(&self) -> (usize, usize) {
        (self.geometry.columns(), self.geometry.rows())
    }

    pub(super) fn set_up(&mut self) {
        self.painter.blank();
    }

    pub(super) fn write(&mut self, bytes: &[u8]) {
        self.grid.write(bytes);
        self.paint();
    }

    pub(super) fn paint(&mut self) {
        self.painter.apply(&self.grid.changes());
    }

    pub(super) fn save(&self, out: &mut Writer) {
        out.number(self.geometry.columns());
        out.number(self.geometry.rows());
        out.bytes(&self.grid.replay());
    }

    /// Takes over what is shown; without it the screen is blank. Nothing is painted.
    pub(super) fn restore(&mut self, state: Option<Reader<'_>>) -> Result<(), Damaged> {
        let (columns, rows) = self.size();
        self.grid = Grid::new(columns, rows).with_cursor(self.cursor);
        self.grid.forget_shown();
        let Some(mut state) = state else { return Ok(()) };
        if (state.number()?, state.number()?) == (columns, rows) {
            self.grid.write(state.bytes()?);
            self.grid.assume_shown();
        }
        Ok(())
    }

    /// The next painting is of everything.
    pub(super) fn forget_shown(&mut self) {
        self.grid.forget_shown();
    }
}
