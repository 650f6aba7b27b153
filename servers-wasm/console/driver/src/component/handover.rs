//! Handing the console over in a swap: what is written down, and the streams that go along.
//!
//! The state explains the streams: a session has a reader and a writer, and the client's ends of
//! both pipes as long as it has not taken them. Before them comes the *baton*, a pipe with one
//! byte in it. Whoever goes on with the state takes the byte before it does anything else. So the
//! watch on it wakes the one that goes on; and if the swap is given up later, the version before
//! finds the pipe empty: what it wrote down is history.

use super::bindings::atoll::io::{pipes, watch};
use super::bindings::exports::atoll::lifecycle::state::Saved;
use super::bindings::wasi::io::poll::Pollable;
use super::bindings::wasi::io::streams::InputStream;
use super::console::{BATON_TOKEN, Beginning, Console};
use super::devices::{KeyboardDevice, SerialDevice};
use super::sessions::Channel;
use crate::state::{Damaged, Reader, Writer};
use crate::terminal::{SESSION_LIMIT, SessionId, Terminal};

/// The layout in which this version hands its state on.
const LAYOUT: u32 = 1;
/// Most streams in a state.
const MOST_STREAMS: usize = 64;
const _: () = assert!(4 * SESSION_LIMIT < MOST_STREAMS, "all sessions can be handed over");

/// The reading end of a pipe with one byte. The pollable is dropped before its stream.
pub(super) struct Baton {
    pollable: Pollable,
    stream: InputStream,
}

impl Baton {
    /// Makes a pipe with one byte; `None` when there is no memory or no handle for it.
    fn create() -> Option<InputStream> {
        let (reader, writer) = pipes::create(1).ok()?;
        writer.check_write().ok().filter(|&room| room > 0)?;
        writer.write(&[0]).ok()?;
        Some(reader)
    }

    fn watched(stream: InputStream) -> Self {
        let pollable = stream.subscribe();
        watch::watch(&pollable, BATON_TOKEN);
        Self { pollable, stream }
    }

    /// Takes the byte; whether it was still there.
    pub(super) fn take(self) -> bool {
        let Self { pollable, stream } = self;
        drop(pollable);
        stream.read(1).is_ok_and(|bytes| !bytes.is_empty())
    }
}

/// Gives everything up but the devices.
pub(super) fn save(console: &mut Console) -> Result<Saved, String> {
    let data = write(console)
        .ok_or("more waits to be read and to be shown than a state can hold; try again")?;
    let baton = Baton::create().ok_or("there is no room for another pipe")?;
    if let Some(serial) = &console.serial {
        serial.pause();
    }
    let (mut inputs, mut outputs) = (vec![baton], Vec::new());
    for channel in console.channels.drain(..) {
        let (input, output) = channel.part();
        inputs.extend(input);
        outputs.extend(output);
    }
    Ok(Saved { version: LAYOUT, data, inputs, outputs })
}

/// Takes over what another version gave up, or takes it back.
pub(super) fn restore(console: &mut Console, saved: Saved) -> Result<(), String> {
    if saved.version != LAYOUT {
        return Err("the layout of the state is not known".to_owned());
    }
    read(console, saved).map_err(|Damaged| "the state is damaged".to_owned())
}

fn write(console: &Console) -> Option<Vec<u8>> {
    let mut out = Writer::default();
    out.number(console.channels.len());
    for channel in &console.channels {
        out.number(channel.id.0 as usize);
        out.number(usize::from(channel.client_input.is_some()));
        out.number(usize::from(channel.client_output.is_some()));
    }
    out.bytes(&console.serial.as_ref().map_or_else(Vec::new, SerialDevice::queued));
    out.bytes(&console.keyboard.as_ref().map_or_else(Vec::new, KeyboardDevice::save));
    console.terminal.save(&mut out);
    out.spare(|part| {
        if let Some(screen) = &console.screen {
            screen.save(part);
        }
    });
    out.finish()
}

fn read(console: &mut Console, saved: Saved) -> Result<(), Damaged> {
    let mut state = Reader::new(&saved.data);
    let mut inputs = saved.inputs.into_iter();
    let mut outputs = saved.outputs.into_iter();
    let baton = inputs.next().ok_or(Damaged)?;
    let count = state.number()?;
    let mut channels = Vec::new();
    for _ in 0..count.min(SESSION_LIMIT) {
        let id = SessionId(u32::try_from(state.number()?).map_err(|_| Damaged)?);
        let kept = [state.number()? != 0, state.number()? != 0];
        let channel = Channel::join(id, kept, &mut inputs, &mut outputs);
        channels.push(channel.ok_or(Damaged)?);
    }
    let queue = state.bytes()?;
    let keys = state.bytes()?;
    let terminal = Terminal::restore(console.size.0, &mut state)?;
    if let Some(serial) = &mut console.serial {
        serial.replace_queue(queue);
    }
    if let Some(keyboard) = &mut console.keyboard {
        keyboard.restore(keys);
    }
    if let Some(screen) = &mut console.screen {
        screen.restore(state.spare()?)?;
    }
    console.terminal = terminal;
    console.channels = channels;
    console.beginning = Some(Beginning::TakenOver(Baton::watched(baton)));
    Ok(())
}
