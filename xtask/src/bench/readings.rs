//! What the machine printed, as numbers.

use anyhow::{Context, Result};
use std::collections::BTreeMap;

/// Rounds of one kind and what all of them took.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Reading {
    /// How many rounds.
    pub(super) rounds: u64,
    /// Instructions of all of them.
    pub(super) total: u64,
}

/// Readings by name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Readings(BTreeMap<String, Reading>);

impl Readings {
    /// Takes the lines `WORD NAME ROUNDS TOTAL` out of a text, whatever stands before the word.
    pub(crate) fn parse(word: &str, text: &str) -> Self {
        Self(text.lines().filter_map(|line| reading(word, line)).collect())
    }

    /// Instructions of one round.
    pub(crate) fn round(&self, name: &str) -> Result<f64> {
        let reading = self.0.get(name).with_context(|| format!("nothing was read of `{name}`"))?;
        Ok(reading.total as f64 / reading.rounds as f64)
    }

    /// Whether nothing was read.
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether others have the same names and rounds, and totals that differ by no more than this.
    pub(super) fn agrees_with(&self, other: &Self, by: u64) -> bool {
        let pairs = self.0.iter().zip(&other.0);
        self.0.len() == other.0.len()
            && pairs.into_iter().all(|((name, mine), (other, theirs))| {
                name == other
                    && mine.rounds == theirs.rounds
                    && mine.total.abs_diff(theirs.total) <= by
            })
    }

    /// All of them, by name.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&str, Reading)> {
        self.0.iter().map(|(name, reading)| (name.as_str(), *reading))
    }
}

fn reading(word: &str, line: &str) -> Option<(String, Reading)> {
    let words = after(word, line)?;
    let &[name, rounds, total] = words.as_slice() else { return None };
    let rounds = rounds.parse().ok().filter(|&rounds| rounds > 0)?;
    Some((name.to_owned(), Reading { rounds, total: total.parse().ok()? }))
}

/// The words of a line that follow `word`.
fn after<'a>(word: &str, line: &'a str) -> Option<Vec<&'a str>> {
    let mut words = line.split_whitespace();
    words.find(|candidate| *candidate == word)?;
    Some(words.collect())
}

/// The numbers that follow `word` in the first line that has it.
pub(super) fn numbers(word: &str, text: &str) -> Option<Vec<u64>> {
    let words = text.lines().find_map(|line| after(word, line))?;
    words.into_iter().map(|word| word.parse().ok()).collect()
}

/// An entry of the log as the shell shows it: its time in nanoseconds and its line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Entry<'a> {
    pub(super) time_ns: u64,
    pub(super) line: &'a str,
}

/// Reads what the shell's `log` shows: `SECONDS.MICROSECONDS LEVEL SERVER TEXT` in each line.
pub(crate) fn entries(text: &str) -> Vec<Entry<'_>> {
    let entry = |line| {
        let (seconds, micros) = str::trim_start(line).split(' ').next()?.split_once('.')?;
        if micros.len() != 6 {
            return None;
        }
        let micros: u64 = micros.parse().ok()?;
        Some(Entry { time_ns: (seconds.parse::<u64>().ok()? * 1_000_000 + micros) * 1000, line })
    };
    text.lines().filter_map(entry).collect()
}

/// The time from the last entry with one text to the first after it with another.
pub(crate) fn span(entries: &[Entry<'_>], from: &str, to: &str) -> Result<f64> {
    let start = entries.iter().rposition(|entry| entry.line.contains(from));
    let start = start.with_context(|| format!("the log has no `{from}`"))?;
    let end = entries.iter().skip(start).find(|entry| entry.line.contains(to));
    let end = end.with_context(|| format!("the log has no `{to}` after `{from}`"))?;
    Ok((end.time_ns - entries[start].time_ns) as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PROBE: &str = "[  0.011422] info  supervisor: probe-user 5 6\n\
        [  0.011660] info  supervisor: probe no-call 1000 229010\n\
        [  0.011908] info  supervisor: probe clock 50 11950\n\
        probe broken 0 1\nprobe short 1\n";

    #[test]
    fn readings_are_found_behind_anything() {
        let readings = Readings::parse("probe", PROBE);
        assert_eq!(readings.iter().count(), 2);
        assert!((readings.round("clock").unwrap() - 239.0).abs() < 1e-9);
        assert!((readings.round("no-call").unwrap() - 229.01).abs() < 1e-9);
        let error = readings.round("broken").unwrap_err();
        assert_eq!(error.to_string(), "nothing was read of `broken`");
        assert!(Readings::parse("bench", PROBE).is_empty());
    }

    #[test]
    fn runs_are_compared() {
        let readings = |text| Readings::parse("probe", text);
        let run = readings("probe a 10 500\n");
        assert!(run.agrees_with(&readings("probe a 10 501\n"), 1));
        for other in ["probe a 10 502\n", "probe b 10 500\n", "probe a 9 500\n", ""] {
            assert!(!run.agrees_with(&readings(other), 1), "{other}");
        }
    }

    #[test]
    fn numbers_follow_their_word() {
        assert_eq!(numbers("probe-user", PROBE), Some(vec![5, 6]));
        assert_eq!(numbers("work", "work 20 19924 58702465\n"), Some(vec![20, 19924, 58_702_465]));
        assert_eq!(numbers("work", "work 20 x\n"), None);
        assert_eq!(numbers("other", PROBE), None);
    }

    #[test]
    fn times_of_the_log_are_read() {
        let text = "log -n 20\n\
            \x20   0.092814 info  supervisor `echo` is ready\n\
            \x20   0.450742 info  supervisor `echo` is started on request\n\
            \x20   1.000000 info  supervisor `other` is ready\n\
            \x20   1.000001 info  supervisor `echo` is ready\n\
            nonsense 1.5 lines\n";
        let entries = entries(text);
        assert_eq!(entries.len(), 4);
        let took = span(&entries, "`echo` is started", "`echo` is ready").unwrap();
        assert!((took - 549_259_000.0).abs() < 0.5);
        assert!(span(&entries, "`other` is ready", "`relay`").is_err());
    }
}
