//! The program `keeper`: changes servers, as far as its grant goes, and prints what came of it.
//!
//! | command | what it does |
//! |---|---|
//! | `keeper swap NAME FILE [GRANT]` | swaps a server for another version, and may grant it something |
//! | `keeper rollback NAME` | goes back to the version before |
//! | `keeper restart NAME`, `kill`, `stop`, `start`, `revoke` | what the shell's commands do |
//! | `keeper history NAME` | prints how many swaps the server had |
//!
//! [`Request`] understands the arguments; `component` makes the calls.

#![deny(unsafe_code)]

#[cfg(target_arch = "wasm32")]
#[allow(unsafe_code, reason = "the generated glue of the component model is unsafe")]
mod component;

/// What is said when the arguments make no sense.
pub const USAGE: &str = "usage: keeper swap NAME FILE [GRANT]|rollback NAME|restart NAME|\
    kill NAME|stop NAME|start NAME|revoke NAME|history NAME";

/// What the arguments ask for: each of a server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Request {
    /// Another version, from a file, and lines of authority for it.
    Swap(String, String, Vec<String>),
    /// The version before.
    Rollback(String),
    /// To end it and start it again.
    Restart(String),
    /// To end it as a crash would.
    Kill(String),
    /// To stop it.
    Stop(String),
    /// To start it.
    Start(String),
    /// To revoke what it handed out.
    Revoke(String),
    /// Its swaps.
    History(String),
}

impl Request {
    /// Reads the arguments that follow the program's name; `None` if they make no sense.
    #[must_use]
    pub fn parse(arguments: &[String]) -> Option<Self> {
        let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
        let (name, rest) = words.get(1..)?.split_first()?;
        let name = (*name).to_owned();
        Some(match (*words.first()?, rest) {
            ("swap", [file]) => Self::Swap(name, (*file).to_owned(), Vec::new()),
            ("swap", [file, grant]) => {
                Self::Swap(name, (*file).to_owned(), vec![(*grant).to_owned()])
            }
            ("rollback", []) => Self::Rollback(name),
            ("restart", []) => Self::Restart(name),
            ("kill", []) => Self::Kill(name),
            ("stop", []) => Self::Stop(name),
            ("start", []) => Self::Start(name),
            ("revoke", []) => Self::Revoke(name),
            ("history", []) => Self::History(name),
            _ => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::Request;

    #[test]
    fn arguments() {
        let parse = |line: &str| {
            Request::parse(&line.split_whitespace().map(str::to_owned).collect::<Vec<_>>())
        };
        let swap = |grants| Some(Request::Swap("a".into(), "b.wasm".into(), grants));
        assert_eq!(parse("swap a b.wasm"), swap(vec![]));
        assert_eq!(parse("swap a b.wasm x:y/z=kernel"), swap(vec!["x:y/z=kernel".into()]));
        assert_eq!(parse("rollback a"), Some(Request::Rollback("a".into())));
        for bad in ["", "swap", "swap a", "stop", "stop a b", "swop a b"] {
            assert_eq!(parse(bad), None, "{bad}");
        }
    }
}
