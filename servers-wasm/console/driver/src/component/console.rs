//! The console at work: bytes move between devices, terminal and sessions when they are ready.
//!
//! A life begins in two steps. `start` opens what was granted and touches no device: in a swap the
//! version before may still come back to them. [`Console::begin`], with the first call or event,
//! sets them up, or goes on with them as they are if a state was taken over.

use super::bindings::atoll::log::log::{Level, write as log};
use super::bindings::exports::atoll::console::console::ErrorCode;
use super::devices::{KeyboardDevice, Screen, SerialDevice};
use super::handover::Baton;
use super::sessions::{self, Channel, Direction};
use crate::Version;
use crate::terminal::{Mode, SessionId, Source, Terminal};

/// Tokens of the two interrupts and of the baton; those of sessions begin at
/// [`FIRST_SESSION_TOKEN`].
const SERIAL_TOKEN: u64 = 1;
const KEYBOARD_TOKEN: u64 = 2;
pub(super) const BATON_TOKEN: u64 = 3;
const FIRST_SESSION_TOKEN: u64 = 16;
/// What a serial terminal is taken to be; it cannot say.
const SERIAL_SIZE: (usize, usize) = (80, 24);
/// While more bytes than this wait for the serial line, no session's output is taken.
const BACKLOG_LIMIT: usize = 4096;

/// How a life begins.
pub(super) enum Beginning {
    /// With devices that have to be set up.
    Anew,
    /// With a state that was taken over.
    TakenOver(Baton),
}

/// All of it.
pub(super) struct Console {
    pub(super) terminal: Terminal,
    pub(super) serial: Option<SerialDevice>,
    pub(super) keyboard: Option<KeyboardDevice>,
    pub(super) screen: Option<Screen>,
    pub(super) channels: Vec<Channel>,
    pub(super) size: (usize, usize),
    /// What is to be done before anything else.
    pub(super) beginning: Option<Beginning>,
    received: fn(&[u8]),
}

impl Console {
    /// Opens the devices.
    pub(super) fn start<V: Version>() -> Result<Self, String> {
        let serial = SerialDevice::open(SERIAL_TOKEN);
        let keyboard = KeyboardDevice::open(KEYBOARD_TOKEN);
        let screen = Screen::open(V::CURSOR);
        let sizes = [serial.as_ref().map(|_| SERIAL_SIZE), screen.as_ref().map(Screen::size)];
        let size = sizes
            .into_iter()
            .flatten()
            .reduce(|a, b| (a.0.min(b.0), a.1.min(b.1)))
            .ok_or("there is neither a serial line nor a screen")?;
        let mut devices = String::from("version ");
        devices.push_str(V::NUMBER);
        devices.push_str(", using");
        for (is_present, name) in [
            (serial.is_some(), " serial"),
            (screen.is_some(), " screen"),
            (keyboard.is_some(), " keyboard"),
        ] {
            devices.push_str(if is_present { name } else { "" });
        }
        log(Level::Info, &devices);
        Ok(Self {
            terminal: Terminal::new(size.0),
            serial,
            keyboard,
            screen,
            channels: Vec::new(),
            size,
            beginning: Some(Beginning::Anew),
            received: V::received,
        })
    }

    /// Does what is to be done before anything else, once.
    pub(super) fn begin(&mut self) {
        match self.beginning.take() {
            None => {}
            Some(Beginning::Anew) => self.set_up(),
            Some(Beginning::TakenOver(baton)) => self.go_on(baton),
        }
    }

    fn set_up(&mut self) {
        if let Some(serial) = &mut self.serial {
            serial.set_up();
        }
        if !self.keyboard.as_mut().is_none_or(KeyboardDevice::set_up) {
            self.keyboard = None;
        }
        if let Some(screen) = &mut self.screen {
            screen.set_up();
        }
    }

    /// Goes on with what was taken over and with devices that are set up. What they have asked for
    /// since the other version looked makes no interrupt any more.
    fn go_on(&mut self, baton: Baton) {
        if !baton.take() {
            self.forget();
        }
        if let Some(serial) = &mut self.serial {
            serial.resume();
        }
        if let Some(screen) = &mut self.screen {
            screen.paint();
        }
        self.ready(SERIAL_TOKEN);
        self.ready(KEYBOARD_TOKEN);
    }

    /// Another version has served after this state was saved, and is gone with what it had.
    fn forget(&mut self) {
        self.terminal.forget_typed();
        if let Some(serial) = &mut self.serial {
            serial.replace_queue(&[]);
        }
        if let Some(keyboard) = &mut self.keyboard {
            keyboard.restore(&[]);
        }
        if let Some(screen) = &mut self.screen {
            screen.forget_shown();
        }
    }

    pub(super) fn open(&mut self, name: &str) -> Result<SessionId, ErrorCode> {
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

    pub(super) fn close(&mut self, id: SessionId) {
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

    /// The pipes of a session, as long as it is open.
    pub(super) fn channel(&mut self, id: SessionId) -> Option<&mut Channel> {
        self.channels.iter_mut().find(|channel| channel.id == id)
    }

    pub(super) fn set_mode(&mut self, id: SessionId, mode: Mode) {
        self.terminal.set_mode(id, mode);
        self.settle();
    }

    /// What was watched with that token is ready.
    pub(super) fn ready(&mut self, token: u64) {
        match token {
            SERIAL_TOKEN => {
                let received = self.serial.as_mut().map(SerialDevice::interrupt);
                let received = received.unwrap_or_default();
                (self.received)(&received);
                self.input(Source::Serial, &received);
            }
            KEYBOARD_TOKEN => {
                let received = self.keyboard.as_mut().map(KeyboardDevice::interrupt);
                self.input(Source::Keyboard, &received.unwrap_or_default());
            }
            token => self.session_ready(token),
        }
        self.settle();
    }

    fn input(&mut self, source: Source, received: &[u8]) {
        for &byte in received {
            self.terminal.input(source, byte);
        }
    }

    fn session_ready(&mut self, token: u64) {
        let Some((id, direction)) = sessions::of_token(token, FIRST_SESSION_TOKEN) else { return };
        let is_short = self.is_short();
        let Some(channel) = self.channel(id) else { return };
        match direction {
            // The input is written when everything settles.
            Direction::Input => channel.input_watched = false,
            Direction::Output => {
                channel.output_watched = false;
                if !is_short {
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

    /// Whether the serial line is not far behind.
    fn is_short(&self) -> bool {
        self.serial.as_ref().map_or(0, SerialDevice::backlog) <= BACKLOG_LIMIT
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
        let is_short = self.is_short();
        for channel in &mut self.channels {
            channel.deliver(&mut self.terminal, FIRST_SESSION_TOKEN);
            if is_short {
                channel.watch_output(FIRST_SESSION_TOKEN);
            }
        }
    }
}
