//! Why a component is refused, why its import is not met and why it ended.
//!
//! All three are texts for the operator in the end; the type says at which step it happened, so
//! that the image reports the right cause to the supervisor.

use alloc::{
    boxed::Box,
    format,
    string::{String, ToString},
    vec::Vec,
};
use core::fmt;

use wasmi::{AsContextMut, TrapCode};

use crate::{
    limits::Exceeded,
    trace::{Backtrace, Trace},
};

/// Why a component binary was refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LoadError {
    /// It has more of something than the system description allows.
    Limit(Exceeded),
    /// It is malformed, or uses a proposal that the validator was told to refuse; the text names
    /// it.
    Invalid {
        /// What is wrong.
        message: String,
        /// Where in the binary.
        offset: u64,
    },
    /// It uses what the runtime does not carry out.
    Unsupported {
        /// Its name.
        what: String,
        /// Where in the binary.
        offset: u64,
    },
    /// The type of a function is larger than the bounds of [`crate::limits`].
    TypeTooLarge {
        /// The function and its interface.
        of: String,
        /// What it has too much of.
        exceeded: Exceeded,
        /// Where in the binary the interface is imported or exported.
        offset: u64,
    },
}

impl From<Exceeded> for LoadError {
    fn from(exceeded: Exceeded) -> Self {
        Self::Limit(exceeded)
    }
}

impl From<wasmparser::Error> for LoadError {
    fn from(error: wasmparser::Error) -> Self {
        // One line: the second, if there is one, says more of the same.
        let message = error.message().replace('\n', ": ");
        Self::Invalid { message, offset: error.offset() }
    }
}

impl fmt::Display for LoadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Limit(exceeded) => write!(f, "the component has {exceeded}"),
            Self::Invalid { message, offset } if is_of_a_refused_feature(message) => {
                write!(
                    f,
                    "the component uses what Atoll does not have ({PAGE}): {message} (at byte {offset:#x})"
                )
            }
            Self::Invalid { message, offset } => {
                write!(f, "the component is not valid: {message} (at byte {offset:#x})")
            }
            Self::Unsupported { what, offset } => {
                write!(
                    f,
                    "the component uses what Atoll does not have ({PAGE}): {what} (at byte {offset:#x})"
                )
            }
            Self::TypeTooLarge { of, exceeded, offset } => {
                write!(f, "the type of {of} is too large: {exceeded} (at byte {offset:#x})")
            }
        }
    }
}

impl core::error::Error for LoadError {}

/// The page that says what to do without it.
const PAGE: &str = "docs/features.md";

/// Whether the validator says that a feature is off, rather than that something is malformed.
fn is_of_a_refused_feature(message: &str) -> bool {
    const SAYINGS: [&str; 11] = [
        "not enabled",
        "must be enabled",
        "to be enabled",
        "is disabled",
        "proposal not supported",
        "not supported without the",
        "function references required",
        "requires the",
        "require the",
        "requires `gc`",
        "unexpected SIMD opcode",
    ];
    SAYINGS.iter().any(|saying| message.contains(saying))
}

/// Why an import is not met.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LinkError {
    /// The import, as the component names it.
    pub import: String,
    /// What was expected and what was found.
    pub problem: Problem,
    /// If nobody provides it: the other imports that nobody provides.
    pub also: Vec<String>,
}

/// What is wrong with an import.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Problem {
    /// Nobody provides it; the resolver's reason.
    Unmet(String),
    /// Its provider's description cannot be read.
    Descriptor(String),
    /// The provider has no function of that name.
    MissingFunction {
        /// Name of the function.
        name: String,
        /// Its type, WIT-like.
        expected: String,
    },
    /// The provider's function has another type.
    WrongFunction {
        /// Name of the function.
        name: String,
        /// The type that the component was built for.
        expected: String,
        /// The type that the provider has.
        found: String,
    },
    /// The provider declares no resource of that name.
    MissingResource(String),
    /// The import is of a kind that is never met from outside.
    Kind(&'static str),
}

impl fmt::Display for LinkError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "import `{}`: ", self.import)?;
        match &self.problem {
            Problem::Unmet(why) => write!(f, "{why}"),
            Problem::Descriptor(why) => {
                write!(f, "expected a description of the provider, found one that {why}")
            }
            Problem::MissingFunction { name, expected } => write!(
                f,
                "expected `{name}: {expected}`, found a provider without a function of that name"
            ),
            Problem::WrongFunction { name, expected, found } => {
                write!(f, "function `{name}`: expected `{expected}`, found `{found}`")
            }
            Problem::MissingResource(name) => {
                write!(f, "expected `resource {name}`, found a provider that declares none")
            }
            Problem::Kind(kind) => {
                write!(f, "expected an interface or a function, found {kind}: nobody can grant it")
            }
        }?;
        for (index, import) in self.also.iter().enumerate() {
            let before = if index == 0 { "; unmet, too: " } else { ", " };
            write!(f, "{before}`{import}`")?;
        }
        Ok(())
    }
}

impl core::error::Error for LinkError {}

/// Why a component instance is dead.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trap {
    message: String,
    /// Whether an instruction trapped that leaves no record of its own in the trace.
    fault: bool,
    backtrace: Option<Box<Backtrace>>,
}

impl Trap {
    /// Wraps a text.
    #[must_use]
    pub fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), fault: false, backtrace: None }
    }

    /// The text.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.message
    }

    /// The Wasm functions that were in progress; `None` if there were none or no one kept note of
    /// them.
    #[must_use]
    pub fn backtrace(&self) -> Option<&Backtrace> {
        self.backtrace.as_deref()
    }

    /// Looks up the functions of the backtrace in the component's binary.
    pub fn describe(&mut self, component: &[u8]) {
        if let Some(backtrace) = &mut self.backtrace {
            backtrace.describe(component);
        }
    }

    /// Adds what the trace says, once.
    #[must_use]
    pub(crate) fn traced(mut self, store: impl AsContextMut, trace: Option<&Trace>) -> Self {
        if let (Some(trace), None) = (trace, &self.backtrace) {
            let backtrace = trace.take(store, self.fault);
            self.backtrace = (!backtrace.frames().is_empty()).then(|| Box::new(backtrace));
        }
        self
    }

    /// Says where it happened, once: destructors that run destructors would say it at each level.
    #[must_use]
    pub(crate) fn within(self, place: &str) -> Self {
        if self.message.starts_with(place) {
            return self;
        }
        Self { message: format!("{place}: {}", self.message), ..self }
    }
}

/// A module that cannot be translated ends a domain that has begun to start.
impl From<LoadError> for Trap {
    fn from(error: LoadError) -> Self {
        Self::new(error.to_string())
    }
}

impl From<Exceeded> for Trap {
    fn from(exceeded: Exceeded) -> Self {
        Self::new(format!("the component has {exceeded}"))
    }
}

impl From<wasmi::Error> for Trap {
    fn from(error: wasmi::Error) -> Self {
        // What trapped below comes through here once for each level that it was called through.
        if let Some(trap) = error.downcast_ref::<Self>() {
            return trap.clone();
        }
        let Some(code) = error.as_trap_code() else { return Self::new(error.to_string()) };
        let recorded = matches!(
            code,
            TrapCode::UnreachableCodeReached
                | TrapCode::IndirectCallToNull
                | TrapCode::BadSignature
        );
        Self { fault: !recorded, ..Self::new(format!("wasm trap: {code}")) }
    }
}

impl fmt::Display for Trap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        self.backtrace.iter().try_for_each(|backtrace| write!(f, "{backtrace}"))
    }
}

impl core::error::Error for Trap {}
impl wasmi::errors::HostError for Trap {}

/// Why an incoming call was not answered with a result.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DispatchError {
    /// The message is no call of that function: the guest was not run and lives on.
    Refused(String),
    /// The guest trapped: its instance is dead.
    Trap(Trap),
}

impl From<Trap> for DispatchError {
    fn from(trap: Trap) -> Self {
        Self::Trap(trap)
    }
}

impl fmt::Display for DispatchError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused(why) => write!(f, "message refused: {why}"),
            Self::Trap(trap) => write!(f, "{trap}"),
        }
    }
}

impl core::error::Error for DispatchError {}
