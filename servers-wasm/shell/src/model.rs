//! What the shell knows of the machine, in plain data: the shapes of the WIT records without the
//! bindings, so that everything that works on them can be tested on the host.

/// The state of a domain that is not ready yet.
pub const STARTING: &str = "starting";

/// What the kernel counts about a domain.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Domain {
    /// Its id.
    pub id: u32,
    /// Its name.
    pub name: String,
    /// Where it is in its life, in a word.
    pub state: &'static str,
    /// Its last words; empty while it lives.
    pub message: String,
    /// Bytes of memory it has.
    pub memory: u64,
    /// Nanoseconds of processor time it used.
    pub cpu_ns: u64,
    /// Calls it answered.
    pub calls_served: u64,
    /// Calls it sent.
    pub calls_sent: u64,
    /// Ring in which it runs.
    pub ring: u32,
    /// Whether it began as a clone.
    pub is_clone: bool,
    /// How much of its component is loaded, in percent; 0 if it does not tell.
    pub loaded: u32,
}

/// A server of the description or a running program.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Server {
    /// Its name.
    pub name: String,
    /// Where the supervisor has it, in a word.
    pub state: &'static str,
    /// How often it was restarted.
    pub restarts: u32,
    /// Its domain, if it ever ran.
    pub domain: Option<Domain>,
}

/// Counters of the machine.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Machine {
    /// Bytes of usable memory.
    pub memory_total: u64,
    /// Bytes of it that are free.
    pub memory_free: u64,
    /// Nanoseconds since boot.
    pub uptime_ns: u64,
    /// Nanoseconds of it spent idle.
    pub idle_ns: u64,
    /// Gate calls since boot.
    pub gate_calls: u64,
    /// Switches between domains since boot.
    pub switches: u64,
    /// Device interrupts since boot.
    pub interrupts: u64,
}

/// What kind of object a handle names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Where calls go.
    Endpoint,
    /// An object of a server.
    Object,
    /// Reading end of a pipe.
    PipeReader,
    /// Writing end of a pipe.
    PipeWriter,
    /// A flag to wait for.
    Event,
    /// An interrupt line.
    Interrupt,
    /// A range of ports.
    Ports,
    /// Device memory.
    Window,
    /// A boot module.
    Blob,
    /// A domain under control.
    Domain,
    /// The kernel log.
    Log,
    /// The machine.
    System,
    /// What a server keeps beyond its end.
    Capsule,
}

/// A handle of a server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Handle {
    /// Its number.
    pub number: u32,
    /// What it names.
    pub kind: Kind,
    /// What may be done with it, in words.
    pub rights: String,
    /// First port, line, address or id.
    pub detail: u64,
    /// Ports or bytes.
    pub extent: u64,
}

/// An entry of the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogEntry {
    /// Nanoseconds since boot.
    pub time_ns: u64,
    /// Name of the server; empty for the kernel.
    pub server: String,
    /// How much it matters, in a word.
    pub level: &'static str,
    /// The text.
    pub text: String,
}

/// How a program ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exit {
    /// Whether it came to its end by itself.
    pub completed: bool,
    /// Its exit code.
    pub code: u32,
    /// Why it did not complete: what happened to it, as the rest of a sentence.
    pub message: String,
}

/// One server of a swap.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// Its name.
    pub server: String,
    /// File name of the component that served before.
    pub old: String,
    /// File name of the one that is to serve after.
    pub new: String,
}

/// What a swap came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SwapResult {
    /// It is not over.
    Running,
    /// The new versions serve.
    Swapped,
    /// The new versions load and fit; nothing was changed.
    Checked,
    /// The old versions serve; why, in words.
    RolledBack(String),
}

/// A swap.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Swap {
    /// When it began, in nanoseconds since boot.
    pub began_ns: u64,
    /// Its servers.
    pub changes: Vec<Change>,
    /// The phases that are over, in words, and the nanoseconds that each took.
    pub steps: Vec<(&'static str, u64)>,
    /// Bytes of state that were handed over.
    pub state_bytes: u64,
    /// Calls that waited for the new versions.
    pub calls_held: u64,
    /// How many nanoseconds calls had to wait.
    pub downtime_ns: u64,
    /// What it came to.
    pub result: SwapResult,
}

impl Server {
    /// How much of its component is loaded, in percent, while that is done and if it tells.
    #[must_use]
    pub fn loaded(&self) -> Option<u32> {
        let domain = self.domain.as_ref().filter(|_| self.state == STARTING)?;
        (1..100).contains(&domain.loaded).then_some(domain.loaded)
    }
}

/// A file or a directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct File {
    /// Its name in its directory.
    pub name: String,
    /// Whether it is a directory.
    pub is_directory: bool,
    /// How many bytes it holds.
    pub size: u64,
}
