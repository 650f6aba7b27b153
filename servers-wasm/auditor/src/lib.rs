//! The program `auditor`: checks every answer of a server of `atoll:testing/tally`, whatever
//! language that is written in.
//!
//! | command | what it does |
//! |---|---|
//! | `auditor LANGUAGE` | checks the answers of a server that says it is written in that language |
//! | `auditor bench [COUNT]` | times of each kind of call, as `bench NAME CALLS TOTAL_NS` |
//!
//! [`Request`] understands the arguments; `component` makes the calls.

#![deny(unsafe_code)]

#[cfg(target_arch = "wasm32")]
mod component;

/// Calls of each kind that `bench` makes unless told otherwise.
const BENCH_DEFAULT: u32 = 100;

/// What is said when the arguments make no sense.
pub const USAGE: &str = "usage: auditor LANGUAGE|bench [COUNT]";

/// What the arguments ask for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Request {
    /// Checks of the answers; the server names this language.
    Audit(String),
    /// Times, from that many calls of each kind.
    Bench(u32),
}

impl Request {
    /// Reads the arguments that follow the program's name; `None` if they make no sense.
    #[must_use]
    pub fn parse(arguments: &[String]) -> Option<Self> {
        match arguments {
            [word] if word == "bench" => Some(Self::Bench(BENCH_DEFAULT)),
            [word, count] if word == "bench" => {
                Some(Self::Bench(count.parse().ok().filter(|&count| count > 0)?))
            }
            [language] => Some(Self::Audit(language.clone())),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments() {
        let parse = |line: &str| {
            let words: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
            Request::parse(&words)
        };
        assert_eq!(parse("Go"), Some(Request::Audit("Go".to_owned())));
        assert_eq!(parse("bench"), Some(Request::Bench(BENCH_DEFAULT)));
        assert_eq!(parse("bench 7"), Some(Request::Bench(7)));
        for line in ["", "bench 0", "bench x", "Go Rust", "bench 1 2"] {
            assert_eq!(parse(line), None, "{line}");
        }
    }
}
