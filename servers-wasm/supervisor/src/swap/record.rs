//! What is remembered of a transaction and told of it, while it runs and after.

use super::event::{Failure, Outcome, Phase};
use crate::report;

/// Most transactions that are remembered after their end.
pub const REMEMBERED: usize = 64;

/// One server of a transaction and its two versions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// The server's name.
    pub server: String,
    /// File name of the component that served before.
    pub old: String,
    /// File name of the one that is to serve after.
    pub new: String,
}

/// What a transaction came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Result {
    /// It is not over.
    Running,
    /// The new versions serve.
    Swapped,
    /// The new versions load and fit; nothing was changed, as asked.
    Checked,
    /// The old versions serve; the text says why.
    RolledBack(String),
}

/// One transaction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// When it began, in nanoseconds since boot.
    pub began_ns: u64,
    /// Its servers.
    pub changes: Vec<Change>,
    /// The phases that are over, in order, and how many nanoseconds each took.
    pub phases: Vec<(Phase, u64)>,
    /// Bytes of state that the old versions have given up.
    pub state_bytes: u64,
    /// Calls that waited for the new versions when these began to serve.
    pub calls_held: u64,
    /// What it came to.
    pub result: Result,
}

impl Record {
    /// A transaction that begins.
    #[must_use]
    pub const fn new(began_ns: u64, changes: Vec<Change>) -> Self {
        Self {
            began_ns,
            changes,
            phases: Vec::new(),
            state_bytes: 0,
            calls_held: 0,
            result: Result::Running,
        }
    }

    /// How many nanoseconds calls waited, as far as it is known.
    #[must_use]
    pub fn downtime_ns(&self) -> u64 {
        let down = [Phase::Quiesce, Phase::Transfer, Phase::Commit];
        let phases = self.phases.iter().filter(|(phase, _)| down.contains(phase));
        phases.fold(0, |sum, (_, took_ns)| sum.saturating_add(*took_ns))
    }

    /// Its servers in words: `` `a` and `b` ``.
    #[must_use]
    pub fn servers(&self) -> String {
        let names: Vec<String> =
            self.changes.iter().map(|change| format!("`{}`", change.server)).collect();
        names.join(" and ")
    }

    /// Notes the end.
    pub fn finish(&mut self, outcome: &Outcome) {
        self.result = match outcome {
            Outcome::New => Result::Swapped,
            Outcome::Checked => Result::Checked,
            Outcome::Old(failure) => Result::RolledBack(self.explain(failure)),
        };
    }

    fn explain(&self, failure: &Failure) -> String {
        let member = failure.member.and_then(|member| self.changes.get(member));
        let of = member.map_or_else(String::new, |change| format!(" of `{}`", change.server));
        format!("{}{of}: {}", failure.phase, failure.reason)
    }

    /// The end in words, as the rest of a sentence that begins with the servers.
    #[must_use]
    pub fn end(&self) -> String {
        let versions: Vec<&str> = self.changes.iter().map(|change| change.new.as_str()).collect();
        let versions = versions.join(", ");
        match &self.result {
            Result::Running => format!("being swapped to {versions}"),
            Result::Checked => format!("can be swapped to {versions}"),
            Result::Swapped => format!(
                "swapped to {versions}: {} bytes of state, {} calls held, down for {}",
                self.state_bytes,
                self.calls_held,
                report::duration(self.downtime_ns())
            ),
            Result::RolledBack(why) => {
                format!("not swapped to {versions}, the old version serves: {why}")
            }
        }
    }
}
