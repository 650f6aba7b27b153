//! The pipes of a session and the watches on them.

use super::bindings::atoll::io::{pipes, watch};
use super::bindings::wasi::io::poll::Pollable;
use super::bindings::wasi::io::streams::{InputStream, OutputStream};
use crate::terminal::{SessionId, Terminal};

/// Bytes of the pipe that carries input to a client.
const INPUT_PIPE: u32 = 4096;
/// Bytes of the pipe that carries a client's output.
const OUTPUT_PIPE: u32 = 8192;
/// Most bytes moved at once.
const PIECE: usize = 4096;

/// Which of a session's two pipes a token means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Direction {
    /// To the client.
    Input,
    /// From the client.
    Output,
}

/// Both pipes of a session. Pollables stand before their streams, to be dropped before them.
pub(super) struct Channel {
    pub(super) id: SessionId,
    /// The client's ends until it takes them.
    pub(super) client_input: Option<InputStream>,
    pub(super) client_output: Option<OutputStream>,
    pub(super) input_watched: bool,
    pub(super) output_watched: bool,
    writable: Pollable,
    readable: Pollable,
    writer: OutputStream,
    reader: InputStream,
}

impl Channel {
    /// Makes the pipes; `None` when there is no memory or no handle for them.
    pub(super) fn create(id: SessionId) -> Option<Self> {
        let (client_input, writer) = pipes::create(INPUT_PIPE).ok()?;
        let (reader, client_output) = pipes::create(OUTPUT_PIPE).ok()?;
        Some(Self::new(id, (Some(client_input), Some(client_output)), reader, writer))
    }

    /// Its streams, those that are read from first: its own, and the client's if it has not taken
    /// them.
    pub(super) fn part(self) -> (Vec<InputStream>, Vec<OutputStream>) {
        let Self { client_input, client_output, writable, readable, writer, reader, .. } = self;
        drop((writable, readable));
        let inputs = [Some(reader), client_input].into_iter().flatten().collect();
        (inputs, [Some(writer), client_output].into_iter().flatten().collect())
    }

    /// Makes one of such streams; `kept` says which of the client's are among them.
    pub(super) fn join(
        id: SessionId,
        kept: [bool; 2],
        inputs: &mut impl Iterator<Item = InputStream>,
        outputs: &mut impl Iterator<Item = OutputStream>,
    ) -> Option<Self> {
        let (reader, writer) = (inputs.next()?, outputs.next()?);
        let client_input = if kept[0] { Some(inputs.next()?) } else { None };
        let client_output = if kept[1] { Some(outputs.next()?) } else { None };
        Some(Self::new(id, (client_input, client_output), reader, writer))
    }

    fn new(
        id: SessionId,
        (client_input, client_output): (Option<InputStream>, Option<OutputStream>),
        reader: InputStream,
        writer: OutputStream,
    ) -> Self {
        Self {
            id,
            client_input,
            client_output,
            input_watched: false,
            output_watched: false,
            writable: writer.subscribe(),
            readable: reader.subscribe(),
            writer,
            reader,
        }
    }

    /// What the client wrote; `None` when it has closed its end.
    pub(super) fn read(&mut self) -> Option<Vec<u8>> {
        self.reader.read(PIECE as u64).ok()
    }

    /// Asks to hear of more output.
    pub(super) fn watch_output(&mut self, first_token: u64) {
        if !self.output_watched {
            self.output_watched = true;
            watch::watch(&self.readable, token(self.id, Direction::Output, first_token));
        }
    }

    /// Writes waiting input into the pipe, as much as fits, and asks to hear when more will fit.
    /// Input for a client that closed its end is dropped.
    pub(super) fn deliver(&mut self, terminal: &mut Terminal, first_token: u64) {
        loop {
            let waiting = terminal.pending(self.id, PIECE);
            if waiting.is_empty() {
                return;
            }
            match self.writer.check_write() {
                Ok(0) => break,
                Ok(room) => {
                    let count = waiting.len().min(usize::try_from(room).unwrap_or(PIECE));
                    // A pipe that closed since then shows as closed in the next round.
                    let _ = self.writer.write(&waiting[..count]);
                    terminal.consume(self.id, count);
                }
                Err(_) => terminal.consume(self.id, waiting.len()),
            }
        }
        if !self.input_watched {
            self.input_watched = true;
            watch::watch(&self.writable, token(self.id, Direction::Input, first_token));
        }
    }
}

fn token(id: SessionId, direction: Direction, first: u64) -> u64 {
    first + u64::from(id.0) * 2 + u64::from(direction == Direction::Output)
}

/// The session and pipe that a token stands for.
pub(super) fn of_token(token: u64, first: u64) -> Option<(SessionId, Direction)> {
    let number = token.checked_sub(first)?;
    let direction = if number % 2 == 1 { Direction::Output } else { Direction::Input };
    Some((SessionId(u32::try_from(number / 2).ok()?), direction))
}
