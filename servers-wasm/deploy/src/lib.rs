//! The server `deploy`: takes components from a host over the second serial line, hands them to the
//! supervisor and has servers swapped to them, for whoever develops a server and does not want to
//! boot for each try.
//!
//! What is said on the line is the business of `atoll-channel`. [`Deploy`] is its other end: bytes
//! in, bytes out, and in between a [`System`] that does what it asks. `component` implements that
//! with the interfaces of the world `atoll:servers/deploy` and owns the UART.
//!
//! Nothing here decides who may do what: the supervisor keeps to what this server was granted.

#![deny(unsafe_code)]

#[cfg(target_arch = "wasm32")]
#[allow(unsafe_code, reason = "the generated glue of the component model is unsafe")]
mod component;

use atoll_channel::{
    Phase,
    crc::Crc,
    frame::Decoder,
    message::{Answer, Request, SILENCE_NS, VERSION, unpack},
    pieces::Piece,
};

/// What the host's requests come to; the text of an error is for people.
pub trait System {
    /// Begins an upload; an earlier one that is not finished is given up.
    ///
    /// # Errors
    /// No room, a bad name.
    fn begin(&mut self, file: &str, size: u32) -> Result<(), String>;
    /// Puts bytes behind those that came.
    ///
    /// # Errors
    /// More than it has, or none is under way.
    fn append(&mut self, data: &[u8]) -> Result<(), String>;
    /// So many bytes of a component that is there, and fewer only at its end; at most [`MOST`].
    ///
    /// # Errors
    /// There is none of that name.
    fn read(&mut self, component: &str, at: u32, length: u32) -> Result<Vec<u8>, String>;
    /// All bytes came; the name of the component.
    ///
    /// # Errors
    /// Not all did.
    fn finish(&mut self) -> Result<String, String>;
    /// Gives up what is not finished.
    fn give_up(&mut self);
    /// Begins to swap a server; [`Deploy::swap_changed`] is to be called when there is news.
    ///
    /// # Errors
    /// The supervisor does not begin.
    fn swap(&mut self, server: &str, component: &str) -> Result<(), String>;
    /// How far the swap is that was begun last.
    ///
    /// # Errors
    /// Nobody knows.
    fn report(&mut self) -> Result<Report, String>;
}

/// Most bytes that the supervisor takes or gives in one call.
pub const MOST: u32 = 60_000;

/// How far a swap is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// The phases that are over, in order, and how many nanoseconds each took.
    pub passed: Vec<(Phase, u64)>,
    /// What it came to, if it is over.
    pub end: Option<Answer>,
}

/// The system's end of the channel.
#[derive(Debug)]
pub struct Deploy<S> {
    system: S,
    decoder: Decoder,
    /// The sequence number of the last request, and its answer; none before the first hello.
    last: Option<(u8, Answer)>,
    /// The upload that is under way.
    incoming: Incoming,
    /// How many phases of the swap that is under way were told.
    told: Option<usize>,
    /// When the last bytes came.
    heard_ns: u64,
}

/// What came of an upload.
#[derive(Debug, Default)]
struct Incoming {
    /// The component that pieces may be the same as.
    base: String,
    /// Bytes that are there.
    taken: u32,
    crc: Crc,
}

impl<S: System> Deploy<S> {
    /// Nobody has said hello yet.
    pub fn new(system: S) -> Self {
        Self {
            system,
            decoder: Decoder::default(),
            last: None,
            incoming: Incoming::default(),
            told: None,
            heard_ns: 0,
        }
    }

    /// What does what is asked.
    pub const fn system(&mut self) -> &mut S {
        &mut self.system
    }

    /// Takes bytes from the line, at a time of a clock that does not go back; gives those that
    /// answer.
    pub fn receive(&mut self, bytes: &[u8], now_ns: u64) -> Vec<u8> {
        let mut out = Vec::new();
        if now_ns.saturating_sub(self.heard_ns) > SILENCE_NS {
            self.decoder.forget();
        }
        self.heard_ns = now_ns;
        self.decoder.push(bytes);
        while let Some(frame) = self.decoder.next_frame() {
            let Some(request) = Request::read(&frame) else { continue };
            let answer = self.answer(request, frame.sequence);
            self.last = self.last.take().map(|(sequence, _)| (sequence, answer.clone()));
            out.extend(answer.frame(frame.sequence).encode());
        }
        out
    }

    /// Acts on a request, or answers again to one that is repeated.
    fn answer(&mut self, request: Request, sequence: u8) -> Answer {
        if let Request::Hello { .. } = request {
            self.system.give_up();
            self.told = None;
            self.last = Some((sequence, Answer::Swapping));
            return Answer::Hello { version: VERSION };
        }
        match &mut self.last {
            None => Answer::Refused("deploy began anew; what was under way is given up".to_owned()),
            Some((last, answer)) if *last == sequence => answer.clone(),
            Some((last, _)) => {
                *last = sequence;
                // A host that asks for something else does not follow the swap any more.
                self.told = None;
                self.act(request).unwrap_or_else(Answer::Refused)
            }
        }
    }

    fn act(&mut self, request: Request) -> Result<Answer, String> {
        match request {
            Request::Hello { .. } => {}
            Request::Begin { file, size, base } => {
                self.system.begin(&file, size)?;
                self.incoming = Incoming { base, ..Incoming::default() };
            }
            Request::Chunk { offset, packed } => {
                let taken = self.incoming.taken;
                if offset != taken {
                    return Err(format!("byte {offset} of the component does not follow {taken}"));
                }
                let pieces = unpack(&packed).ok_or("a chunk that cannot be unpacked")?;
                pieces.into_iter().try_for_each(|piece| self.take(piece))?;
            }
            Request::Finish { crc } => return self.finish(crc),
            Request::Swap { server, component } => {
                self.system.swap(&server, &component)?;
                self.told = Some(0);
                return Ok(Answer::Swapping);
            }
        }
        Ok(Answer::Taken { bytes: self.incoming.taken })
    }

    /// Puts a piece behind those that came.
    fn take(&mut self, piece: Piece) -> Result<(), String> {
        let (mut at, mut length) = match piece {
            Piece::New(data) => return self.append(&data),
            Piece::Same { at, length } => (at, length),
        };
        while length > 0 {
            let part = length.min(MOST);
            let data = self.system.read(&self.incoming.base, at, part)?;
            if data.len() != part as usize {
                return Err(format!(
                    "{} has no bytes {at} to {}",
                    self.incoming.base,
                    at.saturating_add(part)
                ));
            }
            self.append(&data)?;
            (at, length) = (at.saturating_add(part), length - part);
        }
        Ok(())
    }

    fn append(&mut self, data: &[u8]) -> Result<(), String> {
        self.system.append(data)?;
        self.incoming.crc.add(data);
        self.incoming.taken = self.incoming.taken.saturating_add(data.len() as u32);
        Ok(())
    }

    /// The host says that all came, and their sum.
    fn finish(&mut self, crc: u32) -> Result<Answer, String> {
        if self.incoming.crc.value() != crc {
            self.system.give_up();
            let base = &self.incoming.base;
            return Err(if base.is_empty() {
                "other bytes came than were sent".to_owned()
            } else {
                format!(
                    "other bytes came than were meant: {base} is not what the host takes it for"
                )
            });
        }
        Ok(Answer::Stored { component: self.system.finish()? })
    }

    /// There is news of the swap; gives the bytes that tell it.
    pub fn swap_changed(&mut self) -> Vec<u8> {
        let (Some(told), Some((sequence, _))) = (self.told, &self.last) else { return Vec::new() };
        let sequence = *sequence;
        let report = self.system.report();
        let report = report
            .unwrap_or_else(|why| Report { passed: Vec::new(), end: Some(Answer::Refused(why)) });
        let mut out = Vec::new();
        for (phase, took_ns) in report.passed.iter().skip(told) {
            let passed = Answer::Passed { phase: *phase, took_ns: *took_ns };
            out.extend(passed.frame(sequence).encode());
        }
        self.told = Some(told.max(report.passed.len()));
        if let Some(end) = report.end {
            out.extend(end.frame(sequence).encode());
            self.told = None;
            self.last = Some((sequence, end));
        }
        out
    }
}
