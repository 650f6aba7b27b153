//! The program `lamp`: uses a server of `atoll:samples/lamp` and prints what it sees.
//!
//! | command | what it does |
//! |---|---|
//! | `lamp [NAME]` | makes a bulb with that name, dims it, asks for too much, and lets it blink |
//! | `lamp -b [COUNT]` | times of two kinds of calls, as `bench NAME CALLS TOTAL_NS` |
//!
//! It is the client of the servers that `atoll new` makes, whatever language they are written in.
//! It prints what came back, and ends with code 1 if a call failed that should not, or did not
//! fail and should.
//!
//! [`Request`] understands the arguments and [`Refusal`] says what a lamp refused; both are pure.
//! `component` makes the calls.

#![deny(unsafe_code)]

#[cfg(target_arch = "wasm32")]
#[allow(unsafe_code, reason = "the generated glue of the component model is unsafe")]
mod component;

/// What is said when the arguments make no sense.
pub const USAGE: &str = "usage: lamp [NAME]|-b [COUNT]";

/// The bulb's name when there is none in the arguments.
const DEFAULT_NAME: &str = "porch";

/// Calls of each kind that are timed unless told otherwise.
const BENCH_DEFAULT: u32 = 100;

/// What the arguments ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Request<'a> {
    /// To show what the lamp does, with a bulb of that name.
    Show(&'a str),
    /// To time that many calls of each kind.
    Bench(u32),
}

impl<'a> Request<'a> {
    /// Reads the arguments that follow the program's name; `None` if they make no sense.
    #[must_use]
    pub fn parse(arguments: &'a [String]) -> Option<Self> {
        match arguments {
            [] => Some(Self::Show(DEFAULT_NAME)),
            [word] if word == "-b" => Some(Self::Bench(BENCH_DEFAULT)),
            [word, count] if word == "-b" => {
                Some(Self::Bench(count.parse().ok().filter(|&count| count > 0)?))
            }
            [name] if !name.starts_with('-') => Some(Self::Show(name)),
            _ => None,
        }
    }
}

/// Why a lamp did not do what it was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// A pattern without a flash.
    Dark,
    /// More than it can, in percent.
    TooBright(u32),
    /// The server ended.
    Restarted,
}

impl Refusal {
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
    use super::{Refusal, Request};

    #[test]
    fn arguments() {
        let words = |line: &str| line.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
        assert_eq!(Request::parse(&words("")), Some(Request::Show("porch")));
        assert_eq!(Request::parse(&words("attic")), Some(Request::Show("attic")));
        assert_eq!(Request::parse(&words("-b")), Some(Request::Bench(100)));
        assert_eq!(Request::parse(&words("-b 7")), Some(Request::Bench(7)));
        for line in ["--help", "attic porch", "-b 0", "-b x", "-b 1 2"] {
            assert_eq!(Request::parse(&words(line)), None, "{line}");
        }
    }

    #[test]
    fn failures_say_by_how_much() {
        assert_eq!(Refusal::TooBright(30).words(), "30 % too bright");
    }
}
