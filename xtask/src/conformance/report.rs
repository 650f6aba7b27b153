//! What a run reports: `wasm-runtime/conformance/src/run/mod.rs` says how its lines are built.

use anyhow::{Context, Result};
use atoll_scenarios::Summary;
use std::collections::BTreeMap;

/// What the lines of both runs begin with, that of code as it is and that of code that records its
/// calls; the kernel's log puts time and domain before it.
const PREFIXES: [&str; 2] = ["conformance ", "recording "];

/// A report that was read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Report {
    /// What came of the directives of each file, one letter for each behind how many in a row.
    pub(super) files: BTreeMap<String, String>,
    /// What failed and why.
    pub(super) failures: Vec<String>,
    /// The closing line.
    pub(super) summary: Summary,
}

impl Report {
    /// Reads the reports of both runs out of whatever else was said.
    pub(super) fn read_both(text: &str) -> Result<[Self; 2]> {
        let [plain, recording] = PREFIXES.map(|prefix| Self::read(text, prefix));
        Ok([plain?, recording?])
    }

    fn read(text: &str, prefix: &str) -> Result<Self> {
        let mut report = Self::default();
        let mut closing = None;
        for line in text.lines() {
            let Some((_, said)) = line.split_once(prefix) else { continue };
            if let Some(file) = said.strip_prefix("file ") {
                let (name, runs) = file.split_once(' ').unwrap_or((file, ""));
                report.files.entry(name.to_owned()).or_default().push_str(runs.trim());
            } else if let Some(failure) = said.strip_prefix("failed ") {
                report.failures.push(failure.trim().to_owned());
            } else if let Some(summary) = summary(said) {
                closing = Some(summary);
            }
        }
        report.summary = closing.context("the run did not come to its end")?;
        Ok(report)
    }

    /// The closing line.
    pub(super) fn line(&self) -> String {
        let Summary { passed, failed, skipped } = self.summary;
        format!("{passed} passed, {failed} failed, {skipped} skipped")
    }

    /// Whether nothing of a file failed, not-yet list or not. `None` if it is not there.
    pub(super) fn passes(&self, file: &str) -> Option<bool> {
        self.files.get(file).map(|runs| !runs.contains('f'))
    }

    /// Prints and counts the files of which another run says something else.
    pub(super) fn differences(&self, other: &Self, place: &str) -> usize {
        let names = self
            .files
            .keys()
            .chain(other.files.keys().filter(|name| !self.files.contains_key(*name)));
        let mut count = 0;
        for name in names {
            let (mine, theirs) = (self.files.get(name), other.files.get(name));
            if mine != theirs {
                let runs =
                    |runs: Option<&String>| runs.map_or("not there", String::as_str).to_owned();
                println!("  {name}: {} here, {} {place}", runs(mine), runs(theirs));
                let of_file =
                    other.failures.iter().filter(|failure| failure.starts_with(name.as_str()));
                of_file.for_each(|failure| println!("    {failure}"));
                count += 1;
            }
        }
        count
    }
}

/// Reads `12 passed, 1 failed, 3 skipped`.
fn summary(text: &str) -> Option<Summary> {
    let numbers: Vec<usize> = text
        .trim()
        .split(", ")
        .zip(["passed", "failed", "skipped"])
        .map_while(|(part, word)| part.strip_suffix(word)?.trim().parse().ok())
        .collect();
    match numbers.as_slice() {
        &[passed, failed, skipped] => Some(Summary { passed, failed, skipped }),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOST: &str = "conformance failed b.wast:3 it did not trap\n\
        conformance file a.wast 3p\nconformance file b.wast 2p\nconformance file b.wast 1f\n\
        conformance 5 passed, 1 failed, 0 skipped\n";

    fn read(text: &str) -> Result<Report> {
        Report::read(text, PREFIXES[0])
    }

    #[test]
    fn both_runs_are_told_apart() {
        let text =
            format!("{HOST}recording file a.wast 2p\nrecording 2 passed, 0 failed, 0 skipped");
        let [plain, recording] = Report::read_both(&text).expect("two reports");
        assert_eq!(plain, read(HOST).expect("a report"));
        assert_eq!((recording.files.len(), recording.summary.passed), (1, 2));
        assert!(Report::read_both(HOST).is_err());
    }

    #[test]
    fn a_report_is_read_out_of_a_log() {
        let host = read(HOST).expect("a report");
        assert_eq!(host.files["b.wast"], "2p1f");
        assert_eq!(host.failures, ["b.wast:3 it did not trap"]);
        assert_eq!(host.line(), "5 passed, 1 failed, 0 skipped");
        assert_eq!((host.passes("a.wast"), host.passes("b.wast")), (Some(true), Some(false)));
        assert_eq!(host.passes("c.wast"), None);
        let log: String = HOST
            .lines()
            .map(|line| format!("[  1.000000] info  conformance: {line}\r\n"))
            .collect();
        assert_eq!(read(&format!("boot\n{log}")).expect("a report"), host);
        assert!(read("conformance file a.wast 3p\n").is_err());
    }

    #[test]
    fn differences_are_counted_by_file() {
        let host = read(HOST).expect("a report");
        let kernel = HOST.replace("b.wast 1f", "b.wast 1p").replace("file a.wast", "file c.wast");
        let kernel = read(&kernel).expect("a report");
        assert_eq!(host.differences(&host, "there"), 0);
        assert_eq!(host.differences(&kernel, "there"), 3);
    }
}
