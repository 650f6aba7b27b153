//! The program `tester`: uses the servers `echo` and `relay` and checks every answer.
//!
//! | command | what it does |
//! |---|---|
//! | `tester [all]` | `values`, `handles` and `calls` |
//! | `tester values` | every kind of value, there and back |
//! | `tester handles` | counters made, lent, passed through `relay`, merged and dropped |
//! | `tester calls` | many calls in a row |
//! | `tester recover` | ends `echo` in a call and checks what its clients see |
//! | `tester keep` | gives a counter of `echo` to `relay` and uses it there |
//! | `tester kept` | uses the counter that `relay` keeps, and says what happened |
//! | `tester loop COUNT` | numbered calls; a line for every hundredth |
//! | `tester plain COUNT` | numbered calls of a client that holds nothing of the server |
//! | `tester bench [COUNT]` | times of each kind of call, as `bench NAME CALLS TOTAL_NS` |
//! | `tester crash` | ends `echo` in a call, and the time until the next call returns, as of `bench` |
//! | `tester split COUNT` | the same of a few kinds, after a pause, for whoever follows each instruction |
//! | `tester work ROUNDS` | integer work, as `work ROUNDS RESULT NS`; see [`work`] |
//!
//! The output is the same in every run, but for the times. [`Request`] understands the
//! arguments and is pure; `component` makes the calls.

#![deny(unsafe_code)]

#[cfg(target_arch = "wasm32")]
mod component;
pub mod work;

/// Calls of each kind that `bench` makes unless told otherwise.
const BENCH_DEFAULT: u32 = 1000;

/// What the arguments ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Request {
    /// Groups of checks.
    Checks(Groups),
    /// Leaves a counter in `relay`.
    Keep,
    /// Uses the counter that was left in `relay`.
    Kept,
    /// That many numbered calls.
    Loop(u32),
    /// That many numbered calls, and no object held.
    Plain(u32),
    /// Times, from that many calls of each kind.
    Bench(u32),
    /// The time from the end of `echo` to its next answer.
    Crash,
    /// Times of a few kinds, after a pause.
    Split(u32),
    /// That many rounds of integer work.
    Work(u32),
}

/// Which groups of checks are run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Groups {
    /// Kinds of values.
    pub values: bool,
    /// Handles.
    pub handles: bool,
    /// Many calls.
    pub calls: bool,
    /// The end of a server.
    pub recover: bool,
}

/// What is said when the arguments make no sense.
pub const USAGE: &str = "usage: tester [all|values|handles|calls|recover|keep|kept|\
                         loop COUNT|plain COUNT|bench [COUNT]|crash|split COUNT|work ROUNDS]";

impl Request {
    /// Reads the arguments that follow the program's name; `None` if they make no sense.
    #[must_use]
    pub fn parse(arguments: &[String]) -> Option<Self> {
        let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
        let none = Groups::default();
        Some(match words.as_slice() {
            [] | ["all"] => {
                Self::Checks(Groups { values: true, handles: true, calls: true, recover: false })
            }
            ["values"] => Self::Checks(Groups { values: true, ..none }),
            ["handles"] => Self::Checks(Groups { handles: true, ..none }),
            ["calls"] => Self::Checks(Groups { calls: true, ..none }),
            ["recover"] => Self::Checks(Groups { recover: true, ..none }),
            ["keep"] => Self::Keep,
            ["kept"] => Self::Kept,
            ["loop", count] => Self::Loop(count.parse().ok()?),
            ["plain", count] => Self::Plain(count.parse().ok()?),
            ["bench"] => Self::Bench(BENCH_DEFAULT),
            ["bench", count] => Self::Bench(count.parse().ok().filter(|&count| count > 0)?),
            ["crash"] => Self::Crash,
            ["split", count] => Self::Split(count.parse().ok().filter(|&count| count > 0)?),
            ["work", rounds] => Self::Work(rounds.parse().ok()?),
            _ => return None,
        })
    }
}

/// Bytes without much regularity, the same in every run.
#[must_use]
pub fn noise(count: usize) -> Vec<u8> {
    let mut state: u32 = 0x2545_f491;
    std::iter::repeat_with(|| {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        (state >> 8) as u8
    })
    .take(count)
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Option<Request> {
        let words: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
        Request::parse(&words)
    }

    #[test]
    fn arguments() {
        assert_eq!(parse(""), parse("all"));
        let values = Groups { values: true, ..Groups::default() };
        assert_eq!(parse("values"), Some(Request::Checks(values)));
        assert_eq!(parse("loop 12"), Some(Request::Loop(12)));
        assert_eq!(parse("plain 3"), Some(Request::Plain(3)));
        assert_eq!(parse("bench"), Some(Request::Bench(BENCH_DEFAULT)));
        assert_eq!(parse("bench 0"), None);
        assert_eq!(parse("split 10"), Some(Request::Split(10)));
        assert_eq!(parse("split"), None);
        assert_eq!(parse("work 30"), Some(Request::Work(30)));
        assert_eq!(parse("loop"), None);
        assert_eq!(parse("dance"), None);
    }

    #[test]
    fn noise_is_the_same_every_time() {
        assert_eq!(noise(64), noise(64));
        assert!(noise(256).iter().any(|&byte| byte > 0x7f));
    }
}
