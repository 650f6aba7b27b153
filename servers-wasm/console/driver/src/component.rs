//! Glue between the logic and the world `atoll:servers/console`: devices, pipes and watches.
//!
//! Everything happens in [`Handler::ready`](HandlerGuest): an interrupt or a pipe is ready, bytes
//! move, the watch is set again. [`Console::settle`] then brings the outputs up to date.
#![allow(unsafe_code, reason = "the generated glue of the component model is unsafe")]

#[allow(missing_docs, unreachable_pub, reason = "generated")]
#[allow(clippy::all, reason = "generated")]
pub mod bindings {
    wit_bindgen::generate!({
        path: "../../../wit",
        world: "atoll:servers/console",
        generate_all,
        pub_export_macro: true,
    });
}

mod devices;
mod sessions;

use std::cell::RefCell;

use crate::terminal::{Mode, SessionId, Source, Terminal};
use bindings::atoll::log::log::{Level, write as log};
pub use bindings::export;
use bindings::exports::atoll::console::console::{
    ErrorCode, Guest as ConsoleGuest, GuestSession, Mode as WitMode, Session,
};
use bindings::exports::atoll::io::handler::Guest as HandlerGuest;
use bindings::exports::atoll::lifecycle::start::Guest as StartGuest;
use bindings::wasi::io::streams::{InputStream, OutputStream};
use devices::{KeyboardDevice, Screen, SerialDevice};
use sessions::{Channel, Direction};

/// Tokens of the two interrupts; those of sessions begin at [`FIRST_SESSION_TOKEN`].
const SERIAL_TOKEN: u64 = 1;
const KEYBOARD_TOKEN: u64 = 2;
const FIRST_SESSION_TOKEN: u64 = 16;
/// What a serial terminal is taken to be; it cannot say.
const SERIAL_SIZE: (usize, usize) = (80, 24);
/// While more bytes than this wait for the serial line, no session's output is taken.
const BACKLOG_LIMIT: usize = 4096;

thread_local! {
    static CONSOLE: RefCell<Option<Console>> = const { RefCell::new(None) };
}

struct Console {
    terminal: Terminal,
    serial: Option<SerialDevice>,
    keyboard: Option<KeyboardDevice>,
    screen: Option<Screen>,
    channels: Vec<Channel>,
    size: (usize, usize),
}

impl Console {
    fn start() -> Result<Self, String> {
        let serial = SerialDevice::start(SERIAL_TOKEN);
        let keyboard = KeyboardDevice::start(KEYBOARD_TOKEN);
        let screen = Screen::start();
        let sizes = [serial.as_ref().map(|_| SERIAL_SIZE), screen.as_ref().map(Screen::size)];
        let size = sizes
            .into_iter()
            .flatten()
            .reduce(|a, b| (a.0.min(b.0), a.1.min(b.1)))
            .ok_or("there is neither a serial line nor a screen")?;
        let mut devices = String::from("using");
        for (is_present, name) in [
            (serial.is_some(), " serial"),
            (screen.is_some(), " screen"),
            (keyboard.is_some(), " keyboard"),
        ] {
            devices.push_str(if is_present { name } else { "" });
        }
        log(Level::Info, &devices);
        let terminal = Terminal::new(size.0);
        Ok(Self { terminal, serial, keyboard, screen, channels: Vec::new(), size })
    }

    fn open(&mut self, name: &str) -> Result<SessionId, ErrorCode> {
        let id = self.terminal.open().map_err(|_| ErrorCode::TooManySessions)?;
        match Channel::create(id) {
            Some(channel) => {
                self.channels.push(channel);
                let mut text = String::from("session of ");
                text.push_str(name);
                log(Level::Debug, &text);
                self.settle();
                Ok(id)
            }
            None => {
                self.terminal.close(id);
                Err(ErrorCode::OutOfResources)
            }
        }
    }

    fn close(&mut self, id: SessionId) {
        if let Some(place) = self.channels.iter().position(|channel| channel.id == id) {
            // What the session wrote before it ended is still shown.
            if let Some(last) = self.channels[place].read() {
                self.terminal.output(&last);
            }
            self.channels.remove(place);
            self.terminal.close(id);
        }
        self.settle();
    }

    fn ready(&mut self, token: u64) {
        match token {
            SERIAL_TOKEN => {
                let received = self.serial.as_mut().map(SerialDevice::interrupt);
                self.input(Source::Serial, received);
            }
            KEYBOARD_TOKEN => {
                let received = self.keyboard.as_mut().map(KeyboardDevice::interrupt);
                self.input(Source::Keyboard, received);
            }
            token => self.session_ready(token),
        }
        self.settle();
    }

    fn input(&mut self, source: Source, received: Option<Vec<u8>>) {
        for byte in received.unwrap_or_default() {
            self.terminal.input(source, byte);
        }
    }

    fn session_ready(&mut self, token: u64) {
        let Some((id, direction)) = sessions::of_token(token, FIRST_SESSION_TOKEN) else { return };
        let Some(channel) = self.channels.iter_mut().find(|channel| channel.id == id) else {
            return;
        };
        match direction {
            // The input is written when everything settles.
            Direction::Input => channel.input_watched = false,
            Direction::Output => {
                channel.output_watched = false;
                if self.serial.as_ref().map_or(0, SerialDevice::backlog) > BACKLOG_LIMIT {
                    return;
                }
                match channel.read() {
                    Some(bytes) => self.terminal.output(&bytes),
                    None => {
                        self.channels.retain(|channel| channel.id != id);
                        self.terminal.close(id);
                    }
                }
            }
        }
    }

    /// Shows what is to be displayed, hands input to the sessions and watches what is left.
    fn settle(&mut self) {
        let display = self.terminal.take_display();
        if !display.is_empty() {
            if let Some(serial) = &mut self.serial {
                serial.send(&display);
            }
            if let Some(screen) = &mut self.screen {
                screen.write(&display);
            }
        }
        let is_short = self.serial.as_ref().map_or(0, SerialDevice::backlog) <= BACKLOG_LIMIT;
        for channel in &mut self.channels {
            channel.deliver(&mut self.terminal, FIRST_SESSION_TOKEN);
            if is_short {
                channel.watch_output(FIRST_SESSION_TOKEN);
            }
        }
    }
}

/// Runs `action` on the console; `None` before it was started.
fn with<R>(action: impl FnOnce(&mut Console) -> R) -> Option<R> {
    CONSOLE.with_borrow_mut(|console| console.as_mut().map(action))
}

/// The component.
#[derive(Debug)]
pub struct Component;

impl StartGuest for Component {
    fn start() -> Result<(), String> {
        let console = Console::start()?;
        CONSOLE.set(Some(console));
        Ok(())
    }
}

impl HandlerGuest for Component {
    fn ready(token: u64) {
        with(|console| console.ready(token));
    }
}

impl ConsoleGuest for Component {
    type Session = SessionHandle;

    fn open(name: String) -> Result<Session, ErrorCode> {
        let id = with(|console| console.open(&name)).unwrap_or(Err(ErrorCode::Other))?;
        Ok(Session::new(SessionHandle { id }))
    }
}

/// What a client holds; its end is the session's.
#[derive(Debug)]
pub struct SessionHandle {
    id: SessionId,
}

impl SessionHandle {
    fn channel<R>(&self, action: impl FnOnce(&mut Channel) -> R) -> Option<R> {
        let id = self.id;
        with(|console| console.channels.iter_mut().find(|channel| channel.id == id).map(action))
            .flatten()
    }
}

impl GuestSession for SessionHandle {
    fn input(&self) -> Option<InputStream> {
        self.channel(|channel| channel.client_input.take()).flatten()
    }

    fn output(&self) -> Option<OutputStream> {
        self.channel(|channel| channel.client_output.take()).flatten()
    }

    fn set_mode(&self, mode: WitMode) -> Result<(), ErrorCode> {
        let mode = match mode {
            WitMode::Line => Mode::Line,
            WitMode::Raw => Mode::Raw,
        };
        with(|console| {
            console.terminal.set_mode(self.id, mode);
            console.settle();
        })
        .ok_or(ErrorCode::Other)
    }

    fn set_completions(&self, words: Vec<String>) -> Result<(), ErrorCode> {
        with(|console| console.terminal.set_completions(self.id, words)).ok_or(ErrorCode::Other)
    }

    fn size(&self) -> Result<(u32, u32), ErrorCode> {
        with(|console| (console.size.0 as u32, console.size.1 as u32)).ok_or(ErrorCode::Other)
    }
}

impl Drop for SessionHandle {
    fn drop(&mut self) {
        with(|console| console.close(self.id));
    }
}
