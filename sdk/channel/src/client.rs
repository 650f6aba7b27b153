//! The host's side of the channel.

use crate::{
    crc::Crc,
    difference,
    frame::Decoder,
    message::{Answer, Phase, Request, VERSION},
};
use std::{
    fmt,
    io::{self, ErrorKind, Read, Write},
    os::unix::net::UnixStream,
    path::Path,
    time::{Duration, Instant},
};

/// How long before a request is repeated: the longest frame takes a second on a slow emulator, and
/// a silence of [`crate::message::SILENCE_NS`] has to come before.
const PATIENCE: Duration = Duration::from_secs(10);
/// The same before a system has answered at all: it may not have been there.
const FIRST_PATIENCE: Duration = Duration::from_secs(2);
/// How long one look at the line takes at most.
const LOOK: Duration = Duration::from_millis(20);

/// What went wrong.
#[derive(Debug)]
pub enum Error {
    /// The line failed.
    Line(io::Error),
    /// Nobody answered in time.
    Silent {
        /// What was asked, in words.
        asked: String,
        /// How long was waited.
        limit: Duration,
    },
    /// The system speaks another version of the protocol.
    Version(u8),
    /// The system answered what nobody asked for.
    Confused(Answer),
    /// The system does not do that, and says why.
    Refused(String),
    /// The old version of the server serves on, and why.
    RolledBack(String),
    /// The component has no length that the channel could say.
    Size(usize),
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Line(error) => write!(f, "the line to the system failed: {error}"),
            Self::Silent { asked, limit } => {
                let seconds = limit.as_secs_f32();
                write!(f, "no answer in {seconds:.0} s to: {asked} (does `deploy` run there?)")
            }
            Self::Version(theirs) => {
                write!(f, "the system speaks version {theirs} of the channel, this host {VERSION}")
            }
            Self::Confused(answer) => write!(f, "an answer that does not fit: {answer:?}"),
            Self::Refused(why) => f.write_str(why),
            Self::RolledBack(why) => write!(f, "rolled back, the old version serves: {why}"),
            Self::Size(bytes) => write!(f, "a component cannot have {bytes} bytes"),
        }
    }
}

impl std::error::Error for Error {}

impl From<io::Error> for Error {
    fn from(error: io::Error) -> Self {
        Self::Line(error)
    }
}

/// What a swap came to that succeeded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Report {
    /// Bytes of state that went over.
    pub state_bytes: u64,
    /// Calls that waited for the new version.
    pub calls_held: u64,
    /// How long they did.
    pub downtime: Duration,
}

/// A component that the system has.
#[derive(Clone, Copy, Debug, Default)]
pub struct Base<'a> {
    /// Its name there.
    pub name: &'a str,
    /// Its bytes.
    pub bytes: &'a [u8],
}

/// A host that talks with a running system.
#[derive(Debug)]
pub struct Client<L> {
    line: L,
    decoder: Decoder,
    sequence: u8,
    limit: Duration,
    patience: Duration,
}

impl Client<UnixStream> {
    /// Connects to the socket of a serial line, as QEMU's
    /// `-chardev socket,id=host,path=PATH,server=on,wait=off -device isa-serial,chardev=host,index=1`
    /// (or a second `-serial unix:PATH,server=on,wait=off`) makes it, and waits until the system answers. `limit` is how long any request may go
    /// unanswered: a system that boots under emulation on a busy host takes a while.
    ///
    /// # Errors
    /// Nobody listens there, or nobody answers in time.
    pub fn connect(path: &Path, limit: Duration) -> Result<Self, Error> {
        let line = UnixStream::connect(path)?;
        line.set_read_timeout(Some(LOOK))?;
        line.set_write_timeout(Some(limit))?;
        Self::new(line, limit, PATIENCE)
    }
}

impl<L: Read + Write> Client<L> {
    /// Talks over a line whose `read` comes back soon, with `WouldBlock` or `TimedOut` if there is
    /// nothing, and waits until the system answers. A request may go unanswered for `limit` and is
    /// repeated after each `patience`, the first one sooner.
    ///
    /// # Errors
    /// The line fails, or nobody answers in time.
    pub fn new(line: L, limit: Duration, patience: Duration) -> Result<Self, Error> {
        let decoder = Decoder::default();
        let first = patience.min(FIRST_PATIENCE);
        let mut client = Self { line, decoder, sequence: 0, limit, patience: first };
        match client.ask(&Request::Hello { version: VERSION }, "hello")? {
            Answer::Hello { version: VERSION } => Ok(Self { patience, ..client }),
            Answer::Hello { version } => Err(Error::Version(version)),
            other => Err(unexpected(other)),
        }
    }

    /// Hands a component over; its name in the system, for [`Self::swap`] or the shell's `swap`.
    /// `passed` hears how many of its bytes are there.
    ///
    /// # Errors
    /// The system has no room for it or takes none, or the line fails.
    pub fn put(
        &mut self,
        file: &str,
        component: &[u8],
        passed: impl FnMut(u32),
    ) -> Result<String, Error> {
        self.put_beside(Base::default(), file, component, passed)
    }

    /// As [`Self::put`], of a component that is much like one which the system has: what both have is
    /// not sent.
    ///
    /// # Errors
    /// As of [`Self::put`]; [`Error::Refused`] too if the system has no such base, or another one of
    /// that name.
    pub fn put_beside(
        &mut self,
        base: Base<'_>,
        file: &str,
        component: &[u8],
        mut passed: impl FnMut(u32),
    ) -> Result<String, Error> {
        let size = u32::try_from(component.len()).map_err(|_| Error::Size(component.len()))?;
        let begin = Request::Begin { file: file.to_owned(), size, base: base.name.to_owned() };
        let pieces = difference::pieces(base.bytes, component);
        let (mut sent, mut rest) = match self.ask(&begin, &format!("put {file}"))? {
            Answer::Taken { bytes: 0 } => (0_u32, pieces.as_slice()),
            other => return Err(unexpected(other)),
        };
        while !rest.is_empty() {
            let (chunk, count) = Request::chunk(sent, rest);
            let (these, others) = rest.split_at_checked(count).unwrap_or((rest, &[]));
            rest = others;
            sent = these.iter().fold(sent, |sent, piece| sent.saturating_add(piece.length()));
            match self.ask(&chunk, &format!("byte {sent} of {size} of {file}"))? {
                Answer::Taken { bytes } if bytes == sent => passed(bytes),
                other => return Err(unexpected(other)),
            }
        }
        let finish = Request::Finish { crc: Crc::of(component) };
        match self.ask(&finish, &format!("the end of {file}"))? {
            Answer::Stored { component } => Ok(component),
            other => Err(unexpected(other)),
        }
    }

    /// Swaps a server to a component that was handed over, or that the system has otherwise, and
    /// waits for the end. `passed` hears of each phase that is over.
    ///
    /// # Errors
    /// [`Error::RolledBack`] if the old version serves on, [`Error::Refused`] if the system does
    /// not begin, or the line fails.
    pub fn swap(
        &mut self,
        server: &str,
        component: &str,
        mut passed: impl FnMut(Phase, Duration),
    ) -> Result<Report, Error> {
        let swap = Request::Swap { server: server.to_owned(), component: component.to_owned() };
        let asked = format!("swap {server} {component}");
        let mut answer = self.ask(&swap, &asked)?;
        loop {
            match answer {
                Answer::Passed { phase, took_ns } => passed(phase, Duration::from_nanos(took_ns)),
                Answer::Swapping => {}
                Answer::Swapped { state_bytes, calls_held, downtime_ns } => {
                    let downtime = Duration::from_nanos(downtime_ns);
                    return Ok(Report { state_bytes, calls_held, downtime });
                }
                Answer::RolledBack(why) => return Err(Error::RolledBack(why)),
                other => return Err(unexpected(other)),
            }
            answer = self.hear(&swap, &asked)?;
        }
    }

    /// Sends a request and waits for an answer.
    fn ask(&mut self, request: &Request, asked: &str) -> Result<Answer, Error> {
        self.sequence = self.sequence.wrapping_add(1);
        self.send(request)?;
        self.hear(request, asked)
    }

    fn send(&mut self, request: &Request) -> Result<(), Error> {
        self.line.write_all(&request.frame(self.sequence).encode())?;
        Ok(self.line.flush()?)
    }

    /// The next answer to the request that was sent last, which is repeated after a while.
    fn hear(&mut self, request: &Request, asked: &str) -> Result<Answer, Error> {
        let end = Instant::now() + self.limit;
        let mut again = Instant::now() + self.patience;
        loop {
            while let Some(frame) = self.decoder.next_frame() {
                let answer = Answer::read(&frame).filter(|_| frame.sequence == self.sequence);
                if let Some(answer) = answer {
                    return Ok(answer);
                }
            }
            let now = Instant::now();
            if now >= end {
                return Err(Error::Silent { asked: asked.to_owned(), limit: self.limit });
            }
            if now >= again {
                // What was cut does not go on after so long.
                self.decoder.forget();
                self.send(request)?;
                again = now + self.patience;
            }
            self.listen()?;
        }
    }

    /// Takes what came, if anything did.
    fn listen(&mut self) -> Result<(), Error> {
        let mut bytes = [0; 1024];
        match self.line.read(&mut bytes) {
            Ok(0) => Err(io::Error::from(ErrorKind::UnexpectedEof).into()),
            Ok(count) => {
                self.decoder.push(bytes.get(..count).unwrap_or_default());
                Ok(())
            }
            Err(error) => match error.kind() {
                ErrorKind::WouldBlock | ErrorKind::TimedOut | ErrorKind::Interrupted => Ok(()),
                _ => Err(error.into()),
            },
        }
    }
}

/// What an answer means that is not the one which was hoped for.
fn unexpected(answer: Answer) -> Error {
    match answer {
        Answer::Refused(why) => Error::Refused(why),
        other => Error::Confused(other),
    }
}
