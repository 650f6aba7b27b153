//! The kernel's command line: words separated by spaces, most of them `key=value`.

use alloc::string::String;
use alloc::vec::Vec;

use atoll_gate::record::Level;

/// What follows the report of a kernel bug.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnPanic {
    /// The machine stands still, so that the report can be read.
    #[default]
    Halt,
    /// The machine starts again.
    Reboot,
}

/// The command line, parsed. Unknown keys are kept, for whoever knows them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CommandLine {
    words: Vec<(String, String)>,
}

impl CommandLine {
    /// Splits the text. A word without `=` is a key with an empty value; of several words with
    /// one key the last counts.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        let words = text.split_ascii_whitespace().map(|word| {
            let (key, value) = word.split_once('=').unwrap_or((word, ""));
            (String::from(key), String::from(value))
        });
        Self { words: words.collect() }
    }

    /// The value of a key.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&str> {
        let found = self.words.iter().rev().find(|(known, _)| known == key);
        found.map(|(_, value)| value.as_str())
    }

    /// `init=NAME`: the module that the first domain runs.
    #[must_use]
    pub fn init(&self) -> Option<&str> {
        self.get("init")
    }

    /// `log=LEVEL`: most detail that is logged, `info` unless said otherwise.
    #[must_use]
    pub fn log_level(&self) -> Level {
        match self.get("log") {
            Some("error") => Level::Error,
            Some("warn") => Level::Warn,
            Some("debug") => Level::Debug,
            Some("trace") => Level::Trace,
            _ => Level::Info,
        }
    }

    /// `exit=isa-debug`: switching off writes to QEMU's debug exit device at port 0xf4.
    #[must_use]
    pub fn exit_by_debug_port(&self) -> bool {
        self.get("exit") == Some("isa-debug")
    }

    /// `panic=halt|reboot`: what follows the report of a kernel bug.
    #[must_use]
    pub fn on_panic(&self) -> OnPanic {
        match self.get("panic") {
            Some("reboot") => OnPanic::Reboot,
            _ => OnPanic::Halt,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{CommandLine, Level, OnPanic};
    use proptest::prelude::proptest;

    #[test]
    fn words_are_keys_and_values() {
        let line = CommandLine::parse(" init=supervisor.wasm  log=debug quiet x=a=b log=trace ");
        assert_eq!(line.init(), Some("supervisor.wasm"));
        assert_eq!(line.log_level(), Level::Trace);
        assert_eq!(line.get("quiet"), Some(""));
        assert_eq!(line.get("x"), Some("a=b"));
        assert_eq!(line.get("y"), None);
        assert!(!line.exit_by_debug_port());
        assert_eq!(line.on_panic(), OnPanic::Halt);
    }

    proptest! {
        #[test]
        fn any_text_parses(text in ".*") {
            let line = CommandLine::parse(&text);
            assert!(line.words.iter().all(|(key, _)| !key.contains('=')));
        }
    }
}
