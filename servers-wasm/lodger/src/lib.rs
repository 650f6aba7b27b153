//! The program `lodger`: uses the file system, for the right ends and the wrong ones, and prints
//! what came of it.
//!
//! | command | what it does |
//! |---|---|
//! | `lodger work ROUNDS` | waits until a flood stands; writes a file, reads it back and checks it, so often |
//! | `lodger hand` | has `hello` read a file as its input and write others as its output |
//! | `lodger escape` | tries every way out of its directory |
//! | `lodger flood` | opens until nothing more opens, waits until the work is done, and traps |
//! | `lodger fill` | writes until the file system is full, twice |
//! | `lodger die` | traps in the middle of a write |
//! | `lodger look` | checks what that left, and removes it |
//! | `lodger outlive` | holds a file until the server of the files is gone, and goes on |
//!
//! [`Request`] understands the arguments; `component` makes the calls.

#![deny(unsafe_code)]

#[cfg(target_arch = "wasm32")]
#[allow(unsafe_code, reason = "the generated glue of the component model is unsafe")]
mod component;

/// What is said when the arguments make no sense.
pub const USAGE: &str = "usage: lodger work ROUNDS|hand|escape|flood|fill|die|look|outlive";

/// Paths that lead out of the directory that they begin at.
pub const WAYS_OUT: &[&str] = &[
    "..",
    "../",
    "/",
    "/etc",
    "../../etc",
    "./..",
    "in/../..",
    "in/../../in",
    "in/./../.././in",
    "//in",
];

/// What the arguments ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Request {
    /// To work, so many rounds.
    Work(u32),
    /// To hand streams of files on.
    Hand,
    /// To try the ways out.
    Escape,
    /// To open without end.
    Flood,
    /// To write without end.
    Fill,
    /// To trap in the middle of a write.
    Die,
    /// To check what that left.
    Look,
    /// To hold a file until its server is gone.
    Outlive,
}

impl Request {
    /// Reads the arguments that follow the program's name; `None` if they make no sense.
    #[must_use]
    pub fn parse(arguments: &[String]) -> Option<Self> {
        let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
        match words[..] {
            ["work", rounds] => rounds.parse().ok().map(Self::Work),
            ["hand"] => Some(Self::Hand),
            ["escape"] => Some(Self::Escape),
            ["flood"] => Some(Self::Flood),
            ["fill"] => Some(Self::Fill),
            ["die"] => Some(Self::Die),
            ["look"] => Some(Self::Look),
            ["outlive"] => Some(Self::Outlive),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_are_read_and_mistakes_seen() {
        let parse = |line: &str| {
            let words: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
            Request::parse(&words)
        };
        assert_eq!(parse("work 30"), Some(Request::Work(30)));
        assert_eq!(parse("flood"), Some(Request::Flood));
        assert_eq!(parse("work"), None);
        assert_eq!(parse("escape now"), None);
    }
}
