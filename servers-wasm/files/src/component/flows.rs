//! Flows: bytes on their way between a file and a pipe whose other end a client has.
//!
//! A flow towards a client runs ahead of it by what its pipe holds. A flow from a client is taken
//! in when its pipe is ready, and before anything else is done to the file. When the file system is
//! full the flow ends and the client's next write finds the stream closed; what the pipe held then
//! is lost, and `sync` says so.

use super::bindings::atoll::io::{pipes, watch};
use super::bindings::exports::wasi::filesystem::types::ErrorCode;
use super::bindings::wasi::io::poll::Pollable;
use super::bindings::wasi::io::streams::{InputStream, OutputStream};
use super::now;
use crate::Error;
use crate::shares::Held;
use crate::tree::{NodeId, Tree};

/// Bytes that a pipe holds.
const PIPE: u32 = 8192;
/// Bytes that go into a pipe at a time.
const PIECE: u64 = 4096;

/// All flows, in the order of their tokens.
#[derive(Default)]
pub(super) struct Flows {
    flows: Vec<Flow>,
    next: u64,
}

struct Flow {
    /// By which its pipe is watched.
    token: u64,
    node: NodeId,
    end: End,
    /// Its place in the client's share.
    _held: Held,
}

/// The server's end of the pipe. Pollables stand before their streams, to be dropped before them.
enum End {
    /// Towards the client, which has had all before the offset.
    Out { writable: Pollable, writer: OutputStream, offset: u64 },
    /// From the client, to an offset or the end of the file.
    In { readable: Pollable, reader: InputStream, offset: Option<u64> },
}

/// What a flow waits for after a step.
enum Step {
    /// Its pipe.
    Pipe,
    /// Nothing; it is over.
    Over,
}

impl Flows {
    /// Begins a flow to a client; the client's end.
    pub(super) fn read(
        &mut self,
        tree: &mut Tree,
        node: NodeId,
        offset: u64,
        held: Held,
    ) -> Result<InputStream, ErrorCode> {
        let (reader, writer) = pipe()?;
        let end = End::Out { writable: writer.subscribe(), writer, offset };
        self.begin(tree, node, end, held);
        Ok(reader)
    }

    /// Begins a flow from a client; the client's end.
    pub(super) fn write(
        &mut self,
        tree: &mut Tree,
        node: NodeId,
        offset: Option<u64>,
        held: Held,
    ) -> Result<OutputStream, ErrorCode> {
        let (reader, writer) = pipe()?;
        let end = End::In { readable: reader.subscribe(), reader, offset };
        self.begin(tree, node, end, held);
        Ok(writer)
    }

    /// Takes in what clients have written to a file.
    pub(super) fn take_in(&mut self, tree: &mut Tree, node: NodeId) {
        let writers = self.flows.iter().filter(|flow| flow.node == node && flow.is_writer());
        let writers: Vec<_> = writers.map(|flow| flow.token).collect();
        for token in writers {
            self.step(tree, token);
        }
    }

    /// The pipe of that token is ready.
    pub(super) fn ready(&mut self, tree: &mut Tree, token: u64) {
        self.step(tree, token);
        if let Some(flow) = self.place_of(token).and_then(|place| self.flows.get(place)) {
            flow.end.watch(token);
        }
    }

    fn begin(&mut self, tree: &mut Tree, node: NodeId, end: End, held: Held) {
        let token = self.next;
        self.next += 1;
        tree.hold(node);
        self.flows.push(Flow { token, node, end, _held: held });
        self.ready(tree, token);
    }

    fn place_of(&self, token: u64) -> Option<usize> {
        self.flows.binary_search_by_key(&token, |flow| flow.token).ok()
    }

    /// Moves what can be moved now.
    fn step(&mut self, tree: &mut Tree, token: u64) {
        let Some(place) = self.place_of(token) else { return };
        let Some(flow) = self.flows.get_mut(place) else { return };
        if let Step::Over = flow.step(tree) {
            let flow = self.flows.remove(place);
            tree.release(flow.node);
        }
    }
}

impl Flow {
    const fn is_writer(&self) -> bool {
        matches!(self.end, End::In { .. })
    }

    fn step(&mut self, tree: &mut Tree) -> Step {
        match &mut self.end {
            End::Out { writer, offset, .. } => fill(tree, self.node, writer, offset),
            End::In { reader, offset, .. } => drain(tree, self.node, reader, offset),
        }
    }
}

impl End {
    fn watch(&self, token: u64) {
        let (Self::Out { writable: source, .. } | Self::In { readable: source, .. }) = self;
        watch::watch(source, token);
    }
}

fn pipe() -> Result<(InputStream, OutputStream), ErrorCode> {
    pipes::create(PIPE).map_err(|_| ErrorCode::InsufficientMemory)
}

/// Fills a pipe with what follows in a file. It is over when all that the file had is in the pipe.
fn fill(tree: &mut Tree, node: NodeId, writer: &OutputStream, offset: &mut u64) -> Step {
    while let Ok(room) = writer.check_write() {
        if room == 0 {
            return Step::Pipe;
        }
        let bytes = tree.read(node, *offset, room.min(PIECE) as usize, now()).unwrap_or_default();
        if bytes.is_empty() || writer.write(&bytes).is_err() {
            break;
        }
        *offset = offset.saturating_add(bytes.len() as u64);
    }
    Step::Over
}

/// Puts what is in a pipe into a file. It is over when the client has closed its end, or there is
/// no place for all of it.
fn drain(tree: &mut Tree, node: NodeId, reader: &InputStream, offset: &mut Option<u64>) -> Step {
    match reader.read(u64::from(PIPE)) {
        Ok(bytes) if bytes.is_empty() || store(tree, node, offset, &bytes) => Step::Pipe,
        _ => Step::Over,
    }
}

/// Puts bytes into a file; whether all of them. If not, it is noted, as nobody waits for an answer.
fn store(tree: &mut Tree, node: NodeId, offset: &mut Option<u64>, bytes: &[u8]) -> bool {
    let written = tree.write(node, *offset, bytes, now());
    *offset = offset.map(|offset| offset.saturating_add(bytes.len() as u64));
    let failure = match written {
        Ok(count) if count == bytes.len() => return true,
        Ok(_) => Error::InsufficientSpace,
        Err(error) => error,
    };
    tree.note_failure(node, failure);
    false
}
