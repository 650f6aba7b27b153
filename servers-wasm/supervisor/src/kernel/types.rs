//! What the supervisor and the kernel tell each other.

use std::fmt;

use atoll_system_description::SystemRights;

/// How much a log entry matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    /// Something broke.
    Error,
    /// Something is odd.
    Warn,
    /// What an operator wants to know.
    Info,
    /// What a developer wants to know.
    Debug,
}

/// Why something could not be done; the cases of `atoll:supervision/types.error`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Error {
    /// No server, program, module or domain of that name.
    NotFound(String),
    /// It is running already.
    AlreadyRunning(String),
    /// It is not running.
    NotRunning(String),
    /// An argument has no meaning.
    Invalid(String),
    /// The machine or a quota has no room.
    OutOfResources(String),
    /// A provider restarted.
    PeerRestarted,
    /// Anything else.
    Other(String),
    /// The client's grant does not go so far.
    Denied(String),
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotFound(what) => write!(f, "{what} not found"),
            Self::AlreadyRunning(what) => write!(f, "{what} is running already"),
            Self::NotRunning(what) => write!(f, "{what} is not running"),
            Self::Invalid(why) | Self::Other(why) | Self::Denied(why) => f.write_str(why),
            Self::OutOfResources(what) => write!(f, "no room: {what}"),
            Self::PeerRestarted => f.write_str("the provider restarted"),
        }
    }
}

/// Why a domain ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// It ended itself.
    Exited,
    /// Its code trapped.
    Trapped,
    /// Its component was refused.
    Refused,
    /// Its runtime panicked.
    Panicked,
    /// Its runtime could not allocate.
    OutOfMemory,
    /// The processor raised an exception.
    Faulted,
    /// It was killed.
    Killed,
}

/// How a domain ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct End {
    /// Why.
    pub cause: Cause,
    /// Its exit code, or the exception: vector in the high half, error code in the low half.
    pub code: u64,
    /// Instruction address at a fault.
    pub address: u64,
    /// Address that the fault touched.
    pub fault_address: u64,
    /// Its last words.
    pub message: String,
}

impl End {
    /// Whether it came to its end by itself and found nothing wrong.
    #[must_use]
    pub fn went_well(&self) -> bool {
        self.cause == Cause::Exited && self.code == 0
    }
}

/// Where a domain is, as far as policy cares.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Made or loading.
    Starting,
    /// Ready to serve.
    Ready,
    /// A standby that is ready to take over, and what clients of the domain before would miss, if
    /// anything.
    Prepared(Option<String>),
    /// An heir that starts in the place of a domain which failed.
    Inheriting,
    /// A standby that has taken the state over and is ready to serve.
    TookOver,
    /// Frozen, after it gave up so many bytes of state.
    Frozen(u64),
    /// Stopped, because it could not give up its state, and why.
    Unsaved(String),
    /// Over.
    Ended(End),
}

/// How a domain answers probes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pulse {
    /// The number of the last probe that it answered; 0 before the first.
    pub answered: u64,
    /// What it answered: that it works, or what is wrong.
    pub verdict: Result<(), String>,
    /// Whether it waits for the reply to a call of its own.
    pub is_calling: bool,
}

/// Where a domain is in a swap, as far as the next supervisor cares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// In none, or it serves again.
    Serves,
    /// It was asked for its state, or has given it up; its calls are held.
    Resting,
    /// Another one serves in its place, as long as it is kept.
    Replaced,
    /// It does not serve yet.
    Standby,
    /// It serves in the place of another one that is kept.
    Probation,
    /// It served in the place of another one that came back.
    Reverted,
}

/// A domain that the supervisor before this one had under control.
#[derive(Debug)]
pub struct Adopted<D> {
    /// Its id, higher than those of all that were made before it.
    pub id: u32,
    /// Its name.
    pub name: String,
    /// Whether it had not ended yet.
    pub lives: bool,
    /// Where it is in a swap.
    pub part: Part,
    /// Whether it began as a clone.
    pub is_clone: bool,
    /// It.
    pub domain: D,
}

/// How this supervisor began.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Beginning {
    /// File name of its component.
    pub component: String,
    /// How the one before ended, if it goes on in the place of one that did.
    pub before: Option<String>,
}

/// The kernel object behind a grant that the runtime provides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Authority {
    /// None needed.
    None,
    /// A global system interrupt.
    Interrupt(u32),
    /// First port and count.
    Ports(u16, u32),
    /// Physical base and bytes.
    Window(u64, u64),
    /// The firmware's screen.
    Framebuffer,
    /// Writing to the log.
    LogWriter,
    /// Reading the log.
    LogReader,
    /// The machine.
    System(SystemRights),
}

/// What to do with the machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Switch off.
    PowerOff,
    /// Start again.
    Reboot,
}

/// The standard streams of a program.
#[derive(Debug)]
pub struct Streams<I, O> {
    /// Standard input.
    pub input: I,
    /// Standard output.
    pub output: O,
    /// Standard error.
    pub error: O,
}
