//! Glue between the logic and the world `atoll:servers/console`: what the server exports.
//!
//! Everything happens in [`HandlerGuest::ready`]: an interrupt or a pipe is ready, bytes move, the
//! watch is set again. [`console`] moves them, [`devices`] and [`sessions`] are what between,
//! [`handover`] is for swaps.
#![allow(unsafe_code, reason = "the generated glue of the component model is unsafe")]

atoll_sdk::bindings!(pub "atoll:servers/console" in "../../../wit", pub_export_macro: true);

mod console;
mod devices;
mod handover;
mod sessions;

use std::cell::RefCell;
use std::marker::PhantomData;

use crate::Version;
use crate::terminal::{Mode, SessionId};
pub use bindings::export;
use bindings::exports::atoll::console::console::{
    ErrorCode, Guest as ConsoleGuest, GuestSession, Mode as WitMode, Session, SessionBorrow,
};
use bindings::exports::atoll::console::console_handover::Guest as HandoverGuest;
use bindings::exports::atoll::io::handler::Guest as HandlerGuest;
use bindings::exports::atoll::lifecycle::start::Guest as StartGuest;
use bindings::exports::atoll::lifecycle::state::{Guest as StateGuest, Saved};
use bindings::wasi::io::streams::{InputStream, OutputStream};
use console::Console;
use sessions::Channel;

thread_local! {
    static CONSOLE: RefCell<Option<Console>> = const { RefCell::new(None) };
}

/// Runs `action` on the console, which is brought to life before if it was not yet; `None` before
/// it was started.
fn with<R>(action: impl FnOnce(&mut Console) -> R) -> Option<R> {
    CONSOLE.with_borrow_mut(|console| {
        let console = console.as_mut()?;
        console.begin();
        Some(action(console))
    })
}

/// The component of a version.
#[derive(Debug)]
pub struct Component<V>(PhantomData<V>);

impl<V: Version> StartGuest for Component<V> {
    fn start() -> Result<(), String> {
        let console = Console::start::<V>()?;
        CONSOLE.set(Some(console));
        Ok(())
    }
}

impl<V: Version> StateGuest for Component<V> {
    fn save() -> Result<Saved, String> {
        with(handover::save).ok_or("the console was not started")?
    }

    fn restore(saved: Saved) -> Result<(), String> {
        CONSOLE.with_borrow_mut(|console| {
            let console = console.as_mut().ok_or("the console was not started")?;
            handover::restore(console, saved)
        })
    }
}

impl<V: Version> HandlerGuest for Component<V> {
    fn ready(token: u64) {
        with(|console| console.ready(token));
    }
}

impl<V: Version> ConsoleGuest for Component<V> {
    type Session = SessionHandle;

    fn open(name: String) -> Result<Session, ErrorCode> {
        let id = with(|console| console.open(&name)).unwrap_or(Err(ErrorCode::Other))?;
        Ok(Session::new(SessionHandle { id }))
    }
}

/// Everything else about a session is in the state.
impl<V: Version> HandoverGuest for Component<V> {
    fn save_session(object: SessionBorrow<'_>) -> Vec<u8> {
        object.get::<SessionHandle>().id.0.to_le_bytes().to_vec()
    }

    fn restore_session(data: Vec<u8>) -> Session {
        // A session of no number is one that is closed: every function fails.
        let id = data.first_chunk().map_or(0, |bytes| u32::from_le_bytes(*bytes));
        Session::new(SessionHandle { id: SessionId(id) })
    }
}

/// What a client holds; its end is the session's.
#[derive(Debug)]
pub struct SessionHandle {
    id: SessionId,
}

impl SessionHandle {
    fn channel<R>(&self, action: impl FnOnce(&mut Channel) -> R) -> Option<R> {
        with(|console| console.channel(self.id).map(action)).flatten()
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
        with(|console| console.set_mode(self.id, mode)).ok_or(ErrorCode::Other)
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
