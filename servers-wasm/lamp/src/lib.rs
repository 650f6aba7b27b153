//! The program `lamp`: uses a server of `atoll:samples/lamp` and prints what it sees.
//!
//! `lamp [NAME]` makes a bulb with that name, dims it, asks for too much, and lets it blink. It is
//! the client of the servers that `atoll new` makes, whatever language they are written in. It
//! prints what came back, and ends with code 1 if a call failed that should not, or did not fail
//! and should.
//!
//! [`name`] understands the arguments and [`Failure`] says what a lamp refused; both are pure.
//! `component` makes the calls.

#![deny(unsafe_code)]

#[cfg(target_arch = "wasm32")]
#[allow(unsafe_code, reason = "the generated glue of the component model is unsafe")]
mod component;

/// What is said when the arguments make no sense.
pub const USAGE: &str = "usage: lamp [NAME]\n";

/// The bulb's name when there is none in the arguments.
const DEFAULT_NAME: &str = "porch";

/// The bulb's name, from the arguments that follow the program's; `None` if they make no sense.
#[must_use]
pub fn name(arguments: &[String]) -> Option<&str> {
    match arguments {
        [] => Some(DEFAULT_NAME),
        [name] if !name.starts_with('-') => Some(name),
        _ => None,
    }
}

/// Why a lamp did not do what it was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failure {
    /// A pattern without a flash.
    Dark,
    /// More than it can, in percent.
    TooBright(u32),
    /// The server ended.
    Restarted,
}

impl Failure {
    /// In words.
    #[must_use]
    pub fn words(self) -> String {
        match self {
            Self::Dark => "that is dark".to_owned(),
            Self::TooBright(by) => format!("{by} % too bright"),
            Self::Restarted => "the lamp restarted".to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Failure, name};

    #[test]
    fn arguments() {
        let words = |line: &str| line.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
        assert_eq!(name(&words("")), Some("porch"));
        assert_eq!(name(&words("attic")), Some("attic"));
        assert_eq!(name(&words("--help")), None);
        assert_eq!(name(&words("attic porch")), None);
    }

    #[test]
    fn failures_say_by_how_much() {
        assert_eq!(Failure::TooBright(30).words(), "30 % too bright");
    }
}
