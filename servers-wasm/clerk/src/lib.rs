//! The program `clerk`: uses the servers `store` and `counter` and checks every answer.
//!
//! | command | what it does |
//! |---|---|
//! | `clerk work` | numbers its calls on an open table and checks each answer, until `clerk stop` |
//! | `clerk stop` | ends that |
//! | `clerk put KEY VALUE` | stores a value in the table `control` |
//! | `clerk get KEY` | prints it |
//! | `clerk fill COUNT SIZE` | stores that many values of so many bytes |
//! | `clerk version` | prints which version of the server answers |
//! | `clerk count TIMES` | has `counter` count so often, checks each answer, prints the last |
//!
//! [`Request`] understands the arguments and [`Tally`] keeps the score; both are pure. `component`
//! makes the calls.

#![deny(unsafe_code)]

#[cfg(target_arch = "wasm32")]
#[allow(unsafe_code, reason = "the generated glue of the component model is unsafe")]
mod component;

/// What is said when the arguments make no sense.
pub const USAGE: &str =
    "usage: clerk work|stop|put KEY VALUE|get KEY|fill COUNT SIZE|version|count TIMES";

/// Nanoseconds after which an answer is late.
pub const LATE_NS: u64 = 10_000_000;

/// What the arguments ask for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Request {
    /// Numbered calls until told to stop.
    Work,
    /// Tells it to.
    Stop,
    /// Stores a value.
    Put(String, String),
    /// Prints a value.
    Get(String),
    /// Stores that many values of so many bytes.
    Fill(u32, u32),
    /// Prints the server's version.
    Version,
    /// Counts so often.
    Count(u32),
}

impl Request {
    /// Reads the arguments that follow the program's name; `None` if they make no sense.
    #[must_use]
    pub fn parse(arguments: &[String]) -> Option<Self> {
        let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
        Some(match words.as_slice() {
            ["work"] => Self::Work,
            ["stop"] => Self::Stop,
            ["put", key, value] => Self::Put((*key).to_owned(), (*value).to_owned()),
            ["get", key] => Self::Get((*key).to_owned()),
            ["fill", count, size] => Self::Fill(count.parse().ok()?, size.parse().ok()?),
            ["version"] => Self::Version,
            ["count", times] => Self::Count(times.parse().ok()?),
            _ => return None,
        })
    }
}

/// How many answers were right, wrong and late.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    right: u32,
    wrong: u32,
    late: u32,
    longest_ns: u64,
}

impl Tally {
    /// Counts an answer that took so long.
    pub fn count(&mut self, is_right: bool, took_ns: u64) {
        self.right = self.right.saturating_add(u32::from(is_right));
        self.wrong = self.wrong.saturating_add(u32::from(!is_right));
        self.late = self.late.saturating_add(u32::from(took_ns > LATE_NS));
        self.longest_ns = self.longest_ns.max(took_ns);
    }

    /// In words.
    #[must_use]
    pub fn summary(&self) -> String {
        let Self { right, wrong, late, longest_ns } = self;
        let longest = longest_ns / 1_000;
        format!(
            "{right} answers right, {wrong} wrong, {late} late, the longest after {longest} us\n"
        )
    }

    /// Whether no answer was wrong.
    #[must_use]
    pub const fn is_clean(&self) -> bool {
        self.wrong == 0
    }
}

#[cfg(test)]
mod tests {
    use super::{LATE_NS, Request, Tally};

    #[test]
    fn arguments() {
        let parse = |line: &str| {
            Request::parse(&line.split_whitespace().map(str::to_owned).collect::<Vec<_>>())
        };
        assert_eq!(parse("work"), Some(Request::Work));
        assert_eq!(parse("put a b"), Some(Request::Put("a".into(), "b".into())));
        assert_eq!(parse("get a"), Some(Request::Get("a".into())));
        assert_eq!(parse("fill 3 500"), Some(Request::Fill(3, 500)));
        assert_eq!(parse("count 20"), Some(Request::Count(20)));
        assert_eq!(parse("put a"), None);
        assert_eq!(parse(""), None);
    }

    #[test]
    fn answers_are_counted() {
        let mut tally = Tally::default();
        tally.count(true, 1_000);
        tally.count(true, LATE_NS + 1);
        assert!(tally.is_clean());
        tally.count(false, 0);
        assert!(!tally.is_clean());
        assert_eq!(
            tally.summary(),
            "2 answers right, 1 wrong, 1 late, the longest after 10000 us\n"
        );
    }
}
